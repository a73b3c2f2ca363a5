//! Hosts beside our own adapter, each with a referee between it and the client: the examples of chat-proto, which are two,
//! and one with no runtime at all. They talk with the offline service, and with services that do not listen.

#![cfg(feature = "serve")]

// What the examples call `chat_proto` is this file: all of the real one, but another `Client`.
extern crate self as chat_proto;

#[allow(unused_imports, reason = "the examples take what they need")]
pub(crate) use chat_testkit::proto::*;
pub(crate) use watched::Client;

mod bare;
#[allow(
    dead_code,
    unfulfilled_lint_expectations,
    reason = "its `main` is for people, its lints for chat-proto"
)]
#[path = "../../../chat-proto/examples/blocking.rs"]
mod blocking;
#[allow(
    dead_code,
    unfulfilled_lint_expectations,
    reason = "its `main` is for people, its lints for chat-proto"
)]
#[path = "../../../chat-proto/examples/tokio.rs"]
mod on_tokio;
mod peers;
mod programs;
mod watched;

use std::fmt::Display;
use std::time::{Duration, Instant};

use chat_testkit::serve::{ServeConfig, Server};
use serde_json::json;

/// What a host makes of a call.
type Asked = Result<Reply, String>;

fn told<T>(result: Result<T, impl Display>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// Runs a test's conversation on a host: it is given the way to ask.
type Runs = fn(token: String, url: String, talk: &mut dyn FnMut(&mut dyn FnMut(Call) -> Asked));

/// Every host that there is.
const HOSTS: [(&str, Runs); 3] = [
    ("bare", |token, url, talk| {
        let mut host = bare::Host::start(token, &url);
        talk(&mut |call| told(host.ask(call)));
        host.ask(Call::Shutdown { drain_until: None }).unwrap();
    }),
    ("blocking", |token, url, talk| {
        let chat = blocking::Chat::start(token, url).unwrap();
        talk(&mut |call| told(chat.ask(call)));
        chat.end().unwrap();
    }),
    ("tokio", |token, url, talk| {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut chat = runtime.block_on(async { on_tokio::Chat::start(token, url) }).unwrap();
        talk(&mut |call| told(runtime.block_on(chat.ask(call))));
        runtime.block_on(chat.end()).unwrap();
    }),
];

fn admin(server: &Server, command: &str, arguments: serde_json::Value) -> serde_json::Value {
    smol::block_on(server.admin(command, arguments)).unwrap()
}

#[test]
fn people_talk_through_every_host() {
    for (name, run) in HOSTS {
        let server = Server::start(ServeConfig::default()).unwrap();
        let token =
            admin(&server, "token", json!({ "identity": "alice" }))["token"].as_str().unwrap().to_owned();
        run(token, server.url(), &mut |ask| converse(name, &server, ask));
        let watched = watched::of(&server.url());
        assert_eq!(watched.breaches(), "", "{name}");
        let added: Vec<_> = watched
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::MessageAdded(message) => Some((
                    message.index,
                    message.author.clone().unwrap().to_string(),
                    message.body.clone().unwrap(),
                )),
                _ => None,
            })
            .collect();
        let expected =
            [(0, "alice", "hello"), (1, "bob", "burst 0"), (2, "bob", "burst 1"), (3, "alice", "bye")]
                .map(|(index, author, body)| (index, author.to_owned(), body.into()));
        assert_eq!(added, expected, "{name}");
        let joined = |event: &Event| matches!(event, Event::ChannelJoined(_));
        assert_eq!(watched.events().iter().filter(|event| joined(event)).count(), 1, "{name}");
        assert!(matches!(
            watched.events().last(),
            Some(Event::Answer { result: Ok(Reply::Done), .. } | Event::ConnectionStateChanged(_))
        ));
        server.stop();
    }
}

