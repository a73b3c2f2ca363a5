//! Sync: objects of the service that this client follows (spec 02).
//!
//! A notification goes `envelope` → the object's record → [`Output`]; an order becomes requests, and their replies
//! become outputs. What an item means is not known here.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use crate::cx::Cx;
use crate::error::CallError;
use crate::time::Why;
use crate::timers::TimerKey;
use crate::twilsock::{HttpReply, RequestError};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Document,
    List,
    Map,
}

/// From chat to sync. Names (entity, query, write) are drawn from [`Cx`] by whoever orders.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Order {
    /// Open an object that exists, by unique name or SID, and follow it. → `Opened` or `OpenFailed`
    Open { entity: EntityId, kind: Kind, name: Box<str>, include_items: bool },
    /// Create a nameless list and follow it. → `Opened` or `OpenFailed`. It is never put aside when the app is slow.
    CreateList { entity: EntityId, purpose: &'static str, context: String },
    /// Stop following an object. No output about it comes afterwards.
    Close { entity: EntityId },
    /// Read items. → `Page` or `QueryFailed`
    Query { query: QueryId, entity: EntityId, select: Select },
    /// Read the page that a token of an earlier page leads to. → `Page` or `QueryFailed`
    Page { query: QueryId, entity: EntityId, token: String },
    /// Read the context of a list. → `Context` (also when it is known), or `QueryFailed`
    Context { query: QueryId, entity: EntityId },
    /// Append an item, `data` being JSON text. Never repeated here. → `Pushed` or `PushFailed`
    Push { write: WriteId, entity: EntityId, data: String },
    /// Nobody waits for this page or push any more.
    Forget { query: QueryId },
}

/// Which items (spec 02 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Select {
    /// Start here, inclusive.
    pub(crate) from: Option<String>,
    pub(crate) page_size: u32,
    /// Exactly this item of a map.
    pub(crate) key: Option<String>,
    pub(crate) descending: bool,
}

impl Select {
    /// All, from the beginning, in pages of 50.
    pub(crate) fn all() -> Self {
        Self { from: None, page_size: 50, key: None, descending: false }
    }
}

/// From sync to chat.
#[derive(Debug, Clone)]
pub(crate) enum Output<'a> {
    /// The object exists and is followed from now on. Events come after this.
    Opened {
        entity: EntityId,
        /// The value of a document; for other kinds `None`.
        data: Option<Cow<'a, RawValue>>,
        /// The items of a map that was opened with `include_items`.
        items: Vec<Item<'a>>,
    },
    /// It could not be opened; the entity is forgotten.
    OpenFailed {
        entity: EntityId,
        error: CallError,
    },
    /// Its subscription stands and everything missed was replayed. Said again after each reconnect.
    Subscribed {
        entity: EntityId,
    },
    /// The service refuses to tell of it, for another reason than that it is gone.
    SubscriptionRefused {
        entity: EntityId,
        name: Box<str>,
        error: CallError,
    },
    /// It does not exist any more (`…_removed`, or 404); the entity is forgotten.
    Removed {
        entity: EntityId,
    },
    /// A document has another value.
    Document {
        entity: EntityId,
        data: Cow<'a, RawValue>,
    },
    /// A list has another context.
    Context {
        entity: EntityId,
        data: Cow<'a, RawValue>,
    },
    /// An item was added, changed or removed. `data` of a removal is the last value, as far as the service told.
    Item {
        entity: EntityId,
        change: Change,
        item: Item<'a>,
    },
    /// A page that was asked for. A token is `None` where there is no page.
    Page {
        query: QueryId,
        items: Vec<Item<'a>>,
        next: Option<Box<str>>,
        previous: Option<Box<str>>,
    },
    QueryFailed {
        query: QueryId,
        error: CallError,
    },
    /// The item stands in the list at `index`.
    Pushed {
        write: WriteId,
        index: u64,
    },
    PushFailed {
        write: WriteId,
        fate: Fate,
        error: CallError,
    },
}

/// An item of a list or map. Keys of lists are their indexes.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) data: Cow<'a, RawValue>,
    /// How it stands to what was known. Events are always `New` or `Newer`.
    pub(crate) freshness: Freshness,
}

/// Names an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key<'a> {
    Index(u64),
    Name(Cow<'a, str>),
}

/// How a page's item stands to what was known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Never seen.
    New,
    /// Seen, and this is newer.
    Newer,
    /// Seen in this state, or in a newer one: what the stage above holds stands.
    Known,
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Updated,
    Removed,
}

/// What became of a write without a good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was surely not executed.
    NotExecuted,
    /// It may have been executed, or may still be.
    Unknown,
}

/// What sync waits for in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Open(EntityId),
}

/// Timers of sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Objects that fell behind may be read again.
    Behind,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Behind => Why::Behind,
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Sync(timer)
    }
}

/// One event out of a notification, not yet applied.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    _data: &'a RawValue,
}

/// The Sync stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sync {}

impl Sync {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Connected and registered: everything followed is subscribed (again).
    pub(crate) fn online(&mut self, _cx: &mut Cx) {}

    pub(crate) fn offline(&mut self, _cx: &mut Cx) {}

    /// Takes a notification apart. Both envelopes pass: `event` and `events` (spec 02 §3.2).
    pub(crate) fn notification<'a>(
        &mut self,
        _cx: &mut Cx,
        _message_type: &str,
        _payload: &'a [u8],
    ) -> impl Iterator<Item = Event<'a>> + use<'a> {
        core::iter::empty()
    }

    /// Applies one event.
    pub(crate) fn apply<'a>(&mut self, _cx: &mut Cx, _event: Event<'a>) -> Option<Output<'a>> {
        None
    }

    /// Takes the answer to a request of sync's own.
    pub(crate) fn reply<'a>(
        &mut self,
        _cx: &mut Cx,
        _tag: Tag,
        _result: Result<HttpReply<'a>, RequestError>,
    ) -> Option<Output<'a>> {
        None
    }

    pub(crate) fn order(&mut self, _cx: &mut Cx, _order: Order) {}

    pub(crate) fn timer(&mut self, _cx: &mut Cx, _timer: Timer) {}

    /// Outputs that no frame carried.
    pub(crate) fn poll(&mut self) -> Option<Output<'static>> {
        None
    }

    /// Whether objects fell behind because the app does not take its events.
    pub(crate) fn is_behind(&self) -> bool {
        false
    }
}
