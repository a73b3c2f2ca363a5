//! Messages on their way: offline, shown, and taken along.

use std::time::Duration;

use chat_proto::{CallError, ChannelStatus, CreateChannel, Event, Network, Reply, Saved};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::Stage;

use crate::story::{added, answers, channel, config, pending, send, texts, write_ahead};

/// Through text, as a host keeps it.
fn kept(saved: &Saved) -> Saved {
    let again = Saved::from_json(saved.to_json().as_bytes()).unwrap();
    assert_eq!(again, *saved);
    again
}

#[test]
fn offline_messages_wait_show_and_go_out_in_order() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    let room = channel(&mut stage, alice);
    stage.reachable(false);
    stage.cut(alice);
    let calls: Vec<_> = (0..5).map(|n| stage.start(alice, send(&room, &n.to_string())).unwrap()).collect();
    assert_eq!(pending(&stage, alice, &room), ["0", "1", "2", "3", "4"]);
    let ids: Vec<_> = stage.state(alice).pending_messages(&room).map(|message| message.call).collect();
    assert_eq!(ids, calls);
    stage.advance(Duration::from_secs(20));
    assert_eq!(texts(&mut stage, &room), [""; 0]);
    stage.take_events(alice);
    stage.reachable(true);
    stage.advance(Duration::from_mins(1));
    assert_eq!(texts(&mut stage, &room), ["0", "1", "2", "3", "4"]);
    assert_eq!(pending(&stage, alice, &room), [""; 0]);
    let events = stage.take_events(alice);
    let answered: Vec<_> = answers(&events).into_iter().map(|(id, result)| (id, result.is_ok())).collect();
    assert_eq!(answered, calls.iter().map(|id| (*id, true)).collect::<Vec<_>>());
    assert_eq!(added(&events).len(), 5);
}

#[test]
fn a_message_stands_in_the_list_or_waits_but_never_both() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    let room = channel(&mut stage, alice);
    for n in 0..3 {
        stage.start(alice, send(&room, "same")).unwrap();
        for _ in 0..200 {
            stage.advance(Duration::from_millis(1));
            let shown = pending(&stage, alice, &room).len() + stage.state(alice).messages(&room).count();
            assert_eq!(shown, n + 1);
        }
        assert_eq!(stage.state(alice).messages(&room).count(), n + 1);
    }
}

#[test]
fn a_refused_message_shows_no_more() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter("alice");
    let room = channel(&mut stage, alice);
    let rule = serde_json::json!({"on": "command", "match": {"action": "sendMessage"}, "status": 403, "statusText": "no"});
    stage.admin("fault", &rule).unwrap();
    let call = stage.start(alice, send(&room, "not this one")).unwrap();
    assert_eq!(pending(&stage, alice, &room), ["not this one"], "it shows until it is refused");
    let refused = stage.answer(alice, call).unwrap();
    assert_eq!(refused, Err(CallError::Session { code: 403, message: "no".into() }));
    assert_eq!(pending(&stage, alice, &room), [""; 0]);
    assert_eq!(stage.state(alice).messages(&room).count(), 0);
    assert_eq!(texts(&mut stage, &room), [""; 0]);
}

/// The read model is there before anything was heard of the service, and what was missed is told once.
#[test]
fn a_resumed_client_knows_at_once_and_hears_what_it_missed() {
    let mut stage = Stage::new(ServiceConfig::default());
    let (alice, bob) = (stage.enter_with("alice", config()), stage.enter("bob"));
    let room = channel(&mut stage, alice);
    stage.ask(bob, chat_proto::Call::GetChannelBySid(room.clone())).unwrap();
    stage.ask(bob, chat_proto::Call::Join(room.clone())).unwrap();
    stage.ask(bob, send(&room, "before")).unwrap();
    stage.settle();
    let saved = kept(&stage.save(alice));
    let before = stage.state(alice).clone();
    for text in ["one", "two"] {
        stage.ask(bob, send(&room, text)).unwrap();
    }
    stage.ask(bob, chat_proto::Call::RemoveMessage(room.clone(), 0)).unwrap();
    stage.ask(bob, chat_proto::Call::Leave(room.clone())).unwrap();
    stage.settle();
    let lived_on = stage.state(alice).clone();
    stage.take_events(alice);

    stage.reachable(false);
    stage.crash(alice, saved).unwrap();
    let resumed = stage.state(alice);
    assert!(resumed.is_ready());
    assert_eq!(resumed.channel(&room), before.channel(&room));
    assert_eq!(resumed.members(&room), before.members(&room));
    assert!(resumed.messages(&room).eq(before.messages(&room)));
    stage.reachable(true);
    stage.advance(Duration::from_secs(30));
    stage.settle();
    assert_eq!(stage.state(alice), &lived_on);
    let events = stage.take_events(alice);
    let told: Vec<_> = added(&events).iter().map(|message| message.body.clone().unwrap()).collect();
    assert_eq!(told, ["one".into(), "two".into()]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::MessageRemoved(_))).count(), 1);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::MemberLeft(_))).count(), 1);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Ready)).count(), 1);
}

