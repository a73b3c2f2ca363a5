//! Each field of `Limits` at its edge, and what has no end.

use std::fmt::Write;
use std::time::Duration;

use chat_proto::{
    Call, CallDeadline, ChannelSid, Client, Config, ConnectionState, Event, Fault, FrameError, Json, Limits,
    RefusedReason, Reply, ResumeError, Seed, SendMessage, Token,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::json;

use crate::people::*;

/// Which test shows what happens at the edge of each limit; `http_*` are tests of chat-proto.
const AT_THE_EDGE: [(&str, &str); 12] = [
    ("frame_bytes", "the_longest_frame_is_taken_and_one_byte_more_is_not"),
    ("header_bytes", "the_longest_header_is_taken_and_one_byte_more_is_not"),
    ("malformed_frames", "malformed_frames_are_borne_up_to_the_limit"),
    ("pending_calls", "calls_beyond_the_limit_are_handed_back_unharmed"),
    ("requests_in_flight", "no_more_requests_are_under_way_than_the_limit"),
    ("events", "events_that_nobody_takes_do_not_pile_up"),
    ("messages_per_channel", "a_window_of_messages_is_kept"),
    ("channels", "channels_beyond_the_limit_are_told_and_ignored"),
    ("members_per_channel", "members_beyond_the_limit_are_told_and_ignored"),
    ("cached_answers", "answers_that_are_kept_are_bounded"),
    ("http_in_flight", "only_so_many_at_once_and_in_order"),
    ("http_body_bytes", "an_answer_up_to_the_limit_is_taken_and_one_byte_more_is_not"),
];

#[test]
fn every_limit_has_a_test_at_its_edge() {
    let limits = serde_json::to_value(Limits::default()).unwrap();
    let names: Vec<&str> = limits.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, AT_THE_EDGE.map(|(limit, _)| limit));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let tests = [read("tests/stories_faults/limits.rs"), read("../chat-proto/src/chat/media/tests.rs")];
    for (limit, test) in AT_THE_EDGE {
        let head = format!("\n#[test]\nfn {test}() {{\n");
        let body =
            tests.iter().find_map(|text| text.split_once(&head)).unwrap_or_else(|| panic!("no {test}")).1;
        let body = body.split_once("\n}\n").unwrap().0;
        assert!(body.contains(&format!("limits.{limit} = ")), "{test} says nothing of {limit}");
    }
}

fn limited(change: impl FnOnce(&mut Limits)) -> Config {
    let mut config = Config::default();
    change(&mut config.limits);
    config
}

/// A ping whose header has exactly `header` bytes and which is `frame` bytes long in all.
fn ping(header: usize, frame: usize) -> String {
    let bare = r#"{"method":"ping","id":"TM1","payload_size":0}"#;
    let header = format!("{}{}}}", &bare[..bare.len() - 1], " ".repeat(header - bare.len()));
    let mut text = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len());
    text.push_str(&"x".repeat(frame.saturating_sub(text.len())));
    text
}

fn raw(stage: &mut Stage, who: Who, text: &str) -> (u64, Vec<Fault>) {
    let acks = stage.client(who).stats().acks_out;
    admin(stage, "rawFrame", &json!({ "identity": "alice", "text": text }));
    stage.settle();
    (stage.client(who).stats().acks_out - acks, faults(&stage.take_events(who)))
}

#[test]
fn the_longest_frame_is_taken_and_one_byte_more_is_not() {
    const LIMIT: usize = 64 << 10;
    let (mut stage, alice, channel) =
        in_channel_with(service(), limited(|limits| limits.frame_bytes = LIMIT));
    assert_eq!(raw(&mut stage, alice, &ping(100, LIMIT)), (1, vec![]));
    let too_large = FrameError::TooLarge { size: LIMIT as u64 + 1, limit: LIMIT as u64 };
    assert_eq!(raw(&mut stage, alice, &ping(100, LIMIT + 1)), (0, vec![Fault::MalformedFrame(too_large)]));
    works(&mut stage, alice, &channel, "alive");
}

#[test]
fn the_longest_header_is_taken_and_one_byte_more_is_not() {
    const LIMIT: usize = 4 << 10;
    let (mut stage, alice, channel) =
        in_channel_with(service(), limited(|limits| limits.header_bytes = LIMIT));
    assert_eq!(raw(&mut stage, alice, &ping(LIMIT, 0)), (1, vec![]));
    let too_large = FrameError::TooLarge { size: LIMIT as u64 + 1, limit: LIMIT as u64 };
    assert_eq!(raw(&mut stage, alice, &ping(LIMIT + 1, 0)), (0, vec![Fault::MalformedFrame(too_large)]));
    works(&mut stage, alice, &channel, "alive");
}

