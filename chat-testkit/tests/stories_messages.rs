//! Stories about messages: which are told, once each and in order, when events and answers come in awkward ways.

use std::time::Duration;

use chat_proto::session::What;
use chat_proto::{
    Call, ChannelSid, CreateChannel, Event, Fault, Frame, GetMessages, Input, Json, Reply, SendMessage,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::json;

/// A stage with a channel that alice has joined and in which `messages` stand already.
fn channel_with(messages: u64) -> (Stage, Who, ChannelSid) {
    channel_of(ServiceConfig::default(), messages)
}

fn channel_of(service: ServiceConfig, messages: u64) -> (Stage, Who, ChannelSid) {
    let mut stage = Stage::new(service);
    let alice = stage.enter("alice");
    stage.settle();
    let options = CreateChannel { unique_name: Some("room".into()), ..CreateChannel::default() };
    let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(options)) else {
        panic!("not created")
    };
    stage.ask(alice, Call::Join(channel.sid.clone())).unwrap();
    stage.settle();
    for i in 0..messages {
        say(&mut stage, alice, &channel.sid, &format!("before {i}"));
    }
    stage.settle();
    stage.take_all_events();
    (stage, alice, channel.sid.clone())
}

fn say(stage: &mut Stage, who: Who, channel: &ChannelSid, text: &str) {
    let message =
        SendMessage { channel: channel.clone(), body: Some(text.into()), attributes: Json::default() };
    stage.ask(who, Call::SendMessage(message)).unwrap();
}

/// The service posts a message of another person's at once, without any client.
fn post(stage: &mut Stage, channel: &ChannelSid, text: &str) {
    let params = json!({ "channelSid": channel.as_str(), "text": text, "attributes": "{}" });
    stage
        .admin("command", &json!({ "identity": "alice", "action": "sendMessage", "params": params }))
        .unwrap();
}

fn added(events: &[Event]) -> Vec<u64> {
    let added = |event: &Event| match event {
        Event::MessageAdded(message) => Some(message.index),
        _ => None,
    };
    events.iter().filter_map(added).collect()
}

/// What is sent after a person joined and before the client has opened the list is told all the same.
#[test]
fn sdk_defect_19_messages_right_after_joining_are_told() {
    let (mut stage, _, channel) = channel_with(2);
    let bob = stage.enter("bob");
    stage.settle();
    let Ok(Reply::Channel(_)) = stage.ask(bob, Call::GetChannelBySid(channel.clone())) else {
        panic!("not found")
    };
    stage.settle();
    let join = stage.start(bob, Call::Join(channel.clone())).unwrap();
    // The moment the client hears that it joined, and before the list it asks for is read.
    while !stage.take_events(bob).iter().any(|event| matches!(event, Event::ChannelJoined(_))) {
        stage.advance(Duration::from_millis(1));
    }
    for text in ["one", "two", "three"] {
        post(&mut stage, &channel, text);
    }
    let _ = join;
    stage.settle();
    assert_eq!(added(&stage.take_events(bob)), [2, 3, 4]);
    post(&mut stage, &channel, "four");
    stage.settle();
    assert_eq!(added(&stage.take_events(bob)), [5]);
    let indexes: Vec<u64> = stage.state(bob).messages(&channel).map(|message| message.index).collect();
    assert_eq!(indexes, [2, 3, 4, 5], "and nothing that was said before");
}

/// A live event that is lost shows as soon as the channel's document tells of the message.
#[test]
fn sdk_defect_17_a_lost_live_event_is_noticed() {
    let (mut stage, alice, channel) = channel_with(1);
    let rule = json!({ "on": "event", "match": { "eventType": "list_item_added", "identity": "alice" }, "count": 1, "op": "drop" });
    stage.admin("fault", &rule).unwrap();
    post(&mut stage, &channel, "lost");
    stage.settle();
    stage.settle();
    assert_eq!(added(&stage.take_events(alice)), [1]);
    post(&mut stage, &channel, "next");
    stage.settle();
    assert_eq!(added(&stage.take_events(alice)), [2]);
}

/// Swapped live events are told in the order of their indexes.
#[test]
fn sdk_defect_18_swapped_events_are_told_in_order() {
    let (mut stage, alice, channel) = channel_with(1);
    let rule = json!({ "on": "event", "match": { "eventType": "list_item_added", "identity": "alice" }, "count": 1, "op": "swap" });
    stage.admin("fault", &rule).unwrap();
    post(&mut stage, &channel, "first");
    post(&mut stage, &channel, "second");
    stage.settle();
    stage.settle();
    assert_eq!(added(&stage.take_events(alice)), [1, 2]);
}

