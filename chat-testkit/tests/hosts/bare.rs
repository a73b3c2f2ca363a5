//! A host with no runtime at all: one loop over a socket that never blocks.

use std::io::ErrorKind::WouldBlock;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use chat_proto::{
    Call, CallError, CallOptions, Cause, Client, Command, Config, Event, Input, InputRecord, LinkId, Reply,
    Seed, Time, Token,
};
use tungstenite::handshake::client::{ClientHandshake, Response};
use tungstenite::{Error, HandshakeError, Message, WebSocket, client};

/// How long the loop rests between two looks.
const TURN: Duration = Duration::from_millis(1);

type Socket = Result<(WebSocket<TcpStream>, Response), HandshakeError<ClientHandshake<TcpStream>>>;

pub(crate) struct Host {
    client: Client,
    begun: Instant,
    socket: Option<(LinkId, Socket)>,
}

impl Host {
    pub(crate) fn start(token: String, url: &str) -> Self {
        let mut config = Config::default();
        config.endpoints.twilsock = Some(url.into());
        let client = Client::new(config, Token::new(token).unwrap(), &Seed::from_number(1), Time::ZERO);
        Self { client, begun: Instant::now(), socket: None }
    }

    // ---- the host: all that a runtime needs to know of the client

    /// Drives the client until the call is answered.
    pub(crate) fn ask(&mut self, call: Call) -> Result<Reply, CallError> {
        let begun = self.begun;
        let now = || Time::ZERO + begun.elapsed();
        let asked = self.client.call(now(), call, CallOptions::default()).unwrap();
        loop {
            while let Some(command) = self.client.poll_command() {
                match (command, &mut self.socket) {
                    (Command::Open { link, url }, socket) => *socket = Some((link, connect(&url))),
                    // What the socket does not take now waits in its buffer.
                    (Command::Send { bytes, .. }, Some((_, Ok((socket, _))))) => {
                        let _ = socket.send(Message::binary(bytes.into_vec()));
                    }
                    (Command::Close { link }, Some((_, socket))) => {
                        let _ = socket.as_mut().map(|(socket, _)| socket.close(None));
                        self.socket = None;
                        self.client.handle(now(), Input::Closed(link, Cause::Local));
                    }
                    (other, _) => self.client.handle(now(), other.decline()),
                }
            }
            while let Some(event) = self.client.poll_event() {
                if let Event::Answer { call, result } = event
                    && call == asked
                {
                    return result;
                }
            }
            let (told, socket) = match self.socket.take() {
                Some((link, Err(HandshakeError::Interrupted(handshake)))) => match handshake.handshake() {
                    Ok(socket) => (InputRecord::Opened(link), Some((link, Ok(socket)))),
                    further => (InputRecord::Tick, Some((link, further))),
                },
                Some((link, Err(error))) => (InputRecord::Closed(link, Cause::failed(error)), None),
                Some((link, Ok((mut socket, response)))) => {
                    let _ = socket.flush();
                    let (told, goes_on) = match socket.read() {
                        Ok(Message::Binary(bytes)) => (InputRecord::binary(link, bytes), true),
                        Ok(Message::Text(text)) => (InputRecord::text(link, text.as_str()), true),
                        Err(Error::Io(error)) if error.kind() == WouldBlock => (InputRecord::Tick, true),
                        Err(error) => (InputRecord::Closed(link, Cause::failed(error)), false),
                        Ok(_) => (InputRecord::Tick, true),
                    };
                    (told, goes_on.then_some((link, Ok((socket, response)))))
                }
                None => (InputRecord::Tick, None),
            };
            self.socket = socket;
            self.client.handle(now(), told.as_input());
            sleep(TURN);
        }
    }
}

/// Only the TCP connection itself may take a moment: std has no way around that.
#[allow(clippy::result_large_err, reason = "it is the library's")]
fn connect(url: &str) -> Socket {
    let address = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
    let connected = TcpStream::connect(address).and_then(|tcp| tcp.set_nonblocking(true).map(|()| tcp));
    client(url, connected.map_err(|error| HandshakeError::Failure(error.into()))?)
}
