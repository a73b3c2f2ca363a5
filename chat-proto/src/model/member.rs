use serde::{Deserialize, Serialize};

use super::{ChannelSid, Identity, MemberSid, RoleSid, UserInfoName};
use crate::date::Timestamp;
use crate::json::Json;

/// One person in one channel, as it was at one moment (spec 04 §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// Names the membership.
    pub sid: MemberSid,
    /// The channel.
    pub channel: ChannelSid,
    /// The person; `None` for people who are not users of the service (SMS, `WhatsApp`).
    pub identity: Option<Identity>,
    /// How the person takes part.
    pub member_type: MemberType,
    /// Whether the person is typing now (spec 03 §12.2).
    pub is_typing: bool,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// What the person may do.
    pub role_sid: Option<RoleSid>,
    /// When the person came in.
    pub date_created: Option<Timestamp>,
    /// When the membership was last changed.
    pub date_updated: Option<Timestamp>,
    /// The person's read horizon: index of the last message read, inclusive; `None` while it was never set.
    pub last_consumed_message_index: Option<u64>,
    /// When the read horizon was last reported.
    pub last_consumption_timestamp: Option<Timestamp>,
    /// Name of the Sync map that describes the person, so that fetching the user needs no look-up.
    pub user_info: Option<UserInfoName>,
}

/// How a member takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MemberType {
    /// As a user of the service.
    #[default]
    Chat,
    /// By text message.
    Sms,
    /// By `WhatsApp`.
    Whatsapp,
    /// In a way this version does not know.
    Other,
}
