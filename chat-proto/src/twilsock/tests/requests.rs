//! Requests: order, limits, retries, timeouts (spec 01 §3.7).

use core::time::Duration;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::json;

use super::super::*;
use super::rig::{Rig, Sent, Up, call, failed, ok, owner, status};
use crate::config::{Config, Limits};
use crate::time::Why;

fn about(waited: Duration, ms: u64) {
    let waited = u64::try_from(waited.as_millis()).unwrap();
    assert!((ms - ms / 5..=ms + ms / 5).contains(&waited), "waited {waited} instead of about {ms}");
}

fn reply(number: u64, status: u16, body: &str) -> Option<Up> {
    Some(Up::Reply { owner: owner(number), status, body: body.as_bytes().to_vec() })
}

fn paths(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|sent| sent.path().to_string()).collect()
}

#[test]
fn requests_before_the_connection_go_after_the_put_in_their_order() {
    let mut rig = Rig::new();
    for n in 0..3 {
        rig.submit(&format!("/{n}"), Retry::Never);
    }
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    let sent = rig.sent();
    assert_eq!(sent[0].method(), "put_notification_ctx");
    assert_eq!(paths(&sent[1..]), ["/0", "/1", "/2"]);
}

#[test]
fn at_most_so_many_are_under_way() {
    let limits = Limits { requests_in_flight: 2, ..Limits::default() };
    let mut rig = Rig::connected_with(Config { limits, ..Config::default() });
    for n in 0..4 {
        rig.submit(&format!("/{n}"), Retry::Never);
    }
    let sent = rig.sent();
    assert_eq!(paths(&sent), ["/0", "/1"]);
    assert_eq!(rig.http(&sent[1], 200, "b"), reply(2, 200, "b"));
    assert_eq!(paths(&rig.sent()), ["/2"]);
    // A forgotten one still counts until it is answered: the service works on it.
    rig.forget(RequestId(1));
    rig.quiet();
    assert_eq!(rig.http(&sent[0], 200, ""), None);
    assert_eq!(paths(&rig.sent()), ["/3"]);
}

#[test]
fn a_forgotten_request_is_never_sent() {
    let mut rig = Rig::new();
    let forgotten = rig.submit("/never", Retry::SyncRead);
    rig.submit("/sent", Retry::Never);
    rig.forget(forgotten);
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    assert_eq!(paths(&rig.sent()[1..]), ["/sent"]);
    rig.forget(RequestId(99));
}

#[test]
fn a_forgotten_request_under_way_is_not_told_when_the_link_is_lost() {
    let mut rig = Rig::connected();
    let id = rig.submit("/x", Retry::SyncRead);
    rig.one("message");
    rig.forget(id);
    rig.drop_link(Cause::Remote(None));
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connecting), Notice::Offline]);
    rig.to_deadline();
    rig.expect_open();
    rig.go_online();
    rig.quiet();
}

#[test]
fn a_transport_refusal_goes_up_as_it_is() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::SyncRead);
    let sent = rig.one("message");
    let status = json!({"code": 429, "status": "TOO_MANY_REQUESTS", "errorCode": 51202});
    let error = RequestError::Refused { status: 429, code: 51202, message: "TOO_MANY_REQUESTS".into() };
    assert_eq!(rig.answer(&sent, status, ""), Some(Up::Refused { owner: owner(1), error }));
    assert_eq!(rig.cx.timers.deadline().unwrap().why, Why::Watchdog, "its timer is gone");
}

#[test]
fn a_reply_without_http_status_is_a_success() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::Never);
    let sent = rig.one("message");
    assert_eq!(rig.answer(&sent, ok(), "body"), reply(1, 200, "body"));
}

