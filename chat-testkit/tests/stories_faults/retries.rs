//! Requests that fail on the way there, or on the way back, and session commands of unknown fate.

use std::time::Duration;

use chat_proto::{Call, CallDeadline, CallError, Config, Fault, Phase, Reply};
use serde_json::{Value, json};

use crate::people::*;

/// A rule for pushes of `sendMessage`.
fn on_push(count: i64, effect: &Value) -> Value {
    let mut rule = json!({ "on": "http", "match": { "action": "sendMessage" }, "count": count });
    rule.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
    rule
}

/// Whatever is answered to a push, done or not: the message stands once, and is told once.
#[test]
fn sdk_defect_13_a_message_is_never_sent_twice() {
    for process in [true, false] {
        let mut effects: Vec<Value> =
            [429, 500, 502, 503, 504].iter().map(|status| json!({ "status": status })).collect();
        effects.extend([json!({ "noReply": true }), json!({ "delayMs": 40_000 }), json!({ "drop": true })]);
        // A status is refused before anything is done, or after it: only gateways say the latter.
        for effect in &mut effects {
            effect["process"] = json!(process);
        }
        for effect in effects {
            for count in [1, 3] {
                let (mut stage, alice, channel) = in_channel();
                fault(&mut stage, &on_push(count, &effect));
                let call = stage.start_by(alice, message(&channel, "hello"), CallDeadline::Never).unwrap();
                let answer = stage.answer(alice, call).unwrap_or_else(|| panic!("{effect} {count}: stuck"));
                stage.advance(Duration::from_mins(3));
                let stored = stored(&mut stage, &channel);
                match answer {
                    Ok(_) => assert_eq!(stored, ["hello"], "{effect} {count}"),
                    // A service that did it and says otherwise cannot be seen through; one that says 500 has refused.
                    Err(CallError::Sync { status, .. }) => {
                        assert!(matches!(status, 429 | 500), "{effect} {count}");
                    }
                    Err(error) => panic!("{effect} {count}: {error:?}"),
                }
                assert!(stored.len() <= 1, "{effect} {count}: {stored:?}");
                assert_eq!(added(&stage.take_events(alice)), stored, "{effect} {count}");
            }
        }
    }
}

/// With nothing but the defaults: what was executed is found, what was not is pushed again, and a call is told that nobody
/// knows only when that does not help for another minute.
#[test]
fn a_503_is_found_out_within_the_default_deadline() {
    for process in [true, false] {
        let (mut stage, alice, channel) = in_channel();
        fault(&mut stage, &on_push(1, &json!({ "status": 503, "process": process })));
        let began = stage.now();
        let answer = stage.ask(alice, message(&channel, "hello"));
        assert_eq!(answer, Ok(Reply::MessageIndex(Some(0))), "{process}");
        about(began, stage.now(), if process { 0 } else { 30_000 }, 1000);
        assert_eq!(stored(&mut stage, &channel), ["hello"], "{process}");
    }
    let (mut stage, alice, channel) = in_channel();
    fault(&mut stage, &on_push(9, &json!({ "status": 503 })));
    let began = stage.now();
    assert_eq!(stage.ask(alice, message(&channel, "hello")), Err(CallError::Unknown(Phase::Sent)));
    about(began, stage.now(), 30_000 + 30_000 + 30_000, 1000);
}

/// A throttled push goes again later, unless the app wants to hear of it.
#[test]
fn a_throttled_push_is_repeated_if_the_app_lets_it() {
    let (mut stage, alice, channel) = in_channel();
    fault(&mut stage, &on_push(2, &json!({ "status": 429 })));
    let began = stage.now();
    assert!(stage.ask(alice, message(&channel, "hello")).is_ok());
    about(began, stage.now(), 1000 + 2000, 100);
    assert_eq!(stored(&mut stage, &channel), ["hello"]);

    let mut config = Config::default();
    config.retry_when_throttled = false;
    let (mut stage, alice, channel) = in_channel_with(service(), config);
    fault(&mut stage, &on_push(1, &json!({ "status": 429 })));
    let answer = stage.ask(alice, message(&channel, "hello"));
    assert!(matches!(answer, Err(CallError::Sync { status: 429, .. })), "{answer:?}");
    works(&mut stage, alice, &channel, "alive");
}

