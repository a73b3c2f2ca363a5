//! A host on tokio and tokio-tungstenite: `tokio TOKEN URL`.
//!
//! One task drives the client and waits for its queue of what [`Happened`], and for the deadline. Each socket has a task
//! of its own that connects, and then reads and writes side by side, so neither a service that does not answer nor one
//! that does not read holds anything else up. `URL` is `ws://…`: for `wss://…` turn on a TLS feature of
//! tokio-tungstenite.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a host does what the core does not: it looks at the clock and prints"
)]

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, CreateChannel, Event, Frame, HttpFailure, Input, Json,
    LinkId, Reply, Seed, SendMessage, Time, Token,
};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

type Failure = Box<dyn Error + Send + Sync>;

// ---- the host: all that a runtime needs to know of the client

/// How long a service may take for what is still to be written when its socket is closed.
const LINGER: Duration = Duration::from_secs(1);

/// What the host waits for.
enum Happened {
    Asked(Call),
    Opened(LinkId),
    Read(LinkId, Message),
    Closed(LinkId, Cause),
    Ended,
}

/// The host's end of a socket: when it is dropped, the socket is closed.
struct Socket {
    link: LinkId,
    queue: UnboundedSender<Message>,
    _open: oneshot::Sender<()>,
}

struct Host {
    client: Client,
    begun: Instant,
    open: Option<Socket>,
    happened: Receiver<Happened>,
    /// For the tasks of the sockets.
    report: Sender<Happened>,
}

impl Host {
    fn now(&self) -> Time {
        Time::ZERO + self.begun.elapsed()
    }

    fn tell(&mut self, input: Input<'_>) {
        self.client.handle(self.now(), input);
    }

    /// Drives the client until the program goes away.
    async fn run(mut self, events: UnboundedSender<Event>) -> Result<(), Failure> {
        loop {
            while let Some(command) = self.client.poll_command() {
                self.perform(command);
            }
            while let Some(event) = self.client.poll_event() {
                events.send(event)?;
            }
            let due = self.client.deadline().map(|due| self.begun + due.at.since(Time::ZERO));
            let due = due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            match timeout_at(due, self.happened.recv()).await {
                Err(_elapsed) => self.tell(Input::Tick),
                Ok(Some(Happened::Asked(call))) => {
                    self.client.call(self.now(), call, CallOptions::default())?;
                }
                Ok(Some(Happened::Opened(link))) => self.tell(Input::Opened(link)),
                Ok(Some(Happened::Read(link, message))) => match message {
                    Message::Binary(bytes) => self.tell(Input::Frame(link, Frame::Binary(&bytes))),
                    Message::Text(text) => self.tell(Input::Frame(link, Frame::Text(&text))),
                    _ => {}
                },
                Ok(Some(Happened::Closed(link, cause))) => {
                    self.open = None;
                    self.tell(Input::Closed(link, cause));
                }
                Ok(Some(Happened::Ended) | None) => return Ok(()),
            }
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { link, url } => {
                let ((queue, queued), (open, closing)) = (unbounded_channel(), oneshot::channel());
                tokio::spawn(carry(link, url, queued, closing, self.report.clone()));
                self.open = Some(Socket { link, queue, _open: open });
            }
            Command::Send { link, bytes } => match &self.open {
                // It only goes into the queue; what cannot be written ends the socket's task.
                Some(open) if open.link == link => {
                    let _ = open.queue.send(Message::binary(bytes.into_vec()));
                }
                _ => {}
            },
            Command::Close { link } => drop(self.open.take_if(|open| open.link == link)),
            Command::Http { http, .. } => {
                let none = HttpFailure::Refused("this program carries no media".into());
                self.tell(Input::HttpDone(http, Err(none)));
            }
            other => eprintln!("this program does without {other:?}"),
        }
    }
}

/// The life of a socket, from connecting to telling how it ended; soon after the host let go of it at the latest.
async fn carry(
    link: LinkId,
    url: Box<str>,
    queued: UnboundedReceiver<Message>,
    closing: oneshot::Receiver<()>,
    report: Sender<Happened>,
) {
    let given_up = async {
        let _ = closing.await;
        sleep(LINGER).await;
    };
    let cause = tokio::select! {
        end = exchange(link, &url, queued, &report) => {
            end.unwrap_or_else(|error| Cause::Failed(error.to_string().into()))
        }
        () = given_up => Cause::Local,
    };
    let _ = report.send(Happened::Closed(link, cause)).await;
}

/// Connects, writes what is queued and reports what comes, until either ends.
async fn exchange(
    link: LinkId,
    url: &str,
    mut queued: UnboundedReceiver<Message>,
    report: &Sender<Happened>,
) -> Result<Cause, WsError> {
    let (socket, _) = connect_async(url).await?;
    let (mut sink, mut stream) = socket.split();
    let _ = report.send(Happened::Opened(link)).await;
    let writing = async {
        while let Some(message) = queued.recv().await {
            sink.send(message).await?;
        }
        sink.close().await.map(|()| Cause::Local)
    };
    let reading = async {
        while let Some(message) = stream.next().await {
            let _ = report.send(Happened::Read(link, message?)).await;
        }
        Ok(Cause::Remote(None))
    };
    tokio::select! {
        end = writing => end,
        end = reading => end,
    }
}

// ---- the program

pub(crate) struct Chat {
    report: Sender<Happened>,
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
        let ((report, happened), (to_program, events)) = (channel(64), unbounded_channel());
        let host = Host { client, begun: Instant::now(), open: None, happened, report: report.clone() };
        Ok(Self { report, events, host: tokio::spawn(host.run(to_program)) })
    }

    /// Asks, and shows what happens until the answer is there. One call at a time, so any answer is this one's.
    pub(crate) async fn ask(&mut self, call: Call) -> Result<Reply, Failure> {
        self.report.send(Happened::Asked(call)).await?;
        loop {
            match timeout(Duration::from_secs(30), self.events.recv()).await?.ok_or("the host has ended")? {
                Event::Answer { result, .. } => return Ok(result?),
                event => println!("{event:?}"),
            }
        }
    }

    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.report.send(Happened::Ended).await?;
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
    chat.ask(Call::Shutdown { drain_until: None }).await?;
    Ok(())
}