#[test]
fn a_read_of_sync_is_repeated_until_its_budget_ends() {
    let mut rig = Rig::connected_with(Config { watchdog: None, ..Config::default() });
    rig.submit("/x", Retry::SyncRead);
    let begun = rig.cx.now;
    let mut waits = Vec::new();
    let mut ids = Vec::new();
    let mut requests = Vec::new();
    let last = loop {
        let sent = rig.one("message");
        assert!(!ids.contains(&sent.id().to_string()), "frame ids are never reused");
        ids.push(sent.id().to_string());
        requests.push(sent.header["http_request"].clone());
        match rig.http(&sent, 503, "busy") {
            None => waits.push(rig.to_deadline()),
            Some(up) => break Some(up),
        }
    };
    assert_eq!(last, reply(1, 503, "busy"), "the last answer is not lost");
    for (wait, nominal) in waits.iter().zip([4000, 8000, 16_000, 32_000, 60_000]) {
        about(*wait, nominal);
    }
    requests.dedup();
    assert_eq!(requests.len(), 1, "every attempt is the same request, its id in the headers too");
    // t = 0, 4, 12, 28, 60 s: the fifth wait would end after 90 s (spec 02 §6.3).
    assert_eq!(waits.len(), 4, "{waits:?}");
    assert!(rig.cx.now.since(begun) <= Duration::from_secs(90));
    assert_eq!((rig.cx.stats.requests, rig.cx.stats.retries), (5, 4));
}

#[test]
fn sdk_defect_14_a_read_of_chat_is_tried_three_times_and_its_status_survives() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::ChatRead);
    for wait in [1, 2] {
        let sent = rig.one("message");
        assert_eq!(rig.http(&sent, 502, "bad"), None);
        assert_eq!(rig.to_deadline(), Duration::from_secs(wait));
    }
    let sent = rig.one("message");
    assert_eq!(rig.http(&sent, 429, "{\"code\":1}"), reply(1, 429, "{\"code\":1}"));
}

#[test]
fn reads_are_repeated_after_these_answers() {
    for retry in [Retry::SyncRead, Retry::ChatRead] {
        for code in [429, 502, 503, 504] {
            let mut rig = Rig::connected();
            rig.submit("/x", retry);
            let sent = rig.one("message");
            assert_eq!(rig.http(&sent, code, ""), None, "{retry:?} {code}");
            rig.to_deadline();
            let sent = rig.one("message");
            assert_eq!(rig.http(&sent, 200, "good"), reply(1, 200, "good"));
        }
    }
}

#[test]
fn throttling_is_not_borne_where_the_app_says_so() {
    let config = Config { retry_when_throttled: false, ..Config::default() };
    let mut rig = Rig::connected_with(config);
    rig.submit("/x", Retry::ChatRead);
    let sent = rig.one("message");
    assert_eq!(rig.http(&sent, 429, ""), reply(1, 429, ""));
    rig.submit("/y", Retry::ChatRead);
    let sent = rig.one("message");
    assert_eq!(rig.http(&sent, 503, ""), None);
}

#[test]
fn other_answers_are_not_repeated() {
    for retry in [Retry::SyncRead, Retry::ChatRead] {
        for code in [400, 403, 404, 500, 501, 505] {
            let mut rig = Rig::connected();
            rig.submit("/x", retry);
            let sent = rig.one("message");
            assert_eq!(rig.http(&sent, code, ""), reply(1, code, ""));
        }
    }
}

#[test]
fn sdk_defect_13_what_changes_something_is_never_repeated() {
    for code in [429, 502, 503, 504] {
        let mut rig = Rig::connected();
        rig.submit("/x", Retry::Never);
        let sent = rig.one("message");
        assert_eq!(rig.http(&sent, code, ""), reply(1, code, ""));
    }
}

#[test]
fn reads_go_again_after_a_lost_link_before_newer_requests() {
    let mut rig = Rig::connected();
    rig.submit("/read", Retry::SyncRead);
    rig.submit("/write", Retry::Never);
    assert_eq!(rig.sent().len(), 2);
    rig.drop_link(Cause::Failed("reset".into()));
    assert_eq!(rig.notices()[0], failed(2, RequestError::Lost));
    rig.submit("/newer", Retry::Never);
    rig.to_deadline();
    rig.expect_open();
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    assert_eq!(paths(&rig.sent()[1..]), ["/read", "/newer"]);
}

