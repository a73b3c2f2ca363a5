//! Which objects are followed, and the pokes that make the service agree (spec 02 §2).
//!
//! Where the reference has quirks, the recommendations of §2.10 hold: no lost wake-up (Q1), further batches leave at
//! once (Q2), a poke touches only records that still wait for it (Q3), ids never repeat (Q4).

mod record;
mod room;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::entity::Entities;
use super::poke::{Action, PokeBody, PokeReply};
use super::table::{Input, State};
use super::{Kind, Tag, Timer, rest};
use crate::cx::Cx;
use crate::small_map::SmallMap;
use crate::time::Time;
use crate::twilsock::{HttpReply, RequestError, Url};
use record::{Poke, Record};
use room::Room;
pub(super) use room::TOO_MANY;

/// The name of an object on the wire.
pub(super) type Sid = Arc<str>;

/// The first wait before a poke, in milliseconds; it doubles until something succeeds (spec 02 §2.5).
const FIRST_DELAY: u64 = 100;
/// The shortest wait after a poke that the service was in no state to take: the first of spec 02 §6.3. (The reference
/// sends the same request again, at 4, 12, 28 and 60 s, and then backs off from 100 ms on. Here each poke is a new one,
/// with the cursors of its time, and the wait only grows.)
const UNAVAILABLE_DELAY: u64 = 4_000;
/// The longest wait.
const LAST_DELAY: u64 = 120_000;
/// How many objects a poke may have before the service said so (spec 02 §2.2).
const FIRST_BATCH: usize = 100;

/// The subscriptions of a client.
#[derive(Debug, Clone)]
pub(super) struct Subscriptions {
    connected: bool,
    records: BTreeMap<Sid, Record>,
    /// Those that wait for a poke, in its order.
    due: BTreeSet<(Action, u64, Sid)>,
    pokes: SmallMap<u64, Poke>,
    room: Room,
    /// How many are rejected because there was no room.
    left_out: usize,
    max_batch: usize,
    next_delay: u64,
    last_correlation_id: u64,
    next_order: u64,
    /// The next poke is the first after the time to live ended.
    expired: bool,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self {
            connected: false,
            records: BTreeMap::new(),
            due: BTreeSet::new(),
            pokes: SmallMap::default(),
            room: Room::default(),
            left_out: 0,
            max_batch: FIRST_BATCH,
            next_delay: FIRST_DELAY,
            last_correlation_id: 0,
            next_order: 0,
            expired: false,
        }
    }
}

impl Subscriptions {
    pub(super) fn state(&self, sid: &str) -> State {
        self.records.get(sid).map_or(State::Idle, |record| record.state)
    }

    /// Whether the object still waits for this poke.
    pub(super) fn waits_for(&self, sid: &str, correlation_id: Option<u64>) -> bool {
        correlation_id.is_some()
            && self.records.get(sid).is_some_and(|record| record.pending == correlation_id)
    }

    pub(super) fn subscribe(&mut self, cx: &mut Cx, sid: &Sid, kind: Kind) {
        if !self.records.contains_key(sid) {
            self.records.insert(sid.clone(), Record::new(kind));
        }
        self.input(cx, sid, Input::Subscribe);
        self.wake(cx);
    }

    /// Tells what happened to one object. `false`: nothing changed.
    pub(super) fn tell(&mut self, cx: &mut Cx, sid: &str, input: Input) -> bool {
        let changed = self.input(cx, sid, input);
        if changed && matches!(input, Input::Completed | Input::Interrupted) {
            self.calm(cx);
        }
        self.wake(cx);
        changed
    }

    /// One step through the table. Nothing is woken: the caller does.
    fn input(&mut self, cx: &mut Cx, sid: &str, input: Input) -> bool {
        let Some((sid, record)) = self.records.get_key_value(sid) else { return false };
        let Some(next) = record.state.after(input) else { return false };
        let sid = sid.clone();
        let (waited, action, order) = (record.pending, record.action(), record.order);
        if let Some(action) = action {
            self.due.remove(&(action, order, sid.clone()));
        }
        // What could not be asked for keeps its place.
        let order = if input == Input::PokeFailed { order } else { self.next_order };
        let Some(record) = self.records.get_mut(&sid) else { return false };
        record.state = next;
        record.pending = None;
        match input {
            Input::Silence => record.retries = record.retries.saturating_add(1),
            Input::Renewed | Input::Subscribe => record.retries = 0,
            _ => {}
        }
        let gone = next == State::Idle || matches!(input, Input::Dropped | Input::Failed | Input::Renewed);
        if gone && core::mem::take(&mut record.stands) {
            self.room.freed();
        }
        let (left_out, was_left_out) = (input == Input::Full, record.left_out);
        record.left_out = left_out;
        self.left_out = self.left_out.saturating_add(usize::from(left_out));
        self.left_out = self.left_out.saturating_sub(usize::from(was_left_out));
        if let Some(action) = record.action() {
            record.order = order;
            self.next_order = self.next_order.saturating_add(1);
            self.due.insert((action, order, sid.clone()));
        }
        if next == State::Idle {
            self.records.remove(&sid);
        }
        if let Some(correlation_id) = waited {
            self.release(cx, correlation_id);
        }
        true
    }

