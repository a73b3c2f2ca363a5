//! Commands about users: everybody changes only themselves.

use serde_json::{Map, Value, json};

use super::{Actor, Answer, UNAUTHORIZED, refuse, text};

pub(super) fn edit_attributes(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let attributes = actor.attributes(params)?.into();
    set(actor, params, "attributes", &attributes)
}

pub(super) fn edit_friendly_name(actor: &mut Actor<'_>, params: &Map<String, Value>) -> Answer {
    let name = params.get("friendlyName").cloned().unwrap_or(Value::Null);
    set(actor, params, "friendlyName", &name)
}

fn set(actor: &mut Actor<'_>, params: &Map<String, Value>, key: &str, value: &Value) -> Answer {
    let who = text(params, "username")?;
    if !actor.chat.users.contains_key(who) {
        return Err(refuse(404, "User not found"));
    }
    if who != actor.identity {
        return Err(UNAUTHORIZED);
    }
    actor.chat.set_user_value(actor.world, actor.store, who, key, value, actor.identity);
    Ok(json!({}))
}
