//! A host of std threads and a blocking WebSocket library: `blocking TOKEN URL`.
//!
//! One thread drives the client; the program talks to it over two channels. `URL` is `ws://…`: for `wss://…` turn on a TLS
//! feature of tungstenite.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a host does what the core does not: it looks at the clock and prints"
)]

use std::error::Error;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, CreateChannel, Event, Frame, HttpFailure, Input, Json,
    LinkId, Reply, Seed, SendMessage, Time, Token,
};
use tungstenite::error::Error as WsError;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket, connect};

type Failure = Box<dyn Error + Send + Sync>;

// ---- the host: all that a runtime needs to know of the client

/// How long a call may wait while the thread reads: the price of a library that can only block.
const TURN: Duration = Duration::from_millis(20);

struct Host {
    client: Client,
    begun: Instant,
    open: Option<(LinkId, WebSocket<MaybeTlsStream<TcpStream>>)>,
}

impl Host {
    fn now(&self) -> Time {
        Time::ZERO + self.begun.elapsed()
    }

    fn tell(&mut self, input: Input<'_>) {
        self.client.handle(self.now(), input);
    }

    /// Drives the client until the program goes away.
    fn run(mut self, calls: &Receiver<Call>, events: &Sender<Event>) -> Result<(), Failure> {
        loop {
            match calls.try_recv() {
                Ok(call) => drop(self.client.call(self.now(), call, CallOptions::default())?),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            while let Some(command) = self.client.poll_command() {
                self.perform(command);
            }
            while let Some(event) = self.client.poll_event() {
                if events.send(event).is_err() {
                    return Ok(());
                }
            }
            self.read();
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { link, url } => match connect(&*url) {
                Ok((socket, _)) => {
                    self.open = Some((link, socket));
                    self.tell(Input::Opened(link));
                }
                Err(error) => self.tell(Input::Closed(link, Cause::Failed(error.to_string().into()))),
            },
            Command::Send { bytes, .. } => {
                // What cannot be sent shows in the next read.
                let _ = self.open.as_mut().map(|(_, socket)| socket.send(Message::binary(bytes.into_vec())));
            }
            Command::Close { link } => {
                let _ = self.open.take().map(|(_, mut socket)| socket.close(None));
                self.tell(Input::Closed(link, Cause::Local));
            }
            Command::Http { http, .. } => {
                let none = HttpFailure::Refused("this program carries no media".into());
                self.tell(Input::HttpDone(http, Err(none)));
            }
            other => eprintln!("this program does without {other:?}"),
        }
    }

    /// Reads one message, or waits for the next deadline, but never long.
    fn read(&mut self) {
        let due = self.client.deadline().map_or(TURN, |deadline| deadline.at.since(self.now()));
        let Some((link, socket)) = &mut self.open else {
            thread::sleep(due.min(TURN));
            return self.tell(Input::Tick);
        };
        let link = *link;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            let _ = stream.set_read_timeout(Some(due.clamp(Duration::from_millis(1), TURN)));
        }
        match socket.read() {
            Ok(Message::Binary(bytes)) => self.tell(Input::Frame(link, Frame::Binary(&bytes))),
            Ok(Message::Text(text)) => self.tell(Input::Frame(link, Frame::Text(&text))),
            Ok(_) => {}
            Err(WsError::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                self.tell(Input::Tick);
            }
            Err(error) => {
                self.open = None;
                self.tell(Input::Closed(link, Cause::Failed(error.to_string().into())));
            }
        }
    }
}

// ---- the program

struct Chat {
    calls: Sender<Call>,
    events: Receiver<Event>,
}

impl Chat {
    /// Asks, and shows what happens until the answer is there. One call at a time, so any answer is this one's.
    fn ask(&self, call: Call) -> Result<Reply, Failure> {
        self.calls.send(call)?;
        loop {
            match self.events.recv_timeout(Duration::from_secs(30))? {
                Event::Answer { result, .. } => return Ok(result?),
                event => println!("{event:?}"),
            }
        }
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(token), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: blocking TOKEN URL".into());
    };
    converse(token, url)
}

pub(crate) fn converse(token: String, url: String) -> Result<(), Failure> {
    let mut config = Config::default();
    config.endpoints.twilsock = Some(url.into());
    config.unix_at_origin = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into().ok();
    // A seed must never repeat: a real program takes it from the operating system.
    let seed = Seed::from_number(config.unix_at_origin.unwrap_or_default());
    let client = Client::new(config, Token::new(token)?, &seed, Time::ZERO);

    let ((calls, to_host), (to_program, events)) = (channel(), channel());
    let host =
        thread::spawn(move || Host { client, begun: Instant::now(), open: None }.run(&to_host, &to_program));
    let chat = Chat { calls, events };

    let Reply::Channel(channel) = chat.ask(Call::CreateChannel(CreateChannel::default()))? else {
        return Err("no channel".into());
    };
    chat.ask(Call::Join(channel.sid.clone()))?;
    let body = Some("Hello from a thread".into());
    let sent = chat.ask(Call::SendMessage(SendMessage {
        channel: channel.sid.clone(),
        body,
        attributes: Json::default(),
    }))?;
    println!("sent: {sent:?}");
    chat.ask(Call::Shutdown { drain_until: None })?;
    drop(chat);
    host.join().map_err(|_| "the host panicked")?
}
