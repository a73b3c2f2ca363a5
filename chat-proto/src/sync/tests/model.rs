//! A small service against the stage, with random faults: whatever happens, each event is told once and in order.

use std::collections::{BTreeMap, VecDeque};
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::rig::{LIST, MAP, Rig, list_item, map_item};
use crate::config::Config;
use crate::sync::{Kind, Tag, Timer};
use crate::twilsock::{HttpReply, RequestError};

/// How a service may replay (spec 02 §2.11 steps 3 to 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replay {
    /// Up to the newest event, also those that were sent live meanwhile.
    CatchesUp,
    /// What there was when the poke came; the acknowledgement states the newest event. No live event may be lost.
    Snapshot,
    /// What there was when the poke came, and the acknowledgement says so.
    HonestSnapshot,
}

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// An object changes. `fault`: its live event is lost (0), doubled (1), or swapped with the one before (2).
    Mutate {
        object: usize,
        op: u8,
        key: u8,
        fault: u8,
    },
    /// The service takes the oldest request; its answer may get lost.
    Serve {
        lose_reply: bool,
    },
    /// The service goes on with a replay; acknowledgements may get lost, replays interrupted.
    Replay {
        object: usize,
        lose_ack: bool,
        interrupt: bool,
    },
    /// The client hears of the oldest messages.
    Deliver {
        count: u8,
    },
    Pass {
        ms: u16,
    },
    /// The connection is cut and comes back.
    Cut,
    /// The app stops taking events, and takes them all.
    Flood,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..2_usize, 0..3_u8, 0..4_u8, 0..8_u8).prop_map(|(object, op, key, fault)| Step::Mutate { object, op, key, fault }),
        4 => any::<bool>().prop_map(|lose| Step::Serve { lose_reply: lose }),
        8 => (0..2_usize, 0..8_u8, 0..8_u8).prop_map(|(object, a, b)| Step::Replay { object, lose_ack: a == 0, interrupt: b == 0 }),
        8 => (1..6_u8).prop_map(|count| Step::Deliver { count }),
        4 => (1..400_u16).prop_map(|ms| Step::Pass { ms }),
        1 => (5_000..20_000_u16).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Cut),
        1 => Just(Step::Flood),
        2 => Just(Step::Drain),
    ]
}

enum Message {
    Notification { message_type: &'static str, payload: String, live: Option<usize> },
    Reply { tag: Tag, result: Result<(u16, String), RequestError> },
}

/// A replay that is under way.
struct Replaying {
    correlation_id: u64,
    next: i64,
    snapshot: i64,
}

#[derive(Default)]
struct Object {
    log: Vec<(&'static str, u8)>,
    live: bool,
    replaying: Option<Replaying>,
}

impl Object {
    fn last(&self) -> i64 {
        i64::try_from(self.log.len()).unwrap() - 1
    }
}

struct World {
    rig: Rig,
    mode: Replay,
    objects: [Object; 2],
    wire: VecDeque<Message>,
    unanswered: Vec<Tag>,
    told: BTreeMap<u64, Vec<i64>>,
}

const SIDS: [&str; 2] = [LIST, MAP];
const KINDS: [Kind; 2] = [Kind::List, Kind::Map];
/// Both objects have seen this much when they are opened.
const BASE: i64 = 2;

impl World {
    fn new(mode: Replay) -> Self {
        let mut config = Config::default();
        config.limits.events = 3;
        let mut rig = Rig::with(config);
        rig.go_online();
        let mut objects = [Object::default(), Object::default()];
        let mut told = BTreeMap::new();
        for (object, (sid, kind)) in objects.iter_mut().zip(SIDS.into_iter().zip(KINDS)) {
            object.log = [("added", 0), ("added", 1), ("removed", 0)].into();
            told.insert(rig.open(kind, sid, BASE).0, Vec::new());
        }
        Self { rig, mode, objects, wire: VecDeque::new(), unanswered: Vec::new(), told }
    }

