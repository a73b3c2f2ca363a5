//! The life of the access token (spec 01 §4).

use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use serde_json::{Value, json};

use super::super::*;
use super::rig::{Rig, Sent, call, ok, status};
use crate::config::Config;
use crate::error::ConnectionError;
use crate::event::Event;
use crate::time::Why;

fn refused(code: u16, error_code: Option<i64>) -> Value {
    json!({"code": code, "status": "UNAUTHORIZED", "description": "bad", "errorCode": error_code})
}

fn rejected(code: u16, error_code: i64) -> CallError {
    CallError::TokenRejected { status: code, code: error_code, message: "bad".into() }
}

fn updated(number: u64, result: Result<(), CallError>) -> Notice {
    Notice::TokenUpdated { call: call(number), result }
}

fn terminal(code: u16, error_code: Option<i64>) -> Event {
    Event::ConnectionError(ConnectionError {
        terminal: true,
        message: "bad".into(),
        http_status: Some(code),
        error_code,
    })
}

fn wanted(reason: TokenWanted) -> Event {
    Event::TokenWanted { reason }
}

/// The init with this token; answered well. Gives the frames that follow.
fn accept_init(rig: &mut Rig, token: &str) -> Vec<Sent> {
    rig.open();
    let init = rig.one("init");
    assert_eq!(init.header["token"], token);
    rig.accept(&init);
    rig.sent()
}

#[test]
fn sdk_defect_5_row_7_an_expired_token_is_told_once_and_a_new_one_reconnects() {
    let mut rig = Rig::new();
    rig.open();
    let init = rig.one("init");
    rig.answer(&init, refused(401, Some(20104)), "");
    rig.one("close");
    rig.expect_close();
    assert_eq!(rig.events(), [Event::TokenExpired, terminal(401, Some(20104)), wanted(TokenWanted::Expired)]);
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Denied)]);
    assert_eq!(rig.cx.timers.deadline(), None);
    rig.update_token(1, "T1");
    rig.expect_open();
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connecting)]);
    assert_eq!(accept_init(&mut rig, "T1").len(), 1);
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
}

#[test]
fn sdk_defect_7_a_token_given_while_the_socket_closes_is_used() {
    // Conformance row 9: close 410, and the new token at once.
    let mut rig = Rig::connected();
    rig.serve_close(json!({"code": 410, "status": "TOKEN_EXPIRED", "errorCode": 51207}), "");
    assert_eq!(rig.events(), [Event::TokenExpired, wanted(TokenWanted::Expired)]);
    rig.one("reply");
    rig.expect_close();
    rig.update_token(1, "T1");
    rig.quiet();
    let link = rig.link;
    rig.closed(link, Cause::Local);
    rig.expect_open();
    assert_eq!(
        rig.notices(),
        [
            Notice::StateChanged(ConnectionState::Disconnecting),
            Notice::Offline,
            Notice::StateChanged(ConnectionState::Disconnected),
            Notice::StateChanged(ConnectionState::Connecting)
        ]
    );
    accept_init(&mut rig, "T1");
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
}

#[test]
fn sdk_defect_7_the_spent_token_is_not_taken_for_a_success() {
    let mut rig = Rig::connected();
    let spent = json!({"code": 410, "status": "TOKEN_EXPIRED", "description": "bad", "errorCode": 51207});
    rig.serve_close(spent, "");
    let link = rig.link;
    rig.sent();
    rig.expect_close();
    rig.closed(link, Cause::Local);
    rig.notices();
    rig.update_token(1, "T0");
    assert_eq!(rig.notices(), [updated(1, Err(rejected(410, 51207)))]);
    rig.quiet();
    rig.update_token(2, "T1");
    rig.expect_open();
}

