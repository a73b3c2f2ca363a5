//! Connections and what the service knows of each.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConnId, sync::subscriptions::Notice};
use chat_proto::Time;

/// Counters of one connection, seen from the service.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    /// Frames that came.
    pub(crate) received: u64,
    /// Frames that went.
    pub(crate) sent: u64,
    /// Acknowledgements that came.
    pub(crate) acks: u64,
    /// Pings that went.
    pub(crate) pings: u64,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Open, no successful `init` yet.
    Opened,
    Connected,
    /// A `close` went one way or the other; the socket is still there.
    Closing,
}

impl Phase {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Connected => "connected",
            Self::Closing => "closing",
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) phase: Phase,
    pub(crate) identity: Option<String>,
    pub(crate) token: Option<String>,
    /// Counts tokens, so that the timers of an old one know that they are old.
    pub(crate) token_number: u64,
    /// Notification contexts: id and message types.
    pub(crate) contexts: BTreeMap<String, Vec<String>>,
    /// Ids of our frames that await their acknowledgement.
    pub(crate) unacked: BTreeSet<String>,
    pub(crate) traffic: Traffic,
    /// Frames never overtake each other, even when the latency is made smaller.
    pub(crate) last_sent_at: Time,
    /// Events that a fault holds back until the next one of their object.
    pub(crate) swapped: BTreeMap<String, Vec<Notice>>,
}

impl Connection {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            phase: Phase::Opened,
            identity: None,
            token: None,
            token_number: 0,
            contexts: BTreeMap::new(),
            unacked: BTreeSet::new(),
            traffic: Traffic::default(),
            last_sent_at: now,
            swapped: BTreeMap::new(),
        }
    }

    /// The identity, once `init` succeeded and until a `close`.
    pub(crate) fn active_identity(&self) -> Option<&str> {
        self.identity.as_deref().filter(|_| self.phase == Phase::Connected)
    }

    /// The context that a message type was registered in.
    pub(crate) fn context_for(&self, message_type: &str) -> Option<&str> {
        let mut contexts = self.contexts.iter();
        contexts.find(|(_, types)| types.iter().any(|known| known == message_type)).map(|(id, _)| id.as_str())
    }
}

/// All connections.
pub(crate) type Connections = BTreeMap<ConnId, Connection>;
