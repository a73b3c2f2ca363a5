//! The end of a client: every pending call is answered, then the socket is closed.

use super::{Chat, Timer, Wait};
use crate::call::CallId;
use crate::cx::Cx;
use crate::error::CallError;
use crate::time::Time;
use crate::twilsock::Control;

/// How far the end has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has not begun.
    #[default]
    No,
    /// Pending calls go on; nothing new is accepted.
    Draining(CallId),
    /// The transport closes.
    Closing,
    /// It is over.
    Over,
}

impl Ending {
    pub(super) fn has_begun(self) -> bool {
        self != Self::No
    }

    /// Whether nothing new may begin at all.
    pub(super) fn is_closing(self) -> bool {
        matches!(self, Self::Closing | Self::Over)
    }
}

impl Chat {
    /// Whether the client was shut down and everything is answered.
    pub(crate) fn is_over(&self) -> bool {
        self.ending == Ending::Over
    }

    /// Begins to end; pending calls may go on until `drain_until`.
    pub(super) fn shut_down(&mut self, cx: &mut Cx, id: CallId, drain_until: Option<Time>) {
        self.ending = Ending::Draining(id);
        // Ending takes the time it takes: it has a deadline of its own.
        cx.timers.cancel(Timer::Call(id));
        self.calls.wait(id, Wait::Transport);
        match drain_until.filter(|until| *until > cx.now) {
            Some(until) => cx.timers.arm(Timer::Drain, until),
            None => self.end(cx),
        }
    }

    /// Ends as soon as no other call is pending.
    pub(super) fn end_if_drained(&mut self, cx: &mut Cx) {
        if matches!(self.ending, Ending::Draining(_)) && self.calls.len() <= 1 {
            self.end(cx);
        }
    }

    /// Answers what is pending and closes the transport.
    pub(super) fn end(&mut self, cx: &mut Cx) {
        let Ending::Draining(shutdown) = self.ending else { return };
        self.ending = Ending::Closing;
        cx.timers.cancel(Timer::Drain);
        for id in self.calls.ids().into_iter().filter(|id| *id != shutdown) {
            self.give_up(cx, id, |_| CallError::ShutDown);
        }
        cx.controls.push_back(Control::Shutdown { call: shutdown });
    }

    pub(super) fn ended(&mut self, cx: &mut Cx) {
        self.ending = Ending::Over;
        cx.timers.clear();
    }
}