#[test]
fn close_401_is_told_and_ends_disconnected() {
    let mut rig = Rig::connected();
    rig.serve_close(refused(401, Some(20101)), "");
    rig.one("reply");
    rig.expect_close();
    assert_eq!(rig.events(), [terminal(401, Some(20101)), wanted(TokenWanted::Rejected)]);
    // The socket never says that it is closed: three seconds are enough.
    assert_eq!(rig.to_deadline(), Duration::from_secs(3));
    assert_eq!(
        rig.notices(),
        [
            Notice::StateChanged(ConnectionState::Disconnecting),
            Notice::Offline,
            Notice::StateChanged(ConnectionState::Disconnected)
        ]
    );
    assert_eq!(rig.cx.timers.deadline(), None);
}

#[test]
fn close_308_with_51232_is_a_refusal() {
    let mut rig = Rig::connected();
    rig.serve_close(refused(308, Some(51232)), "");
    rig.one("reply");
    rig.expect_close();
    assert_eq!(rig.events(), [terminal(308, Some(51232)), wanted(TokenWanted::Rejected)]);
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Denied), Notice::Offline]);
    assert_eq!(rig.cx.timers.deadline(), None);
}

#[test]
fn row_11_an_update_while_connected_changes_no_state() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T1");
    let update = rig.one("update");
    assert_eq!(update.header["token"], "T1");
    assert_eq!(rig.notices(), []);
    // Requests go on meanwhile.
    rig.submit("/x", Retry::Never);
    rig.one("message");
    rig.accept(&update);
    let put = rig.one("put_notification_ctx");
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
    rig.accept(&put);
    assert_eq!(rig.notices(), [], "it was registered all the time");
}

#[test]
fn the_token_that_is_known_already_is_not_sent() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T0");
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
    rig.quiet();
}

#[test]
fn a_token_given_while_init_runs_is_sent_afterwards() {
    let mut rig = Rig::new();
    rig.open();
    let init = rig.one("init");
    rig.update_token(1, "T1");
    rig.quiet();
    rig.accept(&init);
    let sent = rig.sent();
    assert_eq!(sent.iter().map(Sent::method).collect::<Vec<_>>(), ["put_notification_ctx", "update"]);
    assert_eq!(sent[1].header["token"], "T1");
    assert_eq!(rig.notices(), [], "not yet: the service only knows the old one");
    rig.accept(&sent[1]);
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
}

#[test]
fn a_token_given_while_the_socket_opens_is_in_the_init() {
    let mut rig = Rig::new();
    rig.update_token(1, "T1");
    rig.quiet();
    accept_init(&mut rig, "T1");
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
}

#[test]
fn a_second_token_waits_for_the_update_that_runs() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T1");
    let first = rig.one("update");
    rig.update_token(2, "T2");
    rig.quiet();
    rig.accept(&first);
    assert_eq!(rig.notices(), [updated(1, Ok(()))]);
    let sent = rig.sent();
    let second = sent.iter().find(|sent| sent.method() == "update").unwrap();
    assert_eq!(second.header["token"], "T2");
    rig.accept(second);
    assert_eq!(rig.notices(), [updated(2, Ok(()))]);
    assert_eq!(rig.accepted(), ["T1", "T2"], "each once it is known to be good");
    rig.update_token(3, "T3");
    let sent = rig.sent();
    let third = sent.iter().find(|sent| sent.method() == "update").unwrap();
    rig.answer(third, refused(401, Some(20101)), "");
    rig.notices();
    assert!(rig.accepted().is_empty(), "a refused one never");
}

#[test]
fn a_newer_token_survives_the_refusal_of_an_older() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T1");
    let first = rig.one("update");
    rig.update_token(2, "T2");
    rig.answer(&first, refused(401, Some(20101)), "");
    rig.one("close");
    let link = rig.link;
    let commands = rig.commands();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert_ne!(rig.link, link);
    assert_eq!(
        rig.events(),
        [Event::ConnectionError(ConnectionError {
            terminal: false,
            message: "bad".into(),
            http_status: Some(401),
            error_code: Some(20101)
        })]
    );
    assert_eq!(rig.notices()[0], updated(1, Err(rejected(401, 20101))));
    accept_init(&mut rig, "T2");
    assert!(rig.notices().contains(&updated(2, Ok(()))));
}

