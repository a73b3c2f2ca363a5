//! The real SDK in a process of its own.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use chat_testkit::interop::Workshop;
use serde_json::{Value, json};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/with_sdk/driver.js");

/// The SDK, and what it told so far.
pub(crate) struct Sdk {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Events that nobody asked for yet.
    events: VecDeque<Value>,
    asked: u64,
}

impl Sdk {
    /// Starts it, and waits until it is connected.
    pub(crate) fn start(workshop: &Workshop, url: &str, token: &str) -> Result<Self, String> {
        let driver = workshop.folder().join("with_sdk.js");
        fs::copy(DRIVER, &driver).map_err(|error| format!("{DRIVER}: {error}"))?;
        let mut process = Command::new("node")
            .arg(&driver)
            .args([url, token])
            .current_dir(workshop.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node: {error}"))?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or("no output")?;
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let mut sdk = Self { process, input, lines, events: VecDeque::new(), asked: 0 };
        sdk.ask("ready", &json!({}))?;
        Ok(sdk)
    }

    /// Does something with the SDK, and gives what it answers.
    pub(crate) fn ask(&mut self, what: &str, with: &Value) -> Result<Value, String> {
        self.asked += 1;
        let id = self.asked;
        let line = json!({ "id": id, "do": what, "with": with });
        let input = self.input.as_mut().ok_or("the SDK has ended")?;
        writeln!(input, "{line}").map_err(|error| format!("{what}: {error}"))?;
        loop {
            let mut line = self.line(what, Instant::now() + PATIENCE)?;
            if line["id"] == id {
                return match line.get("error") {
                    Some(error) => Err(format!("{what}: {error}")),
                    None => Ok(line["ok"].take()),
                };
            }
            self.events.push_back(line);
        }
    }

    /// Waits for an event of this name that passes, and forgets those before it.
    pub(crate) fn until(&mut self, name: &str, passes: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.line(name, until)?,
            };
            if event["event"] == name && passes(&event) {
                return Ok(event);
            }
        }
    }

    fn line(&mut self, what: &str, until: Instant) -> Result<Value, String> {
        let left = until.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left).map_err(|error| format!("the SDK, {what}: {error}"))?;
        serde_json::from_str(&line).map_err(|error| format!("the SDK said {line:?}: {error}"))
    }

    /// Ends it, and says whether it ended well.
    pub(crate) fn end(mut self) -> Result<(), String> {
        drop(self.input.take());
        let until = Instant::now() + PATIENCE;
        // The output ends with the process.
        while self.line("its end", until).is_ok() {}
        match self.process.try_wait() {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(format!("the SDK ended with {status}")),
            Ok(None) => {
                let status = self.process.wait().map_err(|error| error.to_string())?;
                if status.success() { Ok(()) } else { Err(format!("the SDK ended with {status}")) }
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A test that failed leaves no process behind.
impl Drop for Sdk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