/// A read of the directory is tried three times, and then its own status is told.
#[test]
fn sdk_defect_14_the_status_of_a_failed_read_survives() {
    for status in [502, 503, 504, 429] {
        let (mut stage, alice, channel) = in_channel();
        let rule = json!({ "on": "http", "match": { "path": "/Channels/" }, "count": 3, "status": status, "code": 20_500 });
        fault(&mut stage, &rule);
        let began = stage.now();
        let answer = stage.ask(alice, Call::GetMessagesCount(channel.clone()));
        assert!(
            matches!(answer, Err(CallError::Rest { status: of, .. }) if of == status),
            "{status}: {answer:?}"
        );
        // 1 s and 2 s, no jitter (spec 03 §5.1).
        let waited = u64::try_from(stage.now().since(began).as_millis()).unwrap();
        assert!((3000..3100).contains(&waited), "{waited}");
        assert_eq!(stage.ask(alice, Call::GetMessagesCount(channel)), Ok(Reply::Count(0)));
    }
}

/// Typing that could not be told is told at the next keystroke.
#[test]
fn sdk_defect_14_a_failed_typing_call_does_not_silence_the_next() {
    let (mut stage, alice, channel) = in_channel();
    let requests = |stage: &mut chat_testkit::stage::Stage| {
        admin(stage, "state", &json!({}))["stats"]["requests"].as_u64().unwrap()
    };
    fault(&mut stage, &json!({ "on": "http", "match": { "path": "/typing" }, "status": 503 }));
    let answer = stage.ask(alice, Call::Typing(channel.clone()));
    assert!(matches!(answer, Err(CallError::Rest { status: 503, .. })), "{answer:?}");
    let before = requests(&mut stage);
    assert_eq!(stage.ask(alice, Call::Typing(channel.clone())), Ok(Reply::Done));
    assert_eq!(requests(&mut stage), before + 1, "it is told");
    assert_eq!(stage.ask(alice, Call::Typing(channel.clone())), Ok(Reply::Done));
    assert_eq!(requests(&mut stage), before + 1, "it was told a moment ago");
}

/// A command that is accepted and never answered is answered by the client: it does not know.
#[test]
fn sdk_defect_15_a_command_without_an_answer_is_answered() {
    let (mut stage, alice, channel) = in_channel();
    let rule = json!({ "on": "command", "match": { "action": "sendMessage" }, "noReply": true });
    fault(&mut stage, &rule);
    let began = stage.now();
    let answer = stage.ask(alice, message(&channel, "hello"));
    assert_eq!(answer, Err(CallError::Unknown(Phase::Sent)));
    let waited = stage.now().since(began);
    assert!((29..=30).contains(&waited.as_secs()), "{waited:?}");
    // The channel is not blocked by it.
    stage.advance(Duration::from_mins(1));
    stage.take_all_events();
    works(&mut stage, alice, &channel, "alive");
    assert_eq!(
        stored(&mut stage, &channel),
        ["alive"],
        "what nobody knew of was not done, and is not done later"
    );
}

/// What the transport refuses is told with its numbers.
#[test]
fn sdk_defect_15_a_refusal_of_the_transport_keeps_its_numbers() {
    let (mut stage, alice, channel) = in_channel();
    let effect = json!({ "twilsockStatus": 413, "errorCode": 51_999, "description": "too much" });
    fault(&mut stage, &on_push(1, &effect));
    let answer = stage.ask(alice, message(&channel, "hello"));
    let expected = CallError::Transport { status: 413, code: 51_999, message: "too much".into() };
    assert_eq!(answer, Err(expected));
    assert_eq!(stored(&mut stage, &channel), [""; 0]);
    works(&mut stage, alice, &channel, "alive");
}

