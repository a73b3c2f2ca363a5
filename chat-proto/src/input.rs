//! What the host tells the core.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::http::{HttpFailure, HttpId, HttpReply};

/// One socket's life: each attempt to open one has its own. What comes for an older one is stale and ignored (law 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(pub(crate) u64);

impl LinkId {
    /// The number, counted from 1 within one client.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// What happened in the world. Give it to [`Client::handle`](crate::Client::handle) as it happens; nothing is refused.
///
/// It borrows the bytes of a frame, so that a host that has them copies nothing. One whose sockets live on other threads
/// or in other tasks sends the owned twin, [`InputRecord`](crate::InputRecord).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Time passed. Any other input tells that too, so this is for when nothing else happens.
    Tick,
    /// The host learned something about its network.
    Network(Network),
    /// The socket that [`Command::Open`](crate::Command::Open) asked for is open.
    Opened(LinkId),
    /// A WebSocket message came.
    Frame(LinkId, Frame<'a>),
    /// A save of this revision ([`Saved::revision`](crate::Saved::revision)), in one part or in two, would survive a crash
    /// now.
    Stored {
        /// That of the save, not the one that was asked for.
        revision: u64,
    },
    /// The socket is gone, or could not be opened. Said once for each `Open`, also after `Close`.
    Closed(LinkId, Cause),
    /// So many bytes of an HTTP request's body were sent, or received, in all. Optional, but a transfer that nothing is
    /// heard of for [`Config::reply_timeout`](crate::Config::reply_timeout) is given up; and what was given to the place
    /// for the answer (`to`) must be told before a failure is, for the core repeats only what has not begun.
    HttpProgress(HttpId, u64),
    /// An HTTP request ended. Said once for each [`Command::Http`](crate::Command::Http).
    HttpDone(HttpId, Result<HttpReply, HttpFailure>),
}

/// A whole WebSocket message, borrowed for the time of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// What the service sends.
    Binary(&'a [u8]),
    /// Nothing that the protocol knows: reported as a fault and otherwise ignored (spec 01 §1.1).
    Text(&'a str),
}

/// What a host can learn about its network. All of it is optional to tell: it only makes things quicker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Network {
    /// There is a network again: a waiting client tries at once.
    Online,
    /// There is none: the open socket is given up.
    Offline,
    /// Another network took over (Wi-Fi to mobile): the open socket is given up and a new one opened.
    Changed,
}

/// Why a socket is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause {
    /// The other side closed it, with this WebSocket code if it gave one. The code means nothing to the protocol.
    Remote(Option<u16>),
    /// The host closed it because [`Command::Close`](crate::Command::Close) asked.
    Local,
    /// It broke, or could not be opened: the text is for people.
    Failed(Box<str>),
    /// The other side could not prove who it is (TLS): the text is for people.
    Untrusted(Box<str>),
}

impl Cause {
    /// [`Failed`](Self::Failed), with the text of an error.
    pub fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string().into())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(Some(code)) => write!(f, "closed by the service ({code})"),
            Self::Remote(None) => f.write_str("closed by the service"),
            Self::Local => f.write_str("closed by this side"),
            Self::Failed(text) => f.write_str(text),
            Self::Untrusted(text) => write!(f, "the service could not be verified: {text}"),
        }
    }
}
