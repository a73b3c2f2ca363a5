//! The read model: everything a client knows, as values.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::CallId;
use crate::event::ConnectionState;
use crate::http::MediaId;
use crate::json::Json;
use crate::model::{Channel, ChannelSid, Identity, MediaSid, Member, MemberSid, Message, User};
use crate::small_map::SmallMap;
use crate::text_map::TextMap;

/// The newest of everything. What it gives out are snapshots: they do not change afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) connection: ConnectionState,
    pub(crate) ready: bool,
    pub(crate) reachability_enabled: Option<bool>,
    pub(crate) identity: Option<Identity>,
    pub(crate) users: BTreeMap<Identity, Arc<User>>,
    pub(crate) channels: TextMap<ChannelSid, ChannelEntry>,
    pub(crate) next_order: u64,
    /// Of each channel what the app sends and the service does not show yet.
    pub(crate) pending: BTreeMap<ChannelSid, BTreeMap<CallId, Arc<PendingMessage>>>,
}

/// A message of the app's that is on its way: what [`Call::SendMessage`](crate::Call::SendMessage) or
/// [`Call::SendMedia`](crate::Call::SendMedia) asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingMessage {
    /// The call that sends it.
    pub call: CallId,
    /// Where to.
    pub channel: ChannelSid,
    /// The text.
    pub body: Option<Arc<str>>,
    /// The attributes.
    pub attributes: Json,
    /// The media, if it is a message of media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<PendingMedia>,
}

/// Media that are on their way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingMedia {
    /// The bytes, by the name that the app gave them.
    pub media: MediaId,
    /// Their media type.
    pub content_type: Arc<str>,
    /// The file name.
    pub filename: Option<Arc<str>>,
    /// What the service calls them; `None` until they are uploaded.
    pub sid: Option<MediaSid>,
}

/// The members of a channel, with their places in the order of being seen.
pub(crate) type Members = SmallMap<MemberSid, (u64, Arc<Member>)>;

/// One channel with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelEntry {
    /// Its place in the order of being known.
    pub(crate) order: u64,
    pub(crate) channel: Arc<Channel>,
    pub(crate) members: Members,
    pub(crate) messages: SmallMap<u64, Arc<Message>>,
}

impl State {
    /// How the connection stands.
    pub fn connection(&self) -> ConnectionState {
        self.connection
    }

    /// Whether the client knows who it is: [`Event::Ready`](crate::Event::Ready) was told.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Who the own user is; `None` before the client is ready.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether the service tells who is online; `None` before the client is ready.
    pub fn reachability_enabled(&self) -> Option<bool> {
        self.reachability_enabled
    }

    /// The own user; `None` until it was read.
    pub fn user(&self) -> Option<&Arc<User>> {
        self.users.get(self.identity.as_ref()?)
    }

    /// Subscribed people, the own user among them, by identity.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// A channel, if it is known.
    pub fn channel(&self, sid: &ChannelSid) -> Option<&Arc<Channel>> {
        self.channels.get(sid).map(|entry| &entry.channel)
    }

    /// Known channels, in the order of being known.
    pub fn channels(&self) -> Vec<&Arc<Channel>> {
        let mut entries: Vec<_> = self.channels.values().collect();
        entries.sort_by_key(|entry| entry.order);
        entries.into_iter().map(|entry| &entry.channel).collect()
    }

    /// Members of a channel as far as known, in the order of being seen; none of an unknown channel.
    pub fn members(&self, sid: &ChannelSid) -> Vec<&Arc<Member>> {
        let mut members: Vec<_> =
            self.channels.get(sid).into_iter().flat_map(|entry| entry.members.values()).collect();
        members.sort_by_key(|(order, _)| *order);
        members.into_iter().map(|(_, member)| member).collect()
    }

    /// Messages that the app sends to a channel and that do not stand among its messages yet, in the order of sending.
    /// One goes when the service's copy comes, or when its call fails. It stands here from the call on, connected or
    /// not, and also before the channel is known.
    pub fn pending_messages(
        &self,
        sid: &ChannelSid,
    ) -> impl DoubleEndedIterator<Item = &Arc<PendingMessage>> {
        self.pending.get(sid).into_iter().flat_map(BTreeMap::values)
    }

    /// Messages of a channel that this client holds, by index: a window, see
    /// [`Limits::messages_per_channel`](crate::Limits::messages_per_channel).
    pub fn messages(&self, sid: &ChannelSid) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.channels.get(sid).into_iter().flat_map(|entry| entry.messages.values())
    }
}