    fn event(&self, object: usize, id: i64) -> (String, Value) {
        let (what, key) = self.objects[object].log[usize::try_from(id).unwrap()];
        if object == 0 {
            (std::format!("list_item_{what}"), list_item(id, key.into()))
        } else {
            (std::format!("map_item_{what}"), map_item(id, &key.to_string()))
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Mutate { object, op, key, fault } => self.mutate(object, op, key, fault),
            Step::Serve { lose_reply } => self.serve(lose_reply),
            Step::Replay { object, lose_ack, interrupt } => self.replay(object, lose_ack, interrupt),
            Step::Deliver { count } => (0..count).for_each(|_| self.deliver()),
            Step::Pass { ms } => self.rig.pass(ms.into()),
            Step::Cut => self.cut(),
            Step::Flood => self.rig.flood(),
            Step::Drain => self.drain(),
        }
        self.hear();
    }

    fn mutate(&mut self, index: usize, op: u8, key: u8, fault: u8) {
        let object = &mut self.objects[index];
        object.log.push((["added", "updated", "removed"][usize::from(op)], key));
        if !object.live {
            return;
        }
        let (event_type, event) = self.event(index, self.objects[index].last());
        let payload =
            json!({"event_type": event_type, "event_protocol_version": 3, "event": event}).to_string();
        let message_type = ["com.twilio.rtd.cds.list", "com.twilio.rtd.cds.map"][index];
        let message = || Message::Notification { message_type, payload: payload.clone(), live: Some(index) };
        let after_live = matches!(self.wire.back(), Some(Message::Notification { live: Some(before), .. }) if *before == index);
        match fault {
            0 if self.mode != Replay::Snapshot => {}
            1 => self.wire.extend([message(), message()]),
            2 if after_live => {
                let before = self.wire.pop_back();
                self.wire.push_back(message());
                self.wire.extend(before);
            }
            _ => self.wire.push_back(message()),
        }
    }