/// What went away meanwhile is told as gone.
#[test]
fn a_channel_that_was_destroyed_meanwhile_is_removed() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    let room = channel(&mut stage, alice);
    let saved = stage.save(alice);
    stage.ask(alice, chat_proto::Call::DeleteChannel(room.clone())).unwrap();
    stage.settle();
    stage.take_events(alice);
    stage.crash(alice, saved).unwrap();
    assert_eq!(stage.state(alice).channel(&room).unwrap().status, ChannelStatus::Joined);
    stage.advance(Duration::from_secs(30));
    assert_eq!(stage.state(alice).channel(&room), None);
    let removed = |event: &&Event| matches!(event, Event::ChannelRemoved(_));
    assert_eq!(stage.take_events(alice).iter().filter(removed).count(), 1);
}

/// Executed after the save was made: found by its command id, answered with what the service said then.
#[test]
fn a_message_that_left_after_the_save_is_found_and_not_sent_again() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    let room = channel(&mut stage, alice);
    stage.ask(alice, send(&room, "first")).unwrap();
    let id = stage.start(alice, send(&room, "second")).unwrap();
    let saved = kept(&stage.save(alice));
    assert!(matches!(stage.answer(alice, id), Some(Ok(Reply::MessageIndex(Some(1))))));
    stage.take_events(alice);
    stage.crash(alice, saved).unwrap();
    assert_eq!(pending(&stage, alice, &room), ["second"]);
    assert!(matches!(stage.answer(alice, id), Some(Ok(Reply::MessageIndex(Some(1))))));
    stage.settle();
    assert_eq!(texts(&mut stage, &room), ["first", "second"]);
    assert_eq!(pending(&stage, alice, &room), [""; 0]);
    // The next call has the next name.
    assert_eq!(stage.start(alice, send(&room, "third")).unwrap().number(), id.number() + 1);
}

/// Never left: sent once nothing late can be left, in order, also behind one that did leave.
#[test]
fn messages_that_did_not_leave_are_sent_in_order_after_the_late_execution_bound() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    let room = channel(&mut stage, alice);
    stage.network(alice, Network::Offline);
    let calls: Vec<_> = (0..4).map(|n| stage.start(alice, send(&room, &n.to_string())).unwrap()).collect();
    let saved = stage.save(alice);
    stage.crash(alice, saved).unwrap();
    stage.advance(Duration::from_millis(1_900));
    assert_eq!(texts(&mut stage, &room), [""; 0], "it may still be executed");
    // If the second left before the first is answered it overtakes it here.
    let slow = serde_json::json!({"on": "command", "match": {"action": "sendMessage"}, "delayMs": 700});
    stage.admin("fault", &slow).unwrap();
    stage.advance(Duration::from_secs(10));
    assert_eq!(texts(&mut stage, &room), ["0", "1", "2", "3"]);
    let answered: Vec<_> = answers(&stage.take_events(alice)).into_iter().map(|(id, _)| id).collect();
    assert!(calls.iter().all(|id| answered.iter().filter(|of| *of == id).count() == 1), "{answered:?}");
}

/// Nothing can be known of what went to a list that is gone.
#[test]
fn without_the_session_list_the_fate_is_unknown() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    // The save knows no list at all, and the client went on.
    let id = stage.start(alice, chat_proto::Call::CreateChannel(CreateChannel::default())).unwrap();
    let saved = stage.save(alice);
    stage.settle();
    stage.take_events(alice);
    stage.crash(alice, saved).unwrap();
    assert!(matches!(stage.answer(alice, id), Some(Err(CallError::Unknown(_)))));
}

/// With write-ahead a save proves that nothing left before it.
#[test]
fn with_write_ahead_a_call_from_before_the_first_session_is_done() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", write_ahead());
    let id = stage.start(alice, chat_proto::Call::CreateChannel(CreateChannel::default())).unwrap();
    let saved = stage.save(alice);
    stage.crash(alice, saved).unwrap();
    assert!(matches!(stage.answer(alice, id), Some(Ok(Reply::Channel(_)))));
}

#[test]
fn with_write_ahead_nothing_leaves_before_it_is_on_the_disk() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", write_ahead());
    let room = channel(&mut stage, alice);
    stage.lose_saves(alice, true);
    let id = stage.start(alice, send(&room, "kept back")).unwrap();
    stage.advance(Duration::from_secs(5));
    assert_eq!(texts(&mut stage, &room), [""; 0]);
    stage.start(alice, send(&room, "another")).unwrap();
    stage.advance(Duration::from_secs(1));
    assert_eq!(texts(&mut stage, &room), [""; 0]);
    stage.lose_saves(alice, false);
    assert!(stage.answer(alice, id).unwrap().is_ok());
    stage.settle();
    assert_eq!(texts(&mut stage, &room), ["kept back", "another"]);
}
