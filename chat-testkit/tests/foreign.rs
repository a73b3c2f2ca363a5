//! The real SDK's recordings with our client in its place: what it tells equals the SDK's log, apart from what is listed.

use std::fs;
use std::path::PathBuf;

use chat_proto::Client;
use chat_testkit::replay::{exact, foreign, replay_file};
use chat_testkit::scratch::Scratch;
use chat_testkit::session_file::open;
use serde::Deserialize;
use serde_json::Value;

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

/// A copy of a scenario, to be changed. It is never kept: the recordings that were given have tokens in them.
struct Copy(PathBuf, #[expect(dead_code, reason = "it goes after the copy")] Scratch);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Copy {
    /// Of `s11`, with what is listed of it.
    fn new(of: &str) -> Self {
        let parent = Scratch::new(&format!("chat-testkit-foreign-{of}")).unwrap();
        let copy = Self(parent.join("s11"), parent);
        fs::create_dir_all(&copy.0).unwrap();
        for name in ["frames.jsonl", "log.alice.jsonl"] {
            fs::copy(folder().join("s11").join(name), copy.0.join(name)).unwrap();
        }
        let mut listed = listed();
        listed.retain(|entry| entry["scenario"] == "s11");
        assert!(!listed.is_empty());
        copy.list(&listed);
        copy
    }

    fn list(&self, listed: &[Value]) {
        fs::write(self.0.join("differences.json"), serde_json::to_string(listed).unwrap()).unwrap();
    }

    fn problems(&self) -> Vec<String> {
        replay_file(&self.0.join("frames.jsonl")).unwrap().problems
    }
}

fn listed() -> Vec<Value> {
    serde_json::from_str(&fs::read_to_string(folder().join("differences.json")).unwrap()).unwrap()
}

#[track_caller]
fn one(problems: &[String], parts: &[&str]) {
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(parts.iter().all(|part| problems[0].contains(part)), "{problems:?}");
}

#[test]
fn a_log_that_says_something_else_is_found() {
    let copy = Copy::new("log");
    assert_eq!(copy.problems(), [""; 0]);
    let log = fs::read_to_string(copy.0.join("log.alice.jsonl")).unwrap();
    // Twice for once.
    let last = log.lines().rfind(|line| line.contains("channelJoined")).unwrap();
    fs::write(copy.0.join("log.alice.jsonl"), format!("{log}{last}\n")).unwrap();
    one(&copy.problems(), &["only Expected", "channelJoined"]);
}

#[test]
fn a_log_of_nobody_in_the_recording_does_not_pass() {
    let copy = Copy::new("carol");
    fs::write(copy.0.join("log.carol.jsonl"), "").unwrap();
    one(&copy.problems(), &["log.carol.jsonl: nobody in the recording is carol"]);
    // Times are for people, and a log of all is not one person's.
    fs::rename(copy.0.join("log.carol.jsonl"), copy.0.join("log.timed.jsonl")).unwrap();
    fs::write(copy.0.join("log.jsonl"), "").unwrap();
    assert_eq!(copy.problems(), [""; 0]);
}

#[test]
fn entries_that_can_match_nothing_do_not_pass() {
    let copy = Copy::new("entries");
    let s11: Vec<Value> = listed().into_iter().filter(|entry| entry["scenario"] == "s11").collect();
    let with = |change: fn(&mut Value)| {
        let mut more = s11.clone();
        more.push(s11[0].clone());
        change(more.last_mut().unwrap());
        copy.list(&more);
        copy.problems()
    };
    one(&with(|_| ()), &["alice: step", "listed, but no difference"]);
    one(&with(|entry| entry["client"] = "carol".into()), &["carol: listed, but not in the recording"]);
    one(&with(|entry| entry["scenario"] = "s99".into()), &["differences.json: there is no folder s99"]);
    // Of a person who is there, but whose events nothing is compared with.
    copy.list(&s11);
    fs::remove_file(copy.0.join("log.alice.jsonl")).unwrap();
    let problems = copy.problems();
    assert_eq!(problems.len(), s11.len(), "{problems:?}");
    assert!(problems.iter().all(|problem| problem.starts_with("alice: listed, but without a log")));
}
