//! A service that means harm, against a client that is in the middle of something.
//!
//! The bytes choose a moment of a story that the offline service told once, and what is said to the client from there
//! on: what the service said then, whole or changed, answers to other questions, frames of any bytes; and calls, time,
//! sockets and HTTP in between.

mod judge;
mod rehearsal;
mod wire;

use std::time::Duration;

use chat_proto::{
    CallId, Cause, Client, Frame, HttpFailure, HttpReply, Input, InputRecord, Network, Saved, Time,
};
use serde_json::{Value, json};

use self::judge::Judge;
pub(super) use self::rehearsal::{Rehearsal, config};
use self::rehearsal::{Scene, heard};
pub(super) use self::wire::change;
use super::script::Script;
use super::wishes::{self, Known};

/// Stands in every secret here, and must be seen nowhere.
const SECRET: &str = "planted-5ecret";

/// How many things happen at most, and how often a flood repeats one.
const STEPS: usize = 200;
const FLOOD: usize = 60;

/// A hostile service against a connected client: no panic, every queue and list bounded, the deadline honest, each call
/// answered once, no secret in any `Debug`; what the core accepts agrees with a plain reading of the same frame, and
/// every message that it tells of was in a frame.
///
/// # Panics
///
/// When that does not hold.
pub fn hostile_service(data: &[u8]) {
    let mut script = Script::new(data);
    let rehearsal = Rehearsal::get();
    let Some(scene) = script.pick(&rehearsal.scenes).cloned() else { return };
    let mut play = Play::new(rehearsal, scene);
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        play.step(&mut script);
    }
    play.end();
}

struct Play {
    rehearsal: &'static Rehearsal,
    now: Time,
    scene: Scene,
    known: Known,
    calls: Vec<CallId>,
    judge: Judge,
    last: Vec<u8>,
    frames: usize,
}

impl Play {
    fn new(rehearsal: &'static Rehearsal, scene: Scene) -> Self {
        let judge = Judge::new(rehearsal, &scene.client);
        let known = rehearsal.known.clone();
        let (calls, last, now) = (Vec::new(), Vec::new(), rehearsal.now);
        let mut play = Self { rehearsal, now, scene, known, calls, judge, last, frames: 0 };
        play.drain();
        play
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.byte() % 32 {
            0..=5 => self.answer(script, true),
            6..=8 => self.answer(script, false),
            9..=13 => self.notify(script),
            14 => self.event(script),
            15 | 16 => self.raw(script),
            17 => self.flood(script),
            18 => self.handle_last(),
            19..=21 => self.pass(script),
            22 => self.socket(script),
            23 => self.http(script),
            24 => self.ticks(),
            25 => {
                if let Some(id) = script.pick(&self.calls).copied() {
                    self.scene.client.cancel(self.now, id);
                    self.drain();
                }
            }
            26 => self.saved(),
            _ => self.call(script),
        }
    }

    // ---- frames

    /// Answers a request: as the service answered one like it, or refused, or with anything.
    fn answer(&mut self, script: &mut Script<'_>, well: bool) {
        let place = script.below(self.scene.asked.len());
        let frames = &self.rehearsal.frames;
        let (asked, alike): (_, Vec<_>) = match self.scene.asked.get(place).cloned() {
            Some(asked) => {
                let alike = frames.iter().filter(|frame| frame.answers == asked.what).collect();
                (Some(asked), alike)
            }
            None => (None, frames.iter().filter(|frame| !frame.answers.is_empty()).collect()),
        };
        let template = if well { script.pick(&alike).copied() } else { None };
        let Some(mut frame) = template.or_else(|| script.pick(frames)).cloned() else { return };
        if let (Some(asked), Value::Object(members)) = (&asked, &mut frame.header) {
            members.insert("id".into(), asked.id.as_str().into());
            members.insert("method".into(), "reply".into());
        }
        if !well && script.once_in(2) {
            const CODES: [u16; 16] =
                [200, 202, 204, 0, 400, 401, 403, 404, 409, 410, 412, 429, 500, 502, 503, 504];
            let code = script.pick(&CODES).copied().unwrap_or(0);
            let name = if script.once_in(4) { "status" } else { "http_status" };
            frame.header[name] = json!({ "code": code, "status": "x", "errorCode": script.number() });
            if script.once_in(2) {
                frame.payload = json!({ "status": code, "code": script.number(), "message": "no" });
            }
        }
        if script.once_in(8) {
            // The request goes on waiting: it may be answered twice.
        } else if asked.is_some() {
            self.scene.asked.remove(place);
        }
        self.changed(frame, script);
    }

    /// Something that the service said by itself.
    fn notify(&mut self, script: &mut Script<'_>) {
        let by_itself: Vec<_> =
            self.rehearsal.frames.iter().filter(|frame| frame.answers.is_empty()).collect();
        let Some(frame) = script.pick(&by_itself).copied().cloned() else { return };
        self.changed(frame, script);
    }

