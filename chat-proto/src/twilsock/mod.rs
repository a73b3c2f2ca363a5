//! The transport: frames in and out, the connection's life, requests and their answers (spec 01).
//!
//! A frame goes `frame::split` → `header` → acknowledged → kept here, or handed up as [`Incoming`].

mod url;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::call::CallId;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::ConnectionState;
use crate::input::{Cause, Frame, LinkId, Network};
use crate::secret::Token;
use crate::time::Why;
use crate::timers::TimerKey;

pub(crate) use url::{Url, encode_component};

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
#[derive(Debug, Clone, PartialEq, Eq)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
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

/// From the other stages to twilsock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Submit {
    Request { id: RequestId, owner: Owner, request: Request },
    Forget(RequestId),
}

/// From chat to twilsock: what the app wants of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    /// Answered with [`Notice::TokenUpdated`].
    UpdateToken { call: CallId, token: Token },
    /// Answered with [`Notice::ShutDown`] once the socket is closed.
    Shutdown { call: CallId },
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

/// What a frame holds for the stages above. Borrowed from the frame: nobody copies what nobody keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    Notification { message_type: &'a str, payload: &'a [u8] },
    Reply { owner: Owner, result: Result<HttpReply<'a>, RequestError> },
}

/// What happened on the connection without a frame to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Connected and registered for notifications: subscriptions may be made. Said again after each reconnect.
    Online,
    /// No longer so. Requests of policy [`Retry::Never`] that were under way have failed, each with a notice of its own.
    Offline,
    /// A request failed without a frame.
    Failed { owner: Owner, error: RequestError },
    /// The public state changed. Chat tells the app, so that the read model and the event agree.
    StateChanged(ConnectionState),
    /// How a token update ended.
    TokenUpdated { call: CallId, result: Result<(), CallError> },
    /// The shutdown is complete.
    ShutDown { call: CallId },
}

/// Timers of the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The socket takes too long to open.
    Connect,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Connect => Why::Connect,
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Twilsock(timer)
    }
}

/// The transport stage.
#[derive(Debug, Clone)]
pub(crate) struct Twilsock {}

impl Twilsock {
    /// Begins to connect.
    pub(crate) fn new(cx: &mut Cx, token: Token) -> Self {
        let _ = (cx, token);
        Self {}
    }

    pub(crate) fn network(&mut self, _cx: &mut Cx, _network: Network) {}

    pub(crate) fn opened(&mut self, _cx: &mut Cx, _link: LinkId) {}

    pub(crate) fn closed(&mut self, _cx: &mut Cx, _link: LinkId, _cause: &Cause) {}

    /// Decodes, acknowledges and handles a frame; gives what the stages above must see.
    pub(crate) fn frame<'a>(
        &mut self,
        _cx: &mut Cx,
        _link: LinkId,
        _frame: Frame<'a>,
    ) -> Option<Incoming<'a>> {
        None
    }

    pub(crate) fn timer(&mut self, _cx: &mut Cx, _timer: Timer) {}

    pub(crate) fn submit(&mut self, _cx: &mut Cx, _submit: Submit) {}

    pub(crate) fn control(&mut self, _cx: &mut Cx, _control: Control) {}

    /// The next thing that happened without a frame.
    pub(crate) fn poll(&mut self) -> Option<Notice> {
        None
    }
}
