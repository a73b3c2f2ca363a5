//! A channel's document, and what a change of it means (spec 03 §6.2, §8.1).

use alloc::borrow::Cow;

use serde::Deserialize;

use super::lenient::{Field, attributes, set, set_text};
use crate::date::Timestamp;
use crate::json::{Json, RawText};
use crate::model::{
    Channel, ChannelDescriptor, ChannelReason, ChannelState, ChannelStateKind, ChannelStatus, ChannelType,
    LastMessage, NotificationLevel, Reasons,
};
use crate::plain::{self, once};

/// What a record of a channel says: `None` says nothing.
#[expect(clippy::option_option, reason = "absent and null mean different things on the wire")]
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ChannelData<'a> {
    /// Name of the document.
    pub(crate) document: Option<Cow<'a, str>>,
    /// Name of the message list.
    pub(crate) messages: Option<Cow<'a, str>>,
    /// Name of the roster.
    pub(crate) roster: Option<Cow<'a, str>>,
    /// How the own user stands to it; `notParticipating` counts as known (spec 03 §22 Q10).
    pub(crate) status: Option<ChannelStatus>,
    pub(crate) channel_type: Option<ChannelType>,
    pub(crate) attributes: Option<Json>,
    pub(crate) created_by: Option<Cow<'a, str>>,
    pub(crate) date_created: Option<Timestamp>,
    pub(crate) date_updated: Option<Timestamp>,
    pub(crate) friendly_name: Option<Option<Cow<'a, str>>>,
    pub(crate) unique_name: Option<Option<Cow<'a, str>>>,
    pub(crate) last_consumed_message_index: Option<Option<u64>>,
    pub(crate) notification_level: Option<NotificationLevel>,
    pub(crate) last_message: Option<Option<LastMessage>>,
    pub(crate) state: Option<Option<ChannelState>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    channel: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    messages: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    roster: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Field<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    channel_type: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Option<RawText<'a>>,
    #[serde(borrow, default)]
    created_by: Field<Cow<'a, str>>,
    #[serde(default)]
    date_created: Field<Timestamp>,
    #[serde(default)]
    date_updated: Field<Timestamp>,
    #[serde(borrow, default)]
    friendly_name: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    unique_name: Field<Cow<'a, str>>,
    #[serde(default)]
    last_consumed_message_index: Field<u64>,
    #[serde(borrow, default)]
    notification_level: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    last_message: Nested<'a>,
    #[serde(borrow, default)]
    state: Nested<'a>,
}

impl<'a> Record<'a> {
    fn plain(text: &'a str) -> Option<Self> {
        let mut record = Self::default();
        plain::object(text, |value, name| match name {
            "channel" => record.channel.read(value),
            "messages" => record.messages.read(value),
            "roster" => record.roster.read(value),
            "status" => record.status.read(value),
            "type" => record.channel_type.read(value),
            "attributes" => once(&mut record.attributes, RawText(value.raw()?)),
            "createdBy" => record.created_by.read(value),
            "dateCreated" => record.date_created.read(value),
            "dateUpdated" => record.date_updated.read(value),
            "friendlyName" => record.friendly_name.read(value),
            "uniqueName" => record.unique_name.read(value),
            "lastConsumedMessageIndex" => record.last_consumed_message_index.read(value),
            "notificationLevel" => record.notification_level.read(value),
            "lastMessage" => once(&mut record.last_message.0, RawText(value.raw()?)),
            "state" => once(&mut record.state.0, RawText(value.raw()?)),
            _ => value.skip(),
        })?;
        Some(record)
    }

    fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        Self::plain(text).map_or_else(|| serde_json::from_str(text), Ok)
    }
}

/// An object, null, or nothing. (An optional raw value cannot tell null from nothing.)
#[derive(Default)]
struct Nested<'a>(Option<RawText<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Nested<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawText::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

#[expect(clippy::option_option, reason = "absent and null mean different things on the wire")]
impl Nested<'_> {
    /// `None` when absent, `Some(None)` for what counts as no (null, false, 0, ""), else what `read` makes of it.
    fn read<T>(&self, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
        let text = self.0?.0;
        if matches!(text, "null" | "false" | "0" | "\"\"") {
            return Some(None);
        }
        read(text).map(Some)
    }
}

#[derive(Deserialize)]
struct LastMessageRecord {
    #[serde(default)]
    index: Field<u64>,
    #[serde(default)]
    timestamp: Field<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateRecord<'a> {
    #[serde(borrow, default)]
    current: Field<Cow<'a, str>>,
    #[serde(default)]
    date_updated: Field<Timestamp>,
}

