//! What is borne of the service, and what is not (spec 01 §1.6, column "Ours").

use std::format;
use std::string::ToString;
use std::vec::Vec;

use serde_json::{Value, json};

use super::super::*;
use super::rig::{Rig, Sent, Up, failed, ok, owner};
use crate::command::Command;
use crate::config::{Config, Limits};
use crate::error::{Fault, FrameError};
use crate::event::Event;
use crate::frame;

fn notification() -> Value {
    json!({"method": "notification", "id": "TM1", "message_type": "twilio.sync.event"})
}

fn up(payload: &str) -> Option<Up> {
    Some(Up::Notification { message_type: "twilio.sync.event".into(), payload: payload.as_bytes().into() })
}

fn framed(header: &Value, payload: &str) -> Vec<u8> {
    frame::encode(&header.to_string(), payload.as_bytes())
}

/// The frame is dropped: no acknowledgement, one fault.
fn dropped(bytes: &[u8]) -> FrameError {
    let mut rig = Rig::connected();
    assert_eq!(rig.bytes(bytes), None);
    rig.quiet();
    assert_eq!(rig.cx.stats.frames_malformed, 1);
    match &rig.events()[..] {
        [Event::Fault(Fault::MalformedFrame(error))] => error.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_magic_is_dropped() {
    let good = framed(&notification(), "");
    let good = std::str::from_utf8(&good).unwrap();
    for bad in
        [good.replace("V3.0", "V2.0"), good.replace("TWILSOCK", "twilsock"), "{}".to_string(), String::new()]
    {
        assert_eq!(dropped(bad.as_bytes()), FrameError::BadMagic, "{bad}");
    }
}

#[test]
fn wrong_sizes_are_dropped() {
    let header = notification().to_string();
    for size in ["x", "", "-5", "+5", "0x10", "99999999999999999999999999"] {
        let bytes = format!("TWILSOCK V3.0 {size}\r\n{header}\r\n");
        assert_eq!(dropped(bytes.as_bytes()), FrameError::BadSize, "{size}");
    }
    let short = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len() - 1);
    assert!(matches!(dropped(short.as_bytes()), FrameError::BadHeader(_)));
    let long = format!("TWILSOCK V3.0 {}\r\n{header}", header.len() + 7);
    assert_eq!(dropped(long.as_bytes()), FrameError::HeaderCut { missing: 7 });
    let huge = format!("TWILSOCK V3.0 {}\r\n{header}", (1 << 20) + 1);
    assert_eq!(dropped(huge.as_bytes()), FrameError::TooLarge { size: (1 << 20) + 1, limit: 1 << 20 });
    // Line feeds alone end no line.
    let bare = format!("TWILSOCK V3.0 {}\n{header}\n", header.len());
    assert_eq!(dropped(bare.as_bytes()), FrameError::BadMagic);
}

#[test]
fn a_size_that_covers_the_line_end_is_accepted() {
    let header = notification().to_string();
    for spare in 1..=2 {
        let bytes = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len() + spare);
        assert_eq!(Rig::connected().bytes(bytes.as_bytes()), up(""));
    }
    let bytes = format!("TWILSOCK V3.0  {}\r\n{header}\r\n", header.len());
    assert_eq!(dropped(bytes.as_bytes()), FrameError::BadSize, "tokens are split at single spaces");
    let bytes = format!("TWILSOCK V3.0 {} more words\r\n{header}\r\n", header.len());
    assert_eq!(Rig::connected().bytes(bytes.as_bytes()), up(""));
}

#[test]
fn a_missing_line_end_after_the_header_is_accepted() {
    let header = notification().to_string();
    let bytes = format!("TWILSOCK V3.0 {}\r\n{header}", header.len());
    assert_eq!(Rig::connected().bytes(bytes.as_bytes()), up(""));
}

#[test]
fn bytes_after_the_payload_do_not_count() {
    let mut header = notification();
    header["payload_size"] = 2.into();
    assert_eq!(Rig::connected().bytes(&framed(&header, "{}garbage")), up("{}"));
    // A payload is cut by its length, whatever is in it (spec 01 §8 #28).
    header["payload_size"] = 6.into();
    assert_eq!(Rig::connected().bytes(&framed(&header, "\"\r\n\r\n\"\r\n")), up("\"\r\n\r\n\""));
}

#[test]
fn a_short_payload_passes_while_it_is_json() {
    let mut header = notification();
    header["payload_size"] = 500.into();
    assert_eq!(Rig::connected().bytes(&framed(&header, "{\"a\":1}")), up("{\"a\":1}"));
    // Otherwise it is a fault, and acknowledged: the header could be read.
    let mut rig = Rig::connected();
    assert_eq!(rig.bytes(&framed(&header, "{\"a\":")), None);
    assert_eq!(rig.one("reply").id(), "TM1");
    let fault = Fault::MalformedFrame(FrameError::PayloadCut { missing: 495 });
    assert_eq!(rig.events(), [Event::Fault(fault)]);
}