    fn changed(&mut self, mut frame: wire::Frame, script: &mut Script<'_>) {
        let changes = script.byte();
        for _ in 0..changes % 4 {
            change(if script.once_in(4) { &mut frame.header } else { &mut frame.payload }, script);
        }
        let off = if changes >= 240 { script.number() } else { 0 };
        self.binary(frame.bytes(off));
    }

    /// An event of an object that exists, of this moment: a fuzzer should not have to guess ids.
    fn event(&mut self, script: &mut Script<'_>) {
        let is_event = |frame: &&wire::Frame| frame.payload.get("event_type").is_some();
        let events: Vec<_> = self.rehearsal.frames.iter().filter(is_event).collect();
        let Some(mut frame) = script.pick(&events).copied().cloned() else { return };
        let (id, index) = (script.number(), script.number());
        if let Some(Value::Object(event)) = frame.payload.get_mut("event") {
            for (name, value) in [("id", id), ("item_index", index)] {
                if event.contains_key(name) {
                    event.insert(name.into(), value.into());
                }
            }
            if let Some(data) = event.get_mut("item_data").filter(|_| script.once_in(2)) {
                *data = script.value(2);
            }
        }
        self.binary(frame.bytes(0));
    }

    /// Any bytes, or any header with its right size.
    fn raw(&mut self, script: &mut Script<'_>) {
        let bytes = if script.once_in(2) {
            let header = script.text(2048);
            chat_proto::frame::encode(&header, script.bytes(2048))
        } else {
            script.bytes(8192).to_vec()
        };
        match str::from_utf8(&bytes) {
            Ok(text) if script.once_in(8) => {
                if let Some(link) = self.scene.link {
                    self.handle(Input::Frame(link, Frame::Text(text)));
                }
            }
            _ => self.binary(bytes),
        }
    }

    /// The same thing about very many others.
    fn flood(&mut self, script: &mut Script<'_>) {
        let Some(frame) = script.pick(&self.rehearsal.frames).cloned() else { return };
        let name = script.name();
        for n in 0..FLOOD {
            let mut frame = frame.clone();
            for part in [&mut frame.payload, &mut frame.header] {
                number_members(part, name, n);
            }
            self.binary(frame.bytes(0));
        }
    }

    /// The last frame once more.
    fn handle_last(&mut self) {
        let again = self.last.clone();
        self.binary(again);
    }

    fn binary(&mut self, bytes: Vec<u8>) {
        let Some(link) = self.scene.link else { return };
        self.frames += 1;
        let before = *self.scene.client.stats();
        self.judge.said(&bytes);
        self.handle(Input::Frame(link, Frame::Binary(&bytes)));
        Judge::as_plainly_read(&bytes, &before, self.scene.client.stats());
        self.last = bytes;
    }

    // ---- the rest of the world

    /// Time passes: to the deadline, or as much as the script says.
    fn pass(&mut self, script: &mut Script<'_>) {
        let deadline = self.scene.client.deadline().map(|deadline| deadline.at);
        match (script.byte(), deadline) {
            (0..=160, Some(at)) => {
                Judge::nothing_is_due_before(&self.scene.client, self.now, at);
                self.now = self.now.max(at);
            }
            (161..=200, _) => self.now = self.now + Duration::from_millis(u64::from(script.byte())),
            (201..=230, _) => self.now = self.now + Duration::from_secs(u64::from(script.byte())),
            (231..=240, _) => self.now = self.now + Duration::from_hours(8),
            // A clock that goes back: what follows counts from where it was.
            (241.., _) => {
                let back = Time::ZERO + (self.now - Time::ZERO).saturating_sub(Duration::from_secs(5));
                self.scene.client.handle(back, Input::Tick);
                return self.drain();
            }
            _ => {}
        }
        self.ticks();
    }

    /// Until nothing is due any more (law 4).
    fn ticks(&mut self) {
        for _ in 0..100 {
            self.handle(Input::Tick);
            if self.scene.client.deadline().is_none_or(|deadline| deadline.at > self.now) {
                return;
            }
        }
        panic!("a hundred ticks, and the deadline is still {:?}", self.scene.client.deadline());
    }

    fn socket(&mut self, script: &mut Script<'_>) {
        let kind = script.byte();
        let network = [Network::Online, Network::Offline, Network::Changed];
        if let Some(network) = network.get(usize::from(kind % 16)) {
            return self.handle(Input::Network(*network));
        }
        let Some(link) = self.scene.link else { return };
        match kind % 16 {
            3..=8 => {
                self.scene.is_open = true;
                self.handle(Input::Opened(link));
            }
            9 => {
                let other = json!({ "Opened": script.byte() });
                let stale: InputRecord = serde_json::from_value(other).expect("it is an input");
                if stale != InputRecord::Opened(link) {
                    self.handle(stale.as_input());
                }
            }
            _ => {
                (self.scene.link, self.scene.is_open) = (None, false);
                let cause = match kind / 64 {
                    0 => Cause::Local,
                    1 => Cause::Remote(Some(1006)),
                    2 => Cause::Untrusted("expired".into()),
                    _ => Cause::Failed("cut".into()),
                };
                self.handle(Input::Closed(link, cause));
            }
        }
    }

