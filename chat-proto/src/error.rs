//! What can go wrong: answers to calls, troubles of the connection, and input that should not have come.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use crate::http::HttpFailure;
use crate::model::{ChannelSid, MemberType};
use crate::push::PushError;

/// Why a call failed. `status` and `code` are numbers of the service; the texts beside them are the service's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CallError {
    /// The service executed the session command and refused it (spec 03 §20).
    #[error("{message} (code {code})")]
    Session {
        /// `response.status`: 403 not allowed, 404 no such thing, 409 it exists already, …
        code: i64,
        /// `response.statusText`.
        message: Box<str>,
    },
    /// A Sync object could not be read or written.
    #[error("{message} (status {status}, code {code})")]
    Sync {
        /// HTTP status.
        status: u16,
        /// The service's error code, such as 54300; 0 where it gave none.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// The Chat REST service refused.
    #[error("{message} (status {status}, code {code})")]
    Rest {
        /// HTTP status.
        status: u16,
        /// The service's error code; 0 where it gave none.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// The media service refused (spec 03 §18).
    #[error("{message} (status {status}, code {code})")]
    Media {
        /// HTTP status.
        status: u16,
        /// The service's error code; 0 where it gave none.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// The media could not be transferred.
    #[error(transparent)]
    Transfer(HttpFailure),
    /// The service has no media service, or none was told of.
    #[error("there is no media service")]
    NoMediaService,
    /// The push registrar refused (spec 01 §5.3).
    #[error("{message} (status {status}, code {code})")]
    Registrar {
        /// HTTP status.
        status: u16,
        /// The service's error code; 0 where it gave none.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// The payload is no push notification of Programmable Chat.
    #[error(transparent)]
    Push(PushError),
    /// The transport refused to carry the request (spec 01 §2.10).
    #[error("refused by the transport: {status} {message} (code {code})")]
    Transport {
        /// Status of the Twilsock reply.
        status: u16,
        /// The service's error code; 0 where it gave none.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// An argument cannot be right. Nothing was sent (spec 03 §19).
    #[error("{argument}: {problem}")]
    InvalidArgument {
        /// Which.
        argument: Cow<'static, str>,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// The channel is not known to this client.
    #[error("channel {0} is not known")]
    UnknownChannel(ChannelSid),
    /// No such member in the channel.
    #[error("there is no such member: {0}")]
    UnknownMember(Box<str>),
    /// The message with this index is not among those that this client holds.
    #[error("message {0} is not known: fetch it first")]
    UnknownMessage(u64),
    /// The user of this identity is not subscribed.
    #[error("user {0} is not subscribed")]
    NotSubscribed(Box<str>),
    /// Members who are not users of the service have no user.
    #[error("a member of type {0:?} has no user")]
    NotAUser(MemberType),
    /// The service answered something that cannot be read.
    #[error("the answer of the service cannot be read: {0}")]
    BadAnswer(Box<str>),
    /// The access token was refused: see [`Event::TokenWanted`](crate::Event::TokenWanted).
    #[error("the access token was refused: {message} (status {status}, code {code})")]
    TokenRejected {
        /// Status of the Twilsock reply.
        status: u16,
        /// The service's error code, such as 20104 for an expired token; 0 where it gave none.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// The deadline passed. The request had not been sent, or changes nothing.
    #[error("not answered in time ({0})")]
    DeadlineExceeded(Phase),
    /// Whether the service executed the request cannot be known: the deadline passed while it was under way, or the
    /// session that held it is gone.
    #[error("whether it was executed is not known ({0})")]
    Unknown(Phase),
    /// [`Client::cancel`](crate::Client::cancel) withdrew it. Nothing was changed.
    #[error("cancelled")]
    Cancelled,
    /// The client was shut down before it could be done.
    #[error("the client was shut down")]
    ShutDown,
}

/// How far a call had come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error, Serialize, Deserialize,
)]
#[non_exhaustive]
pub enum Phase {
    /// The client was not connected, or not ready.
    #[error("waiting for the connection")]
    Offline,
    /// Something before it had to come first.
    #[error("waiting its turn")]
    Queued,
    /// Its request was sent.
    #[error("waiting for the answer")]
    Sent,
}

/// A trouble of the connection (spec 01 §3.10).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
#[non_exhaustive]
pub struct ConnectionError {
    /// Whether the client gives up until the app does something (a new token).
    pub terminal: bool,
    /// What happened.
    pub message: Box<str>,
    /// Status of the refusal, if it was one.
    pub http_status: Option<u16>,
    /// The service's error code.
    pub error_code: Option<i64>,
}

/// Input that should not have come. The session goes on; the numbers are in [`Stats`](crate::Stats).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fault {
    /// A frame could not be decoded. It was dropped without acknowledgement.
    #[error("malformed frame: {0}")]
    MalformedFrame(FrameError),
    /// A text message came, of so many bytes, where only binary ones are defined (spec 01 §1.1).
    #[error("a text message of {0} bytes came")]
    TextMessage(usize),
    /// A method that this version does not know. It was acknowledged and ignored.
    #[error("unknown method {0:?}")]
    UnknownMethod(Box<str>),
    /// A notification or an answer whose content cannot be read.
    #[error("unreadable {what}: {problem}")]
    Unreadable {
        /// What it was.
        what: Cow<'static, str>,
        /// What is wrong with it.
        problem: Box<str>,
    },
    /// The service refuses to tell of an object.
    #[error("no events of {object}: {message} (status {status}, code {code})")]
    SubscriptionRefused {
        /// The object: its unique name, or its SID.
        object: Box<str>,
        /// HTTP status.
        status: u16,
        /// The service's error code.
        code: i64,
        /// The service's text.
        message: Box<str>,
    },
    /// Something that the client needs could not be read, after all retries.
    #[error("{what} could not be read: {error}")]
    NotLoaded {
        /// What it was.
        what: Cow<'static, str>,
        /// Why.
        error: Box<CallError>,
    },
}

/// Why a Twilsock frame cannot be decoded (spec 01 §1.5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FrameError {
    /// The first line does not begin with `TWILSOCK V3.0`.
    #[error("the first line is not that of a Twilsock V3.0 frame")]
    BadMagic,
    /// The first line does not end with a plausible size.
    #[error("the header size cannot be read")]
    BadSize,
    /// The frame is longer than [`Limits::frame_bytes`](crate::Limits::frame_bytes), or says that it would be.
    #[error("{size} bytes are more than the limit of {limit}")]
    TooLarge {
        /// What the frame has, or claims.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The header is cut off.
    #[error("the header is cut off: {missing} bytes are missing")]
    HeaderCut {
        /// How many bytes are missing.
        missing: u64,
    },
    /// The payload is cut off.
    #[error("the payload is cut off: {missing} bytes are missing")]
    PayloadCut {
        /// How many bytes are missing.
        missing: u64,
    },
    /// The header is not UTF-8, not JSON, nested too deeply, or lacks what every header has.
    #[error("the header cannot be read: {0}")]
    BadHeader(Box<str>),
}
