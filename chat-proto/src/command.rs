//! What the core asks the host to do.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::http::{HttpFailure, HttpId, HttpRequest};
use crate::input::{Cause, Input, LinkId};

/// Something for the host to do, in the order in which [`Client::poll_command`](crate::Client::poll_command) gives it.
///
/// There is one socket at a time: `Send` and `Close` always concern that of the last `Open`, and can be dropped when it is
/// gone. A host need not remember which link is which.
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
    /// Store what [`Client::save`](crate::Client::save) gives, or only what
    /// [changed](crate::Saved::changes_since) since a save that is stored, so that it survives a crash, and tell
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

impl Command {
    /// What a host tells that does not do this: that it failed, where the client waits for an answer, else that time passed.
    /// So a host without media needs one line for everything that it does not know.
    #[must_use]
    pub fn decline(&self) -> Input<'static> {
        let reason = "this host does not do that";
        match self {
            Self::Open { link, .. } => Input::Closed(*link, Cause::failed(reason)),
            Self::Http { http, .. } => Input::HttpDone(*http, Err(HttpFailure::Refused(reason.into()))),
            Self::Send { .. } | Self::Save { .. } | Self::Close { .. } | Self::CancelHttp { .. } => {
                Input::Tick
            }
        }
    }
}

/// How long a frame may be that is held without an allocation: an acknowledgement of a frame whose id is as long as the
/// service makes them has 170 bytes, and a client that listens sends little else.
const INLINE: usize = 183;

/// The bytes of a frame to send.
#[derive(Clone)]
pub struct FrameBytes(Held);

#[derive(Clone)]
enum Held {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Vec<u8>),
}

impl FrameBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Held::Heap(bytes))
    }

    /// All parts in a row; without an allocation if they are short.
    pub(crate) fn concat(parts: &[&[u8]]) -> Self {
        let (mut bytes, mut len) = ([0; INLINE], 0_u8);
        for part in parts {
            let end = usize::from(len).saturating_add(part.len());
            match (bytes.get_mut(usize::from(len)..end), u8::try_from(end)) {
                (Some(room), Ok(end)) => {
                    room.copy_from_slice(part);
                    len = end;
                }
                _ => return Self::new(parts.concat()),
            }
        }
        Self(Held::Inline { len, bytes })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Held::Heap(bytes) => bytes,
        }
    }

    /// The bytes, owned.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Held::Inline { .. } => self.as_bytes().to_vec(),
            Held::Heap(bytes) => bytes,
        }
    }
}

impl PartialEq for FrameBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for FrameBytes {}

impl Serialize for FrameBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::bytes::serialize(self.as_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for FrameBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::bytes::deserialize(deserializer).map(Self::new)
    }
}

impl AsRef<[u8]> for FrameBytes {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Shows the length alone: a frame may hold the access token (law 10).
impl fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.as_bytes().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declining_answers_what_waits_for_an_answer() {
        let (link, http) = (LinkId(3), HttpId(4));
        let open = Command::Open { link, url: "ws://x".into() };
        assert!(matches!(open.decline(), Input::Closed(of, Cause::Failed(_)) if of == link));
        let request = HttpRequest {
            method: crate::http::HttpMethod::Get,
            url: crate::secret::Secret::new("https://x"),
            headers: Vec::new(),
            body: crate::http::HttpBody::Bytes(Vec::new()),
            to: None,
            max_body: 1,
        };
        let answer = Command::Http { http, request }.decline();
        assert!(matches!(answer, Input::HttpDone(of, Err(HttpFailure::Refused(_))) if of == http));
        for command in [Command::Close { link }, Command::CancelHttp { http }, Command::Save { revision: 1 }]
        {
            assert_eq!(command.decline(), Input::Tick);
        }
    }

    #[test]
    fn short_and_long_frames_are_alike() {
        for len in [0, 1, INLINE - 1, INLINE, INLINE + 1, 255, 256, 1000] {
            let text: Vec<u8> = (0..=255).cycle().take(len).collect();
            let (front, back) = text.split_at(len / 3);
            let frame = FrameBytes::concat(&[front, back]);
            assert_eq!(matches!(frame.0, Held::Inline { .. }), len <= INLINE, "{len}");
            assert_eq!((frame.as_bytes(), frame.clone().into_vec()), (&*text, text.clone()));
            assert_eq!(frame, FrameBytes::new(text));
        }
    }
}
