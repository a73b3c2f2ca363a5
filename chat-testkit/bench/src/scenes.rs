//! What is not one frame: whole conversations, told again to a client that is made anew, and single calls.

use std::time::Duration;

use chat_bench::rig::{Rig, Tape, config, replay, token};
use chat_bench::ring::Place;
use chat_proto::{
    Call, CallOptions, ChannelSid, Client, Direction, GetMessages, Json, Saved, Seed, SendMessage,
};
use chat_testkit::simulate::Simulation;
use serde_json::json;

use crate::counted::Counter;

/// How often the polls are done.
const POLLS: usize = 1000;

/// A piece of work that can be made ready again and again; making it ready is not measured, nor is what is left of it.
pub(crate) struct Scene {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// What the figures are for: so many of these are in it.
    pub(crate) units: usize,
    /// What one of them is.
    pub(crate) unit: &'static str,
    /// Makes it ready.
    pub(crate) ready: Box<dyn Fn() -> Box<dyn FnMut()>>,
}

/// All of them whose name the filter lets pass.
pub(crate) fn all(wants: &dyn Fn(&str) -> bool) -> Vec<Scene> {
    type Make = fn(&'static str) -> Scene;
    let all: [(&str, Make); 9] = [
        ("call to frame", call_to_frame),
        ("empty poll_command", |name| poll(name, |client| client.poll_command().is_some())),
        ("empty poll_event", |name| poll(name, |client| client.poll_event().is_some())),
        ("deadline", |name| poll(name, |client| client.deadline().is_some())),
        ("start, 1,000 channels", start),
        ("subscribe 1,000 objects", subscribe),
        ("page of 100 messages", page),
        ("save", save),
        ("resume", resume),
    ];
    all.into_iter().filter(|(name, _)| wants(name)).map(|(name, make)| make(name)).collect()
}

/// Counts them.
pub(crate) fn count(counter: &mut Counter<'_>) {
    for scene in all(&|name| counter.wants(name)) {
        let mut work = (scene.ready)();
        counter.count(scene.name, scene.units, 1, &mut work, |_| (), |work| work());
    }
}

fn call_to_frame(name: &'static str) -> Scene {
    let place = Place::new(20, 50, 100);
    let ready = move || -> Box<dyn FnMut()> {
        let mut place = place.clone();
        let now = place.now();
        let send = |channel: &ChannelSid| {
            Call::SendMessage(SendMessage {
                channel: channel.clone(),
                body: Some("the meeting moves to Thursday because nobody can come before noon".into()),
                attributes: Json::parse(r#"{"mood":"fine"}"#).expect("JSON"),
            })
        };
        let mut calls: Vec<Call> = place.rooms().iter().map(send).collect();
        Box::new(move || {
            for call in calls.drain(..) {
                let client = place.client();
                client.call(now, call, CallOptions::default()).expect("the call is accepted");
                assert!(client.poll_command().is_some(), "its frame leaves at once");
            }
        })
    };
    Scene { name, units: 20, unit: "call", ready: Box::new(ready) }
}

fn poll(name: &'static str, poll: fn(&mut Client) -> bool) -> Scene {
    let place = Place::new(20, 50, 100);
    let ready = move || -> Box<dyn FnMut()> {
        let mut place = place.clone();
        Box::new(move || {
            let client = place.client();
            for _ in 0..POLLS {
                std::hint::black_box(poll(std::hint::black_box(client)));
            }
        })
    };
    Scene { name, units: POLLS, unit: "poll", ready: Box::new(ready) }
}

/// A rig in which so many channels with two people each have one message, and what it takes to start there.
pub(crate) fn started(channels: usize, latency: Duration) -> (Rig, Tape) {
    let seed = json!({ "channels": channels, "identity": "alice", "also": ["bob"], "messages": 1 });
    let mut rig = Rig::with("alice", &[seed], config(), latency);
    rig.record();
    rig.settle();
    assert_eq!(rig.client.state().channels().len(), channels, "all channels are there");
    let tape = rig.take_tape();
    (rig, tape)
}

fn start(name: &'static str) -> Scene {
    let (rig, tape) = started(1000, Duration::from_millis(1));
    let ready = move || -> Box<dyn FnMut()> {
        let (mut client, tape) = (rig.fresh_client(), tape.clone());
        Box::new(move || {
            replay(&mut client, &tape);
        })
    };
    Scene { name, units: 1000, unit: "channel", ready: Box::new(ready) }
}

/// A client comes back, and everything that it knows is subscribed again.
fn subscribe(name: &'static str) -> Scene {
    let (mut rig, _) = started(333, Duration::from_millis(1));
    let client = rig.client.clone();
    rig.record();
    rig.cut();
    rig.settle();
    let tape = rig.take_tape();
    let ready = move || -> Box<dyn FnMut()> {
        let (mut client, tape) = (client.clone(), tape.clone());
        Box::new(move || {
            replay(&mut client, &tape);
        })
    };
    Scene { name, units: 1000, unit: "object", ready: Box::new(ready) }
}

fn page(name: &'static str) -> Scene {
    let seed = json!({ "channels": 1, "identity": "alice", "also": ["bob"], "messages": 500 });
    let mut rig = Rig::new("alice", &[seed]);
    rig.settle();
    let channel = rig.client.state().channels()[0].sid.clone();
    let client = rig.client.clone();
    rig.record();
    let page = GetMessages {
        page_size: 100,
        anchor: Some(300),
        direction: Direction::Backwards,
        ..GetMessages::newest(channel)
    };
    rig.ask(Call::GetMessages(page));
    let tape = rig.take_tape();
    let ready = move || -> Box<dyn FnMut()> {
        let (mut client, tape) = (client.clone(), tape.clone());
        Box::new(move || {
            replay(&mut client, &tape);
        })
    };
    Scene { name, units: 100, unit: "message", ready: Box::new(ready) }
}

/// 20 channels, 50 people in each, 100 messages in each: 3,000 things in all.
const KEPT: usize = 20 * (50 + 100);

fn save(name: &'static str) -> Scene {
    let place = Place::new(20, 50, 100);
    let ready = move || -> Box<dyn FnMut()> {
        let mut place = place.clone();
        let mut kept = Vec::with_capacity(1);
        Box::new(move || {
            let now = place.now();
            let saved = place.client().save(now);
            kept.push(serde_json::to_vec(&saved).expect("a save is JSON"));
        })
    };
    Scene { name, units: KEPT, unit: "thing kept", ready: Box::new(ready) }
}

fn resume(name: &'static str) -> Scene {
    let mut place = Place::new(20, 50, 100);
    let now = place.now();
    let saved = serde_json::to_vec(&place.client().save(now)).expect("a save is JSON");
    let ready = move || -> Box<dyn FnMut()> {
        let saved = saved.clone();
        let mut kept = Vec::with_capacity(1);
        let token = token("alice");
        Box::new(move || {
            let saved: Saved = serde_json::from_slice(&saved).expect("it was just made");
            let resumed = Client::resume(config(), token.clone(), &Seed::from_number(8), now, saved);
            kept.push(resumed.expect("a save of the same version"));
        })
    };
    Scene { name, units: KEPT, unit: "thing kept", ready: Box::new(ready) }
}

/// Steps of the simulator in a second, on one processor, every law checked.
pub(crate) fn simulator(worlds: u64) -> f64 {
    let outcome = Simulation { worlds, jobs: 1, ..Simulation::new(1) }.run::<Client>(|_| ());
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand steps")]
    let steps = outcome.steps as f64;
    steps / outcome.elapsed.as_secs_f64()
}
