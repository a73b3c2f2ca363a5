//! Goal 4: the room that a client takes, without any transport: the bytes that are in use, told by the allocator.

use std::time::Duration;

use chat_bench::rig::{Rig, config, replay};
use chat_bench::ring::Place;
use chat_proto::Client;
use serde_json::{Value, json};

use crate::measure::memory;
use crate::scenes;

/// Bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// A client that is connected and in no channel.
    pub(crate) idle: i64,
    /// One more member of a channel.
    pub(crate) member: i64,
    /// One more message that is kept, its text and attributes left out.
    pub(crate) message: i64,
    /// A client in 1,000 channels of two people each.
    pub(crate) thousand: i64,
}

/// Measures it. Each client is made anew and told what another one was told, so that nothing is left of how it was made.
pub(crate) fn measure() -> Room {
    const MORE: i64 = 1000;
    let shell = i64::try_from(size_of::<Client>()).unwrap_or(0);
    let (few, many) = (in_a_room_with(2), in_a_room_with(2 + 1000));
    Room {
        idle: shell + started(&[]),
        member: (many - few) / MORE,
        message: message(),
        thousand: shell + {
            let (rig, tape) = scenes::started(1000, Duration::from_millis(1));
            told(&rig, &tape)
        },
    }
}

fn told(rig: &Rig, tape: &chat_bench::rig::Tape) -> i64 {
    let (taken, client) = memory(|| {
        let mut client = rig.fresh_client();
        replay(&mut client, tape);
        client
    });
    drop(client);
    taken.live
}

fn started(seeds: &[Value]) -> i64 {
    let mut rig = Rig::with("alice", seeds, config(), Duration::from_millis(1));
    rig.record();
    rig.settle();
    let tape = rig.take_tape();
    told(&rig, &tape)
}

fn in_a_room_with(people: usize) -> i64 {
    let also: Vec<Value> = (1..people).map(|n| format!("person-{n:04}").into()).collect();
    started(&[json!({ "channels": 1, "identity": "alice", "also": also })])
}

/// What twenty channels keep of about fifty messages each, but for the texts.
fn message() -> i64 {
    let mut place = Place::new(20, 2, 0);
    let (taken, ()) = memory(|| place.post(20 * 50));
    let rooms = place.rooms().to_vec();
    let state = place.client().state();
    let messages = rooms.iter().flat_map(|room| state.messages(room));
    let texts = |message: &std::sync::Arc<chat_proto::Message>| {
        message.body.as_ref().map_or(0, |text| text.len()) + message.attributes.as_str().len()
    };
    let (count, bytes) = messages.fold((0, 0), |(n, sum), message| (n + 1, sum + texts(message)));
    (taken.live - i64::try_from(bytes).unwrap_or(0)) / i64::max(count, 1)
}

/// Holds a client in so many channels, for a heap profiler to look at.
pub(crate) fn hold(channels: usize) -> ! {
    let (rig, tape) = scenes::started(channels, Duration::from_millis(1));
    let mut client = rig.fresh_client();
    replay(&mut client, &tape);
    drop(rig);
    drop(tape);
    std::hint::black_box(&client);
    std::process::exit(0);
}
