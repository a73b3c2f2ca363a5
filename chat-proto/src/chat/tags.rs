//! What chat is known by elsewhere: in answers, and as timers.

use super::rest::RestId;
use super::session;
use crate::call::CallId;
use crate::push::PushChannel;
use crate::time::Why;
use crate::timers::TimerKey;

/// What chat waits for in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A read of Chat REST.
    Rest(RestId),
    /// The typing request of a call.
    Typing(CallId),
    /// The request to the push registrar about this channel.
    Push(PushChannel),
}

/// Timers of chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A call reaches its deadline.
    Call(CallId),
    /// Belongs to the session.
    Session(session::Timer),
    /// A member types no more.
    Typing(u64),
    /// The next report of the read horizon may leave.
    Report,
    /// What could not be read at the start is read again.
    Reload,
    /// Nothing moved in the transfer of a call.
    HttpIdle(CallId),
    /// The transfer of a call goes again.
    HttpAgain(CallId),
    /// The push registrar may be asked again about this channel.
    Push(PushChannel),
    /// The registration of this channel is to be renewed.
    PushRenewal(PushChannel),
    /// The time that pending calls were given at shutdown is over.
    Drain,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Call(_) | Self::Drain => Why::Call,
            Self::Session(timer) => timer.why(),
            Self::Typing(_) => Why::Typing,
            Self::Report => Why::ReadHorizon,
            Self::Reload | Self::HttpIdle(_) | Self::HttpAgain(_) | Self::Push(_) | Self::PushRenewal(_) => {
                Why::Request
            }
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Chat(timer)
    }
}
