//! What fuzzing found, told as stories: without the bytes it can be understood.

use std::time::Duration;

use chat_proto::{
    Call, ChannelSid, CreateChannel, Event, GetMessages, Json, MessageReason, Reply, SendMessage,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::json;

fn send(channel: &ChannelSid, text: &str) -> Call {
    let (channel, body) = (channel.clone(), Some(text.into()));
    Call::SendMessage(SendMessage { channel, body, attributes: Json::default() })
}

/// Alice and bob in a channel in which bob said something.
fn one_message() -> (Stage, Who, Who, ChannelSid) {
    let mut stage = Stage::new(ServiceConfig::default());
    let (alice, bob) = (stage.enter("alice"), stage.enter("bob"));
    stage.settle();
    let create = CreateChannel { unique_name: Some("general".into()), ..CreateChannel::default() };
    let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(create)) else { panic!() };
    let room = channel.sid.clone();
    stage.ask(alice, Call::Join(room.clone())).unwrap();
    stage.ask(alice, Call::Add(room.clone(), "bob".into())).unwrap();
    stage.settle();
    stage.ask(bob, send(&room, "before")).unwrap();
    stage.settle();
    stage.take_all_events();
    (stage, alice, bob, room)
}

/// A page that was read before the replay had come said what the message is now, and the event that said so afterwards
/// counted as known: the list kept the old text for ever (target `resume`).
#[test]
fn a_page_that_is_read_after_a_resume_brings_an_edit() {
    let (mut stage, alice, bob, room) = one_message();
    let saved = stage.save(alice);
    stage.ask(bob, Call::UpdateMessageBody(room.clone(), 0, "after".into())).unwrap();
    stage.settle();
    stage.crash(alice, saved).unwrap();
    stage.take_all_events();
    let page = stage.ask(alice, Call::GetMessages(GetMessages::newest(room.clone()))).unwrap();
    let Reply::MessagePage(page) = page else { panic!("{page:?}") };
    assert_eq!(page.items[0].body.as_deref(), Some("after"));
    stage.settle();
    stage.advance(Duration::from_secs(5));
    let held: Vec<_> = stage.state(alice).messages(&room).map(|message| message.body.clone()).collect();
    assert_eq!(held, [Some("after".into())]);
    let told = stage.take_events(alice);
    let edits = told.iter().filter_map(|event| match event {
        Event::MessageUpdated { reasons, .. } => Some(reasons.contains(MessageReason::Body)),
        _ => None,
    });
    assert_eq!(edits.collect::<Vec<_>>(), [true], "told once: {told:?}");
}

/// The channel's document did not know of the last message yet when its member left and came again: what had been told
/// already was told once more (target `journey`).
#[test]
fn what_was_told_before_leaving_is_not_told_again_after_joining() {
    let (mut stage, alice, bob, room) = one_message();
    let lost = json!({
        "on": "event", "match": { "identity": "alice", "eventType": "document_updated" }, "count": -1, "op": "drop",
    });
    stage.admin("fault", &lost).unwrap();
    stage.ask(bob, send(&room, "once")).unwrap();
    stage.settle();
    for call in [Call::Leave(room.clone()), Call::Join(room.clone())] {
        stage.ask(alice, call).unwrap();
        stage.settle();
    }
    stage.admin("faults/clear", &json!({})).unwrap();
    stage.ask(bob, send(&room, "and on")).unwrap();
    stage.advance(Duration::from_secs(30));
    let told: Vec<u64> = stage
        .take_events(alice)
        .iter()
        .filter_map(|event| match event {
            Event::MessageAdded(message) => Some(message.index),
            _ => None,
        })
        .collect();
    assert_eq!(told, [1, 2]);
}
