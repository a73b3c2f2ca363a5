//! Goal 7: a frame costs the same in however many channels a client is.

use chat_bench::frames::Kind;
use chat_bench::ring::{Place, Ring, SLICE, Work};

use crate::counted::Counter;

/// In how many channels of two people each.
pub(crate) const CHANNELS: [usize; 4] = [10, 100, 1_000, 10_000];
/// The most for which instructions are counted: a start with more takes too long under callgrind.
const COUNTED: usize = 1_000;

/// The name of the benchmark.
pub(crate) fn name_of(channels: usize) -> String {
    format!("mix in {channels} channels")
}

/// A ring for a client in so many channels, warm.
pub(crate) fn ring(channels: usize) -> Ring {
    let mut ring = Ring::new(Kind::Mix, &Place::new(channels, 2, 1));
    // Every channel has been heard of.
    for _ in 0..(4 * channels).div_ceil(SLICE) + 2 {
        ring.run(Work::Core);
        ring.fill(SLICE);
    }
    ring
}

/// Counts.
pub(crate) fn count(counter: &mut Counter<'_>) {
    for channels in CHANNELS.into_iter().filter(|channels| *channels <= COUNTED) {
        let name = name_of(channels);
        if counter.wants(&name) {
            let mut ring = ring(channels);
            let fill = |ring: &mut Ring| ring.fill(SLICE);
            counter.count(&name, SLICE, 8, &mut ring, fill, |ring| {
                std::hint::black_box(ring.run(Work::Core));
            });
        }
    }
}
