//! Links against a WebSocket server in memory.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::{Bytes, Message};
use async_tungstenite::{WebSocketStream, accept_async};
use chat_proto::{Cause, LinkId};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt};
use rustls::{ClientConfig, ServerConfig};

use crate::support::certificates;
use crate::support::duplex::{End, Way, Writes, duplex};

use super::{Dialer, Link, LinkEvent, Proxies, Target, Transport, UserConnect, tls};

const FRAME_BYTES: usize = 64 << 10;

/// What does not end within ten seconds has failed.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    let late = async {
        smol::Timer::after(Duration::from_secs(10)).await;
        panic!("the test takes too long");
    };
    smol::block_on(test.or(late))
}

/// Gives `end` to the first who connects.
fn connector(end: End) -> UserConnect {
    let end = Mutex::new(Some(end));
    Arc::new(move |_: Target| {
        let end = end.lock().unwrap().take();
        Box::pin(async move { end.map(Transport::plain).ok_or_else(|| "connected twice".into()) })
    })
}

fn link(url: &str, end: End, config: ClientConfig) -> Link {
    let id: LinkId = serde_json::from_str("1").unwrap();
    Link::open(
        id,
        Dialer::new(Arc::new(config), Some(connector(end)), Proxies::None, FRAME_BYTES),
        url.into(),
    )
}

/// The next thing, writing meanwhile whatever can be written.
async fn next(link: &mut Link) -> LinkEvent {
    poll_fn(|cx| {
        let _ = link.poll_write(cx);
        link.poll_read(cx)
    })
    .await
}

/// Writes until all is flushed.
async fn flush(link: &mut Link) {
    poll_fn(|cx| link.poll_write(cx)).await;
}

/// A link and the server's side of it, open; `there` is the way to the server.
async fn open(there: Way, back: Way) -> (Link, WebSocketStream<End>, Writes) {
    let (ours, theirs) = duplex(there, back);
    let writes = ours.writes();
    let mut link = link("ws://peer/", ours, tls::default_config());
    let (event, peer) = zip(next(&mut link), accept_async(theirs)).await;
    assert_eq!(event, LinkEvent::Opened);
    (link, peer.unwrap(), writes)
}

