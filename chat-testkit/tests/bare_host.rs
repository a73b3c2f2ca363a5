//! A host with no runtime at all: one loop over a socket that never blocks.

#![cfg(feature = "serve")]

use std::io::ErrorKind::WouldBlock;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use async_tungstenite::tungstenite::{Error, Message, WebSocket, client};
use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, CreateChannel, Event, Frame, Input, Reply, Seed, Time,
    Token,
};
use chat_testkit::serve::{ServeConfig, Server};
use serde_json::json;

#[test]
fn a_loop_is_a_host() {
    let server = Server::start(ServeConfig::default()).unwrap();
    let token = smol::block_on(server.admin("token", json!({ "identity": "alice" }))).unwrap();
    let mut config = Config::default();
    config.endpoints.twilsock = Some(server.url().into());
    let token = Token::new(token["token"].as_str().unwrap()).unwrap();
    let mut alice = Client::new(config, token, &Seed::from_number(1), Time::ZERO);
    let begun = Instant::now();
    let create = alice
        .call(Time::ZERO, Call::CreateChannel(CreateChannel::default()), CallOptions::default())
        .unwrap();
    let mut open: Option<WebSocket<TcpStream>> = None;
    let mut link = None;

    let reply = loop {
        let now = Time::ZERO + begun.elapsed();
        assert!(now < Time::from_millis(20_000), "the conversation takes too long");
        match (alice.poll_command(), &mut open) {
            (Some(Command::Open { link: of, url }), _) => {
                let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
                let (socket, _) = client(&*url, stream).unwrap();
                socket.get_ref().set_nonblocking(true).unwrap();
                (open, link) = (Some(socket), Some(of));
                alice.handle(now, Input::Opened(of));
            }
            (Some(Command::Send { bytes, .. }), Some(socket)) => {
                socket.send(Message::binary(bytes.into_vec())).unwrap();
            }
            (Some(command), _) => panic!("{command:?}"),
            (None, Some(socket)) => match (socket.read(), link) {
                (Ok(Message::Binary(bytes)), Some(link)) => {
                    alice.handle(now, Input::Frame(link, Frame::Binary(&bytes)));
                }
                (Err(Error::Io(error)), _) if error.kind() == WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                (Err(error), Some(link)) => {
                    alice.handle(now, Input::Closed(link, Cause::Failed(error.to_string().into())));
                }
                _ => {}
            },
            (None, None) => {}
        }
        if alice.deadline().is_some_and(|deadline| deadline.at <= now) {
            alice.handle(now, Input::Tick);
        }
        match alice.poll_event() {
            Some(Event::Answer { call, result }) if call == create => break result.unwrap(),
            _ => {}
        }
    };
    assert!(matches!(reply, Reply::Channel(_)), "{reply:?}");
}
