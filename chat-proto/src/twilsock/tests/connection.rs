//! Connecting, losing the connection, connecting again (spec 01 §3, §9).

use core::time::Duration;

use std::format;
use std::vec::Vec;

use serde_json::json;

use super::super::*;
use super::rig::{Rig, Sent, call, failed, ok, owner, status};
use crate::command::Command;
use crate::config::Config;
use crate::error::ConnectionError;
use crate::event::Event;
use crate::time::Why;

fn connection_error(event: &Event) -> &ConnectionError {
    match event {
        Event::ConnectionError(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Within ± 20 %.
fn about(waited: Duration, ms: u64) {
    let waited = u64::try_from(waited.as_millis()).unwrap();
    assert!((ms - ms / 5..=ms + ms / 5).contains(&waited), "waited {waited} instead of about {ms}");
}

#[test]
fn a_client_connects_once_and_is_announced_when_it_is_registered() {
    let mut rig = Rig::new();
    rig.open();
    let init = rig.one("init");
    assert_eq!(init.header["token"], "T0");
    assert_eq!(init.header["continuation_token"], json!(null));
    rig.serve(json!({"method": "reply", "id": init.id(), "status": ok(), "continuation_token": "C1"}), "");
    assert_eq!(rig.notices(), [], "not yet: without a context no event comes");
    let put = rig.one("put_notification_ctx");
    let context: serde_json::Value = serde_json::from_slice(&put.payload).unwrap();
    assert_eq!(
        context["message_types"],
        json!([
            "twilio.sync.event",
            "com.twilio.rtd.cds.document",
            "com.twilio.rtd.cds.list",
            "com.twilio.rtd.cds.map",
            "twilio.ipmsg.typing_indicator"
        ])
    );
    rig.accept(&put);
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connected), Notice::Online]);
    assert_eq!(rig.events(), [Event::ContinuationToken(Secret::new("C1"))]);
    rig.quiet();
}

#[test]
fn sdk_defect_12_row_10_a_drop_fails_what_is_under_way_and_keeps_what_waits() {
    let mut rig = Rig::connected();
    rig.submit("/under-way", Retry::Never);
    rig.one("message");
    rig.drop_link(Cause::Remote(None));
    assert_eq!(
        rig.notices(),
        [failed(1, RequestError::Lost), Notice::StateChanged(ConnectionState::Connecting), Notice::Offline]
    );
    assert_eq!(rig.events(), [], "a socket that just ends is no error");
    rig.submit("/later", Retry::Never);
    rig.quiet();
    about(rig.to_deadline(), 1000);
    rig.expect_open();
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    let sent = rig.sent();
    assert_eq!(sent.iter().map(Sent::method).collect::<Vec<_>>(), ["put_notification_ctx", "message"]);
    assert_eq!(sent[1].path(), "/later");
    assert_eq!(
        rig.http(&sent[1], 404, "{}"),
        Some(super::rig::Up::Reply { owner: owner(2), status: 404, body: b"{}".to_vec() })
    );
    assert_eq!(rig.notices(), []);
    rig.accept(&sent[0]);
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connected), Notice::Online]);
}

#[test]
fn sdk_defect_6_row_5_the_service_may_impose_the_wait() {
    let mut rig = Rig::new();
    for (imposed, nominal) in [(2000, 2000), (2000, 4000), (3000, 3000)] {
        rig.open();
        let init = rig.one("init");
        let payload =
            format!("{{\"backoff_policy\":{{\"reconnect_min_ms\":{imposed},\"reconnect_max_ms\":9000}}}}");
        rig.answer(&init, status(429), &payload);
        rig.one("close");
        rig.expect_close();
        let events = rig.events();
        assert_eq!(events.len(), 1);
        let error = connection_error(&events[0]);
        assert_eq!((error.terminal, error.http_status), (false, Some(429)));
        about(rig.to_deadline(), nominal);
        rig.expect_open();
    }
    assert_eq!(rig.notices(), [], "publicly it connects all the time");
    // Connected: the next series begins at the beginning.
    rig.go_online();
    rig.drop_link(Cause::Remote(None));
    about(rig.to_deadline(), 1000);
}

