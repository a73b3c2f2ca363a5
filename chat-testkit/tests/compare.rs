//! The comparison of logs can fail: real logs with one line spoiled.

use std::fs;
use std::path::{Path, PathBuf};

use chat_testkit::compare::{Differences, Report, Side, compare_folders};
use serde_json::{Value, json};

/// The SDK's own log of two people.
fn expected() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/expected/s03")
}

/// Compares the logs with a copy of them in which bob's was changed.
fn spoiled(name: &str, known: &Value, change: impl Fn(Vec<String>) -> Vec<String>) -> Report {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("compare-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::copy(expected().join("log.alice.jsonl"), folder.join("log.alice.jsonl")).unwrap();
    let lines =
        fs::read_to_string(expected().join("log.bob.jsonl")).unwrap().lines().map(String::from).collect();
    fs::write(folder.join("log.bob.jsonl"), change(lines).join("\n")).unwrap();
    let known = Differences::parse(&known.to_string()).unwrap();
    let report = compare_folders("s03", &expected(), &folder, &known).unwrap();
    fs::remove_dir_all(folder).unwrap();
    report
}

/// Where bob's typing starts to be seen, or any other line that has all of these.
fn find(lines: &[String], parts: &[&str]) -> usize {
    lines.iter().position(|line| parts.iter().all(|part| line.contains(part))).unwrap()
}

fn drop_a_message(mut lines: Vec<String>) -> Vec<String> {
    lines.remove(find(&lines, &["messageAdded", "hi alice"]));
    lines
}

#[test]
fn a_log_equals_itself() {
    let report = spoiled("same", &json!([]), |lines| lines);
    assert!(report.passed(), "{report}");
}

#[test]
fn a_line_that_is_missing_doubled_or_changed_is_found() {
    let report = spoiled("missing", &json!([]), drop_a_message);
    let [(client, difference)] = report.unexplained.as_slice() else { panic!("{report}") };
    assert_eq!((client.as_str(), difference.step.as_str(), difference.side), ("bob", "chat", Side::Expected));
    assert!(report.to_string().starts_with("bob: step \"chat\"\n  - {\"client\":\"bob\""), "{report}");

    let report = spoiled("doubled", &json!([]), |mut lines| {
        let index = find(&lines, &["messageAdded", "hi alice"]);
        lines.insert(index, lines[index].clone());
        lines
    });
    let [(_, difference)] = report.unexplained.as_slice() else { panic!("{report}") };
    assert_eq!(difference.side, Side::Actual);

    let report = spoiled("changed", &json!([]), |mut lines| {
        let index = find(&lines, &["messageAdded", "hi alice"]);
        lines[index] = lines[index].replace("\"mood\":\"good\"", "\"mood\":\"bad\"");
        lines
    });
    assert_eq!(report.unexplained.len(), 2, "{report}");
}

#[test]
fn a_line_that_slips_into_another_step_is_found() {
    let report = spoiled("slipped", &json!([]), |mut lines| {
        let line = lines.remove(find(&lines, &["messageAdded", "bye"]));
        let step = find(&lines, &["\"step\"", "typing, ended by timeout"]);
        lines.insert(step + 1, line);
        lines
    });
    let steps: Vec<_> = report.unexplained.iter().map(|(_, difference)| difference.step.as_str()).collect();
    assert_eq!(steps, ["chat", "typing, ended by timeout"], "{report}");
}

#[test]
fn a_scenario_that_stops_early_is_found() {
    let report = spoiled("short", &json!([]), |mut lines| {
        lines.truncate(find(&lines, &["\"step\"", "bob leaves"]));
        lines
    });
    assert_eq!(report.other_steps.len(), 1, "{report}");
    assert!(!report.passed());
}

#[test]
fn a_listed_difference_passes_and_an_idle_entry_does_not() {
    let mut line = Value::Null;
    for text in fs::read_to_string(expected().join("log.bob.jsonl")).unwrap().lines() {
        if text.contains("messageAdded") && text.contains("hi alice") {
            line = serde_json::from_str(text).unwrap();
        }
    }
    let known = json!([{ "scenario": "s03", "client": "bob", "step": "chat", "side": "expected", "line": line,
        "reason": "a test", "spec": "none" }]);
    let report = spoiled("listed", &known, drop_a_message);
    assert!(report.passed(), "{report}");
    let report = spoiled("idle", &known, |lines| lines);
    assert!(!report.passed() && report.unused.len() == 1 && report.unexplained.is_empty(), "{report}");

    let mut stranger = known;
    stranger[0]["client"] = "carol".into();
    assert_eq!(spoiled("stranger", &stranger, |lines| lines).unused.len(), 1);
}
