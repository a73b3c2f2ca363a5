//! A host of std threads and a blocking WebSocket library: `blocking TOKEN URL`.
//!
//! One thread drives the client: it waits for calls of the program, for reports of the socket, and for the deadline. Each
//! socket has a thread of its own, which may block while it connects. Then reading and writing must not hold one another
//! up, so the open socket does not block at all. `URL` is `ws://…`: for `wss://…` turn on a TLS feature of tungstenite and
//! take its `client_tls`.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a host does what the core does not: it looks at the clock and prints"
)]

use std::error::Error;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, CreateChannel, Event, FrameBytes, Input, InputRecord,
    Json, LinkId, Reply, Seed, SendMessage, Time, Token,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select, unbounded};
use tungstenite::Message;
use tungstenite::error::Error as WsError;
use tungstenite::http::Uri;

type Failure = Box<dyn Error + Send + Sync>;

// ---- the host: all that a runtime needs to know of the client

/// How long a service may take to let us in, and at the end for what is still to be written.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a message may wait unread while nothing else happens: the price of a library that tells nobody of it.
const TURN: Duration = Duration::from_millis(10);

/// Drives the client until it is shut down.
fn drive(mut client: Client, calls: &Receiver<Call>, events: &Sender<Event>) -> Result<(), Failure> {
    let begun = Instant::now();
    let now = || Time::ZERO + begun.elapsed();
    let (report, reports) = bounded::<InputRecord>(64);
    let (mut queue, _) = unbounded();
    while !client.has_ended() {
        let wait = client.deadline().map_or(Duration::MAX, |due| due.at.since(now()));
        select! {
            recv(reports) -> input => client.handle(now(), input?.as_input()),
            recv(calls) -> call => { client.call(now(), call?, CallOptions::default())?; }
            default(wait) => client.handle(now(), Input::Tick),
        }
        while let Some(command) = client.poll_command() {
            match command {
                Command::Open { link, url } => {
                    let (report, queued) = (report.clone(), unbounded());
                    queue = queued.0;
                    spawn(move || carry(link, &url, &queued.1, &report));
                }
                // For the socket that was opened last. If that is gone, so is what was to be sent.
                Command::Send { bytes, .. } => drop(queue.send(bytes)),
                // A socket whose queue ends is closed, and reports that.
                Command::Close { .. } => (queue, _) = unbounded(),
                other => client.handle(now(), other.decline()),
            }
        }
        while let Some(event) = client.poll_event() {
            events.send(event)?;
        }
    }
    Ok(())
}

/// The life of a socket. Once it is open it does not block: what it does not take yet waits in the library's buffer.
fn carry(link: LinkId, url: &str, queue: &Receiver<FrameBytes>, report: &Sender<InputRecord>) {
    let life = || {
        let uri: Uri = url.parse()?;
        let tcp = TcpStream::connect((uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80)))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let (mut socket, _) = tungstenite::client(url, tcp)?;
        socket.get_ref().set_nonblocking(true)?;
        report.send(InputRecord::Opened(link))?;
        let mut wait = TURN;
        loop {
            match queue.recv_timeout(wait) {
                // What cannot be written at all shows in reading.
                Ok(bytes) => drop(socket.send(Message::binary(bytes.into_vec()))),
                Err(RecvTimeoutError::Timeout) => drop(socket.flush()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            wait = Duration::ZERO;
            match socket.read() {
                Ok(Message::Binary(bytes)) => report.send(InputRecord::binary(link, bytes))?,
                Ok(Message::Text(text)) => report.send(InputRecord::text(link, text.as_str()))?,
                Err(WsError::Io(error)) if error.kind() == ErrorKind::WouldBlock => wait = TURN,
                other => drop(other?),
            }
        }
        socket.get_ref().set_nonblocking(false)?;
        socket.close(None)?;
        Ok(Cause::Local)
    };
    let cause = life().unwrap_or_else(|error: Failure| Cause::failed(error));
    let _ = report.send(InputRecord::Closed(link, cause));
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
        let ((calls, asked), (told, events)) = (unbounded(), unbounded());
        Ok(Self { calls, events, host: spawn(move || drive(client, &asked, &told)) })
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

    /// Shuts the client down, and lets go of the host when that is done.
    pub(crate) fn end(self) -> Result<(), Failure> {
        self.ask(Call::Shutdown { drain_until: None })?;
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
    Ok(())
}
