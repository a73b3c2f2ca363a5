//! An item of a message list, and what a change of it means (spec 03 §6.4, §8.2).

use alloc::borrow::Cow;
use alloc::sync::Arc;

use serde::Deserialize;

use super::lenient::{Field, attributes_with};
use super::text::Unescape;
use crate::date::Timestamp;
use crate::json::RawText;
use crate::model::{
    ChannelSid, Identity, MediaInfo, MediaSid, MemberSid, Message, MessageReason, MessageSid, MessageType,
    Reasons,
};
use crate::plain::{self, once};
use crate::state::Members;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    sid: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    author: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<RawText<'a>>,
    #[serde(default)]
    timestamp: Field<Timestamp>,
    #[serde(default)]
    date_updated: Field<Timestamp>,
    #[serde(borrow, default)]
    last_updated_by: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Option<RawText<'a>>,
    #[serde(borrow, default, rename = "type")]
    message_type: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    media: Option<RawText<'a>>,
    #[serde(borrow, default)]
    member_sid: Field<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    fn plain(text: &'a str) -> Option<Self> {
        let mut record = Self::default();
        plain::object(text, |value, name| match name {
            "sid" => record.sid.read(value),
            "author" => record.author.read(value),
            "text" => once(&mut record.text, RawText(value.raw()?)),
            "timestamp" => record.timestamp.read(value),
            "dateUpdated" => record.date_updated.read(value),
            "lastUpdatedBy" => record.last_updated_by.read(value),
            "attributes" => once(&mut record.attributes, RawText(value.raw()?)),
            "type" => record.message_type.read(value),
            "media" => once(&mut record.media, RawText(value.raw()?)),
            "memberSid" => record.member_sid.read(value),
            _ => value.skip(),
        })?;
        Some(record)
    }

    fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        Self::plain(text).map_or_else(|| serde_json::from_str(text), Ok)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaRecord<'a> {
    #[serde(borrow, default)]
    sid: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    filename: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    content_type: Field<Cow<'a, str>>,
    #[serde(default)]
    size: Field<u64>,
}

/// A name; an empty text counts as none.
fn identity(field: Field<Cow<'_, str>>) -> Option<Identity> {
    field.value().filter(|text| !text.is_empty()).map(Identity::new)
}

/// What a list's items are read with besides their own text.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) channel: &'a ChannelSid,
    /// Their names are shared with the messages that they write.
    pub(crate) members: Option<&'a Members>,
    pub(crate) unescape: &'a mut Unescape,
}

impl Reader<'_> {
    /// Reads an item of a message list.
    pub(crate) fn read(&mut self, text: &str, index: u64) -> Result<Message, serde_json::Error> {
        let record = Record::read(text)?;
        let is_media = matches!(&record.message_type, Field::Value(kind) if kind == "media");
        let body = self.body(record.text)?.filter(|_| !is_media);
        let media = record.media.filter(|_| is_media).and_then(media);
        let (author, member_sid) = self.author(record.author.value(), record.member_sid.value());
        Ok(Message {
            sid: MessageSid::new(record.sid.value().unwrap_or_default()),
            channel: self.channel.clone(),
            index,
            author,
            body,
            message_type: if is_media { MessageType::Media } else { MessageType::Text },
            media,
            member_sid,
            attributes: attributes_with(record.attributes.map(|raw| raw.0), self.unescape),
            timestamp: record.timestamp.value(),
            date_updated: record.date_updated.value(),
            last_updated_by: identity(record.last_updated_by),
        })
    }

    fn body(&mut self, raw: Option<RawText<'_>>) -> Result<Option<Arc<str>>, serde_json::Error> {
        let Some(raw) = raw else { return Ok(None) };
        if let Some(text) = self.unescape.text(raw.0) {
            return Ok(Some(text.into()));
        }
        // No text, or a malformed one.
        let field: Field<Cow<'_, str>> = serde_json::from_str(raw.0)?;
        Ok(field.value().map(Arc::from))
    }

    /// Who wrote it: a member, most likely.
    fn author(
        &self,
        author: Option<Cow<'_, str>>,
        member: Option<Cow<'_, str>>,
    ) -> (Option<Identity>, Option<MemberSid>) {
        let member = member.map(MemberSid::new);
        let known = member.as_ref().and_then(|sid| self.members?.get(sid));
        let identity = known.and_then(|(_, member)| member.identity.as_ref());
        let author = author.map(|author| match identity {
            Some(identity) if identity.as_str() == author => identity.clone(),
            _ => Identity::new(author),
        });
        (author, member)
    }
}

fn media(raw: RawText<'_>) -> Option<MediaInfo> {
    let media: MediaRecord<'_> = serde_json::from_str(raw.0).ok()?;
    Some(MediaInfo {
        sid: MediaSid::new(media.sid.value()?),
        content_type: media.content_type.value().unwrap_or_default().into(),
        size: media.size.value().unwrap_or(0),
        filename: media.filename.value().map(Arc::from),
    })
}

