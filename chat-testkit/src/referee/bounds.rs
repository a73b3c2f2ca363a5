use std::time::Duration;

use chat_proto::Config;

/// How long a host may take for what it has to do. The clock is the host's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How far past a deadline it may come: 1 s.
    pub late: Duration,
    /// How long there may be commands in the queue without a break: 1 s.
    pub commands: Duration,
    /// From taking [`Command::Open`](chat_proto::Command::Open) to answering it: the client's connect timeout, after which
    /// it takes the command back, and the time for closing.
    pub open: Duration,
    /// From taking [`Command::Close`](chat_proto::Command::Close) to answering it: 20 s. The client itself waits no longer
    /// than its close timeout; but a host that never answers keeps its sockets for ever.
    pub close: Duration,
    /// From taking [`Command::Save`](chat_proto::Command::Save) to telling that such a save is stored: 10 s.
    pub save: Duration,
    /// How long nothing may be heard of an HTTP request, if the client then gives it up: the client's reply timeout.
    pub http: Duration,
}

impl Bounds {
    /// Those that go with a configuration.
    pub fn of(config: &Config) -> Self {
        let (second, close) = (Duration::from_secs(1), Duration::from_secs(20));
        Self {
            late: second,
            commands: second,
            open: config.connect_timeout.saturating_add(close),
            close,
            save: Duration::from_secs(10),
            http: config.reply_timeout,
        }
    }

    /// All but the last longer: for real clocks on machines that have other things to do.
    #[must_use]
    pub fn and(self, more: Duration) -> Self {
        let Self { late, commands, open, close, save, http } = self;
        let [late, commands, open, close, save] =
            [late, commands, open, close, save].map(|bound| bound.saturating_add(more));
        Self { late, commands, open, close, save, http }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::of(&Config::default())
    }
}
