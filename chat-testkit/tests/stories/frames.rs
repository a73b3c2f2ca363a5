//! Frames that should not have come.

use chat_proto::Config;
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::Teller;

pub(crate) fn garbage() -> SessionFile {
    let mut it = Teller::new(json!({}));
    it.say("rawFrame", &json!({ "text": "hello?", "binary": false }));
    it.settle();
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "TWILSOCK V3.0 many\r\n{}\r\n",
        "TWILSOCK V3.0 99\r\n{\"method\":\"ping\"}\r\n",
        "TWILSOCK V3.0 17\r\n{\"method\":\"ping\"}\r\n",
        "TWILSOCK V3.0 7\r\n{nope!}\r\n",
    ] {
        it.say("rawFrame", &json!({ "text": text }));
        it.settle();
        // Too many in a row cost the socket.
        it.say("ping", &json!({}));
        it.settle();
    }
    it.say("frame", &json!({ "header": { "method": "notification", "id": "TMs-x1", "message_type": "com.twilio.rtd.cds.list", "payload_type": "application/json", "payload_size": 90 }, "payload": "{\"cut" }));
    it.settle();
    it.say("frame", &json!({ "header": { "method": "notification", "id": "TMs-x2", "message_type": "com.twilio.rtd.cds.list", "payload_type": "application/json" }, "payload": "no JSON" }));
    it.settle();
    it.say("frame", &json!({ "header": { "method": "dance", "id": "TMs-x3" } }));
    it.settle();
    it.say("notify", &json!({ "identity": "alice", "messageType": "com.twilio.rtd.cds.list", "payload": { "event_type": "list_item_added", "event": 7 } }));
    it.settle();
    let alice = it.alice;
    it.note(alice, "three in a row");
    for _ in 0..3 {
        it.admin("rawFrame", &json!({ "text": "noise" })).unwrap();
    }
    it.wait(5000);
    it.end()
}

pub(crate) fn too_large() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let mut config = Config::default();
    config.limits.frame_bytes = 20_000;
    let bob = it.enter_with("bob", config);
    it.settle();
    it.note(bob, "bob takes frames of 20 000 bytes at most");
    let text = format!("TWILSOCK V3.0 20100\r\n{}", "x".repeat(20_100));
    it.admin("rawFrame", &json!({ "identity": "bob", "text": text })).unwrap();
    it.wait(1000);
    it.end()
}
