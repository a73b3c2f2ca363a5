//! What the service wrote into an item of the session list (spec 03 §3.5, §4.1).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::commands::Response;
use crate::error::CallError;
use crate::model::ChannelSid;

/// Success; nothing else is (spec 03 §1.2).
const OK: i64 = 200;

/// An item that holds a session command.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) command_id: Cow<'a, str>,
    /// `None` while the service has not answered.
    pub(crate) answer: Option<Result<Response, CallError>>,
}

/// Reads an item. `None` for one that holds no session command: such an item is nothing of ours.
pub(crate) fn seen(data: &str) -> Option<Seen<'_>> {
    #[derive(Deserialize)]
    struct Item<'a> {
        #[serde(rename = "commandId", borrow)]
        command_id: Cow<'a, str>,
        #[serde(default, borrow, deserialize_with = "present")]
        response: Option<&'a RawValue>,
    }
    let item: Item<'_> = serde_json::from_str(data).ok()?;
    Some(Seen { command_id: item.command_id, answer: item.response.map(response) })
}

/// A member that is there, though it be `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn response(raw: &RawValue) -> Result<Response, CallError> {
    let Ok(Value::Object(members)) = serde_json::from_str(raw.get()) else {
        return Err(bad("response"));
    };
    let status = members.get("status").and_then(whole).ok_or_else(|| bad("response.status"))?;
    if status != OK {
        let message = members.get("statusText").and_then(Value::as_str).unwrap_or_default();
        return Err(CallError::Session { code: status, message: message.into() });
    }
    let text = |name| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(bad(name)),
    };
    let report = match members.get("report") {
        None | Some(Value::Null) => None,
        Some(Value::Array(entries)) => {
            let entries: Option<Vec<_>> = entries.iter().map(report_entry).collect();
            Some(entries.ok_or_else(|| bad("response.report"))?)
        }
        Some(_) => return Err(bad("response.report")),
    };
    Ok(Response {
        channel_sid: text("channelSid")?.map(ChannelSid::from),
        channel: text("channel")?.map(Box::from),
        message_id: members.get("messageId").and_then(index),
        has_report: report.is_some(),
        report: report.unwrap_or_default(),
    })
}

fn report_entry(entry: &Value) -> Option<(ChannelSid, Option<u64>)> {
    let channel = entry.get("channelSid")?.as_str()?.into();
    match entry.get("unreadMessagesCount") {
        None | Some(Value::Null) => Some((channel, None)),
        Some(count) => count.as_u64().map(|count| (channel, Some(count))),
    }
}

/// A whole number, also when it is written `200.0`; a text with digits is none (spec 03 §1.2).
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "compared with the original right after")]
        let whole = number as i64;
        #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "equal only if nothing was lost")]
        (whole as f64 == number).then_some(whole)
    })
}

/// A message's index comes as a number or as a text (spec 03 §4.1). Anything else counts as not told.
fn index(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}

fn bad(what: &str) -> CallError {
    CallError::BadAnswer(what.into())
}
