//! The real SDK's recordings with our client in its place: what it tells equals the SDK's log, apart from what is listed.

use std::fs;
use std::path::PathBuf;

use chat_proto::Client;
use chat_testkit::replay::{exact, foreign, replay_file};
use chat_testkit::session_file::open;
use serde::Deserialize;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// A request that one side makes and the other does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unanswered {
    scenario: String,
    client: String,
    /// `unanswered`: only ours. `not called`: only the recorded client's.
    what: String,
    request: String,
    reason: String,
}

fn replay(name: &str) {
    let path = folder().join(name).join("frames.jsonl");
    let verdict = replay_file(&path).unwrap();
    assert!(verdict.passed(), "{name}:\n{}", verdict.problems.join("\n"));

    let listed = fs::read_to_string(folder().join("unanswered.json")).unwrap();
    let listed: Vec<Unanswered> = serde_json::from_str(&listed).unwrap();
    assert!(listed.iter().all(|entry| !entry.reason.is_empty()));
    for person in foreign(&open(&path).unwrap().session) {
        let expected = |what: &str| -> Vec<&String> {
            let ours = listed.iter().filter(|of| of.scenario == name && of.client == person.identity);
            ours.filter(|of| of.what == what).map(|of| &of.request).collect()
        };
        assert_eq!(person.unanswered.iter().collect::<Vec<_>>(), expected("unanswered"), "{name}");
        assert_eq!(person.not_called.iter().collect::<Vec<_>>(), expected("not called"), "{name}");
        assert!(!person.events.is_empty() && person.calls > 0, "{name} {}", person.identity);
        // What the client did there is a session like any other.
        let session = person.session.as_ref().unwrap();
        exact::<Client>(session).unwrap_or_else(|mismatch| panic!("{name}: {mismatch}"));
    }
}

macro_rules! recordings {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            replay(stringify!($name));
        }
    )*};
}

recordings! { s01 s02 s03 s05 s06 s11 }

#[test]
fn a_log_that_says_something_else_is_found() {
    let folder =
        std::env::temp_dir().join(format!("chat-testkit-foreign-{}", std::process::id())).join("s11");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(self::folder().join("s11/frames.jsonl"), folder.join("frames.jsonl")).unwrap();
    fs::copy(self::folder().join("differences.json"), folder.join("differences.json")).unwrap();
    let log = fs::read_to_string(self::folder().join("s11/log.alice.jsonl")).unwrap();
    // Twice for once.
    let last = log.lines().rfind(|line| line.contains("channelJoined")).unwrap();
    fs::write(folder.join("log.alice.jsonl"), format!("{log}{last}\n")).unwrap();
    let problems = replay_file(&folder.join("frames.jsonl")).unwrap().problems;
    fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("only Expected") && problems[0].contains("channelJoined"), "{problems:?}");
}
