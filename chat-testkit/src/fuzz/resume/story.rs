use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat_proto::{
    Call, CallError, CallId, ChannelSid, Config, CreateChannel, Event, GetMessages, Json, MessageSid,
    Network, Reply, Saved, SendMessage, State,
};
use serde_json::{Value, json};

use super::super::keep;
use super::super::script::Script;
use crate::service::ServiceConfig;
use crate::stage::{Stage, Who};

/// A message that the app asked to send.
#[derive(Debug, Clone)]
struct Sent {
    /// `None` when a later life gave the name to another call.
    call: Option<CallId>,
    text: String,
    answer: Option<Result<(), CallError>>,
    /// Whether a save that nobody knows the contents of may have it answered, or lost it.
    is_doubtful: bool,
}

/// What an app knows, as it was at some moment.
#[derive(Debug, Clone, Default)]
struct Knowledge {
    sent: Vec<Sent>,
    /// Indexes that were told as added, in order.
    told: Vec<u64>,
}

/// A save, and what the app knew then.
#[derive(Debug)]
pub(super) struct Point {
    saved: Saved,
    knowledge: Knowledge,
}

/// A channel with three clients: the one that crashes, another of the same person that lives on, and somebody else.
#[derive(Debug)]
pub(super) struct Story {
    stage: Stage,
    victim: Who,
    twin: Who,
    bob: Who,
    room: ChannelSid,
    app: Knowledge,
    /// Texts of calls that no save had.
    lost: Vec<String>,
    said: u64,
    /// Whether somebody edited or removed something: then what was sent may not stand there any more.
    is_edited: bool,
}

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            keep(|| self.stage.session("a fuzzed story"));
        }
    }
}

impl Point {
    pub(super) fn saved(&self) -> &Saved {
        &self.saved
    }
}

impl Story {
    pub(super) fn new(write_ahead: bool) -> Self {
        let mut config = Config::default();
        config.late_execution = Duration::from_secs(2);
        let mut stage = Stage::new(ServiceConfig { ping_interval_ms: 20_000, ..ServiceConfig::default() });
        let twin = stage.enter_with("alice", config.clone());
        config.write_ahead = write_ahead;
        let victim = stage.enter_with("alice", config);
        let bob = stage.enter("bob");
        stage.settle();
        let create = CreateChannel { unique_name: Some("general".into()), ..CreateChannel::default() };
        let Ok(Reply::Channel(channel)) = stage.ask(victim, Call::CreateChannel(create)) else {
            unreachable!("nothing goes wrong yet")
        };
        let room = channel.sid.clone();
        for (who, call) in [
            (victim, Call::Join(room.clone())),
            (bob, Call::GetChannelBySid(room.clone())),
            (bob, Call::Join(room.clone())),
        ] {
            let joined = stage.ask(who, call);
            assert!(joined.is_ok(), "{joined:?}");
        }
        stage.settle();
        stage.take_all_events();
        let (app, lost) = (Knowledge::default(), Vec::new());
        Self { stage, victim, twin, bob, room, app, lost, said: 0, is_edited: false }
    }

    fn say(&mut self, who: Who) -> Option<(CallId, String)> {
        self.said += 1;
        let text = self.said.to_string();
        let message = SendMessage {
            channel: self.room.clone(),
            body: Some(text.as_str().into()),
            attributes: Json::default(),
        };
        Some((self.start(who, Call::SendMessage(message))?, text))
    }

