//! Frames, tokens, contexts, closing.

use chat_testkit::service::{ConnId, ServiceInput};
use serde_json::{Value, json};

use crate::support::Stage;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn init_is_answered_as_the_service_answers_it() {
    let mut stage = Stage::new(&json!({}));
    let token = stage.token("alice");
    let conn = stage.open();
    let reply = stage.init(conn, &token);
    let expected = [
        "method",
        "id",
        "payload_size",
        "status",
        "capabilities",
        "continuation_token",
        "continuation_token_status",
        "offline_storage",
        "init_registrations",
        "debug_info",
    ];
    assert_eq!(keys(&reply.header), expected);
    assert_eq!(reply.header["continuation_token_status"]["reissue_reason"], "MISSING");
    let state = stage.admin("state", json!({}));
    assert_eq!(state["users"][0]["online"], true);
    stage.handle(ServiceInput::Closed(ConnId(conn)));
    assert_eq!(stage.admin("state", json!({}))["users"][0]["online"], false);
}

#[test]
fn a_continuation_token_is_kept_for_its_identity_only() {
    let mut stage = Stage::new(&json!({}));
    let token = stage.token("alice");
    let conn = stage.open();
    let continuation = stage.init(conn, &token).header["continuation_token"].clone();
    let again = |stage: &mut Stage, token: &str| {
        let conn = stage.open();
        let header =
            json!({"method": "init", "token": token, "continuation_token": continuation, "capabilities": []});
        let id = stage.send(conn, header, "");
        stage.reply(conn, &id).unwrap().header
    };
    let same = again(&mut stage, &token);
    assert_eq!(same["continuation_token"], continuation);
    assert_eq!(same["continuation_token_status"], json!({"reissued": false}));
    assert_eq!(same["capabilities"], json!([]));
    assert!(same.get("offline_storage").is_none());
    let bob = stage.token("bob");
    let other = again(&mut stage, &bob);
    assert_ne!(other["continuation_token"], continuation);
    assert_eq!(other["continuation_token_status"]["reissue_reason"], "DIFFERENT_IDENTITY");
}

#[test]
fn bad_tokens_are_refused_with_their_codes() {
    let mut stage = Stage::new(&json!({}));
    let good = stage.token("alice");
    let late =
        stage.admin("token", json!({"identity": "alice", "ttl": -1}))["token"].as_str().unwrap().to_owned();
    let revoked = stage.token("alice");
    stage.admin("revoke", json!({"token": revoked}));
    stage.admin("deny", json!({"identity": "mallory"}));
    let denied = stage.token("mallory");
    let cases =
        [("rubbish", 401, 20_101), (&late, 401, 20_104), (&revoked, 401, 20_101), (&denied, 403, 20_403)];
    for (token, code, error_code) in cases {
        let conn = stage.open();
        let status = &stage.init(conn, token).header["status"];
        assert_eq!((&status["code"], &status["errorCode"]), (&json!(code), &json!(error_code)), "{token}");
    }
    stage.admin("deny", json!({"identity": "mallory", "on": false}));
    for token in [&good, &denied] {
        let conn = stage.open();
        assert_eq!(stage.init(conn, token).header["status"]["code"], 200);
    }
}

#[test]
fn a_token_is_updated_for_the_same_identity_only() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    for (token, code, error_code) in [(alice, 200, Value::Null), (bob, 401, json!(51_215))] {
        let id = stage.send(conn, json!({"method": "update", "token": token}), "");
        let status = &stage.reply(conn, &id).unwrap().header["status"];
        assert_eq!((&status["code"], &status["errorCode"]), (&json!(code), &error_code));
    }
}

#[test]
fn a_token_that_ends_is_warned_of_and_then_closed() {
    let mut stage = Stage::new(&json!({"tokenWarnMs": 60_000}));
    let token = stage.admin("token", json!({"identity": "alice", "ttl": 120}))["token"].clone();
    let conn = stage.open();
    stage.init(conn, token.as_str().unwrap());
    stage.wait(59_999);
    assert!(stage.received(conn).is_empty());
    stage.wait(1);
    let warning = stage.received(conn);
    assert_eq!(warning[0].header["client_update_type"], "token_about_to_expire");
    stage.wait(60_000);
    let close = stage.received(conn);
    assert_eq!(
        (&close[0].header["method"], &close[0].header["status"]["code"]),
        (&json!("close"), &json!(410))
    );
    assert_eq!(close[0].header["status"]["errorCode"], 51_207);
    assert!(stage.closed.is_empty());
    stage.wait(50);
    assert_eq!(stage.closed, [(conn, Some(1000))]);
}