#[test]
fn sdk_defect_4_row_6_refused_sockets_are_tried_again_ever_more_slowly() {
    let mut rig = Rig::new();
    for nominal in [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 120_000, 120_000] {
        rig.drop_link(Cause::Failed("connection refused".into()));
        let events = rig.events();
        assert_eq!(events.len(), 1, "one for each attempt");
        let error = connection_error(&events[0]);
        assert_eq!((error.terminal, &*error.message), (false, "connection refused"));
        about(rig.to_deadline(), nominal);
        rig.expect_open();
    }
}

#[test]
fn row_8_only_500_is_left_without_goodbye() {
    for (code, says_goodbye) in [(500, false), (503, true), (400, true)] {
        let mut rig = Rig::new();
        rig.open();
        let init = rig.one("init");
        rig.answer(&init, status(code), "");
        assert_eq!(rig.sent().len(), usize::from(says_goodbye), "{code}");
        rig.expect_close();
        about(rig.to_deadline(), 1000);
        rig.expect_open();
    }
}

#[test]
fn row_12_the_newest_continuation_token_is_echoed() {
    let mut rig = Rig::with(Config { continuation_token: Some(Secret::new("C0")), ..Config::default() });
    let reconnect = |rig: &mut Rig, expected: &str, reply: serde_json::Value| {
        rig.open();
        let init = rig.one("init");
        assert_eq!(init.header["continuation_token"], expected);
        let mut header = json!({"method": "reply", "id": init.id(), "status": ok()});
        header["continuation_token"] = reply;
        rig.serve(header, "");
        rig.sent();
        rig.drop_link(Cause::Remote(None));
        rig.to_deadline();
        rig.expect_open();
        rig.events()
    };
    assert_eq!(reconnect(&mut rig, "C0", json!("C1")), [Event::ContinuationToken(Secret::new("C1"))]);
    assert_eq!(reconnect(&mut rig, "C1", json!("C1")), [], "told only when it changed");
    // The reference client forgets it here.
    assert_eq!(reconnect(&mut rig, "C1", json!(null)), []);
    assert_eq!(reconnect(&mut rig, "C1", json!("")), []);
    assert_eq!(reconnect(&mut rig, "C1", json!("C2")), [Event::ContinuationToken(Secret::new("C2"))]);
}

#[test]
fn sdk_defect_8_an_offload_goes_on_when_the_socket_is_closed() {
    for (code, payload, nominal) in
        [(308, "{\"backoff_policy\":{\"reconnect_min_ms\":2500}}", 2500), (308, "", 1000), (503, "", 1000)]
    {
        let mut rig = Rig::connected();
        rig.submit("/x", Retry::Never);
        rig.one("message");
        rig.serve_close(status(code), payload);
        rig.one("reply");
        rig.expect_close();
        assert_eq!(rig.notices()[0], failed(1, RequestError::Lost), "at once, not after 30 s");
        rig.advance(Duration::from_millis(20));
        let link = rig.link;
        rig.closed(link, Cause::Remote(None));
        about(rig.to_deadline(), nominal);
        rig.expect_open();
        assert_eq!(rig.events(), [], "{code}");
        assert_eq!(rig.cx.stats.stale, 0, "this end was waited for");
    }
}

#[test]
fn an_offload_waits_three_seconds_at_most() {
    let mut rig = Rig::connected();
    rig.serve_close(status(308), "");
    rig.one("reply");
    rig.expect_close();
    assert_eq!(rig.to_deadline(), Duration::from_secs(3));
    about(rig.to_deadline(), 1000);
    let old = rig.link;
    rig.expect_open();
    rig.closed(old, Cause::Local);
    assert_eq!(rig.cx.stats.stale, 1, "too late");
    rig.go_online();
}

#[test]
fn an_imposed_wait_is_not_that_of_an_unknown_close() {
    let mut rig = Rig::connected();
    rig.serve_close(status(503), "{\"backoff_policy\":{\"reconnect_min_ms\":60000}}");
    let link = rig.link;
    rig.sent();
    rig.expect_close();
    rig.closed(link, Cause::Local);
    about(rig.to_deadline(), 1000);
}

