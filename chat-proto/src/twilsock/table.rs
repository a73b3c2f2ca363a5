//! The connection as a table: state x event → state and actions (spec 01 §3.3 with the improvements of §4.2 and §8).
#![doc = include_str!("STATES.md")]

use crate::event::ConnectionState;

/// Where the connection stands (spec 01 §3.1). The reference client's `error` is a moment on the way to `Retrying` here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Idle: before the start, after the service closed for want of a token, and after the end.
    Disconnected,
    /// The socket opens.
    Connecting,
    /// `init` is sent.
    Initialising,
    /// In use.
    Connected,
    /// In use, and `update` is sent.
    Updating,
    /// Waits before the next attempt.
    Retrying,
    /// The token was refused.
    Rejected,
    /// The app shuts down; the socket closes.
    Disconnecting,
    /// The service closed for good; the socket closes.
    WaitSocketClosed,
    /// The service sent us elsewhere; the socket closes.
    WaitOffloadSocketClosed,
    /// The service does not understand us.
    Unsupported,
}

/// What happens to the connection (spec 01 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    /// The client begins.
    Connect,
    /// A token came that is not the stored one; it is stored already.
    UpdateToken,
    /// The app wants the end.
    Shutdown,
    /// The socket is open.
    SocketOpened,
    /// The socket is gone, or was given up after waiting for its end.
    SocketClosed,
    /// The socket took too long to open.
    ConnectTimeout,
    /// `init` was answered well.
    InitSuccess,
    /// `init` was refused for now, or not answered.
    InitError,
    /// `init` was answered with 500: the one case without a `close` frame.
    InitBroken,
    /// `init` or `update` was answered with 401 or 403.
    TokenRejected,
    /// `update` was answered well.
    UpdateSuccess,
    /// `update` was refused for now, or not answered.
    UpdateError,
    /// `close` 401 or 410: the service wants another token.
    ReceiveClose,
    /// `close` 308 or unknown: go elsewhere.
    ReceiveOffload,
    /// `close` 308 with error 51232: the token is not acceptable any more (spec 01 §8 #7).
    ReceiveRejection,
    /// `close` 406 or 417: one side cannot read the other.
    ReceiveFatalClose,
    /// The wait before the next attempt is over.
    UserRetry,
    /// There is a network again.
    SystemOnline,
    /// There is no network.
    SystemOffline,
    /// Another network took over.
    SystemChanged,
    /// Nothing was heard for too long (spec 01 §8 #12).
    Silence,
    /// Too many frames in a row could not be decoded (spec 01 §8 #6).
    Gibberish,
}

/// What is done on the way. The code of each is in `machine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Do {
    /// Ask for a socket and arm the connect timer.
    Open,
    /// Send `init` and arm the reply timer.
    SendInit,
    /// Send `update` and arm the reply timer.
    SendUpdate,
    /// Send `close`, if the socket is open.
    SendClose,
    /// Close the socket and give it up: whatever comes from it is stale.
    CloseSocket,
    /// Close the socket and wait for its end, at most the close timeout.
    CloseAndWait,
    /// Arm the retry timer with the next wait of the series.
    Backoff,
    /// Begin a new series.
    ResetBackoff,
    /// Send `put_notification_ctx`.
    PutContext,
    /// Arm the watchdog.
    Watch,
    /// Send what is queued.
    Flush,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) from: State,
    pub(super) on: On,
    pub(super) to: State,
    pub(super) actions: &'static [Do],
}

const fn row(from: State, on: On, to: State, actions: &'static [Do]) -> Row {
    Row { from, on, to, actions }
}

use Do::{
    Backoff, CloseAndWait, CloseSocket, Flush, Open, PutContext, ResetBackoff, SendClose, SendInit,
    SendUpdate, Watch,
};
use State::{
    Connected, Connecting, Disconnected, Disconnecting, Initialising, Rejected, Retrying, Unsupported,
    Updating, WaitOffloadSocketClosed, WaitSocketClosed,
};

