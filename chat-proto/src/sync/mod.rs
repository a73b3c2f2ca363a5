//! Sync: objects of the service that this client follows (spec 02).
//!
//! A notification goes `envelope` → the object's record (`entity`) → [`Output`]; an order becomes requests (`rest`),
//! and their replies become outputs. What an item means is not known here.
//!
//! | file | its job |
//! |---|---|
//! | `order`, `output` | what chat asks, what it is told |
//! | `rest`, `descriptor`, `envelope`, `poke`, `de`, `errors` | the wire: requests, answers, notifications |
//! | `table`, `subscriptions` | which objects the service tells us of |
//! | `entity`, `versions`, `gaps` | what is remembered of an object, and in which order its events count |
//! | `follow` | what a save holds of an object, and how it is followed again |
//! | `open`, `query`, `apply`, `acks`, `behind` | what each input does |

mod acks;
mod apply;
mod behind;
mod de;
mod descriptor;
mod entity;
mod envelope;
mod errors;
mod follow;
mod gaps;
mod links;
mod open;
mod order;
mod output;
mod poke;
mod query;
mod rest;
mod subscriptions;
mod table;
#[cfg(test)]
mod tests;
mod versions;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::fmt;

use crate::cx::Cx;
use crate::event::Event as AppEvent;
use crate::small_map::SmallMap;
use crate::time::Why;
use crate::timers::TimerKey;
use crate::twilsock::{HttpReply, RequestError};

use entity::Entities;
use envelope::Events;
use links::Bases;
use open::Handle;
use query::Query;
use subscriptions::{Sid, Subscriptions};

pub(crate) use envelope::Event;
pub(crate) use follow::Follow;
pub(crate) use order::{Order, Select};
#[cfg(test)]
pub(crate) use output::Raw;
pub(crate) use output::{Change, Fate, Freshness, Item, Key, Output};

/// Names an object for the stage above, from the order to open it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntityId(pub(crate) u64);

/// Names a query of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueryId(pub(crate) u64);

/// Names a push of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WriteId(pub(crate) u64);

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum Kind {
    Document,
    List,
    Map,
}

/// What sync waits for in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// The object of an [`Order::Open`].
    Open(EntityId),
    /// The list of an [`Order::CreateList`].
    Create(EntityId),
    /// The poke of this correlation id.
    Poke(u64),
    /// A page.
    Query(QueryId),
    /// The context of a list.
    Context(QueryId),
    /// A push.
    Push(WriteId),
}

/// Timers of sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Objects that fell behind may be read again.
    Behind,
    /// Objects wait to be subscribed or cancelled.
    Flush,
    /// The service was silent for too long about the poke of this correlation id.
    Watchdog(u64),
    /// All subscriptions must be made again.
    Ttl,
    /// A list that could not be created is to be tried again.
    Create(EntityId),
    /// Objects that the service refused for a passing reason are to be asked for again.
    Refused,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Behind => Why::Behind,
            Self::Flush | Self::Watchdog(_) | Self::Ttl | Self::Refused => Why::Subscription,
            Self::Create(_) => Why::Request,
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Sync(timer)
    }
}

/// The Sync stage.
#[derive(Clone, Default)]
pub(crate) struct Sync {
    handles: BTreeMap<EntityId, Handle>,
    entities: Entities,
    bases: Bases,
    subscriptions: Subscriptions,
    queries: SmallMap<QueryId, Query>,
    /// Objects that fell behind.
    behind: BTreeSet<Sid>,
    /// Outputs that no frame carries.
    out: VecDeque<Output<'static>>,
}

/// Numbers only: the session's context may hold a token (law 10).
impl fmt::Debug for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sync")
            .field("handles", &self.handles.len())
            .field("entities", &self.entities.len())
            .field("queries", &self.queries.len())
            .field("behind", &self.behind.len())
            .finish_non_exhaustive()
    }
}

impl Sync {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Connected and registered: everything followed is subscribed (again).
    pub(crate) fn online(&mut self, cx: &mut Cx) {
        cx.timers.cancel(Timer::Refused);
        self.subscriptions.online(cx);
    }

    pub(crate) fn offline(&mut self, cx: &mut Cx) {
        cx.timers.cancel(Timer::Refused);
        self.subscriptions.offline(cx);
    }

    /// Takes a notification apart. Both envelopes pass: `event` and `events` (spec 02 §3.2).
    pub(crate) fn notification<'a>(
        &mut self,
        cx: &mut Cx,
        message_type: &str,
        payload: &'a [u8],
    ) -> impl Iterator<Item = Event<'a>> + use<'a> {
        if !envelope::is_ours(message_type) {
            return Events::none();
        }
        match Events::parse(payload) {
            Ok(events) => {
                if let Some(correlation_id) = events.correlation_id {
                    self.subscriptions.heard(cx.now, correlation_id);
                }
                events
            }
            Err(fault) => {
                // A service gone mad must not fill the memory with complaints (law 8).
                if !cx.events.is_full() {
                    cx.events.push(AppEvent::Fault(fault));
                }
                Events::none()
            }
        }
    }

    /// Applies one event.
    pub(crate) fn apply<'a>(&mut self, cx: &mut Cx, event: Event<'a>) -> Option<Output<'a>> {
        self.catch_up(cx);
        self.dispatch(cx, event)
    }

    /// Takes the answer to a request of sync's own.
    pub(crate) fn reply<'a>(
        &mut self,
        cx: &mut Cx,
        tag: Tag,
        result: Result<HttpReply<'a>, RequestError>,
    ) -> Option<Output<'a>> {
        match tag {
            Tag::Open(entity) => self.open_replied(cx, entity, result),
            Tag::Create(entity) => self.create_replied(cx, entity, result),
            Tag::Query(query) => self.page_replied(cx, query, result),
            Tag::Context(query) => self.context_replied(cx, query, result),
            Tag::Push(write) => Some(query::pushed(write, result)),
            Tag::Poke(correlation_id) => {
                self.subscriptions.reply(cx, correlation_id, &result);
                None
            }
        }
    }

    pub(crate) fn order(&mut self, cx: &mut Cx, order: Order) {
        match order {
            Order::Open { entity, kind, name, include_items } => {
                self.open(cx, entity, kind, name, include_items);
            }
            Order::Follow { entity, follow, own } => self.follow(cx, entity, *follow, own),
            Order::CreateList { entity, purpose, context } => self.create_list(cx, entity, purpose, context),
            Order::Close { entity } => self.close(cx, entity),
            Order::Query { query, entity, select } => self.query(cx, query, entity, &select),
            Order::Page { query, entity, token } => self.page(cx, query, entity, &token),
            Order::Context { query, entity } => self.context(cx, query, entity),
            Order::Push { write, entity, data } => self.push(cx, write, entity, &data),
            Order::Forget { query } => self.forget(cx, query),
        }
    }

    pub(crate) fn timer(&mut self, cx: &mut Cx, timer: Timer) {
        self.catch_up(cx);
        match timer {
            Timer::Behind => {}
            Timer::Flush => {
                for sid in self.subscriptions.flush(cx, &mut self.entities) {
                    self.leave_out(&sid);
                }
            }
            Timer::Watchdog(correlation_id) => self.subscriptions.watchdog(cx, correlation_id),
            Timer::Ttl => self.subscriptions.expire(cx),
            Timer::Create(entity) => self.create_again(cx, entity),
            Timer::Refused => self.ask_again(cx),
        }
    }

    /// Outputs that no frame carried.
    pub(crate) fn poll(&mut self) -> Option<Output<'static>> {
        self.out.pop_front()
    }
}
