//! Connecting, losing the connection, connecting again (spec 01 §3, §9).

use core::time::Duration;

use std::vec::Vec;

use serde_json::json;

use super::super::*;
use super::rig::{Rig, failed, ok, owner, status};
use crate::command::Command;
use crate::config::Config;
use crate::error::ConnectionError;
use crate::event::Event;

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
fn row_10_a_drop_fails_what_is_under_way_and_keeps_what_waits() {
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
    assert_eq!(
        sent.iter().map(super::rig::Sent::method).collect::<Vec<_>>(),
        ["put_notification_ctx", "message"]
    );
    assert_eq!(sent[1].path(), "/later");
    assert_eq!(
        rig.http(&sent[1], 404, "{}"),
        Some(super::rig::Up::Reply { owner: owner(2), status: 404, body: b"{}".to_vec() })
    );
    assert_eq!(rig.notices(), []);
    rig.accept(&sent[0]);
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connected), Notice::Online]);
}
