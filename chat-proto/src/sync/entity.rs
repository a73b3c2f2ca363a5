//! What is remembered of an object: its cursor, the versions of its items, what waits, and who follows it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::gaps::{Fact, Held, What};
use super::links::Links;
use super::output::{Change, Freshness, Item, Key, Raw};
use super::subscriptions::Sid;
use super::versions::{Entry, Versions};
use super::{EntityId, Kind};
use crate::text_map::TextMap;

/// All objects that are open, by SID.
/// Boxed, because the nodes of a tree are a third empty.
pub(super) type Entities = TextMap<Sid, Box<Entity>>;

/// A document, list or map that somebody follows.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub(super) kind: Kind,
    /// What it was opened by: for people.
    pub(super) name: Box<str>,
    /// Who follows it: usually one; more when it was opened by name and by SID.
    pub(super) handles: Vec<EntityId>,
    pub(super) links: Links,
    /// Created by this client for itself (the session list): it never falls behind.
    pub(super) own: bool,
    /// The app does not keep up: events are not taken until there is room, and the cursor stays.
    pub(super) behind: bool,
    /// The refusal that was told last: one that repeats it is not told again.
    pub(super) refused: Option<(u16, i64)>,
    /// `last_event_id`: all events up to this one are told.
    pub(super) cursor: i64,
    /// The cursor at the opening. What happened up to there was part of what was read then.
    base: i64,
    versions: Versions,
    context_version: Option<i64>,
    pub(super) held: Held,
    /// The highest version in a page of a list: the event of it exists.
    shown: i64,
    /// The highest id that was known of when the last poke left: its replay goes beyond it.
    known_at_poke: i64,
    /// The highest id that was replayed since.
    replayed: i64,
    /// How many replays in a row lacked the event after the cursor.
    doubts: u8,
}

/// How the id of an event stands to the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// From before the opening: it tells nothing.
    Stale,
    /// Not beyond the cursor: a duplicate, or one that a jump passed over.
    Late,
    /// The very next.
    Next,
    /// Others are missing before it.
    Ahead,
}

/// How many replays in a row are doubted when they lack events.
const DOUBTS: u8 = 2;

