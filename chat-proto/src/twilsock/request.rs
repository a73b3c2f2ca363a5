//! What is asked of twilsock, and what comes of it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Url;

/// Names a request that twilsock carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) u64);

/// Who waits for the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Sync(crate::sync::Tag),
    Chat(crate::chat::Tag),
}

/// An HTTP request to be carried in a `message` frame (spec 01 §2.6).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// In the order in which they are written.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// What the body is; `application/json` where a request says nothing.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Option<String>,
    pub(crate) retry: Retry,
}

/// Hides what may be secret: header values (`X-Twilio-Token`) and the body (law 10).
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host)
            .field("path", &self.shown_path())
            .field("body_bytes", &self.body.as_ref().map(String::len))
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// What is deleted is a push registration, whose id is the last segment (law 10).
    fn shown_path(&self) -> &str {
        match self.method {
            Method::Delete => self.url.path.rsplit_once('/').map_or("", |(path, _)| path),
            _ => &self.url.path,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What twilsock does by itself when a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Nothing: the owner hears of every failure, a lost link included.
    Never,
    /// A read of Sync: sent again after 429, 502–504 (4 s, 8 s … 60 s, 90 s in all, ± 20 %, spec 02 §6.3), and after a
    /// lost link or a reply that never came.
    SyncRead,
    /// A read of Chat REST: sent again after 429, 502–504 (1 s, 2 s; 3 attempts, spec 03 §5.1), and after a lost link or
    /// a reply that never came.
    ChatRead,
}

/// The answer to a request: any HTTP status, after the retries of its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpReply<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl HttpReply<'_> {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why a request has no HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The link was cut after the frame was handed to the host: it may have been executed.
    Lost,
    /// No reply in time: it may have been executed, or may still be.
    TimedOut,
    /// The transport refused to carry it (non-2xx Twilsock status): it was not executed.
    Refused { status: u16, code: i64, message: Box<str> },
    /// It was never sent and never will be: the client is shut down.
    ShutDown,
}
