//! The start of a client, and servers that make it hard.

use std::time::Duration;

use chat_proto::{
    Call, CallDeadline, CallError, Config, ConnectionState, Event, Fault, Phase, Reply, TokenWanted,
};
use chat_testkit::service::{ContextEnrich, ServiceConfig};
use chat_testkit::stage::Stage;
use serde_json::json;

use crate::people::*;

/// The client is ready whenever and however the session context comes.
#[test]
fn sdk_defect_01_the_context_may_come_at_any_time() {
    let times = [0, 1, 5, 10, 15, 20, 40, 400, 5000].map(ContextEnrich::After);
    for enrich in [ContextEnrich::Immediate, ContextEnrich::OnSubscribe].into_iter().chain(times) {
        let mut stage = Stage::new(ServiceConfig { context_enrich: enrich, ..service() });
        let alice = stage.enter("alice");
        stage.advance(Duration::from_secs(12));
        assert!(stage.state(alice).is_ready(), "{enrich:?}");
        let events = stage.take_events(alice);
        assert_eq!(count(&events, |event| *event == Event::Ready), 1, "{enrich:?}");
    }
}

/// One connection is announced once, and nothing is subscribed twice.
#[test]
fn sdk_defect_02_a_start_does_not_flap() {
    let (mut stage, alice) = alone();
    assert_eq!(states(&stage.take_events(alice)), [ConnectionState::Connected]);
    let connections = admin(&mut stage, "connections", &json!({}));
    let contexts = connections[0]["contexts"].as_array().unwrap();
    assert_eq!(contexts.len(), 1);
    assert_eq!(contexts[0]["types"].as_array().unwrap().len(), 5);
    let pokes = stage.client(alice).stats().pokes;
    stage.advance(Duration::from_mins(5));
    assert_eq!(stage.client(alice).stats().pokes, pokes);
    assert_eq!(states(&stage.take_events(alice)), []);
}

/// What the service says of keeping answers is what counts.
#[test]
fn sdk_defect_03_the_cache_interval_of_the_service_counts() {
    for (said, seconds) in [("PT1S", 1), ("PT5S", 5), ("PT20S", 20)] {
        let service = ServiceConfig { http_cache_interval: said.into(), ..service() };
        let (mut stage, alice, channel) = in_channel_with(service, Config::default());
        let ask = Call::GetMessagesCount(channel.clone());
        assert_eq!(stage.ask(alice, ask.clone()), Ok(Reply::Count(0)));
        post(&mut stage, &channel, "one");
        stage.advance(Duration::from_millis(seconds * 1000 - 300));
        assert_eq!(stage.ask(alice, ask.clone()), Ok(Reply::Count(0)), "{said}: kept");
        stage.advance(Duration::from_millis(500));
        assert_eq!(stage.ask(alice, ask), Ok(Reply::Count(1)), "{said}: read again");
    }
}

/// A server that cannot be reached is told of at each attempt; what has a deadline is answered; and it goes on.
#[test]
fn sdk_defect_04_an_unreachable_server_is_no_end() {
    let mut stage = Stage::new(service());
    stage.reachable(false);
    let alice = stage.enter("alice");
    let call = stage.start_by(
        alice,
        Call::GetSubscribedChannels(chat_proto::GetSubscribedChannels::default()),
        CallDeadline::After(Duration::from_secs(10)),
    );
    let answer = stage.answer(alice, call.unwrap());
    assert_eq!(answer, Some(Err(CallError::DeadlineExceeded(Phase::Offline))));
    stage.advance(Duration::from_mins(1));
    let troubles = errors(&stage.take_events(alice));
    assert_eq!(troubles.len(), stage.opens(alice).len());
    assert!(troubles.len() >= 4 && troubles.iter().all(|error| !error.terminal), "{troubles:?}");
    assert_eq!(stage.state(alice).connection(), ConnectionState::Connecting);
    stage.reachable(true);
    stage.advance(Duration::from_secs(80));
    assert!(stage.state(alice).is_ready());
}

