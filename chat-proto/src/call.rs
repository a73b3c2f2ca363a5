//! What the app asks of the core: one value for each method of the API.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::http::MediaId;
use crate::json::Json;
use crate::model::{ChannelSid, Identity, MediaSid, MemberSid, NotificationLevel, PageRef};
use crate::push::PushChannel;
use crate::secret::{Secret, Token};
use crate::time::Time;

/// Names an accepted call; its answer carries the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub(crate) u64);

impl CallId {
    /// The number, counted from 1 within one client.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}", self.0)
    }
}

/// What the app asks for. Each accepted call is answered exactly once, by [`Event::Answer`](crate::Event::Answer).
///
/// The comment of each variant names the [`Reply`](crate::Reply) of its success. Any call may fail with
/// [`CallError`](crate::CallError): of all of them `DeadlineExceeded`, `Unknown`, `Cancelled`, `ShutDown`, `TokenRejected`
/// and `Transport`; of those that change something `Session`, with the service's status; of those that read `Rest` and
/// `Sync`; those that name a channel, a member, a message or a person fail with `UnknownChannel` and its like. What cannot
/// be right is `InvalidArgument`, and then nothing was sent (spec 03 §19). Attributes are JSON objects; the service
/// limits their length and that of texts, and says so with `Session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Call {
    // ---- client (spec 04 §1.2)
    /// Creates a channel → [`Reply::Channel`](crate::Reply::Channel). The creator is not a member yet (spec 03 §7.7).
    CreateChannel(CreateChannel),
    /// Finds a channel among the own ones, else in the directory → `Channel` (spec 03 §7.7).
    GetChannelBySid(ChannelSid),
    /// Finds a channel in the directory by its unique name → `Channel` (spec 03 §7.7).
    GetChannelByUniqueName(Box<str>),
    /// The channels that this client knows, whatever the status → `Channels`: without asking the service, in the order of
    /// being known unless sorted (spec 03 §15).
    GetLocalChannels(Option<ChannelSorting>),
    /// A page of the own channels, joined and invited → `ChannelPage`.
    GetSubscribedChannels(GetSubscribedChannels),
    /// The first page of the directory of public channels → `ChannelDescriptors`. Answers may be as old as
    /// [`Config::http_cache_interval`](crate::Config::http_cache_interval), as those of all directories (spec 03 §5.1).
    GetPublicChannelDescriptors,
    /// The first page of the directory of own channels → `ChannelDescriptors`.
    GetUserChannelDescriptors,
    /// Subscribes to a person → `User`. Those subscribed first give way when there are more than
    /// [`Config::user_infos_to_subscribe`](crate::Config::user_infos_to_subscribe) (spec 03 §11.2).
    GetUser(Identity),
    /// The own user and the subscribed ones → `Users`, the own first, the others in the order of subscribing.
    GetSubscribedUsers,
    /// A person as the directory lists it → `UserDescriptor`. Subscribes to nothing.
    GetUserDescriptor(Identity),
    /// The page that a [`PageRef`] leads to → the same kind as the page it came with.
    NextPage(PageRef),
    /// Puts another access token in use → `Done`, once the service has taken it, be it with another connection. It must
    /// name the same person; one that is refused leaves the old one in use (spec 01 §4.2, spec 03 §16).
    UpdateToken(Token),
    /// Ends the client → `Done`, once its socket is closed. Pending calls may go on until `drain_until`; then each is
    /// answered. It is accepted whatever [`Limits::pending_calls`](crate::Limits::pending_calls) says.
    Shutdown {
        /// Until when pending calls may go on; `None` ends them now.
        drain_until: Option<Time>,
    },

    // ---- channel (spec 04 §2.1)
    /// Joins → `Channel`. [`Event::ChannelJoined`](crate::Event::ChannelJoined) tells of it too.
    Join(ChannelSid),
    /// Leaves → `Channel`. Sends nothing when the own user is not a member.
    Leave(ChannelSid),
    /// Refuses an invitation → `Channel`. See [`Event::ChannelLeft`](crate::Event::ChannelLeft).
    Decline(ChannelSid),
    /// Destroys the channel → `Channel`, as it was.
    DeleteChannel(ChannelSid),
    /// Invites a person, by identity → `Done`.
    Invite(ChannelSid, Identity),
    /// Adds a person as a member, by identity → `Done`.
    Add(ChannelSid, Identity),
    /// Removes a member → `Done`.
    RemoveMember(ChannelSid, MemberRef),
    /// Sends a message → `MessageIndex`. Messages of one channel leave in the order of their calls, one at a time. What a
    /// cut connection leaves open is looked up before it is sent again: it stands in the channel once (spec 03 §3.5).
    SendMessage(SendMessage),
    /// Uploads media, then sends a message with them → `MessageIndex`. A text that is sent meanwhile comes before it. It
    /// can be cancelled until the message leaves. An upload of unknown fate is repeated: media without a message are seen by
    /// nobody. See [`Event::UploadProgress`](crate::Event::UploadProgress).
    SendMedia(SendMedia),
    /// Tells the others that the own user types → `Done`. Sends nothing when it did within
    /// [`Config::typing_timeout`](crate::Config::typing_timeout) (spec 03 §12.1).
    Typing(ChannelSid),
    /// A page of messages → `MessagePage`, with rising indexes whichever way was read (spec 03 §9.2).
    GetMessages(GetMessages),
    /// The members → `Members`, in the order in which they were seen (spec 03 §10).
    GetMembers(ChannelSid),
    /// One member → `Member`.
    GetMember(ChannelSid, MemberRef),
    /// How many members the directory counts → `Count`. It lags behind (spec 03 §14).
    GetMembersCount(ChannelSid),
    /// How many messages the directory counts → `Count`. It lags behind (spec 03 §14).
    GetMessagesCount(ChannelSid),
    /// How many messages are newer than the own read horizon → `UnreadCount` (spec 03 §14).
    GetUnconsumedMessagesCount(ChannelSid),
    /// The users of a channel, first page → `UserDescriptors`.
    GetUserDescriptors(ChannelSid),
    /// The attributes, once the channel's document is loaded → `Attributes`.
    GetAttributes(ChannelSid),
    /// Replaces the attributes → `Channel`.
    UpdateChannelAttributes(ChannelSid, Json),
    /// Changes the name for people; `None` takes it away → `Channel`. Sends nothing when it is the same.
    UpdateFriendlyName(ChannelSid, Option<Box<str>>),
    /// Changes the name for programs; `None` takes it away → `Channel`. Sends nothing when it is the same.
    UpdateUniqueName(ChannelSid, Option<Box<str>>),
    /// Sets how loudly the own user wants to be told → `Done`.
    SetUserNotificationLevel(ChannelSid, NotificationLevel),
    /// Moves the own read horizon to this index, which then counts as read, also backwards; `None` is "nothing read" →
    /// `UnreadCount`. Horizons are reported together, every
    /// [`Config::consumption_report_interval`](crate::Config::consumption_report_interval), and calls for the same channel
    /// get the same answer (spec 03 §13).
    UpdateLastConsumedMessageIndex(ChannelSid, Option<u64>),
    /// Moves the own read horizon to this index, forward only → `UnreadCount`.
    AdvanceLastConsumedMessageIndex(ChannelSid, u64),
    /// Moves the own read horizon to the newest message → `UnreadCount`.
    SetAllMessagesConsumed(ChannelSid),
    /// Takes the own read horizon back: nothing is read → `UnreadCount`.
    SetNoMessagesConsumed(ChannelSid),

    // ---- member (spec 04 §4)
    /// Subscribes to the person behind a member → `User`. Only members of type `chat` have one (spec 03 §10).
    GetMemberUser(ChannelSid, MemberSid),
    /// The person behind a member as the directory lists it → `UserDescriptor`. Only members of type `chat` have one.
    GetMemberUserDescriptor(ChannelSid, MemberSid),
    /// Replaces a member's attributes → `Member`.
    UpdateMemberAttributes(ChannelSid, MemberSid, Json),

    // ---- message (spec 04 §5)
    /// Changes the text of the message with this index → `Message`. One that the read model does not hold is read first:
    /// then the answer is that copy with the change, and an error of the reading means that nothing was changed. The same
    /// holds for the attributes and for the deletion.
    UpdateMessageBody(ChannelSid, u64, Box<str>),
    /// Replaces the attributes of the message with this index → `Message`.
    UpdateMessageAttributes(ChannelSid, u64, Json),
    /// Deletes the message with this index → `Message`, as it was.
    RemoveMessage(ChannelSid, u64),
    /// The member who sent the message with this index → `Member`: by membership, else by author (spec 03 §9.3).
    GetMessageMember(ChannelSid, u64),

    // ---- media (spec 03 §18)
    /// A temporary address of media, good for some minutes → [`Reply::MediaUrl`](crate::Reply::MediaUrl).
    GetMediaUrl(MediaSid),
    /// Fetches media into a place of the host's → `Done`. See
    /// [`Event::DownloadProgress`](crate::Event::DownloadProgress). What broke after bytes had come is not repeated: what
    /// stands in that place cannot be taken back.
    DownloadMedia {
        /// Which.
        media: MediaSid,
        /// Where to.
        to: MediaId,
    },

    // ---- push (spec 03 §17)
    /// Has this device told of what happens while no client of it is connected → `Done`, when the service has noted it. A
    /// new access token registers it again. A later call for the same channel takes the place of one that is not answered
    /// yet; both are answered when the later one is done.
    SetPushRegistrationId(PushChannel, Secret),
    /// Ends that → `Done`, when the service has noted it. Sends nothing when there is no registration.
    UnsetPushRegistrationId(PushChannel),
    /// Reads a push notification as the device got it → `Done`, after
    /// [`Event::PushNotification`](crate::Event::PushNotification). Fails with
    /// [`CallError::Push`](crate::CallError::Push) (spec 03 §17.2).
    HandlePushNotification(Json),

    // ---- user (spec 04 §6)
    /// Gives up the subscription to a person → `Done`. The own user is subscribed again at once (spec 03 §11.2).
    UnsubscribeUser(Identity),
    /// Replaces a subscribed person's attributes → `User`.
    UpdateUserAttributes(Identity, Json),
    /// Changes a subscribed person's name for people; `None` takes it away → `User`.
    UpdateUserFriendlyName(Identity, Option<Box<str>>),
}

