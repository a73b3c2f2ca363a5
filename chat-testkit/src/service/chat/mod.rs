//! Chat: users, channels and sessions over Sync objects (spec 03).

pub(crate) mod channels;
pub(crate) mod commands;
pub(crate) mod messages;
pub(crate) mod rest;
pub(crate) mod session;
pub(crate) mod typing;
pub(crate) mod users;

use std::collections::BTreeMap;

use crate::service::media::Media;
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
    /// Unique names and the SIDs of their channels.
    pub(crate) channel_names: BTreeMap<String, String>,
    /// SIDs in the order in which they came: the order of the directory.
    pub(crate) channel_order: Vec<String>,
    /// By the SID of their list.
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) media: Media,
}

impl Chat {
    /// A channel by SID or unique name.
    pub(crate) fn find_channel(&self, id: &str) -> Option<&Channel> {
        let sid = self.channel_names.get(id).map_or(id, String::as_str);
        self.channels.get(sid)
    }

    /// Gives a channel another unique name, or none; the caller has seen to it that it is free.
    pub(crate) fn rename_channel(&mut self, sid: &str, name: Option<&str>) {
        let Some(channel) = self.channels.get_mut(sid) else { return };
        if let Some(old) = channel.unique_name.take() {
            self.channel_names.remove(&old);
        }
        if let Some(name) = name {
            self.channel_names.insert(name.to_owned(), sid.to_owned());
            channel.unique_name = Some(name.to_owned());
        }
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