#[test]
fn sdk_defect_9_unsupported_is_an_end_that_a_token_or_a_shutdown_leaves() {
    for code in [406, 417] {
        let mut rig = Rig::connected();
        rig.serve_close(json!({"code": code, "status": "NOT_ACCEPTABLE_MESSAGE", "errorCode": 51214}), "");
        let sent = rig.sent();
        assert_eq!(sent.iter().map(Sent::method).collect::<Vec<_>>(), ["reply", "close"]);
        rig.expect_close();
        let events = rig.events();
        let error = connection_error(&events[0]);
        assert_eq!((error.terminal, error.http_status, error.error_code), (true, Some(code), Some(51214)));
        assert_eq!(events.len(), 1);
        assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Disconnected), Notice::Offline]);
        assert_eq!(rig.cx.timers.deadline(), None);
        let mut other = Rig { cx: rig.cx.clone(), stage: rig.stage.clone(), ..Rig::new() };
        other.shut_down(1);
        assert_eq!(other.notices().last(), Some(&Notice::ShutDown { call: call(1) }));
        other.quiet();
        // The token may be the same: it was not at fault.
        rig.update_token(1, "T0");
        rig.expect_open();
        rig.go_online();
        assert!(rig.notices().contains(&Notice::TokenUpdated { call: call(1), result: Ok(()) }));
    }
}

#[test]
fn a_socket_that_does_not_open_is_given_up() {
    let mut rig = Rig::new();
    assert_eq!(rig.to_deadline(), Duration::from_mins(1));
    rig.expect_close();
    assert!(!connection_error(&rig.events()[0]).terminal);
    about(rig.to_deadline(), 1000);
    rig.expect_open();
}

#[test]
fn an_init_without_answer_is_no_end() {
    let mut rig = Rig::new();
    rig.open();
    rig.one("init");
    assert_eq!(rig.to_deadline(), Duration::from_secs(30));
    rig.one("close");
    rig.expect_close();
    assert!(!connection_error(&rig.events()[0]).terminal, "spec 01 §8 #11");
    about(rig.to_deadline(), 1000);
    rig.expect_open();
    // Cut off before the answer: the same.
    rig.open();
    rig.one("init");
    rig.drop_link(Cause::Remote(None));
    assert!(!connection_error(&rig.events()[0]).terminal);
    about(rig.to_deadline(), 2000);
    rig.expect_open();
    assert_eq!(rig.notices(), []);
    rig.go_online();
}

#[test]
fn silence_is_noticed() {
    let mut rig = Rig::connected();
    rig.advance(Duration::from_secs(44));
    rig.serve(json!({"method": "ping", "id": "TM1"}), "");
    rig.one("reply");
    assert_eq!(rig.to_deadline(), Duration::from_secs(45));
    rig.one("close");
    rig.expect_close();
    assert!(!connection_error(&rig.events()[0]).terminal);
    about(rig.to_deadline(), 1000);
    rig.expect_open();
    // Nobody watches a connection that is not made; from the answer to `init` on it is watched.
    rig.open();
    let init = rig.one("init");
    assert_eq!(rig.cx.timers.armed(Timer::Watchdog), None);
    rig.answer(&init, ok(), "");
    assert_eq!(rig.cx.timers.armed(Timer::Watchdog), Some(rig.cx.now + Duration::from_secs(45)));
    let mut rig = Rig::connected_with(Config { watchdog: None, ..Config::default() });
    assert_eq!(rig.cx.timers.deadline(), None);
    rig.advance(Duration::from_hours(8));
    rig.quiet();
}

#[test]
fn the_network_coming_back_ends_the_wait() {
    let mut rig = Rig::connected();
    for _ in 0..4 {
        rig.drop_link(Cause::Failed("reset".into()));
        rig.to_deadline();
        rig.expect_open();
    }
    rig.drop_link(Cause::Failed("unreachable".into()));
    rig.network(Network::Online);
    rig.expect_open();
    rig.drop_link(Cause::Failed("unreachable".into()));
    about(rig.to_deadline(), 1000);
    rig.expect_open();
    rig.go_online();
    rig.network(Network::Online);
    rig.quiet();
}

