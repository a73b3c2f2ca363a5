//! Access tokens: refused, expired and about to expire, in every state of the connection.

use std::time::Duration;

use chat_proto::{
    CallDeadline, CallError, ChannelSid, Config, ConnectionState, Event, Phase, Reply, TokenWanted,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::json;

use crate::people::*;

const HOUR: Duration = Duration::from_hours(1);

fn wanted(events: &[Event]) -> Vec<TokenWanted> {
    let wanted = |event: &Event| match event {
        Event::TokenWanted { reason } => Some(*reason),
        _ => None,
    };
    events.iter().filter_map(wanted).collect()
}

/// A token given at the moment of expiry is used, whatever the connection does just then; the spent one is never taken
/// for a success.
#[test]
fn sdk_defect_07_a_token_given_when_the_old_one_expires_is_used() {
    for close_socket in [true, false] {
        let (mut stage, alice, channel) = in_channel();
        let spent = stage.token("alice", HOUR);
        assert_eq!(stage.ask(alice, update(&spent)), Ok(Reply::Done));
        stage.take_all_events();
        if close_socket {
            admin(&mut stage, "expireToken", &json!({}));
        } else {
            // The service says so and leaves the socket to us.
            let close = json!({ "code": 410, "errorCode": 51_207, "closeSocket": false });
            admin(&mut stage, "expireToken", &json!({ "close": false }));
            admin(&mut stage, "close", &close);
        }
        let mut events = Vec::new();
        wait(&mut stage, Duration::from_secs(1), |stage| {
            events.extend(stage.take_events(alice));
            wanted(&events) == [TokenWanted::Expired]
        });
        assert_eq!(count(&events, |event| *event == Event::TokenExpired), 1);
        // At once, as an app does that listens to the event: first the spent one again, then another.
        let again = stage.ask(alice, update(&spent));
        assert!(is_refused_token(&again), "{again:?}");
        let fresh = stage.token("alice", HOUR);
        let began = stage.now();
        assert_eq!(stage.ask(alice, update(&fresh)), Ok(Reply::Done));
        assert!(stage.now().since(began) < Duration::from_secs(4), "no waits but that for the socket");
        stage.settle();
        assert_eq!(stage.state(alice).connection(), ConnectionState::Connected);
        works(&mut stage, alice, &channel, "alive");
    }
}

/// The same, but the app takes its time: nothing happens until then.
#[test]
fn sdk_defect_07_an_expired_client_waits_for_its_token() {
    let (mut stage, alice, channel) = in_channel();
    let opens = stage.opens(alice).len();
    admin(&mut stage, "expireToken", &json!({}));
    stage.advance(Duration::from_mins(20));
    assert_eq!(stage.state(alice).connection(), ConnectionState::Disconnected);
    assert_eq!(stage.opens(alice).len(), opens);
    assert_eq!(wanted(&stage.take_events(alice)), [TokenWanted::Expired]);
    let fresh = stage.token("alice", HOUR);
    assert_eq!(stage.ask(alice, update(&fresh)), Ok(Reply::Done));
    works(&mut stage, alice, &channel, "alive");
}

/// A throttled update fails, says why, and the connection is made anew after the wait that the service asked for.
#[test]
fn sdk_defect_10_a_throttled_update_is_told_and_survived() {
    let (mut stage, alice, channel) = in_channel();
    let body = json!({ "backoff_policy": { "reconnect_min_ms": 3000 } });
    let rule = json!({ "on": "twilsock", "match": { "method": "update" }, "status": 429, "body": body });
    fault(&mut stage, &rule);
    let token = stage.token("alice", HOUR);
    let answer = stage.ask(alice, update(&token));
    assert!(matches!(answer, Err(CallError::Transport { status: 429, .. })), "{answer:?}");
    let lost = stage.now();
    stage.advance(Duration::from_secs(5));
    let opens = stage.opens(alice).to_vec();
    assert_eq!(opens.len(), 2);
    about(lost, opens[1], 3000, 30);
    works(&mut stage, alice, &channel, "alive");
}

/// How a story brings the connection into a state.
struct Situation {
    name: &'static str,
    arrange: fn(&mut Stage, Who),
}

/// Every state that the connection can be in when a token comes (spec 01 §3.4).
const SITUATIONS: [Situation; 10] = [
    Situation {
        name: "opening a socket",
        arrange: |stage, alice| {
            stage.cut(alice);
            let opens = stage.opens(alice).len();
            wait(stage, Duration::from_secs(2), |stage| stage.opens(alice).len() > opens);
        },
    },
    Situation {
        name: "initialising",
        arrange: |stage, alice| {
            let slow =
                json!({ "on": "twilsock", "match": { "method": "init" }, "noReply": true, "delayMs": 2000 });
            fault(stage, &slow);
            stage.cut(alice);
            let opens = stage.opens(alice).len();
            wait(stage, Duration::from_secs(2), |stage| stage.opens(alice).len() > opens);
            stage.advance(Duration::from_millis(50));
        },
    },
    Situation { name: "connected", arrange: |_, _| {} },
    Situation {
        name: "updating",
        arrange: |stage, alice| {
            let slow = json!({ "on": "twilsock", "match": { "method": "update" }, "delayMs": 2000 });
            fault(stage, &slow);
            let token = stage.token("alice", Duration::from_mins(59));
            stage.start(alice, update(&token)).unwrap();
            stage.advance(Duration::from_millis(50));
        },
    },
    Situation {
        name: "retrying",
        arrange: |stage, alice| {
            stage.reachable(false);
            stage.cut(alice);
            stage.advance(Duration::from_secs(5));
            stage.reachable(true);
        },
    },
    Situation {
        name: "closing after an expiry",
        arrange: |stage, _| {
            admin(stage, "expireToken", &json!({ "close": false }));
            admin(stage, "close", &json!({ "code": 410, "closeSocketAfterMs": 2000 }));
            stage.advance(Duration::from_millis(50));
        },
    },
    Situation {
        name: "closing after an offload",
        arrange: |stage, _| {
            admin(stage, "close", &json!({ "code": 308, "closeSocketAfterMs": 2000 }));
            stage.advance(Duration::from_millis(50));
        },
    },
    Situation {
        name: "disconnected",
        arrange: |stage, _| {
            admin(stage, "expireToken", &json!({}));
            stage.advance(Duration::from_secs(10));
        },
    },
    Situation {
        name: "denied",
        arrange: |stage, alice| {
            let rule = json!({ "on": "twilsock", "match": { "method": "init" }, "status": 401, "errorCode": 20_101 });
            fault(stage, &rule);
            stage.cut(alice);
            wait_for(stage, alice, ConnectionState::Denied, Duration::from_secs(5));
        },
    },
    Situation {
        name: "unsupported",
        arrange: |stage, _| {
            admin(stage, "close", &json!({ "code": 417, "errorCode": 1 }));
            stage.advance(Duration::from_secs(5));
        },
    },
];

fn in_situation(situation: &Situation) -> (Stage, Who, ChannelSid) {
    let (mut stage, alice, channel) = in_channel();
    (situation.arrange)(&mut stage, alice);
    stage.take_all_events();
    (stage, alice, channel)
}

/// In every state a good token leads to `Connected`, and the call is answered.
#[test]
fn a_good_token_connects_from_every_state() {
    for situation in &SITUATIONS {
        let (mut stage, alice, channel) = in_situation(situation);
        let token = stage.token("alice", HOUR);
        let answer = stage.ask(alice, update(&token));
        assert_eq!(answer, Ok(Reply::Done), "{}", situation.name);
        stage.settle();
        stage.take_all_events();
        works(&mut stage, alice, &channel, situation.name);
    }
}

/// In every state a bad token is refused by name, asked for once, and tried once; a good one heals.
#[test]
fn a_bad_token_is_tried_once_in_every_state() {
    for situation in &SITUATIONS {
        let (mut stage, alice, channel) = in_situation(situation);
        let bad = stage.token("alice", Duration::from_mins(30));
        admin(&mut stage, "revoke", &json!({ "token": bad }));
        let answer = stage.ask(alice, update(&bad));
        assert!(is_refused_token(&answer), "{}: {answer:?}", situation.name);
        stage.advance(Duration::from_secs(10));
        let opens = stage.opens(alice).len();
        stage.advance(Duration::from_mins(30));
        assert_eq!(stage.opens(alice).len(), opens, "{}", situation.name);
        assert_eq!(stage.state(alice).connection(), ConnectionState::Denied, "{}", situation.name);
        assert_eq!(wanted(&stage.take_events(alice)).len(), 1, "{}", situation.name);
        let good = stage.token("alice", HOUR);
        assert_eq!(stage.ask(alice, update(&good)), Ok(Reply::Done), "{}", situation.name);
        works(&mut stage, alice, &channel, situation.name);
    }
}

/// Two tokens in a row in every state: both calls are answered, and the newer is the one in use.
#[test]
fn the_newest_of_two_tokens_counts_in_every_state() {
    for situation in &SITUATIONS {
        let (mut stage, alice, channel) = in_situation(situation);
        let older = stage.token("alice", Duration::from_mins(30));
        let newer = stage.token("alice", HOUR);
        // The older one turns out bad.
        admin(&mut stage, "revoke", &json!({ "token": older }));
        let first = stage.start(alice, update(&older)).unwrap();
        let second = stage.start(alice, update(&newer)).unwrap();
        assert_eq!(stage.answer(alice, second), Some(Ok(Reply::Done)), "{}", situation.name);
        assert!(stage.answer(alice, first).is_some(), "{}", situation.name);
        stage.settle();
        stage.take_all_events();
        works(&mut stage, alice, &channel, situation.name);
    }
}

/// An update that races a lost socket at every moment ends well.
#[test]
fn an_update_that_races_a_reconnect_ends_well() {
    for ms in (0..60).step_by(3).chain([300, 700, 900, 1000, 1100, 1300]) {
        let (mut stage, alice, channel) = in_channel();
        let token = stage.token("alice", HOUR);
        let before = ms % 2 == 0;
        let call = before.then(|| stage.start(alice, update(&token)).unwrap());
        stage.advance(Duration::from_millis(ms / 2));
        stage.cut(alice);
        stage.advance(Duration::from_millis(ms));
        let call = call.unwrap_or_else(|| stage.start(alice, update(&token)).unwrap());
        assert_eq!(stage.answer(alice, call), Some(Ok(Reply::Done)), "{ms} ms");
        stage.settle();
        stage.take_all_events();
        works(&mut stage, alice, &channel, "alive");
        assert_eq!(stage.opens(alice).len(), 2, "{ms} ms");
    }
}

/// The end of a token of any life is foreseen, once, in time to do something about it (ECOSYSTEM thread 9).
#[test]
fn tokens_of_any_life_are_warned_of_in_time() {
    for life in [4, 10, 60, 239, 600, 3600, 24 * 3600] {
        let service = ServiceConfig { token_timers: false, ..service() };
        let mut stage = Stage::new(service);
        let token = stage.token("alice", Duration::from_secs(life));
        let began = stage.now();
        let alice = stage.enter_as(&token, Config::default());
        let mut events = Vec::new();
        wait(&mut stage, Duration::from_secs(life), |stage| {
            stage.advance(Duration::from_millis(200));
            events.extend(stage.take_events(alice));
            !wanted(&events).is_empty()
        });
        assert_eq!(wanted(&events), [TokenWanted::Expiring]);
        let left = Duration::from_secs(life).saturating_sub(stage.now().since(began));
        let least = Duration::from_secs(life).min(Duration::from_mins(4)) / 4;
        assert!(left + Duration::from_millis(300) >= least, "{life} s: {left:?} left");
        assert!(left <= Duration::from_mins(1), "{life} s: {left:?} left");
        // A token that comes in time costs nothing.
        let fresh = stage.token("alice", HOUR);
        assert_eq!(stage.ask(alice, update(&fresh)), Ok(Reply::Done), "{life} s");
        assert_eq!(stage.opens(alice).len(), 1);
    }
}

/// What the service says of the end of a token and what the client foresees is asked for once.
#[test]
fn a_warning_is_asked_once() {
    let (mut stage, alice, _) = in_channel();
    for _ in 0..5 {
        admin(&mut stage, "tokenAboutToExpire", &json!({}));
        stage.settle();
    }
    let events = stage.take_events(alice);
    assert_eq!(wanted(&events), [TokenWanted::Expiring]);
    assert_eq!(count(&events, |event| *event == Event::TokenAboutToExpire), 5);
    assert_eq!(stage.state(alice).connection(), ConnectionState::Connected);
}

/// An update that is never answered is no end: the connection is made anew with the new token. The call waits for that,
/// unless the app gave it less time; then its fate is not known.
#[test]
fn an_update_without_an_answer_reconnects() {
    for (deadline, expected) in [
        (CallDeadline::Never, Ok(Reply::Done)),
        (CallDeadline::default(), Ok(Reply::Done)),
        (CallDeadline::After(Duration::from_secs(30)), Err(CallError::Unknown(Phase::Sent))),
    ] {
        let (mut stage, alice, channel) = in_channel();
        fault(&mut stage, &json!({ "on": "twilsock", "match": { "method": "update" }, "noReply": true }));
        let token = stage.token("alice", HOUR);
        let began = stage.now();
        let call = stage.start_by(alice, update(&token), deadline).unwrap();
        assert_eq!(stage.answer(alice, call), Some(expected));
        let waited = stage.now().since(began);
        assert!((30..34).contains(&waited.as_secs()), "{waited:?}");
        stage.advance(Duration::from_secs(3));
        stage.take_all_events();
        works(&mut stage, alice, &channel, "alive");
        // The service took it as the token to go by.
        admin(&mut stage, "revoke", &json!({ "token": token }));
        stage.cut(alice);
        stage.advance(Duration::from_secs(3));
        assert_eq!(stage.state(alice).connection(), ConnectionState::Denied);
    }
}
