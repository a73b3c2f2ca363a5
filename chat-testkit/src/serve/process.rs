//! Figures about this process, for the command `cpu`.

use std::time::Duration;

use serde_json::{Value, json};

/// `{upMs, userMs, systemMs, maxRssKiB}`; the last three are absent where the system does not tell.
pub(super) fn figures(up: Duration) -> Value {
    let mut figures = json!({ "upMs": u64::try_from(up.as_millis()).unwrap_or(u64::MAX) });
    #[cfg(unix)]
    if let (Ok(usage), Some(object)) =
        (nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF), figures.as_object_mut())
    {
        let ms = |t: nix::sys::time::TimeVal| t.tv_sec() * 1000 + t.tv_usec() / 1000;
        // Linux counts in KiB, macOS in bytes.
        let rss = if cfg!(target_vendor = "apple") { usage.max_rss() / 1024 } else { usage.max_rss() };
        object.insert("userMs".into(), ms(usage.user_time()).into());
        object.insert("systemMs".into(), ms(usage.system_time()).into());
        object.insert("maxRssKiB".into(), rss.into());
    }
    figures
}