#[test]
fn invalid_utf8_and_deep_nesting_in_the_header_are_dropped() {
    let mut bytes = framed(&notification(), "");
    let at = bytes.iter().position(|byte| *byte == b'T').unwrap();
    assert_eq!(at, 0);
    let at = bytes.windows(3).position(|window| window == b"TM1").unwrap();
    bytes[at] = 0xff;
    assert!(matches!(dropped(&bytes), FrameError::BadHeader(_)));
    let deep = format!("{{\"status\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(dropped(&frame::encode(&deep, b"")), FrameError::BadHeader(_)));
}

#[test]
fn a_payload_without_size_is_not_delivered() {
    for size in [json!(null), json!(0), json!(-3)] {
        let mut header = notification();
        header["payload_size"] = size;
        assert_eq!(Rig::connected().bytes(&framed(&header, "{}")), up(""));
    }
    assert_eq!(Rig::connected().bytes(&framed(&notification(), "{}")), up(""));
}

#[test]
fn the_payload_type_changes_nothing() {
    for payload_type in [json!(null), json!("Application/JSON"), json!("text/plain"), json!("x/y"), json!(7)]
    {
        let mut header = notification();
        header["payload_type"] = payload_type;
        assert_eq!(Rig::connected().serve(header, "{}"), up("{}"));
    }
}

#[test]
fn unknown_methods_are_acknowledged_and_told() {
    let mut rig = Rig::connected();
    assert_eq!(rig.serve(json!({"method": "dance", "id": "TM9"}), ""), None);
    assert_eq!(rig.one("reply").id(), "TM9");
    assert_eq!(rig.events(), [Event::Fault(Fault::UnknownMethod("dance".into()))]);
    assert_eq!(rig.serve(json!({"id": "TM10"}), ""), None);
    assert_eq!(rig.one("reply").id(), "TM10");
    rig.events();
    rig.serve(json!({"method": "x".repeat(100_000), "id": "TM11"}), "");
    match &rig.events()[..] {
        [Event::Fault(Fault::UnknownMethod(name))] => assert_eq!(name.len(), 300),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_an_id_nothing_can_be_acknowledged() {
    for header in
        [json!({"method": "ping"}), json!({"method": "ping", "id": null}), json!({"method": "ping", "id": 5})]
    {
        assert!(matches!(dropped(&framed(&header, "")), FrameError::BadHeader(_)), "{header}");
    }
    for header in [json!([]), json!(["ping", "TM1"]), json!("ping"), json!(null)] {
        assert!(matches!(dropped(&framed(&header, "")), FrameError::BadHeader(_)), "{header}");
    }
}

#[test]
fn a_header_with_one_bad_member_is_acknowledged() {
    let mut rig = Rig::connected();
    assert_eq!(rig.bytes(&framed(&json!({"method": "ping", "id": "TM1", "payload_size": "9"}), "")), None);
    assert_eq!(rig.one("reply").id(), "TM1");
    assert_eq!(rig.cx.stats.frames_malformed, 1);
    // A reply is never acknowledged.
    assert_eq!(rig.bytes(&framed(&json!({"method": "reply", "id": "TM2", "payload_size": "9"}), "")), None);
    rig.quiet();
}

#[test]
fn a_close_without_status_is_an_unknown_one() {
    let mut rig = Rig::connected();
    rig.serve(json!({"method": "close", "id": "TM1"}), "");
    assert_eq!(rig.one("reply").id(), "TM1");
    rig.expect_close();
    let link = rig.link;
    rig.closed(link, Cause::Local);
    assert_eq!(
        rig.notices(),
        [
            Notice::StateChanged(ConnectionState::Disconnecting),
            Notice::Offline,
            Notice::StateChanged(ConnectionState::Connecting)
        ]
    );
}

#[test]
fn replies_to_unknown_ids_are_ignored() {
    let mut rig = Rig::connected();
    assert_eq!(rig.serve(json!({"method": "reply", "id": "TM404", "status": ok()}), "{}"), None);
    rig.quiet();
    assert_eq!((rig.events(), rig.notices()), (Vec::new(), Vec::new()));
    assert_eq!(rig.cx.stats.stale, 1);
}

/// A reply counts once: the answer to `init` or `update` that comes again is as stale as any other.
#[test]
fn an_answer_that_comes_again_is_stale() {
    let mut rig = Rig::new();
    rig.open();
    let init = rig.one("init");
    rig.accept(&init);
    rig.sent();
    assert_eq!(rig.cx.stats.stale, 0);
    rig.accept(&init);
    assert_eq!(rig.answer(&init, json!({"code": 401, "status": "no"}), ""), None);
    assert_eq!(rig.cx.stats.stale, 2);
    rig.quiet();
}

#[test]
fn text_messages_are_told_and_ignored() {
    let mut rig = Rig::connected();
    rig.text("TWILSOCK");
    assert_eq!(rig.events(), [Event::Fault(Fault::TextMessage(8))]);
    rig.quiet();
}

/// Conformance row 4 and defect 30: one acknowledgement each, first of all, with the same id.
#[test]
fn sdk_defect_30_everything_but_a_reply_is_acknowledged_first() {
    for method in ["notification", "client_update", "ping", "close", "whatever"] {
        let mut rig = Rig::connected();
        let id = "TM\"quoted\" \\ é";
        rig.serve(json!({"method": method, "id": id, "message_type": "x", "status": {"code": 406}}), "");
        let sent: Vec<Sent> = rig.sent();
        let ack = json!({
            "id": id,
            "method": "reply",
            "payload_type": "application/json",
            "status": {"code": 200, "status": "OK"},
            "payload_size": 0
        });
        assert_eq!(sent[0].header, ack, "{method}");
        // Only 406 is answered with a goodbye of our own.
        let rest: Vec<&str> = sent[1..].iter().map(Sent::method).collect();
        assert_eq!(rest, if method == "close" { &["close"][..] } else { &[] }, "{method}");
    }
}

/// Escapes cannot be borrowed from the frame; a known type is recognized all the same.
#[test]
fn message_types_may_be_escaped() {
    let header = "{\"method\":\"notification\",\"id\":\"TM1\",\"message_type\":\"twilio.sync\\u002eevent\"}";
    assert_eq!(Rig::connected().bytes(&frame::encode(header, b"")), up(""));
}

/// Defect 25: there the socket is deaf for ever. Here three in a row cost the socket, and it is opened anew.
#[test]
fn sdk_defect_25_gibberish_costs_the_socket_not_the_session() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::Never);
    rig.one("message");
    for _ in 0..2 {
        assert_eq!(rig.bytes(b"noise"), None);
    }
    // A good frame in between forgives.
    rig.serve(json!({"method": "ping", "id": "TM1"}), "");
    rig.one("reply");
    for _ in 0..2 {
        assert_eq!(rig.bytes(b"noise"), None);
    }
    rig.quiet();
    assert_eq!(rig.bytes(b"noise"), None);
    rig.one("close");
    rig.expect_close();
    assert_eq!(rig.notices()[0], failed(1, RequestError::Lost));
    assert_eq!(rig.cx.stats.frames_malformed, 5);
    rig.to_deadline();
    rig.expect_open();
    rig.go_online();
    assert!(rig.notices().contains(&Notice::Online));
}

#[test]
fn frames_larger_than_the_limit_are_dropped() {
    let limits = Limits { frame_bytes: 300, header_bytes: 200, ..Limits::default() };
    let mut rig = Rig::connected_with(Config { limits, ..Config::default() });
    assert_eq!(rig.serve(notification(), &"x".repeat(300)), None);
    rig.quiet();
    assert_eq!(rig.events().len(), 1);
    // A size that is only claimed: the header was read, so it is acknowledged.
    let mut header = notification();
    header["payload_size"] = u64::from(u32::MAX).into();
    assert_eq!(rig.bytes(&framed(&header, "{")), None);
    rig.one("reply");
    let fault = FrameError::TooLarge { size: u64::from(u32::MAX), limit: 300 };
    assert_eq!(rig.events(), [Event::Fault(Fault::MalformedFrame(fault))]);
}

/// A reply whose body is cut is handed up as it is: its owner says that it cannot be read, instead of waiting.
#[test]
fn a_cut_reply_reaches_its_owner() {
    let mut rig = Rig::connected();
    rig.submit("/x", Retry::Never);
    let sent = rig.one("message");
    let header = json!({
        "method": "reply", "id": sent.id(), "payload_size": 50, "status": ok(), "http_status": {"code": 200}
    });
    let up = rig.bytes(&framed(&header, "{\"a\":"));
    assert_eq!(up, Some(Up::Reply { owner: owner(1), status: 200, body: b"{\"a\":".to_vec() }));
    assert_eq!(rig.cx.stats.frames_malformed, 1);
}

/// A service that sends only rubbish cannot fill the memory of an app that does not listen (law 8).
#[test]
fn faults_stop_when_nobody_listens() {
    let limits = Limits { events: 10, malformed_frames: u32::MAX, ..Limits::default() };
    let mut rig = Rig::connected_with(Config { limits, ..Config::default() });
    for _ in 0..100 {
        rig.bytes(b"noise");
        rig.text("noise");
    }
    assert_eq!(rig.events().len(), 10);
    assert_eq!(rig.cx.stats.frames_malformed, 100);
}

#[test]
fn frames_of_a_dead_socket_are_stale() {
    let mut rig = Rig::connected();
    let old = rig.link;
    rig.network(Network::Changed);
    let commands = rig.commands();
    assert!(
        matches!(&commands[..], [Command::Close { link }, Command::Open { .. }] if *link == old),
        "{commands:?}"
    );
    let new = rig.link;
    rig.link = old;
    assert_eq!(rig.serve(json!({"method": "ping", "id": "TM1"}), ""), None);
    rig.closed(old, Cause::Local);
    rig.stage.opened(&mut rig.cx, old);
    rig.quiet();
    assert_eq!(rig.cx.stats.stale, 3);
    rig.link = new;
    rig.go_online();
    assert!(rig.notices().contains(&Notice::Online));
}
