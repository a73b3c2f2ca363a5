use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChannelSid, Identity, MediaSid, MemberSid, MessageSid};
use crate::date::Timestamp;
use crate::json::Json;

/// A message, as it was at one moment (spec 04 §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Names the message.
    pub sid: MessageSid,
    /// Where it was said.
    pub channel: ChannelSid,
    /// Its place in the channel, from 0: rising, never used twice, with gaps where messages were deleted.
    pub index: u64,
    /// Who said it.
    pub author: Option<Identity>,
    /// What was said; `None` for media.
    pub body: Option<Arc<str>>,
    /// What kind it is.
    pub message_type: MessageType,
    /// The attached media, if `message_type` says so.
    pub media: Option<MediaInfo>,
    /// The author's membership.
    pub member_sid: Option<MemberSid>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// When it was said.
    pub timestamp: Option<Timestamp>,
    /// When it was last changed.
    pub date_updated: Option<Timestamp>,
    /// Who changed it last; `None` while it never was.
    pub last_updated_by: Option<Identity>,
}

/// What a message carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MessageType {
    /// Text in `body`.
    #[default]
    Text,
    /// Media.
    Media,
}

/// What a message tells of its media; the bytes are fetched apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MediaInfo {
    /// Names the media.
    pub sid: MediaSid,
    /// Its media type, such as `image/png`.
    pub content_type: Arc<str>,
    /// Its length in bytes, as the service says.
    pub size: u64,
    /// Its file name, if it was given one.
    pub filename: Option<Arc<str>>,
}