/// Options of [`Call::CreateChannel`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateChannel {
    /// The name for people.
    pub friendly_name: Option<Box<str>>,
    /// The name for programs: unique within the service.
    pub unique_name: Option<Box<str>>,
    /// Whether only invited people may join.
    pub is_private: bool,
    /// Whatever the app keeps there: an object.
    pub attributes: Json,
}

/// Options of [`Call::GetSubscribedChannels`] (spec 04 §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetSubscribedChannels {
    /// How many on a page: 50; at least 1. The service caps it at 100.
    pub page_size: u32,
    /// Which way to read the list. What it is ordered by is the service's: the channels' SIDs.
    pub order: SortingOrder,
}

impl Default for GetSubscribedChannels {
    fn default() -> Self {
        Self { page_size: 50, order: SortingOrder::Ascending }
    }
}

/// Arguments of [`Call::SendMessage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessage {
    /// Where to.
    pub channel: ChannelSid,
    /// The text. `None` is allowed: a message of attributes alone.
    pub body: Option<Box<str>>,
    /// Whatever the app keeps there: an object.
    pub attributes: Json,
}

/// Arguments of [`Call::SendMedia`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMedia {
    /// Where to.
    pub channel: ChannelSid,
    /// The bytes, which the host keeps until the call is answered.
    pub media: MediaId,
    /// Their media type, such as `image/png`.
    pub content_type: Box<str>,
    /// A file name for the others to see.
    pub filename: Option<Box<str>>,
    /// Whatever the app keeps there: an object.
    pub attributes: Json,
}

