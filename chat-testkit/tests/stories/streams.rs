//! Subscriptions, reads and the session list in trouble (spec 02 §2, §6.3; spec 03 §4).

use std::time::Duration;

use chat_proto::{Call, CallDeadline, CallOptions, GetMessages};
use chat_testkit::session_file::SessionFile;
use serde_json::{Value, json};

use crate::teller::{Teller, message};

/// Each way a poke can fail (spec 02 §2.7, §2.11), with a channel that is joined each time.
pub(crate) fn subscriptions() -> SessionFile {
    let mut it = Teller::new(json!({ "estimatedDeliveryMs": 5000 }));
    let alice = it.alice;
    let poke = json!({ "path": "^/v4/Subscriptions" });
    let lost_ack = json!({ "eventType": "subscription_established", "type": "list" });
    let troubles: [(&str, Value, u64); 6] = [
        ("refused with 503 once", json!({ "on": "http", "match": poke, "status": 503 }), 8000),
        ("throttled", json!({ "on": "http", "match": poke, "status": 429, "code": 54_009 }), 3000),
        (
            "refused for good, so it is asked again ever more slowly",
            json!({ "on": "http", "match": poke, "status": 400, "count": 4 }),
            5000,
        ),
        ("without an answer", json!({ "on": "http", "match": poke, "noReply": true }), 36_000),
        (
            "answered, but nothing follows",
            json!({ "on": "event", "match": { "eventType": "subscription_established" }, "op": "drop", "count": 3 }),
            12_000,
        ),
        (
            "acknowledged, but for one object",
            json!({ "on": "event", "match": lost_ack, "op": "drop" }),
            12_000,
        ),
    ];
    for (n, (name, rule, wait)) in troubles.into_iter().enumerate() {
        it.note(alice, &format!("==== a request for subscriptions is {name}"));
        it.say("fault", &rule);
        let channel = it.create(&format!("channel {n}"));
        it.good(alice, Call::Join(channel.clone()));
        it.wait(wait);
        it.good(alice, message(&channel, "heard"));
        it.settle();
    }
    it.end()
}

/// The service takes a subscription away, lets all of them end after a while, and takes few at a time.
pub(crate) fn subscriptions_end() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({ "subscriptionTtlS": 20, "maxBatchSize": 2 }));
    let alice = it.alice;
    it.note(alice, "requests name two objects at most, and subscriptions last 20 s");
    it.wait(22_000);
    it.say("config", &json!({ "subscriptionTtlS": 86_400, "maxBatchSize": 1000 }));
    let list = it.admin("sync", &json!({ "type": "list", "id": format!("{ch}.messages") })).unwrap();
    it.note(alice, "the service cancels the subscription of the messages by itself");
    let event = json!({ "object_sid": list["sid"], "object_type": "list" });
    let payload =
        json!({ "event_type": "subscription_canceled", "event_protocol_version": 3, "event": event });
    it.admin(
        "notify",
        &json!({ "identity": "alice", "messageType": "twilio.sync.event", "payload": payload }),
    )
    .unwrap();
    it.wait(22_000);
    it.good(alice, message(&ch, "still heard"));
    it.end()
}

/// Reads that fail are tried again: 4, 8, 16 and 32 s later (spec 02 §6.3), those of Chat 1 and 2 s (spec 03 §5.1); then
/// the last status is told.
pub(crate) fn reads() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let patient = |it: &mut Teller, call: Call| {
        it.start_with(a, call, CallOptions { deadline: CallDeadline::After(Duration::from_mins(3)) }).unwrap()
    };
    let items = json!({ "path": "/Lists/.*/Items$", "method": "GET" });
    for status in [429, 502, 503, 504] {
        it.say("fault", &json!({ "on": "http", "match": items, "status": status }));
    }
    let id = patient(&mut it, Call::GetMessages(GetMessages::newest(ch.clone())));
    it.answer(a, id).unwrap().unwrap();
    it.say("fault", &json!({ "on": "http", "match": items, "status": 503, "code": 20_503, "message": "for ever", "count": -1 }));
    let id = patient(&mut it, Call::GetMessages(GetMessages::newest(ch.clone())));
    it.answer(a, id).unwrap().unwrap_err();
    it.say("faults/clear", &json!({}));
    let rest = json!({ "host": "aim.twilio.com" });
    it.say("fault", &json!({ "on": "http", "match": rest, "status": 429, "code": 20_429, "message": "slowly", "count": 3 }));
    let id = patient(&mut it, Call::GetMessagesCount(ch));
    it.answer(a, id).unwrap().unwrap_err();
    it.end()
}

/// The session list is refused or gone: another one is made, and what surely was not done is done there.
pub(crate) fn session_gone() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let push = json!({ "action": "sendMessage" });
    for (status, code) in [(403, 54_007), (404, 54_150)] {
        it.say("fault", &json!({ "on": "http", "match": push, "status": status, "code": code }));
        it.good(a, message(&ch, &format!("in a new session after {code}")));
        it.wait(2000);
    }
    it.note(a, "the session list is removed while nobody asks for anything");
    it.admin("dropSession", &json!({ "identity": "alice" })).unwrap();
    it.wait(2000);
    it.good(a, message(&ch, "in yet another session"));
    it.end()
}

/// A change and a removal that overtake the addition, and an addition that comes late (spec 02 §3.7).
pub(crate) fn overtaking() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let late = json!({ "on": "event", "match": { "eventType": "list_item_added", "entity": format!("{ch}.messages") }, "op": "delay", "delayMs": 700 });
    let as_alice =
        |action: &str, params: Value| json!({ "identity": "alice", "action": action, "params": params });
    let post = |text: &str| {
        as_alice("sendMessage", json!({ "channelSid": ch.as_str(), "text": text, "attributes": "{}" }))
    };
    for (name, action, more) in [
        (
            "an edit overtakes its message",
            "editMessage",
            json!({ "channelSid": ch.as_str(), "messageIdx": "0", "text": "edited" }),
        ),
        (
            "a removal overtakes its message",
            "deleteMessage",
            json!({ "channelSid": ch.as_str(), "messageIdx": "1" }),
        ),
    ] {
        it.note(a, &format!("==== {name}"));
        it.say("fault", &late);
        it.admin("command", &post(name)).unwrap();
        it.wait(100);
        it.admin("command", &as_alice(action, more)).unwrap();
        it.wait(3000);
    }
    it.end()
}
