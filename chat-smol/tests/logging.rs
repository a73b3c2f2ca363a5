//! What the adapter reports: enough to follow it, and never a secret (law 10).
//!
//! Alone in its file, because the subscriber is the whole process's.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_smol::{Client, Config, LogLevel, Options};
use futures_lite::FutureExt;
use smol::block_on;
use smol::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[path = "support/peer.rs"]
mod peer;

use peer::Peer;

/// Keeps every line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "chat_smol"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut lines = self.0.lock().unwrap();
        write!(lines, "{}", event.metadata().level()).unwrap();
        event.record(&mut Line(&mut lines));
        lines.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A client that is let in, cut off, and then refused; at `level`.
fn session(level: LogLevel) {
    block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("ws://{}/path-secret?query=query-secret", listener.local_addr().unwrap());
        let mut config = Config::default();
        config.retry.min = Duration::from_millis(1);
        config.close_timeout = Duration::from_millis(100);
        let options = Options::new()
            .config(config)
            .url(url)
            .log_level(level)
            .token_provider(|| async { Err::<String, _>(std::io::Error::other("provider-secret")) });
        let server = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut peer = Peer::accept(stream).await;
            peer.welcome().await;
            drop(peer);
            let (stream, _) = listener.accept().await.unwrap();
            let mut peer = Peer::accept(stream).await;
            peer.refuse().await;
            peer.agree().await;
        };
        let create = async { drop(Client::create("token-secret", options.create_timeout(PATIENCE)).await) };
        let server = async {
            server.await;
            std::future::pending::<()>().await;
        };
        create.or(server).await;
    });
}

const PATIENCE: Duration = Duration::from_secs(2);

#[test]
fn lines_tell_what_happens_and_no_secrets() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    session(LogLevel::Silent);
    assert_eq!(*lines.0.lock().unwrap(), "");

    session(LogLevel::Trace);
    let text = lines.0.lock().unwrap().clone();
    for expected in ["DEBUG", "link 1 is open", "link 2 opens", "WARN", "no good token from the provider"] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    // The continuation token that the service gave is `CT-1`.
    for secret in ["secret", "CT-1"] {
        assert!(!text.contains(secret), "{secret} shows in\n{text}");
    }
}
