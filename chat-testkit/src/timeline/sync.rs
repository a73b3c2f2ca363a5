//! What the frames of the Sync layer say, without the members that every one of them repeats.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::values::{shown, shown_all};

/// Members of descriptors and events that say nothing to a reader: they follow from the line itself.
const REPEATED: [&str; 4] = ["created_by", "list_sid", "map_sid", "meta_key"];

/// A `POST …/Subscriptions`: `establish map MP#1 from 3, list ES#1 from -1`. `None` if it is another thing.
pub(super) fn subscriptions(payload: &Value) -> Option<String> {
    let action = payload.get("action")?.as_str()?;
    let mut text = action.to_owned();
    for (n, request) in payload.get("requests")?.as_array()?.iter().enumerate() {
        text += if n == 0 { " " } else { ", " };
        text += &subscribed(request)?;
        match request.get("last_event_id") {
            Some(Value::Null) => text += " from the beginning",
            Some(id) => drop(write!(text, " from {id}")),
            None => {}
        }
    }
    if let Some(retried) = payload.get("retried_requests").and_then(Value::as_u64).filter(|count| *count > 0)
    {
        let _ = write!(text, " ({retried} retried)");
    }
    if let Some(reason) = payload.get("reason").and_then(Value::as_str) {
        let _ = write!(text, ", reason {reason}");
    }
    Some(text)
}

fn subscribed(request: &Value) -> Option<String> {
    Some(format!("{} {}", request.get("object_type")?.as_str()?, request.get("object_sid")?.as_str()?))
}

/// The body of a session command: `createChannel uuid#1 {…}`. `None` if it is another thing.
pub(super) fn command(payload: &Value) -> Option<String> {
    let Value::Object(request) = payload.get("data")?.get("request")? else { return None };
    let id = payload.get("data")?.get("commandId")?.as_str()?;
    let mut rest = request.clone();
    let action = rest.remove("action")?;
    Some(format!("{} {id} {}", action.as_str()?, shown_all(rest.into())))
}

/// An acknowledgement of a subscription: `map MP#1 at 3`. `None` if it is another thing.
pub(super) fn acknowledgement(event: &Value) -> Option<String> {
    let mut text = subscribed(event)?;
    if let Some(id) = event.get("last_event_id") {
        let _ = write!(text, " at {id}");
    }
    match event.get("replay_status").and_then(Value::as_str) {
        Some("completed") | None => {}
        Some(other) => drop(write!(text, ", replay {other}")),
    }
    if let Some(error) = event.get("error") {
        let _ = write!(text, " {}", shown(error.clone()));
    }
    Some(text)
}

/// An event of a list, map or document: `ES#1[0] event 4 {…}`. `None` if it is another thing.
pub(super) fn event(kind: &str, event: &Value) -> Option<String> {
    let (entity, _) = kind.split_once('_')?;
    let sid = event.get(format!("{entity}_sid"))?.as_str()?;
    let item = match (event.get("item_index"), event.get("item_key")) {
        (Some(index), _) => format!("[{index}]"),
        (_, Some(key)) => format!("[{}]", key.as_str()?),
        _ => String::new(),
    };
    let mut text = format!("{sid}{item}");
    if let Some(id) = event.get("id") {
        let _ = write!(text, " event {id}");
    }
    let data = ["item_data", "document_data", "context_data"].iter().find_map(|name| event.get(name));
    if let Some(data) = data {
        let _ = write!(text, " {}", session_command(data).unwrap_or_else(|| shown(data.clone())));
    }
    Some(text)
}

/// An item of a session list: `createChannel uuid#1`, and the service's answer where it stands in it.
fn session_command(data: &Value) -> Option<String> {
    let id = data.get("commandId")?.as_str()?;
    let action = data.get("request")?.get("action")?.as_str()?;
    let answer = data.get("response").map(|answer| format!(" answered {}", shown_all(answer.clone())));
    Some(format!("{action} {id}{}", answer.unwrap_or_default()))
}

/// The body of an answer to a request of the Sync layer.
pub(super) fn body(value: Value) -> String {
    shown(bare(value))
}

fn bare(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !REPEATED.contains(&name.as_str()));
            kept.map(|(name, value)| (name, bare(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(bare).collect(),
        other => other,
    }
}
