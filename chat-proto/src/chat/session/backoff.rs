//! Waits between attempts.

use core::time::Duration;

use crate::cx::Cx;

/// How long to wait after `failures` failures in a row, one at least: the waits of
/// [`Config::retry`](crate::Config::retry), so that nothing of a client knocks at the service faster than its socket does.
pub(super) fn backoff(cx: &mut Cx, failures: u32) -> Duration {
    let policy = cx.config.retry;
    let wait = doubled(policy.min, failures.saturating_sub(1), policy.max);
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let spread = millis / 100 * u64::from(policy.randomness_percent.min(100));
    let jitter = cx.jitter.below(spread.saturating_mul(2).saturating_add(1));
    Duration::from_millis(millis.saturating_sub(spread).saturating_add(jitter))
}

/// `wait` doubled `times` times, up to `limit`.
pub(super) fn doubled(wait: Duration, times: u32, limit: Duration) -> Duration {
    wait.saturating_mul(2_u32.saturating_pow(times)).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::seed::Seed;
    use crate::time::Time;

    #[test]
    fn waits_double_within_their_spread() {
        let (ids, jitter) = Seed::from_number(1).split();
        let mut cx = Cx::new(Config::default(), ids, jitter, Time::ZERO);
        for (failures, seconds) in
            [(0, 1), (1, 1), (2, 2), (3, 4), (7, 64), (8, 120), (9, 120), (u32::MAX, 120)]
        {
            let wait = backoff(&mut cx, failures).as_millis();
            assert!((seconds * 800..=seconds * 1200).contains(&wait), "{failures}: {wait}");
        }
    }
}
