//! Requests on their way: queue, flight, retries (spec 01 §3.7).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use super::header::Status;
use super::retry::{Attempts, Verdict};
use super::{HttpReply, Incoming, Notice, Owner, Request, RequestError, RequestId, Timer, outgoing};
use crate::command::FrameBytes;
use crate::cx::Cx;
use crate::small_map::SmallMap;

/// All requests that are not answered yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Upstream {
    /// Boxed: they are moved when one of many is answered.
    requests: SmallMap<RequestId, Box<Entry>>,
    /// Those to be sent. Ids rise, so this is the order of submission, also for one that must go again.
    queue: BTreeSet<RequestId>,
    /// Those under way, by the id of their frame; each attempt has its own.
    flying: BTreeMap<Box<str>, RequestId>,
}

#[derive(Debug, Clone)]
struct Entry {
    owner: Owner,
    request: Request,
    attempts: Attempts,
}

impl Upstream {
    pub(super) fn submit(&mut self, id: RequestId, owner: Owner, request: Request) {
        self.requests.insert(id, Box::new(Entry { owner, request, attempts: Attempts::default() }));
        self.queue.insert(id);
    }

    /// Nobody waits any more. What is under way still counts as that until it is answered, so that the limit holds.
    pub(super) fn forget(&mut self, cx: &mut Cx, id: RequestId) {
        self.requests.remove(&id);
        self.queue.remove(&id);
        cx.timers.cancel(Timer::RequestRetry(id));
    }

    /// The next frame to send, unless the limit of those under way is reached.
    pub(super) fn next(&mut self, cx: &mut Cx) -> Option<FrameBytes> {
        if self.flying.len() >= cx.config.limits.requests_in_flight.max(1) {
            return None;
        }
        let id = self.queue.pop_first()?;
        let entry = self.requests.get_mut(&id)?;
        let frame_id = cx.ids.frame_id();
        let bytes = outgoing::message(&frame_id, &entry.request);
        cx.stats.requests += 1;
        cx.stats.retries += u64::from(entry.attempts.sent(cx.now));
        self.flying.insert(frame_id.into(), id);
        cx.timers.arm(Timer::RequestReply(id), cx.now + cx.config.reply_timeout);
        Some(bytes)
    }

    /// A reply came. Gives what its owner must see: nothing when the request goes again.
    pub(super) fn reply<'a>(
        &mut self,
        cx: &mut Cx,
        frame_id: &str,
        status: &Status,
        reply: HttpReply<'a>,
    ) -> Option<Incoming<'a>> {
        let Some(id) = self.flying.remove(frame_id) else {
            cx.stats.stale += 1;
            return None;
        };
        cx.timers.cancel(Timer::RequestReply(id));
        // A forgotten one is not there any more.
        let owner = self.requests.get(&id)?.owner;
        if !status.is_success() {
            self.requests.remove(&id);
            let code = status.error_code.unwrap_or(0);
            let error = RequestError::Refused { status: status.code, code, message: status.message.clone() };
            return Some(Incoming::Reply { owner, result: Err(error) });
        }
        if let Some(wait) = self.retry(cx, id, reply.status) {
            cx.timers.arm(Timer::RequestRetry(id), cx.now + wait);
            return None;
        }
        self.requests.remove(&id);
        Some(Incoming::Reply { owner, result: Ok(reply) })
    }

    fn retry(&mut self, cx: &mut Cx, id: RequestId, status: u16) -> Option<Duration> {
        let entry = self.requests.get_mut(&id)?;
        entry.attempts.after_status(cx, entry.request.retry, status)
    }

    /// The wait before a repetition is over.
    pub(super) fn retry_due(&mut self, id: RequestId) {
        if self.requests.contains_key(&id) {
            self.queue.insert(id);
        }
    }

    /// No reply came in time.
    pub(super) fn timed_out(&mut self, id: RequestId) -> Option<Notice> {
        self.flying.retain(|_, flying| *flying != id);
        self.again_or_fail(id, Attempts::after_timeout, RequestError::TimedOut)
    }

    /// The socket is gone: nothing that was under way is answered any more (spec 01 §8 #2).
    pub(super) fn lost(&mut self, cx: &mut Cx, mut tell: impl FnMut(Notice)) {
        let flying: BTreeSet<RequestId> = core::mem::take(&mut self.flying).into_values().collect();
        for id in flying {
            cx.timers.cancel(Timer::RequestReply(id));
            if let Some(notice) = self.again_or_fail(id, Attempts::after_loss, RequestError::Lost) {
                tell(notice);
            }
        }
    }

    fn again_or_fail(
        &mut self,
        id: RequestId,
        judge: fn(&mut Attempts, super::Retry) -> Verdict,
        error: RequestError,
    ) -> Option<Notice> {
        let entry = self.requests.get_mut(&id)?;
        let verdict = judge(&mut entry.attempts, entry.request.retry);
        if verdict == Verdict::Again {
            self.queue.insert(id);
            return None;
        }
        self.requests.remove(&id).map(|entry| Notice::Failed { owner: entry.owner, error })
    }

    /// The client ends: everybody hears it, in the order of submission.
    pub(super) fn shut_down(&mut self, cx: &mut Cx, mut tell: impl FnMut(Notice)) {
        self.queue.clear();
        for id in core::mem::take(&mut self.flying).into_values() {
            cx.timers.cancel(Timer::RequestReply(id));
        }
        for (id, entry) in core::mem::take(&mut self.requests) {
            cx.timers.cancel(Timer::RequestRetry(id));
            tell(Notice::Failed { owner: entry.owner, error: RequestError::ShutDown });
        }
    }
}
