//! The report of read horizons (spec 03 §13).

use serde_json::{Map, Value, json};

use super::{Actor, Answer, MALFORMED, message_index};
use crate::service::sync::ItemKey;

pub(super) fn report(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let entries = params.get("report").and_then(Value::as_array).ok_or(MALFORMED)?;
    let mut report = Vec::new();
    for entry in entries {
        let sid = entry.get("channelSid").and_then(Value::as_str).ok_or(MALFORMED)?;
        report.push(json!({"channelSid": sid, "unreadMessagesCount": read_to(actor, sid, entry)}));
    }
    Ok(json!({"report": report}))
}

/// Moves one horizon, roster first; gives how many messages lie beyond it, nothing for those who are not members.
fn read_to(actor: &mut Actor<'_>, sid: &str, entry: &Value) -> Option<usize> {
    let index = message_index(entry.get("messageIdx"));
    let channel = actor.chat.channels.get(sid)?;
    let key = ItemKey::Key(channel.member_sid(actor.identity)?.to_owned());
    let (roster, unread) = (channel.roster.clone(), channel.count_after(actor.store, index));
    let mut member = actor.store.data(&roster, &key).cloned()?;
    member["lastConsumedMessageIndex"] = index.into();
    member["lastConsumptionTimestamp"] = actor.world.clock.stamp().into();
    actor.store.put_item(actor.world, &roster, key, member, actor.identity);
    let mut own = actor.chat.own_item(actor.store, actor.identity, sid).cloned()?;
    own["lastConsumedMessageIndex"] = index.into();
    actor.chat.put_own_item(actor.world, actor.store, actor.identity, sid, own, actor.identity);
    Some(unread)
}
