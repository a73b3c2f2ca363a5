#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bytes;
mod call;
mod chat;
mod client;
mod command;
mod config;
mod cx;
mod date;
mod error;
mod event;
pub mod frame;
mod http;
mod input;
mod json;
mod model;
mod name;
mod plain;
mod push;
mod record;
mod saved;
mod secret;
mod seed;
pub mod session;
mod small_map;
mod state;
mod stats;
mod sync;
mod text_map;
mod time;
mod timers;
mod twilsock;

pub use call::{
    Call, CallDeadline, CallId, CallOptions, Cancel, ChannelSorting, CreateChannel, Direction, GetMessages,
    GetSubscribedChannels, MemberRef, Refused, RefusedReason, SendMedia, SendMessage, SortingCriteria,
    SortingOrder,
};
pub use client::Client;
pub use command::{Command, FrameBytes};
pub use config::{Config, Endpoints, Limits, Metadata, ReadRetry, RetryPolicy};
pub use date::Timestamp;
pub use error::{CallError, ConnectionError, Fault, FrameError, Phase};
pub use event::{ConnectionState, Event, Reply, TokenWanted, UnreadCount};
pub use http::{HttpBody, HttpFailure, HttpId, HttpMethod, HttpReply, HttpRequest, MediaId};
pub use input::{Cause, Frame, Input, LinkId, Network};
pub use json::{Json, JsonError};
pub use model::{
    Channel, ChannelDescriptor, ChannelReason, ChannelSid, ChannelState, ChannelStateKind, ChannelStatus,
    ChannelType, Identity, LastMessage, MediaInfo, MediaSid, Member, MemberReason, MemberSid, MemberType,
    Message, MessageReason, MessageSid, MessageType, NotificationLevel, Page, PageRef, Reasons, RoleSid,
    User, UserDescriptor, UserInfoName, UserReason,
};
pub use name::NameText;
pub use push::{PushChannel, PushError, PushNotification, PushType, parse_push_notification};
pub use record::{FrameRecord, InputRecord, Record};
pub use saved::{ResumeError, Saved, SavedChanges};
pub use secret::{Claims, Secret, Token, TokenError};
pub use seed::Seed;
pub use state::{PendingMedia, PendingMessage, State};
pub use stats::Stats;
pub use time::{Deadline, Time, Why};
