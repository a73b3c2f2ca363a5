//! What happens to requests and session commands.

use std::time::Duration;

use chat_proto::{Call, CallDeadline, CallOptions, Command, Record, frame};
use chat_testkit::session_file::{SessionFile, What};
use serde_json::json;

use crate::teller::{Teller, message};

pub(crate) fn throttled() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.say(
        "fault",
        &json!({ "on": "http", "match": { "path": "/Items$", "method": "POST" }, "count": 2, "status": 429 }),
    );
    it.good(a, message(&ch, "patience"));
    it.settle();
    let body = json!({ "backoff_policy": { "reconnect_min_ms": 4000 } });
    it.say("fault", &json!({ "on": "twilsock", "match": { "method": "init" }, "status": 429, "body": body }));
    it.cut(a);
    it.wait(8000);
    it.end()
}

pub(crate) fn before_execution() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let sending = json!({ "action": "sendMessage" });
    it.say("fault", &json!({ "on": "http", "match": sending, "status": 503 }));
    it.start(a, message(&ch, "pushed again after its first deadline")).unwrap();
    it.wait(35_000);
    it.say("fault", &json!({ "on": "http", "match": sending, "status": 503 }));
    let patient = CallOptions { deadline: CallDeadline::After(Duration::from_mins(2)) };
    it.start_with(a, message(&ch, "the first try fails"), patient).unwrap();
    it.wait(35_000);
    it.say("fault", &json!({ "on": "http", "match": sending, "drop": true }));
    it.start(a, message(&ch, "the socket is cut instead")).unwrap();
    it.wait(70_000);
    it.end()
}

pub(crate) fn after_execution() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let sending = json!({ "action": "sendMessage" });
    it.say("fault", &json!({ "on": "http", "match": sending, "status": 503, "process": true }));
    it.start(a, message(&ch, "done all the same")).unwrap();
    it.wait(70_000);
    it.end()
}

pub(crate) fn late_and_lost() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let sending = json!({ "action": "sendMessage" });
    it.say("fault", &json!({ "on": "http", "match": sending, "process": true, "delayMs": 4000 }));
    it.start(a, message(&ch, "acknowledged late")).unwrap();
    it.wait(6000);
    it.say("fault", &json!({ "on": "command", "match": sending, "process": true, "delayMs": 3000 }));
    it.start(a, message(&ch, "answered late")).unwrap();
    it.wait(6000);
    it.say("fault", &json!({ "on": "http", "match": sending, "process": true, "noReply": true }));
    it.start(a, message(&ch, "acknowledgement lost")).unwrap();
    it.wait(70_000);
    it.end()
}

pub(crate) fn deadlines() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.say(
        "fault",
        &json!({ "on": "command", "match": { "action": "sendMessage" }, "noReply": true, "count": -1 }),
    );
    let short = CallOptions { deadline: CallDeadline::After(Duration::from_secs(3)) };
    it.start_with(a, message(&ch, "the answer never comes"), short).unwrap();
    it.start_with(a, message(&ch, "waits behind it"), short).unwrap();
    it.wait(5000);
    it.say(
        "fault",
        &json!({ "on": "http", "match": { "host": "aim.twilio.com" }, "noReply": true, "count": -1 }),
    );
    it.start_with(a, Call::GetPublicChannelDescriptors, short).unwrap();
    it.wait(5000);
    it.end()
}

