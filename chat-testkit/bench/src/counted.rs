//! The benchmarks whose instructions and allocations are counted. They run one after the other in one process, each
//! warmed up first; nothing but the work itself is counted.

use chat_bench::frames::Kind;
use chat_bench::ring::{Place, Ring, SLICE, Work};

use crate::measure::{Memory, counted_by_callgrind, memory, written_by_callgrind};
#[cfg(feature = "peer")]
use crate::peer;
use crate::{growth, scenes};

/// How many slices of frames are counted.
const SLICES: usize = 8;

/// What was counted of one benchmark.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Count {
    /// Its name.
    pub(crate) name: String,
    /// How many things were done (frames, calls, …): figures are told for one of them.
    pub(crate) units: u64,
    /// In all.
    pub(crate) allocations: u64,
    /// In all; 0 when nobody counted.
    pub(crate) instructions: u64,
}

impl Count {
    /// Allocations for one.
    pub(crate) fn allocations_each(&self) -> f64 {
        ratio(self.allocations, self.units)
    }

    /// Instructions for one.
    pub(crate) fn instructions_each(&self) -> f64 {
        ratio(self.instructions, self.units)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(sum: u64, units: u64) -> f64 {
    sum as f64 / units.max(1) as f64
}

/// Counts, and tells of each benchmark as it is done.
pub(crate) struct Counter<'a> {
    /// Only benchmarks whose name contains this.
    only: &'a str,
    tell: &'a mut dyn FnMut(Count),
}

impl Counter<'_> {
    /// Whether this benchmark is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(self.only)
    }

    /// Counts the work; `slices` times, with `before` uncounted before each.
    pub(crate) fn count<S>(
        &mut self,
        name: &str,
        units: usize,
        slices: usize,
        state: &mut S,
        before: impl Fn(&mut S),
        work: impl Fn(&mut S),
    ) {
        let mut total = Memory::default();
        for _ in 0..slices {
            before(state);
            let (done, ()) = memory(|| counted_by_callgrind(&mut || work(state)));
            total.allocations += done.allocations;
        }
        written_by_callgrind();
        let units = (units * slices) as u64;
        (self.tell)(Count { name: name.to_owned(), units, allocations: total.allocations, instructions: 0 });
    }
}

/// Counts everything whose name contains `only`.
pub(crate) fn all(only: &str, tell: &mut dyn FnMut(Count)) {
    let mut counter = Counter { only, tell };
    frames(&mut counter);
    scenes::count(&mut counter);
    growth::count(&mut counter);
    #[cfg(feature = "peer")]
    peer::count(&mut counter);
}

/// The name of what is done with frames of a kind.
pub(crate) fn name_of(kind: Kind, work: Work) -> String {
    format!("{}: {}", kind.name(), work.name())
}

fn frames(counter: &mut Counter<'_>) {
    let mut place = None;
    for (kind, _) in Kind::ALL {
        for work in [Work::Borrow, Work::Core, Work::Value, Work::Split] {
            let name = name_of(kind, work);
            let rare = matches!(work, Work::Value | Work::Split) && kind != Kind::Message;
            if rare || !counter.wants(&name) {
                continue;
            }
            let place = place.get_or_insert_with(|| Place::new(20, 50, 100));
            let mut ring = Ring::new(kind, place);
            for _ in 0..2 {
                ring.run(work);
                ring.fill(SLICE);
            }
            counter.count(
                &name,
                SLICE,
                SLICES,
                &mut ring,
                |ring| ring.fill(SLICE),
                |ring| {
                    std::hint::black_box(ring.run(work));
                },
            );
        }
    }
}
