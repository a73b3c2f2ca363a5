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
mod tests {
    use super::*;

    const CHANNEL: &str = r#"{"sid":"CH1","unique_name":"general","friendly_name":"General","attributes":"{\"a\":1}",
        "created_by":"alice","date_created":"2024-01-01T00:00:00.000Z","date_updated":"2024-01-02T00:00:00.000Z",
        "messages_count":7,"members_count":2,"type":"private","status":"notParticipating",
        "last_consumed_message_index":0,"notification_level":"muted","links":{"x":[]}}"#;

    #[test]
    fn a_channel_is_read_whole() {
        let channel = channel(CHANNEL.as_bytes()).unwrap();
        assert_eq!(channel.sid.as_str(), "CH1");
        assert_eq!(channel.status, ChannelStatus::Known);
        assert_eq!(channel.channel_type, ChannelType::Private);
        assert_eq!(channel.attributes, Json::parse(r#"{"a":1}"#).unwrap());
        assert_eq!(channel.created_by, Some("alice".into()));
        assert_eq!(channel.date_created, Timestamp::parse("2024-01-01"));
        assert_eq!(channel.date_updated, Timestamp::parse("2024-01-02"));
        assert_eq!(
            (channel.unique_name.as_deref(), channel.friendly_name.as_deref()),
            (Some("general"), Some("General"))
        );
        assert_eq!((channel.messages_count, channel.members_count), (7, 2));
        assert_eq!(channel.last_consumed_message_index, Some(0));
        assert_eq!(channel.notification_level, Some(NotificationLevel::Muted));
    }

    #[test]
    fn strange_fields_count_as_absent() {
        let channel = channel(
            br#"{"channel_sid":"CH1","unique_name":5,"friendly_name":null,"attributes":"{","created_by":{},"date_created":"soon",
                "messages_count":-1,"members_count":"2","type":7,"status":"odd","last_consumed_message_index":1.5,
                "notification_level":""}"#,
        )
        .unwrap();
        assert_eq!(channel.status, ChannelStatus::Unknown);
        assert_eq!(channel.channel_type, ChannelType::Public);
        assert_eq!(channel.attributes, Json::empty_object());
        assert_eq!((channel.unique_name, channel.friendly_name, channel.created_by), (None, None, None));
        assert_eq!((channel.messages_count, channel.members_count), (0, 0));
        assert_eq!(
            (channel.date_created, channel.last_consumed_message_index, channel.notification_level),
            (None, None, None)
        );
    }

    #[test]
    fn pages_lead_on_by_their_own_names() {
        let body = alloc::format!(
            r#"{{"channels":[{CHANNEL}],"meta":{{"previous_token":"p","next_token":"n","prev_token":"wrong"}}}}"#
        );
        let page = public_channels(body.as_bytes()).unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.next, Some(PageRef { source: PageSource::PublicChannels, token: "n".into() }));
        assert_eq!(page.prev, Some(PageRef { source: PageSource::PublicChannels, token: "p".into() }));

        let page =
            user_channels(br#"{"channels":[],"meta":{"previous_token":"","next_token":null}}"#).unwrap();
        assert_eq!((page.next, page.prev), (None, None));
        assert_eq!(user_channels(br#"{"channels":[]}"#).unwrap().next, None);

        let sid = ChannelSid::from("CH1");
        let body = br#"{"users":[{"identity":"bob","is_online":true}],"meta":{"previous_token":"wrong","prev_token":"p"}}"#;
        let page = channel_users(body, &sid).unwrap();
        assert_eq!(
            page.prev,
            Some(PageRef { source: PageSource::ChannelUsers { channel: sid }, token: "p".into() })
        );
        assert_eq!(page.next, None);
    }

    #[test]
    fn the_list_of_own_channels_leaves_out_what_has_no_name() {
        let page = sync_list(
            br#"{"channels":[{"channel_sid":"CH1","status":"joined","channel":"CH1.channel","messages":"m","roster":"r",
                "last_consumed_message_index":3,"notification_level":"default"},{"status":"joined"},7,
                {"channel_sid":"CH2","channel":"CH2.channel","status":"invited","last_consumed_message_index":null}],
                "meta":{"next_token":"n"}}"#,
        )
        .unwrap();
        assert_eq!((page.unreadable, page.next.as_deref()), (2, Some("n")));
        let [first, second] = &page.entries[..] else { panic!("{page:?}") };
        assert_eq!(
            (first.channel.as_str(), &*first.document, first.status),
            ("CH1", "CH1.channel", ChannelStatus::Joined)
        );
        assert_eq!(
            (first.last_consumed_message_index, first.notification_level),
            (Some(3), Some(NotificationLevel::Default))
        );
        assert_eq!((second.status, second.last_consumed_message_index), (ChannelStatus::Invited, None));
    }

    #[test]
    fn users_are_read() {
        let user = user(
            br#"{"identity":"bob","friendly_name":"Bob","attributes":"[1]","is_online":true,"is_notifiable":null,
                "sync_unique_name":"US1.info"}"#,
        )
        .unwrap();
        assert_eq!((user.identity.as_str(), user.friendly_name.as_deref()), ("bob", Some("Bob")));
        assert_eq!(user.attributes, Json::parse("[1]").unwrap());
        assert_eq!((user.online, user.notifiable), (Some(true), None));
        assert_eq!(user.sync_unique_name.as_deref(), Some("US1.info"));
    }

    #[test]
    fn unread_counts() {
        let sid = ChannelSid::from("CH1");
        let count = |body: &str| unread_count(body.as_bytes(), &sid);
        assert_eq!(
            count(r#"{"channels":[{"channel_sid":"CH1","unread_messages_count":4}]}"#),
            Ok(UnreadCount::Known(4))
        );
        assert_eq!(
            count(r#"{"channels":[{"channel_sid":"CH1","unread_messages_count":null}]}"#),
            Ok(UnreadCount::Unknown)
        );
        for body in
            [r#"{"channels":[]}"#, r#"{"channels":[{"channel_sid":"CH2","unread_messages_count":4}]}"#]
        {
            assert_eq!(count(body), Err(CallError::UnknownChannel(sid.clone())));
        }
    }

    #[test]
    fn unreadable_bodies_are_typed_errors() {
        let sid = ChannelSid::from("CH1");
        for body in
            ["", "null", "[]", "{", "{}x", r#"{"channels":{}}"#, r#"{"channels":[{}]}"#, r#"{"users":[{}]}"#]
        {
            let body = body.as_bytes();
            let errors = [
                public_channels(body).err(),
                user_channels(body).err(),
                channel(body).err(),
                user(body).err(),
                channel_users(body, &sid).err(),
                unread_count(body, &sid).err(),
            ];
            for error in errors {
                assert!(
                    matches!(error, Some(CallError::BadAnswer(_) | CallError::UnknownChannel(_))),
                    "{error:?}"
                );
            }
        }
        // What an answer holds is not quoted, nor are our types named.
        for body in [r#""a private text""#, r#"{"channels":"a private text"}"#] {
            let Err(CallError::BadAnswer(text)) = user_channels(body.as_bytes()) else { panic!("{body}") };
            assert!(text.starts_with("page of channels: unexpected type or value (line 1"), "{text}");
        }
        for body in ["", "null", r#"{"channels":7}"#] {
            assert!(matches!(sync_list(body.as_bytes()), Err(CallError::BadAnswer(_))));
        }
    }
}