fn failed(event: LinkEvent) -> String {
    match event {
        LinkEvent::Closed(Cause::Failed(text)) => text.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_survive_short_reads_and_writes() {
    block_on(async {
        let way = Way { capacity: 100, most: 7 };
        let (mut link, mut peer, _) = open(way, way).await;
        let long: Vec<u8> = (0..10_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        link.send(long.clone());
        let (received, ()) = zip(peer.next(), flush(&mut link)).await;
        assert_eq!(received.unwrap().unwrap(), Message::binary(long.clone()));
        let (event, sent) = zip(next(&mut link), peer.send(Message::binary(long.clone()))).await;
        sent.unwrap();
        assert_eq!(event, LinkEvent::Binary(Bytes::from(long)));
        let (event, sent) = zip(next(&mut link), peer.send(Message::text("?"))).await;
        sent.unwrap();
        assert_eq!(event, LinkEvent::Text("?".into()));
    });
}

#[test]
fn reading_goes_on_while_writing_is_stuck() {
    block_on(async {
        let (mut link, mut peer, _) = open(Way { capacity: 512, ..Way::default() }, Way::default()).await;
        link.send(vec![0; 1 << 20]);
        for i in 0..100_u8 {
            peer.send(Message::binary(vec![i])).await.unwrap();
        }
        for i in 0..100_u8 {
            assert_eq!(next(&mut link).await, LinkEvent::Binary(Bytes::from(vec![i])));
        }
        let stuck = poll_fn(|cx| Poll::Ready(link.poll_write(cx).is_pending())).await;
        assert!(stuck);
        let (received, ()) = zip(peer.next(), flush(&mut link)).await;
        assert_eq!(received.unwrap().unwrap().len(), 1 << 20);
    });
}

#[test]
fn what_was_queued_together_is_written_at_once() {
    block_on(async {
        let (mut link, mut peer, writes) = open(Way::default(), Way::default()).await;
        let before = writes.count();
        for i in 0..100_u8 {
            link.send(vec![i; 100]);
        }
        flush(&mut link).await;
        assert_eq!(writes.count() - before, 1);
        for i in 0..100_u8 {
            assert_eq!(peer.next().await.unwrap().unwrap(), Message::binary(vec![i; 100]));
        }
        flush(&mut link).await;
        assert_eq!(writes.count() - before, 1);
    });
}

#[test]
fn a_service_that_takes_nothing_is_given_up() {
    block_on(async {
        let (mut link, _peer, _) = open(Way { capacity: 512, ..Way::default() }, Way::default()).await;
        for _ in 0..40 {
            link.send(vec![0; 1 << 20]);
        }
        assert!(failed(next(&mut link).await).contains("takes nothing"));
        // And nothing more is told.
        assert!(poll_fn(|cx| Poll::Ready(link.poll_read(cx).is_pending())).await);
    });
}

#[test]
fn closing_sends_what_waits_first() {
    block_on(async {
        let (mut link, mut peer, _) = open(Way::default(), Way::default()).await;
        link.send(b"last".to_vec());
        link.close(Duration::from_mins(1));
        let server = async {
            assert_eq!(peer.next().await.unwrap().unwrap(), Message::binary(&b"last"[..]));
            assert_eq!(peer.next().await.unwrap().unwrap(), Message::Close(None));
            // Answers, and ends the connection.
            assert!(peer.next().await.is_none());
            drop(peer);
        };
        let (event, ()) = zip(next(&mut link), server).await;
        assert_eq!(event, LinkEvent::Closed(Cause::Local));
    });
}

#[test]
fn closing_does_not_wait_for_ever() {
    block_on(async {
        let (mut link, _peer, _) = open(Way { capacity: 512, ..Way::default() }, Way::default()).await;
        link.send(vec![0; 1 << 20]);
        link.close(Duration::from_millis(1));
        assert_eq!(next(&mut link).await, LinkEvent::Closed(Cause::Local));
    });
}

#[test]
fn closing_while_opening_ends_at_once() {
    let (ours, _theirs) = duplex(Way::default(), Way::default());
    let mut link = link("ws://peer/", ours, tls::default_config());
    link.close(Duration::from_mins(1));
    assert_eq!(block_on(next(&mut link)), LinkEvent::Closed(Cause::Local));
}

#[test]
fn the_other_side_may_close() {
    block_on(async {
        let (mut link, mut peer, _) = open(Way::default(), Way::default()).await;
        peer.close(Some(CloseFrame { code: 4000.into(), reason: "".into() })).await.unwrap();
        assert_eq!(next(&mut link).await, LinkEvent::Closed(Cause::Remote(Some(4000))));
        // Our answer went out before the socket was dropped.
        assert!(matches!(peer.next().await, Some(Ok(Message::Close(_)))));

        let (mut link, peer, _) = open(Way::default(), Way::default()).await;
        drop(peer);
        assert!(matches!(next(&mut link).await, LinkEvent::Closed(Cause::Failed(_) | Cause::Remote(None))));
    });
}

#[test]
fn messages_far_above_the_limit_end_the_link() {
    block_on(async {
        let (mut link, mut peer, _) = open(Way::default(), Way::default()).await;
        peer.send(Message::binary(vec![0; FRAME_BYTES + 1])).await.unwrap();
        // The core's to refuse.
        assert!(matches!(next(&mut link).await, LinkEvent::Binary(_)));
        peer.send(Message::binary(vec![0; 2 * FRAME_BYTES + 1])).await.unwrap();
        failed(next(&mut link).await);
    });
}

/// Answers the upgrade with `response`.
fn refused(response: &str) -> String {
    block_on(async {
        let (ours, mut theirs) = duplex(Way::default(), Way::default());
        let mut link = link("ws://peer/secret?path=1", ours, tls::default_config());
        let server = async {
            let mut request = [0; 16];
            theirs.read_exact(&mut request).await.unwrap();
            theirs.write_all(response.as_bytes()).await.unwrap();
            theirs.close().await.unwrap();
        };
        let (event, ()) = zip(next(&mut link), server).await;
        failed(event)
    })
}

#[test]
fn redirects_and_other_answers_are_refused() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n";
    let text = refused(redirect);
    assert!(text.contains("302") && text.contains("redirects are not followed"), "{text}");
    assert!(refused("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").contains("503"));
    assert!(!refused("SMTP ready\r\n\r\n").contains("secret"));
}

/// Connects to `wss://chat.example/`, where a server of `config` answers, trusting `root`.
fn secured(config: Arc<ServerConfig>, root: rustls::pki_types::CertificateDer<'static>) -> LinkEvent {
    block_on(async {
        let (ours, theirs) = duplex(Way::default(), Way::default());
        let mut link = link("wss://chat.example/", ours, tls::config_with_roots([root]).unwrap());
        let server = async {
            let stream = futures_rustls::TlsAcceptor::from(config).accept(theirs).await?;
            accept_async(stream).await.map_err(io::Error::other)
        };
        let (event, _server) = zip(next(&mut link), server).await;
        event
    })
}

#[test]
fn certificates_are_checked() {
    let (root, config) = certificates::server("chat.example");
    assert_eq!(secured(config.clone(), root.clone()), LinkEvent::Opened);

    let (other_root, other_host) = certificates::server("elsewhere.example");
    let untrusted = |event| matches!(event, LinkEvent::Closed(Cause::Untrusted(_)));
    assert!(untrusted(secured(other_host, other_root.clone())), "the certificate of another host");
    assert!(untrusted(secured(config, other_root)), "a root that is not trusted");
}

#[test]
fn tls_survives_short_reads_and_writes() {
    block_on(async {
        // The capacity holds what both sides of a handshake write before they read again.
        let way = Way { capacity: 4096, most: 7 };
        let (ours, theirs) = duplex(way, way);
        let (root, config) = certificates::server("chat.example");
        let mut link = link("wss://chat.example/", ours, tls::config_with_roots([root]).unwrap());
        let long = vec![7; 50_000];
        let server = async {
            let stream = futures_rustls::TlsAcceptor::from(config).accept(theirs).await.unwrap();
            let mut peer = accept_async(stream).await.unwrap();
            // Back comes what arrives.
            let message = peer.next().await.unwrap().unwrap();
            peer.send(message).await.unwrap();
            peer
        };
        let client = async {
            assert_eq!(next(&mut link).await, LinkEvent::Opened);
            link.send(long.clone());
            assert_eq!(next(&mut link).await, LinkEvent::Binary(Bytes::from(long)));
        };
        zip(client, server).await;
    });
}

#[test]
fn plain_text_where_tls_was_expected() {
    block_on(async {
        let (ours, mut theirs) = duplex(Way::default(), Way::default());
        let mut link = link("wss://chat.example/", ours, tls::default_config());
        let server = async { theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap() };
        let (event, ()) = zip(next(&mut link), server).await;
        failed(event);
    });
}