#[test]
fn malformed_frames_are_borne_up_to_the_limit() {
    for limit in [1, 2, 5] {
        let (mut stage, alice, _) =
            in_channel_with(service(), limited(|limits| limits.malformed_frames = limit));
        for _ in 1..limit {
            raw(&mut stage, alice, "rubbish");
        }
        assert_eq!(stage.state(alice).connection(), ConnectionState::Connected);
        // A sound one in between: the count begins anew.
        raw(&mut stage, alice, &ping(100, 0));
        for _ in 1..limit {
            raw(&mut stage, alice, "rubbish");
        }
        assert_eq!(stage.opens(alice).len(), 1);
        raw(&mut stage, alice, "rubbish");
        stage.advance(Duration::from_secs(2));
        assert_eq!(stage.opens(alice).len(), 2, "{limit}");
    }
}

#[test]
fn calls_beyond_the_limit_are_handed_back_unharmed() {
    let (mut stage, alice, channel) = in_channel_with(service(), limited(|limits| limits.pending_calls = 5));
    stage.reachable(false);
    stage.cut(alice);
    let calls: Vec<_> =
        (0..5).map(|n| stage.start(alice, message(&channel, &n.to_string())).unwrap()).collect();
    let refused = stage.start(alice, message(&channel, "too many")).unwrap_err();
    assert_eq!(refused.reason, RefusedReason::TooManyCalls);
    assert_eq!(*refused.call, message(&channel, "too many"));
    stage.reachable(true);
    for call in calls {
        assert!(matches!(stage.answer(alice, call), Some(Ok(_))));
    }
    stage.settle();
    stage.take_all_events();
    works(&mut stage, alice, &channel, "room again");
    // The end is accepted however many calls are pending, and answers them.
    stage.reachable(false);
    stage.cut(alice);
    let calls: Vec<_> =
        (0..5).map(|n| stage.start(alice, message(&channel, &n.to_string())).unwrap()).collect();
    stage.ask(alice, Call::Shutdown { drain_until: None }).unwrap();
    for call in calls {
        assert!(matches!(stage.answer(alice, call), Some(Err(chat_proto::CallError::ShutDown))));
    }
    assert_eq!(stored(&mut stage, &channel), ["0", "1", "2", "3", "4", "room again"]);
}

#[test]
fn no_more_requests_are_under_way_than_the_limit() {
    let (mut stage, alice, channel) =
        in_channel_with(service(), limited(|limits| limits.requests_in_flight = 3));
    admin(&mut stage, "config", &json!({ "httpDelayMs": 1000 }));
    let before = stage.client(alice).stats().requests;
    let calls: Vec<_> =
        (0..10).map(|_| stage.start_by(alice, newest(&channel), CallDeadline::Never).unwrap()).collect();
    for sent in [3, 6, 9, 10] {
        stage.advance(Duration::from_millis(500));
        assert_eq!(stage.client(alice).stats().requests - before, sent);
        stage.advance(Duration::from_millis(520));
    }
    for call in calls {
        assert!(matches!(stage.answer(alice, call), Some(Ok(Reply::MessagePage(_)))));
    }
}

/// How long a client's `Debug` is, which shows everything that it keeps.
fn size(client: &Client) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    write!(count, "{client:?}").unwrap();
    count.0
}

fn burst(stage: &mut Stage, channel: &ChannelSid, count: u64) {
    let last = if count > 1000 { "none" } else { "each" };
    let burst =
        json!({ "channel": channel.as_str(), "count": count, "author": "alice", "lastMessage": last });
    admin(stage, "burst", &burst);
    stage.settle();
}

/// An app that takes no events: what it is to be told does not pile up, and nothing of it is lost.
#[test]
fn events_that_nobody_takes_do_not_pile_up() {
    let (mut stage, alice, channel) = in_channel_with(service(), limited(|limits| limits.events = 20));
    stage.neglect(alice, true);
    burst(&mut stage, &channel, 150);
    let full = size(stage.client(alice));
    burst(&mut stage, &channel, 150);
    for _ in 0..60 {
        stage.cut(alice);
        stage.advance(Duration::from_secs(2));
        admin(&mut stage, "rawFrame", &json!({ "identity": "alice", "text": "rubbish" }));
        admin(&mut stage, "tokenAboutToExpire", &json!({}));
    }
    let later = size(stage.client(alice));
    assert!(later < full + (2 << 10), "grew from {full} to {later}");
    stage.neglect(alice, false);
    for _ in 0..60 {
        stage.settle();
    }
    let told = added(&stage.take_events(alice));
    let stored = stored(&mut stage, &channel);
    assert_eq!(told.len(), stored.len());
    assert_eq!(told, stored, "each once, in order");
    assert_eq!(stage.state(alice).connection(), ConnectionState::Connected);
    works(&mut stage, alice, &channel, "alive");
}

