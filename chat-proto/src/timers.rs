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

/// Moves with every frame, so it stands beside the table.
const RESTLESS: TimerKey = TimerKey::Twilsock(crate::twilsock::Timer::Watchdog);

/// The table. Ties are broken by the order of arming, so equal seeds give equal runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timers {
    restless: Option<(Time, u64)>,
    due: BTreeSet<(Time, u64, TimerKey)>,
    armed: BTreeMap<TimerKey, (Time, u64)>,
    next: u64,
}

impl Timers {
    /// Arms `key` for `at`; a timer of that name that is already armed is moved.
    pub(crate) fn arm(&mut self, key: impl Into<TimerKey>, at: Time) {
        let key = key.into();
        let order = self.next;
        self.next += 1;
        if key == RESTLESS {
            self.restless = Some((at, order));
            return;
        }
        self.cancel(key);
        self.due.insert((at, order, key));
        self.armed.insert(key, (at, order));
    }

    /// Forgets `key`; nothing happens when it is not armed.
    pub(crate) fn cancel(&mut self, key: impl Into<TimerKey>) {
        let key = key.into();
        if key == RESTLESS {
            self.restless = None;
        } else if let Some((at, order)) = self.armed.remove(&key) {
            self.due.remove(&(at, order, key));
        }
    }

    /// When `key` fires, if it is armed.
    pub(crate) fn armed(&self, key: impl Into<TimerKey>) -> Option<Time> {
        let key = key.into();
        let armed = if key == RESTLESS { self.restless } else { self.armed.get(&key).copied() };
        armed.map(|(at, _)| at)
    }

    /// The mark below which timers were armed before now: [`Timers::take_due`] fires only those, so a timer that
    /// re-arms itself for "now" fires in the next entry and cannot spin (law 2).
    pub(crate) fn mark(&self) -> u64 {
        self.next
    }

    /// Takes the earliest timer that is due at `now` and was armed before `mark`.
    pub(crate) fn take_due(&mut self, now: Time, mark: u64) -> Option<TimerKey> {
        if self.deadline()?.at > now {
            return None;
        }
        let is_old = |(_, order, _): &&(Time, u64, TimerKey)| *order < mark;
        let table = self.due.iter().take_while(|(at, ..)| *at <= now).find(is_old).copied();
        let beside = self.restless().filter(|(at, order, _)| *at <= now && *order < mark);
        let (_, _, key) = table.into_iter().chain(beside).min()?;
        self.cancel(key);
        Some(key)
    }

    /// The earliest timer.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let first = self.due.first().copied().into_iter().chain(self.restless()).min();
        first.map(|(at, _, key)| Deadline { at, why: key.why() })
    }

    fn restless(&self) -> Option<(Time, u64, TimerKey)> {
        self.restless.map(|(at, order)| (at, order, RESTLESS))
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.restless = None;
        self.due.clear();
        self.armed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilsock::Timer::{Close, Connect, Retry, Watchdog};

    fn drain(timers: &mut Timers, now: u64) -> alloc::vec::Vec<TimerKey> {
        let mark = timers.mark();
        core::iter::from_fn(|| timers.take_due(Time::from_millis(now), mark)).collect()
    }

    #[test]
    fn the_restless_one_fires_in_its_turn() {
        let mut timers = Timers::default();
        for (timer, at) in [(Connect, 20), (Watchdog, 5), (Retry, 10), (Watchdog, 10), (Close, 10)] {
            timers.arm(timer, Time::from_millis(at));
        }
        assert_eq!(timers.armed(Watchdog), Some(Time::from_millis(10)));
        assert_eq!(drain(&mut timers, 9), []);
        assert_eq!(timers.deadline().map(|deadline| deadline.why), Some(Why::Retry));
        assert_eq!(drain(&mut timers, 10), [Retry.into(), Watchdog.into(), Close.into()]);
        timers.arm(Watchdog, Time::from_millis(15));
        assert_eq!(timers.deadline(), Some(Deadline { at: Time::from_millis(15), why: Why::Watchdog }));
        timers.cancel(Watchdog);
        assert_eq!(drain(&mut timers, 30), [Connect.into()]);
        assert_eq!((timers.deadline(), timers.armed(Watchdog)), (None, None));
    }
}