/// Applies a newer item to a message; tells what changed. Sid, type, media and membership never change.
pub(crate) fn apply(message: &mut Message, new: &Message) -> Reasons<MessageReason> {
    let mut reasons = Reasons::empty();
    if new.body.is_some() && new.body != message.body {
        message.body.clone_from(&new.body);
        reasons.insert(MessageReason::Body);
    }
    if new.last_updated_by.is_some() && new.last_updated_by != message.last_updated_by {
        message.last_updated_by.clone_from(&new.last_updated_by);
        reasons.insert(MessageReason::LastUpdatedBy);
    }
    if new.author.as_ref().is_some_and(|author| !author.as_str().is_empty()) && new.author != message.author {
        message.author.clone_from(&new.author);
        reasons.insert(MessageReason::Author);
    }
    if new.date_updated.is_some() && new.date_updated != message.date_updated {
        message.date_updated = new.date_updated;
        reasons.insert(MessageReason::DateUpdated);
    }
    if new.timestamp.is_some() && new.timestamp != message.timestamp {
        message.timestamp = new.timestamp;
        reasons.insert(MessageReason::Timestamp);
    }
    if new.attributes != message.attributes {
        message.attributes = new.attributes.clone();
        reasons.insert(MessageReason::Attributes);
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::roster_item::MemberData;
    use crate::json::Json;

    fn read(text: &str) -> Message {
        read_with(None, text).unwrap()
    }

    fn read_with(members: Option<&Members>, text: &str) -> Result<Message, serde_json::Error> {
        let mut unescape = Unescape::default();
        let channel = ChannelSid::from("CH1");
        Reader { channel: &channel, members, unescape: &mut unescape }.read(text, 6)
    }

    #[test]
    fn names_are_shared_with_the_member() {
        let data = MemberData::parse(r#"{"identity":"bob"}"#).unwrap().unwrap();
        let member = data.into_member(&"CH1".into(), "MB2".into(), None);
        let members: Members = [("MB2".into(), (0, Arc::new(member)))].into_iter().collect();
        for (author, member) in [("bob", "MB2"), ("eve", "MB2"), ("bob", "MB3")] {
            let text = alloc::format!(r#"{{"author":"{author}","memberSid":"{member}"}}"#);
            let message = read_with(Some(&members), &text).unwrap();
            assert_eq!((message.author, message.member_sid), (Some(author.into()), Some(member.into())));
        }
    }

    #[test]
    fn texts_may_be_odd() {
        assert_eq!(read(r#"{"text":"a\n\u00e9\ud83d\ude00"}"#).body.as_deref(), Some("a\né😀"));
        for odd in ["null", "7", "[[\"x\"]]", "{\"a\":1}", "true"] {
            assert_eq!(read(&alloc::format!(r#"{{"text":{odd}}}"#)).body, None, "{odd}");
        }
        assert_eq!(read("{}").body, None);
        for bad in [r#""\ud800""#, "1e999"] {
            assert!(read_with(None, &alloc::format!(r#"{{"text":{bad}}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn items_become_messages() {
        let message = read(
            r#"{"sid":"IM6","author":"bob","memberSid":"MB2","type":"text","text":"hi","attributes":"{\"a\":1}",
                "timestamp":"2020-02-02T00:00:00.000Z","dateUpdated":"2020-02-02T00:00:00.000Z","lastUpdatedBy":null}"#,
        );
        assert_eq!(message.body.as_deref(), Some("hi"));
        assert_eq!(message.author, Some("bob".into()));
        assert_eq!(message.attributes, Json::parse(r#"{"a":1}"#).unwrap());
        assert_eq!(message.last_updated_by, None);
    }

    #[test]
    fn media_hides_the_text() {
        let message = read(
            r#"{"sid":"IM6","type":"media","text":"x","media":{"sid":"ME1","contentType":"image/png","size":9}}"#,
        );
        assert_eq!((message.body, message.message_type), (None, MessageType::Media));
        let media = message.media.unwrap();
        assert_eq!(
            (media.sid.as_str(), &*media.content_type, media.size, media.filename),
            ("ME1", "image/png", 9, None)
        );
    }

    #[test]
    fn too_deep_attributes_are_none() {
        for (levels, known) in [(127, true), (128, false), (100_000, false)] {
            let deep = alloc::format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let message = read(&alloc::format!(r#"{{"text":"hi","attributes":"{deep}"}}"#));
            let expected = if known { Json::parse(&deep).unwrap() } else { Json::empty_object() };
            assert_eq!((message.body.as_deref(), message.attributes), (Some("hi"), expected), "{levels}");
        }
    }

    #[test]
    fn changes_are_told_and_absent_attributes_reset() {
        let mut message = read(r#"{"sid":"IM6","text":"hi","attributes":"{\"a\":1}","author":"bob"}"#);
        let new = read(r#"{"sid":"IM6","text":"ho","lastUpdatedBy":"eve","dateUpdated":"2020-01-01"}"#);
        let reasons: alloc::vec::Vec<_> = apply(&mut message, &new).iter().collect();
        assert_eq!(
            reasons,
            [
                MessageReason::Body,
                MessageReason::LastUpdatedBy,
                MessageReason::DateUpdated,
                MessageReason::Attributes
            ]
        );
        assert_eq!(message.author, Some("bob".into()));
        assert!(apply(&mut message, &new).is_empty());
    }
}