/// A session list that is gone is replaced, and what surely was not executed is done there, once.
#[test]
fn sdk_defect_16_a_vanished_session_is_replaced() {
    for (status, code) in [(403, 54_007), (404, 54_150)] {
        let (mut stage, alice, channel) = in_channel();
        let effect = json!({ "status": status, "code": code });
        fault(&mut stage, &on_push(1, &effect));
        assert!(matches!(stage.ask(alice, message(&channel, "hello")), Ok(Reply::MessageIndex(_))));
        stage.settle();
        assert_eq!(stored(&mut stage, &channel), ["hello"], "{code}");
        works(&mut stage, alice, &channel, "alive");
    }
    for silent in [true, false] {
        let (mut stage, alice, channel) = in_channel();
        admin(&mut stage, "dropSession", &json!({ "identity": "alice", "silent": silent }));
        assert!(matches!(stage.ask(alice, message(&channel, "hello")), Ok(Reply::MessageIndex(_))));
        stage.settle();
        assert_eq!(stored(&mut stage, &channel), ["hello"]);
        stage.take_all_events();
        works(&mut stage, alice, &channel, "alive");
    }
}

/// The list vanishes at any moment of a command: it is done once, or its fate is honestly not known.
#[test]
fn a_session_that_vanishes_under_a_command_doubles_nothing() {
    for ms in 0..40 {
        for cut in [false, true] {
            let (mut stage, alice, channel) = in_channel();
            let call = stage.start(alice, message(&channel, "hello")).unwrap();
            stage.advance(Duration::from_millis(ms));
            admin(&mut stage, "dropSession", &json!({ "identity": "alice", "silent": cut }));
            if cut {
                stage.cut(alice);
            }
            let answer = stage.answer(alice, call).unwrap_or_else(|| panic!("{ms} {cut}: stuck"));
            stage.advance(Duration::from_mins(2));
            let stored = stored(&mut stage, &channel);
            match answer {
                Ok(_) => assert_eq!(stored, ["hello"], "{ms} {cut}"),
                Err(CallError::Unknown(_)) => assert!(stored.len() <= 1, "{ms} {cut}"),
                Err(error) => panic!("{ms} {cut}: {error:?}"),
            }
            assert_eq!(added(&stage.take_events(alice)), stored, "{ms} {cut}");
            works(&mut stage, alice, &channel, "alive");
        }
    }
}

/// The service keeps refusing the session: the call ends, and the client does not knock ever faster.
#[test]
fn a_session_that_stays_away_ends_the_call_not_the_client() {
    let (mut stage, alice, channel) = in_channel();
    fault(&mut stage, &on_push(-1, &json!({ "status": 403, "code": 54_007 })));
    let before = stage.client(alice).stats().requests;
    let answer = stage.ask(alice, message(&channel, "hello"));
    assert!(answer.is_err(), "{answer:?}");
    stage.advance(Duration::from_mins(10));
    let requests = stage.client(alice).stats().requests - before;
    assert!(requests < 100, "{requests} requests in ten minutes");
    admin(&mut stage, "faults/clear", &json!({}));
    stage.advance(Duration::from_mins(3));
    stage.take_all_events();
    works(&mut stage, alice, &channel, "alive");
    assert_eq!(stored(&mut stage, &channel), ["alive"]);
}

/// Refusals by the session command itself are told as they are, and cost nothing.
#[test]
fn a_refused_command_is_told_as_it_is() {
    let (mut stage, alice, channel) = in_channel();
    let rule = json!({ "on": "command", "match": { "action": "sendMessage" }, "status": 403, "statusText": "not you" });
    fault(&mut stage, &rule);
    let answer = stage.ask(alice, message(&channel, "hello"));
    assert_eq!(answer, Err(CallError::Session { code: 403, message: "not you".into() }));
    works(&mut stage, alice, &channel, "alive");
}