    /// Somebody does something, or something goes wrong.
    pub(super) fn step(&mut self, what: u8, script: &mut Script<'_>) {
        let room = self.room.clone();
        let index = u64::from(script.byte() % 16);
        let attributes = Json::parse(&format!(r#"{{"n":{index}}}"#)).unwrap_or_default();
        match what {
            5..=10 => {
                if let Some((call, text)) = self.say(self.victim) {
                    self.app.sent.push(Sent { call: Some(call), text, answer: None, is_doubtful: false });
                }
            }
            11..=13 => drop(self.say(self.bob)),
            14 => {
                self.is_edited = true;
                self.ask(self.bob, Call::UpdateMessageBody(room, index, "edited".into()));
            }
            15 => {
                self.is_edited = true;
                self.ask(self.bob, Call::RemoveMessage(room, index));
            }
            16 => self.ask(self.bob, if index < 8 { Call::Leave(room) } else { Call::Join(room) }),
            17 => self.ask(self.victim, Call::UpdateChannelAttributes(room, attributes)),
            18 => self.ask(self.victim, Call::UpdateLastConsumedMessageIndex(room, Some(index))),
            19 => self.ask(self.victim, Call::GetMessages(GetMessages::newest(room))),
            20 => self.ask(self.victim, Call::UpdateMessageAttributes(room, index, attributes)),
            21 => self.stage.cut(self.victim),
            22 => {
                let network = [Network::Offline, Network::Online, Network::Changed];
                let network = script.pick(&network).copied().unwrap_or(Network::Online);
                self.stage.network(self.victim, network);
            }
            23 => self.stage.freeze(self.victim, script.once_in(2)),
            24 => self.stage.reachable(!script.once_in(2)),
            25 => self.stage.sleep(Duration::from_secs(u64::from(script.byte()))),
            26 => {
                let set = self.stage.admin("fault", &fault(script));
                assert!(set.is_ok(), "{set:?}");
            }
            27 => self.stage.advance(Duration::from_secs(u64::from(script.byte() % 64))),
            28 => self.stage.settle(),
            _ => {}
        }
        self.stage.advance(Duration::from_millis(u64::from(script.byte() % 64)));
        self.listen();
    }

    fn ask(&mut self, who: Who, call: Call) {
        let _refused = self.start(who, call);
    }

    /// A life that was lost gave names that a later one gives again, to other calls: these have the answers.
    fn start(&mut self, who: Who, call: Call) -> Option<CallId> {
        let id = self.stage.start(who, call).ok()?;
        if who == self.victim {
            self.app.sent.iter_mut().filter(|sent| sent.call == Some(id)).for_each(|sent| sent.call = None);
        }
        Some(id)
    }

    /// The victim's app takes its events.
    fn listen(&mut self) {
        for event in self.stage.take_events(self.victim) {
            match event {
                Event::Answer { call, result } => self.answered(call, result),
                Event::MessageAdded(message) => {
                    let last = self.app.told.last().copied();
                    assert!(last < Some(message.index), "message {} is told after {last:?}", message.index);
                    self.app.told.push(message.index);
                }
                _ => {}
            }
        }
    }

    fn answered(&mut self, call: CallId, result: Result<Reply, CallError>) {
        let Some(sent) = self.app.sent.iter_mut().find(|sent| sent.call == Some(call)) else { return };
        let Sent { text, answer, is_doubtful, .. } = sent;
        assert!(
            answer.is_none() || *is_doubtful,
            "law 5: {call} {text:?} is answered twice: {answer:?} {result:?}"
        );
        *is_doubtful = false;
        *answer = Some(result.map(drop));
    }

    // ---- crashes

    pub(super) fn save(&self) -> Saved {
        self.stage.save(self.victim)
    }

    pub(super) fn point(&mut self, saved: Saved) -> Point {
        self.listen();
        Point { saved, knowledge: self.app.clone() }
    }

    /// The victim's client and what its app knew since the save are gone.
    pub(super) fn crash(&mut self, point: Point) {
        self.stage.take_events(self.victim);
        let resumed = self.stage.crash(self.victim, point.saved);
        assert!(resumed.is_ok(), "its own save is refused: {resumed:?}");
        let since = self.app.sent.split_off(point.knowledge.sent.len().min(self.app.sent.len()));
        self.lost.extend(since.into_iter().map(|sent| sent.text));
        self.app = point.knowledge;
        self.listen();
    }

    /// The same with the newest save that reached the disk, whatever is in it.
    pub(super) fn crash_to_disk(&mut self) -> bool {
        let Some(saved) = self.stage.disk(self.victim).cloned() else { return false };
        self.stage.take_events(self.victim);
        let resumed = self.stage.crash(self.victim, saved);
        assert!(resumed.is_ok(), "its own save is refused: {resumed:?}");
        self.app.told.clear();
        for sent in &mut self.app.sent {
            sent.is_doubtful = true;
        }
        self.listen();
        true
    }

    // ---- the end

    /// Everything is well again, and each connection begins anew: an event that was lost shows only then.
    pub(super) fn heal(&mut self) {
        let cleared = self.stage.admin("faults/clear", &json!({}));
        assert!(cleared.is_ok(), "{cleared:?}");
        self.stage.reachable(true);
        for who in [self.victim, self.twin, self.bob] {
            self.stage.freeze(who, false);
            self.stage.network(who, Network::Online);
            self.stage.cut(who);
        }
        self.stage.advance(Duration::from_mins(6));
        self.stage.settle();
        self.listen();
    }

    pub(super) fn judge(&mut self) {
        let stored = self.stored();
        let stands = |text: &str| stored.values().filter(|of| *of == text).count();
        for sent in &self.app.sent {
            let Sent { call, text, answer, is_doubtful } = sent;
            assert!(answer.is_some() || *is_doubtful, "law 5: {text:?} was never answered ({call:?})");
            let stands = stands(text);
            assert!(stands <= 1, "law 11: {text:?} stands there {stands} times");
            match answer {
                Some(Ok(())) if !is_doubtful && !self.is_edited => {
                    assert_eq!(stands, 1, "law 11: {text:?} was answered as sent");
                }
                Some(Ok(()) | Err(CallError::Unknown(_))) | None => {}
                Some(Err(_)) if *is_doubtful => {}
                Some(Err(error)) => assert_eq!(stands, 0, "law 11: {text:?} was answered with {error}"),
            }
        }
        for text in &self.lost {
            let stands = stands(text);
            assert!(stands <= 1, "law 11: {text:?}, which no save had, stands there {stands} times");
        }
        if let Some(first) = self.app.told.first() {
            let missed: Vec<&u64> =
                stored.keys().filter(|index| *index > first && !self.app.told.contains(index)).collect();
            assert!(missed.is_empty(), "law 11: {missed:?} were never told, and {first} was");
        }
        self.same_as_the_twin();
    }

    /// Law 7: what a client of the same person knows that never crashed.
    fn same_as_the_twin(&self) {
        let (resumed, lived) = (self.stage.state(self.victim), self.stage.state(self.twin));
        let sids = |state: &State| -> BTreeSet<ChannelSid> {
            state.channels().iter().map(|channel| channel.sid.clone()).collect()
        };
        assert_eq!(sids(resumed), sids(lived), "law 7");
        assert_eq!(resumed.connection(), lived.connection(), "law 7");
        assert_eq!(resumed.user(), lived.user(), "law 7");
        assert_eq!(resumed.channel(&self.room), lived.channel(&self.room), "law 7");
        let members = |state: &State| -> BTreeMap<_, _> {
            state.members(&self.room).into_iter().map(|member| (member.sid.clone(), member.clone())).collect()
        };
        assert_eq!(members(resumed), members(lived), "law 7");
        // Which old messages stand in a window is each client's own affair; what stands there is not.
        let messages = |state: &State| -> BTreeMap<MessageSid, _> {
            state.messages(&self.room).map(|message| (message.sid.clone(), message.clone())).collect()
        };
        let lived = messages(lived);
        for (sid, message) in messages(resumed) {
            if let Some(same) = lived.get(&sid) {
                assert_eq!(&message, same, "law 7");
            }
        }
        assert_eq!(resumed.pending_messages(&self.room).count(), 0, "something still waits to be sent");
    }

    /// The texts of the channel as the service holds them, by index.
    fn stored(&mut self) -> BTreeMap<u64, String> {
        let list = self.stage.admin("messages", &json!({ "channel": self.room.as_str() }));
        let list = list.expect("the channel is there");
        let list = list.get("messages").unwrap_or(&list);
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |item: &Value| item.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        items.iter().filter_map(|item| Some((item.get("index")?.as_u64()?, text(item)))).collect()
    }
}

/// One thing that the service does wrong. What is late is executed before the client gives it up for lost.
fn fault(script: &mut Script<'_>) -> Value {
    let kind = script.byte();
    let process = script.once_in(2);
    let late = u64::from(script.byte()) * 7;
    let status = [500, 502, 503, 504].get(usize::from(kind / 64)).copied().unwrap_or(503);
    let op = ["drop", "dup", "swap", "delay"].get(usize::from(kind / 64)).copied().unwrap_or("dup");
    match kind % 8 {
        0 => json!({"on": "http", "status": 429}),
        1 => json!({"on": "http", "match": {"method": "POST"}, "status": status, "process": process}),
        2 => json!({"on": "http", "noReply": true, "process": process}),
        3 => json!({"on": "http", "drop": true}),
        4 => json!({"on": "http", "delayMs": late, "process": process}),
        5 => json!({"on": "command", "delayMs": late, "process": process}),
        6 => json!({"on": "command", "noReply": true, "process": process}),
        _ => json!({"on": "event", "op": op, "delayMs": late}),
    }
}
