//! HTTP as words: what the core asks the host to fetch, and what the host tells of it. Only media goes this way; every
//! other request travels through the WebSocket.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// One HTTP request, sent once. What comes for one that has ended is stale and ignored (law 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HttpId(pub(crate) u64);

impl HttpId {
    /// The number, counted from 1 within one client.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for HttpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.0)
    }
}

/// Names bytes that the host keeps, or a place of the host's for bytes: media never goes through the core. The host picks
/// the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaId(pub u64);

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

impl HttpMethod {
    /// As it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What a request carries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HttpBody {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(#[serde(with = "crate::bytes")] Vec<u8>),
    /// Bytes of the host's, from their beginning: a request that is made again asks for them again.
    Media(MediaId),
}

/// Shows the length alone.
impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Media(media) => media.fmt(f),
        }
    }
}

/// A request for the host to make: one attempt, no redirects followed, nothing added that names anybody. Order, repetition
/// and patience are the core's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpRequest {
    /// The method.
    pub method: HttpMethod,
    /// Where to: `https://…`, or `http://…` where the app configured that. It may let anybody in who has it.
    pub url: Secret,
    /// Names and values; some hold the access token.
    pub headers: Vec<(Box<str>, Secret)>,
    /// What goes with it.
    pub body: HttpBody,
    /// Where the body of a 2xx answer goes, from the beginning of that place. `None`, and any other status: into the
    /// answer.
    pub to: Option<MediaId>,
    /// Longest body of an answer, in bytes; what is longer is [`HttpFailure::TooLarge`]. It does not count for `to`.
    pub max_body: usize,
}

/// Leaves out the path, which may be temporary and secret, and what headers hold (law 10).
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("host", &host(self.url.expose_secret()))
            .field("headers", &headers)
            .field("body", &self.body)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// The host of an address, without credentials.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// An answer: any status.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// How long the other side asks to be left alone: `Retry-After`, where it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// The body, unless it went elsewhere.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
}

impl HttpReply {
    /// An answer of this status and body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, retry_after: None, body: body.into() }
    }

    /// The same, asking to be left alone for this long.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Shows the body's length alone: it may hold a temporary address (law 10).
impl fmt::Debug for HttpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReply")
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Why a request has no answer. The texts are for people; a host must not put addresses or headers into them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HttpFailure {
    /// No connection, or it broke. Worth another try.
    #[error("{0}")]
    Failed(Box<str>),
    /// Nothing moved for [`Config::reply_timeout`](crate::Config::reply_timeout). The core says this itself.
    #[error("nothing was transferred for too long")]
    TimedOut,
    /// The other side could not prove who it is (TLS).
    #[error("the media service could not be verified: {0}")]
    Untrusted(Box<str>),
    /// The answer is longer than it may be.
    #[error("the answer is too long")]
    TooLarge,
    /// The bytes to send could not be read, or those that came could not be kept.
    #[error("the media could not be read or kept: {0}")]
    Media(Box<str>),
    /// The host will not make such a request: it has no such [`MediaId`], or the address is no good.
    #[error("the request cannot be made: {0}")]
    Refused(Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    #[test]
    fn debug_shows_no_secret() {
        let request = HttpRequest {
            method: HttpMethod::Get,
            url: Secret::new("https://user:hunter2@mcs.test:8443/v1/hunter2?hunter2=hunter2"),
            headers: vec![("X-Twilio-Token".into(), Secret::new("hunter2"))],
            body: HttpBody::Bytes(b"hunter2".to_vec()),
            to: Some(MediaId(3)),
            max_body: 9,
        };
        let reply = HttpReply::new(200, b"hunter2".to_vec());
        let shown = format!("{request:?} {reply:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("mcs.test:8443") && shown.contains("X-Twilio-Token"), "{shown}");
        assert_eq!(host("mcs.test"), "mcs.test");
        assert_eq!(host("https://a?b@c"), "a");
    }
}