    fn serve(&mut self, lose_reply: bool) {
        let Some((_, tag, request)) = self.rig.sent.pop_front() else { return };
        let body: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["action"], "establish");
        for entry in body["requests"].as_array().unwrap() {
            let index = usize::from(entry["object_sid"] == MAP);
            let object = &mut self.objects[index];
            object.live = true;
            object.replaying = Some(Replaying {
                correlation_id: body["correlation_id"].as_u64().unwrap(),
                next: entry["last_event_id"].as_i64().unwrap() + 1,
                snapshot: object.last(),
            });
        }
        self.unanswered.push(tag);
        let result = if lose_reply {
            Err(RequestError::TimedOut)
        } else {
            Ok((202, r#"{"estimated_delivery_in_ms":10000,"max_batch_size":1000,"ttl_in_s":86400}"#.into()))
        };
        self.wire.push_back(Message::Reply { tag, result });
    }

    fn replay(&mut self, index: usize, lose_ack: bool, interrupt: bool) {
        let mode = self.mode;
        let object = &mut self.objects[index];
        let last = object.last();
        let Some(replaying) = &mut object.replaying else { return };
        let correlation_id = replaying.correlation_id;
        let end = if mode == Replay::CatchesUp { last } else { replaying.snapshot };
        let done = replaying.next > end;
        let (event_type, event) = if done || interrupt {
            let last = if mode == Replay::HonestSnapshot { replaying.snapshot } else { last };
            let ack = if done {
                json!({"object_sid": SIDS[index], "replay_status": "completed", "last_event_id": last})
            } else {
                json!({"object_sid": SIDS[index], "replay_status": "interrupted"})
            };
            object.replaying = None;
            // An interrupted replay leaves no subscription.
            object.live = done;
            if lose_ack {
                return;
            }
            ("subscription_established".into(), ack)
        } else {
            let id = replaying.next;
            replaying.next += 1;
            self.event(index, id)
        };
        let payload =
            json!({"event_type": event_type, "correlation_id": correlation_id, "event": event}).to_string();
        self.wire.push_back(Message::Notification { message_type: "twilio.sync.event", payload, live: None });
    }

    fn deliver(&mut self) {
        match self.wire.pop_front() {
            Some(Message::Notification { message_type, payload, .. }) => {
                self.rig.notify_text(message_type, &payload);
            }
            Some(Message::Reply { tag, result }) => {
                self.unanswered.retain(|unanswered| *unanswered != tag);
                match result {
                    Ok((status, body)) => {
                        self.rig.reply(tag, Ok(HttpReply { status, body: body.as_bytes() }));
                    }
                    Err(error) => self.rig.reply(tag, Err(error)),
                }
            }
            None => {}
        }
    }

    fn cut(&mut self) {
        self.wire.clear();
        for object in &mut self.objects {
            object.live = false;
            object.replaying = None;
        }
        self.rig.go_offline();
        let mut lost = core::mem::take(&mut self.unanswered);
        lost.extend(self.rig.sent.drain(..).map(|(_, tag, _)| tag));
        for tag in lost {
            self.rig.reply(tag, Err(RequestError::Lost));
        }
        self.rig.go_online();
    }

    fn drain(&mut self) {
        self.rig.events();
        if self.rig.sync.is_behind() {
            self.rig.cx.timers.arm(Timer::Behind, self.rig.cx.now);
        }
    }

    /// Notes what was told: the data of an item is the id of its event.
    fn hear(&mut self) {
        for output in self.rig.outputs.drain(..) {
            if let crate::sync::Output::Item { entity, item, .. } = output {
                let data: Value = serde_json::from_str(item.data.get()).unwrap();
                self.told.get_mut(&entity.0).unwrap().push(data["v"].as_i64().unwrap());
            }
        }
    }

    /// No more faults: everything comes to rest.
    fn settle(&mut self) {
        self.drain();
        self.cut();
        for _ in 0..100 {
            while !self.rig.sent.is_empty() {
                self.serve(false);
            }
            for index in 0..2 {
                while self.objects[index].replaying.is_some() {
                    self.replay(index, false, false);
                }
            }
            while !self.wire.is_empty() {
                self.deliver();
            }
            self.drain();
            self.hear();
            self.rig.pass(1_000);
        }
        assert!(self.rig.sent.is_empty(), "it comes to rest");
    }

    fn check(&self) {
        for (object, told) in self.objects.iter().zip(self.told.values()) {
            let expected: Vec<i64> = (BASE + 1..=object.last()).collect();
            assert_eq!(*told, expected, "each event once and in order");
        }
    }
}

fn run(mode: Replay, steps: &[Step]) {
    let mut world = World::new(mode);
    for step in steps {
        world.step(step);
    }
    world.settle();
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_event_is_told_once_and_in_order(
        mode in prop_oneof![Just(Replay::CatchesUp), Just(Replay::Snapshot), Just(Replay::HonestSnapshot)],
        steps in prop::collection::vec(step(), 0..120),
    ) {
        run(mode, &steps);
    }

    #[test]
    fn no_notification_panics(
        message_type in prop_oneof![Just("twilio.sync.event"), Just("com.twilio.rtd.cds.list")],
        payloads in prop::collection::vec(payload(), 0..20),
    ) {
        let mut rig = Rig::online();
        rig.open(Kind::List, LIST, -1);
        rig.open(Kind::Map, MAP, -1);
        rig.pass(120);
        for payload in payloads {
            rig.notify_text(message_type, &payload);
        }
    }
}

/// Notifications that are nearly right.
fn payload() -> impl Strategy<Value = String> {
    let id = prop_oneof![
        Just("0"),
        Just("1"),
        Just("-1"),
        Just("9223372036854775807"),
        Just("1.5"),
        Just("null"),
        Just("\"1\"")
    ];
    let event_type = prop_oneof![
        Just("list_item_added"),
        Just("list_item_removed"),
        Just("list_context_updated"),
        Just("list_removed"),
        Just("map_item_updated"),
        Just("map_x"),
        Just("subscription_established"),
        Just("subscription_failed"),
        Just("subscription_canceled"),
    ];
    let correlation = prop_oneof![Just("1100"), Just("0"), Just("null"), Just("[]"), Just("1e9")];
    (event_type, correlation, id.clone(), id, any::<bool>(), 0..400_usize).prop_map(|(event_type, correlation, id, other, many, cut)| {
        let event = std::format!(
            r#"{{"id":{id},"list_sid":"ES1","map_sid":"MP1","object_sid":"ES1","item_index":{other},"item_key":"k","item_data":{other},"context_data":{{}},"replay_status":"completed","last_event_id":{other},"error":{{"status":404}}}}"#
        );
        let event = if many { std::format!(r#""events":[{event},{event}]"#) } else { std::format!(r#""event":{event}"#) };
        let text = std::format!(r#"{{"event_type":"{event_type}","correlation_id":{correlation},{event}}}"#);
        if cut < 40 { text.get(..cut * 5).unwrap_or(&text).into() } else { text }
    })
}