#[test]
fn without_network_the_socket_is_given_up() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::Never);
    rig.one("message");
    rig.network(Network::Offline);
    rig.expect_close();
    assert_eq!(
        rig.notices(),
        [failed(1, RequestError::Lost), Notice::StateChanged(ConnectionState::Connecting), Notice::Offline]
    );
    rig.network(Network::Offline);
    rig.quiet();
    about(rig.to_deadline(), 1000);
    rig.expect_open();
}

#[test]
fn another_network_means_another_socket_at_once() {
    let mut rig = Rig::connected();
    rig.network(Network::Changed);
    let commands = rig.commands();
    assert!(matches!(commands[..], [Command::Close { .. }, Command::Open { .. }]), "{commands:?}");
    rig.go_online();
    assert_eq!(
        rig.notices(),
        [
            Notice::StateChanged(ConnectionState::Connecting),
            Notice::Offline,
            Notice::StateChanged(ConnectionState::Connected),
            Notice::Online
        ]
    );
}

#[test]
fn a_refused_put_is_repeated() {
    let mut rig = Rig::new();
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    let put = rig.one("put_notification_ctx");
    rig.answer(&put, status(500), "");
    assert_eq!(rig.notices(), []);
    about(rig.to_deadline(), 1000);
    let again = rig.one("put_notification_ctx");
    assert_eq!(again.header["notification_ctx_id"], put.header["notification_ctx_id"]);
    assert_ne!(again.id(), put.id());
    // No answer at all.
    assert_eq!(rig.to_deadline(), Duration::from_secs(30));
    about(rig.to_deadline(), 2000);
    let last = rig.one("put_notification_ctx");
    assert_eq!(rig.answer(&again, ok(), ""), None);
    assert_eq!(rig.notices(), [], "that one was given up");
    rig.accept(&last);
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connected), Notice::Online]);
    let deadline = rig.cx.timers.deadline().unwrap();
    assert_eq!(deadline.why, Why::Watchdog, "the watchdog alone");
    rig.cx.timers.cancel(Timer::Watchdog);
    assert_eq!(rig.cx.timers.deadline(), None);
}

#[test]
fn shutting_down_is_possible_at_any_time() {
    // Opening, initialising, connected, waiting, refused, closing.
    type Prepare = fn(&mut Rig);
    let prepare: [(&str, Prepare); 7] = [
        ("connecting", |_| {}),
        ("initialising", |rig| {
            rig.open();
            rig.one("init");
        }),
        ("connected", Rig::go_online),
        ("retrying", |rig| rig.drop_link(Cause::Remote(None))),
        ("rejected", |rig| {
            rig.open();
            let init = rig.one("init");
            rig.answer(&init, status(403), "");
        }),
        ("offloaded", |rig| {
            rig.go_online();
            rig.serve_close(status(308), "");
        }),
        ("expired", |rig| {
            rig.go_online();
            rig.serve_close(status(410), "");
        }),
    ];
    for (name, prepare) in prepare {
        let mut rig = Rig::new();
        prepare(&mut rig);
        rig.sent();
        rig.commands();
        rig.notices();
        rig.shut_down(1);
        let says_goodbye = matches!(name, "initialising" | "connected");
        assert_eq!(rig.sent().len(), usize::from(says_goodbye), "{name}");
        rig.commands();
        let waits = rig.cx.timers.deadline().is_some();
        let has_sent = matches!(name, "initialising" | "connected" | "offloaded" | "expired");
        assert_eq!(waits, has_sent, "{name}: there is no end to wait for where nothing was sent");
        if waits {
            // The socket never says that it is closed.
            rig.to_deadline();
        }
        let notices = rig.notices();
        let disconnected = Notice::StateChanged(ConnectionState::Disconnected);
        assert_eq!(
            notices[notices.len() - 2..],
            [disconnected, Notice::ShutDown { call: call(1) }],
            "{name}"
        );
        assert_eq!(rig.cx.timers.deadline(), None, "{name}");
        rig.quiet();
    }
}

#[test]
fn eight_hours_of_sleep_are_one_attempt() {
    let mut rig = Rig::connected();
    rig.drop_link(Cause::Remote(None));
    rig.advance(Duration::from_hours(8));
    rig.expect_open();
    rig.advance(Duration::from_hours(8));
    rig.expect_close();
    about(rig.to_deadline(), 2000);
    rig.expect_open();
}