    /// One object less waits for a poke; the poke of the last is forgotten once it is answered.
    fn release(&mut self, cx: &mut Cx, correlation_id: u64) {
        if let Some(poke) = self.pokes.get_mut(&correlation_id) {
            poke.waiting = poke.waiting.saturating_sub(1);
            if poke.waiting == 0 && poke.window.is_some() {
                self.pokes.remove(&correlation_id);
                cx.timers.cancel(Timer::Watchdog(correlation_id));
            }
        }
    }

    /// Something succeeded: no more backing off ("calm", spec 02 §2.5).
    fn calm(&mut self, cx: &mut Cx) {
        self.next_delay = FIRST_DELAY;
        let soon = cx.now + Duration::from_millis(FIRST_DELAY);
        if cx.timers.armed(Timer::Flush).is_some_and(|at| at > soon) {
            cx.timers.cancel(Timer::Flush);
        }
    }

    /// Arms the poke timer when objects wait for a poke ("nudge", spec 02 §2.5), else disarms it: nobody is woken to
    /// find nothing to do.
    pub(super) fn wake(&mut self, cx: &mut Cx) {
        let new = |(action, ..): &(Action, u64, Sid)| *action == Action::Establish;
        if self.left_out > 0 && self.room.next() > 0 && !self.due.first().is_some_and(new) {
            self.let_in(cx);
        }
        if !self.connected || (self.next_action().is_none() && !self.is_too_much()) {
            cx.timers.cancel(Timer::Flush);
            if self.pokes.is_empty() {
                self.next_delay = FIRST_DELAY;
            }
        } else if cx.timers.armed(Timer::Flush).is_none() {
            let delay = self.next_delay.min(LAST_DELAY);
            self.next_delay = delay.saturating_mul(2);
            let delay = delay.saturating_add(cx.jitter.below(delay / 5 + 1)).min(LAST_DELAY);
            cx.timers.arm(Timer::Flush, cx.now + Duration::from_millis(delay));
        }
    }

    /// Connected (again): the service has forgotten everything, so all is asked for anew (spec 02 §2.9).
    pub(super) fn online(&mut self, cx: &mut Cx) {
        self.connected = true;
        self.expired = false;
        self.next_delay = FIRST_DELAY;
        self.renew(cx);
    }

    /// Nothing is sent until the next [`Subscriptions::online`], and nothing is waited for.
    pub(super) fn offline(&mut self, cx: &mut Cx) {
        self.connected = false;
        self.forget_pokes(cx);
        cx.timers.cancel(Timer::Ttl);
        self.wake(cx);
    }

    /// The time to live is over.
    pub(super) fn expire(&mut self, cx: &mut Cx) {
        if self.connected {
            self.expired = true;
            self.renew(cx);
        }
    }

    fn renew(&mut self, cx: &mut Cx) {
        cx.timers.cancel(Timer::Ttl);
        self.forget_pokes(cx);
        self.room = Room::default();
        let sids: Vec<Sid> = self.records.keys().cloned().collect();
        let mut by_order: Vec<(u64, Sid)> =
            sids.into_iter().filter_map(|sid| Some((self.records.get(&sid)?.order, sid))).collect();
        by_order.sort_unstable();
        for (_, sid) in by_order {
            self.input(cx, &sid, Input::Renewed);
        }
        for record in self.records.values_mut() {
            record.retries = 0;
        }
        self.wake(cx);
    }

    fn forget_pokes(&mut self, cx: &mut Cx) {
        for (correlation_id, _) in core::mem::take(&mut self.pokes) {
            cx.timers.cancel(Timer::Watchdog(correlation_id));
        }
    }

    /// Sends pokes for everything that waits (spec 02 §2.6), in as many batches as it takes. Gives what cannot be sent,
    /// because the service has no room for it.
    pub(super) fn flush(&mut self, cx: &mut Cx, entities: &mut Entities) -> Vec<Sid> {
        let left_out = self.leave_out(cx);
        // Without an address nothing can be asked; the backoff keeps that from spinning.
        if let Some(url) = rest::subscriptions_url(cx).filter(|_| self.connected) {
            while let Some(action) = self.next_action() {
                self.poke(cx, entities, action, url.clone());
                if self.room.is_tight() {
                    break;
                }
            }
        }
        self.wake(cx);
        left_out
    }

