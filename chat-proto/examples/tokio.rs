//! A host on tokio and tokio-tungstenite: `tokio TOKEN URL`.
//!
//! One task drives the client: it waits for calls of the program, for reports of the socket, and for the deadline. Each
//! socket has a task of its own, so neither a service that does not answer nor one that does not read holds anything else
//! up. `URL` is `ws://…`: for `wss://…` turn on a TLS feature of tokio-tungstenite.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a host does what the core does not: it looks at the clock and prints"
)]

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, CreateChannel, Event, FrameBytes, Input, InputRecord,
    Json, LinkId, Reply, Seed, SendMessage, Time, Token,
};
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Message;

type Failure = Box<dyn Error + Send + Sync>;
type Calls = UnboundedReceiver<Call>;
type Queue = UnboundedReceiver<FrameBytes>;

// ---- the host: all that a runtime needs to know of the client

/// How long a service may take to let us in, or to take a message.
const PATIENCE: Duration = Duration::from_secs(10);

/// Drives the client until it is shut down.
async fn drive(mut client: Client, mut calls: Calls, events: UnboundedSender<Event>) -> Result<(), Failure> {
    let begun = Instant::now();
    let now = || Time::ZERO + begun.elapsed();
    let (report, mut reports) = channel::<InputRecord>(64);
    let (mut queue, _) = unbounded_channel();
    while !client.has_ended() {
        let wait = client.deadline().map_or(Duration::MAX, |due| due.at.since(now()));
        tokio::select! {
            Some(input) = reports.recv() => client.handle(now(), input.as_input()),
            Some(call) = calls.recv() => { client.call(now(), call, CallOptions::default())?; }
            () = sleep(wait) => client.handle(now(), Input::Tick),
        }
        while let Some(command) = client.poll_command() {
            match command {
                Command::Open { link, url } => {
                    let queued;
                    (queue, queued) = unbounded_channel();
                    tokio::spawn(carry(link, url, queued, report.clone()));
                }
                // For the socket that was opened last. If that is gone, so is what was to be sent.
                Command::Send { bytes, .. } => drop(queue.send(bytes)),
                // A socket whose queue ends is closed, and reports that.
                Command::Close { .. } => (queue, _) = unbounded_channel(),
                other => client.handle(now(), other.decline()),
            }
        }
        while let Some(event) = client.poll_event() {
            events.send(event)?;
        }
    }
    Ok(())
}

/// The life of a socket: it connects, writes what is queued and reports what comes, side by side, until either ends.
async fn carry(link: LinkId, url: Box<str>, mut queue: Queue, report: Sender<InputRecord>) {
    let life = async {
        let (socket, _) = timeout(PATIENCE, connect_async_with_config(&*url, None, true)).await??;
        let (mut sink, mut stream) = socket.split();
        report.send(InputRecord::Opened(link)).await?;
        let writing = async {
            while let Some(bytes) = queue.recv().await {
                timeout(PATIENCE, sink.send(Message::binary(bytes.into_vec()))).await??;
            }
            timeout(PATIENCE, sink.close()).await??;
            Ok(Cause::Local)
        };
        let reading = async {
            while let Some(message) = stream.try_next().await? {
                match message {
                    Message::Binary(bytes) => report.send(InputRecord::binary(link, bytes)).await?,
                    Message::Text(text) => report.send(InputRecord::text(link, text.as_str())).await?,
                    _ => {}
                }
            }
            Ok(Cause::Remote(None))
        };
        tokio::select! { end = writing => end, end = reading => end }
    };
    let cause = life.await.unwrap_or_else(|error: Failure| Cause::failed(error));
    let _ = report.send(InputRecord::Closed(link, cause)).await;
}

// ---- the program

pub(crate) struct Chat {
    calls: UnboundedSender<Call>,
    events: UnboundedReceiver<Event>,
    host: JoinHandle<Result<(), Failure>>,
}

impl Chat {
    /// Must be called on the runtime that is to carry the host.
    pub(crate) fn start(token: String, url: String) -> Result<Self, Failure> {
        let mut config = Config::default();
        config.endpoints.twilsock = Some(url.into());
        config.unix_at_origin = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into().ok();
        // A seed must never repeat: a real program takes it from the operating system.
        let seed = Seed::from_number(config.unix_at_origin.unwrap_or_default());
        let client = Client::new(config, Token::new(token)?, &seed, Time::ZERO);
        let ((calls, asked), (told, events)) = (unbounded_channel(), unbounded_channel());
        Ok(Self { calls, events, host: tokio::spawn(drive(client, asked, told)) })
    }

    /// Asks, and shows what happens until the answer is there. One call at a time, so any answer is this one's.
    pub(crate) async fn ask(&mut self, call: Call) -> Result<Reply, Failure> {
        self.calls.send(call)?;
        loop {
            match timeout(Duration::from_secs(30), self.events.recv()).await?.ok_or("the host has ended")? {
                Event::Answer { result, .. } => return Ok(result?),
                event => println!("{event:?}"),
            }
        }
    }

    /// Shuts the client down, and lets go of the host when that is done.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        self.ask(Call::Shutdown { drain_until: None }).await?;
        self.host.await?
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(token), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tokio TOKEN URL".into());
    };
    let mut chat = Chat::start(token, url)?;
    converse(&mut chat).await?;
    chat.end().await
}

pub(crate) async fn converse(chat: &mut Chat) -> Result<(), Failure> {
    let Reply::Channel(channel) = chat.ask(Call::CreateChannel(CreateChannel::default())).await? else {
        return Err("no channel".into());
    };
    chat.ask(Call::Join(channel.sid.clone())).await?;
    let body = Some("Hello from a task".into());
    let message = SendMessage { channel: channel.sid.clone(), body, attributes: Json::default() };
    println!("sent: {:?}", chat.ask(Call::SendMessage(message)).await?);
    Ok(())
}
