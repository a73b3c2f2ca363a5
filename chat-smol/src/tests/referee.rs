//! The referee in front of the core: every test of the driver is a test of its manners too.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::{Client as Proto, Event, Input, Network, Time};
use chat_testkit::referee::{Bounds, HostCheck, Kind};
use serde_json::json;
use smol::Timer;

use super::{Client, Way, run, service, start, until};
use crate::shared::Shared;

pub(crate) type Door = HostCheck;

thread_local! {
    /// The clients that this test has started.
    static STARTED: RefCell<Vec<Arc<Shared>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn watch(client: Proto, now: Time) -> Door {
    // The clock is a real one, and the machine may have other things to do.
    let patience = Duration::from_secs(5);
    HostCheck::watch(client, Bounds { close: patience, ..Bounds::default().and(patience) }, now)
}

pub(super) fn remember(client: &Client) {
    STARTED.with_borrow_mut(|started| started.push(client.shared().clone()));
}

/// Asks the referee about all clients of the test.
pub(super) fn assert_fair() {
    for shared in STARTED.take() {
        let breaches: Vec<String> =
            shared.with_referee(|door| door.breaches().iter().map(ToString::to_string).collect());
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
}

/// For tests that did wrong themselves.
pub(super) fn forget() {
    STARTED.take();
}

fn ping(id: usize) -> (serde_json::Value, Vec<u8>) {
    (json!({ "method": "ping", "id": format!("PING-{id}") }), Vec::new())
}

#[test]
fn what_is_written_and_read_is_what_was_asked_and_sent() {
    run(async {
        let (service, options) = service(Way { capacity: 2048, most: 100 });
        let client = start(options);
        let mut events = client.events();
        let (mut first, _) = service.accept().await;
        first.welcome().await;
        // The service writes and does not read: more than the way back holds.
        first.send((0..500).map(ping)).await;
        first.send([(json!({ "method": "no_such_method", "id": "LAST" }), Vec::new())]).await;
        until(&mut events, |event| matches!(event, Event::Fault(_))).await;
        client.shared().with_referee(|door| door.compare([&first.wire]));
        for _ in 0..500 {
            first.expect("reply").await;
        }
        client.network(Network::Changed);
        let (mut second, _) = service.accept().await;
        while first.next().await.is_some() {}
        second.welcome().await;
        second.send((0..10).map(ping)).await;
        for _ in 0..10 {
            second.expect("reply").await;
        }
        let wires = [first.wire, second.wire];
        client.shared().with_referee(|door| door.compare(&wires));
        assert_eq!(client.shared().with_referee(|door| door.links().count()), 2);
        drop(client);
    });
}

#[test]
fn the_referee_is_really_there() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        peer.expect("put_notification_ctx").await;
        // As a driver would that tells of its socket twice.
        let link = client.shared().with_referee(|door| door.links().next()).unwrap();
        client.shared().handle(Input::Opened(link));
        // And one that writes what nobody asked for.
        peer.wire.received(chat_proto::Frame::Text("made up"));
        client.shared().with_referee(|door| door.compare([&peer.wire]));
        Timer::after(Duration::from_millis(1)).await;
        let kinds: Vec<Kind> = client
            .shared()
            .with_referee(|door| door.breaches().iter().map(|breach| breach.kind.clone()).collect());
        assert_eq!(kinds, [Kind::OpenedTwice(link), Kind::SendNotAskedFor]);
        STARTED.take();
        drop(client);
    });
}
