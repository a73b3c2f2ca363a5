//! What the core tells the app.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::CallId;
use crate::error::{CallError, ConnectionError, Fault};
use crate::json::Json;
use crate::model::{
    Channel, ChannelDescriptor, ChannelReason, Member, MemberReason, Message, MessageReason, Page, Reasons,
    User, UserDescriptor, UserReason,
};
use crate::push::PushNotification;
use crate::secret::Secret;

/// Something that the app should know. Each carries the object as it was at that moment; the newest is in
/// [`Client::state`](crate::Client::state).
///
/// An app that knows nothing but its events, from the state at its start on, ends with that state, if it also keeps the
/// pages and members that its calls are answered with:
///
/// - A channel is added before anything else is said of it. It is joined, invited and left in turns: nothing that it
///   already is is told again. An update that comes with such a change comes before it, and shows the new status.
/// - A member joins once and leaves once; whoever joins again is another member. Those who were there before the own user
///   are not told: [`Call::GetMembers`](crate::Call::GetMembers) shows them, and after its answer nobody comes or goes
///   untold. Before it, and after an outage, an update or the end of a membership may be the first that is heard of one.
/// - A message is added once, also when a page showed it before; it is updated and removed only after it was told, shown,
///   or asked for by its index.
/// - A person is subscribed and unsubscribed in turns; what is updated before is the first value of who is subscribed next.
/// - What the service lost shows with what it sends next: the last event of an object, if it never came, at the object's
///   next event or query, at a new connection, or when its subscription runs out.
/// - What came to be and passed during an outage is not told: the last state wins. Nothing is told of the members and
///   messages of a channel after it was left, until it is joined again: what the app knew of them may be forgotten then.
/// - After a resume, the events that the app had not taken at the save are told first; the state has them already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// A call is answered: once for each accepted call.
    Answer {
        /// Which call.
        call: CallId,
        /// How it ended.
        result: Result<Reply, CallError>,
    },

    // ---- connection and token
    /// The client knows who it is and can be used: its session is there (spec 03 §3.3). Its channels are told from now on.
    /// Once in a client's life.
    Ready,
    /// The connection's state changed (spec 03 §16).
    ConnectionStateChanged(ConnectionState),
    /// Something went wrong with the connection (spec 01 §3.10).
    ConnectionError(ConnectionError),
    /// The service says that the access token is about to expire: minutes before, as a rule (spec 01 §4.1).
    TokenAboutToExpire,
    /// The access token has expired (spec 01 §4.1).
    TokenExpired,
    /// A new access token is needed: answer with [`Call::UpdateToken`](crate::Call::UpdateToken). Asked once; the next
    /// time only after a token came.
    TokenWanted {
        /// Why it is needed.
        reason: TokenWanted,
    },
    /// Keep this (it is a secret) and give it to the next client as
    /// [`Config::continuation_token`](crate::Config::continuation_token).
    ContinuationToken(Secret),

    // ---- channels
    /// A channel became known. The order of these events is that of spec 03 §7.6.
    ChannelAdded(Arc<Channel>),
    /// The own user was invited.
    ChannelInvited(Arc<Channel>),
    /// The own user became a member.
    ChannelJoined(Arc<Channel>),
    /// The own user is no longer a member, or no longer invited.
    ChannelLeft(Arc<Channel>),
    /// The channel was destroyed, or is private and was left.
    ChannelRemoved(Arc<Channel>),
    /// Something about a channel changed (spec 03 §8.1).
    ChannelUpdated {
        /// The channel after the change.
        channel: Arc<Channel>,
        /// What changed.
        reasons: Reasons<ChannelReason>,
    },

    // ---- members
    /// Somebody became a member of a channel of which the own user is a member.
    MemberJoined(Arc<Member>),
    /// Somebody left, as it was before.
    MemberLeft(Arc<Member>),
    /// Something about a member changed (spec 03 §8.3).
    MemberUpdated {
        /// The member after the change.
        member: Arc<Member>,
        /// What changed.
        reasons: Reasons<MemberReason>,
    },
    /// A member types: told each time that the service says it, every few seconds (spec 03 §12.2).
    TypingStarted(Arc<Member>),
    /// A member types no more: it said something, or was not heard of for some seconds (spec 03 §12.3).
    TypingEnded(Arc<Member>),

    // ---- messages
    /// A message came, as it is by now: each once, in the order of their indexes.
    MessageAdded(Arc<Message>),
    /// A message was deleted, as it was before.
    MessageRemoved(Arc<Message>),
    /// Something about a message changed (spec 03 §8.2): one that was added, that was there at the start, or that an answer
    /// showed or a call named.
    MessageUpdated {
        /// The message after the change.
        message: Arc<Message>,
        /// What changed.
        reasons: Reasons<MessageReason>,
    },

    // ---- users
    /// Changes of this person arrive from now on.
    UserSubscribed(Arc<User>),
    /// Changes of this person arrive no more: the app gave it up, or too many others were subscribed (spec 03 §11.2).
    UserUnsubscribed(Arc<User>),
    /// Something about a person changed (spec 03 §8.4).
    UserUpdated {
        /// The person after the change.
        user: Arc<User>,
        /// What changed.
        reasons: Reasons<UserReason>,
    },

    // ---- media and push
    /// Bytes of a call's media were sent, so many in all. An upload that is repeated begins again. Not told while too many
    /// events wait.
    UploadProgress {
        /// The [`Call::SendMedia`](crate::Call::SendMedia).
        call: CallId,
        /// Bytes of the body.
        sent: u64,
    },
    /// Bytes of media came, so many in all. Not told while too many events wait.
    DownloadProgress {
        /// The [`Call::DownloadMedia`](crate::Call::DownloadMedia).
        call: CallId,
        /// Bytes so far.
        received: u64,
        /// Bytes of the whole, as the service says.
        size: u64,
    },
    /// A push notification was handed in with [`Call::HandlePushNotification`](crate::Call::HandlePushNotification).
    PushNotification(PushNotification),

    /// Something came that should not have; the session goes on.
    Fault(Fault),
}

