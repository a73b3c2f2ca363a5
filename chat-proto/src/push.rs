//! Push notifications: the channels they come through, and what their payloads say (spec 03 §17).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::Json;
use crate::model::{ChannelSid, MessageSid};

/// Through whom a device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PushChannel {
    /// Firebase Cloud Messaging.
    Fcm,
    /// Apple Push Notification service.
    Apn,
    /// Google Cloud Messaging, which FCM replaced.
    Gcm,
}

impl PushChannel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fcm, Self::Apn, Self::Gcm];

    /// As it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fcm => "fcm",
            Self::Apn => "apn",
            Self::Gcm => "gcm",
        }
    }

    /// The version of the payloads that is asked for (spec 01 §5.3).
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Fcm | Self::Gcm => "3",
            Self::Apn => "4",
        }
    }
}

impl fmt::Display for PushChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a push notification tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushNotification {
    /// What happened.
    pub push_type: PushType,
    /// The title to show.
    pub title: Option<Box<str>>,
    /// The text to show.
    pub body: Option<Box<str>>,
    /// The sound to play.
    pub sound: Option<Box<str>>,
    /// What a tap does: `category` of APNS, `twi_action` of FCM.
    pub action: Option<Box<str>>,
    /// The number at the app's icon; APNS only.
    pub badge: Option<u64>,
    /// The channel that it is about.
    pub channel_sid: Option<ChannelSid>,
    /// The message that it is about.
    pub message_sid: Option<MessageSid>,
    /// That message's index.
    pub message_index: Option<u64>,
}

/// What a push notification is about (`twi_message_type`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PushType {
    /// `twilio.channel.new_message`
    NewMessage,
    /// `twilio.channel.added_to_channel`
    AddedToChannel,
    /// `twilio.channel.invited_to_channel`
    InvitedToChannel,
    /// `twilio.channel.removed_from_channel`
    RemovedFromChannel,
    /// Another one, as it is written.
    Other(Box<str>),
}

impl PushType {
    /// As it is written on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::NewMessage => "twilio.channel.new_message",
            Self::AddedToChannel => "twilio.channel.added_to_channel",
            Self::InvitedToChannel => "twilio.channel.invited_to_channel",
            Self::RemovedFromChannel => "twilio.channel.removed_from_channel",
            Self::Other(text) => text,
        }
    }
}

impl From<&str> for PushType {
    fn from(text: &str) -> Self {
        match text {
            "twilio.channel.new_message" => Self::NewMessage,
            "twilio.channel.added_to_channel" => Self::AddedToChannel,
            "twilio.channel.invited_to_channel" => Self::InvitedToChannel,
            "twilio.channel.removed_from_channel" => Self::RemovedFromChannel,
            other => Self::Other(other.into()),
        }
    }
}

/// Why a payload is no push notification of Programmable Chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PushError {
    /// It is `null`.
    #[error("there is no push payload")]
    Missing,
    /// It has neither `aps` nor `data`, or is no object.
    #[error("the payload is no push notification of Programmable Chat")]
    NotChat,
    /// It does not say what happened.
    #[error("the payload names no type of Programmable Chat")]
    NoType,
    /// A member is not what it must be (spec 03 §22 Q21).
    #[error("{member} of the push payload is not what it must be")]
    Malformed {
        /// Which.
        member: Cow<'static, str>,
    },
}

/// Reads a push notification as the device got it: APNS with `aps`, FCM and GCM with `data`; `aps` wins (spec 03 §17.2).
///
/// Members that are absent, `null` or empty texts are `None`; so is a `message_index` that is no decimal number. A badge of
/// 0 stays: it takes the number away from the icon.
///
/// # Errors
/// The payload is none of Programmable Chat; see [`PushError`].
pub fn parse_push_notification(payload: &Json) -> Result<PushNotification, PushError> {
    if payload.is_null() {
        return Err(PushError::Missing);
    }
    let Ok(Value::Object(payload)) = payload.to_value() else {
        return Err(PushError::NotChat);
    };
    match (payload.get("aps"), payload.get("data")) {
        (Some(aps), _) => apns(&payload, aps),
        (None, Some(data)) => fcm(data),
        (None, None) => Err(PushError::NotChat),
    }
}

fn apns(payload: &Map<String, Value>, aps: &Value) -> Result<PushNotification, PushError> {
    let push_type = text(payload, "twi_message_type").ok_or(PushError::NoType)?;
    let aps = aps.as_object().ok_or(malformed("aps"))?;
    let (title, body) = match aps.get("alert") {
        Some(Value::String(body)) => {
            (None, Some(body.as_str()).filter(|body| !body.is_empty()).map(Into::into))
        }
        Some(Value::Object(alert)) => (text(alert, "title"), text(alert, "body")),
        _ => return Err(malformed("aps.alert")),
    };
    Ok(PushNotification {
        title,
        body,
        sound: text(aps, "sound"),
        action: text(aps, "category"),
        badge: aps.get("badge").and_then(Value::as_u64),
        ..chat_data(&push_type, payload)
    })
}

fn fcm(data: &Value) -> Result<PushNotification, PushError> {
    let data = data.as_object().ok_or(malformed("data"))?;
    let push_type = text(data, "twi_message_type").ok_or(PushError::NoType)?;
    Ok(PushNotification {
        title: text(data, "twi_title"),
        body: text(data, "twi_body"),
        sound: text(data, "twi_sound"),
        action: text(data, "twi_action"),
        ..chat_data(&push_type, data)
    })
}

/// What both kinds have in common: everything but what is shown.
fn chat_data(push_type: &str, data: &Map<String, Value>) -> PushNotification {
    PushNotification {
        push_type: push_type.into(),
        title: None,
        body: None,
        sound: None,
        action: None,
        badge: None,
        channel_sid: text(data, "channel_sid").map(|sid| ChannelSid::from(&*sid)),
        message_sid: text(data, "message_sid").map(|sid| MessageSid::from(&*sid)),
        message_index: data.get("message_index").and_then(index),
    }
}

fn text(of: &Map<String, Value>, name: &str) -> Option<Box<str>> {
    of.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(Into::into)
}

/// FCM has texts only, `"49"` (capture push-fcm-1). Anything but digits is no index.
fn index(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        value => value.as_u64(),
    }
}

const fn malformed(member: &'static str) -> PushError {
    PushError::Malformed { member: Cow::Borrowed(member) }
}

#[cfg(test)]
mod tests;
