//! One person: a client, the clock of the recording, and what is on its way to the client.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::session::{ClientHeader, Header, What, Wire};
use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, Frame, FrameRecord, Input, LinkId, Metadata, Record,
    Seed, Time, Token,
};
use serde_json::Value;

use super::answers::{Answers, command_id, key};
use super::calls::{Meaning, meaning};
use super::known::Known;
use super::lists::Lists;
use super::{Foreign, Parts};
use crate::session_file::{Entry, SessionFile};

/// How long the client goes on after the last line of the recording.
const AFTERWARDS: u64 = 2_000;

/// Something that is going to happen.
#[derive(Debug)]
enum Next {
    /// The recorded connection is there for the socket that waits.
    Open,
    /// The service closed the recorded connection.
    Closed(Option<u16>),
    /// A frame that the recorded client got without asking.
    Said(Parts),
    /// Bytes that are no frame.
    Noise(FrameRecord),
    /// An answer to our client.
    Answer(Parts),
    /// The acknowledgement of a subscription, behind what it replays: object, `last_event_id` that we had, correlation.
    Acknowledge(String, i64, Value),
    Call(Box<Call>),
    HostClosed(LinkId),
}

pub(super) struct Person {
    client: Client,
    now: Time,
    queue: BTreeMap<(Time, u64), Next>,
    queued: u64,
    answers: Answers,
    lists: Lists,
    /// Recorded acknowledgements by object, first first.
    acks: HashMap<String, Vec<(Time, Parts)>>,
    /// Objects of which our client is told.
    subscribed: HashSet<String>,
    /// Notifications of objects of which it is not, yet.
    held: Vec<Parts>,
    /// Recorded `commandId`s and ours.
    commands: Vec<(String, String)>,
    /// The socket that the client asked for, and the one that is open.
    wanted: Option<LinkId>,
    link: Option<LinkId>,
    /// A recorded connection is open that no socket of ours uses.
    line_free: bool,
    end: Time,
    result: Foreign,
    recorded: Vec<(Time, usize, What)>,
    header: ClientHeader,
}

impl Person {
    pub(super) fn new(identity: &str, entries: &[&Entry]) -> Self {
        let start = entries.first().map_or(Time::ZERO, |first| first.at);
        let mut config = Config::default();
        config.metadata = Metadata::javascript_sdk();
        // The recordings' clock has its own origin; dates do not matter here.
        config.unix_at_origin = None;
        let token = token(identity);
        let seed = Seed::from_number(1);
        let header = ClientHeader::new(&config, &token, &seed, start);
        let mut person = Self {
            client: Client::new(config, token, &seed, start),
            now: start,
            queue: BTreeMap::new(),
            queued: 0,
            answers: Answers::default(),
            lists: Lists::default(),
            acks: HashMap::new(),
            subscribed: HashSet::new(),
            held: Vec::new(),
            commands: Vec::new(),
            wanted: None,
            link: None,
            line_free: false,
            end: entries.last().map_or(start, |last| last.at) + std::time::Duration::from_millis(AFTERWARDS),
            result: Foreign { identity: identity.into(), ..Foreign::default() },
            recorded: Vec::new(),
            header,
        };
        person.read(identity, entries);
        person
    }

    /// Sorts the recording into what is asked, answered, said and called, everything in its order.
    fn read(&mut self, identity: &str, entries: &[&Entry]) {
        let known = Known::of(identity, entries);
        let mut leaving = HashSet::new();
        for entry in entries {
            let What::Wire(wire) = &entry.what else { continue };
            match wire {
                Wire::Opened => self.plan(entry.at, Next::Open),
                Wire::Closed(code) if !leaving.contains(&entry.who) => {
                    self.plan(entry.at, Next::Closed(*code));
                }
                Wire::FromClient(FrameRecord::Binary(bytes)) => {
                    let Some(parts) = Parts::read(bytes) else { continue };
                    if parts.method() == "reply" {
                        continue;
                    }
                    if parts.method() == "close" {
                        leaving.insert(entry.who);
                    }
                    match meaning(entry.at, &parts, &known) {
                        Meaning::Call(call) => self.plan(entry.at, Next::Call(call)),
                        Meaning::Own => {}
                        Meaning::Unknown => self.result.not_called.push(key(&parts)),
                    }
                    self.answers.asked(&parts);
                }
                Wire::FromService(FrameRecord::Binary(bytes)) => match Parts::read(bytes) {
                    Some(parts) if parts.method() == "reply" => self.answers.answered(entry.at, parts),
                    Some(parts) => match acknowledged(&parts) {
                        Some(sid) => self.acks.entry(sid).or_default().push((entry.at, parts)),
                        None => self.plan(entry.at, Next::Said(parts)),
                    },
                    None => self.plan(entry.at, Next::Noise(FrameRecord::Binary(bytes.clone()))),
                },
                Wire::FromService(text) => self.plan(entry.at, Next::Noise(text.clone())),
                _ => {}
            }
        }
    }

