//! Events: their order, doubles, strangers, and frames that nobody should send. Defects 17 to 19 are in
//! `stories_messages.rs`.

use std::time::Duration;

use chat_proto::{Call, ConnectionState, CreateChannel, Event, Fault, Reply};
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

use crate::people::*;

/// Nothing is told of a channel that is not known yet.
#[test]
fn sdk_defect_20_what_is_new_is_told_before_what_changed() {
    let (mut stage, alice) = alone();
    stage.take_all_events();
    let options = CreateChannel { friendly_name: Some("Room".into()), ..CreateChannel::default() };
    let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(options)) else { panic!() };
    stage.ask(alice, Call::Join(channel.sid.clone())).unwrap();
    post(&mut stage, &channel.sid, "hello");
    stage.settle();
    let events = words(&stage.take_events(alice));
    let place = |word: &str| events.iter().position(|event| *event == word);
    assert_eq!(place("ChannelAdded"), Some(0), "{events:?}");
    assert!(place("ChannelAdded") < place("ChannelUpdated"), "{events:?}");
    assert!(place("ChannelJoined") < place("MessageAdded"), "{events:?}");

    let bob = stage.enter("bob");
    stage.settle();
    // Channels that are there before the client: each first added, then joined.
    stage.ask(bob, Call::GetChannelBySid(channel.sid.clone())).unwrap();
    stage.ask(bob, Call::Join(channel.sid.clone())).unwrap();
    let again = stage.enter("bob");
    stage.settle();
    let events = words(&stage.take_events(again));
    let told: Vec<_> = events.iter().filter(|word| word.starts_with("Channel")).collect();
    assert_eq!(told, [&"ChannelAdded", &"ChannelJoined"]);
}

/// People are kept as they are on the wire: the first value of a person is an update of nothing, and then the person is
/// subscribed (spec 03 §11.1); later changes are updates, once each.
#[test]
fn sdk_defect_20_people_are_updated_before_they_are_subscribed() {
    let (mut stage, alice, _) = in_channel();
    stage.enter("bob");
    stage.settle();
    admin(&mut stage, "user", &json!({ "identity": "bob", "friendlyName": "Bob" }));
    stage.settle();
    stage.take_all_events();
    stage.ask(alice, Call::GetUser("bob".into())).unwrap();
    stage.settle();
    let told = |event: &Event| match event {
        Event::UserUpdated { user, .. } => Some(("updated", user.friendly_name.clone(), user.is_subscribed)),
        Event::UserSubscribed(user) => Some(("subscribed", user.friendly_name.clone(), user.is_subscribed)),
        _ => None,
    };
    let events: Vec<_> = stage.take_events(alice).iter().filter_map(told).collect();
    // Each item of a person's map is an update by itself (spec 03 §11.1).
    let bob = || Some("Bob".into());
    assert_eq!(events, [("updated", bob(), false), ("updated", bob(), false), ("subscribed", bob(), true)]);
    admin(&mut stage, "user", &json!({ "identity": "bob", "friendlyName": "Robert" }));
    stage.settle();
    let events: Vec<_> = stage.take_events(alice).iter().filter_map(told).collect();
    assert_eq!(events, [("updated", Some("Robert".into()), true)]);
}

/// Who left hears of the channel no more than the document of a public channel tells: no messages, no members.
#[test]
fn sdk_defect_21_who_left_hears_of_no_messages() {
    let (mut stage, alice, channel) = in_channel();
    let bob = stage.enter("bob");
    stage.settle();
    join(&mut stage, bob, &channel);
    stage.settle();
    stage.ask(bob, Call::Leave(channel.clone())).unwrap();
    stage.settle();
    stage.take_all_events();
    assert!(stage.ask(alice, message(&channel, "secret")).is_ok());
    stage.settle();
    let events = stage.take_events(bob);
    assert_eq!(words(&events).iter().filter(|word| **word != "ChannelUpdated").count(), 0, "{events:?}");
    assert_eq!(held(&stage, bob, &channel), [""; 0]);
}

fn notify(stage: &mut Stage, message_type: &str, payload: &Value) {
    let arguments = json!({ "identity": "alice", "messageType": message_type, "payload": payload });
    admin(stage, "notify", &arguments);
    stage.settle();
}

