//! Which recorded request is the same as one of ours, and what was answered.
//!
//! | ours | the same, if these are |
//! |---|---|
//! | `init`, `update`, `put_notification_ctx`, … | the method |
//! | a tunnelled request | method, path, parameters, and the body without `commandId` and `context.endpointPlatform` |
//! | a request for subscriptions | nothing: it is answered object by object ([`super::person`]) |
//!
//! A page of list items that was never asked for is made of the notifications so far ([`super::lists`]).
//! A recorded answer is given once, in order. A `GET` that is asked more often than recorded gets the last answer again.

use chat_proto::Time;
use serde_json::Value;

use super::Parts;

/// A recorded request and its answer.
#[derive(Debug)]
struct Exchange {
    key: String,
    id: String,
    command: Option<String>,
    answer: Option<(Time, Parts)>,
    used: bool,
}

/// All requests of a recorded client.
#[derive(Debug, Default)]
pub(super) struct Answers {
    exchanges: Vec<Exchange>,
}

/// An answer for our client.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) at: Time,
    pub(super) parts: Parts,
    /// The `commandId` of the recorded request, which ours stands for from now on.
    pub(super) command: Option<String>,
}

impl Answers {
    pub(super) fn asked(&mut self, parts: &Parts) {
        let command = command_id(parts);
        let (key, id) = (key(parts), parts.id().to_owned());
        self.exchanges.push(Exchange { key, id, command, answer: None, used: false });
    }

    pub(super) fn answered(&mut self, at: Time, parts: Parts) {
        let id = parts.id().to_owned();
        let asked = self.exchanges.iter_mut().find(|asked| asked.id == id && asked.answer.is_none());
        if let Some(asked) = asked {
            asked.answer = Some((at, parts));
        }
    }

    /// The answer to a request of ours.
    pub(super) fn take(&mut self, asked: &Parts) -> Option<Answer> {
        let key = key(asked);
        let unused = self.exchanges.iter().position(|known| !known.used && known.key == key);
        let repeatable = key.starts_with("GET ") || !key.contains(' ');
        let again = || self.exchanges.iter().rposition(|known| repeatable && known.key == key);
        let place = unused.or_else(again)?;
        let known = self.exchanges.get_mut(place)?;
        known.used = true;
        let (at, parts) = known.answer.clone()?;
        Some(Answer { at, parts, command: known.command.clone() })
    }

    /// Any answer to a request for subscriptions: all are alike.
    pub(super) fn subscriptions(&self) -> Option<Parts> {
        let found = self.exchanges.iter().find(|known| known.key.contains("/Subscriptions"));
        found.and_then(|known| known.answer.as_ref()).map(|(_, parts)| parts.clone())
    }
}

/// The `commandId` of a pushed session command.
pub(super) fn command_id(parts: &Parts) -> Option<String> {
    parts.json()["data"]["commandId"].as_str().map(str::to_owned)
}

/// What a request asks, in words that are the same for the same request.
pub(super) fn key(parts: &Parts) -> String {
    if parts.method() != "message" {
        return parts.method().to_owned();
    }
    let http = &parts.header["http_request"];
    let text = |name: &str| http[name].as_str().unwrap_or_default();
    let mut key = format!("{} {}{}", text("method"), text("host"), text("path"));
    let mut params: Vec<String> = http["params"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    params.sort();
    for param in params {
        key.push(' ');
        key += &param;
    }
    key.push(' ');
    if let Ok(mut body) = serde_json::from_slice::<Value>(&parts.payload) {
        for (member, random) in [("data", "commandId"), ("context", "endpointPlatform")] {
            if let Some(members) = body.get_mut(member).and_then(Value::as_object_mut) {
                members.shift_remove(random);
            }
        }
        key += &sorted(&body).to_string();
    } else {
        key += &String::from_utf8_lossy(&parts.payload);
    }
    key.trim_end().to_owned()
}

/// Members by name; numbers that are written as texts are numbers (the reference client writes indexes both ways).
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            members
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<u64>().map_or_else(|_| value.clone(), Value::from)
        }
        other => other.clone(),
    }
}
