//! The transport: frames in and out, the connection's life, requests and their answers (spec 01).
//!
//! A frame goes `frame::split` → `header` → acknowledged → kept here (`inbound`), or handed up as [`Incoming`]. What
//! happens to the connection is looked up in `table` and done in `machine`; requests live in `upstream`.

mod backoff;
mod context;
mod header;
mod inbound;
mod machine;
mod outgoing;
mod request;
mod retry;
mod table;
#[cfg(test)]
mod tests;
mod timer;
mod token;
mod upstream;
mod url;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use crate::call::CallId;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{ConnectionState, Event, TokenWanted};
use crate::input::{Cause, Frame, LinkId, Network};
use crate::secret::{Secret, Token};
use backoff::Backoff;
use context::Context;
use table::{On, State};
use token::Tokens;
use upstream::Upstream;

pub(crate) use request::{HttpReply, Method, Owner, Request, RequestError, RequestId, Retry};
pub(crate) use timer::Timer;
pub(crate) use url::{Url, encode_component};

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
    /// Why it changed, for the app to know after that it did (spec 01 §3.5).
    Tell(Box<Event>),
    /// The service took this token, and not the same before: requests that carry a token carry this one from now on.
    TokenAccepted(Token),
    /// How a token update ended.
    TokenUpdated { call: CallId, result: Result<(), CallError> },
    /// The shutdown is complete.
    ShutDown { call: CallId },
}

/// The one socket. Any other is dead, and its inputs are stale (law 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    Opening(LinkId),
    Open(LinkId),
    /// Only its end is waited for.
    Closing(LinkId),
}

/// The transport stage.
#[derive(Debug, Clone)]
pub(crate) struct Twilsock {
    state: State,
    /// What the stages above were told last.
    public: ConnectionState,
    online: bool,
    link: Link,
    /// How many sockets there were.
    links: u64,
    backoff: Backoff,
    tokens: Tokens,
    continuation_token: Option<Secret>,
    context: Context,
    upstream: Upstream,
    /// Frame id of the `init` or `update` that is not answered yet.
    awaited: Option<String>,
    /// Undecodable frames in a row.
    malformed: u32,
    /// The calls that wait for the end; `None` before the first asked for it.
    ending: Option<Vec<CallId>>,
    notices: VecDeque<Notice>,
}

impl Twilsock {
    /// Begins to connect.
    pub(crate) fn new(cx: &mut Cx, token: Token) -> Self {
        let mut twilsock = Self {
            state: State::Disconnected,
            public: ConnectionState::Connecting,
            online: false,
            link: Link::None,
            links: 0,
            backoff: Backoff::new(cx.config.retry),
            tokens: Tokens::new(cx, token),
            continuation_token: cx.config.continuation_token.clone(),
            context: Context::new(cx),
            upstream: Upstream::default(),
            awaited: None,
            malformed: 0,
            ending: None,
            notices: VecDeque::new(),
        };
        twilsock.fire(cx, On::Connect);
        twilsock
    }

    pub(crate) fn network(&mut self, cx: &mut Cx, network: Network) {
        let on = match network {
            Network::Online => On::SystemOnline,
            Network::Offline => On::SystemOffline,
            Network::Changed => On::SystemChanged,
        };
        self.fire(cx, on);
    }

    pub(crate) fn opened(&mut self, cx: &mut Cx, link: LinkId) {
        if self.link == Link::Opening(link) {
            self.link = Link::Open(link);
            self.fire(cx, On::SocketOpened);
        } else {
            cx.stats.stale += 1;
        }
    }

    pub(crate) fn closed(&mut self, cx: &mut Cx, link: LinkId, cause: &Cause) {
        let (Link::Opening(known) | Link::Open(known) | Link::Closing(known)) = self.link else {
            cx.stats.stale += 1;
            return;
        };
        if known != link {
            cx.stats.stale += 1;
            return;
        }
        // A socket in use that just ends is no error; one that breaks, or ends before it is of use, is (spec 01 §3.10).
        let broke = matches!(cause, Cause::Failed(_) | Cause::Untrusted(_));
        if !self.state.waits_for_close() && (broke || !self.state.is_up()) {
            self.trouble(cx, alloc::format!("{cause}"));
        }
        self.link = Link::None;
        self.link_lost(cx);
        self.fire(cx, On::SocketClosed);
    }

    /// Decodes, acknowledges and handles a frame; gives what the stages above must see.
    pub(crate) fn frame<'a>(&mut self, cx: &mut Cx, link: LinkId, frame: Frame<'a>) -> Option<Incoming<'a>> {
        self.inbound(cx, link, frame)
    }

    pub(crate) fn timer(&mut self, cx: &mut Cx, timer: Timer) {
        match timer {
            Timer::Connect => {
                self.trouble(cx, "the socket did not open in time");
                self.fire(cx, On::ConnectTimeout);
            }
            Timer::Retry => self.fire(cx, On::UserRetry),
            Timer::Reply if self.state == State::Updating => self.fire(cx, On::UpdateError),
            Timer::Reply => {
                self.trouble(cx, "the service did not answer to init in time");
                self.fire(cx, On::InitError);
            }
            Timer::Close => {
                self.link = Link::None;
                self.fire(cx, On::SocketClosed);
            }
            Timer::Watchdog => {
                self.trouble(cx, "nothing was heard of the service for too long");
                self.fire(cx, On::Silence);
            }
            Timer::Token => {
                let wanted = self.tokens.ask(cx, TokenWanted::Expiring);
                cx.events.extend(wanted);
            }
            Timer::TokenAsk => cx.events.extend(self.tokens.ask_now()),
            Timer::PutReply => self.context.failed(cx),
            Timer::PutRetry => self.put_context(cx),
            Timer::RequestReply(id) => {
                let failed = self.upstream.timed_out(id);
                self.notices.extend(failed);
                self.flush(cx);
            }
            Timer::RequestRetry(id) => {
                self.upstream.retry_due(id);
                self.flush(cx);
            }
        }
    }

    pub(crate) fn submit(&mut self, cx: &mut Cx, submit: Submit) {
        match submit {
            Submit::Request { owner, .. } if self.ending.is_some() => {
                self.notices.push_back(Notice::Failed { owner, error: RequestError::ShutDown });
            }
            Submit::Request { id, owner, request } => {
                self.upstream.submit(id, owner, request);
                self.flush(cx);
            }
            Submit::Forget(id) => self.upstream.forget(cx, id),
        }
    }

    pub(crate) fn control(&mut self, cx: &mut Cx, control: Control) {
        match control {
            Control::UpdateToken { call, token } => self.update_token(cx, call, token),
            Control::Shutdown { call } => self.shut_down(cx, call),
        }
    }

    /// The next thing that happened without a frame.
    pub(crate) fn poll(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }
}