impl<'a> ChannelData<'a> {
    /// Reads a channel document or an item of the own channels map: the same members mean the same in both.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let record = Record::read(text)?;
        Ok(Self {
            document: record.channel.value(),
            messages: record.messages.value(),
            roster: record.roster.value(),
            status: record.status.value().and_then(|text| parse_status(&text)),
            channel_type: record.channel_type.value().and_then(|text| parse_type(&text)),
            attributes: record.attributes.map(|raw| attributes(Some(raw.0))),
            created_by: record.created_by.value(),
            date_created: record.date_created.value(),
            date_updated: record.date_updated.value(),
            friendly_name: record.friendly_name.present(),
            unique_name: record.unique_name.present(),
            last_consumed_message_index: record.last_consumed_message_index.present(),
            notification_level: record.notification_level.value().and_then(|text| parse_level(&text)),
            last_message: record.last_message.read(|text| {
                let record: LastMessageRecord = serde_json::from_str(text).ok()?;
                Some(LastMessage { index: record.index.value(), timestamp: record.timestamp.value() })
            }),
            state: record.state.read(|text| {
                let record: StateRecord<'_> = serde_json::from_str(text).ok()?;
                let current = match &*record.current.value()? {
                    "active" => ChannelStateKind::Active,
                    "inactive" => ChannelStateKind::Inactive,
                    "closed" => ChannelStateKind::Closed,
                    _ => return None,
                };
                Some(ChannelState { current, date_updated: record.date_updated.value() })
            }),
        })
    }

    /// What a directory says of a channel, as an update of it.
    pub(crate) fn from_descriptor(descriptor: &'a ChannelDescriptor) -> Self {
        Self {
            // The document of a channel always has this name (spec 03 §5.3).
            document: Some(alloc::format!("{}.channel", descriptor.sid).into()),
            status: (descriptor.status != ChannelStatus::Unknown).then_some(descriptor.status),
            channel_type: Some(descriptor.channel_type),
            attributes: Some(descriptor.attributes.clone()),
            created_by: descriptor.created_by.as_ref().map(|identity| identity.as_str().into()),
            date_created: descriptor.date_created,
            date_updated: descriptor.date_updated,
            friendly_name: Some(descriptor.friendly_name.as_deref().map(Cow::from)),
            unique_name: Some(descriptor.unique_name.as_deref().map(Cow::from)),
            notification_level: descriptor.notification_level,
            ..Self::default()
        }
    }

    /// Copies what the text lent.
    pub(crate) fn into_owned(self) -> ChannelData<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        ChannelData {
            document: own(self.document),
            messages: own(self.messages),
            roster: own(self.roster),
            created_by: own(self.created_by),
            friendly_name: self.friendly_name.map(own),
            unique_name: self.unique_name.map(own),
            status: self.status,
            channel_type: self.channel_type,
            attributes: self.attributes,
            date_created: self.date_created,
            date_updated: self.date_updated,
            last_consumed_message_index: self.last_consumed_message_index,
            notification_level: self.notification_level,
            last_message: self.last_message,
            state: self.state,
        }
    }

    /// Applies all but the status to `channel`; tells what changed.
    pub(crate) fn apply(&self, channel: &mut Channel) -> Reasons<ChannelReason> {
        let mut reasons = self.apply_own(channel);
        let mut note = |reason, changed: bool| {
            if changed {
                reasons.insert(reason);
            }
        };
        note(ChannelReason::Type, set(&mut channel.channel_type, self.channel_type));
        note(ChannelReason::Attributes, set(&mut channel.attributes, self.attributes.clone()));
        let created_by = self.created_by.as_deref().map(Some);
        note(ChannelReason::CreatedBy, set_text(&mut channel.created_by, created_by));
        note(ChannelReason::DateCreated, set(&mut channel.date_created, self.date_created.map(Some)));
        note(ChannelReason::DateUpdated, set(&mut channel.date_updated, self.date_updated.map(Some)));
        let friendly_name = self.friendly_name.as_ref().map(Option::as_deref);
        note(ChannelReason::FriendlyName, set_text(&mut channel.friendly_name, friendly_name));
        let unique_name = self.unique_name.as_ref().map(Option::as_deref);
        note(ChannelReason::UniqueName, set_text(&mut channel.unique_name, unique_name));
        note(ChannelReason::State, set(&mut channel.state, self.state));
        note(ChannelReason::LastMessage, self.apply_last_message(channel));
        reasons
    }

    /// Applies only what belongs to the own user: how loudly to tell, and the read horizon (spec 03 §7.3 rows 1, 2).
    pub(crate) fn apply_own(&self, channel: &mut Channel) -> Reasons<ChannelReason> {
        let mut reasons = Reasons::empty();
        if set(&mut channel.notification_level, self.notification_level.map(Some)) {
            reasons.insert(ChannelReason::NotificationLevel);
        }
        if set(&mut channel.last_consumed_message_index, self.last_consumed_message_index) {
            reasons.insert(ChannelReason::LastConsumedMessageIndex);
        }
        reasons
    }

    /// Member by member: what is absent stays (spec 03 §8.1).
    fn apply_last_message(&self, channel: &mut Channel) -> bool {
        let new = match (self.last_message, channel.last_message) {
            (None, _) => return false,
            (Some(None), _) => None,
            (Some(Some(new)), old) => {
                let old = old.unwrap_or_default();
                let merged = LastMessage {
                    index: new.index.or(old.index),
                    timestamp: new.timestamp.or(old.timestamp),
                };
                (merged != LastMessage::default()).then_some(merged)
            }
        };
        set(&mut channel.last_message, Some(new))
    }
}

