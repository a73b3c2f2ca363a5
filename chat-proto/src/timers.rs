//! One table for all timers of a client: named, at most one of each name, with a cached minimum.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::time::{Deadline, Time, Why};

/// What fires. One name, one timer: arming a name again moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// Belongs to [`crate::twilsock`].
    Twilsock(crate::twilsock::Timer),
    /// Belongs to [`crate::sync`].
    Sync(crate::sync::Timer),
    /// Belongs to [`crate::chat`].
    Chat(crate::chat::Timer),
}

impl TimerKey {
    fn why(self) -> Why {
        match self {
            Self::Twilsock(timer) => timer.why(),
            Self::Sync(timer) => timer.why(),
            Self::Chat(timer) => timer.why(),
        }
    }
}

/// The table. Ties are broken by the order of arming, so equal seeds give equal runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(Time, u64, TimerKey)>,
    armed: BTreeMap<TimerKey, (Time, u64)>,
    next: u64,
}

impl Timers {
    /// Arms `key` for `at`; a timer of that name that is already armed is moved.
    pub(crate) fn arm(&mut self, key: impl Into<TimerKey>, at: Time) {
        let key = key.into();
        self.cancel(key);
        let order = self.next;
        self.next += 1;
        self.due.insert((at, order, key));
        self.armed.insert(key, (at, order));
    }

    /// Forgets `key`; nothing happens when it is not armed.
    pub(crate) fn cancel(&mut self, key: impl Into<TimerKey>) {
        let key = key.into();
        if let Some((at, order)) = self.armed.remove(&key) {
            self.due.remove(&(at, order, key));
        }
    }

    /// When `key` fires, if it is armed.
    pub(crate) fn armed(&self, key: impl Into<TimerKey>) -> Option<Time> {
        self.armed.get(&key.into()).map(|(at, _)| *at)
    }

    /// The mark below which timers were armed before now: [`Timers::take_due`] fires only those, so a timer that
    /// re-arms itself for "now" fires in the next entry and cannot spin (law 2).
    pub(crate) fn mark(&self) -> u64 {
        self.next
    }

    /// Takes the earliest timer that is due at `now` and was armed before `mark`.
    pub(crate) fn take_due(&mut self, now: Time, mark: u64) -> Option<TimerKey> {
        let found =
            self.due.iter().take_while(|(at, ..)| *at <= now).find(|(_, order, _)| *order < mark).copied();
        let (_, _, key) = found?;
        self.cancel(key);
        Some(key)
    }

    /// The earliest timer.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.due.first().map(|(at, _, key)| Deadline { at: *at, why: key.why() })
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.due.clear();
        self.armed.clear();
    }
}
