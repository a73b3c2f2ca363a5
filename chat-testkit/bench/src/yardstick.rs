//! The fixed yardsticks. They do no work but reading, and they stay as they are, whatever the core learns: every figure of
//! the suite is told as so many times one of them.
//!
//! **(b)**, [`borrow`]: the frame is split, the header is read, and the payload is read by `serde_json::from_slice` into
//! structs that borrow every text; `attributes` stays raw. A client must do at least so much, unless it brings a JSON
//! parser of its own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::frames::Kind;

/// A text, borrowed unless it has escapes. (`Option<Cow<str>>` of serde would always copy.)
#[derive(Debug, Clone)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Texts)
    }
}

/// A struct of which every member is optional: texts, then what else borrows, then what does not.
macro_rules! members {
    ($(#[$doc:meta])* $name:ident {
        $($text:ident $(= $wire:literal)?,)*
        $(; $($part:ident $(= $part_wire:literal)?: $of:ty,)*)?
        $(;; $($plain:ident $(= $plain_wire:literal)?: $number:ty,)*)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[allow(missing_docs, reason = "the names are the protocol's")]
        pub struct $name<'a> {
            $(#[serde(borrow, $(rename = $wire)?)] pub $text: Option<Text<'a>>,)*
            $($(#[serde(borrow, $(rename = $part_wire)?)] pub $part: Option<$of>,)*)?
            $($(#[serde($(rename = $plain_wire)?)] pub $plain: Option<$number>,)*)?
        }
    };
}

members!(
    /// The header of a frame.
    Header { method, id, payload_type, message_type, notification_ctx_id, ; status: Status<'a>, http_status: Status<'a>, http_headers: Headers<'a>, ;; payload_size: i64, }
);
members!(
    /// `status` and `http_status`.
    Status { status, ;; code: i64, }
);
members!(
    /// `http_headers`.
    Headers { server, date, content_type = "content-type", twilio_request_id = "twilio-request-id", x_shenanigans = "x-shenanigans", strict_transport_security = "strict-transport-security", upstream_service_time = "x-envoy-upstream-service-time", twilio_concurrent_requests = "twilio-concurrent-requests", }
);

/// A payload of Sync.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a, T> {
    /// What happened.
    #[serde(borrow)]
    pub event_type: Option<Text<'a>>,
    /// 3.
    pub event_protocol_version: Option<i64>,
    /// To what.
    pub event: Option<T>,
    /// Nobody knows what for.
    pub strictly_ordered: Option<bool>,
}

members!(
    /// An event of a list.
    ListEvent { date_created, created_by, list_sid, list_unique_name, list_revision, item_revision, ; item_data: MessageItem<'a>, ;; id: i64, item_index: i64, }
);
members!(
    /// A message.
    MessageItem { sid, author, text, timestamp, date_updated = "dateUpdated", last_updated_by = "lastUpdatedBy", kind = "type", member_sid = "memberSid", ; attributes: &'a RawValue, }
);
members!(
    /// An event of a map.
    MapEvent { date_created, created_by, map_sid, map_unique_name, map_revision, item_key, item_url, item_revision, ; item_data: RosterItem<'a>, ;; id: i64, }
);
members!(
    /// A member of a channel.
    RosterItem { identity, kind = "type", role_sid = "roleSid", user_info = "userInfo", last_consumption_timestamp = "lastConsumptionTimestamp", ; attributes: &'a RawValue, ;; last_consumed_message_index = "lastConsumedMessageIndex": i64, }
);
members!(
    /// An event of a document.
    DocumentEvent { date_created, created_by, document_sid, document_unique_name, document_revision, ; document_data: ChannelData<'a>, ;; id: i64, }
);
members!(
    /// What a channel is.
    ChannelData { created_by = "createdBy", date_created = "dateCreated", date_updated = "dateUpdated", friendly_name = "friendlyName", unique_name = "uniqueName", kind = "type", messages, roster, ; attributes: &'a RawValue, last_message = "lastMessage": LastMessage<'a>, }
);
members!(
    /// The newest message of a channel.
    LastMessage { timestamp, ;; index: i64, }
);
members!(
    /// Somebody types.
    TypingIndicator { channel_sid, identity, ;; typing_timeout: i64, }
);
members!(
    /// The answer to a typing report.
    TypingAnswer { channel_sid, service_sid, url, ;; typing_timeout: i64, }
);

/// (a): looks at every byte, and does nothing with it.
pub fn scan(bytes: &[u8]) -> usize {
    memchr::memchr(0, bytes).map_or(0, |place| place + 1)
}

/// The frame taken apart, no JSON read: header and what follows it.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let line = memchr::memchr(b'\r', &bytes[..bytes.len().min(64)]).expect("a magic line");
    let digits = bytes[..line].strip_prefix(b"TWILSOCK V3.0 ").expect("the magic word");
    let size = digits.iter().fold(0, |n, digit| n * 10 + usize::from(digit - b'0'));
    let body = &bytes[line + 2..];
    (&body[..size], &body[size + 2..])
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> T {
    serde_json::from_slice(bytes).expect("the frames are good")
}

/// Header and payload.
fn parts(bytes: &[u8]) -> (Header<'_>, &[u8]) {
    let (header, rest) = split(bytes);
    let header: Header<'_> = parse(header);
    let size = header.payload_size.map_or(0, |size| usize::try_from(size).unwrap_or(0));
    (header, &rest[..size])
}

/// **(b)**: see the module. `kind` says which struct the payload is: finding that out is the reader's own affair.
pub fn borrow(kind: Kind, bytes: &[u8]) -> usize {
    /// What is read must be there in the end.
    fn keep<T>(read: &T) -> usize {
        std::hint::black_box(read);
        1
    }
    let (header, payload) = parts(bytes);
    keep(&header)
        + match kind {
            Kind::Message | Kind::Stale | Kind::Unknown => {
                keep(&parse::<Envelope<'_, ListEvent<'_>>>(payload))
            }
            Kind::Roster => keep(&parse::<Envelope<'_, MapEvent<'_>>>(payload)),
            Kind::Document => keep(&parse::<Envelope<'_, DocumentEvent<'_>>>(payload)),
            Kind::Typing => keep(&parse::<TypingIndicator<'_>>(payload)),
            Kind::Reply => keep(&parse::<TypingAnswer<'_>>(payload)),
            Kind::Mix | Kind::MixRepeated => unreachable!("mixtures are made of the others"),
        }
}

/// (d): header and payload as `serde_json::Value`.
pub fn value(bytes: &[u8]) -> usize {
    let (header, rest) = split(bytes);
    let header: serde_json::Value = parse(header);
    let size = header["payload_size"].as_u64().map_or(0, |size| usize::try_from(size).unwrap_or(0));
    let payload: serde_json::Value = parse(&rest[..size]);
    std::hint::black_box((&header, &payload));
    1
}
