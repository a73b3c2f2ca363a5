//! What is counted while a piece of work runs: allocations by the allocator, instructions by callgrind, which knows by
//! the names of two functions here when to count and when to write down.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// What the allocator did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Allocations; a reallocation is one as well.
    pub(crate) allocations: u64,
    /// How many bytes more are in use than before.
    pub(crate) live: i64,
}

/// Runs the work, and tells what the allocator did meanwhile.
pub(crate) fn memory<T>(work: impl FnOnce() -> T) -> (Memory, T) {
    let before = Region::new(ALLOCATOR);
    let done = work();
    let change = before.change();
    // A reallocation is in the two sums of bytes already.
    let live = i64::try_from(change.bytes_allocated).unwrap_or(0)
        - i64::try_from(change.bytes_deallocated).unwrap_or(0);
    let allocations = change.allocations + change.reallocations;
    (Memory { allocations: allocations as u64, live }, done)
}

/// Callgrind counts while this runs (`--toggle-collect`).
#[inline(never)]
pub(crate) fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
    // Not a tail call, or its end could not be seen.
    std::hint::black_box(());
}

/// Callgrind writes down what it counted, and begins anew (`--dump-after`).
#[inline(never)]
pub(crate) fn written_by_callgrind() {
    std::hint::black_box(());
}
