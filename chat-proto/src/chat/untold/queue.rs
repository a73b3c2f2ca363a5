//! What waits while the messages of which no event told are read.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::sync::{Change, Freshness};

/// How many events of a list may wait (law 8). Beyond it they do not wait: what they added is read, like the rest.
const WAITING: usize = 1000;

/// Messages are being read: the events of the list wait until those are told, so that all are told in order.
#[derive(Debug, Clone, Default)]
pub(in crate::chat) struct Untold {
    pub(super) waiting: Vec<Waiting>,
    /// The newest message that the channel's document named when the read began.
    pub(super) newest: Option<u64>,
    /// The lowest index that was read whose event is still to come.
    pub(super) ahead: Option<u64>,
    /// Events were passed over since the read began: what they told of need not be in its answer.
    pub(super) again: bool,
    /// It failed, and is to begin anew when the client reads again what it lacks.
    pub(super) resting: bool,
}

/// An event of a message list that waits.
#[derive(Debug, Clone)]
pub(in crate::chat) struct Waiting {
    pub(in crate::chat) change: Change,
    pub(in crate::chat) index: u64,
    pub(in crate::chat) data: Box<str>,
    pub(in crate::chat) freshness: Freshness,
    /// Its id; `None` when it came out of turn, or was read instead.
    pub(in crate::chat) event: Option<i64>,
}

impl Untold {
    /// Lets an event wait. An addition out of turn goes before what comes after it in the list.
    pub(in crate::chat) fn wait(&mut self, event: Waiting) {
        if event.change != Change::Added || event.event.is_some() {
            return self.waiting.push(event);
        }
        if self.adds(event.index) {
            return;
        }
        let after = |other: &Waiting| {
            other.index == event.index || (other.change == Change::Added && other.index > event.index)
        };
        let place = self.waiting.iter().position(after).unwrap_or(self.waiting.len());
        self.waiting.insert(place, event);
    }

    /// What waits in vain, once it is too much: changes and removals, of which reading does not tell. Additions are read.
    pub(in crate::chat) fn overflow(&mut self) -> Vec<Waiting> {
        if self.waiting.len() <= WAITING {
            return Vec::new();
        }
        self.again = true;
        let mut all = core::mem::take(&mut self.waiting);
        all.retain(|event| event.change != Change::Added);
        all
    }

    /// The lowest id of the events that wait: the app was told none from here on.
    pub(in crate::chat) fn first_waiting(&self) -> Option<i64> {
        self.waiting.iter().filter_map(|waiting| waiting.event).min()
    }

    /// Whether the addition of this message waits.
    pub(super) fn adds(&self, index: u64) -> bool {
        self.waiting.iter().any(|event| event.index == index && event.change == Change::Added)
    }

    /// Whether the addition of an earlier message waits.
    pub(super) fn adds_before(&self, index: u64) -> bool {
        self.waiting.iter().any(|event| event.index < index && event.change == Change::Added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(change: Change, index: u64, event: Option<i64>) -> Waiting {
        Waiting { change, index, data: Box::default(), freshness: Freshness::New, event }
    }

    fn order(untold: &Untold) -> Vec<(Change, u64)> {
        untold.waiting.iter().map(|event| (event.change, event.index)).collect()
    }

    #[test]
    fn an_addition_out_of_turn_takes_its_place() {
        let mut untold = Untold::default();
        for (change, index, id) in [
            (Change::Added, 4, 10),
            (Change::Updated, 6, 11),
            (Change::Removed, 1, 12),
            (Change::Added, 8, 13),
        ] {
            untold.wait(event(change, index, Some(id)));
        }
        // Read, late, late once more, read after all that wait.
        for index in [6, 2, 2, 9, 8] {
            untold.wait(event(Change::Added, index, None));
        }
        let expected = [
            (Change::Added, 2),
            (Change::Added, 4),
            (Change::Added, 6),
            (Change::Updated, 6),
            (Change::Removed, 1),
            (Change::Added, 8),
            (Change::Added, 9),
        ];
        assert_eq!(order(&untold), expected);
        assert_eq!(untold.first_waiting(), Some(10));
    }

    #[test]
    fn too_much_is_read_again() {
        let mut untold = Untold::default();
        for index in 0..1000 {
            untold.wait(event(Change::Added, index, i64::try_from(index).ok()));
            assert!(untold.overflow().is_empty() && !untold.again);
        }
        untold.wait(event(Change::Removed, 3, Some(1000)));
        let told: Vec<_> = untold.overflow().iter().map(|event| (event.change, event.index)).collect();
        assert_eq!(told, [(Change::Removed, 3)]);
        assert!(untold.again && untold.waiting.is_empty());
    }
}
