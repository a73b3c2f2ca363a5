//! What of each object goes into a log: the same members as the drivers of the JavaScript SDK take.

use chat_proto::{
    Channel, ChannelDescriptor, ConnectionState, Event, Identity, Json, LastMessage, Member, Message, Page,
    Timestamp, UnreadCount, User, UserDescriptor,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

fn attributes(json: &Json) -> Value {
    json.to_value().unwrap_or_default()
}

fn word<T: Serialize>(word: &T) -> Value {
    serde_json::to_value(word).unwrap_or_default()
}

fn date(date: Option<Timestamp>) -> Value {
    date.map_or(Value::Null, |_| "date".into())
}

fn name(identity: Option<&Identity>) -> Value {
    identity.map_or(Value::Null, |identity| identity.as_str().into())
}

/// Without the members that JavaScript would leave undefined.
fn object(members: Value, undefined: &[&str]) -> Value {
    let Value::Object(members) = members else { return members };
    let kept: Map<_, _> = members
        .into_iter()
        .filter(|(name, value)| !(value.is_null() && undefined.contains(&name.as_str())))
        .collect();
    kept.into()
}

/// A channel.
pub fn channel(channel: &Channel) -> Value {
    let members = json!({
        "sid": channel.sid.as_str(), "uniqueName": channel.unique_name, "friendlyName": channel.friendly_name,
        "type": word(&channel.channel_type), "isPrivate": channel.is_private(), "status": word(&channel.status),
        "attributes": attributes(&channel.attributes), "createdBy": name(channel.created_by.as_ref()),
        "lastConsumedMessageIndex": channel.last_consumed_message_index,
        "lastMessageIndex": channel.last_message.and_then(|last: LastMessage| last.index),
        "notificationLevel": channel.notification_level.as_ref().map(word),
        "dateCreated": date(channel.date_created), "dateUpdated": date(channel.date_updated),
    });
    object(members, &["lastMessageIndex", "notificationLevel"])
}

/// A channel as the directory lists it.
pub fn descriptor(channel: &ChannelDescriptor) -> Value {
    let members = json!({
        "sid": channel.sid.as_str(), "channel": format!("{}.channel", channel.sid), "uniqueName": channel.unique_name,
        "friendlyName": channel.friendly_name, "type": word(&channel.channel_type), "isPrivate": channel.is_private(),
        "status": word(&channel.status), "attributes": attributes(&channel.attributes), "createdBy": name(channel.created_by.as_ref()),
        "messagesCount": channel.messages_count, "membersCount": channel.members_count,
        "lastConsumedMessageIndex": channel.last_consumed_message_index,
        "notificationLevel": channel.notification_level.as_ref().map(word),
    });
    object(members, &["notificationLevel"])
}

/// A message.
pub fn message(message: &Message) -> Value {
    json!({
        "sid": message.sid, "channel": message.channel.as_str(), "index": message.index, "author": name(message.author.as_ref()),
        "body": message.body, "type": word(&message.message_type), "attributes": attributes(&message.attributes),
        "memberSid": message.member_sid, "lastUpdatedBy": name(message.last_updated_by.as_ref()),
        "timestamp": date(message.timestamp), "dateUpdated": date(message.date_updated),
    })
}

/// A member.
pub fn member(member: &Member) -> Value {
    json!({
        "sid": member.sid, "channel": member.channel.as_str(), "identity": name(member.identity.as_ref()),
        "type": word(&member.member_type), "isTyping": member.is_typing, "attributes": attributes(&member.attributes),
        "roleSid": member.role_sid.as_ref().map(chat_proto::RoleSid::as_str),
        "lastConsumedMessageIndex": member.last_consumed_message_index,
        "lastConsumptionTimestamp": date(member.last_consumption_timestamp),
    })
}

/// A person.
pub fn user(user: &User) -> Value {
    json!({
        "identity": user.identity.as_str(), "friendlyName": user.friendly_name, "attributes": attributes(&user.attributes),
        "online": user.online, "notifiable": user.notifiable, "isSubscribed": user.is_subscribed,
    })
}

/// A person as the directory lists it.
pub fn user_descriptor(user: &UserDescriptor) -> Value {
    json!({
        "identity": user.identity.as_str(), "friendlyName": user.friendly_name, "attributes": attributes(&user.attributes),
        "online": user.online, "notifiable": user.notifiable,
    })
}

/// A page of anything.
pub fn page<T>(page: &Page<T>, view: impl Fn(&T) -> Value) -> Value {
    let items: Vec<Value> = page.items.iter().map(view).collect();
    json!({ "items": items, "hasNextPage": page.next.is_some(), "hasPrevPage": page.prev.is_some() })
}

/// A page by one member of its items, under the name that the drivers give it.
pub fn list<T>(page: &Page<T>, name: &str, view: impl Fn(&T) -> Value) -> Value {
    let items: Vec<Value> = page.items.iter().map(view).collect();
    json!({ name: items, "hasNextPage": page.next.is_some(), "hasPrevPage": page.prev.is_some() })
}

/// How the connection stands.
pub fn connection(state: ConnectionState) -> Value {
    word(&state)
}

/// A count of unread messages; null where it is not known.
pub fn unread(count: UnreadCount) -> Value {
    match count {
        UnreadCount::Known(count) => count.into(),
        UnreadCount::Unknown => Value::Null,
    }
}

/// An event as a line of the log; `None` for what the SDK does not tell.
pub fn event(client: &str, event: &Event) -> Option<Value> {
    let (name, what) = match event {
        Event::Ready => {
            return Some(json!({ "client": client, "kind": "result", "method": "Client.create" }));
        }
        Event::ConnectionStateChanged(state) => {
            ("connectionStateChanged", json!({ "state": connection(*state) }))
        }
        Event::ChannelAdded(it) => ("channelAdded", json!({ "channel": channel(it) })),
        Event::ChannelInvited(it) => ("channelInvited", json!({ "channel": channel(it) })),
        Event::ChannelJoined(it) => ("channelJoined", json!({ "channel": channel(it) })),
        Event::ChannelLeft(it) => ("channelLeft", json!({ "channel": channel(it) })),
        Event::ChannelRemoved(it) => ("channelRemoved", json!({ "channel": channel(it) })),
        Event::ChannelUpdated { channel: it, reasons } => {
            ("channelUpdated", json!({ "channel": channel(it), "updateReasons": word(reasons) }))
        }
        Event::MemberJoined(it) => ("memberJoined", json!({ "member": member(it) })),
        Event::MemberLeft(it) => ("memberLeft", json!({ "member": member(it) })),
        Event::MemberUpdated { member: it, reasons } => {
            ("memberUpdated", json!({ "member": member(it), "updateReasons": word(reasons) }))
        }
        Event::TypingStarted(it) => ("typingStarted", json!({ "member": member(it) })),
        Event::TypingEnded(it) => ("typingEnded", json!({ "member": member(it) })),
        Event::MessageAdded(it) => ("messageAdded", json!({ "message": message(it) })),
        Event::MessageRemoved(it) => ("messageRemoved", json!({ "message": message(it) })),
        Event::MessageUpdated { message: it, reasons } => {
            ("messageUpdated", json!({ "message": message(it), "updateReasons": word(reasons) }))
        }
        Event::UserSubscribed(it) => ("userSubscribed", json!({ "user": user(it) })),
        Event::UserUnsubscribed(it) => ("userUnsubscribed", json!({ "user": user(it) })),
        Event::UserUpdated { user: it, reasons } => {
            ("userUpdated", json!({ "user": user(it), "updateReasons": word(reasons) }))
        }
        // Troubles are not events of the SDK, or are told in words that are each client's own.
        _ => return None,
    };
    let mut line = json!({ "client": client, "kind": "event", "event": name });
    if let (Value::Object(line), Value::Object(what)) = (&mut line, what) {
        line.extend(what);
    }
    Some(line)
}
