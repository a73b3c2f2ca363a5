//! Pages of items (spec 02 §5).

use std::ops::Bound;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entity::{Entity, Item, ItemKey, Kind};
use crate::service::http::{Request, Response};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    Desc,
}

/// A page token says all by itself: order, size, and which side of which key.
#[derive(Debug, Serialize, Deserialize)]
struct PageToken {
    order: Order,
    size: usize,
    /// Items after this key, in the query's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// Items right before this key, in the query's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// Whether expired items are left out; nothing expires here unless its time came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hide_expired: Option<bool>,
}

impl PageToken {
    fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_string(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

type Row<'a> = (&'a ItemKey, &'a Item);

/// Answers `GET {links.items}`.
pub(crate) fn query(entity: &Entity, request: &Request, max_page_size: usize, now: &str) -> Response {
    let bad = |message: &str| Response::error(400, 54_010, message);
    let one = request.param(if entity.kind == Kind::List { "Index" } else { "Key" });
    let token = match request.param("PageToken") {
        None => None,
        Some(text) => match PageToken::decode(text) {
            Some(token) => Some(token),
            None => return bad("Invalid page token"),
        },
    };
    let hide_expired = match &token {
        Some(token) => token.hide_expired == Some(true),
        None => request.param("HideExpired") == Some("true"),
    };
    let visible =
        |row: &Row<'_>| !hide_expired || row.1.date_expires.as_deref().is_none_or(|date| date > now);
    if let Some(key) = one {
        // One that is missing is an empty page, not an error (spec 02 §10 D10).
        let found = ItemKey::parse(entity.kind, key).and_then(|key| entity.items.get_key_value(&key));
        let rows: Vec<Row<'_>> = found.into_iter().filter(visible).collect();
        return page(entity, &rows, 1, None, None);
    }
    let size = match (&token, request.param("PageSize")) {
        (Some(token), _) => token.size,
        (None, None) => 50,
        (None, Some(text)) => match text.parse::<usize>() {
            Ok(size) => size,
            Err(_) => return Response::error(400, 54_455, "Invalid page size"),
        },
    };
    let size = size.clamp(1, max_page_size.max(1));
    let order = match (&token, request.param("Order")) {
        (Some(token), _) => token.order,
        (None, Some("desc")) => Order::Desc,
        (None, _) => Order::Asc,
    };
    let key_of = |value: &Value| match value {
        Value::Number(number) => number.as_u64().map(ItemKey::Index),
        Value::String(text) => ItemKey::parse(entity.kind, text),
        _ => None,
    };
    let (start, before) = match &token {
        Some(PageToken { before: Some(key), .. }) => match key_of(key) {
            Some(key) => (Bound::Unbounded, Some(key)),
            None => return bad("Invalid page token"),
        },
        Some(PageToken { after: Some(key), .. }) => match key_of(key) {
            Some(key) => (Bound::Excluded(key), None),
            None => return bad("Invalid page token"),
        },
        Some(_) => (Bound::Unbounded, None),
        None => match request.param("From") {
            None => (Bound::Unbounded, None),
            Some(text) => match ItemKey::parse(entity.kind, text) {
                Some(key) if request.param("Bounds") == Some("exclusive") => (Bound::Excluded(key), None),
                Some(key) => (Bound::Included(key), None),
                None => return bad("Invalid From parameter"),
            },
        },
    };
    let rows: Vec<Row<'_>> = match &before {
        None => run(entity, order, start.clone()).filter(visible).take(size).collect(),
        // Right before a key: walk away from it the other way, then turn the page round.
        Some(key) => {
            let back = if order == Order::Asc { Order::Desc } else { Order::Asc };
            let mut rows: Vec<Row<'_>> =
                run(entity, back, Bound::Excluded(key.clone())).filter(visible).take(size).collect();
            rows.reverse();
            rows
        }
    };
    let back = if order == Order::Asc { Order::Desc } else { Order::Asc };
    // An empty page still has a place: everything is on one side of where it began.
    let (first, last) = match (rows.first(), rows.last(), start, before) {
        (Some(first), Some(last), _, _) => (Some(first.0.clone()), Some(last.0.clone())),
        (_, _, _, Some(key)) | (_, _, Bound::Included(key) | Bound::Excluded(key), _) => {
            (Some(key.clone()), Some(key))
        }
        _ => (None, None),
    };
    let hide_expired = hide_expired.then_some(true);
    let previous =
        first.filter(|key| run(entity, back, Bound::Excluded(key.clone())).any(|row| visible(&row)));
    let next = last.filter(|key| run(entity, order, Bound::Excluded(key.clone())).any(|row| visible(&row)));
    let previous = previous.map(|key| {
        PageToken { order, size, after: None, before: Some(key.to_json()), hide_expired }.encode()
    });
    let next = next.map(|key| {
        PageToken { order, size, after: Some(key.to_json()), before: None, hide_expired }.encode()
    });
    page(entity, &rows, size, previous.as_deref(), next.as_deref())
}

/// Items from `start` on, in this order.
fn run(entity: &Entity, order: Order, start: Bound<ItemKey>) -> Box<dyn Iterator<Item = Row<'_>> + '_> {
    match order {
        Order::Asc => Box::new(entity.items.range((start, Bound::Unbounded))),
        Order::Desc => Box::new(entity.items.range((Bound::Unbounded, start)).rev()),
    }
}

fn page(
    entity: &Entity,
    rows: &[Row<'_>],
    size: usize,
    previous_token: Option<&str>,
    next_token: Option<&str>,
) -> Response {
    let items: Vec<Value> = rows.iter().map(|(key, item)| entity.item_descriptor(key, item, true)).collect();
    Response::ok(json!({
        "items": items,
        "meta": {
            "key": "items",
            "page_size": size,
            "previous_token": previous_token,
            "next_token": next_token,
            "encode_token": false,
            "direct_token": true,
        },
    }))
}
