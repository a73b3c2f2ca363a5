//! What the recorded notifications told of lists so far.
//!
//! Our client reads the items of a list when it opens it, so that nothing is missed; the reference client does not, so a
//! recording has no answer to that. What was said on the wire until then is one.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::Parts;

/// The items of each list, by index.
#[derive(Debug, Default)]
pub(super) struct Lists {
    items: HashMap<String, BTreeMap<u64, Value>>,
}

impl Lists {
    /// Takes in a notification, when it was sent.
    pub(super) fn said(&mut self, parts: &Parts) {
        let payload = parts.json();
        let event = &payload["event"];
        let (Some(list), Some(index)) = (event["list_sid"].as_str(), event["item_index"].as_u64()) else {
            return;
        };
        let items = self.items.entry(list.to_owned()).or_default();
        if payload["event_type"] == "list_item_removed" {
            items.remove(&index);
            return;
        }
        let known = items.get(&index);
        let first = |member: &str| known.map_or_else(|| event[member].clone(), |known| known[member].clone());
        let item = json!({
            "index": index, "list_sid": list, "data": event["item_data"], "revision": event["item_revision"],
            "last_event_id": event["id"], "url": event["item_url"], "created_by": first("created_by"),
            "date_created": first("date_created"), "date_updated": event["date_created"],
        });
        items.insert(index, item);
    }

    /// The answer to a query of items, if this is one and from an index.
    pub(super) fn answer(&self, asked: &Parts) -> Option<Parts> {
        let http = &asked.header["http_request"];
        let path: Vec<&str> = http["path"].as_str()?.trim_start_matches('/').split('/').collect();
        let ["v3", "Services", _, "Lists", list, "Items"] = path.as_slice() else { return None };
        let param = |name: &str| http["params"][name].as_str();
        let from: u64 = param("From")?.parse().ok()?;
        let size: usize = param("PageSize")?.parse().ok()?;
        let items = self.items.get(*list);
        let all = items.into_iter().flatten();
        let page: Vec<&Value> = match param("Order") {
            Some("desc") => {
                all.filter(|(index, _)| **index <= from).map(|(_, item)| item).rev().take(size).collect()
            }
            _ => all.filter(|(index, _)| **index >= from).map(|(_, item)| item).take(size).collect(),
        };
        let meta = json!({ "key": "items", "page_size": size, "page": 0, "direct_token": true,
            "next_token": null, "previous_token": null });
        let good = json!({ "code": 200, "status": "OK" });
        let header = json!({ "method": "reply", "id": asked.id(), "payload_size": 0, "status": good,
            "payload_type": "application/json", "http_headers": { "content-type": "application/json" }, "http_status": good });
        Some(Parts { header, payload: json!({ "items": page, "meta": meta }).to_string().into_bytes() })
    }
}
