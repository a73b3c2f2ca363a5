use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chat_proto::Time;

/// What is going to happen, in the order of its times; what is due at the same time happens in the order of its
/// planning.
#[derive(Debug, Clone)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Reverse<(Time, u64, Ignored<T>)>>,
    next: u64,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }

    pub(super) fn plan(&mut self, at: Time, what: T) {
        self.heap.push(Reverse((at, self.next, Ignored(what))));
        self.next += 1;
    }

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    pub(super) fn take(&mut self) -> Option<T> {
        self.heap.pop().map(|Reverse((_, _, Ignored(what)))| what)
    }
}

/// A value that does not count in comparisons: the number before it is never the same twice.
#[derive(Debug, Clone)]
struct Ignored<T>(T);

impl<T> PartialEq for Ignored<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Ignored<T> {}

impl<T> PartialOrd for Ignored<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ignored<T> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earliest_first_and_equal_times_in_order() {
        let mut queue = Queue::new();
        for (at, what) in [(5, "c"), (1, "a"), (5, "d"), (3, "b")] {
            queue.plan(Time::from_millis(at), what);
        }
        assert_eq!(queue.next_at(), Some(Time::from_millis(1)));
        let order: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }
}
