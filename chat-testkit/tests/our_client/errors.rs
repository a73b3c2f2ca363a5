//! Errors of both clients in common terms: the texts are each client's own.

use chat_proto::CallError;
use serde_json::{Value, json};

/// The SDK's texts that carry no name: what they are in our terms.
const TEXTS: &[(&str, &str)] = &[
    ("Attributes can't be null", "InvalidArgument"),
    ("Attributes must be a valid JSON object", "InvalidArgument"),
    ("Message is required parameter", "InvalidArgument"),
    ("Anchor should be a valid message index", "InvalidArgument"),
    ("Body <String> is a required parameter for updateBody", "InvalidArgument"),
    ("Channel.invite requires an <String>identity parameter", "InvalidArgument"),
    ("Incorrect argument \"index\": integer number or null expected", "InvalidArgument"),
    ("Member with identity nobody was not found", "UnknownMember"),
    ("Client.getChannelBySid requires a <String>channelSid parameter", "InvalidArgument"),
    ("Sorting criteria should be one of `lastMessage`, `uniqueName` or `friendlyName`", "InvalidArgument"),
    ("Sorting order should be `ascending` or `descending`", "InvalidArgument"),
    ("friendlyName must be string or empty", "InvalidArgument"),
    ("Invalid or unsupported channelType: xmpp", "InvalidArgument"),
    ("Can't modify unsubscribed object", "NotSubscribed"),
    ("Channel is not in user channels list", "UnknownChannel"),
    ("No next page", "NoSuchPage"),
    ("No previous page", "NoSuchPage"),
];

/// An error of our client.
pub fn ours(error: &CallError) -> Value {
    match error {
        CallError::Session { code, .. } => json!({ "kind": "Session", "code": code }),
        CallError::Sync { status, code, .. } => json!({ "kind": "Sync", "code": code, "status": status }),
        CallError::Rest { status, .. } => json!({ "kind": "Rest", "status": status }),
        CallError::InvalidArgument { .. } => json!({ "kind": "InvalidArgument" }),
        CallError::UnknownChannel(_) => json!({ "kind": "UnknownChannel" }),
        CallError::NotSubscribed(_) => json!({ "kind": "NotSubscribed" }),
        CallError::UnknownMember(_) => json!({ "kind": "UnknownMember" }),
        other => json!({ "kind": format!("{other:?}") }),
    }
}

/// An error of the SDK's log.
pub fn theirs(error: &Value) -> Value {
    let text = |member: &str| error.get(member).and_then(Value::as_str).unwrap_or_default();
    match text("name") {
        "SessionError" => json!({ "kind": "Session", "code": error["code"] }),
        "SyncError" => json!({ "kind": "Sync", "code": error["code"], "status": error["status"] }),
        _ if error["status"].is_u64() => json!({ "kind": "Rest", "status": error["status"] }),
        _ => {
            let found = TEXTS.iter().find(|(known, _)| *known == text("message"));
            let (_, kind) = found.unwrap_or_else(|| panic!("an error that the table does not know: {error}"));
            json!({ "kind": kind })
        }
    }
}
