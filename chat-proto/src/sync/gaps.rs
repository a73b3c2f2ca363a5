//! Events of a list or map count in the order of their ids: what comes too early waits here.
//!
//! An id beyond the next one means that events are missing: they were lost, are overtaken by this one, or never
//! existed. To learn which, the object is poked again with its cursor, and the service replays what there is after it.
//! A query of items, the other way, could not tell of removals, nor in which order things happened, and would have to
//! page through the whole object, since items are found by key and not by event id. What the replay brings goes before
//! what waits; once the replay is acknowledged, nothing was missing any more, and the jump is accepted. (A replay that
//! itself lacks events is doubted and asked for again, a few times: its events may be lost or late too.) Whoever follows
//! the object hears that a jump was accepted, before what comes after it, and may read what there is. The same wait
//! serves live events that overtake the replay of any other poke (spec 02 §3.7): they are neither dropped, as the
//! replay may omit them, nor told too early, and the cursor never passes what was not seen.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::output::{Change, Key, Raw};

/// How many events of one object may wait. Beyond it all are told at once; the cursor stays before the gap.
const EVENTS: usize = 512;
/// How many bytes of values may wait for one object; the same happens beyond it.
const BYTES: usize = 1 << 20;

/// What an event of a list or map says.
#[derive(Debug, Clone)]
pub(super) struct Fact<'a> {
    pub(super) id: i64,
    pub(super) what: What<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum What<'a> {
    Item(Change, Key<'a>, Raw<'a>),
    Context(Raw<'a>),
    /// Nothing that anybody reads, but it has a number.
    Other,
}

impl Fact<'_> {
    fn into_owned(self) -> Fact<'static> {
        let what = match self.what {
            What::Item(change, key, data) => What::Item(change, key.into_owned(), data.into_owned()),
            What::Context(data) => What::Context(data.into_owned()),
            What::Other => What::Other,
        };
        Fact { id: self.id, what }
    }

    fn bytes(&self) -> usize {
        let key = match &self.what {
            What::Item(_, Key::Name(name), _) => name.len(),
            _ => 0,
        };
        let data = match &self.what {
            What::Item(_, _, data) | What::Context(data) => data.get().len(),
            What::Other => 0,
        };
        key.saturating_add(data)
    }
}

/// The events of one object that wait, by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    events: BTreeMap<i64, Fact<'static>>,
    bytes: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many wait whose id is at most `limit`.
    pub(super) fn count_up_to(&self, limit: i64) -> u64 {
        self.events.range(..=limit).count() as u64
    }

    /// Whether one of this id waits.
    pub(super) fn has(&self, id: i64) -> bool {
        self.events.contains_key(&id)
    }

    /// The highest id that waits.
    pub(super) fn last(&self) -> Option<i64> {
        self.events.last_key_value().map(|(id, _)| *id)
    }

    /// Lets `fact` wait; one of the same id that waits already stays. `true`: it is too much, and all must be told.
    #[must_use]
    pub(super) fn hold(&mut self, fact: Fact<'_>) -> bool {
        if !self.has(fact.id) {
            self.bytes = self.bytes.saturating_add(fact.bytes());
            self.events.insert(fact.id, fact.into_owned());
        }
        self.events.len() > EVENTS || self.bytes > BYTES
    }

    /// Takes the first if its id is at most `limit`.
    pub(super) fn take_up_to(&mut self, limit: i64) -> Option<Fact<'static>> {
        let first = self.events.first_entry().filter(|first| *first.key() <= limit)?;
        let fact = first.remove();
        self.bytes = self.bytes.saturating_sub(fact.bytes());
        Some(fact)
    }

    /// Takes all, in order of id.
    pub(super) fn take_all(&mut self) -> Vec<Fact<'static>> {
        self.bytes = 0;
        core::mem::take(&mut self.events).into_values().collect()
    }
}
