//! Which requests go again, when, and how often.

use core::time::Duration;

use super::Retry;
use super::backoff::randomize;
use crate::config::ReadRetry;
use crate::cx::Cx;
use crate::time::Time;

/// How often a request whose reply never came is sent in all. Not the protocol's: the reference client does not repeat.
const TIMED_OUT_ATTEMPTS: u32 = 3;

/// What one kind of request does after a bad HTTP status.
struct Policy {
    first: u64,
    max: u64,
    randomness_percent: u8,
    /// How often it is sent in all; `u32::MAX` is no limit.
    attempts: u32,
    /// No repetition later than this after the first attempt.
    budget: Duration,
}

/// Reads of Sync (spec 02 §6.3).
const SYNC_READ: Policy = Policy {
    first: 4_000,
    max: 60_000,
    randomness_percent: 20,
    attempts: u32::MAX,
    budget: Duration::from_secs(90),
};

/// Reads of Chat REST (spec 03 §5.1).
fn chat_read(retry: ReadRetry) -> Policy {
    let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let ReadRetry { min, max, attempts } = retry;
    Policy { first: millis(min), max: millis(max), randomness_percent: 0, attempts, budget: Duration::MAX }
}

/// What one request went through.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    first: Option<Time>,
    /// Answers with a status that is worth another try.
    answers: u32,
    timeouts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Again,
    Fail,
}

impl Attempts {
    /// Its frame is being sent. Tells whether it was sent before.
    pub(super) fn sent(&mut self, now: Time) -> bool {
        let again = self.first.is_some();
        self.first.get_or_insert(now);
        again
    }

    /// The wait before the next attempt, if this status deserves one.
    pub(super) fn after_status(&mut self, cx: &mut Cx, retry: Retry, status: u16) -> Option<Duration> {
        let policy = match retry {
            Retry::Never => return None,
            Retry::SyncRead => SYNC_READ,
            Retry::ChatRead if status == 429 && !cx.config.retry_when_throttled => return None,
            Retry::ChatRead => chat_read(cx.config.read_retry),
        };
        if !matches!(status, 429 | 502..=504) {
            return None;
        }
        self.answers = self.answers.saturating_add(1);
        if self.answers >= policy.attempts {
            return None;
        }
        let doubled = policy.first.saturating_mul(1_u64.checked_shl(self.answers - 1).unwrap_or(u64::MAX));
        let wait = randomize(doubled.min(policy.max), policy.randomness_percent, &mut cx.jitter);
        let last = self.first.unwrap_or(cx.now) + policy.budget;
        (cx.now + wait <= last).then_some(wait)
    }

    /// A read does no harm when it goes again; how often that may happen is bounded by the network, not here.
    #[expect(clippy::unused_self, reason = "the same shape as `after_timeout`")]
    pub(super) fn after_loss(&mut self, retry: Retry) -> Verdict {
        if retry == Retry::Never { Verdict::Fail } else { Verdict::Again }
    }

    pub(super) fn after_timeout(&mut self, retry: Retry) -> Verdict {
        self.timeouts += 1;
        if retry == Retry::Never || self.timeouts >= TIMED_OUT_ATTEMPTS {
            Verdict::Fail
        } else {
            Verdict::Again
        }
    }
}
