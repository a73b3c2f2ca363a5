//! The timers of the transport, and in which states they have a meaning.

use super::RequestId;
use super::table::State;
use crate::time::Why;
use crate::timers::TimerKey;

/// Timers of the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The socket takes too long to open.
    Connect,
    /// The wait before the next attempt to connect ends.
    Retry,
    /// No answer to `init` or `update`.
    Reply,
    /// The socket takes too long to close.
    Close,
    /// Nothing was heard for too long.
    Watchdog,
    /// The token nears its end.
    Token,
    /// The app may be asked for another token.
    TokenAsk,
    /// No answer to `put_notification_ctx`.
    PutReply,
    /// `put_notification_ctx` goes again.
    PutRetry,
    /// No answer to a request.
    RequestReply(RequestId),
    /// A request goes again.
    RequestRetry(RequestId),
}

impl Timer {
    /// Those that have a meaning in some states only; leaving these cancels them.
    pub(super) const OF_A_STATE: [Self; 5] =
        [Self::Connect, Self::Retry, Self::Reply, Self::Close, Self::Watchdog];

    pub(super) fn lives_in(self, state: State) -> bool {
        match self {
            Self::Connect => state == State::Connecting,
            Self::Retry => state == State::Retrying,
            Self::Reply => matches!(state, State::Initialising | State::Updating),
            Self::Close => state.waits_for_close(),
            Self::Watchdog => state.is_up(),
            _ => true,
        }
    }

    pub(crate) fn why(self) -> Why {
        match self {
            Self::Connect => Why::Connect,
            Self::Retry => Why::Retry,
            Self::Reply | Self::Close | Self::PutReply | Self::PutRetry => Why::Transport,
            Self::Watchdog => Why::Watchdog,
            Self::Token | Self::TokenAsk => Why::Token,
            Self::RequestReply(_) | Self::RequestRetry(_) => Why::Request,
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Twilsock(timer)
    }
}