/// The kinds of list events that reached a client since line `from` of the tape, in that order.
fn list_events(stage: &Stage, identity: &str, from: usize) -> Vec<&'static str> {
    let session = stage.session("a stage");
    let kind = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        ["list_item_added", "list_item_updated", "list_item_removed"]
            .into_iter()
            .find(|kind| text.contains(kind))
    };
    let entries = session.entries.iter().skip(from).filter(|entry| session.name(entry.who) == identity);
    let frames = entries.filter_map(|entry| match &entry.what {
        What::Record(record) => record.as_input(),
        _ => None,
    });
    let kinds = frames.filter_map(|input| match input {
        Input::Frame(_, Frame::Binary(bytes)) => kind(bytes),
        _ => None,
    });
    kinds.collect()
}

/// An edit or a removal that comes before the message it is about waits for it: nothing is kept from the app.
#[test]
fn sdk_defect_18_what_overtakes_an_addition_does_not_silence_it() {
    let (mut stage, alice, channel) = channel_with(1);
    let bob = stage.enter("bob");
    stage.settle();
    stage.ask(bob, Call::GetChannelBySid(channel.clone())).unwrap();
    stage.ask(bob, Call::Join(channel.clone())).unwrap();
    stage.settle();
    for (index, overtaking) in [(1, "list_item_updated"), (2, "list_item_removed")] {
        stage.take_all_events();
        let from = stage.session("a stage").entries.len();
        let facts = json!({ "eventType": "list_item_added", "identity": "bob", "entity": format!("{channel}.messages") });
        stage.admin("fault", &json!({ "on": "event", "match": facts, "op": "swap" })).unwrap();
        say(&mut stage, alice, &channel, "as it was");
        let then = match overtaking {
            "list_item_updated" => Call::UpdateMessageBody(channel.clone(), index, "as it is".into()),
            _ => Call::RemoveMessage(channel.clone(), index),
        };
        stage.ask(alice, then).unwrap();
        stage.advance(Duration::from_secs(5));
        assert_eq!(list_events(&stage, "bob", from).first(), Some(&overtaking), "it does overtake");
        let of = |message: &chat_proto::Message| (message.index, message.body.clone().unwrap_or_default());
        let told = |event: &Event| match event {
            Event::MessageAdded(message) => Some(("added", of(message))),
            Event::MessageUpdated { message, .. } => Some(("list_item_updated", of(message))),
            Event::MessageRemoved(message) => Some(("list_item_removed", of(message))),
            _ => None,
        };
        let told: Vec<_> = stage.take_events(bob).iter().filter_map(told).collect();
        let last = if index == 1 { "as it is" } else { "as it was" };
        let expected = [("added", (index, "as it was".into())), (overtaking, (index, last.into()))];
        assert_eq!(told, expected);
    }
    let held: Vec<u64> = stage.state(bob).messages(&channel).map(|message| message.index).collect();
    assert_eq!(held, [1]);
}

/// A message that a page shows first is told when its event comes, once.
#[test]
fn a_page_does_not_swallow_the_event() {
    let (mut stage, alice, channel) = channel_with(1);
    let rule = json!({ "on": "event", "match": { "eventType": "list_item_added", "identity": "alice" }, "count": 1, "op": "delay", "delayMs": 50 });
    stage.admin("fault", &rule).unwrap();
    post(&mut stage, &channel, "late");
    let Ok(Reply::MessagePage(page)) =
        stage.ask(alice, Call::GetMessages(GetMessages::newest(channel.clone())))
    else {
        panic!("no page")
    };
    assert_eq!(page.items.len(), 2);
    stage.settle();
    stage.settle();
    assert_eq!(added(&stage.take_events(alice)), [1]);
}

/// Seed 7162: the live event is lost, a page shows the message as one whose event is still to come, and no replay has the
/// event. It is told all the same, before what comes after it.
#[test]
fn a_message_whose_event_never_comes_is_read_and_told() {
    let (mut stage, alice, channel) = channel_with(1);
    let facts = json!({ "eventType": "list_item_added", "identity": "alice", "entity": format!("{channel}.messages") });
    // The live event, and each replay that is asked for because it is missing.
    stage.admin("fault", &json!({ "on": "event", "match": facts, "count": 4, "op": "drop" })).unwrap();
    post(&mut stage, &channel, "lost");
    stage.advance(Duration::from_secs(5));
    assert_eq!(added(&stage.take_events(alice)), [1]);
    post(&mut stage, &channel, "next");
    stage.advance(Duration::from_secs(5));
    assert_eq!(added(&stage.take_events(alice)), [2]);
}