#[test]
fn a_refused_update_ends_the_connection() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T1");
    let update = rig.one("update");
    rig.answer(&update, refused(403, None), "");
    rig.one("close");
    rig.expect_close();
    assert_eq!(rig.events(), [terminal(403, None), wanted(TokenWanted::Rejected)]);
    assert_eq!(
        rig.notices(),
        [updated(1, Err(rejected(403, 0))), Notice::StateChanged(ConnectionState::Denied), Notice::Offline]
    );
    // The token that was good before is another one than the refused.
    rig.update_token(2, "T0");
    rig.expect_open();
    accept_init(&mut rig, "T0");
    assert!(rig.notices().contains(&updated(2, Ok(()))));
}

#[test]
fn sdk_defect_10_a_throttled_update_fails_and_the_connection_is_made_anew() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T1");
    let update = rig.one("update");
    rig.answer(&update, status(429), "{\"backoff_policy\":{\"reconnect_min_ms\":5000}}");
    rig.one("close");
    rig.expect_close();
    let error = CallError::Transport { status: 429, code: 0, message: "says no".into() };
    assert_eq!(rig.notices()[0], updated(1, Err(error)));
    let waited = rig.to_deadline();
    assert!((4000..=6000).contains(&waited.as_millis()), "{waited:?}");
    rig.expect_open();
    accept_init(&mut rig, "T1");
}

#[test]
fn an_update_without_answer_or_cut_off_completes_with_the_next_init() {
    for cut in [false, true] {
        let mut rig = Rig::connected_with(Config { watchdog: None, ..Config::default() });
        rig.update_token(1, "T1");
        rig.one("update");
        if cut {
            rig.drop_link(Cause::Remote(Some(1006)));
        } else {
            assert_eq!(rig.to_deadline(), Duration::from_secs(30));
            rig.one("close");
            rig.expect_close();
        }
        assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connecting), Notice::Offline]);
        rig.to_deadline();
        rig.expect_open();
        accept_init(&mut rig, "T1");
        assert_eq!(rig.notices(), [updated(1, Ok(()))]);
    }
}

#[test]
fn a_new_token_skips_the_wait() {
    let mut rig = Rig::connected();
    rig.drop_link(Cause::Remote(None));
    rig.update_token(1, "T1");
    rig.expect_open();
    accept_init(&mut rig, "T1");
    assert!(rig.notices().contains(&updated(1, Ok(()))));
}

#[test]
fn a_token_given_during_an_offload_is_used_by_the_reconnect() {
    let mut rig = Rig::connected();
    rig.serve_close(status(308), "");
    rig.one("reply");
    rig.expect_close();
    rig.update_token(1, "T1");
    rig.quiet();
    let link = rig.link;
    rig.closed(link, Cause::Local);
    rig.to_deadline();
    rig.expect_open();
    accept_init(&mut rig, "T1");
    assert!(rig.notices().contains(&updated(1, Ok(()))));
}

#[test]
fn an_expiry_during_an_update_does_not_hurt_the_newer_token() {
    let mut rig = Rig::connected();
    rig.update_token(1, "T1");
    rig.one("update");
    rig.serve_close(json!({"code": 410}), "");
    rig.one("reply");
    rig.expect_close();
    assert_eq!(rig.events(), [Event::TokenExpired], "no other token is wanted");
    let link = rig.link;
    rig.closed(link, Cause::Local);
    rig.expect_open();
    accept_init(&mut rig, "T1");
    assert!(rig.notices().contains(&updated(1, Ok(()))));
}

#[test]
fn a_token_is_asked_for_once() {
    let mut rig = Rig::connected();
    let warning =
        json!({"method": "client_update", "id": "TM1", "client_update_type": "token_about_to_expire"});
    rig.serve(warning.clone(), "");
    rig.serve(warning.clone(), "");
    rig.serve(json!({"method": "client_update", "id": "TM2", "client_update_type": "other"}), "");
    assert_eq!(rig.sent().len(), 3);
    assert_eq!(
        rig.events(),
        [Event::TokenAboutToExpire, wanted(TokenWanted::Expiring), Event::TokenAboutToExpire]
    );
    rig.update_token(1, "T1");
    rig.serve(warning, "");
    assert_eq!(rig.events(), [Event::TokenAboutToExpire, wanted(TokenWanted::Expiring)]);
}