/// Up to the very bound. The simulated worlds stay a few seconds below it, because there a request and its command may
/// both be late.
#[test]
fn what_is_executed_up_to_the_bound_stands_once() {
    let lost_and_executed_after = |ms: u64| {
        let (mut stage, alice, channel) = in_channel();
        fault(
            &mut stage,
            &json!({ "on": "http", "match": { "action": "sendMessage" }, "delayMs": ms, "process": false }),
        );
        let call = stage.start_by(alice, message(&channel, "hello"), CallDeadline::Never).unwrap();
        stage.advance(Duration::from_millis(5));
        // Nobody knows from now on what becomes of it.
        stage.cut(alice);
        stage.advance(Duration::from_mins(3));
        let answer = stage.answer(alice, call);
        assert!(matches!(answer, Some(Ok(_))), "{ms}: {answer:?}");
        let stored = stored(&mut stage, &channel);
        assert_eq!(added(&stage.take_events(alice)), stored, "{ms}");
        stored
    };
    for ms in (20_000..30_000).step_by(200).chain(29_900..=30_000) {
        assert_eq!(lost_and_executed_after(ms), ["hello"], "{ms}");
    }
    assert_eq!(lost_and_executed_after(40_000), ["hello", "hello"], "beyond the bound it was pushed again");
}

/// An answer that takes longer than `late_execution` is the one case in which a message may double: it is documented.
#[test]
fn what_is_executed_too_late_doubles_as_documented() {
    let mut config = Config::default();
    config.late_execution = Duration::from_secs(2);
    let (mut stage, alice, channel) = in_channel_with(service(), config);
    let late = json!({ "on": "http", "match": { "action": "sendMessage" }, "delayMs": 60_000 });
    fault(&mut stage, &late);
    let call = stage.start_by(alice, message(&channel, "hello"), CallDeadline::Never).unwrap();
    assert!(matches!(stage.answer(alice, call), Some(Ok(_))));
    stage.advance(Duration::from_mins(3));
    let stored = stored(&mut stage, &channel);
    assert_eq!(stored, ["hello", "hello"], "pushed again after 2 s, executed late as well");
    assert_eq!(added(&stage.take_events(alice)), stored);
    // It is no accident: a bound above the delay has the message once.
    let (mut stage, alice, channel) = in_channel_with(service(), Config::default());
    let late = json!({ "on": "http", "match": { "action": "sendMessage" }, "delayMs": 29_000 });
    fault(&mut stage, &late);
    let call = stage.start_by(alice, message(&channel, "hello"), CallDeadline::Never).unwrap();
    assert!(matches!(stage.answer(alice, call), Some(Ok(_))));
    stage.advance(Duration::from_mins(3));
    assert_eq!(self::stored(&mut stage, &channel), ["hello"]);
}

/// What cannot be read is asked for less and less often, and told as often; once it is there, all goes on.
#[test]
fn what_stays_away_is_read_ever_more_seldom() {
    let (mut stage, alice, channel) = in_channel();
    let bob = stage.enter("bob");
    stage.settle();
    let list = json!({ "method": "GET", "path": "/Lists/[^/]+\\.messages$" });
    fault(&mut stage, &json!({ "on": "http", "match": list, "status": 500, "count": -1 }));
    let _ = stage.ask(bob, Call::GetChannelBySid(channel.clone()));
    let _ = stage.start(bob, Call::Join(channel.clone())).unwrap();
    let mut told = Vec::new();
    for _ in 0..3600 {
        let now = stage.now();
        if faults(&stage.take_events(bob)).iter().any(|fault| matches!(fault, Fault::NotLoaded { .. })) {
            told.push(now);
        }
        stage.advance(Duration::from_secs(1));
    }
    let waits: Vec<u64> = told.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    for (wait, least) in waits.iter().zip([10, 20, 40, 80, 160, 320, 320, 320]) {
        assert!((least - 1..=least + least / 2 + 2).contains(wait), "{waits:?}");
    }
    assert!(waits.len() >= 8, "{waits:?}");
    stage.admin("faults/clear", &json!({})).unwrap();
    stage.advance(Duration::from_mins(9));
    works(&mut stage, bob, &channel, "hello");
    assert_eq!(held(&stage, alice, &channel), held(&stage, bob, &channel));
}
