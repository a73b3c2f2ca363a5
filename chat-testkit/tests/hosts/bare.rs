//! A host with no runtime at all: one loop over a socket that never blocks.

use std::io::ErrorKind::WouldBlock;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chat_proto::{
    Call, CallError, CallOptions, Cause, Client, Command, Config, Event, Frame, Input, LinkId, Reply, Seed,
    Time, Token,
};
use tungstenite::handshake::client::{ClientHandshake, Response};
use tungstenite::{Error, HandshakeError, Message, WebSocket, client};

type Socket = Result<(WebSocket<TcpStream>, Response), HandshakeError<ClientHandshake<TcpStream>>>;

pub(crate) struct Host {
    client: Client,
    begun: Instant,
    open: Option<(LinkId, Socket)>,
}

impl Host {
    pub(crate) fn start(token: String, url: &str) -> Self {
        let mut config = Config::default();
        config.endpoints.twilsock = Some(url.into());
        let client = Client::new(config, Token::new(token).unwrap(), &Seed::from_number(1), Time::ZERO);
        Self { client, begun: Instant::now(), open: None }
    }

    /// The whole driver: runs until the call is answered.
    pub(crate) fn ask(&mut self, call: Call) -> Result<Reply, CallError> {
        let now = |begun: Instant| Time::ZERO + begun.elapsed();
        let asked = self.client.call(now(self.begun), call, CallOptions::default()).unwrap();
        loop {
            let now = now(self.begun);
            while let Some(command) = self.client.poll_command() {
                match (command, &mut self.open) {
                    (Command::Open { link, url }, open) => *open = Some((link, connect(&url))),
                    // What the socket does not take now waits in its buffer.
                    (Command::Send { link, bytes }, Some((open, Ok((socket, _))))) if link == *open => {
                        let _ = socket.send(Message::binary(bytes.into_vec()));
                    }
                    (Command::Close { link }, Some((open, socket))) if link == *open => {
                        let _ = socket.as_mut().map(|(socket, _)| socket.close(None));
                        self.open = None;
                        self.client.handle(now, Input::Closed(link, Cause::Local));
                    }
                    _ => {}
                }
            }
            while let Some(event) = self.client.poll_event() {
                match event {
                    Event::Answer { call, result } if call == asked => return result,
                    _ => {}
                }
            }
            match self.open.take() {
                None => std::thread::sleep(Duration::from_millis(1)),
                Some((link, Err(HandshakeError::Interrupted(unfinished)))) => {
                    let socket = unfinished.handshake();
                    if socket.is_ok() {
                        self.client.handle(now, Input::Opened(link));
                    }
                    self.open = Some((link, socket));
                }
                Some((link, Err(HandshakeError::Failure(error)))) => {
                    self.client.handle(now, Input::Closed(link, Cause::Failed(error.to_string().into())));
                }
                Some((link, Ok((mut socket, response)))) => {
                    let _ = socket.flush();
                    match socket.read() {
                        Ok(Message::Binary(bytes)) => {
                            self.client.handle(now, Input::Frame(link, Frame::Binary(&bytes)));
                        }
                        Err(Error::Io(error)) if error.kind() == WouldBlock => {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        Err(error) => {
                            self.client
                                .handle(now, Input::Closed(link, Cause::Failed(error.to_string().into())));
                            continue;
                        }
                        _ => {}
                    }
                    self.open = Some((link, Ok((socket, response))));
                }
            }
            self.client.handle(Time::ZERO + self.begun.elapsed(), Input::Tick);
        }
    }
}

#[allow(clippy::result_large_err, reason = "it is the library's")]
/// Only the TCP connection itself may take a moment: std has no way around that.
fn connect(url: &str) -> Socket {
    let address = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
    let connected = TcpStream::connect(address).and_then(|tcp| tcp.set_nonblocking(true).map(|()| tcp));
    client(url, connected.map_err(|error| HandshakeError::Failure(error.into()))?)
}
