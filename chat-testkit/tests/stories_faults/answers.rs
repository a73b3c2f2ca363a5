//! Answers say what is known: what was executed is not called an error, and what was never sent is not called unknown.

use std::time::Duration;

use chat_proto::{Call, CallDeadline, CallError, Config, Json, MemberRef, Phase, Reply};
use serde_json::json;

use crate::people::*;

/// Two sends of one deadline: the end of the first leaves the second no time to be sent.
#[test]
fn sends_of_one_deadline_do_not_send_each_other() {
    let (mut stage, alice, channel) = in_channel();
    fault(
        &mut stage,
        &json!({ "on": "command", "match": { "action": "sendMessage" }, "noReply": true, "count": -1 }),
    );
    let deadline = CallDeadline::After(Duration::from_secs(3));
    let calls: Vec<_> = ["first", "second", "third"]
        .into_iter()
        .map(|text| stage.start_by(alice, message(&channel, text), deadline).unwrap())
        .collect();
    let answers: Vec<_> = calls.iter().map(|call| stage.answer(alice, *call).unwrap()).collect();
    let late = Err(CallError::DeadlineExceeded(Phase::Queued));
    assert_eq!(answers, [Err(CallError::Unknown(Phase::Sent)), late.clone(), late]);
    admin(&mut stage, "faults/clear", &json!({}));
    stage.advance(Duration::from_mins(2));
    assert_eq!(stored(&mut stage, &channel), [""; 0]);
}

/// A message that the read model does not hold: its window is one message wide.
fn beyond_the_window() -> (chat_testkit::stage::Stage, chat_testkit::stage::Who, chat_proto::ChannelSid) {
    let mut config = Config::default();
    config.limits.messages_per_channel = 1;
    let (mut stage, alice, channel) = in_channel_with(service(), config);
    for text in ["old", "new"] {
        stage.ask(alice, message(&channel, text)).unwrap();
    }
    stage.settle();
    let held: Vec<u64> = stage.state(alice).messages(&channel).map(|message| message.index).collect();
    assert_eq!(held, [1]);
    (stage, alice, channel)
}

/// It is read first: when that fails nothing was changed, and once it was changed no error can come.
#[test]
fn an_edit_of_a_message_that_is_not_held_is_answered_honestly() {
    let attributes = Json::parse(r#"{"n":1}"#).unwrap();
    for edits_text in [true, false] {
        let edit = |channel: &chat_proto::ChannelSid| {
            if edits_text {
                Call::UpdateMessageBody(channel.clone(), 0, "edited".into())
            } else {
                Call::UpdateMessageAttributes(channel.clone(), 0, attributes.clone())
            }
        };
        // Reading fails at first, and then always after the first time.
        for failures in [json!({ "count": 1 }), json!({ "skip": 1, "count": -1 })] {
            let (mut stage, alice, channel) = beyond_the_window();
            let mut rule = json!({ "on": "http", "match": { "path": "/Lists/.*/Items$", "method": "GET" }, "status": 403 });
            rule.as_object_mut().unwrap().extend(failures.as_object().unwrap().clone());
            if failures["count"] == 1 {
                fault(&mut stage, &rule);
                let answer = stage.ask(alice, edit(&channel));
                assert!(matches!(answer, Err(CallError::Sync { status: 403, .. })), "{answer:?}");
                assert_eq!(stored(&mut stage, &channel), ["old", "new"]);
                continue;
            }
            let call = stage.start(alice, edit(&channel)).unwrap();
            // By now it was read; from here on nothing can be.
            stage.advance(Duration::from_millis(15));
            rule.as_object_mut().unwrap().remove("skip");
            fault(&mut stage, &rule);
            let Some(Ok(Reply::Message(answered))) = stage.answer(alice, call) else { panic!() };
            assert_eq!((answered.index, answered.last_updated_by.as_ref()), (0, Some(&"alice".into())));
            if edits_text {
                assert_eq!(answered.body.as_deref(), Some("edited"));
                assert_eq!(stored(&mut stage, &channel), ["edited", "new"]);
            } else {
                assert_eq!((answered.body.as_deref(), &answered.attributes), (Some("old"), &attributes));
            }
        }
    }
}

/// A member that nobody knows is no reason to ask the service for a change that could not be shown.
#[test]
fn attributes_of_nobody_are_not_changed() {
    let (mut stage, alice, channel) = in_channel();
    let update = |member: &str| {
        Call::UpdateMemberAttributes(channel.clone(), member.into(), Json::parse(r#"{"a":1}"#).unwrap())
    };
    let answer = stage.ask(alice, update("MB404"));
    assert!(matches!(answer, Err(CallError::UnknownMember(_))), "{answer:?}");
    let me = MemberRef::Identity("alice".into());
    let Ok(Reply::Member(me)) = stage.ask(alice, Call::GetMember(channel.clone(), me)) else { panic!() };
    assert!(matches!(stage.ask(alice, update(&me.sid.text())), Ok(Reply::Member(_))));
}

/// With nothing but time against it, an update of the token is decided by the next connection.
#[test]
fn an_update_is_decided_by_the_next_connection() {
    let (mut stage, alice, _) = in_channel_with(service(), Config::default());
    fault(&mut stage, &json!({ "on": "twilsock", "match": { "method": "update" }, "noReply": true }));
    let token = stage.token("alice", Duration::from_hours(2));
    admin(&mut stage, "revoke", &json!({ "token": token }));
    let answer = stage.ask(alice, Call::UpdateToken(chat_proto::Token::new(token).unwrap()));
    assert!(matches!(answer, Err(CallError::TokenRejected { .. })), "{answer:?}");
}
