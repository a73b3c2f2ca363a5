//! The harness of a story: it tells the stage what people do and writes the log that the drivers write.

#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::format_push_string,
    reason = "a story is to be read: its helpers take what is at hand"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chat_proto::{Call, CallError, CallId, Channel, ChannelSid, Event, Reply};
use chat_testkit::compare::{Differences, Log, Normaliser, compare};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

use crate::{errors, view};

pub struct Scenario {
    name: &'static str,
    pub stage: Stage,
    labels: BTreeMap<Who, &'static str>,
    log: Vec<Value>,
    answers: BTreeMap<(Who, CallId), Result<Reply, CallError>>,
    failed: Vec<String>,
}

impl Scenario {
    pub fn new(name: &'static str, config: Value) -> Self {
        let config: ServiceConfig = serde_json::from_value(config).unwrap();
        let stage = Stage::new(config);
        Self {
            name,
            stage,
            labels: BTreeMap::new(),
            log: Vec::new(),
            answers: BTreeMap::new(),
            failed: Vec::new(),
        }
    }

    /// A client that is created and ready.
    pub fn client(&mut self, identity: &'static str) -> Who {
        let who = self.stage.enter(identity);
        self.labels.insert(who, identity);
        while !self.stage.state(who).is_ready() {
            self.stage.advance(Duration::from_millis(5));
        }
        self.listen();
        who
    }

    pub fn step(&mut self, name: &str) {
        self.listen();
        self.log.push(json!({ "client": null, "kind": "step", "name": name }));
    }

    pub fn check(&mut self, name: &str, ok: bool, detail: Option<Value>) {
        self.listen();
        if !ok {
            self.failed.push(name.into());
        }
        let mut line = json!({ "client": null, "kind": "check", "name": name, "ok": ok });
        if let Some(detail) = detail {
            line["detail"] = detail;
        }
        self.log.push(line);
    }

    /// Something that the driver notes.
    pub fn note(&mut self, name: &str, value: Value) {
        self.listen();
        self.log.push(json!({ "client": null, "kind": "note", "name": name, "value": value }));
    }

    /// Does something; its result or error becomes a line. `view` says what of the reply goes into it.
    pub fn result(
        &mut self,
        who: Who,
        method: &str,
        call: Call,
        view: impl Fn(&Reply) -> Option<Value>,
    ) -> Option<Reply> {
        let id = self.stage.start(who, call).unwrap();
        self.end(who, method, id, view)
    }

    /// Waits for what was begun with [`Stage::start`].
    pub fn end(
        &mut self,
        who: Who,
        method: &str,
        id: CallId,
        view: impl Fn(&Reply) -> Option<Value>,
    ) -> Option<Reply> {
        let known = self.answers.remove(&(who, id));
        let answer = known
            .or_else(|| self.stage.answer(who, id))
            .unwrap_or_else(|| panic!("{method} is not answered"));
        self.listen();
        match answer {
            Ok(reply) => {
                self.said(who, method, view(&reply));
                Some(reply)
            }
            Err(error) => {
                self.log.push(json!({ "client": self.labels[&who], "kind": "error", "method": method, "error": errors::ours(&error) }));
                None
            }
        }
    }

    /// A line for something that is no call here.
    pub fn said(&mut self, who: Who, method: &str, value: Option<Value>) {
        let mut line = json!({ "client": self.labels[&who], "kind": "result", "method": method });
        if let Some(value) = value {
            line["value"] = value;
        }
        self.log.push(line);
    }

    pub fn settle(&mut self) {
        self.stage.settle();
        self.listen();
    }

    pub fn sleep(&mut self, ms: u64) {
        self.stage.advance(Duration::from_millis(ms));
        self.listen();
    }

    pub fn admin(&mut self, command: &str, arguments: Value) -> Value {
        self.stage.admin(command, &arguments).unwrap()
    }

    /// How often a person was told of an event.
    pub fn seen(&mut self, who: Who, event: &str) -> usize {
        self.listen();
        let label = self.labels[&who];
        self.log
            .iter()
            .filter(|line| line["client"] == label && line["kind"] == "event" && line["event"] == event)
            .count()
    }