/// Answers always find room.
#[test]
fn answers_find_room_in_a_full_queue() {
    let (mut stage, alice, channel) = in_channel_with(service(), limited(|limits| limits.events = 4));
    stage.neglect(alice, true);
    burst(&mut stage, &channel, 50);
    let calls: Vec<_> = (0..20).map(|_| stage.start(alice, newest(&channel)).unwrap()).collect();
    stage.settle();
    stage.neglect(alice, false);
    for call in calls {
        assert!(matches!(stage.answer(alice, call), Some(Ok(Reply::MessagePage(_)))));
    }
}

/// The read model keeps the newest; older ones are fetched.
#[test]
fn a_window_of_messages_is_kept() {
    let (mut stage, alice, channel) =
        in_channel_with(service(), limited(|limits| limits.messages_per_channel = 10));
    for n in 0..25 {
        works(&mut stage, alice, &channel, &format!("message {n}"));
        assert_eq!(held(&stage, alice, &channel).len(), 10.min(n + 1));
    }
    assert_eq!(held(&stage, alice, &channel).first().map(String::as_str), Some("message 15"));
    let Ok(Reply::MessagePage(page)) = stage.ask(alice, newest(&channel)) else { panic!() };
    assert_eq!(page.items.len(), 25);
    assert_eq!(held(&stage, alice, &channel).len(), 10);
}

#[test]
fn channels_beyond_the_limit_are_told_and_ignored() {
    let (mut stage, alice) = alone_with(service(), limited(|limits| limits.channels = 3));
    stage.take_all_events();
    let seed = json!({ "channels": 5, "identity": "alice" });
    admin(&mut stage, "seed", &seed);
    stage.settle();
    let events = stage.take_events(alice);
    assert_eq!(count(&events, |event| matches!(event, Event::ChannelAdded(_))), 3);
    assert_eq!(faults(&events).len(), 2, "{:?}", faults(&events));
    assert_eq!(stage.state(alice).channels().len(), 3);
    let known = stage.state(alice).channels()[0].sid.clone();
    works(&mut stage, alice, &known, "alive");
}

/// Five of a room of seven. They leave and others come, and those are known; a save of more is refused.
#[test]
fn members_beyond_the_limit_are_told_and_ignored() {
    let (mut stage, alice, channel) =
        in_channel_with(service(), limited(|limits| limits.members_per_channel = 5));
    let does = |stage: &mut Stage, name: &str, action: &str| {
        let params = json!({ "channelSid": channel });
        admin(stage, "command", &json!({ "identity": name, "action": action, "params": params }));
        stage.settle();
    };
    for name in ["b", "c", "d", "e", "f", "g"] {
        does(&mut stage, name, "joinChannelV2");
    }
    let events = stage.take_events(alice);
    assert_eq!(count(&events, |event| matches!(event, Event::MemberJoined(_))), 4);
    assert_eq!(faults(&events).len(), 2, "{:?}", faults(&events));
    let known = |stage: &Stage| stage.state(alice).members(&channel).len();
    assert_eq!(known(&stage), 5);
    let saved = stage.client(alice).save(stage.now());
    let small = limited(|limits| limits.members_per_channel = 4);
    let token = Token::new(stage.token("alice", Duration::from_hours(1))).unwrap();
    let refused = Client::resume(small, token, &Seed::from_number(1), stage.now(), saved).unwrap_err();
    assert!(matches!(refused, ResumeError::TooLarge { what: "members of a channel", size: 5, limit: 4 }));
    // Who is not known changes and leaves unheard, and makes no room.
    does(&mut stage, "g", "leaveChannel");
    assert_eq!(count(&stage.take_events(alice), |event| matches!(event, Event::MemberLeft(_))), 0);
    does(&mut stage, "b", "leaveChannel");
    does(&mut stage, "h", "joinChannelV2");
    let events = stage.take_events(alice);
    assert_eq!(count(&events, |event| matches!(event, Event::MemberLeft(_))), 1);
    assert_eq!(count(&events, |event| matches!(event, Event::MemberJoined(_))), 1);
    assert_eq!(known(&stage), 5);
    works(&mut stage, alice, &channel, "alive");
}

