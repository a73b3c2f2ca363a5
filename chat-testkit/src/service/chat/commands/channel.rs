//! Commands about a channel itself.

use serde_json::{Map, Value, json};

use super::{Actor, Answer, MALFORMED, NOT_MEMBER, Refusal, UNAUTHORIZED, refuse, text};
use crate::service::chat::Chat;
use crate::service::chat::channels::NewChannel;

const NAME_TAKEN: Refusal = refuse(409, "Channel with provided unique name already exists");

pub(super) fn create(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let unique_name = params.get("uniqueName").and_then(Value::as_str).filter(|name| !name.is_empty());
    if unique_name.is_some_and(|name| taken(actor, name, None)) {
        return Err(NAME_TAKEN);
    }
    let attributes = actor.attributes(params)?;
    let private = match params.get("type").and_then(Value::as_str) {
        Some("private") => true,
        Some("public") | None => false,
        Some(_) => return Err(MALFORMED),
    };
    let new = NewChannel {
        unique_name,
        friendly_name: params.get("friendlyName").cloned().unwrap_or(Value::Null),
        private,
        attributes,
        by: actor.identity,
    };
    let sid = actor.chat.create_channel(actor.world, actor.store, new);
    Ok(json!({"channelSid": sid, "channel": format!("{sid}.channel")}))
}

pub(super) fn destroy(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let channel = actor.channel(params)?;
    if channel.created_by != actor.identity {
        return Err(UNAUTHORIZED);
    }
    let sid = channel.sid.clone();
    actor.chat.destroy_channel(actor.world, actor.store, &sid, actor.identity);
    Ok(json!({}))
}

pub(super) fn edit_attributes(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let attributes = actor.attributes(params)?.to_owned();
    edit(actor, params, |chat, sid| {
        if let Some(channel) = chat.channels.get_mut(sid) {
            channel.attributes = attributes;
        }
    })
}

pub(super) fn edit_friendly_name(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let name = params.get("friendlyName").cloned().unwrap_or(Value::Null);
    edit(actor, params, |chat, sid| {
        if let Some(channel) = chat.channels.get_mut(sid) {
            channel.friendly_name = name;
        }
    })
}

pub(super) fn edit_unique_name(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    // An empty name is no name (spec 03 §4.2).
    let name = params.get("uniqueName").and_then(Value::as_str).filter(|name| !name.is_empty());
    let sid = text(params, "channelSid")?;
    if name.is_some_and(|name| taken(actor, name, Some(sid))) {
        return Err(NAME_TAKEN);
    }
    edit(actor, params, |chat, sid| chat.rename_channel(sid, name))
}

/// Changes a channel and shows it. Its creator and its members may.
fn edit(actor: &mut Actor<'_>, params: &Map<String, Value>, change: impl FnOnce(&mut Chat, &str)) -> Answer {
    let channel = actor.channel(params)?;
    if channel.created_by != actor.identity && !channel.is_member(actor.identity) {
        return Err(NOT_MEMBER);
    }
    let sid = channel.sid.clone();
    change(actor.chat, &sid);
    if let Some(channel) = actor.chat.channels.get_mut(&sid) {
        channel.date_updated = actor.world.clock.stamp();
        channel.publish(actor.world, actor.store, actor.identity);
    }
    Ok(json!({}))
}

pub(super) fn edit_notification_level(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let sid = actor.joined_channel(params)?.sid.clone();
    let level = text(params, "notificationLevel")?;
    if !matches!(level, "default" | "muted") {
        return Err(refuse(400, "Notification level not valid"));
    }
    let mut item = actor.chat.own_item(actor.store, actor.identity, &sid).cloned().ok_or(NOT_MEMBER)?;
    item["notificationLevel"] = level.into();
    actor.chat.put_own_item(actor.world, actor.store, actor.identity, &sid, item, actor.identity);
    Ok(json!({}))
}

fn taken(actor: &Actor<'_>, name: &str, except: Option<&str>) -> bool {
    let holder = actor.chat.channel_names.get(name).map(String::as_str);
    holder.is_some() && holder != except
}
