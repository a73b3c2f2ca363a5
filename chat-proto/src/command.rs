//! What the core asks the host to do.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::http::{HttpId, HttpRequest};
use crate::input::LinkId;

/// Something for the host to do, in the order in which [`Client::poll_command`](crate::Client::poll_command) gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// Open a WebSocket to `url`; answer with `Opened` or `Closed`. There is never more than one at a time.
    Open {
        /// The name of the new socket.
        link: LinkId,
        /// Where to: `wss://…`, or `ws://…` where the app configured that.
        url: Box<str>,
    },
    /// Send this as one binary WebSocket message. There is no answer: what cannot be sent is a `Closed`.
    Send {
        /// On which socket.
        link: LinkId,
        /// The message.
        bytes: FrameBytes,
    },
    /// Store what [`Client::save`](crate::Client::save) gives, so that it survives a crash, and tell
    /// [`Stored`](crate::Input::Stored) with the revision of that save. Only with
    /// [`Config::write_ahead`](crate::Config::write_ahead). Nothing else is asked
    /// for before: when it cannot be stored, try again.
    Save {
        /// The save must be of this revision or a later one; one that is made now is.
        revision: u64,
    },
    /// Close the socket, after everything that was to be sent before; answer with `Closed`.
    Close {
        /// Which.
        link: LinkId,
    },
    /// Make an HTTP request, once; answer with [`HttpDone`](crate::Input::HttpDone), and tell of longer transfers with
    /// [`HttpProgress`](crate::Input::HttpProgress). Several may be under way, up to
    /// [`Limits::http_in_flight`](crate::Limits::http_in_flight).
    Http {
        /// The name of the request.
        http: HttpId,
        /// What to send, and where to.
        request: HttpRequest,
    },
    /// Give a request up: its answer is not waited for any more, and need not be told.
    CancelHttp {
        /// Which.
        http: HttpId,
    },
}

/// The bytes of a frame to send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameBytes(#[serde(with = "crate::bytes")] Vec<u8>);

impl FrameBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, owned.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for FrameBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length alone: a frame may hold the access token (law 10).
impl fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