/// A client whose first token is refused is whole: another token makes it work.
#[test]
fn sdk_defect_05_a_refused_first_token_kills_nothing() {
    for (code, error_code) in [(403, 20_403), (401, 20_101), (401, 20_104), (403, 51_232)] {
        let mut stage = Stage::new(service());
        let bad = stage.token("alice", Duration::from_hours(1));
        let revoked = json!({ "token": bad, "code": code, "errorCode": error_code });
        admin(&mut stage, "revoke", &revoked);
        let alice = stage.enter_as(&bad, Config::default());
        stage.advance(Duration::from_secs(30));
        assert_eq!(stage.state(alice).connection(), ConnectionState::Denied);
        assert_eq!(stage.opens(alice).len(), 1, "no attempts with a refused token");
        let events = stage.take_events(alice);
        let errors = errors(&events);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].terminal);
        assert_eq!((errors[0].http_status, errors[0].error_code), (Some(code), Some(error_code)));
        let expired = error_code == 20_104;
        let reason = if expired { TokenWanted::Expired } else { TokenWanted::Rejected };
        assert_eq!(count(&events, |event| *event == Event::TokenWanted { reason }), 1);
        assert_eq!(count(&events, |event| *event == Event::TokenExpired), usize::from(expired));

        let good = stage.token("alice", Duration::from_hours(1));
        assert_eq!(stage.ask(alice, update(&good)), Ok(Reply::Done));
        stage.settle();
        assert!(stage.state(alice).is_ready());
        let channel = create(&mut stage, alice, "room");
        join(&mut stage, alice, &channel);
        works(&mut stage, alice, &channel, "alive");
    }
}

/// Any number of passing refusals at the start is survived, with growing waits.
#[test]
fn sdk_defect_06_refusals_in_a_row_are_survived() {
    for status in [429, 500, 502, 503] {
        let mut stage = Stage::new(service());
        let rule = json!({ "on": "twilsock", "match": { "method": "init" }, "count": 4, "status": status });
        fault(&mut stage, &rule);
        let alice = stage.enter("alice");
        stage.advance(Duration::from_secs(30));
        assert!(stage.state(alice).is_ready(), "{status}");
        let opens = stage.opens(alice).to_vec();
        assert_eq!(opens.len(), 5);
        for (pair, wait) in opens.windows(2).zip([1000, 2000, 4000, 8000]) {
            about(pair[0], pair[1], wait, 30);
        }
        let errors = errors(&stage.take_events(alice));
        assert!(errors.iter().all(|error| !error.terminal));
        assert_eq!(errors.iter().filter(|error| error.http_status == Some(status)).count(), 4);
    }
}

/// A throttled `init` waits as long as the service says (spec 01 §2.6).
#[test]
fn throttling_at_the_start_imposes_its_wait() {
    let mut stage = Stage::new(service());
    let body = json!({ "backoff_policy": { "reconnect_min_ms": 7000 } });
    let rule =
        json!({ "on": "twilsock", "match": { "method": "init" }, "count": 2, "status": 429, "body": body });
    fault(&mut stage, &rule);
    let alice = stage.enter("alice");
    stage.advance(Duration::from_secs(40));
    assert!(stage.state(alice).is_ready());
    let opens = stage.opens(alice).to_vec();
    assert_eq!(opens.len(), 3);
    about(opens[0], opens[1], 7000, 30);
    about(opens[1], opens[2], 14_000, 30);
}

/// The list that the session commands go to cannot be created for a while (spec 03 §3.2).
#[test]
fn a_session_that_cannot_be_created_is_created_later() {
    let mut stage = Stage::new(service());
    let rule =
        json!({ "on": "http", "match": { "method": "POST", "path": "/Lists$" }, "count": 3, "status": 503 });
    fault(&mut stage, &rule);
    let alice = stage.enter("alice");
    stage.advance(Duration::from_mins(2));
    assert!(stage.state(alice).is_ready());
    assert_eq!(stage.opens(alice).len(), 1);
}

/// It is tried for ever, but the app hears of it: once, when the reference client would have given up.
#[test]
fn a_session_that_still_cannot_be_created_is_told() {
    let mut stage = Stage::new(service());
    let rule = json!({ "on": "http", "match": { "method": "POST", "path": "/Lists$" }, "count": 8, "status": 503, "code": 7 });
    fault(&mut stage, &rule);
    let alice = stage.enter("alice");
    stage.advance(Duration::from_secs(20));
    assert_eq!(faults(&stage.take_events(alice)), [], "three failures are no news");
    stage.advance(Duration::from_mins(8));
    let events = stage.take_events(alice);
    let error = CallError::Sync { status: 503, code: 7, message: "SERVICE UNAVAILABLE".into() };
    assert_eq!(faults(&events), [Fault::NotLoaded { what: "session".into(), error: error.into() }]);
    assert!(stage.state(alice).is_ready());
}
