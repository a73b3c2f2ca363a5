//! `kill -9` at any moment: the example `durable` as a process of its own, killed again and again.
#![cfg(unix)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use chat_smol::proto::{Saved, SavedChanges};
use chat_testkit::scratch::Scratch;
use chat_testkit::serve::{ServeConfig, Server};
use chat_testkit::world::Rng;
use serde_json::{Value, json};

#[path = "../examples/durable.rs"]
#[expect(dead_code, reason = "its `main` is not needed here")]
mod durable;

/// The plan of a child, as JSON.
const PLAN: &str = "CHAT_SMOL_TEST_DURABLE";
const LINES: u64 = 250;
/// As long as processes are killed at most; the last one then has time to finish.
const KILLING: Duration = Duration::from_secs(12);

/// Not a test: what the children of the test below do.
#[test]
fn child() {
    let Ok(plan) = env::var(PLAN) else { return };
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let text = |name: &str| plan[name].as_str().unwrap().to_owned();
    smol::block_on(durable::run(durable::Plan {
        url: text("url"),
        token: text("token"),
        file: text("file"),
        lines: LINES,
        // The offline service executes at once what it has received.
        late_execution: Duration::from_millis(300),
        pause: Duration::from_millis(20),
    }))
    .unwrap();
}

/// Killed when it is dropped, so that a failing test leaves nothing behind.
struct Process(Child);

impl Process {
    fn start(plan: &Value) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(PLAN, plan.to_string())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Waits; `None` when it runs on.
    fn wait(&mut self, time: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + time;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() >= end {
                return None;
            }
            sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    /// Sends SIGKILL to this very process.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a kill left of the two files: whether there are changes of this base. Otherwise those that are there are of the
/// base before, and the kill came before the first of the new one.
fn has_changes(file: &Path) -> bool {
    let changes = PathBuf::from(format!("{}.changes", file.display()));
    let (Ok(base), Ok(changes)) = (fs::read(file), fs::read(changes)) else { return false };
    let (base, changes) = (Saved::from_json(&base).unwrap(), SavedChanges::from_json(&changes).unwrap());
    if base.supersedes(&changes) {
        return false;
    }
    base.with_changes(changes).unwrap();
    true
}

fn texts(server: &Server) -> Vec<String> {
    let ask = |command: &str, arguments: Value| smol::block_on(server.admin(command, arguments)).unwrap();
    let state = ask("state", Value::Null);
    let channels: Vec<&Value> = match &state["channels"] {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    };
    let Some(channel) = channels.first() else { return Vec::new() };
    let list = ask("messages", json!({ "channel": channel["sid"] }));
    let list = list.get("messages").cloned().unwrap_or(list);
    let items: Vec<Value> = match list {
        Value::Array(list) => list,
        Value::Object(map) => map.into_iter().map(|(_, item)| item).collect(),
        _ => Vec::new(),
    };
    let mut texts: Vec<(u64, String)> = items
        .iter()
        .map(|item| (item["index"].as_u64().unwrap(), item["text"].as_str().unwrap().to_owned()))
        .collect();
    texts.sort();
    texts.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn every_line_is_said_once_and_in_order_however_often_it_is_killed() {
    let server = Server::start(ServeConfig::default()).unwrap();
    let folder = Scratch::new("chat-smol-kill").unwrap();
    let file = folder.join("alice.json");
    let token = smol::block_on(server.admin("token", json!({ "identity": "alice" }))).unwrap();
    let plan = json!({ "url": server.url(), "token": token["token"], "file": file });

    let mut rng = Rng::new(5);
    let begun = Instant::now();
    let (mut killed_at, mut with_changes) = (Vec::new(), 0);
    while begun.elapsed() < KILLING {
        let mut process = Process::start(&plan);
        // Long enough for a start, also on a busy machine; short enough to hit it.
        let moment = Duration::from_millis(rng.range(20, 900));
        if process.wait(moment).is_some() {
            break;
        }
        drop(process);
        killed_at.push(texts(&server).len());
        with_changes += u32::from(has_changes(&file));
    }
    let mut last = Process::start(&plan);
    let status = last.wait(Duration::from_mins(1)).expect("it does not end");
    assert!(status.success(), "{status}");
    let expected: Vec<String> = (0..=LINES).map(|line| line.to_string()).collect();
    assert_eq!(texts(&server), expected, "killed when there stood {killed_at:?}");
    assert!(killed_at.len() >= 5, "{killed_at:?}");
    assert!(with_changes > 0, "it was never killed with changes beside the save: {killed_at:?}");
    assert!(killed_at.iter().any(|count| (1..expected.len()).contains(count)), "{killed_at:?}");
}
