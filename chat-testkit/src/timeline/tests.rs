use chat_proto::session::{Header, What, Wire};
use chat_proto::{FrameRecord, Time, frame};
use serde_json::{Value, json};

use super::Timeline;
use crate::session_file::SessionFile;

enum Said {
    Client(Value, Value),
    Service(Value, Value),
}
use Said::{Client, Service};

/// The lines of a wire on which this was said, one millisecond after the other.
fn lines(said: Vec<(u64, Said)>) -> Vec<String> {
    let frame = |header: &Value, payload: &Value| {
        let payload = if payload.is_null() { String::new() } else { payload.to_string() };
        let mut header = header.clone();
        header["payload_size"] = payload.len().into();
        FrameRecord::Binary(frame::encode(&header.to_string(), payload.as_bytes()))
    };
    let wires = said.into_iter().map(|(at, said)| {
        let wire = match said {
            Client(header, payload) => Wire::FromClient(frame(&header, &payload)),
            Service(header, payload) => Wire::FromService(frame(&header, &payload)),
        };
        (Time::from_millis(at), 1, What::Wire(wire))
    });
    let session = SessionFile::new(Header::new("a test", []), wires);
    Timeline::new(&session).to_string().lines().map(str::to_owned).collect()
}

fn notification(id: &str) -> Value {
    json!({ "method": "notification", "id": id, "message_type": "twilio.sync.event" })
}

fn request(id: &str, method: &str, path: &str) -> Value {
    let http = json!({ "host": "cds.us1.twilio.com", "method": method, "path": path });
    json!({ "method": "message", "id": id, "http_request": http })
}

fn ack(id: &str) -> Value {
    json!({ "method": "reply", "id": id, "status": { "code": 200, "status": "OK" } })
}

/// At once: a word at the end of the line. Later, or for something else: a line of its own. Never: nothing.
#[test]
fn acknowledgements_are_told_with_their_frames() {
    let ping = |id: &str| Service(json!({ "method": "ping", "id": id }), Value::Null);
    let said = vec![
        (0, ping("a")),
        (0, Client(ack("a"), Value::Null)),
        (1, ping("b")),
        (2, Client(ack("b"), Value::Null)),
        (3, ping("c")),
        (3, ping("d")),
        (3, Client(ack("c"), Value::Null)),
        (4, Client(ack("nobody's"), Value::Null)),
    ];
    let texts: Vec<String> = lines(said).iter().map(|line| line[30..].to_owned()).collect();
    assert_eq!(
        texts,
        [
            "<-  ping  (ack)",
            "<-  ping",
            "->  ack of ping",
            "<-  ping",
            "<-  ping  (ack)",
            "->  ack of something unknown"
        ]
    );
}

/// What is of the usual shape is said in a few words; what is not is shown as it came.
#[test]
fn frames_of_sync_are_a_phrase_each() {
    let poke = json!({ "action": "establish", "correlation_id": 7, "retried_requests": 1, "reason": "ttl",
        "requests": [{ "object_sid": "ES1", "object_type": "list", "last_event_id": 4 },
            { "object_sid": "MP1", "object_type": "map", "last_event_id": null }] });
    let of_poke =
        |kind: &str, event: Value| json!({ "event_type": kind, "correlation_id": 7, "event": event });
    let command = json!({ "data": { "commandId": "c-1", "request": { "action": "joinChannelV2", "channelSid": null } } });
    let item = json!({ "commandId": "c-1", "request": { "action": "joinChannelV2" }, "response": { "status": 200 } });
    let said = vec![
        (0, Client(request("1", "POST", "/v4/Subscriptions"), poke)),
        (
            0,
            Service(
                notification("2"),
                of_poke(
                    "subscription_established",
                    json!({ "object_sid": "ES1", "object_type": "list", "replay_status": "interrupted", "last_event_id": 5 }),
                ),
            ),
        ),
        (
            0,
            Service(
                notification("3"),
                of_poke(
                    "list_item_added",
                    json!({ "id": 5, "list_sid": "ES1", "item_index": 2, "item_data": { "sid": "IM1" } }),
                ),
            ),
        ),
        (
            0,
            Service(
                notification("4"),
                json!({ "event_type": "map_item_removed", "event": { "id": 6, "map_sid": "MP1", "item_key": "k" } }),
            ),
        ),
        (0, Service(notification("5"), json!({ "event_type": "list_item_added", "event": 7 }))),
        (0, Client(request("6", "POST", "/v3/Services/IS1/Lists/ES2/Items"), command)),
        (
            0,
            Service(
                notification("7"),
                json!({ "event_type": "list_item_updated", "event": { "id": 1, "list_sid": "ES2", "item_index": 0, "item_data": item } }),
            ),
        ),
        (0, Client(request("8", "POST", "/v4/Subscriptions"), json!({ "action": 5 }))),
        (
            0,
            Service(
                json!({ "method": "reply", "id": "8", "status": { "code": 403, "status": "FORBIDDEN" } }),
                Value::Null,
            ),
        ),
    ];
    let texts: Vec<String> = lines(said).iter().map(|line| line[30..].to_owned()).collect();
    assert_eq!(
        texts,
        [
            "->  #1 POST /v4/Subscriptions establish list ES1 from 4, map MP1 from the beginning (1 retried), reason ttl",
            "<-  subscription_established list ES1 at 5, replay interrupted (of #1)",
            r#"<-  list_item_added ES1[2] event 5 {"sid":"IM1"} (of #1)"#,
            "<-  map_item_removed MP1[k] event 6",
            "<-  list_item_added 7",
            r#"->  #2 POST …/Lists/ES2/Items joinChannelV2 c-1 {"channelSid":null}"#,
            r#"<-  list_item_updated ES2[0] event 1 joinChannelV2 c-1 answered {"status":200}"#,
            r#"->  #3 POST /v4/Subscriptions {"action":5}"#,
            r#"<-  403 to #3 by the transport: {"code":403,"status":"FORBIDDEN"}"#,
        ]
    );
}

/// A client that resumes is the same person: what its former self was asked keeps its name.
#[test]
fn answers_after_a_resume_name_their_calls() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions/crash.jsonl");
    let text = Timeline::new(&crate::session_file::open(&path).unwrap().session).to_string();
    assert!(text.contains("answer to call 3 (SendMessage): MessageIndex 0"));
    assert!(!text.contains("(?)"));
}
