//! Values on one line: what says nothing to a reader is left out, and long texts are cut.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_json::{Map, Value};

/// How many characters of a value are shown.
const SHOWN: usize = 240;

/// Members that say nothing to a reader of a timeline: addresses and dates that follow from the rest.
const NOISE: [&str; 16] = [
    "account_sid",
    "date_created",
    "date_expires",
    "date_updated",
    "dateCreated",
    "dateUpdated",
    "direct_token",
    "encode_token",
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
            let Some((name, mut value)) = members.next() else { return Default::default() };
            // Why a thing is told comes before the thing: the end of a long line is cut off.
            let reasons = value.as_object_mut().and_then(|members| members.remove("reasons"));
            let reasons = reasons.map(|reasons| format!(" {}", shown(reasons))).unwrap_or_default();
            (name, format!("{reasons} {}", shown(value)), full)
        }
        other => (String::new(), shown(other), full),
    }
}

/// Around a value that [`finish`] may shorten, once the names in it are as short as they get.
const BEGIN: char = '\u{2}';
const END: char = '\u{3}';

/// A JSON value on one line.
pub(super) fn shown(value: Value) -> String {
    bracketed(&essence(value).to_string())
}

/// The same with the members that are `null` or empty.
pub(super) fn shown_all(value: Value) -> String {
    bracketed(&without_secrets(value).to_string())
}

fn bracketed(text: &str) -> String {
    let text = text.replace([BEGIN, END], " ");
    format!("{BEGIN}{text}{END}")
}

/// The text with its values shortened, and with line ends and other control characters as escapes.
pub(super) fn finish(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, value)) = rest.split_once(BEGIN) {
        let (value, after) = value.split_once(END).unwrap_or((value, ""));
        out += &one_line(before);
        out += &one_line(&shorten(value));
        rest = after;
    }
    out += &one_line(rest);
    out.trim_end().to_owned()
}

/// A JSON text on one line; a text that is not JSON as a JSON string.
pub(super) fn shown_text(text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    match serde_json::from_slice(text) {
        Ok(value) => shown(value),
        Err(_) => bracketed(&Value::from(String::from_utf8_lossy(text)).to_string()),
    }
}

/// The same with the members that are `null` or empty.
pub(super) fn shown_all_text(text: &[u8]) -> String {
    match serde_json::from_slice(text) {
        Ok(value) => shown_all(value),
        Err(_) => shown_text(text),
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
                let no_attributes = name == "attributes" && *value == Value::Object(Map::new());
                !value.is_null() && !NOISE.contains(&name.as_str()) && !no_attributes
            });
            kept.map(|(name, value)| (name, essence(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(essence).collect(),
        other => short(other),
    }
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, without_secrets(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        other => short(other),
    }
}

/// A value without parts: stars instead of secrets, and long texts are cut.
fn short(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("e30.") && text.ends_with('*') => {
            format!("*** ({} bytes)", text.len()).into()
        }
        Value::String(text) if text.chars().count() > SHOWN / 2 && !text.bytes().all(|byte| byte == b'*') => {
            shorten_string(&text).into()
        }
        Value::String(text) if text.len() > 8 && text.bytes().all(|byte| byte == b'*') => {
            format!("*** ({} bytes)", text.len()).into()
        }
        other => other,
    }
}

fn shorten_string(text: &str) -> String {
    match text.char_indices().nth(SHOWN / 2) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn one_line(text: &str) -> String {
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

/// Gives SIDs and other long random names short ones, in the order in which they appear: `CH#1`, `uuid#1`.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: HashMap<String, String>,
    counts: HashMap<String, usize>,
}

impl Names {
    pub(super) fn shorten(&mut self, text: &str) -> String {
        static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(r"\b([A-Z]{2})[0-9a-f]{32}|\b(TM)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").ok()
        });
        let Some(long) = LONG.as_ref() else { return text.to_owned() };
        let replace = |found: &regex::Captures<'_>| {
            let kind = found.get(1).or_else(|| found.get(2)).map_or("uuid", |kind| kind.as_str());
            let Self { names, counts } = self;
            let name = names.entry(found[0].to_owned()).or_insert_with(|| {
                let count = counts.entry(kind.to_owned()).or_default();
                *count += 1;
                format!("{kind}#{count}")
            });
            name.clone()
        };
        long.replace_all(text, replace).into_owned()
    }
}