/// Typing of unknown people in unknown channels means nothing and costs nothing; one's own, from elsewhere, is told as
/// what it is.
#[test]
fn sdk_defect_22_typing_of_strangers_is_borne() {
    let (mut stage, alice, channel) = in_channel();
    let requests = stage.client(alice).stats().requests;
    let typing = "twilio.ipmsg.typing_indicator";
    let strange = [
        json!({ "channel_sid": "CH404", "identity": "bob", "typing_timeout": 5 }),
        json!({ "channel_sid": channel.as_str(), "identity": "nobody", "typing_timeout": 5 }),
        json!({ "channel_sid": channel.as_str(), "identity": "bob", "typing_timeout": -1e300 }),
    ];
    for payload in strange {
        notify(&mut stage, typing, &payload);
        assert_eq!(stage.take_events(alice), []);
    }
    for payload in [json!({ "channel_sid": 7 }), json!([]), json!(""), json!({})] {
        notify(&mut stage, typing, &payload);
        let faults = faults(&stage.take_events(alice));
        assert!(matches!(&faults[..], [Fault::Unreadable { .. }]), "{payload}: {faults:?}");
    }
    assert_eq!(stage.client(alice).stats().requests, requests, "nothing is asked because of strangers");
    // From another device of alice's.
    notify(
        &mut stage,
        typing,
        &json!({ "channel_sid": channel.as_str(), "identity": "alice", "typing_timeout": 6 }),
    );
    stage.advance(Duration::from_secs(10));
    let events = stage.take_events(alice);
    assert_eq!(count(&events, |event| matches!(event, Event::TypingStarted(_))), 1);
    assert_eq!(count(&events, |event| matches!(event, Event::TypingEnded(_))), 1);
}

/// Somebody without an identity and without a type joins: nobody can be told who, so it is told that it cannot be read.
#[test]
fn sdk_defect_22_a_member_that_is_nobody_is_a_fault() {
    let (mut stage, alice, channel) = in_channel();
    let roster = admin(&mut stage, "sync", &json!({ "type": "map", "id": format!("{channel}.roster") }));
    let sid = roster["sid"].as_str().unwrap().to_owned();
    let last = roster["last_event_id"].as_i64().or(roster["lastEventId"].as_i64()).unwrap();
    let event = json!({ "id": last + 1, "map_sid": sid, "item_key": "MB404", "item_data": {}, "item_revision": "0",
        "date_created": "2023-11-14T22:13:20.000Z", "map_revision": "9" });
    let payload = json!({ "event_type": "map_item_added", "event_protocol_version": 4, "event": event });
    notify(&mut stage, "twilio.sync.event", &payload);
    let events = stage.take_events(alice);
    assert!(matches!(&faults(&events)[..], [Fault::Unreadable { .. }]), "{events:?}");
    assert_eq!(stage.state(alice).members(&channel).len(), 1);
    works(&mut stage, alice, &channel, "alive");
}

fn survives(what: &str, faulty: bool, rubbish: impl Fn(&mut Stage, Who)) {
    let (mut stage, alice, channel) = in_channel();
    rubbish(&mut stage, alice);
    stage.settle();
    let events = stage.take_events(alice);
    assert_eq!(!faults(&events).is_empty(), faulty, "{what}: {events:?}");
    assert_eq!(stage.opens(alice).len(), 1, "{what}");
    assert_eq!(stage.state(alice).connection(), ConnectionState::Connected, "{what}");
    works(&mut stage, alice, &channel, "alive");
    // The socket is not deaf: the service's close is heard.
    admin(&mut stage, "close", &json!({ "code": 308 }));
    stage.advance(Duration::from_secs(3));
    assert_eq!(stage.opens(alice).len(), 2, "{what}");
}

/// One malformed frame costs one malformed frame.
#[test]
fn sdk_defect_25_malformed_frames_do_not_deafen() {
    let raw = [
        ("garbage", "garbage"),
        ("empty", ""),
        ("a wrong version", "TWILSOCK V2.0 2\r\n{}\r\n"),
        ("no size", "TWILSOCK V3.0\r\n{}\r\n"),
        ("a header that is no JSON", "TWILSOCK V3.0 4\r\n{{{{\r\n"),
        ("a header that is cut", "TWILSOCK V3.0 400\r\n{}\r\n"),
        ("a header without a method", "TWILSOCK V3.0 10\r\n{\"id\":\"x\"}\r\n"),
        ("a header that is a list", "TWILSOCK V3.0 2\r\n[]\r\n"),
    ];
    for (what, text) in raw {
        for binary in [true, false] {
            let rubbish = |stage: &mut Stage, _| {
                admin(stage, "rawFrame", &json!({ "identity": "alice", "text": text, "binary": binary }));
            };
            survives(what, true, rubbish);
        }
    }
}

