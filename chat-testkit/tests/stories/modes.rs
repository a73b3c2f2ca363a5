//! From each failure mode that a client must stand to the sessions that show it.

use std::fs;

use crate::folder;

/// What must stand in the timeline, in this order, maybe with other things in between.
type Shows = &'static [&'static str];

/// A failure mode, a session, and how it can be recognised there. This is the whole list of what the simulator draws, by
/// what it is called there; a frame that is cut in the middle never leaves its socket, so that is a test of the adapter.
const MODES: &[(&str, &str, Shows)] = &[
    ("latency", "overtaken", &["200 ms each way"]),
    ("latency", "silent_slow_flooding", &["\"httpDelayMs\":"]),
    (
        "reordering across connections",
        "overtaken",
        &[
            "bob    app       =>  call 3: SendMessage {\"channel\":\"CH#1\",\"body\":\"bob wrote first\"",
            "alice  app       =>  call 3: SendMessage {\"channel\":\"CH#1\",\"body\":\"alice overtook him\"",
            "list_item_added ES#1[0] event 0 {\"sid\":\"IM#1\",\"author\":\"alice\"",
            "bob    app       <=  MessageAdded {\"sid\":\"IM#2\"",
        ],
    ),
    ("cuts at any moment", "cut", &["the connection is cut", "is gone: cut", "open ws://"]),
    ("cuts at any moment", "fails_before_execution", &["\"drop\":true", "is gone"]),
    ("half-open sockets", "half_open", &["nothing passes from here on", "close link 1", "open ws://"]),
    (
        "slow apps",
        "slow_app",
        &["takes no events", "takes its events", "MessageAdded", "establish list ES#1"],
    ),
    ("service restarts", "restart", &["connection refused", "the service is back", "POST /v3/Lists"]),
    ("throttling", "throttled", &["429 to #", "429 to init"]),
    ("5xx before execution", "fails_before_execution", &["\"status\":503", "503 to #"]),
    ("5xx after execution", "fails_after_execution", &["\"process\":true", "503 to #", "MessageIndex 0"]),
    (
        "late execution",
        "late_execution",
        &[
            "\"delayMs\":20000",
            "Items?PageSize=100&Order=desc",
            "answer to call 3 (SendMessage): MessageIndex 0",
            "answer to call 4 (SendMessage): error Unknown",
            "executed when its caller had given up\"",
            "the connection is cut",
            "answer to call 5 (SendMessage): MessageIndex 2",
        ],
    ),
    ("late acknowledgements", "acks_late", &["\"delayMs\":9000", "(3 retried)", "(of #25)", "(of #24)"]),
    ("late acknowledgements", "answers_late_and_lost", &["\"delayMs\":4000", "201 to #"]),
    ("lost acknowledgements", "subscriptions_in_trouble", &["\"op\":\"drop\",\"count\":3", "(3 retried)"]),
    ("lost acknowledgements", "answers_late_and_lost", &["\"noReply\":true", "MessageIndex 2"]),
    ("interrupted replays", "interrupted_replay", &["interrupted"]),
    ("events lost", "events_lost_doubled_swapped", &["\"op\":\"drop\""]),
    ("events doubled", "events_lost_doubled_swapped", &["\"op\":\"dup\""]),
    ("events swapped", "events_lost_doubled_swapped", &["\"op\":\"swap\""]),
    ("token expiry", "token_expires", &["expireToken", "TokenWanted"]),
    ("offload", "offload", &["308", "open ws://"]),
    ("client crashes with save and resume", "crash", &["save", "crashes, and begins again", "MessageIndex"]),
];

/// What of it is not in the timeline, from the first that is missing on.
fn missing<'a>(timeline: &str, shows: &'a [&'a str]) -> Option<&'a str> {
    let mut rest = timeline;
    for wanted in shows {
        let Some(at) = rest.find(wanted) else { return Some(wanted) };
        rest = rest.get(at + wanted.len()..).unwrap_or_default();
    }
    None
}

#[test]
fn every_failure_mode_has_a_session_that_shows_it() {
    let mut wrong = Vec::new();
    for (mode, session, shows) in MODES {
        assert!(!shows.is_empty(), "{mode}: {session}");
        let path = folder().join("snapshots").join(session).with_extension("snap");
        let timeline = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{mode}: {session}: {error}"));
        wrong.extend(
            missing(&timeline, shows).map(|missing| format!("{mode}: {session} does not show {missing}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(missing("a, b, c", &["b", "a"]), Some("a"), "the order counts");
}
