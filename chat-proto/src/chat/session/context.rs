//! The context of the session list: what the service tells of this client (spec 03 §3.2).

use alloc::boxed::Box;
use core::time::Duration;

use crate::model::Identity;

/// A complete context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionContext {
    /// Who we are.
    pub(crate) identity: Identity,
    /// Name of the own user's map.
    pub(crate) user_info: Box<str>,
    /// Name of the own channels map.
    pub(crate) my_channels: Box<str>,
    /// Whether the service tells who is online.
    pub(crate) reachability_enabled: Option<bool>,
    /// `None` where it is absent or malformed: the default counts.
    pub(crate) consumption_report_interval: Option<Duration>,
    /// `None` where it is absent or malformed: the default counts.
    pub(crate) http_cache_interval: Option<Duration>,
    /// `None` where it is absent, zero or malformed: the default counts.
    pub(crate) user_infos_to_subscribe: Option<u32>,
    pub(crate) links: Links,
}

/// Paths of Chat REST, each beginning with `/`, to be appended to [`Config::chat_base`](crate::Config::chat_base).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    /// The directory of public channels.
    pub(crate) public_channels: Box<str>,
    /// The directory of own channels.
    pub(crate) my_channels: Box<str>,
    /// The own channels at startup.
    pub(crate) sync_list: Box<str>,
    pub(crate) users: Box<str>,
    /// Not used by the reference client, which has a path of its own (spec 03 §22 Q4).
    pub(crate) typing: Option<Box<str>>,
    /// To be appended to the host of media.
    pub(crate) media_service: Option<Box<str>>,
}
