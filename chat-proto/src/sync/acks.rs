//! Acknowledgements of pokes (spec 02 §2.3, §2.7).

use alloc::vec::Vec;
use core::time::Duration;

use super::apply::emit;
use super::entity::Entity;
use super::envelope::Event;
use super::errors::sync_error;
use super::output::Output;
use super::subscriptions::{Sid, TOO_MANY};
use super::table::{Input, State};
use super::{Kind, Sync, Timer};
use crate::cx::Cx;

/// How long to wait after a refusal that may pass.
const ASK_AGAIN: Duration = Duration::from_mins(1);

impl Sync {
    pub(super) fn established<'a>(&mut self, cx: &mut Cx, event: &Event<'a>) -> Option<Output<'a>> {
        let sid = event.sid()?;
        if self.subscriptions.state(sid) != State::Establishing
            || !self.subscriptions.waits_for(sid, event.correlation_id)
        {
            // Late: of a poke that another replaced.
            return None;
        }
        match event.body.replay_status.as_ref().map(|text| &*text.0) {
            Some("completed") => self.completed(cx, sid, event.body.last_event_id),
            // While nothing can be taken, asking again at once would only replay in vain: the watchdog asks later.
            Some("interrupted") if self.behind.contains(sid) => None,
            Some("interrupted") => {
                if let Some(limit) = self.entities.get_mut(sid).and_then(|open| open.interrupted()) {
                    self.release(cx, sid, limit);
                }
                self.subscriptions.tell(cx, sid, Input::Interrupted);
                None
            }
            // Stays pending until the watchdog.
            _ => None,
        }
    }

    fn completed<'a>(&mut self, cx: &mut Cx, sid: &str, last_event_id: Option<i64>) -> Option<Output<'a>> {
        self.subscriptions.tell(cx, sid, Input::Completed);
        let entity = self.entities.get_mut(sid)?;
        entity.refused = None;
        if entity.behind {
            // Not all of the replay was taken: it counts only when it is complete (see `behind`).
            return None;
        }
        if entity.kind != Kind::Document {
            let limit = entity.complete(last_event_id);
            if entity.doubts(limit) {
                self.subscriptions.tell(cx, sid, Input::Again);
                return None;
            }
            self.release(cx, sid, limit);
        }
        let entity = self.entities.get(sid)?;
        if entity.lags() {
            // What came after the poke left shows another gap.
            self.subscriptions.tell(cx, sid, Input::Again);
            None
        } else {
            emit(&mut self.out, &entity.handles, |entity| Output::Subscribed { entity })
        }
    }

    pub(super) fn canceled<'a>(&mut self, cx: &mut Cx, event: &Event<'a>) -> Option<Output<'a>> {
        let sid = event.sid()?;
        if event.correlation_id.is_none() {
            self.subscriptions.tell(cx, sid, Input::Dropped);
        } else if self.subscriptions.waits_for(sid, event.correlation_id) {
            self.subscriptions.tell(cx, sid, Input::Canceled);
        }
        None
    }

    pub(super) fn failed<'a>(&mut self, cx: &mut Cx, event: &Event<'a>) -> Option<Output<'a>> {
        let sid = event.sid()?;
        let wanted = self.subscriptions.state(sid) == State::Establishing;
        if wanted && !self.subscriptions.waits_for(sid, event.correlation_id) {
            return None;
        }
        if !self.subscriptions.tell(cx, sid, Input::Failed) || !wanted {
            return None;
        }
        let error = event.body.error.as_ref();
        let status = error.and_then(|error| error.status).unwrap_or(0);
        let code = error.and_then(|error| error.code).unwrap_or(0);
        if status == 404 {
            return self.removed(cx, sid);
        }
        if is_passing(status) && cx.timers.armed(Timer::Refused).is_none() {
            cx.timers.arm(Timer::Refused, cx.now + ASK_AGAIN);
        }
        let message = error.and_then(|error| error.message.as_ref()).map(|text| &*text.0);
        self.refused(sid, (status, code), message)
    }

    /// The service has no room for it on this connection.
    pub(super) fn leave_out(&mut self, sid: &str) {
        let told = self.refused(sid, (400, TOO_MANY), Some("too many subscriptions on this connection"));
        self.out.extend(told);
    }

    fn refused(
        &mut self,
        sid: &str,
        (status, code): (u16, i64),
        message: Option<&str>,
    ) -> Option<Output<'static>> {
        let entity = self.entities.get_mut(sid)?;
        if entity.refused.replace((status, code)) == Some((status, code)) {
            return None;
        }
        let error = sync_error(status, code, message);
        let name = entity.name.clone();
        emit(&mut self.out, &entity.handles, |entity| Output::SubscriptionRefused {
            entity,
            name: name.clone(),
            error: error.clone(),
        })
    }

    /// Pokes again for what was refused for a passing reason. The reference never does (spec 02 §10 D7); but an object
    /// that was throttled once must not stay deaf until the connection breaks.
    pub(super) fn ask_again(&mut self, cx: &mut Cx) {
        let passing = |entity: &Entity| entity.refused.is_some_and(|(status, _)| is_passing(status));
        let sids: Vec<Sid> =
            self.entities.iter().filter(|(_, entity)| passing(entity)).map(|(sid, _)| sid.clone()).collect();
        for sid in sids {
            if self.subscriptions.state(&sid) == State::Rejected {
                self.subscriptions.tell(cx, &sid, Input::Renewed);
            }
        }
    }
}

/// Whether a refusal may be over in a while: throttled, or trouble of the service.
fn is_passing(status: u16) -> bool {
    status == 429 || status >= 500
}
