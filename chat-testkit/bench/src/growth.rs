//! Goal 7: a frame costs the same in however many channels a client is.

use std::collections::HashMap;

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

/// What memory costs however little of it is touched: (b), one look into a map that is as large as the client, and one
/// write to what is found.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    ring: &'a mut Ring,
    map: HashMap<u64, Box<[u8]>>,
}

/// The objects of a channel that frames are about: its document, its list, its map.
const OBJECTS: usize = 3;

impl<'a> Memory<'a> {
    /// For the frames of a ring. A channel takes so many bytes.
    pub(crate) fn new(ring: &'a mut Ring, bytes_of_a_channel: usize) -> Self {
        let objects = OBJECTS * ring.place.rooms().len();
        let object = || vec![0; bytes_of_a_channel / OBJECTS].into_boxed_slice();
        let map = (0..objects as u64).map(|n| (n, object())).collect();
        Self { ring, map }
    }

    /// Makes new frames.
    pub(crate) fn fill(&mut self) {
        self.ring.fill(SLICE);
    }

    /// Does it once with every frame.
    pub(crate) fn run(&mut self) {
        std::hint::black_box(self.ring.run(Work::Borrow));
        for frame in self.ring.frames() {
            let object = object_of(frame) % self.map.len().max(1) as u64;
            if let Some(byte) = self.map.get_mut(&object).and_then(|object| object.first_mut()) {
                *byte = byte.wrapping_add(1);
            }
        }
    }
}

/// A number for the object that a frame names: as evenly spread as SIDs are.
fn object_of(frame: &[u8]) -> u64 {
    let name = memchr::memmem::find(frame, b"_sid\":\"").and_then(|at| frame.get(at + 9..at + 25));
    name.unwrap_or_default()
        .iter()
        .fold(0_u64, |number, digit| number.wrapping_mul(31).wrapping_add(u64::from(*digit)))
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
