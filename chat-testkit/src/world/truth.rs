use std::collections::BTreeMap;

use chat_proto::{ChannelSid, Json, Time};
use serde_json::Value;

use crate::service::Service;

/// A message as the service holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the channel.
    pub index: u64,
    /// Who said it.
    pub author: Option<String>,
    /// What was said.
    pub body: Option<String>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// The file name of its media.
    pub filename: Option<String>,
}

/// What the service holds at the end of a world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// The messages of each channel that exists, by index.
    pub messages: BTreeMap<ChannelSid, Vec<Stored>>,
}

impl Truth {
    /// Asks the service, through its control interface.
    pub(super) fn of(service: &mut Service, now: Time) -> Self {
        let mut truth = Self::default();
        let state = service.admin(now, "state", &serde_json::json!({})).expect("the service tells its state");
        let channels = state.get("channels").map(values).unwrap_or_default();
        for sid in channels.iter().filter_map(|channel| channel.get("sid")?.as_str()) {
            let arguments = serde_json::json!({ "channel": sid });
            let list =
                service.admin(now, "messages", &arguments).expect("it tells the messages of its channels");
            let list = list.get("messages").unwrap_or(&list);
            let mut messages: Vec<Stored> = values(list).iter().filter_map(|item| stored(item)).collect();
            messages.sort_by_key(|message| message.index);
            truth.messages.insert(sid.into(), messages);
        }
        truth
    }
}

/// The values of a list, or of an object.
fn values(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn stored(item: &Value) -> Option<Stored> {
    let text = |name: &str| item.get(name).and_then(Value::as_str).map(String::from);
    let attributes = text("attributes").and_then(|text| Json::parse(&text).ok()).unwrap_or_default();
    Some(Stored {
        index: item.get("index")?.as_u64()?,
        author: text("author"),
        // A media message shows no text, whatever somebody edited into it (spec 03 §6.4).
        body: text("text").filter(|_| item.get("media").is_none()),
        attributes,
        filename: item.pointer("/media/filename").and_then(Value::as_str).map(String::from),
    })
}