/// What has a sound frame but an odd content is acknowledged and passed over.
#[test]
fn sdk_defect_25_odd_contents_are_passed_over() {
    let frames = [
        ("an unknown method", true, json!({ "header": { "method": "dance", "id": "TM1" } })),
        (
            "an unknown type",
            false,
            json!({ "header": { "method": "notification", "id": "TM1", "message_type": "x.y" }, "payload": {} }),
        ),
        ("no type", false, json!({ "header": { "method": "notification", "id": "TM1" } })),
        (
            "a stranger's reply",
            false,
            json!({ "header": { "method": "reply", "id": "TM404", "status": { "code": 200, "status": "OK" } } }),
        ),
        (
            "an unknown update",
            false,
            json!({ "header": { "method": "client_update", "id": "TM1", "client_update_type": "x" } }),
        ),
        (
            "sync without a payload",
            true,
            json!({ "header": { "method": "notification", "id": "TM1", "message_type": "twilio.sync.event" } }),
        ),
        (
            "sync that is no JSON",
            true,
            json!({ "header": { "method": "notification", "id": "TM1", "message_type": "twilio.sync.event" }, "payload": "{" }),
        ),
        (
            "sync without event_type",
            false,
            json!({ "header": { "method": "notification", "id": "TM1", "message_type": "twilio.sync.event" }, "payload": { "event": {} } }),
        ),
    ];
    for (what, faulty, frame) in frames {
        survives(what, faulty, |stage, _| {
            let mut frame = frame.clone();
            frame["identity"] = json!("alice");
            admin(stage, "frame", &frame);
        });
    }
}

/// A stream of rubbish costs the socket, not the session (spec 01 §8 #6).
#[test]
fn sdk_defect_25_a_stream_of_rubbish_opens_a_new_socket() {
    let (mut stage, alice, channel) = in_channel();
    for _ in 0..3 {
        admin(&mut stage, "rawFrame", &json!({ "identity": "alice", "text": "rubbish" }));
    }
    stage.advance(Duration::from_secs(3));
    assert_eq!(stage.opens(alice).len(), 2);
    works(&mut stage, alice, &channel, "alive");
}

/// Everything but a reply is acknowledged, known or not.
#[test]
fn sdk_defect_30_every_frame_is_acknowledged() {
    let (mut stage, alice, channel) = in_channel();
    for method in ["ping", "dance", "client_update", "notification"] {
        let header = json!({ "method": method, "id": format!("TM{method}") });
        admin(&mut stage, "frame", &json!({ "identity": "alice", "header": header }));
    }
    works(&mut stage, alice, &channel, "alive");
    let connections = admin(&mut stage, "connections", &json!({}));
    assert_eq!(connections[0]["unacked"], json!(0));
}

/// Every event twice: everything is told once.
#[test]
fn doubled_events_are_told_once() {
    let (mut stage, alice, channel) = in_channel();
    fault(&mut stage, &json!({ "on": "event", "match": {}, "count": -1, "op": "dup" }));
    let bob = stage.enter("bob");
    stage.settle();
    join(&mut stage, bob, &channel);
    for text in ["one", "two", "three"] {
        assert!(stage.ask(bob, message(&channel, text)).is_ok());
    }
    let body = Call::UpdateMessageBody(channel.clone(), 1, "deux".into());
    assert!(stage.ask(bob, body).is_ok());
    assert!(stage.ask(bob, Call::RemoveMessage(channel.clone(), 0)).is_ok());
    assert!(stage.ask(bob, Call::Leave(channel.clone())).is_ok());
    stage.settle();
    let events = stage.take_events(alice);
    assert_eq!(added(&events), ["one", "two", "three"]);
    for (what, times) in
        [("MemberJoined", 1), ("MemberLeft", 1), ("MessageRemoved", 1), ("MessageUpdated", 1)]
    {
        assert_eq!(words(&events).iter().filter(|word| **word == what).count(), times, "{what}");
    }
    assert_eq!(held(&stage, alice, &channel), ["deux", "three"]);
}

