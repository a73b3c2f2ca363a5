//! An item of a roster, and what a change of it means (spec 03 §6.5, §8.3).

use alloc::borrow::Cow;

use serde::Deserialize;

use super::lenient::{Field, attributes, set, set_text};
use crate::date::Timestamp;
use crate::json::{Json, RawText};
use crate::model::{
    ChannelSid, Identity, Member, MemberReason, MemberSid, MemberType, Reasons, RoleSid, UserInfoName,
};
use crate::plain::{self, once};

/// What an item says. Unlike a [`Member`] it knows what it does not say.
#[expect(clippy::option_option, reason = "absent and null mean different things on the wire")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MemberData<'a> {
    identity: Option<Cow<'a, str>>,
    member_type: MemberType,
    role_sid: Option<Cow<'a, str>>,
    attributes: Option<Json>,
    date_created: Option<Timestamp>,
    date_updated: Option<Timestamp>,
    last_consumed_message_index: Option<Option<u64>>,
    last_consumption_timestamp: Option<Timestamp>,
    user_info: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    identity: Field<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    member_type: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    role_sid: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Option<RawText<'a>>,
    #[serde(default)]
    date_created: Field<Timestamp>,
    #[serde(default)]
    date_updated: Field<Timestamp>,
    #[serde(default)]
    last_consumed_message_index: Field<u64>,
    #[serde(default)]
    last_consumption_timestamp: Field<Timestamp>,
    #[serde(borrow, default)]
    user_info: Field<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    fn plain(text: &'a str) -> Option<Self> {
        let mut record = Self::default();
        plain::object(text, |value, name| match name {
            "identity" => record.identity.read(value),
            "type" => record.member_type.read(value),
            "roleSid" => record.role_sid.read(value),
            "attributes" => once(&mut record.attributes, RawText(value.raw()?)),
            "dateCreated" => record.date_created.read(value),
            "dateUpdated" => record.date_updated.read(value),
            "lastConsumedMessageIndex" => record.last_consumed_message_index.read(value),
            "lastConsumptionTimestamp" => record.last_consumption_timestamp.read(value),
            "userInfo" => record.user_info.read(value),
            _ => value.skip(),
        })?;
        Some(record)
    }

    fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        Self::plain(text).map_or_else(|| serde_json::from_str(text), Ok)
    }
}

/// A text; an empty one counts as none.
fn text(field: Field<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    field.value().filter(|text| !text.is_empty())
}

impl<'a> MemberData<'a> {
    /// Reads an item of a roster; `Ok(None)` when it says neither who nor what kind of member it is (spec 03 §6.5).
    pub(crate) fn parse(item: &'a str) -> Result<Option<Self>, serde_json::Error> {
        let record = Record::read(item)?;
        let identity = text(record.identity);
        let kind = text(record.member_type);
        if identity.is_none() && kind.is_none() {
            return Ok(None);
        }
        let member_type = match kind.as_deref() {
            None | Some("chat") => MemberType::Chat,
            Some("sms") => MemberType::Sms,
            Some("whatsapp") => MemberType::Whatsapp,
            Some(_) => MemberType::Other,
        };
        Ok(Some(Self {
            identity,
            member_type,
            role_sid: text(record.role_sid),
            attributes: record.attributes.map(|raw| attributes(Some(raw.0))),
            date_created: record.date_created.value(),
            date_updated: record.date_updated.value(),
            last_consumed_message_index: record.last_consumed_message_index.present(),
            last_consumption_timestamp: record.last_consumption_timestamp.value(),
            user_info: text(record.user_info),
        }))
    }

    /// The member that the item describes. Its role is shared with `other` if it is the same.
    pub(crate) fn into_member(self, channel: &ChannelSid, sid: MemberSid, other: Option<&Member>) -> Member {
        let others = other.and_then(|other| other.role_sid.as_ref());
        let role_sid = self.role_sid.map(|role| match others {
            Some(others) if others.as_str() == role => others.clone(),
            _ => RoleSid::new(role),
        });
        Member {
            sid,
            channel: channel.clone(),
            identity: self.identity.map(Identity::new),
            member_type: self.member_type,
            is_typing: false,
            attributes: self.attributes.unwrap_or_default(),
            role_sid,
            date_created: self.date_created,
            date_updated: self.date_updated,
            last_consumed_message_index: self.last_consumed_message_index.flatten(),
            last_consumption_timestamp: self.last_consumption_timestamp,
            user_info: self.user_info.map(UserInfoName::new),
        }
    }

    /// Applies the item to a member; tells what changed. Identity, type and user never change.
    pub(crate) fn apply(&self, member: &mut Member) -> Reasons<MemberReason> {
        let mut reasons = Reasons::empty();
        let mut note = |reason, changed: bool| {
            if changed {
                reasons.insert(reason);
            }
        };
        note(MemberReason::Attributes, set(&mut member.attributes, self.attributes.clone()));
        note(MemberReason::DateUpdated, set(&mut member.date_updated, self.date_updated.map(Some)));
        note(MemberReason::DateCreated, set(&mut member.date_created, self.date_created.map(Some)));
        note(MemberReason::RoleSid, set_text(&mut member.role_sid, self.role_sid.as_deref().map(Some)));
        let horizon = set(&mut member.last_consumed_message_index, self.last_consumed_message_index);
        note(MemberReason::LastConsumedMessageIndex, horizon);
        let reported = set(&mut member.last_consumption_timestamp, self.last_consumption_timestamp.map(Some));
        note(MemberReason::LastConsumptionTimestamp, reported);
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(item: &str) -> Member {
        let data = MemberData::parse(item).unwrap().unwrap();
        data.into_member(&ChannelSid::from("CH1"), MemberSid::from("MB1"), None)
    }

    #[test]
    fn items_become_members() {
        let member = member(
            r#"{"identity":"bob","type":"chat","roleSid":"RL1","userInfo":"MP9","attributes":"{}",
                "dateCreated":"2020-01-01T00:00:00.000Z","lastConsumedMessageIndex":5,"lastConsumptionTimestamp":1580515200000}"#,
        );
        assert_eq!(member.identity, Some("bob".into()));
        assert_eq!(member.last_consumption_timestamp, Timestamp::parse("2020-02-01"));
        assert_eq!(member.user_info, Some("MP9".into()));
    }

    #[test]
    fn a_member_of_no_kind_is_none() {
        assert_eq!(MemberData::parse(r#"{"roleSid":"RL1"}"#).unwrap(), None);
        assert!(MemberData::parse(r#"{"type":"sms"}"#).unwrap().is_some());
        assert!(MemberData::parse("7").is_err());
    }

    /// Spec 03 §22 Q8: the date of change does not need the date of creation.
    #[test]
    fn q08_date_updated_stands_alone() {
        assert!(member(r#"{"identity":"bob","dateUpdated":"2020-01-01"}"#).date_updated.is_some());
    }

    #[test]
    fn what_is_absent_does_not_change() {
        let mut member =
            member(r#"{"identity":"bob","lastConsumedMessageIndex":5,"attributes":"{\"a\":1}"}"#);
        let apply = |member: &mut Member, item: &str| MemberData::parse(item).unwrap().unwrap().apply(member);
        assert!(apply(&mut member, r#"{"identity":"eve"}"#).is_empty());
        let reasons = apply(&mut member, r#"{"identity":"bob","lastConsumedMessageIndex":null}"#);
        assert!(reasons.contains(MemberReason::LastConsumedMessageIndex));
        assert_eq!(member.last_consumed_message_index, None);
    }
}