/// What a host has to do is a page: where it is not, something is wrong with the client.
#[test]
fn every_host_fits_on_a_page() {
    let hosts = [
        (59, include_str!("bare.rs")),
        (64, include_str!("../../../chat-proto/examples/blocking.rs")),
        (60, include_str!("../../../chat-proto/examples/tokio.rs")),
    ];
    for (page, source) in hosts {
        let (_, host) = source.split_once("// ---- the host").unwrap();
        let host = host.split_once("// ---- the program").map_or(host, |(host, _)| host);
        let code = |line: &&str| !line.is_empty() && !line.starts_with("//");
        let lines = host.lines().skip(1).map(str::trim).filter(code).count();
        assert!(lines > 30 && lines <= page, "{lines} lines of code instead of {page}: {host}");
    }
}

/// Creates a channel, joins, says something, hears something, says something again, and leaves.
fn converse(name: &str, server: &Server, ask: &mut dyn FnMut(Call) -> Asked) {
    let mut sure = |call| ask(call).unwrap_or_else(|error| panic!("{name}: {error}"));
    let Reply::Channel(channel) = sure(Call::CreateChannel(CreateChannel::default())) else {
        panic!("{name}: no channel")
    };
    let sid = channel.sid.clone();
    let say = |text: &str| {
        Call::SendMessage(SendMessage {
            channel: sid.clone(),
            body: Some(text.into()),
            attributes: Json::default(),
        })
    };
    sure(Call::Join(sid.clone()));
    assert!(matches!(sure(say("hello")), Reply::MessageIndex(Some(0))), "{name}");
    admin(server, "burst", json!({ "channel": sid.as_str(), "author": "bob", "count": 2 }));
    let watched = watched::of(&server.url());
    let begun = Instant::now();
    while watched.events().iter().filter(|event| matches!(event, Event::MessageAdded(_))).count() < 3 {
        // A host that runs only while it is asked has to be asked.
        sure(Call::GetMessagesCount(sid.clone()));
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}: the others are not heard");
    }
    assert!(matches!(sure(say("bye")), Reply::MessageIndex(Some(3))), "{name}");
    let stored = admin(server, "messages", json!({ "channel": sid.as_str() }));
    assert_eq!(stored.as_array().map(Vec::len), Some(4), "{name}");
}

/// Asks until `enough`, with a deadline each time, and shows that each call is answered in time.
fn is_answered_in_time(name: &str, ask: &mut dyn FnMut(Call) -> Asked, mut enough: impl FnMut() -> bool) {
    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = ask(Call::CreateChannel(CreateChannel::default()));
        let took = asked.elapsed();
        assert!(answer.is_err(), "{name}: {answer:?}");
        // Not at once, so it is the deadline that answers.
        let (soonest, latest) = (watched::PATIENCE / 2, watched::PATIENCE + Duration::from_secs(10));
        assert!(took > soonest && took < latest, "{name}: {took:?}");
        assert!(begun.elapsed() < Duration::from_mins(1), "{name}: it never ends");
        if enough() {
            return;
        }
    }
}

/// The TCP connection stands, but the WebSocket's handshake is not answered.
#[test]
fn a_service_that_never_opens_holds_no_host_up() {
    for (name, run) in HOSTS {
        let peer = peers::silent();
        run("TOKEN".to_owned(), peer.url.clone(), &mut |ask| {
            // The client gives up waiting and tries again.
            is_answered_in_time(name, ask, || watched::of(&peer.url).links() >= 2);
        });
        assert_eq!(watched::of(&peer.url).breaches(), "", "{name}");
    }
}

/// The service writes and writes, and reads nothing: what the client acknowledges goes nowhere.
#[test]
fn a_service_that_does_not_read_holds_no_host_up() {
    for (name, run) in HOSTS {
        let peer = peers::deaf();
        run("TOKEN".to_owned(), peer.url.clone(), &mut |ask| {
            is_answered_in_time(name, ask, || {
                // All, and the answer to `init`.
                peer.has_written() && watched::of(&peer.url).frames() > peers::PINGS
            });
        });
        let watched = watched::of(&peer.url);
        watched.compare(&peer.end());
        assert_eq!(watched.breaches(), "", "{name}");
    }
}
