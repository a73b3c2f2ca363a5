//! How long to wait before trying again (spec 01 §3.8).

use core::time::Duration;

use crate::config::RetryPolicy;
use crate::seed::Jitter;

/// A series of waits: `min`, doubling up to `max`, each ± the policy's randomness. The server may impose a longer start.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    policy: RetryPolicy,
    running: Option<Series>,
    /// Asked for by the server and not used yet, in milliseconds.
    pending: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Series {
    /// The last wait before randomness, in milliseconds.
    wait: u64,
    max: u64,
    /// What the server asked for when this series began.
    imposed: Option<u64>,
}

impl Backoff {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self { policy, running: None, pending: None }
    }

    /// The server asks for at least so many milliseconds; counted at the next failure.
    pub(super) fn impose(&mut self, ms: u64) {
        self.pending = Some(ms);
    }

    /// A success, or a good reason to begin anew.
    pub(super) fn reset(&mut self) {
        self.running = None;
        self.pending = None;
    }

    /// The wait after one more failure.
    pub(super) fn next(&mut self, jitter: &mut Jitter) -> Duration {
        let max = millis(self.policy.max);
        let series = match (self.running, self.pending) {
            // A value of the server begins a new series, unless this one began with as much.
            (running, Some(ms)) if running.and_then(|series| series.imposed).is_none_or(|used| used < ms) => {
                self.pending = None;
                Series { wait: ms, max: max.max(ms), imposed: Some(ms) }
            }
            (None, _) => Series { wait: millis(self.policy.min), max, imposed: None },
            (Some(series), _) => Series { wait: series.wait.saturating_mul(2).min(series.max), ..series },
        };
        // A wait of nothing would double for ever without growing.
        let series = Series { wait: series.wait.max(1), ..series };
        self.running = Some(series);
        randomize(series.wait, self.policy.randomness_percent, jitter)
    }
}

/// `wait` ± `percent`, uniformly; never below zero. It comes after the cap, so it may exceed it (spec 01 §3.8).
pub(super) fn randomize(wait: u64, percent: u8, jitter: &mut Jitter) -> Duration {
    let area = wait.saturating_mul(u64::from(percent)) / 100;
    let drawn = jitter.below(area.saturating_mul(2).saturating_add(1));
    Duration::from_millis(wait.saturating_add(drawn).saturating_sub(area))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
