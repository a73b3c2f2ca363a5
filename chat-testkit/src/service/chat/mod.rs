//! Chat: users, channels and sessions over Sync objects (spec 03).

pub(crate) mod channels;
pub(crate) mod commands;
pub(crate) mod messages;
pub(crate) mod rest;
pub(crate) mod session;
pub(crate) mod typing;
pub(crate) mod users;

use std::collections::BTreeMap;

pub(crate) use channels::Channel;
pub(crate) use commands::{Actor, execute};
pub(crate) use session::Session;
pub(crate) use users::User;

/// What the service made itself carries this as its maker.
pub(crate) const SYSTEM: &str = "system";

/// Everything that Chat knows beside its Sync objects.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    /// By identity.
    pub(crate) users: BTreeMap<String, User>,
    /// Identities in the order in which they came.
    pub(crate) user_order: Vec<String>,
    /// By SID.
    pub(crate) channels: BTreeMap<String, Channel>,
    /// SIDs in the order in which they came: the order of the directory.
    pub(crate) channel_order: Vec<String>,
    /// By the SID of their list.
    pub(crate) sessions: BTreeMap<String, Session>,
}

impl Chat {
    /// A channel by SID or unique name.
    pub(crate) fn find_channel(&self, id: &str) -> Option<&Channel> {
        self.channels
            .get(id)
            .or_else(|| self.channels.values().find(|channel| channel.unique_name.as_deref() == Some(id)))
    }

    /// All channels, oldest first.
    pub(crate) fn channels_in_order(&self) -> impl Iterator<Item = &Channel> {
        self.channel_order.iter().filter_map(|sid| self.channels.get(sid))
    }

    /// All users, oldest first.
    pub(crate) fn users_in_order(&self) -> impl Iterator<Item = &User> {
        self.user_order.iter().filter_map(|identity| self.users.get(identity))
    }
}
