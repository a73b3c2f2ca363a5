//! What a notification holds: `{event_type, correlation_id?, event | events}` (spec 02 §3.2, §3.5).

use alloc::vec;
use alloc::vec::Vec;

use serde::Deserialize;

use super::Kind;
use super::de::{Index, Text, problem};
use super::output::Change;
use crate::error::Fault;
use crate::json::RawText;
use crate::plain::{self, Plain, once};

/// The message type of acknowledgements and replayed events.
const SYNC_EVENT: &str = "twilio.sync.event";

/// What an event is about, by its `event_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Established,
    Canceled,
    Failed,
    /// The value of a document.
    Value,
    /// An item of a list or map.
    Item(Kind, Change),
    /// The context of a list.
    Context,
    /// The object is gone.
    Removed(Kind),
    /// An event of a list or map that this version does not know: it only moves the cursor (spec 02 §3.6).
    Other(Kind),
}

impl Topic {
    /// `None` for what is not for us: unknown acknowledgements, streams, live queries (spec 02 §3.3).
    fn of(event_type: &str) -> Option<Self> {
        use {
            Change::{Added, Removed, Updated},
            Kind::{Document, List, Map},
        };
        Some(match event_type {
            "list_item_added" => Self::Item(List, Added),
            "list_item_updated" => Self::Item(List, Updated),
            "list_item_removed" => Self::Item(List, Removed),
            "map_item_added" => Self::Item(Map, Added),
            "map_item_updated" => Self::Item(Map, Updated),
            "map_item_removed" => Self::Item(Map, Removed),
            "document_updated" => Self::Value,
            "list_context_updated" => Self::Context,
            "document_removed" => Self::Removed(Document),
            "list_removed" => Self::Removed(List),
            "map_removed" => Self::Removed(Map),
            "subscription_established" => Self::Established,
            "subscription_canceled" => Self::Canceled,
            "subscription_failed" => Self::Failed,
            other if other.starts_with("list_") => Self::Other(List),
            other if other.starts_with("map_") => Self::Other(Map),
            _ => return None,
        })
    }
}

/// The members of every event that sync reads, in one struct: the content is read once, whatever `event_type` says
/// and wherever it stands. Members that nobody reads (`item_url`, revisions, dates) are skipped.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Body<'a> {
    pub(super) id: Option<i64>,
    #[serde(borrow)]
    document_sid: Option<Text<'a>>,
    #[serde(borrow)]
    list_sid: Option<Text<'a>>,
    #[serde(borrow)]
    map_sid: Option<Text<'a>>,
    /// Of acknowledgements.
    #[serde(borrow)]
    object_sid: Option<Text<'a>>,
    pub(super) item_index: Option<Index>,
    #[serde(borrow)]
    pub(super) item_key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) item_data: Option<RawText<'a>>,
    #[serde(borrow)]
    pub(super) document_data: Option<RawText<'a>>,
    #[serde(borrow)]
    pub(super) context_data: Option<RawText<'a>>,
    #[serde(borrow)]
    pub(super) replay_status: Option<Text<'a>>,
    pub(super) last_event_id: Option<i64>,
    #[serde(borrow)]
    pub(super) error: Option<ErrorBody<'a>>,
}

/// What the service says of an error, in acknowledgements and in answers (spec 02 §1.5).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ErrorBody<'a> {
    pub(super) status: Option<u16>,
    pub(super) code: Option<i64>,
    #[serde(borrow)]
    pub(super) message: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    correlation_id: Option<RawText<'a>>,
    #[serde(borrow)]
    event: Option<Body<'a>>,
    #[serde(borrow)]
    events: Option<Vec<Body<'a>>>,
}

/// One event out of a notification, not yet applied.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    pub(super) topic: Topic,
    /// The poke that caused it: for acknowledgements and replays.
    pub(super) correlation_id: Option<u64>,
    pub(super) body: Body<'a>,
}

impl<'a> Event<'a> {
    /// The SID of the object that it is about.
    pub(super) fn sid(&self) -> Option<&str> {
        let text: &Option<Text<'a>> = match self.topic {
            Topic::Established | Topic::Canceled | Topic::Failed => &self.body.object_sid,
            Topic::Value | Topic::Removed(Kind::Document) => &self.body.document_sid,
            Topic::Item(kind, _) | Topic::Removed(kind) | Topic::Other(kind) => match kind {
                Kind::Document => &self.body.document_sid,
                Kind::List => &self.body.list_sid,
                Kind::Map => &self.body.map_sid,
            },
            Topic::Context => &self.body.list_sid,
        };
        text.as_ref().map(|text| &*text.0)
    }
}

