//! What a process used: processor time and memory.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

/// User and system time of this process so far.
pub(crate) fn cpu() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let of = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs())
            + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    of(usage.user_time()) + of(usage.system_time())
}

/// Memory of this process that is resident, in KiB.
pub(crate) fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    figure.unwrap_or_default()
}

/// Both, as the line protocol has them.
pub(crate) fn figures() -> Value {
    json!({ "cpuUs": u64::try_from(cpu().as_micros()).unwrap_or(u64::MAX), "rssKib": rss_kib() })
}