    fn poke(&mut self, cx: &mut Cx, entities: &mut Entities, action: Action, url: Url) {
        let due = self.due.iter().skip_while(|(of, ..)| *of != action).take_while(|(of, ..)| *of == action);
        let (mut new, room) = (0_usize, self.room.next());
        let fits = |sid: &Sid| {
            let stands =
                action == Action::Cancel || self.records.get(sid).is_some_and(|record| record.stands);
            let fits = stands || new < room;
            new = new.saturating_add(usize::from(fits && !stands));
            fits
        };
        let batch = due.map(|(_, _, sid)| sid.clone()).filter(fits).take(self.max_batch.max(1));
        let sids: Vec<Sid> = batch.collect();
        self.room.tries(new);
        let correlation_id = cx.config.unix_millis(cx.now).max(self.last_correlation_id.saturating_add(1));
        self.last_correlation_id = correlation_id;
        let retried = sids.iter().filter(|sid| self.records.get(*sid).is_some_and(|r| r.retries > 0)).count();
        let expired = core::mem::take(&mut self.expired);
        let mut body = PokeBody::new(action, correlation_id, retried, expired);
        for sid in &sids {
            self.input(cx, sid, Input::Poked);
            let Some(record) = self.records.get_mut(sid) else { continue };
            record.pending = Some(correlation_id);
            let cursor = match action {
                Action::Establish => entities.get_mut(sid).map(|open| open.poked()),
                Action::Cancel => None,
            };
            body.object(sid, record.kind, cursor);
        }
        let poke = Poke { waiting: sids.len(), sids, new, heard: None, window: None };
        self.pokes.insert(correlation_id, poke);
        cx.stats.pokes += 1;
        rest::post(cx, url, body.finish(), Tag::Poke(correlation_id));
    }

    /// Takes the answer to a poke. Acknowledgements may have come before it.
    pub(super) fn reply(
        &mut self,
        cx: &mut Cx,
        correlation_id: u64,
        result: &Result<HttpReply<'_>, RequestError>,
    ) {
        let good = result.as_ref().ok().filter(|reply| reply.is_success());
        let Some(reply) = good.and_then(|reply| PokeReply::parse(reply.body)) else {
            self.poke_failed(cx, correlation_id, room::is_too_many(result));
            if result.as_ref().is_ok_and(|reply| matches!(reply.status, 502..=504)) {
                self.next_delay = self.next_delay.max(UNAVAILABLE_DELAY);
                // What was to go sooner would fare no better.
                cx.timers.cancel(Timer::Flush);
            }
            self.wake(cx);
            return;
        };
        let Some(poke) = self.pokes.get_mut(&correlation_id) else {
            cx.stats.stale += 1;
            return;
        };
        self.max_batch = reply.max_batch.unwrap_or(self.max_batch);
        if let Some(ttl) = reply.ttl.filter(|_| cx.timers.armed(Timer::Ttl).is_none()) {
            cx.timers.arm(Timer::Ttl, cx.now + ttl);
        }
        poke.window = Some(reply.window);
        self.room.took(core::mem::take(&mut poke.new));
        for sid in &poke.sids {
            // A poke that cancels changes nothing here: what it had stood, or is gone.
            if let Some(record) = self.records.get_mut(sid).filter(|record| record.state != State::Rejected) {
                record.stands = true;
            }
        }
        if poke.waiting == 0 {
            self.pokes.remove(&correlation_id);
        } else {
            cx.timers.arm(Timer::Watchdog(correlation_id), cx.now + reply.window);
        }
        self.calm(cx);
        self.wake(cx);
    }

    fn poke_failed(&mut self, cx: &mut Cx, correlation_id: u64, too_many: bool) {
        let Some(poke) = self.pokes.remove(&correlation_id) else {
            cx.stats.stale += 1;
            return;
        };
        if too_many && self.room.refused(poke.new) {
            // A smaller one may be taken: no reason to wait.
            self.next_delay = FIRST_DELAY;
        } else if !too_many {
            self.room.failed(poke.new);
        }
        for sid in poke.sids {
            if self.waits_for(&sid, Some(correlation_id)) {
                self.input(cx, &sid, Input::PokeFailed);
            }
        }
    }

    /// The service spoke of a poke: its silence counts from now (spec 02 §2.10 Q9).
    pub(super) fn heard(&mut self, now: Time, correlation_id: u64) {
        if let Some(poke) = self.pokes.get_mut(&correlation_id) {
            poke.heard = Some(now);
        }
    }

    /// The watchdog of a poke fires: what is not acknowledged is poked again (spec 02 §2.7).
    pub(super) fn watchdog(&mut self, cx: &mut Cx, correlation_id: u64) {
        let Some(poke) = self.pokes.get(&correlation_id) else { return };
        if let (Some(heard), Some(window)) = (poke.heard, poke.window)
            && cx.now < heard + window
        {
            cx.timers.arm(Timer::Watchdog(correlation_id), heard + window);
            return;
        }
        if let Some(poke) = self.pokes.remove(&correlation_id) {
            for sid in poke.sids {
                if self.waits_for(&sid, Some(correlation_id)) {
                    self.input(cx, &sid, Input::Silence);
                }
            }
        }
        self.wake(cx);
    }
}
