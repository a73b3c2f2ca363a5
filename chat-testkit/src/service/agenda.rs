//! What is to happen later.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_proto::Time;

/// Things that are due, in the order of their time, then of their making.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    due: BTreeMap<(Time, u64), T>,
    made: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), made: 0 }
    }
}

impl<T> Agenda<T> {
    pub(crate) fn at(&mut self, time: Time, what: T) {
        self.made += 1;
        self.due.insert((time, self.made), what);
    }

    pub(crate) fn after_ms(&mut self, now: Time, ms: u64, what: T) {
        self.at(now + Duration::from_millis(ms), what);
    }

    /// The next thing that is due by `now`, and when it was due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(Time, T)> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now).then(|| {
            let ((time, _), what) = entry.remove_entry();
            (time, what)
        })
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.due.first_key_value().map(|((time, _), _)| *time)
    }
}
