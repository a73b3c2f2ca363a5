//! The suite.

use std::time::Duration;

use chat_bench::rig::{Rig, replay};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let seed = serde_json::json!({ "channels": 1000, "identity": "alice", "also": ["bob"], "messages": 1 });
    let mut rig = Rig::with("alice", &[seed], chat_bench::rig::config(), Duration::from_millis(50));
    rig.record();
    rig.settle();
    let tape = rig.take_tape();
    println!("{} channels, {:?}", rig.client.state().channels().len(), rig.traffic);
    for _ in 0..3 {
        let mut client = rig.fresh_client();
        let begun = std::time::Instant::now();
        let before = Region::new(ALLOCATOR);
        let done = replay(&mut client, &tape);
        let took = begun.elapsed();
        println!("{done:?} in {took:?}, {:?}", before.change());
    }
}