/// What happened while the client was away is told when it comes back: messages, edits, removals, members; once each.
#[test]
fn an_outage_is_caught_up_with() {
    for deaf in [false, true] {
        let (mut stage, alice, channel) = in_channel();
        let bob = stage.enter("bob");
        let carol = stage.enter("carol");
        stage.settle();
        join(&mut stage, bob, &channel);
        for text in ["one", "two"] {
            assert!(stage.ask(bob, message(&channel, text)).is_ok());
        }
        stage.settle();
        stage.take_all_events();
        stage.freeze(alice, true);
        if !deaf {
            stage.cut(alice);
        }
        join(&mut stage, carol, &channel);
        assert!(stage.ask(carol, message(&channel, "three")).is_ok());
        assert!(stage.ask(bob, Call::UpdateMessageBody(channel.clone(), 0, "uno".into())).is_ok());
        assert!(stage.ask(bob, Call::RemoveMessage(channel.clone(), 1)).is_ok());
        assert!(stage.ask(bob, Call::Leave(channel.clone())).is_ok());
        // Cut: the way is free again soon. Deaf: until the client has noticed.
        stage.advance(Duration::from_secs(if deaf { 50 } else { 5 }));
        stage.freeze(alice, false);
        stage.advance(Duration::from_mins(3));
        let events = stage.take_events(alice);
        assert_eq!(added(&events), ["three"], "{deaf}");
        for (what, times) in
            [("MemberJoined", 1), ("MemberLeft", 1), ("MessageRemoved", 1), ("MessageUpdated", 1)]
        {
            assert_eq!(words(&events).iter().filter(|word| **word == what).count(), times, "{deaf} {what}");
        }
        assert_eq!(held(&stage, alice, &channel), ["uno", "three"], "{deaf}");
        assert_eq!(held(&stage, alice, &channel), stored(&mut stage, &channel), "{deaf}");
        let members: Vec<_> = stage
            .state(alice)
            .members(&channel)
            .iter()
            .map(|member| member.identity.clone().unwrap())
            .collect();
        assert_eq!(members.iter().map(chat_proto::Identity::as_str).collect::<Vec<_>>(), ["alice", "carol"]);
    }
}

/// A message that a page showed before its event is told, even when its event comes after the service said that the
/// replay which holds it is complete. Another copy of the event tells nothing.
#[test]
fn an_event_that_comes_after_its_replay_is_told_once() {
    let (mut stage, alice, channel) = in_channel();
    stage.reachable(false);
    stage.cut(alice);
    post(&mut stage, &channel, "meanwhile");
    let facts =
        json!({ "identity": "alice", "messageType": "twilio.sync.event", "eventType": "list_item_added" });
    fault(&mut stage, &json!({ "on": "event", "match": facts, "op": "delay", "delayMs": 2000 }));
    let page = stage.start(alice, newest(&channel)).unwrap();
    stage.reachable(true);
    assert!(matches!(stage.answer(alice, page), Some(Ok(Reply::MessagePage(page))) if page.items.len() == 1));
    stage.advance(Duration::from_secs(5));
    assert_eq!(added(&stage.take_events(alice)), ["meanwhile"]);
    stage.cut(alice);
    stage.advance(Duration::from_secs(5));
    works(&mut stage, alice, &channel, "next");
    assert_eq!(held(&stage, alice, &channel), ["meanwhile", "next"]);
}

/// Nobody says that a subscription stands, whatever the object. It is asked for again after the time that the service
/// named, and what was said meanwhile is told, once.
#[test]
fn a_lost_acknowledgement_is_asked_for_again() {
    let (mut stage, alice, channel) = in_channel();
    let bob = stage.enter("bob");
    stage.settle();
    let acknowledgements = json!({ "eventType": "subscription_established", "identity": "bob" });
    fault(&mut stage, &json!({ "on": "event", "match": acknowledgements, "op": "drop", "count": 3 }));
    join(&mut stage, bob, &channel);
    stage.settle();
    let lost = admin(&mut stage, "faults", &json!({}))[0]["hits"].clone();
    assert_eq!(lost, json!(3), "document, messages, roster");
    stage.take_all_events();
    let asked = stage.client(bob).stats().requests;
    assert!(stage.ask(alice, message(&channel, "one")).is_ok());
    stage.advance(Duration::from_secs(30));
    assert!(stage.ask(alice, message(&channel, "two")).is_ok());
    stage.ask(alice, Call::UpdateFriendlyName(channel.clone(), Some("Room".into()))).unwrap();
    stage.settle();
    let events = stage.take_events(bob);
    assert_eq!(added(&events), ["one", "two"]);
    assert!(errors(&events).is_empty(), "without another connection: {events:?}");
    let known = stage.state(bob).channel(&channel).unwrap();
    assert_eq!(known.friendly_name.as_deref(), Some("Room"));
    // Once for all three, and then there is peace.
    assert_eq!(stage.client(bob).stats().requests, asked + 1);
    stage.advance(Duration::from_mins(2));
    assert_eq!(stage.client(bob).stats().requests, asked + 1);
}
