//! The records: only what names a thing is required. A member of another type than it should have counts as absent, for
//! one strange field must not hide a whole page.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{SyncListEntry, SyncListPage};
use crate::date::Timestamp;
use crate::error::CallError;
use crate::event::UnreadCount;
use crate::frame::json_problem;
use crate::json::{Json, attributes_or_empty};
use crate::model::{
    ChannelDescriptor, ChannelSid, ChannelStatus, ChannelType, Identity, NotificationLevel, Page, PageRef,
    PageSource, UserDescriptor,
};

/// A page of the directory of public channels.
pub(crate) fn public_channels(body: &[u8]) -> Result<Page<ChannelDescriptor>, CallError> {
    channels(body, &PageSource::PublicChannels)
}

/// A page of the directory of own channels.
pub(crate) fn user_channels(body: &[u8]) -> Result<Page<ChannelDescriptor>, CallError> {
    channels(body, &PageSource::UserChannels)
}

/// One channel of the directory.
pub(crate) fn channel(body: &[u8]) -> Result<ChannelDescriptor, CallError> {
    read::<ChannelJson>(body, "channel")?.descriptor().ok_or_else(|| unreadable("channel: it has no sid"))
}

/// A page of the own channels at startup. Entries without a name are left out and counted.
pub(crate) fn sync_list(body: &[u8]) -> Result<SyncListPage, CallError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        channels: Vec<&'a RawValue>,
        #[serde(default, deserialize_with = "lenient")]
        meta: Option<Meta>,
    }
    let body: Body<'_> = read(body, "list of own channels")?;
    let all = body.channels.len();
    let entries: Vec<SyncListEntry> = body
        .channels
        .into_iter()
        .filter_map(|entry| serde_json::from_str::<SyncListJson>(entry.get()).ok()?.entry())
        .collect();
    let next = body.meta.and_then(|meta| token(meta.next_token));
    Ok(SyncListPage { unreadable: all.saturating_sub(entries.len()), entries, next })
}

/// How many messages of `channel` are unread: of the answer to [`unread_count_url`](super::unread_count_url).
pub(crate) fn unread_count(body: &[u8], channel: &ChannelSid) -> Result<UnreadCount, CallError> {
    let page: ChannelsJson = read(body, "channel")?;
    let first = page.channels.into_iter().next();
    let first = first.filter(|first| first.name() == Some(channel.as_str()));
    let first = first.ok_or_else(|| CallError::UnknownChannel(channel.clone()))?;
    Ok(first.unread_messages_count.map_or(UnreadCount::Unknown, UnreadCount::Known))
}

/// One person.
pub(crate) fn user(body: &[u8]) -> Result<UserDescriptor, CallError> {
    read::<UserJson>(body, "user")?.descriptor().ok_or_else(|| unreadable("user: it has no identity"))
}

/// A page of the users of `channel`. What leads back is called `prev_token` here, not `previous_token` (spec 03 §22 Q7).
pub(crate) fn channel_users(body: &[u8], channel: &ChannelSid) -> Result<Page<UserDescriptor>, CallError> {
    #[derive(Deserialize)]
    struct Body {
        users: Vec<UserJson>,
        #[serde(default, deserialize_with = "lenient")]
        meta: Option<Meta>,
    }
    let body: Body = read(body, "page of users")?;
    let items = body.users.into_iter().map(UserJson::descriptor).collect::<Option<_>>();
    let items = items.ok_or_else(|| unreadable("page of users: one has no identity"))?;
    let meta = body.meta.unwrap_or_default();
    let source = PageSource::ChannelUsers { channel: channel.clone() };
    Ok(Page { items, next: page_ref(&source, meta.next_token), prev: page_ref(&source, meta.prev_token) })
}

fn channels(body: &[u8], source: &PageSource) -> Result<Page<ChannelDescriptor>, CallError> {
    let body: ChannelsJson = read(body, "page of channels")?;
    let items = body.channels.into_iter().map(ChannelJson::descriptor).collect::<Option<_>>();
    let items = items.ok_or_else(|| unreadable("page of channels: one has no sid"))?;
    let meta = body.meta.unwrap_or_default();
    Ok(Page { items, next: page_ref(source, meta.next_token), prev: page_ref(source, meta.previous_token) })
}

fn page_ref(source: &PageSource, text: Option<String>) -> Option<PageRef> {
    token(text).map(|token| PageRef { source: source.clone(), token })
}