/// Channels without end, and nobody takes events: bounded all the same.
#[test]
fn channels_beyond_the_limit_do_not_pile_up() {
    let config = limited(|limits| {
        limits.channels = 3;
        limits.events = 10;
    });
    let (mut stage, alice) = alone_with(service(), config);
    stage.neglect(alice, true);
    let seed = |prefix: &str| json!({ "channels": 100, "identity": "alice", "prefix": prefix });
    admin(&mut stage, "seed", &seed("a"));
    stage.settle();
    let full = size(stage.client(alice));
    for prefix in ["b", "c", "d"] {
        admin(&mut stage, "seed", &seed(prefix));
        stage.settle();
    }
    let later = size(stage.client(alice));
    assert!(later < full + (8 << 10), "grew from {full} to {later}");
}

/// Answers of the directory: the oldest gives way.
#[test]
fn answers_that_are_kept_are_bounded() {
    let minutes = ServiceConfig { http_cache_interval: "PT600S".into(), ..service() };
    let (mut stage, alice) = alone_with(minutes, limited(|limits| limits.cached_answers = 3));
    let people = ["a", "b", "c", "d"];
    let asked = |stage: &mut Stage, who: &str| {
        let before = stage.client(alice).stats().requests;
        assert!(stage.ask(alice, Call::GetUserDescriptor(who.into())).is_ok());
        stage.client(alice).stats().requests - before
    };
    for who in people {
        admin(&mut stage, "user", &json!({ "identity": who, "friendlyName": who }));
    }
    stage.settle();
    for who in &people[..3] {
        assert_eq!(asked(&mut stage, who), 1, "{who}");
    }
    for who in &people[..3] {
        assert_eq!(asked(&mut stage, who), 0, "{who} is kept");
    }
    assert_eq!(asked(&mut stage, "d"), 1);
    assert_eq!(asked(&mut stage, "a"), 1, "the oldest gave way");
    assert_eq!(asked(&mut stage, "d"), 0);
}

/// JSON is read 127 levels deep, as far as serde goes; what is deeper breaks nothing. Attributes of others:
/// `too_deep_attributes_are_none` of chat-proto.
#[test]
fn depth_is_limited() {
    let nested = |levels: usize| format!("{}{}", "{\"a\":".repeat(levels - 1) + "{}", "}".repeat(levels - 1));
    assert!(Json::parse(&nested(127)).is_ok());
    assert!(Json::parse(&nested(129)).is_err());
    let (mut stage, alice, channel) = in_channel();
    let own = SendMessage {
        channel: channel.clone(),
        body: Some("deep".into()),
        attributes: Json::parse(&nested(100)).unwrap(),
    };
    assert!(matches!(stage.ask(alice, Call::SendMessage(own)), Ok(Reply::MessageIndex(Some(0)))));
    let header = format!("{{\"method\":\"ping\",\"id\":\"TM1\",\"x\":{}}}", nested(100_000));
    let deep = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len());
    raw(&mut stage, alice, &deep);
    let payload = json!(format!("{{\"event_type\":\"list_item_added\",\"event\":{}}}", nested(100_000)));
    let notification = json!({ "identity": "alice", "messageType": "twilio.sync.event", "payload": payload });
    admin(&mut stage, "notify", &notification);
    stage.settle();
    stage.take_all_events();
    assert_eq!(stage.state(alice).connection(), ConnectionState::Connected);
    works(&mut stage, alice, &channel, "alive");
}

/// Many messages through one channel leave the client as large as a few did. A million: `tests/million_messages.rs`.
#[test]
fn a_long_run_leaves_memory_flat() {
    long_run(16_000);
}

fn long_run(messages: u64) {
    let (mut stage, alice, channel) =
        in_channel_with(service(), limited(|limits| limits.messages_per_channel = 200));
    let run = |stage: &mut Stage, count: u64| {
        let mut told = 0;
        for _ in 0..count / 2000 {
            burst(stage, &channel, 2000);
            told += added(&stage.take_events(alice)).len() as u64;
        }
        assert_eq!(told, count);
        size(stage.client(alice))
    };
    let early = run(&mut stage, 4000);
    let late = run(&mut stage, messages);
    assert!(late < early + early / 5, "grew from {early} to {late}");
    works(&mut stage, alice, &channel, "alive");
}