#[test]
fn an_updated_token_moves_the_end() {
    let mut stage = Stage::new(&json!({"tokenWarnMs": 60_000}));
    let token = stage.admin("token", json!({"identity": "alice", "ttl": 120}))["token"].clone();
    let conn = stage.open();
    stage.init(conn, token.as_str().unwrap());
    let longer = stage.token("alice");
    stage.send(conn, json!({"method": "update", "token": longer}), "");
    stage.received(conn);
    stage.wait(130_000);
    assert!(stage.received(conn).is_empty());
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    let header = r#"{"method":"init"}"#;
    let frames: [Vec<u8>; 6] = [
        b"hello".to_vec(),
        b"TWILSOCK V2.0 2\r\n{}\r\n".to_vec(),
        b"TWILSOCK V3.0 99\r\n{}\r\n".to_vec(),
        b"TWILSOCK V3.0 2\r\n[]\r\n".to_vec(),
        b"TWILSOCK V3.0 4\r\n\xff\xfe\xfd\xfc\r\n".to_vec(),
        format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len()).into_bytes(),
    ];
    let mut stage = Stage::new(&json!({}));
    for bytes in frames {
        let conn = stage.open();
        stage.handle(ServiceInput::Frame(ConnId(conn), &bytes));
        let close = stage.received(conn);
        assert_eq!(close[0].header["status"]["errorCode"], 51_214);
        stage.wait(50);
        assert_eq!(stage.closed.pop(), Some((conn, Some(1000))));
    }
    let conn = stage.connect("alice");
    stage.handle(ServiceInput::Text(ConnId(conn), "TWILSOCK V3.0 2\r\n{}\r\n"));
    assert_eq!(stage.received(conn)[0].header["status"]["code"], 406);
    assert_eq!(stage.admin("state", json!({}))["stats"]["malformed"], 7);
}

#[test]
fn methods_that_nobody_knows_are_refused_and_harm_nothing() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let id = stage.send(conn, json!({"method": "dance"}), "");
    assert_eq!(stage.reply(conn, &id).unwrap().header["status"]["code"], 400);
    let (status, _) = stage.http(conn, "GET", "/nowhere/at/all", Value::Null);
    assert_eq!(status, 404);
}

#[test]
fn requests_before_init_are_refused() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.open();
    let id = stage.ask(conn, "GET", "/v3/Maps/x", &json!({}), "");
    assert_eq!(stage.reply(conn, &id).unwrap().header["status"]["code"], 400);
}

#[test]
fn only_registered_message_types_are_delivered_and_every_one_awaits_its_acknowledgement() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    stage.admin("notify", json!({"identity": "alice", "messageType": "no.such.type", "payload": {}}));
    assert!(stage.received(conn).is_empty());
    assert_eq!(stage.admin("state", json!({}))["stats"]["droppedNoContext"], 1);
    stage.admin(
        "notify",
        json!({"identity": "alice", "messageType": "twilio.sync.event", "payload": {"a": 1}}),
    );
    let notice = stage.received(conn).remove(0);
    assert_eq!(
        keys(&notice.header),
        ["method", "id", "payload_size", "payload_type", "message_type", "notification_ctx_id"]
    );
    stage.admin("ping", json!({"conn": conn}));
    let ping = stage.received(conn).remove(0);
    assert_eq!(ping.header["method"], "ping");
    assert_eq!(stage.admin("connections", json!({}))[0]["unacked"], 2);
    for id in [&notice.header["id"], &ping.header["id"]] {
        let reply = json!({"id": id, "method": "reply", "payload_type": "application/json", "status": {"code": 200, "status": "OK"}});
        stage.send(conn, reply, "");
    }
    let connection = &stage.admin("connections", json!({}))[0];
    assert_eq!((&connection["unacked"], &connection["stats"]["acks"]), (&json!(0), &json!(2)));
}