/// An empty token leads nowhere (spec 03 §5.2).
fn token(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, CallError> {
    // Serde's own words name our types and quote the answer.
    serde_json::from_slice(body)
        .map_err(|error| unreadable(&alloc::format!("{what}: {}", json_problem(&error))))
}

fn unreadable(problem: &str) -> CallError {
    CallError::BadAnswer(problem.into())
}

/// What is of another type counts as absent.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[derive(Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "these are the names on the wire")]
struct Meta {
    #[serde(default, deserialize_with = "lenient")]
    next_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    previous_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    prev_token: Option<String>,
}

#[derive(Deserialize)]
struct ChannelsJson {
    channels: Vec<ChannelJson>,
    #[serde(default, deserialize_with = "lenient")]
    meta: Option<Meta>,
}

/// `ChannelJson` and `UserChannelJson` of spec 03 §5.3.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct ChannelJson {
    #[serde(deserialize_with = "lenient")]
    sid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    channel_sid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    unique_name: Option<Arc<str>>,
    #[serde(deserialize_with = "lenient")]
    friendly_name: Option<Arc<str>>,
    #[serde(deserialize_with = "lenient")]
    attributes: Option<Value>,
    #[serde(deserialize_with = "lenient")]
    created_by: Option<Identity>,
    #[serde(deserialize_with = "lenient")]
    date_created: Option<String>,
    #[serde(deserialize_with = "lenient")]
    date_updated: Option<String>,
    #[serde(deserialize_with = "lenient")]
    messages_count: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    members_count: Option<u64>,
    #[serde(rename = "type", deserialize_with = "lenient")]
    channel_type: Option<String>,
    #[serde(deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(deserialize_with = "lenient")]
    last_consumed_message_index: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    notification_level: Option<String>,
    #[serde(deserialize_with = "lenient")]
    unread_messages_count: Option<u64>,
}

impl ChannelJson {
    fn name(&self) -> Option<&str> {
        self.sid.as_deref().or(self.channel_sid.as_deref()).filter(|sid| !sid.is_empty())
    }

    fn descriptor(self) -> Option<ChannelDescriptor> {
        Some(ChannelDescriptor {
            sid: self.name()?.into(),
            status: status(self.status.as_deref()),
            channel_type: match self.channel_type.as_deref() {
                Some("private") => ChannelType::Private,
                _ => ChannelType::Public,
            },
            attributes: attributes(self.attributes),
            created_by: self.created_by,
            date_created: date(self.date_created),
            date_updated: date(self.date_updated),
            friendly_name: self.friendly_name,
            unique_name: self.unique_name,
            messages_count: self.messages_count.unwrap_or(0),
            members_count: self.members_count.unwrap_or(0),
            last_consumed_message_index: self.last_consumed_message_index,
            notification_level: level(self.notification_level.as_deref()),
        })
    }
}

#[derive(Deserialize)]
struct SyncListJson {
    channel_sid: Box<str>,
    channel: Box<str>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    last_consumed_message_index: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    notification_level: Option<String>,
}

impl SyncListJson {
    fn entry(self) -> Option<SyncListEntry> {
        if self.channel_sid.is_empty() || self.channel.is_empty() {
            return None;
        }
        Some(SyncListEntry {
            channel: ChannelSid::from(&*self.channel_sid),
            status: status(self.status.as_deref()),
            document: self.channel,
            last_consumed_message_index: self.last_consumed_message_index,
            notification_level: level(self.notification_level.as_deref()),
        })
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct UserJson {
    #[serde(deserialize_with = "lenient")]
    identity: Option<String>,
    #[serde(deserialize_with = "lenient")]
    friendly_name: Option<Arc<str>>,
    #[serde(deserialize_with = "lenient")]
    attributes: Option<Value>,
    #[serde(deserialize_with = "lenient")]
    is_online: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    is_notifiable: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    sync_unique_name: Option<Arc<str>>,
}

impl UserJson {
    fn descriptor(self) -> Option<UserDescriptor> {
        Some(UserDescriptor {
            identity: self.identity.filter(|identity| !identity.is_empty()).map(Identity::new)?,
            friendly_name: self.friendly_name,
            attributes: attributes(self.attributes),
            online: self.is_online,
            notifiable: self.is_notifiable,
            sync_unique_name: self.sync_unique_name.filter(|name| !name.is_empty()),
        })
    }
}

fn status(text: Option<&str>) -> ChannelStatus {
    match text {
        Some("joined") => ChannelStatus::Joined,
        Some("invited") => ChannelStatus::Invited,
        Some("known" | "notParticipating") => ChannelStatus::Known,
        _ => ChannelStatus::Unknown,
    }
}

fn level(text: Option<&str>) -> Option<NotificationLevel> {
    match text {
        Some("default") => Some(NotificationLevel::Default),
        Some("muted") => Some(NotificationLevel::Muted),
        _ => None,
    }
}

fn date(text: Option<String>) -> Option<Timestamp> {
    text.and_then(|text| Timestamp::parse(&text))
}

/// Attributes are text that holds JSON; a service that sends the object itself is understood too.
fn attributes(value: Option<Value>) -> Json {
    match value {
        Some(Value::String(text)) => attributes_or_empty(Some(&text)),
        Some(object @ Value::Object(_)) => Json::from_value(&object).unwrap_or_default(),
        _ => Json::empty_object(),
    }
}

#[cfg(test)]
mod tests;
