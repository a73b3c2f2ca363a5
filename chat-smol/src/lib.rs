#![doc = include_str!("../README.md")]

mod call;
mod calls;
mod client;
mod clock;
#[cfg(feature = "collation")]
mod collation;
mod driver;
mod error;
mod events;
mod keeper;
mod log;
mod media;
mod net;
mod objects;
mod options;
mod record;
mod saver;
mod shared;
mod spawn;
mod storage;
mod token;
mod transfers;

pub use call::CallFuture;
pub use client::Client;
#[cfg(feature = "collation")]
pub use collation::{Collation, CollationError};
pub use error::{BoxError, CreateError, Error, UrlError};
pub use events::{Events, StreamItem};
pub use log::LogLevel;
pub use media::Upload;
pub use net::tls::{config_with_roots as tls_config_with_roots, default_config as tls_config};
pub use net::{ByteStream, Proxy, ProxyError, Target, Transport};
pub use objects::{
    Bind, Channel, ChannelDescriptor, Media, Member, Message, PageItem, Pages, Paginator, User,
    UserDescriptor,
};
pub use options::Options;
pub use spawn::BoxedTask;
pub use storage::{FileStorage, Storage, StorageFuture};

/// The core, whose values events carry and objects deref to.
pub use chat_proto as proto;
#[doc(no_inline)]
pub use chat_proto::{
    CallDeadline, CallError, CallId, CallOptions, Cancel, ChannelReason, ChannelSid, ChannelSorting,
    ChannelStatus, ChannelType, Config, ConnectionError, ConnectionState, CreateChannel, Direction,
    Endpoints, Event, Fault, GetSubscribedChannels, HttpFailure, Identity, Json, Limits, MemberReason,
    MemberSid, MessageReason, Network, NotificationLevel, PendingMedia, PendingMessage, PushChannel,
    PushError, PushNotification, PushType, Reasons, ResumeError, Secret, SortingCriteria, SortingOrder,
    State, Stats, Timestamp, TokenWanted, UnreadCount, UserReason,
};
/// For `events.next().await`.
#[doc(no_inline)]
pub use futures_lite::StreamExt;
/// For [`Options::tls`].
pub use rustls;

#[cfg(test)]
mod tests;

/// Shared with the tests of the whole crate.
#[cfg(test)]
#[path = "../tests/support"]
mod support {
    pub(crate) mod certificates;
    pub(crate) mod duplex;
    pub(crate) mod peer;
}
