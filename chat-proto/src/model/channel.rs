use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChannelSid, Identity};
use crate::date::Timestamp;
use crate::json::Json;

/// A channel that this client knows, as it was at one moment (spec 04 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Channel {
    /// Names the channel.
    pub sid: ChannelSid,
    /// How the own user stands to it.
    pub status: ChannelStatus,
    /// Who may find it.
    pub channel_type: ChannelType,
    /// Whatever the app keeps there: an object.
    pub attributes: Json,
    /// Who created it.
    pub created_by: Option<Identity>,
    /// When it was created.
    pub date_created: Option<Timestamp>,
    /// When it was last changed.
    pub date_updated: Option<Timestamp>,
    /// Its name for people.
    pub friendly_name: Option<Arc<str>>,
    /// Its name for programs: unique within the service.
    pub unique_name: Option<Arc<str>>,
    /// The own read horizon: index of the last message read, inclusive; `None` while it was never set. It follows the
    /// service, not the call (spec 03 §13).
    pub last_consumed_message_index: Option<u64>,
    /// The newest message, as far as the channel's document tells; it may lag behind the messages themselves.
    pub last_message: Option<LastMessage>,
    /// How loudly the own user wants to be told; `None` until known.
    pub notification_level: Option<NotificationLevel>,
    /// Life cycle of a channel that is a conversation; `None` for others.
    pub state: Option<ChannelState>,
}

impl Channel {
    /// A channel of which nothing but its name is known.
    pub(crate) fn unknown(sid: ChannelSid, channel_type: ChannelType) -> Self {
        Self {
            sid,
            status: ChannelStatus::Known,
            channel_type,
            attributes: Json::empty_object(),
            created_by: None,
            date_created: None,
            date_updated: None,
            friendly_name: None,
            unique_name: None,
            last_consumed_message_index: None,
            last_message: None,
            notification_level: None,
            state: None,
        }
    }

    /// Whether only invited people may join.
    pub fn is_private(&self) -> bool {
        self.channel_type == ChannelType::Private
    }
}

/// How the own user stands to a channel (spec 03 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ChannelStatus {
    /// The record did not say (descriptors only).
    Unknown,
    /// The channel is known; the own user takes no part in it.
    Known,
    /// The own user is invited.
    Invited,
    /// The own user is a member.
    Joined,
}

/// Who may find a channel (spec 03 §6.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ChannelType {
    /// Everybody.
    #[default]
    Public,
    /// Those who were invited or added.
    Private,
}

/// How loudly the own user wants to be told of messages in a channel (spec 03 §14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum NotificationLevel {
    /// As the service is set up.
    Default,
    /// Not at all.
    Muted,
}

/// The newest message of a channel, as its document tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastMessage {
    /// Its index.
    pub index: Option<u64>,
    /// When it was sent.
    pub timestamp: Option<Timestamp>,
}

/// Life cycle of a channel that is a conversation (spec 03 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelState {
    /// The state.
    pub current: ChannelStateKind,
    /// Since when.
    pub date_updated: Option<Timestamp>,
}

/// See [`ChannelState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ChannelStateKind {
    /// In use.
    Active,
    /// Idle for some time.
    Inactive,
    /// Over.
    Closed,
}

/// A channel as a directory lists it: a copy that never changes (spec 04 §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelDescriptor {
    /// Names the channel.
    pub sid: ChannelSid,
    /// How the own user stands to it; [`ChannelStatus::Unknown`] where the directory does not say.
    pub status: ChannelStatus,
    /// Who may find it.
    pub channel_type: ChannelType,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// Who created it.
    pub created_by: Option<Identity>,
    /// When it was created.
    pub date_created: Option<Timestamp>,
    /// When it was last changed.
    pub date_updated: Option<Timestamp>,
    /// Its name for people.
    pub friendly_name: Option<Arc<str>>,
    /// Its name for programs.
    pub unique_name: Option<Arc<str>>,
    /// How many messages it holds, when it was read.
    pub messages_count: u64,
    /// How many members it has, when it was read.
    pub members_count: u64,
    /// The own read horizon: index of the last message read, inclusive.
    pub last_consumed_message_index: Option<u64>,
    /// How loudly the own user wants to be told.
    pub notification_level: Option<NotificationLevel>,
}

impl ChannelDescriptor {
    /// Whether only invited people may join.
    pub fn is_private(&self) -> bool {
        self.channel_type == ChannelType::Private
    }
}