/// The same while the channel's document tells nothing, so that only a later message shows the gap.
#[test]
fn a_message_whose_event_never_comes_is_told_before_the_next_one() {
    for replay_limit in [0, 1] {
        let (mut stage, alice, channel) =
            channel_of(ServiceConfig { replay_limit, ..ServiceConfig::default() }, 1);
        let document = json!({ "eventType": "document_updated", "identity": "alice" });
        stage
            .admin("fault", &json!({ "on": "event", "match": document, "count": -1, "op": "drop" }))
            .unwrap();
        let list = json!({ "eventType": "list_item_added", "identity": "alice", "entity": format!("{channel}.messages") });
        // Of each pair the first is lost: live, and in every replay that is asked for because it is missing.
        for skip in 0..if replay_limit == 0 { 4 } else { 1 } {
            let rule = json!({ "on": "event", "match": list, "count": 1, "skip": skip, "op": "drop" });
            stage.admin("fault", &rule).unwrap();
        }
        post(&mut stage, &channel, "lost");
        post(&mut stage, &channel, "next");
        stage.advance(Duration::from_secs(5));
        assert_eq!(added(&stage.take_events(alice)), [1, 2], "{replay_limit}");
        post(&mut stage, &channel, "last");
        stage.advance(Duration::from_secs(5));
        assert_eq!(added(&stage.take_events(alice)), [3], "{replay_limit}");
    }
}

/// What no event tells of is read; when that fails, it is read later, and what comes meanwhile waits behind it. Only
/// when the service refuses for good is that told without it, and the app hears that something is missing.
#[test]
fn messages_that_could_not_be_read_are_read_later() {
    for (failures, status, told) in [(1, 500, vec![2, 3]), (3, 500, vec![2, 3]), (1, 403, vec![3])] {
        let (mut stage, _, channel) = channel_with(2);
        let bob = stage.enter("bob");
        stage.settle();
        stage.ask(bob, Call::GetChannelBySid(channel.clone())).unwrap();
        stage.settle();
        let read = json!({ "method": "GET", "path": "/Lists/[^/]+/Items" });
        stage
            .admin("fault", &json!({ "on": "http", "match": read, "count": failures, "status": status }))
            .unwrap();
        let join = stage.start(bob, Call::Join(channel.clone())).unwrap();
        let mut events = Vec::new();
        while !events.iter().any(|event| matches!(event, Event::ChannelJoined(_))) {
            stage.advance(Duration::from_millis(1));
            events.extend(stage.take_events(bob));
        }
        post(&mut stage, &channel, "after the join");
        let _ = join;
        stage.settle();
        post(&mut stage, &channel, "live");
        stage.settle();
        events.extend(stage.take_events(bob));
        assert_eq!(added(&events).is_empty(), status == 500, "{failures}");
        stage.advance(Duration::from_mins(2));
        events.extend(stage.take_events(bob));
        assert_eq!(added(&events), told, "{failures}");
        let missing = |event: &&Event| matches!(event, Event::Fault(Fault::NotLoaded { .. }));
        assert_eq!(events.iter().filter(missing).count(), failures, "{events:?}");
    }
}

/// The channel's document lags behind, so that it does not tell what was told in an earlier membership; nor do the
/// messages, which are forgotten at the second coming. (World 8 of the deaf subscriptions.)
#[test]
fn whoever_comes_and_goes_is_told_no_message_twice() {
    let (mut stage, alice, channel) = channel_with(2);
    let bob = stage.enter("bob");
    stage.settle();
    stage.ask(bob, Call::GetChannelBySid(channel.clone())).unwrap();
    stage.ask(bob, Call::Join(channel.clone())).unwrap();
    stage.settle();
    stage.take_events(bob);
    let deaf = json!({ "on": "event", "match": { "eventType": "document_updated", "identity": "bob" }, "count": -1, "op": "drop" });
    stage.admin("fault", &deaf).unwrap();
    say(&mut stage, alice, &channel, "once");
    stage.settle();
    assert_eq!(added(&stage.take_events(bob)), [2]);
    for index in 3..5 {
        stage.ask(bob, Call::Leave(channel.clone())).unwrap();
        stage.settle();
        stage.ask(bob, Call::Join(channel.clone())).unwrap();
        stage.settle();
        assert_eq!(added(&stage.take_events(bob)), [0; 0], "after joining again");
        say(&mut stage, alice, &channel, "and more");
        stage.settle();
        assert_eq!(added(&stage.take_events(bob)), [index]);
    }
    stage.ask(bob, Call::Leave(channel.clone())).unwrap();
    stage.ask(bob, Call::Join(channel.clone())).unwrap();
    stage.ask(bob, Call::Leave(channel.clone())).unwrap();
    stage.ask(bob, Call::Join(channel)).unwrap();
    stage.settle();
    assert_eq!(added(&stage.take_events(bob)), [0; 0]);
}