/// The events of a notification, in order.
#[derive(Debug)]
pub(super) struct Events<'a> {
    topic: Option<Topic>,
    pub(super) correlation_id: Option<u64>,
    one: Option<Body<'a>>,
    more: vec::IntoIter<Body<'a>>,
}

impl<'a> Events<'a> {
    pub(super) fn none() -> Self {
        Self { topic: None, correlation_id: None, one: None, more: Vec::new().into_iter() }
    }

    /// Reads a notification. `events` stands for `event` when it is there (spec 02 §3.2). Nothing is copied but what
    /// holds escapes.
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, Fault> {
        let envelope = match core::str::from_utf8(payload) {
            Ok(text) => plain_envelope(text).map_or_else(|| serde_json::from_str(text), Ok),
            // Members that nobody reads may hold what is not UTF-8.
            Err(_) => serde_json::from_slice(payload),
        };
        let envelope: Envelope<'a> = envelope.map_err(|error| Fault::Unreadable {
            what: "notification of Sync".into(),
            problem: problem(&error),
        })?;
        // Ids are ours: anything that is not a positive number is none of them (spec 02 §2.10 Q7).
        let correlation_id = envelope.correlation_id.and_then(|raw| raw.0.parse().ok()).filter(|id| *id > 0);
        let (one, more) = match envelope.events {
            Some(events) => (None, events),
            None => (envelope.event, Vec::new()),
        };
        // A notification without a type is ignored (spec 02 §2.10 Q8).
        let topic = envelope.event_type.and_then(|text| Topic::of(&text.0));
        Ok(Self { topic, correlation_id, one, more: more.into_iter() })
    }
}

/// Reads a notification with one event and nothing unusual in it; `None` leaves it to serde.
fn plain_envelope(text: &str) -> Option<Envelope<'_>> {
    let mut envelope = Envelope::default();
    plain::object(text, |value, name| match name {
        "event_type" => once(&mut envelope.event_type, Text(value.text()?.into())),
        "correlation_id" => once(&mut envelope.correlation_id, RawText(value.raw()?)),
        "event" => {
            let body = envelope.event.is_none().then(|| envelope.event.insert(Body::default()))?;
            plain_body(value, body)
        }
        "events" => None,
        _ => value.skip(),
    })?;
    Some(envelope)
}

/// Members of a kind are read in one place: less code to a frame, which hardly fits into the processor's cache as it is.
fn plain_body<'a>(value: &mut Plain<'a>, body: &mut Body<'a>) -> Option<()> {
    value.object(|value, name| {
        let text = match name {
            "document_sid" => &mut body.document_sid,
            "list_sid" => &mut body.list_sid,
            "map_sid" => &mut body.map_sid,
            "object_sid" => &mut body.object_sid,
            "item_key" => &mut body.item_key,
            "replay_status" => &mut body.replay_status,
            _ => return plain_value(value, name, body),
        };
        once(text, Text(value.text()?.into()))
    })
}

/// A member that is no text.
fn plain_value<'a>(value: &mut Plain<'a>, name: &str, body: &mut Body<'a>) -> Option<()> {
    let raw = match name {
        "id" => return once(&mut body.id, value.integer()?),
        "last_event_id" => return once(&mut body.last_event_id, value.integer()?),
        "item_index" => return once(&mut body.item_index, Index(u64::try_from(value.integer()?).ok()?)),
        "item_data" => &mut body.item_data,
        "document_data" => &mut body.document_data,
        "context_data" => &mut body.context_data,
        "error" => return None,
        _ => return value.skip(),
    };
    once(raw, RawText(value.raw()?))
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let topic = self.topic?;
        let body = self.one.take().or_else(|| self.more.next())?;
        Some(Event { topic, correlation_id: self.correlation_id, body })
    }
}

/// Whether notifications of this type are Sync's (spec 02 §3.1).
pub(super) fn is_ours(message_type: &str) -> bool {
    message_type == SYNC_EVENT || message_type.starts_with("com.twilio.rtd.cds.")
}