/// What an event comes down to.
pub(super) enum Told<'a> {
    Item(Change, Item<'a>),
    Context(Raw<'a>),
    /// It is new, but nobody reads it.
    Nothing,
}

impl Entity {
    pub(super) fn new(kind: Kind, name: Box<str>, last_event_id: Option<i64>) -> Self {
        // Without a cursor everything is asked for (spec 02 §10 D12); -1 is "nothing happened yet" (§1.6).
        let cursor = last_event_id.unwrap_or(-1);
        Self {
            kind,
            name,
            handles: Vec::new(),
            links: Links::None,
            own: false,
            behind: false,
            refused: None,
            cursor,
            base: cursor,
            versions: match kind {
                Kind::Document => Versions::None,
                Kind::List => Versions::list(),
                Kind::Map => Versions::map(),
            },
            context_version: None,
            held: Held::default(),
            shown: i64::MIN,
            known_at_poke: i64::MIN,
            replayed: i64::MIN,
            doubts: 0,
        }
    }

    pub(super) fn place(&self, id: i64) -> Place {
        if id <= self.base {
            Place::Stale
        } else if id <= self.cursor {
            Place::Late
        } else if id == self.cursor.saturating_add(1) {
            Place::Next
        } else {
            Place::Ahead
        }
    }

    /// A poke with this object leaves: gives the cursor that it states.
    pub(super) fn poked(&mut self) -> i64 {
        self.known_at_poke = self.held.last().unwrap_or(i64::MIN).max(self.shown);
        self.replayed = i64::MIN;
        self.cursor
    }

    /// An event of the replay that the last poke asked for.
    pub(super) fn replays(&mut self, id: i64) {
        self.replayed = self.replayed.max(id);
    }

    /// The replay is complete: up to where nothing can be missing any more. Beyond what the service says, that is what
    /// was known when the poke left, since the service knew of it.
    pub(super) fn complete(&self, last_event_id: Option<i64>) -> i64 {
        last_event_id.unwrap_or(i64::MIN).max(self.known_at_poke).max(self.replayed)
    }

    /// All events up to this one are told, and what is missing now is missing for the first time.
    pub(super) fn advance(&mut self, id: i64) {
        if id > self.cursor {
            (self.cursor, self.doubts) = (id, 0);
        }
    }

    /// Whether a replay that is complete up to `limit` lacks events: they are lost, late, or never were. The first such
    /// replays of each gap are doubted: asking again brings what was lost. After those nothing was missing.
    pub(super) fn doubts(&mut self, limit: i64) -> bool {
        let expected = u64::try_from(limit.saturating_sub(self.cursor)).unwrap_or(0);
        let lacks = expected > self.held.count_up_to(limit);
        self.doubts = if lacks && self.doubts < DOUBTS { self.doubts + 1 } else { 0 };
        self.doubts > 0
    }

    /// The replay was interrupted: gives up to where it counts as complete, for it came in order. `None` when nothing of
    /// it came, or when it lacks events.
    pub(super) fn interrupted(&mut self) -> Option<i64> {
        let limit = self.replayed;
        (limit > self.cursor && !self.doubts(limit)).then_some(limit)
    }

    /// Whether events are known to exist that were not told.
    pub(super) fn lags(&self) -> bool {
        !self.held.is_empty() || self.shown > self.cursor
    }

    /// Takes the next event that may be told when nothing is missing up to `limit`, and moves the cursor past it; to
    /// `limit` when no event up to there waits.
    pub(super) fn next_held(&mut self, limit: i64) -> Option<Fact<'static>> {
        let fact = self.held.take_up_to(limit).or_else(|| {
            self.advance(limit);
            self.held.take_up_to(self.cursor.saturating_add(1))
        })?;
        self.advance(fact.id);
        Some(fact)
    }

    /// Whether an event of this item tells nothing new (spec 02 §3.6 "known").
    pub(super) fn knows(&self, id: i64, key: &Key<'_>) -> bool {
        match self.versions.get(key) {
            // A page showed it before its event, which a jump passed over and which comes all the same.
            Some(entry) if entry.paged && entry.version == id => false,
            Some(entry) => entry.version >= id,
            None => id <= self.versions.forgotten(),
        }
    }

    /// Applies an event to what is remembered; `None` when it tells nothing new (spec 02 §3.6, §10 D3).
    pub(super) fn tell<'a>(&mut self, fact: Fact<'a>, late: bool) -> Option<Told<'a>> {
        let id = fact.id;
        match fact.what {
            What::Other => Some(Told::Nothing),
            What::Context(data) => self.context_is_new(Some(id)).then_some(Told::Context(data)),
            What::Item(change, key, data) => {
                let (change, freshness) = self.item(id, change, &key, late)?;
                Some(Told::Item(change, Item { key, data, freshness, event: (!late).then_some(id) }))
            }
        }
    }

    fn item(&mut self, id: i64, change: Change, key: &Key<'_>, late: bool) -> Option<(Change, Freshness)> {
        let known = self.versions.get(key);
        if let Some(entry) = known.filter(|entry| entry.version >= id) {
            // A page may run ahead of the events: it told the state, the event tells that it happened.
            let untold = entry.paged && (!late || entry.version == id) && change != Change::Removed;
            if untold && entry.version == id {
                self.versions.set(key, Entry { paged: false, ..entry });
            }
            return untold.then_some((change, Freshness::Known));
        }
        if known.is_none() && late && id <= self.versions.forgotten() {
            return None;
        }
        let live = change != Change::Removed;
        self.versions.set(key, Entry { version: id, live, paged: false });
        let change = match change {
            Change::Added if known.is_some_and(|entry| entry.live) => Change::Updated,
            other => other,
        };
        Some((change, if known.is_some() { Freshness::Newer } else { Freshness::New }))
    }

    /// Whether a context of this version is not older than what was told (spec 02 §3.6). Remembers it if so.
    pub(super) fn context_is_new(&mut self, version: Option<i64>) -> bool {
        let new = match (self.context_version, version) {
            (None | Some(0), _) => true,
            (Some(known), Some(version)) => version > known,
            (Some(_), None) => false,
        };
        if new {
            self.context_version = version.or(self.context_version);
        }
        new
    }

    /// Whether a context of this version was overtaken by a newer one.
    pub(super) fn context_is_old(&self, version: Option<i64>) -> bool {
        matches!((self.context_version, version), (Some(known), Some(version)) if version < known)
    }

    /// Notes an item of a page; `None` when it was removed meanwhile (spec 02 §4.3).
    pub(super) fn see(&mut self, key: &Key<'_>, version: i64) -> Option<Freshness> {
        let known = self.versions.get(key);
        if let Some(entry) = known.filter(|entry| entry.version >= version) {
            // Another page showed it, and its event is to come all the same. Who reads a map takes what stands.
            let untold = self.kind == Kind::List && entry.paged && entry.version > self.cursor;
            return entry.live.then_some(if untold { Freshness::Ahead } else { Freshness::Known });
        }
        let ahead = version > self.cursor;
        if ahead && self.kind == Kind::List {
            self.shown = self.shown.max(version);
        }
        self.versions.set(key, Entry { version, live: true, paged: ahead });
        Some(match known {
            Some(entry) if self.kind == Kind::List && entry.paged && entry.version > self.cursor => {
                Freshness::Ahead
            }
            Some(_) => Freshness::Newer,
            None if ahead => Freshness::Ahead,
            None => Freshness::New,
        })
    }
}
