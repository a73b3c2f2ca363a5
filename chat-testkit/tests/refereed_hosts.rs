//! The example hosts under the referee: their own source, with a client that is watched.

#![cfg(feature = "serve")]

// What the examples call `chat_proto` is this file: all of the real one, but another `Client`.
extern crate self as chat_proto;

#[allow(unused_imports, reason = "the examples take what they need")]
pub(crate) use chat_testkit::proto::*;

#[allow(
    dead_code,
    unfulfilled_lint_expectations,
    reason = "its `main` is for people, its lints for chat-proto"
)]
#[path = "../../chat-proto/examples/blocking.rs"]
mod blocking;
#[allow(
    dead_code,
    unfulfilled_lint_expectations,
    reason = "its `main` is for people, its lints for chat-proto"
)]
#[path = "../../chat-proto/examples/tokio.rs"]
mod on_tokio;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chat_testkit::referee::{Bounds, HostCheck};
use chat_testkit::serve::{ServeConfig, Server};
use serde_json::json;

/// What the referee had to say of each client that is gone: whose token it had, and what it did wrong.
static REPORTS: Mutex<Vec<(String, Vec<String>)>> = Mutex::new(Vec::new());

/// A client that is watched, and reported when it goes.
pub(crate) struct Client {
    url: String,
    check: HostCheck,
}

impl Client {
    pub(crate) fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self {
        let url = config.endpoints.twilsock.as_deref().unwrap_or_default().to_owned();
        // A real clock, on a machine that has other things to do.
        let bounds = Bounds::of(&config).and(Duration::from_secs(5));
        let check: HostCheck = HostCheck::new(config, token, seed, now);
        Self { url, check: check.with_bounds(bounds) }
    }

    pub(crate) fn handle(&mut self, now: Time, input: Input<'_>) {
        self.check.handle(now, input);
    }

    pub(crate) fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        self.check.call(now, call, options)
    }

    pub(crate) fn poll_command(&mut self) -> Option<Command> {
        self.check.poll_command()
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.check.poll_event()
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.check.deadline()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let breaches = self.check.breaches().iter().map(ToString::to_string).collect();
        let url = std::mem::take(&mut self.url);
        REPORTS.lock().unwrap_or_else(PoisonError::into_inner).push((url, breaches));
    }
}

/// Lets a host talk with a service of its own, and asks what the referee saw.
fn is_fair(identity: &str, converse: impl FnOnce(String, String)) {
    let server = Server::start(ServeConfig::default()).unwrap();
    let token = smol::block_on(server.admin("token", json!({ "identity": identity }))).unwrap();
    converse(token["token"].as_str().unwrap().to_owned(), server.url());
    let reports = REPORTS.lock().unwrap();
    let mine: Vec<_> = reports.iter().filter(|(url, _)| *url == server.url()).collect();
    assert!(matches!(&mine[..], [(_, breaches)] if breaches.is_empty()), "{mine:#?}");
    server.stop();
}

#[test]
fn the_blocking_host_is_fair() {
    is_fair("alice", |token, url| blocking::converse(token, url).unwrap());
}

#[test]
fn the_tokio_host_is_fair() {
    is_fair("bob", |token, url| {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(on_tokio::converse(token, url)).unwrap();
    });
}
