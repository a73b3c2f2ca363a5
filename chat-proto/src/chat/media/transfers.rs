//! HTTP requests on their way: in turn, so many at once, given up when nothing moves, repeated when that may help
//! (spec 03 §5.1, §22 Q23).

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use crate::call::CallId;
use crate::chat::Timer;
use crate::command::Command;
use crate::cx::Cx;
use crate::error::CallError;
use crate::http::{HttpFailure, HttpId, HttpReply, HttpRequest};

/// How often a request is made in all (spec 03 §5.1).
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait that the other side is granted when it asks for one.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A transfer that ended, and the call that it was for.
pub(in crate::chat) type Ended = (CallId, Result<HttpReply, CallError>);

/// All transfers: a call has one at a time.
#[derive(Debug, Clone, Default)]
pub(in crate::chat) struct Transfers {
    all: BTreeMap<CallId, Transfer>,
    /// Those under way.
    flying: BTreeMap<HttpId, CallId>,
    /// Those that wait for their turn. One that waits for its repetition is in neither.
    ready: VecDeque<CallId>,
    last: u64,
}

#[derive(Debug, Clone)]
struct Transfer {
    request: HttpRequest,
    attempts: u32,
    /// Bytes that this attempt has moved.
    moved: u64,
    http: Option<HttpId>,
}

impl Transfers {
    /// Takes a request in. It leaves when its turn comes and the client is connected.
    pub(in crate::chat) fn start(&mut self, cx: &mut Cx, call: CallId, request: HttpRequest, online: bool) {
        self.all.insert(call, Transfer { request, attempts: 0, moved: 0, http: None });
        self.ready.push_back(call);
        self.flush(cx, online);
    }

    /// Makes the requests whose turn it is.
    pub(in crate::chat) fn flush(&mut self, cx: &mut Cx, online: bool) {
        while online && self.flying.len() < cx.config.limits.http_in_flight.max(1) {
            let Some(call) = self.ready.pop_front() else { return };
            let Some(transfer) = self.all.get_mut(&call) else { continue };
            self.last += 1;
            let http = HttpId(self.last);
            transfer.attempts = transfer.attempts.saturating_add(1);
            (transfer.moved, transfer.http) = (0, Some(http));
            self.flying.insert(http, call);
            cx.stats.http_requests += 1;
            cx.timers.arm(Timer::HttpIdle(call), cx.now + cx.config.reply_timeout);
            cx.commands.push_back(Command::Http { http, request: transfer.request.clone() });
        }
    }

    /// Bytes moved. Gives the call that they are for, unless that is no news.
    pub(in crate::chat) fn progress(&mut self, cx: &mut Cx, http: HttpId, bytes: u64) -> Option<CallId> {
        let Some(call) = self.flying.get(&http).copied() else {
            cx.stats.stale += 1;
            return None;
        };
        let transfer = self.all.get_mut(&call).filter(|transfer| transfer.moved < bytes)?;
        transfer.moved = bytes;
        cx.timers.arm(Timer::HttpIdle(call), cx.now + cx.config.reply_timeout);
        Some(call)
    }

    /// A request ended. Gives nothing when it is made again.
    pub(in crate::chat) fn done(
        &mut self,
        cx: &mut Cx,
        http: HttpId,
        result: Result<HttpReply, HttpFailure>,
        online: bool,
    ) -> Option<Ended> {
        let Some(call) = self.flying.remove(&http) else {
            cx.stats.stale += 1;
            return None;
        };
        cx.timers.cancel(Timer::HttpIdle(call));
        self.ended(cx, call, result, online)
    }

    /// Nothing moved for too long.
    pub(in crate::chat) fn idle(&mut self, cx: &mut Cx, call: CallId, online: bool) -> Option<Ended> {
        let http = self.all.get(&call)?.http?;
        self.flying.remove(&http);
        cx.commands.push_back(Command::CancelHttp { http });
        self.ended(cx, call, Err(HttpFailure::TimedOut), online)
    }

    /// The wait before a repetition is over.
    pub(in crate::chat) fn again(&mut self, cx: &mut Cx, call: CallId, online: bool) {
        self.ready.push_back(call);
        self.flush(cx, online);
    }

    /// Nobody waits any more.
    pub(in crate::chat) fn forget(&mut self, cx: &mut Cx, call: CallId) {
        let Some(transfer) = self.all.remove(&call) else { return };
        self.ready.retain(|waiting| *waiting != call);
        cx.timers.cancel(Timer::HttpIdle(call));
        cx.timers.cancel(Timer::HttpAgain(call));
        if let Some(http) = transfer.http {
            self.flying.remove(&http);
            cx.commands.push_back(Command::CancelHttp { http });
        }
    }

    fn ended(
        &mut self,
        cx: &mut Cx,
        call: CallId,
        result: Result<HttpReply, HttpFailure>,
        online: bool,
    ) -> Option<Ended> {
        let transfer = self.all.get_mut(&call)?;
        transfer.http = None;
        // What stands in a place of the host's cannot be taken back.
        let fresh = transfer.request.to.is_none() || transfer.moved == 0;
        let left = fresh && transfer.attempts < ATTEMPTS;
        let wait = FIRST_WAIT.saturating_mul(1_u32 << transfer.attempts.saturating_sub(1).min(8));
        let wait = match &result {
            Ok(reply) if left && deserves_another_try(cx, reply.status) => {
                Some(wait.max(reply.retry_after.unwrap_or_default().min(LONGEST_WAIT)))
            }
            Err(HttpFailure::Failed(_) | HttpFailure::TimedOut) if fresh && !online => {
                // There is no network: that is not held against it, and it goes again when there is one.
                transfer.attempts = 0;
                self.ready.push_front(call);
                return None;
            }
            Err(HttpFailure::Failed(_) | HttpFailure::TimedOut) if left => Some(wait),
            _ => None,
        };
        if let Some(wait) = wait {
            cx.timers.arm(Timer::HttpAgain(call), cx.now + wait);
            return None;
        }
        let limit = transfer.request.max_body;
        self.all.remove(&call);
        let result = match result {
            Ok(reply) if reply.body.len() > limit => Err(CallError::Transfer(HttpFailure::TooLarge)),
            Ok(reply) => Ok(reply),
            Err(failure) => Err(CallError::Transfer(failure)),
        };
        Some((call, result))
    }
}

fn deserves_another_try(cx: &Cx, status: u16) -> bool {
    match status {
        429 => cx.config.retry_when_throttled,
        502..=504 => true,
        _ => false,
    }
}
