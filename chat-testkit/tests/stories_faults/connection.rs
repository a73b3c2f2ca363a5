//! The connection: lost, closed, throttled, half open, asleep; and what becomes of what was under way.

use std::time::Duration;

use chat_proto::{
    CallDeadline, CallError, Config, ConnectionState, Event, Network, Phase, Reply, TokenWanted,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::Stage;
use serde_json::json;

use crate::people::*;

/// After a close frame the client goes on as soon as the socket is closed, and the wait is the one that was asked for.
#[test]
fn sdk_defect_08_an_offload_takes_no_longer_than_it_must() {
    let cases = [
        (308, None, 1000),
        (308, Some(2000), 2000),
        (308, Some(100), 100),
        (500, None, 1000),
        (503, None, 1000),
        (999, None, 1000),
    ];
    for (code, backoff, wanted) in cases {
        let (mut stage, alice, channel) = in_channel();
        let mut close = json!({ "code": code });
        if let Some(ms) = backoff {
            close["backoffMs"] = json!(ms);
        }
        let closed = stage.now();
        admin(&mut stage, "close", &close);
        stage.advance(Duration::from_secs(5));
        let opens = stage.opens(alice).to_vec();
        assert_eq!(opens.len(), 2, "{code} {backoff:?}");
        // 5 ms each way, and the service closes the socket within 50.
        about(closed, opens[1], wanted, 70);
        let states = states(&stage.take_events(alice));
        use ConnectionState::{Connected, Connecting, Disconnecting};
        assert_eq!(states, [Disconnecting, Connecting, Connected], "{code}");
        works(&mut stage, alice, &channel, "alive");
    }
}

/// A service that says close and then leaves the socket open is waited for, 3 s and no longer (spec 01 §3.6).
#[test]
fn sdk_defect_08_a_socket_that_stays_open_is_given_up() {
    let (mut stage, alice, channel) = in_channel();
    let closed = stage.now();
    admin(&mut stage, "close", &json!({ "code": 308, "closeSocket": false }));
    stage.advance(Duration::from_secs(6));
    let opens = stage.opens(alice).to_vec();
    assert_eq!(opens.len(), 2);
    assert!(opens[1].since(closed) < Duration::from_millis(3000 + 1200 + 30));
    works(&mut stage, alice, &channel, "alive");
}

/// The close codes of spec 01 §2.9: what is told, and how it ends.
#[test]
fn close_codes_end_as_the_protocol_says() {
    // Code, error code, final state, terminal error, why a token is wanted.
    let cases = [
        (401, 20_101, ConnectionState::Disconnected, Some(true), Some(TokenWanted::Rejected)),
        (401, 20_104, ConnectionState::Disconnected, Some(true), Some(TokenWanted::Expired)),
        (410, 51_207, ConnectionState::Disconnected, None, Some(TokenWanted::Expired)),
        (308, 51_232, ConnectionState::Denied, Some(true), Some(TokenWanted::Rejected)),
        (406, 0, ConnectionState::Disconnected, Some(true), None),
        (417, 0, ConnectionState::Disconnected, Some(true), None),
    ];
    for (code, error_code, state, terminal, wanted) in cases {
        let (mut stage, alice, channel) = in_channel();
        admin(&mut stage, "close", &json!({ "code": code, "errorCode": error_code }));
        stage.advance(Duration::from_mins(10));
        assert_eq!(stage.opens(alice).len(), 1, "{code}/{error_code}: no attempts of its own");
        assert_eq!(stage.state(alice).connection(), state, "{code}/{error_code}");
        let events = stage.take_events(alice);
        let errors = errors(&events);
        assert_eq!(errors.first().map(|error| error.terminal), terminal, "{code}/{error_code}: {errors:?}");
        let asked = events.iter().find_map(|event| match event {
            Event::TokenWanted { reason } => Some(*reason),
            _ => None,
        });
        assert_eq!(asked, wanted, "{code}/{error_code}");
        let token = stage.token("alice", Duration::from_hours(1));
        assert_eq!(stage.ask(alice, update(&token)), Ok(Reply::Done), "{code}/{error_code}");
        works(&mut stage, alice, &channel, "alive");
    }
}

/// Where the service says that it cannot talk with us, shutting down still ends.
#[test]
fn sdk_defect_09_shutting_down_ends_after_any_close() {
    for code in [308, 401, 406, 410, 417, 503] {
        for late in [0, 20, 500, 5000] {
            let (mut stage, alice, _) = in_channel();
            admin(&mut stage, "close", &json!({ "code": code, "errorCode": 1 }));
            stage.advance(Duration::from_millis(late));
            let began = stage.now();
            assert_eq!(stage.ask(alice, shutdown()), Ok(Reply::Done), "{code} {late}");
            assert!(stage.now().since(began) <= Duration::from_millis(3100), "{code} {late}");
            assert_eq!(stage.state(alice).connection(), ConnectionState::Disconnected);
            stage.advance(Duration::from_mins(10));
            assert_eq!(stage.client(alice).deadline(), None, "{code} {late}: nothing is left to wait for");
        }
    }
}

/// What is asked for while the socket is lost waits, goes out in order, and is answered; the waits grow as they should.
#[test]
fn sdk_defect_11_calls_wait_for_a_lost_socket_in_order() {
    let (mut stage, alice, channel) = in_channel();
    stage.reachable(false);
    let lost = stage.now();
    stage.cut(alice);
    let texts = ["one", "two", "three"];
    let calls = texts.map(|text| stage.start(alice, message(&channel, text)).unwrap());
    let page = stage.start(alice, newest(&channel)).unwrap();
    stage.advance(Duration::from_secs(20));
    stage.reachable(true);
    for call in calls {
        let answer = stage.answer(alice, call);
        assert!(matches!(answer, Some(Ok(Reply::MessageIndex(Some(_))))), "{answer:?}");
    }
    assert!(matches!(stage.answer(alice, page), Some(Ok(Reply::MessagePage(_)))));
    stage.settle();
    assert_eq!(stored(&mut stage, &channel), texts);
    assert_eq!(added(&stage.take_events(alice)), texts);
    let opens = stage.opens(alice).to_vec();
    about(lost, opens[1], 1000, 0);
    for (pair, wait) in opens[1..].windows(2).zip([2000, 4000, 8000, 16_000]) {
        about(pair[0], pair[1], wait, 10);
    }
}

/// A request that was under way when the socket died is answered in the end, and done once.
#[test]
fn sdk_defect_12_what_was_under_way_is_answered_when_the_socket_dies() {
    for ms in 0..30 {
        let (mut stage, alice, channel) = in_channel();
        let send = stage.start(alice, message(&channel, "hello")).unwrap();
        let page = stage.start(alice, newest(&channel)).unwrap();
        stage.advance(Duration::from_millis(ms));
        stage.cut(alice);
        let answer = stage.answer(alice, send);
        assert!(matches!(answer, Some(Ok(Reply::MessageIndex(_)))), "{ms} ms: {answer:?}");
        let read = stage.answer(alice, page);
        assert!(matches!(read, Some(Ok(Reply::MessagePage(_)))), "{ms} ms: {read:?}");
        stage.settle();
        assert_eq!(stored(&mut stage, &channel), ["hello"], "{ms} ms");
        assert_eq!(added(&stage.take_events(alice)), ["hello"], "{ms} ms");
    }
}

/// A half-open socket: nobody says that it is dead. Silence tells, after 45 s (spec 01 §8 #12).
#[test]
fn a_half_open_socket_is_noticed() {
    let service = service();
    let (mut stage, alice, channel) = in_channel_with(service, Config::default());
    stage.advance(Duration::from_mins(30));
    assert_eq!(stage.opens(alice).len(), 1, "a service that pings is not silent");
    stage.freeze(alice, true);
    let frozen = stage.now();
    let patient = stage.start_by(alice, message(&channel, "hello"), CallDeadline::Never).unwrap();
    let hasty = stage.start(alice, newest(&channel)).unwrap();
    post(&mut stage, &channel, "meanwhile");
    assert_eq!(stage.answer(alice, hasty), Some(Err(CallError::DeadlineExceeded(Phase::Sent))));
    wait_for(&mut stage, alice, ConnectionState::Connecting, Duration::from_secs(50));
    assert!(stage.now().since(frozen) > Duration::from_secs(20));
    stage.freeze(alice, false);
    assert!(matches!(stage.answer(alice, patient), Some(Ok(Reply::MessageIndex(_)))));
    stage.settle();
    assert_eq!(stored(&mut stage, &channel), ["meanwhile", "hello"]);
    assert_eq!(added(&stage.take_events(alice)), ["meanwhile", "hello"]);
}

/// A network in which sockets neither open nor fail: each attempt ends by itself (spec 01 §8 #26).
#[test]
fn a_network_that_swallows_everything_is_survived() {
    let (mut stage, alice, channel) = in_channel();
    stage.freeze(alice, true);
    stage.network(alice, Network::Changed);
    stage.advance(Duration::from_mins(5));
    let opens = stage.opens(alice).to_vec();
    about(opens[1], opens[2], 1000, 60_000);
    assert!(opens[2].since(opens[1]) >= Duration::from_mins(1));
    stage.freeze(alice, false);
    stage.network(alice, Network::Online);
    stage.advance(Duration::from_mins(3));
    works(&mut stage, alice, &channel, "alive");
}

/// What the host knows of its network makes it quick: no 45 s, no backoff.
#[test]
fn the_host_may_say_that_the_network_changed() {
    let (mut stage, alice, channel) = in_channel();
    stage.freeze(alice, true);
    stage.advance(Duration::from_secs(1));
    stage.freeze(alice, false);
    let now = stage.now();
    stage.network(alice, Network::Changed);
    assert_eq!(stage.opens(alice).last(), Some(&now));
    stage.settle();
    assert_eq!(stage.state(alice).connection(), ConnectionState::Connected);

    stage.network(alice, Network::Offline);
    stage.advance(Duration::from_millis(100));
    let now = stage.now();
    stage.network(alice, Network::Online);
    assert_eq!(stage.opens(alice).last(), Some(&now));
    stage.settle();
    stage.take_all_events();
    works(&mut stage, alice, &channel, "alive");
}

/// Waits double up to 120 s, ± 20 %, for as long as it takes; different clients do not knock at the same moments.
#[test]
fn waits_grow_to_their_limit_and_are_spread() {
    let mut stage = Stage::new(service());
    stage.reachable(false);
    let people: Vec<_> = (0..8).map(|n| stage.enter(&format!("person {n}"))).collect();
    stage.advance(Duration::from_mins(30));
    let mut first_waits = Vec::new();
    for who in people {
        let opens = stage.opens(who);
        for (n, pair) in opens.windows(2).enumerate() {
            about(pair[0], pair[1], (1000 << n.min(16)).min(120_000), 10);
        }
        assert!(opens.len() > 15);
        first_waits.push(opens[1]);
    }
    first_waits.sort_unstable();
    first_waits.dedup();
    assert!(first_waits.len() >= 6, "{first_waits:?}");
}

/// Eight hours of sleep are one attempt, not eight hours of attempts.
#[test]
fn sleep_is_not_caught_up_with() {
    for asleep_offline in [false, true] {
        let (mut stage, alice, channel) = in_channel();
        if asleep_offline {
            stage.reachable(false);
            stage.cut(alice);
            stage.advance(Duration::from_secs(40));
        }
        let opens = stage.opens(alice).len();
        stage.sleep(Duration::from_hours(8));
        stage.reachable(true);
        stage.advance(Duration::from_secs(10));
        assert!(stage.opens(alice).len() <= opens + 1, "{asleep_offline}");
        stage.take_all_events();
        works(&mut stage, alice, &channel, "alive");
    }
}

/// A clock that goes back, or leaps by a century, breaks nothing.
#[test]
fn clocks_that_jump_are_borne() {
    let (mut stage, alice, channel) = in_channel();
    stage.tick_at(alice, chat_proto::Time::ZERO);
    stage.settle();
    assert_eq!(stage.client(alice).stats().clock_backwards, 1);
    works(&mut stage, alice, &channel, "after going back");
    stage.sleep(Duration::from_hours(24 * 366));
    stage.advance(Duration::from_secs(10));
    let token = stage.token("alice", Duration::from_hours(1));
    assert_eq!(stage.ask(alice, update(&token)), Ok(Reply::Done));
    stage.settle();
    stage.take_all_events();
    works(&mut stage, alice, &channel, "after a leap");
}

/// A service that answers nothing: what was asked is answered with what is known, and the connection heals.
#[test]
fn a_service_that_stops_answering_is_left() {
    let (mut stage, alice, channel) = in_channel();
    fault(&mut stage, &json!({ "on": "http", "match": {}, "count": -1, "noReply": true }));
    let began = stage.now();
    let sent = stage.ask(alice, message(&channel, "hello"));
    assert!(matches!(sent, Err(CallError::Unknown(_))), "{sent:?}");
    assert!(stage.now().since(began) <= Duration::from_secs(31));
    let began = stage.now();
    let read = stage.ask(alice, newest(&channel));
    assert!(matches!(read, Err(CallError::DeadlineExceeded(_))), "{read:?}");
    assert!(stage.now().since(began) <= Duration::from_secs(31));
    admin(&mut stage, "faults/clear", &json!({}));
    stage.advance(Duration::from_mins(2));
    stage.take_all_events();
    works(&mut stage, alice, &channel, "alive");
}

/// A slow service is waited for.
#[test]
fn a_slow_service_is_waited_for() {
    let service = ServiceConfig { latency_ms: 3000, command_delay_ms: 4000, ..service() };
    let mut stage = Stage::new(service);
    let alice = stage.enter("alice");
    stage.advance(Duration::from_mins(1));
    assert!(stage.state(alice).is_ready());
    let channel = create(&mut stage, alice, "room");
    join(&mut stage, alice, &channel);
    stage.advance(Duration::from_mins(1));
    for text in ["one", "two"] {
        assert!(stage.ask(alice, message(&channel, text)).is_ok());
    }
    stage.advance(Duration::from_mins(1));
    assert_eq!(stored(&mut stage, &channel), ["one", "two"]);
    assert_eq!(added(&stage.take_events(alice)), ["one", "two"]);
    assert_eq!(stage.opens(alice).len(), 1);
}

/// A service that floods is read, acknowledged and told of; each message once.
#[test]
fn a_flood_is_taken() {
    let (mut stage, alice, channel) = in_channel();
    let burst =
        json!({ "channel": channel.as_str(), "count": 5000, "author": "alice", "lastMessage": "each" });
    admin(&mut stage, "burst", &burst);
    stage.settle();
    let told = added(&stage.take_events(alice));
    assert_eq!(told.len(), 5000);
    assert_eq!(told, stored(&mut stage, &channel));
    assert_eq!(stage.opens(alice).len(), 1);
    let connections = admin(&mut stage, "connections", &json!({}));
    assert_eq!(connections[0]["unacked"], json!(0));
}

/// A service that accepts sockets and drops them: the waits grow until it is well, and then begin anew.
#[test]
fn sockets_that_break_at_once_are_not_hammered() {
    let (mut stage, alice, channel) = in_channel();
    fault(&mut stage, &json!({ "on": "twilsock", "match": { "method": "init" }, "count": 5, "drop": true }));
    let lost = stage.now();
    stage.cut(alice);
    stage.advance(Duration::from_mins(1));
    let opens = stage.opens(alice).to_vec();
    assert_eq!(opens.len(), 7);
    about(lost, opens[1], 1000, 0);
    for (pair, wait) in opens[1..].windows(2).zip([2000, 4000, 8000, 16_000, 32_000]) {
        about(pair[0], pair[1], wait, 40);
    }
    works(&mut stage, alice, &channel, "alive");
    let lost = stage.now();
    stage.cut(alice);
    stage.advance(Duration::from_secs(2));
    about(lost, stage.opens(alice)[7], 1000, 0);
}