/// An app that gives one bad token after the other is asked more and more slowly.
#[test]
fn bad_tokens_in_a_row_are_asked_for_slowly() {
    let mut rig = Rig::new();
    let mut waits = Vec::new();
    for n in 0..4 {
        rig.open();
        let init = rig.one("init");
        rig.answer(&init, refused(401, None), "");
        rig.one("close");
        rig.expect_close();
        if n > 0 {
            assert_eq!(rig.events(), [terminal(401, None)]);
            waits.push(rig.to_deadline().as_millis());
            assert_eq!(rig.events(), [wanted(TokenWanted::Rejected)]);
        } else {
            assert_eq!(rig.events(), [terminal(401, None), wanted(TokenWanted::Rejected)]);
        }
        rig.quiet();
        rig.update_token(n, &format!("bad {n}"));
        rig.expect_open();
    }
    for (wait, nominal) in waits.iter().zip([1000, 2000, 4000]) {
        assert!((nominal * 4 / 5..=nominal * 6 / 5).contains(wait), "{waits:?}");
    }
}

/// `{"exp":…}` as a token.
fn jwt(exp: u64) -> String {
    let text = format!("{{\"exp\":{exp}}}");
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::from("e30.");
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            out.push(char::from(alphabet[(bits >> (18 - 6 * n)) as usize & 63]));
        }
    }
    out + "."
}

#[test]
fn the_end_of_a_token_is_foreseen() {
    let unix = 1_700_000_000;
    let config = Config { unix_at_origin: Some(unix * 1000), watchdog: None, ..Config::default() };
    // A minute before the end of an hour; a quarter of a short life; nothing without an end, or after it.
    for (life, warned) in [(3600, Some(3540)), (100, Some(75)), (0, None)] {
        let mut rig = Rig::connected_with(config.clone());
        rig.update_token(1, &jwt(unix + life));
        let update = rig.one("update");
        rig.accept(&update);
        let put = rig.one("put_notification_ctx");
        rig.accept(&put);
        let deadline = rig.cx.timers.deadline();
        assert_eq!(
            deadline.map(|deadline| (deadline.at.as_millis() / 1000, deadline.why)),
            warned.map(|at| (at, Why::Token))
        );
        if warned.is_some() {
            rig.to_deadline();
            assert_eq!(rig.events(), [wanted(TokenWanted::Expiring)]);
            rig.quiet();
        }
    }
    // Without a date nothing can be foreseen.
    let mut rig = Rig::connected_with(Config { watchdog: None, ..Config::default() });
    rig.update_token(1, &jwt(unix));
    let update = rig.one("update");
    rig.answer(&update, ok(), "");
    let put = rig.one("put_notification_ctx");
    rig.accept(&put);
    assert_eq!(rig.cx.timers.deadline(), None);
}

#[test]
fn secrets_do_not_show() {
    let mut rig =
        Rig::with(Config { continuation_token: Some(Secret::new("sesame-ct")), ..Config::default() });
    rig.update_token(1, "sesame-jwt");
    rig.stage.submit(
        &mut rig.cx,
        Submit::Request {
            id: RequestId(1),
            owner: super::rig::owner(1),
            request: Request {
                method: Method::Post,
                url: Url::parse("https://ers/v1/registrations").unwrap(),
                headers: [("X-Twilio-Token", "sesame-header".into())].into(),
                content_type: None,
                body: Some("{\"registration_id\":\"sesame-device\"}".into()),
                retry: Retry::Never,
            },
        },
    );
    rig.open();
    let shown = format!("{:?} {:?}", rig.stage, rig.cx);
    assert!(!shown.contains("sesame"), "{shown}");
}
