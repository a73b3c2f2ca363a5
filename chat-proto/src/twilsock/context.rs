//! The notification context: what this client wants to be told of (spec 01 §5.1).

use alloc::string::String;

use super::backoff::Backoff;
use super::{Timer, outgoing};
use crate::command::FrameBytes;
use crate::config::message_types;
use crate::cx::Cx;

/// All types are in one context, so there is one `put` for each connection, and the connection is announced once.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// Chosen once for the life of the client (spec 01 §2.12).
    notification_ctx_id: String,
    registered: bool,
    /// Frame id of the newest `put`, until it is answered.
    pending: Option<String>,
    backoff: Backoff,
}

impl Context {
    pub(super) fn new(cx: &mut Cx) -> Self {
        Self {
            notification_ctx_id: cx.ids.uuid(),
            registered: false,
            pending: None,
            backoff: Backoff::new(cx.config.retry),
        }
    }

    /// Whether the service confirmed it on this socket. A later `put` that repeats it changes nothing.
    pub(super) fn is_registered(&self) -> bool {
        self.registered
    }

    /// A frame that registers, and the timer for its answer.
    pub(super) fn put(&mut self, cx: &mut Cx) -> FrameBytes {
        let id = cx.ids.frame_id();
        let bytes = outgoing::put_notification_ctx(&id, &self.notification_ctx_id, &message_types());
        self.pending = Some(id);
        cx.timers.cancel(Timer::PutRetry);
        cx.timers.arm(Timer::PutReply, cx.now + cx.config.reply_timeout);
        bytes
    }

    /// Whether the reply `id` is for this.
    pub(super) fn awaits(&self, id: &str) -> bool {
        self.pending.as_deref() == Some(id)
    }

    /// The answer to the newest `put`.
    pub(super) fn answered(&mut self, cx: &mut Cx, success: bool) {
        if success {
            self.pending = None;
            self.registered = true;
            self.backoff.reset();
            cx.timers.cancel(Timer::PutReply);
        } else {
            self.failed(cx);
        }
    }

    /// The `put` was refused or not answered: it is repeated, for without it no event comes (spec 01 §8 #25).
    pub(super) fn failed(&mut self, cx: &mut Cx) {
        self.pending = None;
        cx.timers.cancel(Timer::PutReply);
        let wait = self.backoff.next(&mut cx.jitter);
        cx.timers.arm(Timer::PutRetry, cx.now + wait);
    }

    /// The socket is gone, and the registration with it.
    pub(super) fn lost(&mut self, cx: &mut Cx) {
        self.pending = None;
        self.registered = false;
        self.backoff.reset();
        cx.timers.cancel(Timer::PutReply);
        cx.timers.cancel(Timer::PutRetry);
    }
}