/// The wire's word for how the own user stands to a channel.
pub(crate) fn parse_status(text: &str) -> Option<ChannelStatus> {
    match text {
        "joined" => Some(ChannelStatus::Joined),
        "invited" => Some(ChannelStatus::Invited),
        "known" | "notParticipating" => Some(ChannelStatus::Known),
        _ => None,
    }
}

/// The wire's word for who may find a channel.
pub(crate) fn parse_type(text: &str) -> Option<ChannelType> {
    match text {
        "public" => Some(ChannelType::Public),
        "private" => Some(ChannelType::Private),
        _ => None,
    }
}

/// The wire's word for how loudly to tell.
pub(crate) fn parse_level(text: &str) -> Option<NotificationLevel> {
    match text {
        "default" => Some(NotificationLevel::Default),
        "muted" => Some(NotificationLevel::Muted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelSid;

    fn read(text: &str) -> ChannelData<'_> {
        ChannelData::parse(text).unwrap()
    }

    fn channel() -> Channel {
        Channel::unknown(ChannelSid::from("CH1"), ChannelType::Public)
    }

    #[test]
    fn a_document_tells_what_changed() {
        let mut channel = channel();
        let data = ChannelData::parse(
            r#"{"sid":"CH1","type":"public","friendlyName":"Team","uniqueName":null,"attributes":"{\"a\":1}","createdBy":"bob",
                "dateCreated":"2020-01-01T00:00:00.000Z","lastMessage":{"index":6,"timestamp":"2020-02-02T00:00:00.000Z"},
                "messages":"CH1.messages","roster":"CH1.roster"}"#,
        )
        .unwrap();
        let reasons: alloc::vec::Vec<_> = data.apply(&mut channel).iter().collect();
        assert_eq!(
            reasons,
            [
                ChannelReason::Attributes,
                ChannelReason::CreatedBy,
                ChannelReason::DateCreated,
                ChannelReason::FriendlyName,
                ChannelReason::LastMessage
            ]
        );
        assert_eq!(data.apply(&mut channel), Reasons::empty(), "the same again changes nothing");
        assert_eq!(data.messages.as_deref(), Some("CH1.messages"));
    }

    #[test]
    fn last_message_is_kept_cleared_or_merged() {
        let mut channel = channel();
        read(r#"{"lastMessage":{"index":1,"timestamp":"2020-01-01"}}"#).apply(&mut channel);
        assert!(read("{}").apply(&mut channel).is_empty());
        read(r#"{"lastMessage":{"index":2}}"#).apply(&mut channel);
        let last = channel.last_message.unwrap();
        assert_eq!((last.index, last.timestamp), (Some(2), Timestamp::parse("2020-01-01")));
        assert!(read(r#"{"lastMessage":null}"#).apply(&mut channel).contains(ChannelReason::LastMessage));
        assert_eq!(channel.last_message, None);
    }

    /// Spec 03 §22 Q9.
    #[test]
    fn q09_a_malformed_date_changes_nothing() {
        let mut channel = channel();
        read(r#"{"dateUpdated":"2020-01-01"}"#).apply(&mut channel);
        for date in [r#""soon""#, r#""2020-13-01""#, "true", "{}", "[]"] {
            let text = alloc::format!(r#"{{"dateUpdated":{date},"dateCreated":{date}}}"#);
            let data = read(&text);
            assert!(data.apply(&mut channel).is_empty(), "{date}");
        }
        assert_eq!(channel.date_updated, Timestamp::parse("2020-01-01"));
        assert_eq!(channel.date_created, None);
    }

    /// Spec 03 §22 Q13.
    #[test]
    fn q13_a_new_date_of_the_state_is_a_change_of_the_state() {
        let mut channel = channel();
        read(r#"{"state":{"current":"active","dateUpdated":"2020-01-01"}}"#).apply(&mut channel);
        let later = read(r#"{"state":{"current":"active","dateUpdated":"2020-01-02"}}"#);
        assert_eq!(later.apply(&mut channel).iter().collect::<alloc::vec::Vec<_>>(), [ChannelReason::State]);
        assert!(later.apply(&mut channel).is_empty());
    }

    /// Spec 03 §22 Q14: reasons that the documentation does not list are told all the same.
    #[test]
    fn q14_a_new_type_is_told() {
        let mut channel = channel();
        let data = ChannelData::parse(r#"{"type":"private"}"#).unwrap();
        assert_eq!(data.apply(&mut channel).iter().collect::<alloc::vec::Vec<_>>(), [ChannelReason::Type]);
        assert_eq!(serde_json::to_string(&ChannelReason::Sid).unwrap(), r#""sid""#);
    }

    #[test]
    fn a_null_horizon_is_a_value() {
        let mut channel = channel();
        channel.last_consumed_message_index = Some(4);
        let reasons = ChannelData::parse(r#"{"lastConsumedMessageIndex":null}"#).unwrap().apply(&mut channel);
        assert!(reasons.contains(ChannelReason::LastConsumedMessageIndex));
        assert!(ChannelData::parse("7").is_err());
    }
}
