//! Calls that end before their time: withdrawn by the app, or past their deadline.

use super::Chat;
use super::calls::Wait;
use super::commands::CommandOwner;
use super::session::Withdrawn;
use crate::call::{Call, CallId, Cancel};
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::sync::Order;

impl Chat {
    pub(crate) fn cancel(&mut self, cx: &mut Cx, id: CallId) -> Cancel {
        let Some(pending) = self.calls.get(id) else { return Cancel::TooLate };
        if pending.earlier.is_some() {
            // An earlier life may have done it.
            return Cancel::TooLate;
        }
        let withdrawn = match &pending.wait {
            Wait::Command => self.session.withdraw(cx, CommandOwner::Call(id)) == Withdrawn::Forgotten,
            Wait::Effect(_) | Wait::Report | Wait::Typing | Wait::Push(_) | Wait::Transport => false,
            // A call whose command was executed and which only waits to show its result.
            Wait::Document(_) => !matches!(pending.call, Call::CreateChannel(_)),
            _ => true,
        };
        if !withdrawn {
            return Cancel::TooLate;
        }
        self.stop_waiting(cx, id);
        self.calls.answer(cx, id, Err(CallError::Cancelled));
        self.settle(cx);
        Cancel::Cancelled
    }

    /// A call's deadline passed.
    pub(super) fn deadline_passed(&mut self, cx: &mut Cx, id: CallId) {
        // What is being looked up is known, or may be pushed again and answered, after this.
        let in_doubt = self.session.is_in_doubt(CommandOwner::Call(id));
        let more = cx.config.late_execution.saturating_add(cx.config.reply_timeout);
        if !(in_doubt && self.calls.extend(cx, id, more)) {
            self.give_up(cx, id, CallError::DeadlineExceeded);
        }
    }

    /// Answers a call before its time. `otherwise` is said when nothing was or will be changed by it.
    pub(super) fn give_up(&mut self, cx: &mut Cx, id: CallId, otherwise: impl FnOnce(Phase) -> CallError) {
        let Some(pending) = self.calls.get(id) else { return };
        let error = match (pending.wait.clone(), self.online) {
            (Wait::Effect(sid), _) => {
                let step = self.effect_answer(id, &sid);
                return self.take(cx, id, step);
            }
            (Wait::Command, _) => {
                let phase = self.session.phase(CommandOwner::Call(id));
                let unknown = self.session.abandon(cx, CommandOwner::Call(id));
                if unknown { CallError::Unknown(Phase::Sent) } else { otherwise(phase) }
            }
            (Wait::Report, _) if self.horizon.is_sent(id) => CallError::Unknown(Phase::Sent),
            (Wait::Push(channel), _) if self.push_is_under_way(channel) => CallError::Unknown(Phase::Sent),
            (Wait::Typing | Wait::Transport, true) => CallError::Unknown(Phase::Sent),
            (_, false) | (Wait::Ready, _) => otherwise(Phase::Offline),
            (Wait::Query(_) | Wait::Rest(_) | Wait::Transfer, true) => otherwise(Phase::Sent),
            (_, true) => otherwise(Phase::Queued),
        };
        self.stop_waiting(cx, id);
        self.calls.answer(cx, id, Err(error));
    }

    /// Forgets what was asked on behalf of a call.
    pub(super) fn stop_waiting(&mut self, cx: &mut Cx, id: CallId) {
        match self.calls.get(id).map(|pending| pending.wait.clone()) {
            Some(Wait::Query(query)) => {
                self.queries.remove(&query);
                cx.orders.push_back(Order::Forget { query });
            }
            Some(Wait::Rest(read)) => {
                self.reads.remove(&read);
                self.rest.forget(cx, read);
            }
            Some(Wait::Report) => self.horizon.forget(id),
            Some(Wait::Transfer) => {
                self.transfers.forget(cx, id);
                // Its place is free; at the end nobody takes it any more.
                self.transfers.flush(cx, self.online && !self.ending.is_closing());
            }
            _ => {}
        }
    }
}
