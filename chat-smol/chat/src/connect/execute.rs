//! Doing what was typed.

use std::time::Duration;

use chat_smol::proto::CallOptions;
use chat_smol::{
    CallDeadline, Channel, Client, ConnectionState, CreateChannel, Direction, Error, Event, Events, Json,
    Message, StreamExt, StreamItem,
};
use futures_lite::FutureExt;

use super::channels::{find, list, title};
use super::command::Command;
use super::show;
use crate::exit::chain;

/// How long a command may take, connected or not.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an event may come after the answer that it belongs to.
const ECHO: Duration = Duration::from_secs(2);
/// The service gives at most this many messages at once.
const PAGE: usize = 100;

/// Where what is typed goes.
#[derive(Debug, Default)]
pub(super) enum Place {
    /// Where it went before.
    #[default]
    Same,
    Channel(Channel),
    Nowhere,
}

/// What came of a command.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) lines: Vec<String>,
    /// Where to talk from now on.
    pub(super) place: Place,
    pub(super) quit: bool,
}

impl Answer {
    fn line(line: impl Into<String>) -> Self {
        Self::lines(vec![line.into()])
    }

    fn lines(lines: Vec<String>) -> Self {
        Self { lines, ..Self::default() }
    }

    /// Goes to a channel of which the own user is a member. Its messages are read once: only then do later ones come
    /// as events.
    async fn go_to(channel: Channel) -> Result<Self, String> {
        channel.get_messages(1, None, Direction::Backwards).await.map_err(says)?;
        let line = format!("you talk in {} now", title(&channel));
        Ok(Self { lines: vec![line], place: Place::Channel(channel), quit: false })
    }
}

/// Does a command. `current` is the channel in which it was typed.
pub(super) async fn execute(
    client: Client,
    current: Option<Channel>,
    command: Command,
) -> Result<Answer, String> {
    let client = client.with(CallOptions { deadline: CallDeadline::After(PATIENCE) });
    let answer = run(&client, current, command).await;
    settle(&client).await;
    answer
}

/// Lets the events through that came together with an answer, so that they are shown before it. The core knows this
/// answer by itself, so it costs no request; and what it says is of no interest.
async fn settle(client: &Client) {
    let _ = client.get_local_channels(None).await;
}

async fn run(client: &Client, current: Option<Channel>, command: Command) -> Result<Answer, String> {
    let here = || current.clone().ok_or("you are in no channel: /join NAME or /create NAME first");
    match command {
        Command::Send(text) => return send(&here()?, text).await,
        Command::Channels => return Ok(Answer::lines(list(client).await.map_err(says)?)),
        Command::Create { name, private } => {
            let options = CreateChannel {
                friendly_name: Some(name.as_str().into()),
                unique_name: Some(name.as_str().into()),
                is_private: private,
                attributes: Json::default(),
            };
            let channel = client.create_channel(options).await.map_err(says)?;
            return join(channel).await;
        }
        Command::Join(name) => {
            let channel = find(client, &name).await.map_err(|error| format!("{name}: {}", says(error)))?;
            if channel.status == chat_smol::ChannelStatus::Joined {
                return Answer::go_to(channel).await;
            }
            return join(channel).await;
        }
        Command::Decline(name) => {
            let channel = find(client, &name).await.map_err(|error| format!("{name}: {}", says(error)))?;
            channel.decline().await.map_err(says)?;
        }
        Command::Invite(who) => here()?.invite(who.as_str()).await.map_err(says)?,
        Command::Remove(who) => here()?.remove_member(who.as_str()).await.map_err(says)?,
        Command::Leave => {
            here()?.leave().await.map_err(says)?;
            return Ok(Answer { place: Place::Nowhere, ..Answer::default() });
        }
        Command::Members => {
            let members = here()?.get_members().await.map_err(says)?;
            return Ok(Answer::lines(members.iter().map(|member| show::member(member)).collect()));
        }
        Command::History(count) => {
            let channel = here()?;
            let messages = newest(&channel, count).await.map_err(says)?;
            let lines = messages.iter().map(|message| show::message(title(&channel), message));
            return Ok(Answer::lines(lines.collect()));
        }
        Command::Edit(index, text) => {
            find_message(&here()?, index).await?.update_body(text).await.map_err(says)?;
        }
        Command::Delete(index) => {
            find_message(&here()?, index).await?.remove().await.map_err(says)?;
        }
        Command::Typing => here()?.typing().await.map_err(says)?,
        Command::Who => return Ok(Answer::line(who(client, current.as_ref()))),
        Command::Help => return Ok(Answer::lines(Command::help())),
        Command::Quit => return Ok(Answer { quit: true, ..Answer::default() }),
    }
    Ok(Answer::default())
}

/// Joins, and waits until the event that says so has come.
async fn join(channel: Channel) -> Result<Answer, String> {
    let mut events = channel.events();
    let channel = channel.join().await.map_err(says)?;
    let joined = async {
        while let Some(item) = events.next().await {
            if matches!(item, StreamItem::Event(Event::ChannelJoined(_))) {
                return;
            }
        }
    };
    joined.or(too_late()).await;
    Answer::go_to(channel).await
}

async fn too_late() {
    smol::Timer::after(ECHO).await;
}

/// Sends, and waits until the message has come back as an event, so that it is shown before what comes next.
async fn send(channel: &Channel, text: String) -> Result<Answer, String> {
    let mut echo = channel.events();
    let index = channel.send_message(text, Json::default()).await.map_err(says)?;
    let Some(index) = index else { return Ok(Answer::default()) };
    let late = async {
        too_late().await;
        Answer::line(format!("sent as [{index}]"))
    };
    let shown = async {
        came_back(&mut echo, index).await;
        Answer::default()
    };
    Ok(shown.or(late).await)
}

async fn came_back(events: &mut Events, index: u64) {
    while let Some(item) = events.next().await {
        if matches!(item, StreamItem::Event(Event::MessageAdded(message)) if message.index >= index) {
            return;
        }
    }
}

/// The newest messages, oldest first.
async fn newest(channel: &Channel, count: usize) -> Result<Vec<Message>, Error> {
    let page = u32::try_from(count.min(PAGE)).unwrap_or(1);
    let page = channel.get_messages(page, None, Direction::Backwards).await?;
    let mut backwards = page.into_stream_backwards();
    let mut messages = Vec::new();
    while messages.len() < count
        && let Some(message) = backwards.next().await
    {
        messages.push(message?);
    }
    messages.reverse();
    Ok(messages)
}

async fn find_message(channel: &Channel, index: u64) -> Result<Message, String> {
    if let Some(held) = channel.messages().into_iter().find(|message| message.index == index) {
        return Ok(held);
    }
    let page = channel.get_messages(1, index, Direction::Forward).await.map_err(says)?;
    let found = page.into_items().into_iter().find(|message| message.index == index);
    found.ok_or_else(|| format!("there is no message {index}"))
}

fn who(client: &Client, current: Option<&Channel>) -> String {
    let me = client.identity().map(|identity| identity.to_string()).unwrap_or_default();
    let connection = match client.connection_state() {
        ConnectionState::Connected => "connected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Denied => "refused by the service",
        _ => "not connected",
    };
    let place =
        current.map_or_else(|| "in no channel".into(), |channel| format!("talking in {}", title(channel)));
    format!("you are {me}, {connection}, {place}")
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn says(error: Error) -> String {
    chain(&error)
}