    fn plan(&mut self, at: Time, next: Next) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), next);
    }

    pub(super) fn run(mut self) -> Foreign {
        self.drain();
        loop {
            let due = self.queue.first_key_value().map(|((at, _), _)| *at);
            let timer = self.client.deadline().map(|deadline| deadline.at);
            let Some(at) = [due, timer].into_iter().flatten().min().filter(|at| *at <= self.end) else {
                break;
            };
            self.now = self.now.max(at);
            // What is on its way comes before a timer of the same moment.
            match self.queue.pop_first() {
                Some(((then, order), next)) if then > self.now => {
                    self.queue.insert((then, order), next);
                    self.tell(Input::Tick);
                }
                Some((_, next)) => self.happen(next),
                None => self.tell(Input::Tick),
            }
        }
        let header = Header::new("a foreign replay", [self.header]);
        self.result.session = Some(SessionFile::new(header, self.recorded));
        self.result
    }

    fn happen(&mut self, next: Next) {
        match next {
            Next::Open => {
                self.line_free = true;
                self.open();
            }
            Next::Closed(code) => {
                self.line_free = false;
                if let Some(link) = self.link.take() {
                    self.subscribed.clear();
                    self.tell(Input::Closed(link, Cause::Remote(code)));
                }
            }
            Next::Said(parts) => self.said(parts),
            Next::Noise(frame) => {
                if let Some(link) = self.link {
                    self.tell(Input::Frame(link, frame.as_frame()));
                }
            }
            Next::Answer(parts) => self.frame(parts),
            Next::Acknowledge(sid, had, correlation) => self.acknowledge(&sid, had, &correlation),
            Next::Call(call) => {
                self.result.calls += 1;
                let options = CallOptions::default();
                let result = self.client.call(self.now, (*call).clone(), options);
                self.record(Record::call(call, options, &result));
                self.drain();
            }
            Next::HostClosed(link) => self.tell(Input::Closed(link, Cause::Local)),
        }
    }

    /// Gives the recorded connection to the socket that waits for one.
    fn open(&mut self) {
        if let (true, Some(link)) = (self.line_free, self.wanted) {
            (self.line_free, self.wanted, self.link) = (false, None, Some(link));
            self.tell(Input::Opened(link));
        }
    }

    /// A notification comes, or waits until its object is subscribed.
    fn said(&mut self, parts: Parts) {
        self.lists.said(&parts);
        match object(&parts) {
            Some(sid) if !self.subscribed.contains(&sid) => self.held.push(parts),
            _ => self.frame(parts),
        }
    }

    fn acknowledge(&mut self, sid: &str, had: i64, correlation: &Value) {
        let acks = self.acks.get_mut(sid);
        let recorded =
            acks.and_then(|acks| if acks.len() > 1 { Some(acks.remove(0)) } else { acks.first().cloned() });
        let Some((_, mut ack)) = recorded else { return };
        let (replayed, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|parts| object(parts).as_deref() == Some(sid));
        self.held = held;
        let mut last = had;
        let replayed: Vec<Parts> = replayed;
        for parts in replayed {
            let id = parts.json()["event"]["id"].as_i64().unwrap_or(i64::MAX);
            if id > had {
                last = last.max(id);
                self.frame(parts);
            }
        }
        let mut payload = ack.json();
        payload["correlation_id"] = correlation.clone();
        if payload["event_type"] == "subscription_established" {
            payload["event"]["last_event_id"] = last.into();
            payload["event"]["replay_status"] = "completed".into();
            self.subscribed.insert(sid.to_owned());
        }
        ack.payload = payload.to_string().into_bytes();
        self.frame(ack);
    }

    /// A frame of the service, with our ids in place of the recorded ones.
    fn frame(&mut self, parts: Parts) {
        let Some(link) = self.link else { return };
        let mut bytes = parts.encode();
        if let Ok(mut text) = String::from_utf8(bytes.clone()) {
            for (theirs, ours) in &self.commands {
                // Of the same length, so sizes stay true.
                text = text.replace(theirs, ours);
            }
            bytes = text.into_bytes();
        }
        self.tell(Input::Frame(link, Frame::Binary(&bytes)));
    }

    fn tell(&mut self, input: Input<'_>) {
        self.record(Record::from(&input));
        self.client.handle(self.now, input);
        self.drain();
    }

    fn record(&mut self, record: Record) {
        self.recorded.push((self.now, 0, What::Record(record)));
    }

    fn drain(&mut self) {
        while let Some(command) = self.client.poll_command() {
            self.record(command.clone().into());
            match command {
                Command::Open { link, .. } => {
                    self.wanted = Some(link);
                    // Not inside of this drain: the client must not be told while it tells.
                    if self.line_free {
                        self.plan(self.now, Next::Open);
                    }
                }
                Command::Send { bytes, .. } => self.sent(bytes.as_bytes()),
                Command::Close { link } => {
                    if self.link == Some(link) || self.wanted == Some(link) {
                        (self.link, self.wanted) = (None, None);
                        self.subscribed.clear();
                    }
                    self.plan(self.now, Next::HostClosed(link));
                }
                _ => {}
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.record(event.clone().into());
            self.result.events.push((self.now, event));
        }
    }

    /// Answers a frame of our client.
    fn sent(&mut self, bytes: &[u8]) {
        let Some(asked) = Parts::read(bytes) else { return };
        if matches!(asked.method(), "reply" | "close") {
            return;
        }
        if asked.header["http_request"]["path"].as_str().is_some_and(|path| path.ends_with("/Subscriptions"))
        {
            return self.subscribe(&asked);
        }
        let Some(answer) = self.answers.take(&asked) else {
            match self.lists.answer(&asked) {
                Some(page) => {
                    self.result.told_otherwise.push(key(&asked));
                    self.plan(self.now, Next::Answer(page));
                }
                None => self.result.unanswered.push(key(&asked)),
            }
            return;
        };
        if let (Some(theirs), Some(ours)) = (answer.command, command_id(&asked)) {
            self.commands.push((theirs, ours));
        }
        let mut parts = answer.parts;
        parts.header["id"] = asked.id().into();
        self.plan(answer.at, Next::Answer(parts));
    }

    fn subscribe(&mut self, asked: &Parts) {
        let body = asked.json();
        if let Some(mut parts) = self.answers.subscriptions() {
            parts.header["id"] = asked.id().into();
            self.plan(self.now, Next::Answer(parts));
        }
        for request in body["requests"].as_array().into_iter().flatten() {
            let sid = request["object_sid"].as_str().unwrap_or_default().to_owned();
            if body["action"] != "establish" {
                self.subscribed.remove(&sid);
                continue;
            }
            let Some(at) = self.acks.get(&sid).and_then(|acks| acks.first()).map(|(at, _)| *at) else {
                self.result.unanswered.push(format!("subscription of {sid}"));
                continue;
            };
            let had = request["last_event_id"].as_i64().unwrap_or(-1);
            self.plan(at, Next::Acknowledge(sid, had, body["correlation_id"].clone()));
        }
    }
}

/// The object that a notification acknowledges a subscription of.
fn acknowledged(parts: &Parts) -> Option<String> {
    let payload = parts.json();
    let kind = payload["event_type"].as_str()?;
    matches!(kind, "subscription_established" | "subscription_failed")
        .then(|| payload["event"]["object_sid"].as_str().map(str::to_owned))?
}

/// The object that an event is about.
fn object(parts: &Parts) -> Option<String> {
    let payload = parts.json();
    let event = &payload["event"];
    ["document_sid", "list_sid", "map_sid"].iter().find_map(|name| event[*name].as_str()).map(str::to_owned)
}

/// A token that says whose it is, and nothing else.
fn token(identity: &str) -> Token {
    let claims = serde_json::json!({ "grants": { "identity": identity } });
    let text = format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
    Token::new(text).unwrap_or_else(|_| unreachable!("it is not empty"))
}
