//! A host on tokio and tokio-tungstenite: `tokio TOKEN URL`.
//!
//! One task drives the client. `URL` is `ws://…`: for `wss://…` turn on a TLS feature of tokio-tungstenite.

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
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Failure = Box<dyn Error + Send + Sync>;

// ---- the host: all that a runtime needs to know of the client

struct Host {
    client: Client,
    begun: Instant,
    open: Option<(LinkId, WebSocketStream<MaybeTlsStream<TcpStream>>)>,
}

impl Host {
    fn now(&self) -> Time {
        Time::ZERO + self.begun.elapsed()
    }

    fn tell(&mut self, input: Input<'_>) {
        self.client.handle(self.now(), input);
    }

    /// Drives the client until the program goes away.
    async fn run(
        mut self,
        mut calls: UnboundedReceiver<Call>,
        events: UnboundedSender<Event>,
    ) -> Result<(), Failure> {
        loop {
            while let Some(command) = self.client.poll_command() {
                self.perform(command).await;
            }
            while let Some(event) = self.client.poll_event() {
                if events.send(event).is_err() {
                    return Ok(());
                }
            }
            let due = self.client.deadline().map(|deadline| self.begun + deadline.at.since(Time::ZERO));
            let timer = sleep_until(due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1)));
            let now = self.now();
            tokio::select! {
                call = calls.recv() => match call {
                    Some(call) => drop(self.client.call(now, call, CallOptions::default())?),
                    None => return Ok(()),
                },
                (link, message) = read(&mut self.open) => self.take(link, message),
                () = timer => self.tell(Input::Tick),
            }
        }
    }

    async fn perform(&mut self, command: Command) {
        match command {
            Command::Open { link, url } => match connect_async(&*url).await {
                Ok((socket, _)) => {
                    self.open = Some((link, socket));
                    self.tell(Input::Opened(link));
                }
                Err(error) => self.tell(Input::Closed(link, Cause::Failed(error.to_string().into()))),
            },
            Command::Send { bytes, .. } => {
                if let Some((_, socket)) = &mut self.open {
                    // What cannot be sent shows in the next read.
                    let _ = socket.send(Message::binary(bytes.into_vec())).await;
                }
            }
            Command::Close { link } => {
                if let Some((_, mut socket)) = self.open.take() {
                    let _ = socket.close(None).await;
                }
                self.tell(Input::Closed(link, Cause::Local));
            }
            Command::Http { http, .. } => {
                let none = HttpFailure::Refused("this program carries no media".into());
                self.tell(Input::HttpDone(http, Err(none)));
            }
            other => eprintln!("this program does without {other:?}"),
        }
    }

    fn take(&mut self, link: LinkId, message: Result<Message, Cause>) {
        match message {
            Ok(Message::Binary(bytes)) => self.tell(Input::Frame(link, Frame::Binary(&bytes))),
            Ok(Message::Text(text)) => self.tell(Input::Frame(link, Frame::Text(&text))),
            Ok(_) => {}
            Err(cause) => {
                self.open = None;
                self.tell(Input::Closed(link, cause));
            }
        }
    }
}

/// The next message; never, while no socket is open.
async fn read(
    open: &mut Option<(LinkId, WebSocketStream<MaybeTlsStream<TcpStream>>)>,
) -> (LinkId, Result<Message, Cause>) {
    let Some((link, socket)) = open else { return std::future::pending().await };
    let message = match socket.next().await {
        Some(message) => message.map_err(|error| Cause::Failed(error.to_string().into())),
        None => Err(Cause::Remote(None)),
    };
    (*link, message)
}

// ---- the program

struct Chat {
    calls: UnboundedSender<Call>,
    events: UnboundedReceiver<Event>,
}

impl Chat {
    /// Asks, and shows what happens until the answer is there. One call at a time, so any answer is this one's.
    async fn ask(&mut self, call: Call) -> Result<Reply, Failure> {
        self.calls.send(call)?;
        loop {
            match timeout(Duration::from_secs(30), self.events.recv()).await?.ok_or("the host has ended")? {
                Event::Answer { result, .. } => return Ok(result?),
                event => println!("{event:?}"),
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(token), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tokio TOKEN URL".into());
    };
    converse(token, url).await
}

pub(crate) async fn converse(token: String, url: String) -> Result<(), Failure> {
    let mut config = Config::default();
    config.endpoints.twilsock = Some(url.into());
    config.unix_at_origin = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into().ok();
    // A seed must never repeat: a real program takes it from the operating system.
    let seed = Seed::from_number(config.unix_at_origin.unwrap_or_default());
    let client = Client::new(config, Token::new(token)?, &seed, Time::ZERO);

    let ((calls, to_host), (to_program, events)) = (unbounded_channel(), unbounded_channel());
    let host = tokio::spawn(Host { client, begun: Instant::now(), open: None }.run(to_host, to_program));
    let mut chat = Chat { calls, events };

    let Reply::Channel(channel) = chat.ask(Call::CreateChannel(CreateChannel::default())).await? else {
        return Err("no channel".into());
    };
    chat.ask(Call::Join(channel.sid.clone())).await?;
    let body = Some("Hello from a task".into());
    let message = SendMessage { channel: channel.sid.clone(), body, attributes: Json::default() };
    let sent = chat.ask(Call::SendMessage(message)).await?;
    println!("sent: {sent:?}");
    chat.ask(Call::Shutdown { drain_until: None }).await?;
    drop(chat);
    host.await?
}
