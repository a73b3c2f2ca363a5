//! Values on one line: what says nothing to a reader is left out, and long texts are cut.

use regex::Regex;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// How many characters of a value are shown.
const SHOWN: usize = 240;

/// Members that say nothing to a reader of a timeline: addresses and dates that follow from the rest.
const NOISE: [&str; 14] = [
    "account_sid",
    "date_created",
    "date_expires",
    "date_updated",
    "dateCreated",
    "dateUpdated",
    "event_protocol_version",
    "item_url",
    "links",
    "meta_url",
    "service_sid",
    "timestamp",
    "ttl_in_s",
    "url",
];

/// A value of an enum: the variant's name, the rest on one line, and all of it if that was shortened.
pub(super) fn variant<T: Serialize>(value: &T) -> (String, String, Option<String>) {
    let json = serde_json::to_value(value).unwrap_or_default();
    let full = serde_json::to_string_pretty(&json).ok();
    match json {
        Value::String(name) => (name, String::new(), None),
        Value::Object(members) if members.len() == 1 => {
            let mut members = members.into_iter();
            let Some((name, value)) = members.next() else { return Default::default() };
            (name, format!(" {}", shown(value)), full)
        }
        other => (String::new(), shown(other), full),
    }
}

/// A JSON value on one line.
pub(super) fn shown(value: Value) -> String {
    shorten(&essence(value).to_string())
}

/// A JSON text on one line; a text that is not JSON as a JSON string.
pub(super) fn shown_text(text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    match serde_json::from_slice(text) {
        Ok(value) => shown(value),
        Err(_) => shorten(&Value::from(String::from_utf8_lossy(text)).to_string()),
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}

fn essence(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, value)| {
                !value.is_null() && !NOISE.contains(&name.as_str()) && *value != Value::Object(Map::new())
            });
            kept.map(|(name, value)| (name, essence(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(essence).collect(),
        Value::String(text) if text.chars().count() > SHOWN / 3 && !text.bytes().all(|byte| byte == b'*') => {
            shorten_string(&text).into()
        }
        Value::String(text) if text.len() > 8 && text.bytes().all(|byte| byte == b'*') => {
            format!("*** ({} bytes)", text.len()).into()
        }
        other => other,
    }
}

fn shorten_string(text: &str) -> String {
    match text.char_indices().nth(SHOWN / 3) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Line ends and other control characters as escapes.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// The first channel that a text names.
pub(super) fn channel(text: &str) -> Option<String> {
    static CHANNEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bCH[0-9a-f]{32}").ok());
    CHANNEL.as_ref()?.find(text).map(|found| found.as_str().to_owned())
}