/// The table. A pair that is not listed changes nothing.
pub(super) const TABLE: &[Row] = &[
    row(Disconnected, On::Connect, Connecting, &[Open]),
    row(Disconnected, On::UpdateToken, Connecting, &[ResetBackoff, Open]),
    row(Disconnected, On::Shutdown, Disconnecting, &[]),
    // A new token is in the `init` to come, so the socket is kept.
    row(Connecting, On::UpdateToken, Connecting, &[ResetBackoff]),
    row(Connecting, On::SocketOpened, Initialising, &[SendInit]),
    row(Connecting, On::SocketClosed, Retrying, &[Backoff]),
    row(Connecting, On::ConnectTimeout, Retrying, &[CloseSocket, Backoff]),
    row(Connecting, On::SystemOffline, Retrying, &[CloseSocket, Backoff]),
    row(Connecting, On::SystemChanged, Connecting, &[CloseSocket, ResetBackoff, Open]),
    // Nothing was sent, so there is no end to wait for.
    row(Connecting, On::Shutdown, Disconnecting, &[CloseSocket]),
    row(Initialising, On::InitSuccess, Connected, &[ResetBackoff, Watch, PutContext, Flush]),
    row(Initialising, On::InitError, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Initialising, On::InitBroken, Retrying, &[CloseSocket, Backoff]),
    row(Initialising, On::TokenRejected, Rejected, &[ResetBackoff, SendClose, CloseSocket]),
    row(Initialising, On::SocketClosed, Retrying, &[Backoff]),
    row(Initialising, On::ReceiveClose, WaitSocketClosed, &[CloseAndWait]),
    row(Initialising, On::ReceiveOffload, WaitOffloadSocketClosed, &[CloseAndWait]),
    row(Initialising, On::ReceiveRejection, Rejected, &[ResetBackoff, CloseSocket]),
    row(Initialising, On::ReceiveFatalClose, Unsupported, &[SendClose, CloseSocket]),
    row(Initialising, On::Gibberish, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Initialising, On::SystemOffline, Retrying, &[CloseSocket, Backoff]),
    row(Initialising, On::SystemChanged, Connecting, &[CloseSocket, ResetBackoff, Open]),
    row(Initialising, On::Shutdown, Disconnecting, &[SendClose, CloseAndWait]),
    row(Connected, On::UpdateToken, Updating, &[SendUpdate]),
    row(Connected, On::SocketClosed, Retrying, &[Backoff]),
    row(Connected, On::ReceiveClose, WaitSocketClosed, &[CloseAndWait]),
    row(Connected, On::ReceiveOffload, WaitOffloadSocketClosed, &[CloseAndWait]),
    row(Connected, On::ReceiveRejection, Rejected, &[ResetBackoff, CloseSocket]),
    row(Connected, On::ReceiveFatalClose, Unsupported, &[SendClose, CloseSocket]),
    row(Connected, On::Silence, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Connected, On::Gibberish, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Connected, On::SystemOffline, Retrying, &[CloseSocket, Backoff]),
    row(Connected, On::SystemChanged, Connecting, &[CloseSocket, ResetBackoff, Open]),
    row(Connected, On::Shutdown, Disconnecting, &[SendClose, CloseAndWait]),
    row(Updating, On::UpdateSuccess, Connected, &[ResetBackoff, PutContext, Flush]),
    row(Updating, On::UpdateError, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Updating, On::TokenRejected, Rejected, &[ResetBackoff, SendClose, CloseSocket]),
    row(Updating, On::SocketClosed, Retrying, &[Backoff]),
    row(Updating, On::ReceiveClose, WaitSocketClosed, &[CloseAndWait]),
    row(Updating, On::ReceiveOffload, WaitOffloadSocketClosed, &[CloseAndWait]),
    row(Updating, On::ReceiveRejection, Rejected, &[ResetBackoff, CloseSocket]),
    row(Updating, On::ReceiveFatalClose, Unsupported, &[SendClose, CloseSocket]),
    row(Updating, On::Silence, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Updating, On::Gibberish, Retrying, &[SendClose, CloseSocket, Backoff]),
    row(Updating, On::SystemOffline, Retrying, &[CloseSocket, Backoff]),
    row(Updating, On::SystemChanged, Connecting, &[CloseSocket, ResetBackoff, Open]),
    row(Updating, On::Shutdown, Disconnecting, &[SendClose, CloseAndWait]),
    row(Retrying, On::UserRetry, Connecting, &[Open]),
    row(Retrying, On::UpdateToken, Connecting, &[ResetBackoff, Open]),
    row(Retrying, On::SystemOnline, Connecting, &[ResetBackoff, Open]),
    row(Retrying, On::SystemChanged, Connecting, &[ResetBackoff, Open]),
    row(Retrying, On::Shutdown, Disconnecting, &[]),
    row(Rejected, On::UpdateToken, Connecting, &[ResetBackoff, Open]),
    row(Rejected, On::Shutdown, Disconnecting, &[]),
    row(Disconnecting, On::SocketClosed, Disconnected, &[]),
    row(WaitSocketClosed, On::SocketClosed, Disconnected, &[]),
    row(WaitSocketClosed, On::Shutdown, Disconnecting, &[]),
    row(WaitOffloadSocketClosed, On::SocketClosed, Retrying, &[Backoff]),
    row(WaitOffloadSocketClosed, On::Shutdown, Disconnecting, &[]),
    // The reference client never leaves this state; here a new token is a new beginning (spec 01 §8 #24).
    row(Unsupported, On::UpdateToken, Connecting, &[ResetBackoff, Open]),
    row(Unsupported, On::Shutdown, Disconnecting, &[]),
];

/// The row of a pair, if it is listed.
pub(super) fn find(from: State, on: On) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.from == from && row.on == on)
}

impl State {
    /// Frames of requests may be sent.
    pub(super) fn is_up(self) -> bool {
        matches!(self, Connected | Updating)
    }

    /// A socket that is being closed is waited for.
    pub(super) fn waits_for_close(self) -> bool {
        matches!(self, Disconnecting | WaitSocketClosed | WaitOffloadSocketClosed)
    }

    /// What the app sees (spec 03 §16): connected only once the notification context is registered.
    pub(super) fn public(self, registered: bool) -> ConnectionState {
        match self {
            Connected | Updating if registered => ConnectionState::Connected,
            Connecting | Initialising | Connected | Updating | Retrying => ConnectionState::Connecting,
            Rejected => ConnectionState::Denied,
            Disconnecting | WaitSocketClosed | WaitOffloadSocketClosed => ConnectionState::Disconnecting,
            Disconnected | Unsupported => ConnectionState::Disconnected,
        }
    }
}
