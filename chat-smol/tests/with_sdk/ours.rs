//! Our client, its events, and what it sees in the words of the SDK's views.

use std::time::Duration;

use chat_smol::proto::{Channel, Identity, Member, Message};
use chat_smol::{Client, Event, Events, Json, Options, StreamExt, StreamItem};
use futures_lite::FutureExt;
use serde_json::{Value, json};
use smol::{Timer, block_on};

const PATIENCE: Duration = Duration::from_secs(20);

/// Our side.
pub(crate) struct Ours {
    pub(crate) client: Client,
    events: Events,
}

impl Ours {
    pub(crate) fn start(url: &str, token: &str) -> Result<Self, String> {
        let client = block_on(Client::create(token, Options::new().url(url).create_timeout(PATIENCE)));
        let client = client.map_err(|error| format!("our client: {error}"))?;
        let events = client.events();
        Ok(Self { client, events })
    }

    /// Waits for an event of which `find` makes something, and forgets those before it.
    pub(crate) fn until<T>(&mut self, what: &str, find: impl Fn(&Event) -> Option<T>) -> Result<T, String> {
        let wait = async {
            loop {
                match self.events.next().await {
                    Some(StreamItem::Event(event)) => {
                        if let Some(found) = find(&event) {
                            return Ok(found);
                        }
                    }
                    Some(StreamItem::Lagged(lost)) => return Err(format!("{lost} events were lost")),
                    None => return Err(format!("our client ended before {what}")),
                }
            }
        };
        let late = async {
            Timer::after(PATIENCE).await;
            Err(format!("our client did not see {what}"))
        };
        block_on(wait.or(late))
    }
}

/// What both sides must agree on of a channel. The status is each side's own.
pub(crate) fn channel(channel: &Channel) -> Value {
    json!({
        "sid": channel.sid, "uniqueName": channel.unique_name, "friendlyName": channel.friendly_name,
        "attributes": value(&channel.attributes), "createdBy": name(channel.created_by.as_ref()),
    })
}

/// What both sides must agree on of a message.
pub(crate) fn message(message: &Message) -> Value {
    json!({
        "sid": message.sid, "index": message.index, "author": name(message.author.as_ref()),
        "body": message.body, "attributes": value(&message.attributes), "memberSid": message.member_sid,
        "lastUpdatedBy": name(message.last_updated_by.as_ref()),
    })
}

/// What both sides must agree on of a member.
pub(crate) fn member(member: &Member) -> Value {
    json!({
        "sid": member.sid, "identity": name(member.identity.as_ref()), "isTyping": member.is_typing,
        "attributes": value(&member.attributes), "roleSid": member.role_sid,
    })
}

fn name(identity: Option<&Identity>) -> Option<&str> {
    identity.map(Identity::as_str)
}

fn value(json: &Json) -> Value {
    json.to_value().unwrap_or_default()
}

/// The same members of what the SDK shows; what it does not tell counts as null.
pub(crate) fn same_members(of: &Value, like: &Value) -> Value {
    match like.as_object() {
        Some(like) => like.keys().map(|key| (key.clone(), of[key].clone())).collect(),
        None => of.clone(),
    }
}
