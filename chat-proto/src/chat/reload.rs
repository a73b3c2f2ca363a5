//! What the client should have and has not is read, and read again after a failure.

use alloc::borrow::Cow;
use core::time::Duration;

use super::{Chat, Timer};
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::Event;

/// The first wait before what could not be read is read again, in milliseconds; up to half as much more is added.
const FIRST_RELOAD: u64 = 10_000;
/// The longest.
const LAST_RELOAD: u64 = 320_000;

impl Chat {
    /// Reads, or reads again, whatever the client should have and has not: at the start, after a failure, after a
    /// reconnect.
    pub(super) fn reload(&mut self, cx: &mut Cx) {
        cx.timers.cancel(Timer::Reload);
        if self.context.is_none() || !self.online || self.ending.has_begun() {
            return;
        }
        self.load_own_user(cx);
        self.load_own_channels(cx);
        self.reopen_documents(cx);
        self.reopen_streams(cx);
        self.read_untold_again(cx);
    }

    /// Has [`Chat::reload`] come later: something that is needed could not be read. The wait doubles for what stays away.
    pub(super) fn reload_later(&mut self, cx: &mut Cx, what: Cow<'static, str>, error: CallError) {
        let failures = self.missing.entry(what.clone()).or_default();
        let wait = FIRST_RELOAD.checked_shl(*failures).unwrap_or(LAST_RELOAD).min(LAST_RELOAD);
        *failures = failures.saturating_add(1).min(16);
        cx.events.push(Event::Fault(Fault::NotLoaded { what, error: error.into() }));
        reload_in(cx, wait);
    }

    /// Has [`Chat::reload`] come for what the service has removed: that is no failure yet.
    pub(super) fn reload_soon(cx: &mut Cx) {
        reload_in(cx, FIRST_RELOAD);
    }

    /// It is there now.
    pub(super) fn loaded(&mut self, what: impl FnOnce() -> Cow<'static, str>) {
        if !self.missing.is_empty() {
            self.missing.remove(&what());
        }
    }
}

/// In that many milliseconds or up to half as many more, unless it comes before.
fn reload_in(cx: &mut Cx, wait: u64) {
    let at = cx.now + Duration::from_millis(wait + cx.jitter.below(wait / 2));
    if cx.timers.armed(Timer::Reload).is_none_or(|armed| at < armed) {
        cx.timers.arm(Timer::Reload, at);
    }
}