/// What a call gives on success; the comments of [`Call`](crate::Call) say which call gives which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reply {
    /// It is done.
    Done,
    /// A channel.
    Channel(Arc<Channel>),
    /// Channels.
    Channels(Vec<Arc<Channel>>),
    /// A page of channels.
    ChannelPage(Page<Arc<Channel>>),
    /// A page of a channel directory.
    ChannelDescriptors(Page<ChannelDescriptor>),
    /// A member.
    Member(Arc<Member>),
    /// Members.
    Members(Vec<Arc<Member>>),
    /// A message.
    Message(Arc<Message>),
    /// A page of messages, always with rising indexes.
    MessagePage(Page<Arc<Message>>),
    /// The index of the message that was sent; `None` where the service did not tell.
    MessageIndex(Option<u64>),
    /// A user.
    User(Arc<User>),
    /// Users.
    Users(Vec<Arc<User>>),
    /// A person as the directory lists it.
    UserDescriptor(Box<UserDescriptor>),
    /// A page of a user directory.
    UserDescriptors(Page<UserDescriptor>),
    /// A count.
    Count(u64),
    /// A count of unread messages.
    UnreadCount(UnreadCount),
    /// Attributes.
    Attributes(Json),
    /// The temporary address of media. Whoever has it can fetch them.
    MediaUrl(Secret),
}

/// How many messages are unread. The service does not know it before the read horizon was set once (spec 03 §13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnreadCount {
    /// The service does not tell.
    Unknown,
    /// This many.
    Known(u64),
}

/// How the connection stands (spec 03 §16).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ConnectionState {
    /// On the way to `Connected`, for the first time or again.
    #[default]
    Connecting,
    /// Connected, and events arrive.
    Connected,
    /// On the way to `Disconnected`.
    Disconnecting,
    /// Not connected, and nothing happens until a call changes that.
    Disconnected,
    /// The service refused the access token: another one is needed.
    Denied,
}

/// Why a new access token is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TokenWanted {
    /// The one in use is about to expire.
    Expiring,
    /// The one in use has expired.
    Expired,
    /// The service refused the one in use.
    Rejected,
}