#[test]
fn registrations_of_init_become_contexts() {
    let mut stage = Stage::new(&json!({}));
    let (token, conn) = (stage.token("alice"), stage.open());
    let registration = json!({"product": "ip_messaging", "type": "ers", "notification_protocol_version": 0, "message_types": ["twilio.sync.event"]});
    let header =
        json!({"method": "init", "token": token, "registrations": [registration], "capabilities": []});
    let id = stage.send(conn, header, "");
    let accepted = stage.reply(conn, &id).unwrap().header["init_registrations"][0].clone();
    assert_eq!(accepted["message_types"], json!(["twilio.sync.event"]));
    stage.admin("notify", json!({"identity": "alice", "messageType": "twilio.sync.event", "payload": {}}));
    assert_eq!(stage.received(conn)[0].header["notification_ctx_id"], accepted["notification_ctx_id"]);
}

#[test]
fn pings_come_at_their_interval() {
    let mut stage = Stage::new(&json!({"pingIntervalMs": 1000}));
    let conn = stage.connect("alice");
    stage.wait(3500);
    assert_eq!(stage.received(conn).iter().filter(|frame| frame.header["method"] == "ping").count(), 3);
}

#[test]
fn latency_delays_every_frame_and_keeps_their_order() {
    let mut stage = Stage::new(&json!({"latencyMs": 40}));
    let (token, conn) = (stage.token("alice"), stage.open());
    let id = stage.send(conn, json!({"method": "init", "token": token, "capabilities": []}), "");
    assert!(stage.reply(conn, &id).is_none());
    stage.wait(20);
    // A shorter latency does not let a frame overtake the one before it.
    stage.admin("config", json!({"latencyMs": 0}));
    stage.admin("ping", json!({}));
    assert!(stage.received(conn).is_empty());
    stage.wait(20);
    let methods: Vec<Value> =
        stage.received(conn).iter().map(|frame| frame.header["method"].clone()).collect();
    assert_eq!(methods, [json!("reply"), json!("ping")]);
}

#[test]
fn a_cut_loses_what_was_on_its_way_and_a_close_does_not() {
    let mut stage = Stage::new(&json!({"latencyMs": 100}));
    let (token, conn) = (stage.token("alice"), stage.open());
    stage.send(conn, json!({"method": "init", "token": token, "capabilities": []}), "");
    stage.admin("drop", json!({}));
    assert_eq!(stage.closed, [(conn, None)]);
    stage.wait(500);
    assert!(stage.received(conn).is_empty());

    let conn = stage.open();
    stage.send(conn, json!({"method": "init", "token": token, "capabilities": []}), "");
    stage.admin("drop", json!({"graceful": true, "code": 1001}));
    assert_eq!(stage.closed.len(), 1, "not before what was sent earlier");
    stage.wait(500);
    assert_eq!(stage.received(conn).len(), 1);
    assert_eq!(stage.closed[1], (conn, Some(1001)));
}

#[test]
fn no_token_is_ever_shown() {
    let mut stage = Stage::new(&json!({}));
    let (token, conn) = (stage.token("alice"), stage.open());
    let continuation = stage.init(conn, &token).header["continuation_token"].as_str().unwrap().to_owned();
    let shown = format!("{:?} {:?}", stage.service, ServiceInput::Text(ConnId(1), &token));
    assert!(!shown.contains(&token) && !shown.contains(&continuation), "{shown}");
    assert!(!stage.admin("state", json!({})).to_string().contains(&token));
}

/// The service's payloads are followed by a line end that `payload_size` does not count (spec 01 §1.2).
#[test]
fn payloads_are_followed_by_a_line_end_if_so_set() {
    for (config, end) in [(json!({}), &b"}\r\n"[..]), (json!({"trailingCrlf": false}), b"}")] {
        let mut stage = Stage::new(&config);
        let conn = stage.connect("alice");
        stage.sent.clear();
        let (status, map) = stage.http(conn, "POST", "/v3/Maps", json!({}));
        assert_eq!((status, map["sid"].is_string()), (201, true), "{config}");
        let frame = stage.sent.pop().unwrap();
        let payload = frame.windows(4).position(|four| four == b"}\r\n{").unwrap() + 3;
        let (header, _) =
            chat_proto::frame::decode(&frame, chat_proto::frame::FrameLimits::default()).unwrap();
        let header: Value = serde_json::from_str(header).unwrap();
        let size = usize::try_from(header["payload_size"].as_u64().unwrap()).unwrap();
        assert_eq!(frame.len() - payload - size, end.len() - 1, "{config}");
        assert!(frame.ends_with(end), "{config}: {}", String::from_utf8_lossy(&frame));
    }
}
