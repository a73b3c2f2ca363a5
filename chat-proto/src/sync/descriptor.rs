//! What the service answers: objects, items, pages (spec 02 §1.5). All borrowed from the frame.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Kind;
use super::de::{Index, Text};
use super::output::Key;
use crate::twilsock::Url;

/// A document, list or map.
#[derive(Debug, Deserialize)]
pub(super) struct Root<'a> {
    #[serde(borrow)]
    pub(super) sid: Text<'a>,
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    links: Option<Links<'a>>,
    pub(super) last_event_id: Option<i64>,
    /// Of a document.
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    /// Of a map, when they were asked for.
    #[serde(borrow, default)]
    pub(super) items: Option<Vec<ItemBody<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Links<'a> {
    #[serde(borrow)]
    items: Option<Text<'a>>,
    #[serde(borrow)]
    context: Option<Text<'a>>,
}

impl Root<'_> {
    /// Where its items are. Where the service does not say, below its own address, as everybody builds it (spec 02
    /// §1.2); `None` when neither is absolute (R1).
    pub(super) fn items_url(&self) -> Option<Url> {
        self.link(self.links.as_ref().and_then(|links| links.items.as_ref()), "Items")
    }

    /// Where its context is: said by the service, else `{url}/Context` (spec 02 §10 D11).
    pub(super) fn context_url(&self) -> Option<Url> {
        self.link(self.links.as_ref().and_then(|links| links.context.as_ref()), "Context")
    }

    fn link(&self, link: Option<&Text<'_>>, segment: &str) -> Option<Url> {
        match link {
            Some(link) => Url::parse(&link.0),
            None => Url::parse(&self.url.as_ref()?.0).map(|url| url.segment(segment)),
        }
    }
}

/// An item of a list or map.
#[derive(Debug, Deserialize)]
pub(super) struct ItemBody<'a> {
    pub(super) index: Option<Index>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    pub(super) last_event_id: Option<i64>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

impl<'a> ItemBody<'a> {
    /// Its key in an object of this kind; `None` when it has none.
    pub(super) fn key(&mut self, kind: Kind) -> Option<Key<'a>> {
        match kind {
            Kind::List => self.index.map(|index| Key::Index(index.0)),
            Kind::Map => self.key.take().map(|key| Key::Name(key.0)),
            Kind::Document => None,
        }
    }
}

/// A page of items.
#[derive(Debug, Deserialize)]
pub(super) struct PageBody<'a> {
    #[serde(borrow)]
    pub(super) items: Vec<ItemBody<'a>>,
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Debug, Deserialize)]
struct Meta<'a> {
    #[serde(borrow)]
    next_token: Option<Text<'a>>,
    #[serde(borrow)]
    previous_token: Option<Text<'a>>,
}

impl PageBody<'_> {
    /// The tokens of the next and the previous page. An empty one is none (spec 02 §5.3).
    pub(super) fn tokens(&self) -> (Option<Box<str>>, Option<Box<str>>) {
        let token = |text: Option<&Text<'_>>| {
            text.map(|text| &*text.0).filter(|text| !text.is_empty()).map(Box::from)
        };
        let meta = self.meta.as_ref();
        (
            token(meta.and_then(|meta| meta.next_token.as_ref())),
            token(meta.and_then(|meta| meta.previous_token.as_ref())),
        )
    }
}

/// The context of a list (E10).
#[derive(Debug, Deserialize)]
pub(super) struct ContextBody<'a> {
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
    pub(super) last_event_id: Option<i64>,
}
