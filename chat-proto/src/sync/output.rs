//! What sync tells chat.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::{EntityId, QueryId, WriteId};
use crate::error::CallError;

/// From sync to chat.
#[derive(Clone)]
pub(crate) enum Output<'a> {
    /// The object exists and is followed from now on. Events come after this.
    Opened {
        entity: EntityId,
        /// The value of a document; for other kinds `None`.
        data: Option<Raw<'a>>,
        /// The items of a map that was opened with `include_items`.
        items: Vec<Item<'a>>,
    },
    /// It could not be opened; the entity is forgotten.
    OpenFailed {
        entity: EntityId,
        error: CallError,
    },
    /// Its subscription stands and everything missed was replayed. Said again after each reconnect and each time that
    /// a gap was closed; a further follower of an object hears it right after `Opened`.
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
        data: Raw<'a>,
    },
    /// A list has another context.
    Context {
        entity: EntityId,
        data: Raw<'a>,
    },
    /// Events of a list or map were passed over: they are lost for good, or never were. What they told of, if anything,
    /// only reading shows. All that comes after them is told after this.
    Skipped {
        entity: EntityId,
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
#[derive(Clone)]
pub(crate) struct Item<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) data: Raw<'a>,
    /// How it stands to what was known. An event is `New` or `Newer`, or `Known` when a page told of its change first:
    /// then the data that the stage above holds is as new or newer, but that it happened was not told yet.
    pub(crate) freshness: Freshness,
    /// The id of the event that told of it in its turn; `None` in a page, and of an event that came too late.
    pub(crate) event: Option<i64>,
}

/// Names an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key<'a> {
    Index(u64),
    Name(Cow<'a, str>),
}

/// How an item stands to what was known of it. Of items that changed long ago nothing is remembered (see
/// `versions.rs`): they are `New` again in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Never seen.
    New,
    /// Seen only in pages, this one or earlier ones: the event that tells of it is still to come.
    Ahead,
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

/// A value that sync does not look into: its JSON text, well formed.
#[derive(Debug, Clone)]
pub(crate) struct Raw<'a>(Cow<'a, str>);

impl<'a> Raw<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The text.
    pub(crate) fn get(&self) -> &str {
        &self.0
    }

    /// Copies what the frame lent.
    pub(crate) fn into_owned(self) -> Raw<'static> {
        Raw(Cow::Owned(self.0.into_owned()))
    }
}

impl Key<'_> {
    pub(super) fn into_owned(self) -> Key<'static> {
        match self {
            Self::Index(index) => Key::Index(index),
            Self::Name(name) => Key::Name(Cow::Owned(name.into_owned())),
        }
    }
}

impl Item<'_> {
    pub(super) fn into_owned(self) -> Item<'static> {
        Item {
            key: self.key.into_owned(),
            data: self.data.into_owned(),
            freshness: self.freshness,
            event: self.event,
        }
    }
}

impl Output<'_> {
    /// The object that it is about; `None` for answers to queries and pushes.
    pub(super) fn entity(&self) -> Option<EntityId> {
        match self {
            Self::Opened { entity, .. }
            | Self::OpenFailed { entity, .. }
            | Self::Subscribed { entity }
            | Self::SubscriptionRefused { entity, .. }
            | Self::Removed { entity }
            | Self::Document { entity, .. }
            | Self::Context { entity, .. }
            | Self::Skipped { entity }
            | Self::Item { entity, .. } => Some(*entity),
            Self::Page { .. } | Self::QueryFailed { .. } | Self::Pushed { .. } | Self::PushFailed { .. } => {
                None
            }
        }
    }

    /// Copies what the frame lent.
    pub(super) fn into_owned(self) -> Output<'static> {
        match self {
            Self::Opened { entity, data, items } => Output::Opened {
                entity,
                data: data.map(Raw::into_owned),
                items: items.into_iter().map(Item::into_owned).collect(),
            },
            Self::OpenFailed { entity, error } => Output::OpenFailed { entity, error },
            Self::Subscribed { entity } => Output::Subscribed { entity },
            Self::SubscriptionRefused { entity, name, error } => {
                Output::SubscriptionRefused { entity, name, error }
            }
            Self::Removed { entity } => Output::Removed { entity },
            Self::Document { entity, data } => Output::Document { entity, data: data.into_owned() },
            Self::Context { entity, data } => Output::Context { entity, data: data.into_owned() },
            Self::Skipped { entity } => Output::Skipped { entity },
            Self::Item { entity, change, item } => Output::Item { entity, change, item: item.into_owned() },
            Self::Page { query, items, next, previous } => Output::Page {
                query,
                items: items.into_iter().map(Item::into_owned).collect(),
                next,
                previous,
            },
            Self::QueryFailed { query, error } => Output::QueryFailed { query, error },
            Self::Pushed { write, index } => Output::Pushed { write, index },
            Self::PushFailed { write, fate, error } => Output::PushFailed { write, fate, error },
        }
    }
}

/// Values are shown by their length only: a session context may hold a token (law 10).
impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({:?}, {} bytes, {:?})", self.key, self.data.get().len(), self.freshness)
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { entity, items, .. } => write!(f, "Opened({entity:?}, {} items)", items.len()),
            Self::OpenFailed { entity, error } => write!(f, "OpenFailed({entity:?}, {error:?})"),
            Self::Subscribed { entity } => write!(f, "Subscribed({entity:?})"),
            Self::SubscriptionRefused { entity, name, error } => {
                write!(f, "SubscriptionRefused({entity:?}, {name:?}, {error:?})")
            }
            Self::Removed { entity } => write!(f, "Removed({entity:?})"),
            Self::Document { entity, data } => write!(f, "Document({entity:?}, {} bytes)", data.get().len()),
            Self::Context { entity, data } => write!(f, "Context({entity:?}, {} bytes)", data.get().len()),
            Self::Skipped { entity } => write!(f, "Skipped({entity:?})"),
            Self::Item { entity, change, item } => write!(f, "Item({entity:?}, {change:?}, {item:?})"),
            Self::Page { query, items, .. } => write!(f, "Page({query:?}, {items:?})"),
            Self::QueryFailed { query, error } => write!(f, "QueryFailed({query:?}, {error:?})"),
            Self::Pushed { write, index } => write!(f, "Pushed({write:?}, {index})"),
            Self::PushFailed { write, fate, error } => {
                write!(f, "PushFailed({write:?}, {fate:?}, {error:?})")
            }
        }
    }
}
