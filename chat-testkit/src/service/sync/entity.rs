//! One Sync object and its JSON forms (spec 02 §1.5, §1.6, §3.5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::service::http::encode_segment;

/// Account of everything here.
pub(crate) const ACCOUNT_SID: &str = "AC00000000000000000000000000000000";
/// The one service instance there is.
pub(crate) const SERVICE_SID: &str = "IS00000000000000000000000000000001";
/// Where Sync objects say that they live; any host is served.
const BASE: &str = "https://cds.us1.twilio.com/v3/Services";

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Document,
    List,
    Map,
}

impl Kind {
    /// By the word in URLs.
    pub(crate) fn from_collection(word: &str) -> Option<Self> {
        [Self::Document, Self::List, Self::Map].into_iter().find(|kind| kind.collection() == word)
    }

    /// By the word in pokes and events.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Document, Self::List, Self::Map].into_iter().find(|kind| kind.word() == word)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::List => "list",
            Self::Map => "map",
        }
    }

    pub(crate) const fn collection(self) -> &'static str {
        match self {
            Self::Document => "Documents",
            Self::List => "Lists",
            Self::Map => "Maps",
        }
    }

    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Document => "ET",
            Self::List => "ES",
            Self::Map => "MP",
        }
    }

    /// Twilsock message type of live events (spec 02 §3.1).
    pub(crate) const fn message_type(self) -> &'static str {
        match self {
            Self::Document => "com.twilio.rtd.cds.document",
            Self::List => "com.twilio.rtd.cds.list",
            Self::Map => "com.twilio.rtd.cds.map",
        }
    }

    /// Code and text for one that is not there (spec 02 §1.7).
    pub(crate) const fn not_found(self) -> (u64, &'static str) {
        match self {
            Self::Document => (54_100, "Document not found"),
            Self::List => (54_150, "List not found"),
            Self::Map => (54_200, "Map not found"),
        }
    }

    /// Code for a missing item.
    pub(crate) const fn item_not_found(self) -> u64 {
        match self {
            Self::Map => 54_201,
            _ => 54_151,
        }
    }

    /// Code for a revision that differs from `If-Match`.
    pub(crate) const fn mismatch(self) -> u64 {
        match self {
            Self::Document => 54_103,
            Self::List => 54_155,
            Self::Map => 54_205,
        }
    }
}

/// Key of an item: lists have numbers, maps have texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ItemKey {
    Index(u64),
    Key(String),
}

impl ItemKey {
    /// A key for this kind of object; `None` when a list's is no number.
    pub(crate) fn parse(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::List => text.parse().ok().map(Self::Index),
            _ => Some(Self::Key(text.to_owned())),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Index(index) => (*index).into(),
            Self::Key(key) => key.as_str().into(),
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Key(key) => key.fmt(f),
        }
    }
}

/// An item of a list or map.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) data: Value,
    pub(crate) last_event_id: i64,
    pub(crate) created_by: String,
    pub(crate) date_created: String,
    pub(crate) date_updated: String,
    pub(crate) date_expires: Option<String>,
}

/// One mutation, kept for replay.
#[derive(Debug, Clone)]
pub(crate) struct LogEvent {
    pub(crate) id: i64,
    pub(crate) event_type: &'static str,
    /// The `event` object as JSON text: built once, sent to many.
    pub(crate) body: Arc<str>,
}

/// Who may see an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    Everyone,
    Only(BTreeSet<String>),
}

impl Access {
    pub(crate) fn only(identities: &[&str]) -> Self {
        Self::Only(identities.iter().map(|identity| (*identity).to_owned()).collect())
    }

    pub(crate) fn allows(&self, identity: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(identities) => identities.contains(identity),
        }
    }
}

/// Who may change an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writers {
    /// Only the service itself: what Chat keeps here.
    System,
    /// Whoever may see it.
    Readers,
}

/// A document, list or map.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) sid: String,
    pub(crate) kind: Kind,
    pub(crate) unique_name: Option<String>,
    pub(crate) created_by: String,
    pub(crate) date_created: String,
    pub(crate) date_updated: String,
    pub(crate) date_expires: Option<String>,
    /// Id of the newest event. Documents start at 0, lists and maps at -1 (spec 02 §1.6).
    pub(crate) last_event_id: i64,
    /// A document's value, or a list's context.
    pub(crate) data: Value,
    /// Event that wrote the context last; -1 is its creation.
    pub(crate) context_event_id: i64,
    pub(crate) items: BTreeMap<ItemKey, Item>,
    /// Index of the next list item: an index is never used twice.
    pub(crate) next_index: u64,
    pub(crate) log: Vec<LogEvent>,
    pub(crate) access: Access,
    pub(crate) writers: Writers,
    /// Whether this is a Chat session: its items are commands.
    pub(crate) session: bool,
}

