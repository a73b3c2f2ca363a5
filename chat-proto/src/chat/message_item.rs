//! An item of a message list, and what a change of it means (spec 03 §6.4, §8.2).

use alloc::borrow::Cow;
use alloc::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Field, attributes};
use crate::date::Timestamp;
use crate::model::{
    ChannelSid, Identity, MediaInfo, MediaSid, MemberSid, Message, MessageReason, MessageSid, MessageType,
    Reasons,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    sid: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    author: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Field<Cow<'a, str>>,
    #[serde(default)]
    timestamp: Field<Timestamp>,
    #[serde(default)]
    date_updated: Field<Timestamp>,
    #[serde(borrow, default)]
    last_updated_by: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    message_type: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    media: Option<&'a RawValue>,
    #[serde(borrow, default)]
    member_sid: Field<Cow<'a, str>>,
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
    field.value().filter(|text| !text.is_empty()).map(|text| Identity::new(Arc::from(text)))
}

/// Reads an item of a message list.
pub(crate) fn parse(text: &str, channel: &ChannelSid, index: u64) -> Result<Message, serde_json::Error> {
    let record: Record<'_> = serde_json::from_str(text)?;
    let is_media = matches!(&record.message_type, Field::Value(kind) if kind == "media");
    let body = record.text.value().filter(|_| !is_media).map(Arc::from);
    let media = record.media.filter(|_| is_media).and_then(|raw| {
        let media: MediaRecord<'_> = serde_json::from_str(raw.get()).ok()?;
        Some(MediaInfo {
            sid: MediaSid::new(Arc::from(media.sid.value()?)),
            content_type: media.content_type.value().unwrap_or_default().into(),
            size: media.size.value().unwrap_or(0),
            filename: media.filename.value().map(Arc::from),
        })
    });
    Ok(Message {
        sid: MessageSid::new(Arc::from(record.sid.value().unwrap_or_default())),
        channel: channel.clone(),
        index,
        author: record.author.value().map(|text| Identity::new(Arc::from(text))),
        body,
        message_type: if is_media { MessageType::Media } else { MessageType::Text },
        media,
        member_sid: record.member_sid.value().map(|text| MemberSid::new(Arc::from(text))),
        attributes: attributes(record.attributes),
        timestamp: record.timestamp.value(),
        date_updated: record.date_updated.value(),
        last_updated_by: identity(record.last_updated_by),
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
    use crate::json::Json;

    fn read(text: &str) -> Message {
        parse(text, &ChannelSid::from("CH1"), 6).unwrap()
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
