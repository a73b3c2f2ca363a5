//! The things people talk about: plain values, each a snapshot that never changes under its holder.

mod channel;
mod member;
mod message;
mod page;
mod reasons;
mod sid;
mod user;

pub use channel::{
    Channel, ChannelDescriptor, ChannelState, ChannelStateKind, ChannelStatus, ChannelType, LastMessage,
    NotificationLevel,
};
pub use member::{Member, MemberType};
pub use message::{MediaInfo, Message, MessageType};
pub(crate) use page::PageSource;
pub use page::{Page, PageRef};
pub use reasons::{ChannelReason, MemberReason, MessageReason, Reasons, UserReason};
pub use sid::{ChannelSid, Identity, MediaSid, MemberSid, MessageSid, RoleSid, UserInfoName};
pub use user::{User, UserDescriptor};
