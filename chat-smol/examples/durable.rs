//! Says a sequence of lines in a channel, each once and in order, whatever happens to the process: kill it with
//! `kill -9` and start it again, as often as you like.
//!
//! ```text
//! chat-testkit serve &                          # or the real service, with its address and your token
//! cargo run --example durable -- ws://127.0.0.1:PORT/v3/wsconnect TOKEN alice.json 100
//! ```
//!
//! The app remembers nothing by itself. What it has said is what stands in the channel, or is on its way there, in the
//! read model; and the client keeps that in a file.

use std::error::Error;
use std::time::Duration;

use chat_smol::{
    CallError, Channel, ChannelStatus, Client, Config, CreateChannel, Error as CallFailure, FileStorage,
    Json, Options,
};
use smol::Timer;

/// The unique name of the channel.
pub(crate) const CHANNEL: &str = "durable";
/// How many lines may be on their way at once.
const AHEAD: usize = 5;

/// Where, who, and how much.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Of the service.
    pub(crate) url: String,
    /// An access token.
    pub(crate) token: String,
    /// Where the client is kept.
    pub(crate) file: String,
    /// The last line to say; the first is 0.
    pub(crate) lines: u64,
    /// See `Config::late_execution`: half a minute for a real service.
    pub(crate) late_execution: Duration,
    /// How long to wait between two lines.
    pub(crate) pause: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, token, file, lines] = &arguments[..] else {
        return Err("usage: durable URL TOKEN FILE LINES".into());
    };
    smol::block_on(run(Plan {
        url: url.clone(),
        token: token.clone(),
        file: file.clone(),
        lines: lines.parse()?,
        late_execution: Config::default().late_execution,
        pause: Duration::from_millis(100),
    }))
}

/// Says all lines; ends when each stands in the channel.
pub(crate) async fn run(plan: Plan) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    config.late_execution = plan.late_execution;
    let storage = FileStorage::open(&plan.file)?;
    let client =
        Client::create(plan.token, Options::new().config(config).url(plan.url).storage(storage)).await?;
    let channel = enter(&client).await?;
    loop {
        let (next, on_their_way) = progress(&client, &channel);
        if next > plan.lines && on_their_way == 0 {
            break;
        }
        if next <= plan.lines && on_their_way < AHEAD {
            // Accepted is enough: the answer need not be waited for.
            drop(channel.send_message(next.to_string(), Json::default()));
        }
        Timer::after(plan.pause).await;
    }
    client.shutdown().await;
    Ok(())
}

/// The next line to say, and how many are on their way.
fn progress(client: &Client, channel: &Channel) -> (u64, usize) {
    client.with_state(|state| {
        let said = state.messages(&channel.sid).map(|message| message.body.clone());
        let pending = state.pending_messages(&channel.sid).map(|message| message.body.clone());
        let lines = said.chain(pending).flatten().filter_map(|text| text.parse::<u64>().ok());
        (lines.max().map_or(0, |last| last + 1), state.pending_messages(&channel.sid).count())
    })
}

/// The channel, created and joined if that was not done yet. A crash may come between any two of these steps.
async fn enter(client: &Client) -> Result<Channel, Box<dyn Error>> {
    let known = client.get_local_channels(None).await?.into_iter();
    let mut known = known.filter(|channel| channel.unique_name.as_deref() == Some(CHANNEL));
    let channel = match known.next() {
        Some(channel) => channel,
        None => create(client).await?,
    };
    if channel.status == ChannelStatus::Joined {
        return Ok(channel);
    }
    match channel.join().await {
        Ok(channel) => Ok(channel),
        // An earlier process joined.
        Err(error) if is_conflict(&error) => Ok(channel),
        Err(error) => Err(error.into()),
    }
}

async fn create(client: &Client) -> Result<Channel, Box<dyn Error>> {
    let name = CreateChannel { unique_name: Some(CHANNEL.into()), ..CreateChannel::default() };
    match client.create_channel(name).await {
        Err(error) if is_conflict(&error) => Ok(client.get_channel_by_unique_name(CHANNEL).await?),
        created => Ok(created?),
    }
}

fn is_conflict(error: &CallFailure) -> bool {
    matches!(error.as_call_error(), Some(CallError::Session { code: 409, .. }))
}
