//! The host's clock: milliseconds since the client began, time in suspend included.
//!
//! After a night with the lid closed the service has long forgotten the session. A clock that slept too would make the
//! core believe that a second passed; so where the system offers a clock that counts suspend, that one is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_proto::Time;

/// The longest sleep. Timers of the runtime stand still in suspend, so a long wait is cut into pieces: what became due
/// in suspend is late by this much at most.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Clock {
    origin: monotonic::Moment,
    unix_at_origin: u64,
}

impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: monotonic::now(), unix_at_origin: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
    }

    /// The date of the origin, for [`chat_proto::Config::unix_at_origin`].
    pub(crate) fn unix_at_origin(&self) -> u64 {
        self.unix_at_origin
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO + monotonic::since(self.origin)
    }

    /// How long to sleep until `at`, a long wait being cut short.
    pub(crate) fn sleep(&self, at: Time) -> Duration {
        at.since(self.now()).min(LONGEST_SLEEP)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod monotonic {
    use std::time::Duration;

    pub(super) type Moment = Duration;

    pub(super) fn now() -> Moment {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanos)
    }

    pub(super) fn since(origin: Moment) -> Duration {
        now().saturating_sub(origin)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod monotonic {
    use std::time::{Duration, Instant};

    pub(super) type Moment = Instant;

    pub(super) fn now() -> Moment {
        Instant::now()
    }

    pub(super) fn since(origin: Moment) -> Duration {
        origin.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let clock = Clock::start();
        let mut last = clock.now();
        for _ in 0..1000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        assert!(clock.unix_at_origin() > 1_700_000_000_000);
    }

    #[test]
    fn long_waits_are_cut() {
        let clock = Clock::start();
        assert_eq!(clock.sleep(Time::ZERO), Duration::ZERO);
        assert_eq!(clock.sleep(Time::from_millis(u64::MAX)), LONGEST_SLEEP);
    }
}