    /// Everybody leaves; the log is compared with the SDK's.
    pub fn finish(mut self) {
        self.settle();
        for (who, _) in self.labels.clone() {
            if let Ok(id) = self.stage.start(who, Call::Shutdown { drain_until: None }) {
                self.stage.answer(who, id).expect("shutdown ends").unwrap();
            }
        }
        self.settle();
        assert_eq!(self.failed, Vec::<String>::new(), "checks");
        let mut normaliser = Normaliser::new();
        let log: Vec<Value> = self.log.iter().map(|line| normaliser.value(line)).collect();
        let folder = Path::new(crate::TESTS);
        let known = std::fs::read_to_string(folder.join("our_client/differences.json")).unwrap();
        let known = Differences::parse(&known).unwrap();
        let mut report = String::new();
        for label in self.labels.values() {
            let file = folder.join(format!("interop/expected/{}/log.{label}.jsonl", self.name));
            let expected: Vec<Value> =
                std::fs::read_to_string(file).unwrap().lines().map(their_line).collect();
            let ours: Vec<Value> = log
                .iter()
                .filter(|line| line["client"].is_null() || line["client"] == **label)
                .cloned()
                .collect();
            let found = compare(&Log::from_entries(&expected), &Log::from_entries(&ours))
                .unwrap_or_else(|steps| panic!("{label}: {steps}"));
            let (unexplained, unused) = known.settle(self.name, label, found);
            for line in unexplained {
                report += &format!("{label} {:?} {:?}: {}\n", line.step, line.side, line.line);
            }
            for entry in unused {
                report += &format!("{label} {:?}: listed, but no difference: {}\n", entry.step, entry.line);
            }
        }
        assert!(report.is_empty(), "{}:\n{report}", self.name);
    }

    /// Writes what people were told.
    fn listen(&mut self) {
        for (who, event) in self.stage.take_all_events() {
            if let Event::Answer { call, result } = &event {
                self.answers.insert((who, *call), result.clone());
            }
            self.log.extend(view::event(self.labels[&who], &event));
        }
    }
}

/// A line of the SDK's log, its error in common terms.
fn their_line(line: &str) -> Value {
    let mut line: Value = serde_json::from_str(line).unwrap();
    if line["kind"] == "error" {
        line["error"] = errors::theirs(&line["error"]);
    }
    line
}

// ---- what of a reply goes into the log

pub fn nothing(_: &Reply) -> Option<Value> {
    None
}

pub fn channel(reply: &Reply) -> Option<Value> {
    let Reply::Channel(channel) = reply else { panic!("{reply:?}") };
    Some(view::channel(channel))
}

pub fn message(reply: &Reply) -> Option<Value> {
    let Reply::Message(message) = reply else { panic!("{reply:?}") };
    Some(view::message(message))
}

pub fn member(reply: &Reply) -> Option<Value> {
    let Reply::Member(member) = reply else { panic!("{reply:?}") };
    Some(view::member(member))
}

pub fn members(reply: &Reply) -> Option<Value> {
    let Reply::Members(members) = reply else { panic!("{reply:?}") };
    Some(members.iter().map(|member| view::member(member)).collect())
}

pub fn index(reply: &Reply) -> Option<Value> {
    let Reply::MessageIndex(index) = reply else { panic!("{reply:?}") };
    Some(json!(index))
}

pub fn count(reply: &Reply) -> Option<Value> {
    let Reply::Count(count) = reply else { panic!("{reply:?}") };
    Some(json!(count))
}

pub fn unread(reply: &Reply) -> Option<Value> {
    let Reply::UnreadCount(count) = reply else { panic!("{reply:?}") };
    Some(view::unread(*count))
}

pub fn messages(reply: &Reply) -> Option<Value> {
    let Reply::MessagePage(page) = reply else { panic!("{reply:?}") };
    Some(view::page(page, |message| view::message(message)))
}

pub fn indexes(reply: &Reply) -> Option<Value> {
    let Reply::MessagePage(page) = reply else { panic!("{reply:?}") };
    Some(view::list(page, "indexes", |message| message.index.into()))
}

pub fn the_channel(reply: Option<Reply>) -> std::sync::Arc<Channel> {
    let Some(Reply::Channel(channel)) = reply else { panic!("{reply:?}") };
    channel
}

pub fn sid(reply: Option<Reply>) -> ChannelSid {
    the_channel(reply).sid.clone()
}
