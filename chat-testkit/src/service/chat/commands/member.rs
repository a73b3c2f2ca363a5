//! Commands about who belongs to a channel.

use serde_json::{Map, Value, json};

use super::{
    Actor, Answer, MALFORMED, MEMBER_EXISTS, NO_MEMBER, NOT_MEMBER, Refusal, UNAUTHORIZED, refuse, text,
};
use crate::service::sync::ItemKey;

pub(super) fn join(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let channel = actor.channel(params)?;
    if channel.is_member(actor.identity) {
        return Err(MEMBER_EXISTS);
    }
    let sid = channel.sid.clone();
    let member = actor.chat.add_member(actor.world, actor.store, &sid, actor.identity, actor.identity);
    Ok(json!({"channelSid": sid, "memberSid": member}))
}

pub(super) fn leave(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let sid = actor.joined_channel(params)?.sid.clone();
    actor.chat.remove_member(actor.world, actor.store, &sid, actor.identity, actor.identity);
    Ok(json!({}))
}

pub(super) fn invite(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let who = identity(params)?;
    let channel = actor.joined_channel(params)?;
    if channel.is_member(who) {
        return Err(MEMBER_EXISTS);
    }
    if channel.invites.contains(who) {
        return Err(refuse(409, "Invite already exists"));
    }
    let sid = channel.sid.clone();
    actor.chat.invite(actor.world, actor.store, &sid, who, actor.identity);
    Ok(json!({}))
}

pub(super) fn decline(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let channel = actor.channel(params)?;
    if !channel.invites.contains(actor.identity) {
        return Err(refuse(404, "Invite not found"));
    }
    let sid = channel.sid.clone();
    actor.chat.remove_invite(actor.world, actor.store, &sid, actor.identity);
    Ok(json!({}))
}

pub(super) fn add(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let who = identity(params)?;
    let channel = actor.channel(params)?;
    if channel.created_by != actor.identity && !channel.is_member(actor.identity) {
        return Err(NOT_MEMBER);
    }
    if channel.is_member(who) {
        return Err(MEMBER_EXISTS);
    }
    let sid = channel.sid.clone();
    let member = actor.chat.add_member(actor.world, actor.store, &sid, who, actor.identity);
    Ok(json!({"memberSid": member}))
}

/// By identity or by member SID; the creator may, and everybody may remove themselves.
pub(super) fn remove(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let channel = actor.channel(params)?;
    let by_sid = params.get("memberSid").and_then(Value::as_str);
    let by_name = params.get("username").and_then(Value::as_str);
    if by_sid.is_none() && by_name.is_none() {
        return Err(MALFORMED);
    }
    let found = channel
        .members
        .iter()
        .find(|(who, sid)| Some(sid.as_str()) == by_sid || Some(who.as_str()) == by_name);
    let (who, _) = found.cloned().ok_or(NO_MEMBER)?;
    if channel.created_by != actor.identity && who != actor.identity {
        return Err(UNAUTHORIZED);
    }
    let sid = channel.sid.clone();
    actor.chat.remove_member(actor.world, actor.store, &sid, &who, actor.identity);
    Ok(json!({}))
}

pub(super) fn edit_attributes(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let attributes = actor.attributes(params)?;
    let channel = actor.joined_channel(params)?;
    let member = text(params, "memberSid")?;
    let (who, _) = channel.members.iter().find(|(_, sid)| sid == member).ok_or(NO_MEMBER)?;
    if who != actor.identity && channel.created_by != actor.identity {
        return Err(UNAUTHORIZED);
    }
    let (roster, key) = (channel.roster.clone(), ItemKey::Key(member.to_owned()));
    let mut item = actor.store.data(&roster, &key).cloned().ok_or(NO_MEMBER)?;
    item["attributes"] = attributes.into();
    item["dateUpdated"] = actor.world.clock.stamp().into();
    actor.store.put_item(actor.world, &roster, key, item, actor.identity);
    Ok(json!({}))
}

fn identity(params: &Map<String, Value>) -> Result<&str, Refusal> {
    text(params, "username").ok().filter(|who| !who.is_empty()).ok_or(MALFORMED)
}