    fn http(&mut self, script: &mut Script<'_>) {
        let place = script.below(self.scene.http.len());
        let Some(http) = self.scene.http.get(place).copied() else { return };
        let kind = script.byte();
        if kind < 60 {
            return self.handle(Input::HttpProgress(http, u64::from(script.byte()) << (kind % 57)));
        }
        self.scene.http.remove(place);
        let result = match kind {
            60..=75 => Err(HttpFailure::Failed("reset".into())),
            76..=80 => Err(HttpFailure::TooLarge),
            81..=85 => Err(HttpFailure::TimedOut),
            86..=100 => Ok(HttpReply::new(script.byte().into(), script.bytes(300))),
            101..=120 => Ok(HttpReply::new(429, *b"{}")
                .with_retry_after(Some(Duration::from_secs(u64::from(script.byte()))))),
            _ => {
                let mut media = json!({
                    "sid": "ME0", "size": 7, "content_type": "image/png", "filename": "a.png",
                    "url": "http://media.test/x",
                    "links": { "content_direct_temporary": format!("http://media.test/{SECRET}") },
                });
                for _ in 0..script.byte() % 3 {
                    change(&mut media, script);
                }
                Ok(HttpReply::new(if kind.is_multiple_of(2) { 201 } else { 200 }, media.to_string()))
            }
        };
        self.handle(Input::HttpDone(http, result));
    }

    fn call(&mut self, script: &mut Script<'_>) {
        let call = wishes::call(script, self.scene.client.state(), &self.known);
        let asked = call.clone();
        match self.scene.client.call(self.now, call, wishes::options(script)) {
            Ok(id) => {
                self.calls.push(id);
                self.judge.asked(id);
            }
            Err(refused) => assert_eq!(*refused.call, asked, "a refused call is handed back unharmed"),
        }
        self.drain();
    }

    /// A save at any moment can be read again, and be resumed from.
    fn saved(&mut self) {
        let saved = self.scene.client.save(self.now);
        let text = saved.to_json();
        assert!(!text.contains(SECRET), "a secret in a save");
        let read = Saved::from_json(text.as_bytes());
        assert_eq!(read.as_ref(), Ok(&saved), "a save does not survive");
        let (Ok(read), Some(token)) = (read, self.known.token.clone()) else { return };
        let seed = chat_proto::Seed::from_number(7);
        // A service may call somebody by another name than the access token does: such a save belongs to nobody.
        let is_alice = saved.identity().is_some_and(|name| name.as_str() == "alice");
        let resumed = Client::resume(config(), token, &seed, self.now, read);
        assert!(resumed.is_ok() == is_alice, "its own save: {:?}", resumed.err());
    }

    fn handle(&mut self, input: Input<'_>) {
        self.scene.client.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        let deadline = self.scene.client.deadline();
        let mut outputs = 0;
        while let Some(command) = self.scene.client.poll_command() {
            outputs += 1;
            if outputs == 1 {
                Judge::due_now(deadline, self.now);
            }
            Judge::command(&command);
            self.scene.sent(&command);
        }
        while let Some(event) = self.scene.client.poll_event() {
            outputs += 1;
            heard(&mut self.known, &event);
            self.judge.event(&event);
        }
        Judge::outputs(outputs);
        self.scene.asked.truncate(64);
        self.calls.truncate(64);
        if let Some(deadline) = self.scene.client.deadline() {
            assert!(deadline.at >= Time::ZERO, "{deadline:?}");
        }
    }

    /// The client is shut down, and still answers what it was asked.
    fn end(&mut self) {
        // To look at all that a client has takes longer than a short play.
        if self.frames >= FLOOD || self.frames.is_multiple_of(8) {
            Judge::bounded(&self.scene.client);
            self.saved();
        }
        let shutdown = chat_proto::Call::Shutdown { drain_until: None };
        match self.scene.client.call(self.now, shutdown, chat_proto::CallOptions::default()) {
            Ok(id) => self.judge.asked(id),
            Err(refused) => assert_eq!(refused.reason, chat_proto::RefusedReason::ShutDown),
        }
        self.drain();
        for _ in 0..300 {
            let Some(deadline) = self.scene.client.deadline() else { break };
            self.now = self.now.max(deadline.at);
            self.ticks();
        }
        self.judge.all_answered();
    }
}

/// Gives every member of this name another value: `n` more, or `n` behind it.
fn number_members(value: &mut Value, name: &str, n: usize) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| number_members(item, name, n)),
        Value::Object(members) => {
            for (of, member) in members {
                let is_id = of == "id" || of == name || of.ends_with("_sid") && name == "sid";
                match member {
                    Value::Number(number) if is_id => {
                        let more = i64::try_from(n).unwrap_or(0);
                        *member = number.as_i64().unwrap_or(0).saturating_add(more).into();
                    }
                    Value::String(text) if is_id => text.push_str(&n.to_string()),
                    other => number_members(other, name, n),
                }
            }
        }
        _ => {}
    }
}
