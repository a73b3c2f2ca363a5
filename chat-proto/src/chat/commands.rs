//! Session commands: what is asked of the service, whatever the dialect (spec 03 §4.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::call::{CallId, MemberRef};
use crate::json::Json;
use crate::model::{ChannelSid, ChannelType, Identity, MediaSid, MemberSid, NotificationLevel};

/// Who waits for the answer to a session command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum CommandOwner {
    /// A call of the app.
    Call(CallId),
    /// A report of the read horizon, numbered by whoever makes reports.
    Report(u64),
}

/// One request to the service: the 21 actions of spec 03 §4.1, `removeMember` in both its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionCommand {
    /// `createChannel` → `channel_sid`, `channel`. Names that are `None` are not sent.
    CreateChannel {
        friendly_name: Option<Box<str>>,
        unique_name: Option<Box<str>>,
        channel_type: ChannelType,
        attributes: Json,
    },
    /// `destroyChannel`
    DestroyChannel { channel: ChannelSid },
    /// `joinChannelV2`
    Join { channel: ChannelSid },
    /// `leaveChannel`
    Leave { channel: ChannelSid },
    /// `declineInvitation`
    Decline { channel: ChannelSid },
    /// `inviteMember`
    Invite { channel: ChannelSid, identity: Identity },
    /// `addMemberV2`
    Add { channel: ChannelSid, identity: Identity },
    /// `removeMember`, by `memberSid` or by `username`.
    RemoveMember { channel: ChannelSid, member: MemberRef },
    /// `editAttributes`
    EditAttributes { channel: ChannelSid, attributes: Json },
    /// `editFriendlyName`; `None` is sent as `null`.
    EditFriendlyName { channel: ChannelSid, friendly_name: Option<Box<str>> },
    /// `editUniqueName`; `None` is sent as `""`.
    EditUniqueName { channel: ChannelSid, unique_name: Option<Box<str>> },
    /// `editNotificationLevel`
    EditNotificationLevel { channel: ChannelSid, level: NotificationLevel },
    /// `sendMessage` → `message_id`. `text` of `None` is sent as `null`.
    SendMessage { channel: ChannelSid, text: Option<Box<str>>, attributes: Json },
    /// `sendMediaMessage` → `message_id`
    SendMediaMessage { channel: ChannelSid, media: MediaSid, attributes: Json },
    /// `editMessage`
    EditMessage { channel: ChannelSid, index: u64, text: Box<str> },
    /// `editMessageAttributes`
    EditMessageAttributes { channel: ChannelSid, index: u64, attributes: Json },
    /// `deleteMessage`
    DeleteMessage { channel: ChannelSid, index: u64 },
    /// `editMemberAttributes`
    EditMemberAttributes { channel: ChannelSid, member: MemberSid, attributes: Json },
    /// `editUserAttributes`
    EditUserAttributes { identity: Identity, attributes: Json },
    /// `editUserFriendlyName`; `None` is sent as `null`.
    EditUserFriendlyName { identity: Identity, friendly_name: Option<Box<str>> },
    /// `consumptionReportV2` → `report`: at least one entry, one for each channel; `None` is "nothing read".
    ConsumptionReport(Vec<(ChannelSid, Option<u64>)>),
}

impl SessionCommand {
    /// The channel that this sends a message to: only one such command of a channel is in flight (design §4 "Order").
    pub(crate) fn sends_to(&self) -> Option<&ChannelSid> {
        match self {
            Self::SendMessage { channel, .. } | Self::SendMediaMessage { channel, .. } => Some(channel),
            _ => None,
        }
    }
}

/// What the service answered to a session command that it executed (spec 03 §4.1, column "Response fields").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Response {
    /// Of `createChannel`: the new channel.
    pub(crate) channel_sid: Option<ChannelSid>,
    /// Of `createChannel`: name of the new channel's document.
    pub(crate) channel: Option<Box<str>>,
    /// Of the sending commands: the message's index. `None` where the service gave no number.
    pub(crate) message_id: Option<u64>,
    /// Of `consumptionReportV2`: how many messages are unread; `None` where the service does not tell.
    pub(crate) report: Vec<(ChannelSid, Option<u64>)>,
    /// Whether there was a `report` at all.
    pub(crate) has_report: bool,
}
