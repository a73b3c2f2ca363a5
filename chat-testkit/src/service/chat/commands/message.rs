//! Commands about messages.

use serde_json::{Map, Value, json};

use super::{Actor, Answer, MALFORMED, Refusal, UNAUTHORIZED, message_index, refuse, text};
use crate::service::chat::messages::NewMessage;
use crate::service::sync::ItemKey;

const NO_MESSAGE: Refusal = refuse(404, "Message not found");
const NO_MEDIA: Refusal = refuse(404, "Media not found");
const TOO_LONG: Refusal = refuse(413, "Message body too long");

/// No message is known by its `commandId`: a command that comes twice is executed twice (spec 03 §21 #2).
pub(super) fn send(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let text = match params.get("text") {
        None | Some(Value::Null) => Value::Null,
        Some(Value::String(text)) if text.len() > actor.world.config.max_message_bytes => {
            actor.joined_channel(params)?;
            return Err(TOO_LONG);
        }
        Some(text @ Value::String(_)) => text.clone(),
        Some(_) => return Err(MALFORMED),
    };
    let (_, answer) = post(actor, params, text, None)?;
    Ok(answer)
}

pub(super) fn send_media(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let sid = text(params, "mediaSid")?;
    actor.joined_channel(params)?;
    let media = actor.chat.media.of(sid, actor.identity).ok_or(NO_MEDIA)?.in_message();
    let (channel, answer) = post(actor, params, Value::Null, Some(media))?;
    actor.chat.media.attach(sid, &channel, answer["messageSid"].as_str().unwrap_or_default());
    Ok(answer)
}

/// Gives the channel and the answer.
fn post(
    actor: &mut Actor<'_>,
    params: &Map<String, Value>,
    text: Value,
    media: Option<Value>,
) -> Result<(String, Value), Refusal> {
    let channel = actor.joined_channel(params)?.sid.clone();
    let attributes = actor.attributes(params)?;
    let message = NewMessage { author: actor.identity, text, attributes, media };
    let posted = actor.chat.post(actor.world, actor.store, &channel, message, true).ok_or(MALFORMED)?;
    Ok((channel, json!({"messageId": posted.index.to_string(), "messageSid": posted.sid})))
}

pub(super) fn edit(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let body = text(params, "text")?;
    if body.len() > actor.world.config.max_message_bytes {
        return Err(TOO_LONG);
    }
    change(actor, params, "text", body)
}

pub(super) fn edit_attributes(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let attributes = actor.attributes(params)?;
    change(actor, params, "attributes", attributes)
}

fn change(actor: &mut Actor<'_>, params: &Map<String, Value>, name: &str, value: &str) -> Answer {
    let (_, messages, index, mut item) = find(actor, params)?;
    item[name] = value.into();
    item["dateUpdated"] = actor.world.clock.stamp().into();
    item["lastUpdatedBy"] = actor.identity.into();
    actor.store.put_item(actor.world, &messages, ItemKey::Index(index), item, actor.identity);
    Ok(json!({}))
}

pub(super) fn delete(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let (channel, _, index, _) = find(actor, params)?;
    actor.chat.delete_message(actor.world, actor.store, &channel, index, actor.identity);
    Ok(json!({}))
}

/// The message that a command is about: channel, list, index and data. Its author may change it, and the channel's
/// creator (log s03).
fn find(actor: &Actor<'_>, params: &Map<String, Value>) -> Result<(String, String, u64, Value), Refusal> {
    let channel = actor.joined_channel(params)?;
    let index = message_index(params.get("messageIdx")).ok_or(MALFORMED)?;
    let item = actor.store.data(&channel.messages, &ItemKey::Index(index)).cloned().ok_or(NO_MESSAGE)?;
    if item["author"] != actor.identity && channel.created_by != actor.identity {
        return Err(UNAUTHORIZED);
    }
    Ok((channel.sid.clone(), channel.messages.clone(), index, item))
}