/// A page of the own channels that is late shows how far the own user had read before: what was told since counts
/// (world 1551).
#[test]
fn a_late_page_of_own_channels_does_not_take_the_read_horizon_back() {
    let (mut stage, alice, channel) = channel_with(3);
    let late = json!({ "on": "http", "match": { "method": "GET", "path": "/Maps/.*/Items", "identity": "alice" }, "delayMs": 8000, "process": true });
    stage.admin("fault", &late).unwrap();
    stage
        .start(alice, Call::GetSubscribedChannels(chat_testkit::proto::GetSubscribedChannels::default()))
        .unwrap();
    stage.ask(alice, Call::UpdateLastConsumedMessageIndex(channel.clone(), Some(1))).unwrap();
    let horizon = |stage: &Stage| stage.state(alice).channel(&channel).unwrap().last_consumed_message_index;
    assert_eq!(horizon(&stage), Some(1));
    stage.advance(Duration::from_secs(10));
    let events = stage.take_events(alice);
    let paged = |event: &Event| matches!(event, Event::Answer { result: Ok(Reply::ChannelPage(_)), .. });
    assert!(events.iter().any(paged), "{events:?}");
    assert_eq!(horizon(&stage), Some(1));
}

/// The members are read ahead of the events: who changed and left while the own user was away has left once, whatever
/// the events that come later tell (world 6293, 100 steps).
#[test]
fn a_member_who_left_meanwhile_leaves_once() {
    let (mut stage, alice, channel) = channel_with(0);
    let bob = stage.enter("bob");
    stage.settle();
    stage.ask(bob, Call::GetChannelBySid(channel.clone())).unwrap();
    stage.ask(bob, Call::Join(channel.clone())).unwrap();
    stage.settle();
    stage.ask(alice, Call::Leave(channel.clone())).unwrap();
    stage.settle();
    stage.take_all_events();
    // The roster is opened as it is now; its pages are late, and so they are newer than the events that come after them.
    let late = json!({ "on": "event", "match": { "type": "map", "identity": "alice" }, "count": -1, "op": "delay", "delayMs": 9000 });
    let own = json!({ "on": "http", "match": { "method": "GET", "path": "/Maps/.*/Items", "identity": "alice" }, "delayMs": 3000 });
    stage.admin("fault", &own).unwrap();
    stage.start(alice, Call::Join(channel.clone())).unwrap();
    stage.advance(Duration::from_secs(1));
    stage.admin("fault", &late).unwrap();
    let sid = stage.state(bob).members(&channel).into_iter().find(|of| of.identity == Some("bob".into()));
    let sid = sid.unwrap().sid.clone();
    stage
        .ask(bob, Call::UpdateMemberAttributes(channel.clone(), sid, Json::parse(r#"{"a":1}"#).unwrap()))
        .unwrap();
    stage.ask(bob, Call::Leave(channel.clone())).unwrap();
    stage.advance(Duration::from_secs(30));
    let left = |event: &Event| match event {
        Event::MemberLeft(member) => member.identity.as_ref().map(|of| of.as_str().to_owned()),
        _ => None,
    };
    let left: Vec<String> = stage.take_events(alice).iter().filter_map(left).collect();
    assert_eq!(left, ["bob"]);
    assert_eq!(stage.state(alice).members(&channel).len(), 1);
}

/// Instead of a message that is not there the service shows the next one, which nobody asked for: it is not taken into the
/// read model (world 3766).
#[test]
fn a_message_that_is_not_there_does_not_bring_the_next_one() {
    let (mut stage, alice, channel) = channel_with(2);
    let bob = stage.enter("bob");
    stage.settle();
    stage.ask(bob, Call::GetChannelBySid(channel.clone())).unwrap();
    stage.ask(alice, Call::RemoveMessage(channel.clone(), 0)).unwrap();
    stage.settle();
    stage.take_events(bob);
    stage.ask(bob, Call::RemoveMessage(channel.clone(), 0)).unwrap_err();
    assert_eq!(stage.state(bob).messages(&channel).count(), 0);
    stage.ask(bob, Call::UpdateMessageBody(channel.clone(), 1, "not bob's".into())).unwrap_err();
    assert!(stage.state(bob).messages(&channel).all(|message| message.index == 1));
}