impl Entity {
    /// Root revision (spec 02 §1.6).
    pub(crate) fn revision(&self) -> String {
        match self.kind {
            Kind::Document => format!("{:x}", self.last_event_id),
            _ => format!("{:x}", self.last_event_id + 1),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("{BASE}/{SERVICE_SID}/{}/{}", self.kind.collection(), self.sid)
    }

    pub(crate) fn item_url(&self, key: &ItemKey) -> String {
        format!("{}/Items/{}", self.url(), encode_segment(&key.to_string()))
    }

    /// The name that people know it by, or the SID.
    pub(crate) fn name(&self) -> &str {
        self.unique_name.as_deref().unwrap_or(&self.sid)
    }

    /// The root as the service shows it. A write's answer has no `data` (spec 02 §1.4).
    pub(crate) fn descriptor(&self, with_data: bool) -> Value {
        let url = self.url();
        let mut links = Map::new();
        if self.kind != Kind::Document {
            links.insert("items".into(), format!("{url}/Items").into());
        }
        links.insert("permissions".into(), format!("{url}/Permissions").into());
        if self.kind == Kind::List {
            links.insert("context".into(), format!("{url}/Context").into());
        }
        let mut root = json!({
            "sid": self.sid,
            "unique_name": self.unique_name,
            "account_sid": ACCOUNT_SID,
            "service_sid": SERVICE_SID,
            "url": url,
            "revision": self.revision(),
            "last_event_id": self.last_event_id,
            "created_by": self.created_by,
            "date_created": self.date_created,
            "date_updated": self.date_updated,
            "date_expires": self.date_expires,
        });
        if self.kind == Kind::Document && with_data {
            root["data"] = self.data.clone();
        }
        root["links"] = Value::Object(links);
        root
    }

    /// An item as the service shows it; `data` only when it is read.
    pub(crate) fn item_descriptor(&self, key: &ItemKey, item: &Item, with_data: bool) -> Value {
        let mut shown = json!({
            "url": self.item_url(key),
            "revision": format!("{:x}", item.last_event_id),
            "last_event_id": item.last_event_id,
        });
        if with_data {
            shown["data"] = item.data.clone();
        }
        shown["account_sid"] = ACCOUNT_SID.into();
        shown["service_sid"] = SERVICE_SID.into();
        shown[format!("{}_sid", self.kind.word())] = self.sid.as_str().into();
        shown["created_by"] = item.created_by.as_str().into();
        shown["date_created"] = item.date_created.as_str().into();
        shown["date_updated"] = item.date_updated.as_str().into();
        shown["date_expires"] = item.date_expires.as_deref().into();
        shown[if self.kind == Kind::List { "index" } else { "key" }] = key.to_json();
        shown
    }

    /// A list's context as the service shows it (spec 02 §10 D11).
    pub(crate) fn context_descriptor(&self) -> Value {
        json!({
            "data": self.data,
            "last_event_id": self.context_event_id,
            "revision": format!("{:x}", self.context_event_id + 1),
            "list_sid": self.sid,
            "account_sid": ACCOUNT_SID,
            "service_sid": SERVICE_SID,
            "url": format!("{}/Context", self.url()),
            "date_updated": self.date_updated,
            "date_created": self.date_created,
            "created_by": self.created_by,
        })
    }

    /// The members that every event of this object begins with.
    pub(crate) fn event_head(&self, by: &str, date: &str) -> Map<String, Value> {
        let word = self.kind.word();
        let mut event = Map::new();
        event.insert("id".into(), self.last_event_id.into());
        event.insert("date_created".into(), date.into());
        event.insert("created_by".into(), by.into());
        event.insert(format!("{word}_sid"), self.sid.as_str().into());
        event.insert(format!("{word}_unique_name"), self.unique_name.as_deref().into());
        event.insert(format!("{word}_revision"), self.revision().into());
        event
    }
}