pub(crate) fn broken_objects() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let rest = json!({ "host": "aim.twilio.com" });
    it.say("fault", &json!({ "on": "http", "match": rest, "status": 403, "code": 50000, "message": "no" }));
    it.bad(a, Call::GetPublicChannelDescriptors);
    it.say("fault", &json!({ "on": "http", "match": rest, "status": 200, "body": "no JSON of that kind" }));
    it.bad(a, Call::GetUserChannelDescriptors);
    it.say("fault", &json!({ "on": "http", "match": rest, "twilsockStatus": 400, "errorCode": 20002, "description": "no" }));
    it.bad(a, Call::GetUserDescriptor("bob".into()));
    it.say(
        "fault",
        &json!({ "on": "command", "match": { "action": "sendMessage" }, "status": 403, "statusText": "no" }),
    );
    it.bad(a, message(&ch, "not allowed"));
    let item_query = json!({ "path": "/Lists/.*/Items$", "method": "GET" });
    it.say("fault", &json!({ "on": "http", "match": item_query, "status": 404, "code": 54300, "count": -1 }));
    it.bad(a, Call::GetMessages(chat_proto::GetMessages::newest(ch.clone())));
    it.say("fault", &json!({ "on": "http", "match": { "path": "^/v3/Maps/.*roster$" }, "status": 404, "code": 54300, "count": -1 }));
    let other = it.create("other");
    it.start(a, Call::Join(other)).unwrap();
    it.wait(80_000);
    it.say("faults/clear", &json!({}));
    it.say("fault", &json!({ "on": "http", "match": { "path": "^/v4/Subscriptions" }, "noReply": true }));
    let third = it.create("third");
    it.start(a, Call::Join(third)).unwrap();
    it.wait(250);
    // The service of the stage never refuses, so the refusal is written by hand.
    let asked = last_subscription(&it.session("so far"));
    let error = json!({ "status": 403, "code": 54007, "message": "Access forbidden" });
    let event = json!({ "object_sid": asked["requests"][0]["object_sid"], "object_type": "document", "error": error });
    let payload = json!({ "event_type": "subscription_failed", "correlation_id": asked["correlation_id"], "event_protocol_version": 3, "event": event });
    it.say("notify", &json!({ "identity": "alice", "messageType": "twilio.sync.event", "payload": payload }));
    it.wait(5000);
    it.end()
}

/// A service without a media service, and a member that is no user of Chat.
pub(crate) fn odd_objects() -> SessionFile {
    let user = "/v1/Services/IS00000000000000000000000000000001/Users";
    let context = json!({ "type": "IpMsgSession", "apiVersion": "3", "identity": "alice",
        "userInfo": "alice.info", "myChannels": "alice.channels", "channels": "all.channels",
        "links": { "publicChannelsUrl": "/v1/Services/IS00000000000000000000000000000001/Channels",
            "myChannelsUrl": format!("{user}/alice/Channels"), "typingUrl": "/v1/typing",
            "syncListUrl": format!("{user}/alice/SyncList"), "usersUrl": user } });
    let mut it = Teller::starting(|stage| {
        let body = json!({ "data": context, "last_event_id": 9, "revision": "a" });
        let rule = json!({ "on": "http", "match": { "path": "/Context$" }, "status": 200, "body": body });
        stage.admin("fault", &rule).unwrap();
    });
    let a = it.alice;
    it.note(a, "the session context names no media service, and a map of the user that does not exist");
    it.settle();
    it.bad(a, Call::GetMediaUrl(chat_proto::MediaSid::new(format!("ME{:032x}", 7))));
    let ch = it.create("general");
    it.good(a, Call::Join(ch.clone()));
    it.settle();
    it.note(a, "somebody takes part by text message");
    let roster = it.admin("sync", &json!({ "type": "map", "id": format!("{ch}.roster") })).unwrap();
    let guest = chat_proto::MemberSid::new(format!("MB{:032x}", 7));
    let event = json!({ "id": 1, "map_sid": roster["sid"], "map_revision": "2", "item_key": guest,
        "item_data": { "type": "sms", "attributes": "{}", "roleSid": "RL1" }, "item_revision": "1" });
    let payload = json!({ "event_type": "map_item_added", "event_protocol_version": 3, "event": event });
    it.admin(
        "notify",
        &json!({ "identity": "alice", "messageType": "com.twilio.rtd.cds.map", "payload": payload }),
    )
    .unwrap();
    it.settle();
    it.bad(a, Call::GetMemberUser(ch, guest));
    it.end()
}

/// What the last request for subscriptions asked.
fn last_subscription(session: &SessionFile) -> serde_json::Value {
    let sent = session.entries.iter().rev().filter_map(|entry| match &entry.what {
        What::Record(Record::Command(Command::Send { bytes, .. })) => Some(bytes.as_bytes()),
        _ => None,
    });
    let mut asked = sent.filter_map(|bytes| {
        let (header, payload) = frame::decode(bytes, frame::FrameLimits::default()).ok()?;
        header.contains("/v4/Subscriptions").then(|| serde_json::from_slice(payload).unwrap())
    });
    asked.next().unwrap()
}
