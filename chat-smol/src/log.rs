//! What the adapter tells of its work, through `tracing`. Never what frames hold, and never a secret (law 10).

use std::fmt::Arguments;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much the adapter reports; see [`Options::log_level`](crate::Options::log_level).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// Nothing.
    Silent,
    /// Only what ends a client: a refused token without a provider.
    #[default]
    Error,
    /// Also troubles that pass: lost connections, faults, a provider that fails.
    Warn,
    /// Also how the connection stands.
    Info,
    /// Also sockets opened and closed.
    Debug,
    /// Also why the driver wakes up.
    Trace,
}

/// Numbers clients, so that their lines can be told apart.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    level: LogLevel,
    client: u64,
}

macro_rules! levels {
    ($($name:ident $level:ident,)*) => {$(
        pub(crate) fn $name(self, text: Arguments<'_>) {
            if self.level >= LogLevel::$level {
                tracing::$name!(target: "chat_smol", client = self.client, "{text}");
            }
        }
    )*};
}

impl Log {
    pub(crate) fn new(level: LogLevel) -> Self {
        Self { level, client: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    levels! {
        error Error,
        warn Warn,
        info Info,
        debug Debug,
        trace Trace,
    }
}