/// Arguments of [`Call::GetMessages`] (spec 03 §9.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetMessages {
    /// From where.
    pub channel: ChannelSid,
    /// How many on a page; at least 1. The service caps it at 100.
    pub page_size: u32,
    /// The index to start at, inclusive. `None` is the newest message backwards, the oldest forwards.
    pub anchor: Option<u64>,
    /// Which way.
    pub direction: Direction,
}

impl GetMessages {
    /// The newest 30 messages of `channel`.
    pub fn newest(channel: ChannelSid) -> Self {
        Self { channel, page_size: 30, anchor: None, direction: Direction::Backwards }
    }
}

/// Which way to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Towards older messages.
    #[default]
    Backwards,
    /// Towards newer ones.
    Forward,
}

/// How to sort the local channels (spec 03 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSorting {
    /// By what.
    pub criteria: SortingCriteria,
    /// Which way. Channels without the key come last either way.
    pub order: SortingOrder,
}

/// By what to sort channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SortingCriteria {
    /// By the time of the newest message.
    LastMessage,
    /// By the name for people, by code point.
    FriendlyName,
    /// By the name for programs, by code point.
    UniqueName,
}

/// Which way to sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SortingOrder {
    /// Smallest, or oldest, first.
    #[default]
    Ascending,
    /// Greatest, or newest, first.
    Descending,
}

/// Names a member in one of the two ways that the wire knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberRef {
    /// By membership.
    Sid(MemberSid),
    /// By person.
    Identity(Identity),
}

/// What goes with a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOptions {
    /// When to give up.
    pub deadline: CallDeadline,
}

/// When a call gives up. It is then answered with
/// [`CallError::DeadlineExceeded`](crate::CallError::DeadlineExceeded), or with
/// [`CallError::Unknown`](crate::CallError::Unknown) if its request may have been executed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CallDeadline {
    /// After [`Config::call_timeout`](crate::Config::call_timeout) of being connected; never while offline. Of a transfer
    /// of media it counts from the last byte that moved. [`Call::UpdateToken`] has
    /// [`Config::reply_timeout`](crate::Config::reply_timeout) more: a service that does not answer costs the connection,
    /// and the next one decides about the token. A change whose fate is being looked up when the time is over (the service
    /// said 503, or the link was cut) has [`Config::late_execution`](crate::Config::late_execution) and `reply_timeout`
    /// more, once: then it was found, or could be sent again.
    #[default]
    WhileConnected,
    /// After this long from the call on, connected or not.
    After(Duration),
    /// Never.
    Never,
}

/// A call that was not accepted, handed back with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {reason}")]
#[non_exhaustive]
pub struct Refused {
    /// The call, unharmed.
    pub call: Box<Call>,
    /// Why.
    pub reason: RefusedReason,
}

/// Why a call was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RefusedReason {
    /// [`Limits::pending_calls`](crate::Limits::pending_calls) calls wait for their answers.
    #[error("too many calls are pending")]
    TooManyCalls,
    /// The client was shut down.
    #[error("the client is shut down")]
    ShutDown,
}

/// What became of [`Client::cancel`](crate::Client::cancel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// The call is answered with [`CallError::Cancelled`](crate::CallError::Cancelled); nothing was or will be changed
    /// by it.
    Cancelled,
    /// Its request is on the way, or it was answered before: it goes on, and is answered as if nobody had asked.
    TooLate,
}