#[test]
fn a_retry_that_comes_due_offline_waits_for_the_connection() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::SyncRead);
    let sent = rig.one("message");
    assert_eq!(rig.http(&sent, 503, ""), None);
    rig.network(Network::Offline);
    rig.expect_close();
    rig.advance(Duration::from_mins(5));
    rig.expect_open();
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    assert_eq!(paths(&rig.sent()[1..]), ["/x"]);
}

#[test]
fn no_reply_in_time_is_told_and_a_late_one_is_stale() {
    let mut rig = Rig::connected_with(Config { watchdog: None, ..Config::default() });
    rig.submit("/x", Retry::Never);
    let sent = rig.one("message");
    assert_eq!(rig.to_deadline(), Duration::from_secs(30));
    assert_eq!(rig.notices(), [failed(1, RequestError::TimedOut)]);
    assert_eq!(rig.http(&sent, 200, ""), None);
    assert_eq!(rig.cx.stats.stale, 1);
}

#[test]
fn a_read_without_reply_is_tried_three_times() {
    let mut rig = Rig::connected_with(Config { watchdog: None, ..Config::default() });
    rig.submit("/x", Retry::ChatRead);
    for _ in 0..2 {
        rig.one("message");
        rig.to_deadline();
        assert_eq!(rig.notices(), []);
    }
    rig.one("message");
    rig.to_deadline();
    assert_eq!(rig.notices(), [failed(1, RequestError::TimedOut)]);
    rig.quiet();
    assert_eq!(rig.cx.timers.deadline(), None);
}

#[test]
fn while_the_token_is_refused_requests_wait() {
    let mut rig = Rig::new();
    rig.submit("/x", Retry::Never);
    rig.open();
    let init = rig.one("init");
    rig.answer(&init, status(401), "");
    rig.one("close");
    rig.expect_close();
    rig.submit("/y", Retry::Never);
    assert_eq!(rig.cx.timers.deadline(), None, "nothing loops");
    rig.update_token(1, "T1");
    rig.expect_open();
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    assert_eq!(paths(&rig.sent()[1..]), ["/x", "/y"]);
}

#[test]
fn shutting_down_fails_everything_and_leaves_nothing_armed() {
    let mut rig = Rig::connected();
    rig.submit("/flying", Retry::Never);
    rig.submit("/waiting", Retry::SyncRead);
    let sent = rig.sent();
    assert_eq!(rig.http(&sent[1], 503, ""), None);
    rig.shut_down(7);
    rig.one("close");
    rig.expect_close();
    assert_eq!(
        rig.notices(),
        [
            failed(1, RequestError::ShutDown),
            failed(2, RequestError::ShutDown),
            Notice::StateChanged(ConnectionState::Disconnecting),
            Notice::Offline
        ]
    );
    // What comes now is too late.
    rig.submit("/late", Retry::Never);
    rig.update_token(8, "T1");
    rig.shut_down(9);
    let link = rig.link;
    assert_eq!(
        rig.notices(),
        [
            failed(3, RequestError::ShutDown),
            Notice::TokenUpdated { call: call(8), result: Err(CallError::ShutDown) }
        ]
    );
    rig.closed(link, Cause::Local);
    assert_eq!(
        rig.notices(),
        [
            Notice::StateChanged(ConnectionState::Disconnected),
            Notice::ShutDown { call: call(7) },
            Notice::ShutDown { call: call(9) }
        ]
    );
    rig.shut_down(10);
    assert_eq!(rig.notices(), [Notice::ShutDown { call: call(10) }]);
    rig.network(Network::Online);
    rig.quiet();
    assert_eq!(rig.cx.timers.deadline(), None);
}
