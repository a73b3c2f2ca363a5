//! Time as plain data. The core never reads a clock: every entry brings `now` along.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since an origin that the host picks once and keeps.
///
/// Give [`Config::unix_at_origin`](crate::Config::unix_at_origin) when dates matter (token expiry, the wire's
/// correlation ids); nothing else needs to know where the origin is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The origin itself.
    pub const ZERO: Self = Self(0);

    /// The moment `ms` milliseconds after the origin.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, rhs: Self) -> Duration {
        self.since(rhs)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// When the core next wants to be called, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The moment. Calling earlier is harmless; calling later only makes things late.
    pub at: Time,
    /// What is due then: for logs and for people who wonder why a client wakes up.
    pub why: Why,
}

/// What a [`Deadline`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Why {
    /// Commands wait in the queue: take them with `poll_command`.
    Commands,
    /// A socket has been opening for too long.
    Connect,
    /// The wait before the next attempt to connect ends.
    Retry,
    /// No answer to `init` or `update`, or the socket did not close in time.
    Transport,
    /// Nothing was heard from the service for too long.
    Watchdog,
    /// The access token nears its end.
    Token,
    /// A request was not answered in time, or its retry is due.
    Request,
    /// Objects wait to be subscribed or cancelled, or their acknowledgement is late.
    Subscription,
    /// A call of the app reaches its deadline.
    Call,
    /// A member's typing ends.
    Typing,
    /// A report of the read horizon is due.
    ReadHorizon,
    /// Objects whose events did not fit are read again.
    Behind,
    /// The fate of a session command is to be looked up, or the command repeated.
    SessionCommand,
}
