//! Commands that only look.
#![expect(clippy::unnecessary_wraps, reason = "all commands have one signature")]

use serde_json::{Value, json};

use super::{Arguments, Outcome, flag, text};
use crate::service::chat::{Channel, User};
use crate::service::connections::Connection;
use crate::service::sync::{ItemKey, Kind};
use crate::service::{AdminError, ConnId, Service};

pub(super) fn state(service: &mut Service, _: &Arguments) -> Outcome {
    let users: Vec<Value> = service.chat.users_in_order().map(|user| show_user(service, user)).collect();
    let channels: Vec<Value> =
        service.chat.channels_in_order().map(|channel| show_channel(service, channel)).collect();
    let sessions: Vec<Value> = service
        .chat
        .sessions
        .values()
        .map(|session| {
            json!({
                "list": session.list,
                "identity": session.identity,
                "enriched": session.enriched,
                "commands": session.commands,
            })
        })
        .collect();
    let stats = service.stats;
    Ok(json!({
        "users": users,
        "channels": channels,
        "sessions": sessions,
        "registrations": service.registrations.list(),
        "media": service.chat.media.list(),
        "connections": show_connections(service),
        "faults": service.faults.list(),
        "stats": {
            "requests": stats.requests,
            "commands": stats.commands,
            "events": stats.events,
            "malformed": stats.malformed,
            "droppedNoContext": stats.dropped_no_context,
        },
    }))
}

fn show_user(service: &Service, user: &User) -> Value {
    let own = service.store.get(&user.my_channels).into_iter().flat_map(|map| &map.items);
    let own: Value =
        own.map(|(key, item)| json!({"channel": key.to_json(), "status": item.data.get("status")})).collect();
    json!({
        "sid": user.sid,
        "identity": user.identity,
        "friendlyName": user.value(&service.store, "friendlyName"),
        "attributes": user.value(&service.store, "attributes"),
        "online": user.online,
        "notifiable": user.notifiable,
        "myChannels": own,
    })
}

fn show_channel(service: &Service, channel: &Channel) -> Value {
    let members: Vec<Value> =
        channel.members.iter().map(|(identity, sid)| json!({"identity": identity, "sid": sid})).collect();
    json!({
        "sid": channel.sid,
        "uniqueName": channel.unique_name,
        "friendlyName": channel.friendly_name,
        "type": channel.type_word(),
        "attributes": channel.attributes,
        "createdBy": channel.created_by,
        "members": members,
        "invites": channel.invites,
        "messages": channel.count(&service.store),
        "lastMessage": channel.last_message,
    })
}

pub(super) fn connections(service: &mut Service, _: &Arguments) -> Outcome {
    Ok(show_connections(service))
}

fn show_connections(service: &Service) -> Value {
    service.connections.iter().map(|(conn, connection)| show_connection(service, *conn, connection)).collect()
}

fn show_connection(service: &Service, conn: ConnId, connection: &Connection) -> Value {
    let contexts: Vec<Value> =
        connection.contexts.iter().map(|(id, types)| json!({"id": id, "types": types})).collect();
    json!({
        "conn": conn.0,
        "identity": connection.identity,
        "state": connection.phase.word(),
        "contexts": contexts,
        "subscriptions": service.subscriptions.count(conn),
        "unacked": connection.unacked.len(),
        "stats": {
            "in": connection.traffic.received,
            "out": connection.traffic.sent,
            "acks": connection.traffic.acks,
            "pings": connection.traffic.pings,
        },
    })
}

pub(super) fn messages(service: &mut Service, arguments: &Arguments) -> Outcome {
    let id = text(arguments, "channel")?;
    let channel = service.chat.find_channel(id);
    let channel = channel.ok_or_else(|| AdminError::Failed(format!("no such channel: {id}")))?;
    let items = service.store.get(&channel.messages).into_iter().flat_map(|list| &list.items);
    let shown = items.map(|(index, item)| {
        let mut shown = json!({"index": index.to_json()});
        if let (Value::Object(shown), Value::Object(data)) = (&mut shown, &item.data) {
            shown.extend(data.clone());
        }
        shown
    });
    Ok(shown.collect())
}

pub(super) fn sync(service: &mut Service, arguments: &Arguments) -> Outcome {
    let (word, id) = (text(arguments, "type")?, text(arguments, "id")?);
    let kind = Kind::from_word(word);
    let kind = kind.ok_or_else(|| AdminError::BadArgument(format!("no such type: {word}")))?;
    let entity = service.store.find(kind, id);
    let entity = entity.ok_or_else(|| AdminError::Failed(format!("no such {word}: {id}")))?;
    let mut shown = entity.descriptor(true);
    if kind == Kind::List {
        shown["context"] = entity.data.clone();
    }
    if flag(arguments, "items", false) {
        let items: Vec<(&ItemKey, _)> = entity.items.iter().collect();
        shown["items"] =
            items.into_iter().map(|(key, item)| entity.item_descriptor(key, item, true)).collect();
    }
    Ok(shown)
}
