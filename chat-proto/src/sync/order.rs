//! What chat asks of sync.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use super::{EntityId, Follow, Kind, QueryId, WriteId};

/// From chat to sync. Names (entity, query, write) are drawn from [`Cx`](crate::cx::Cx) by whoever orders.
#[derive(Clone, PartialEq)]
pub(crate) enum Order {
    /// Open an object that exists, by unique name or SID, and follow it. → `Opened` or `OpenFailed`
    Open { entity: EntityId, kind: Kind, name: Box<str>, include_items: bool },
    /// Follow an object of an earlier life on from its cursor: nothing is read, all that was missed comes as events.
    /// There is no answer; one that is gone is `Removed`, one of another kind than known is `OpenFailed`. An
    /// object of the client's `own` is never put aside when the app is slow.
    Follow { entity: EntityId, follow: Box<Follow>, own: bool },
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
    /// Nobody waits for this page or context any more.
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

/// What a list is created with and what is pushed are shown by their length only: a context may hold a token (law 10).
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { entity, kind, name, .. } => write!(f, "Open({entity:?}, {kind:?}, {name:?})"),
            Self::Follow { entity, follow, .. } => write!(f, "Follow({entity:?}, {:?})", follow.name),
            Self::CreateList { entity, context, .. } => {
                write!(f, "CreateList({entity:?}, {} bytes)", context.len())
            }
            Self::Close { entity } => write!(f, "Close({entity:?})"),
            Self::Query { query, entity, select } => write!(f, "Query({query:?}, {entity:?}, {select:?})"),
            Self::Page { query, entity, .. } => write!(f, "Page({query:?}, {entity:?})"),
            Self::Context { query, entity } => write!(f, "Context({query:?}, {entity:?})"),
            Self::Push { write, entity, data } => {
                write!(f, "Push({write:?}, {entity:?}, {} bytes)", data.len())
            }
            Self::Forget { query } => write!(f, "Forget({query:?})"),
        }
    }
}
