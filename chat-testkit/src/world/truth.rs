use std::collections::BTreeMap;

use chat_proto::{
    ChannelSid, ChannelStatus, ChannelType, Identity, Json, LastMessage, MemberSid, NotificationLevel,
    RoleSid, Time, Timestamp,
};
use serde_json::{Value, json};

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

/// A channel as the service holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChannel {
    /// Who may find it.
    pub channel_type: ChannelType,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// Its name for programs.
    pub unique_name: Option<String>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// Who created it.
    pub created_by: Option<String>,
    /// When it was created.
    pub date_created: Option<Timestamp>,
    /// When it was last changed.
    pub date_updated: Option<Timestamp>,
    /// The newest message, as its document tells it.
    pub last_message: LastMessageOf,
    /// Its roster.
    pub members: BTreeMap<MemberSid, StoredMember>,
}

/// Index and date of a newest message.
type LastMessageOf = Option<(Option<u64>, Option<Timestamp>)>;

impl StoredChannel {
    /// The newest message of a client's channel, in the form in which it is held against this one.
    pub(crate) fn last_message_of(held: Option<LastMessage>) -> LastMessageOf {
        held.map(|last| (last.index, last.timestamp))
    }
}

/// A member as the service holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMember {
    /// The person.
    pub identity: Option<Identity>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// What the person may do.
    pub role_sid: Option<RoleSid>,
    /// When the person came in.
    pub date_created: Option<Timestamp>,
    /// When the membership was last changed.
    pub date_updated: Option<Timestamp>,
    /// How far the person read.
    pub last_consumed_message_index: Option<u64>,
    /// When that was reported.
    pub last_consumption_timestamp: Option<Timestamp>,
}

/// A person as the service holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPerson {
    /// The name for people.
    pub friendly_name: Option<String>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// Whether the person is connected.
    pub online: Option<bool>,
    /// Whether the person can be reached by push.
    pub notifiable: Option<bool>,
    /// The own channels.
    pub own: BTreeMap<ChannelSid, OwnChannel>,
}

/// How a person stands to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnChannel {
    /// Joined, invited, or known.
    pub status: ChannelStatus,
    /// How loudly the person wants to be told.
    pub notification_level: Option<NotificationLevel>,
    /// How far the person read.
    pub last_consumed_message_index: Option<u64>,
}

/// What the service holds at the end of a world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// The messages of each channel that exists, by index.
    pub messages: BTreeMap<ChannelSid, Vec<Stored>>,
    /// The channels that exist.
    pub channels: BTreeMap<ChannelSid, StoredChannel>,
    /// Everybody.
    pub people: BTreeMap<Identity, StoredPerson>,
}

impl Truth {
    /// Asks the service, through its control interface.
    pub(super) fn of(service: &mut Service, now: Time) -> Self {
        let mut truth = Self::default();
        let mut ask = |command: &str, arguments: &Value| {
            service.admin(now, command, arguments).expect("the service tells what it holds")
        };
        let state = ask("state", &json!({}));
        for sid in all(&state["channels"]).filter_map(|channel| channel["sid"].as_str()) {
            let list = ask("messages", &json!({ "channel": sid }));
            let mut messages: Vec<Stored> = all(&list).filter_map(stored).collect();
            messages.sort_by_key(|message| message.index);
            truth.messages.insert(sid.into(), messages);
            let document = ask("sync", &json!({ "type": "document", "id": format!("{sid}.channel") }));
            let roster = ask("sync", &json!({ "type": "map", "id": format!("{sid}.roster"), "items": true }));
            let mut channel = channel(&document["data"]);
            channel.members.extend(items(&roster).map(|(sid, item)| (sid.into(), member(item))));
            truth.channels.insert(sid.into(), channel);
        }
        for user in all(&state["users"]) {
            let Some(identity) = user["identity"].as_str() else { continue };
            let own =
                ask("sync", &json!({ "type": "map", "id": format!("{identity}.channels"), "items": true }));
            let mut person = person(user);
            person.own.extend(items(&own).map(|(sid, item)| (sid.into(), own_channel(item))));
            truth.people.insert(identity.into(), person);
        }
        truth
    }
}

/// The members of a list.
fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The items of a map, as the control interface shows it.
fn items(map: &Value) -> impl Iterator<Item = (&str, &Value)> {
    all(&map["items"]).filter_map(|item| Some((item["key"].as_str()?, &item["data"])))
}

fn text(of: &Value, name: &str) -> Option<String> {
    of[name].as_str().map(String::from)
}

fn date(of: &Value, name: &str) -> Option<Timestamp> {
    of[name].as_str().and_then(Timestamp::parse)
}

/// Attributes are a text that holds JSON.
fn attributes(of: &Value) -> Json {
    of["attributes"].as_str().and_then(|text| Json::parse(text).ok()).unwrap_or_default()
}

fn stored(item: &Value) -> Option<Stored> {
    Some(Stored {
        index: item["index"].as_u64()?,
        author: text(item, "author"),
        // A media message shows no text, whatever somebody edited into it (spec 03 §6.4).
        body: text(item, "text").filter(|_| item.get("media").is_none()),
        attributes: attributes(item),
        filename: text(&item["media"], "filename"),
    })
}

fn channel(document: &Value) -> StoredChannel {
    let last = document.get("lastMessage").filter(|last| last.is_object());
    StoredChannel {
        channel_type: match document["type"].as_str() {
            Some("private") => ChannelType::Private,
            _ => ChannelType::Public,
        },
        friendly_name: text(document, "friendlyName"),
        unique_name: text(document, "uniqueName"),
        attributes: attributes(document),
        created_by: text(document, "createdBy"),
        date_created: date(document, "dateCreated"),
        date_updated: date(document, "dateUpdated"),
        last_message: last.map(|last| (last["index"].as_u64(), date(last, "timestamp"))),
        members: BTreeMap::new(),
    }
}

fn member(item: &Value) -> StoredMember {
    StoredMember {
        identity: item["identity"].as_str().map(Identity::from),
        attributes: attributes(item),
        role_sid: item["roleSid"].as_str().map(RoleSid::from),
        date_created: date(item, "dateCreated"),
        date_updated: date(item, "dateUpdated"),
        last_consumed_message_index: item["lastConsumedMessageIndex"].as_u64(),
        last_consumption_timestamp: date(item, "lastConsumptionTimestamp"),
    }
}

fn person(user: &Value) -> StoredPerson {
    StoredPerson {
        friendly_name: text(user, "friendlyName"),
        attributes: attributes(user),
        online: user["online"].as_bool(),
        notifiable: user["notifiable"].as_bool(),
        own: BTreeMap::new(),
    }
}

fn own_channel(item: &Value) -> OwnChannel {
    OwnChannel {
        status: match item["status"].as_str() {
            Some("joined") => ChannelStatus::Joined,
            Some("invited") => ChannelStatus::Invited,
            _ => ChannelStatus::Known,
        },
        notification_level: match item["notificationLevel"].as_str() {
            Some("muted") => Some(NotificationLevel::Muted),
            Some(_) => Some(NotificationLevel::Default),
            None => None,
        },
        last_consumed_message_index: item["lastConsumedMessageIndex"].as_u64(),
    }
}
