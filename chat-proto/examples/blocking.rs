//! A host of std threads and a blocking WebSocket library: `blocking TOKEN URL`.
//!
//! One thread drives the client; the program talks to it over two channels. Connecting and closing block, so each has a
//! thread of its own. Reading and writing must not block one another, so the open socket does not block at all: what it
//! does not take yet waits in the library's buffer. `URL` is `ws://…`: for `wss://…` turn on a TLS feature of tungstenite
//! and let [`tcp`] find the socket inside.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a host does what the core does not: it looks at the clock and prints"
)]

use std::error::Error;
use std::io;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, CreateChannel, Event, Frame, HttpFailure, Input, Json,
    LinkId, Reply, Seed, SendMessage, Time, Token,
};
use tungstenite::client::connect_with_config;
use tungstenite::error::Error as WsError;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

type Failure = Box<dyn Error + Send + Sync>;
type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

// ---- the host: all that a runtime needs to know of the client

/// How long a message may wait unread while nothing else happens: the price of a library that tells nobody of it.
const TURN: Duration = Duration::from_millis(10);
/// How long a service may take for what is still to be written when its socket is closed.
const LINGER: Duration = Duration::from_secs(2);

enum Link {
    Opening(Receiver<Result<Socket, WsError>>),
    Open(Box<Socket>),
}

struct Host {
    client: Client,
    begun: Instant,
    link: Option<(LinkId, Link)>,
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
            while let Some(command) = self.client.poll_command() {
                self.perform(command);
            }
            while let Some(event) = self.client.poll_event() {
                events.send(event)?;
            }
            let due = self.client.deadline().map_or(TURN, |due| due.at.since(self.now()));
            let wait = if self.read() { Duration::ZERO } else { due.min(TURN) };
            match calls.recv_timeout(wait) {
                Ok(call) => drop(self.client.call(self.now(), call, CallOptions::default())?),
                Err(RecvTimeoutError::Timeout) => self.tell(Input::Tick),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { link, url } => {
                let (report, opening) = channel();
                // No redirects: another address would get the access token too.
                let opened =
                    move || connect_with_config(&*url, None, 0).and_then(|(socket, _)| ready(socket));
                spawn(move || {
                    let _ = report.send(opened());
                });
                self.link = Some((link, Link::Opening(opening)));
            }
            Command::Send { link, bytes } => match &mut self.link {
                // What is not taken now is flushed later, and what never is shows in reading.
                Some((open, Link::Open(socket))) if *open == link => {
                    let _ = socket.send(Message::binary(bytes.into_vec()));
                }
                _ => {}
            },
            Command::Close { link } => {
                if let Some((_, socket)) = self.link.take_if(|(open, _)| *open == link) {
                    spawn(move || part(socket));
                    self.tell(Input::Closed(link, Cause::Local));
                }
            }
            Command::Http { http, .. } => {
                let none = HttpFailure::Refused("this program carries no media".into());
                self.tell(Input::HttpDone(http, Err(none)));
            }
            other => eprintln!("this program does without {other:?}"),
        }
    }

    /// Takes one thing from the socket, if there is any.
    fn read(&mut self) -> bool {
        let Some((link, state)) = &mut self.link else { return false };
        let link = *link;
        let read = match state {
            Link::Opening(opening) => match opening.try_recv() {
                Ok(Ok(socket)) => {
                    *state = Link::Open(Box::new(socket));
                    self.tell(Input::Opened(link));
                    return true;
                }
                Ok(Err(error)) => Err(error),
                Err(_) => return false,
            },
            Link::Open(socket) => {
                let _ = socket.flush();
                socket.read()
            }
        };
        match read {
            Ok(Message::Binary(bytes)) => self.tell(Input::Frame(link, Frame::Binary(&bytes))),
            Ok(Message::Text(text)) => self.tell(Input::Frame(link, Frame::Text(&text))),
            Ok(_) => {}
            Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => {
                self.link = None;
                self.tell(Input::Closed(link, Cause::Failed(error.to_string().into())));
            }
        }
        true
    }
}

fn tcp(socket: &Socket) -> io::Result<&TcpStream> {
    match socket.get_ref() {
        MaybeTlsStream::Plain(tcp) => Ok(tcp),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn ready(socket: Socket) -> Result<Socket, WsError> {
    tcp(&socket)?.set_nodelay(true)?;
    tcp(&socket)?.set_nonblocking(true)?;
    Ok(socket)
}

/// Writes what waits, and closes the socket. One that is not open yet is dropped when it comes.
fn part(link: Link) -> Result<(), WsError> {
    let Link::Open(mut socket) = link else { return Ok(()) };
    tcp(&socket)?.set_nonblocking(false)?;
    tcp(&socket)?.set_write_timeout(Some(LINGER))?;
    socket.close(None)
}

// ---- the program

pub(crate) struct Chat {
    calls: Sender<Call>,
    events: Receiver<Event>,
    host: JoinHandle<Result<(), Failure>>,
}

impl Chat {
    pub(crate) fn start(token: String, url: String) -> Result<Self, Failure> {
        let mut config = Config::default();
        config.endpoints.twilsock = Some(url.into());
        config.unix_at_origin = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into().ok();
        // A seed must never repeat: a real program takes it from the operating system.
        let seed = Seed::from_number(config.unix_at_origin.unwrap_or_default());
        let client = Client::new(config, Token::new(token)?, &seed, Time::ZERO);
        let ((calls, to_host), (to_program, events)) = (channel(), channel());
        let host = Host { client, begun: Instant::now(), link: None };
        Ok(Self { calls, events, host: spawn(move || host.run(&to_host, &to_program)) })
    }

    /// Asks, and shows what happens until the answer is there. One call at a time, so any answer is this one's.
    pub(crate) fn ask(&self, call: Call) -> Result<Reply, Failure> {
        self.calls.send(call)?;
        loop {
            match self.events.recv_timeout(Duration::from_secs(30))? {
                Event::Answer { result, .. } => return Ok(result?),
                event => println!("{event:?}"),
            }
        }
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        drop(self.calls);
        self.host.join().map_err(|_| "the host panicked")?
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(token), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: blocking TOKEN URL".into());
    };
    let chat = Chat::start(token, url)?;
    converse(&chat)?;
    chat.end()
}

pub(crate) fn converse(chat: &Chat) -> Result<(), Failure> {
    let Reply::Channel(channel) = chat.ask(Call::CreateChannel(CreateChannel::default()))? else {
        return Err("no channel".into());
    };
    chat.ask(Call::Join(channel.sid.clone()))?;
    let body = Some("Hello from a thread".into());
    let message = SendMessage { channel: channel.sid.clone(), body, attributes: Json::default() };
    println!("sent: {:?}", chat.ask(Call::SendMessage(message))?);
    chat.ask(Call::Shutdown { drain_until: None })?;
    Ok(())
}
