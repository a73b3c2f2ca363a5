//! Session commands on their way: pushed in turn, answered once, looked for when their fate is not known, and pushed
//! again only when they surely were not executed (design §4 "Sending").

mod queue;
mod saving;
mod search;
mod walk;

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use self::queue::{Entry, Look, Queue, Seq, State};
pub(crate) use self::saving::{Earlier, SavedOutbox};
use self::walk::Walk;
use super::Timer;
use super::backoff::backoff;
use crate::chat::Timer as ChatTimer;
use crate::chat::commands::{CommandOwner, Response, SessionCommand};
use crate::chat::dialect::list;
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::sync::{EntityId, Fate, Item, Key, Order, WriteId};
use crate::time::Time;

/// How long an answer may take before it is looked for: a live event can be lost, and then nothing else would tell.
/// It only has to be clearly longer than an answer usually takes: a search that was not needed does no harm.
const PATIENCE: Duration = Duration::from_secs(5);

/// The cover of a command that no save was asked for.
const UNCOVERED: u64 = u64::MAX;

/// The answer to a command.
pub(super) type Answer = (CommandOwner, Result<Response, CallError>);

/// The list refuses us: it is gone, or not ours any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// The commands, and the list that they go to.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox {
    queue: Queue,
    online: bool,
    /// The list, while it is open.
    list: Option<EntityId>,
    /// Lists that were given up but are still followed, because commands were on their way there.
    retired: BTreeSet<EntityId>,
    /// The lowest index that the next item of the list can have.
    bottom: u64,
    /// With write-ahead: those that no save was asked for yet since they could be pushed to this list.
    uncovered: BTreeSet<Seq>,
    walk: Option<Walk>,
    answers: VecDeque<Answer>,
}

impl Outbox {
    pub(super) fn poll(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    pub(super) fn submit(
        &mut self,
        cx: &mut Cx,
        owner: CommandOwner,
        command: &SessionCommand,
        command_id: Box<str>,
        earlier: Option<Earlier>,
    ) {
        let item = list::item(command, &command_id);
        let lane = command.sends_to().cloned();
        let (state, cover) = match earlier {
            None => (State::READY, if cx.config.write_ahead { UNCOVERED } else { 0 }),
            Some(earlier) => (earlier.doubt(cx), 0),
        };
        let entry = Entry { owner, command_id, item, lane, state, cover, moved: false, throttled: 0 };
        let seq = self.queue.insert(entry);
        if earlier.is_some_and(|earlier| self.list != Some(earlier.list)) {
            self.answer(seq, Err(CallError::Unknown(Phase::Sent)));
        } else if cover == UNCOVERED {
            self.uncovered.insert(seq);
        }
        self.go_on(cx);
    }

    /// A save was stored, or something else happened that may let commands leave.
    pub(super) fn stored(&mut self, cx: &mut Cx) {
        self.go_on(cx);
    }

    /// Has a save made that contains what waits, and the list that it goes to.
    fn cover(&mut self, cx: &mut Cx) {
        if self.list.is_some() && !self.uncovered.is_empty() {
            let revision = cx.ask_save();
            for seq in core::mem::take(&mut self.uncovered) {
                self.queue.update(seq, |entry| entry.cover = revision);
            }
        }
    }

    /// Another list needs another save.
    fn uncover(&mut self, cx: &Cx) {
        if cx.config.write_ahead {
            let all: Vec<Seq> = self.queue.iter().map(|(seq, _)| seq).collect();
            for seq in &all {
                self.queue.update(*seq, |entry| entry.cover = UNCOVERED);
            }
            self.uncovered.extend(all);
        }
    }

    /// Takes a command back, if it surely was not executed.
    pub(super) fn withdraw(&mut self, cx: &mut Cx, owner: CommandOwner) -> bool {
        let waiting = self.find(owner).filter(|(_, entry)| !entry.state.has_left()).map(|(seq, _)| seq);
        let withdrawn = waiting.and_then(|seq| self.remove(seq)).is_some();
        self.go_on(cx);
        withdrawn
    }

    /// Stops waiting for a command; true if it may have been executed.
    pub(super) fn abandon(&mut self, cx: &mut Cx, owner: CommandOwner) -> bool {
        let entry = self.queue.by_owner(owner).and_then(|seq| self.remove(seq));
        self.close_retired(cx);
        self.go_on(cx);
        entry.is_some_and(|entry| entry.state.has_left())
    }

    pub(super) fn phase(&self, owner: CommandOwner) -> Phase {
        match self.find(owner) {
            Some((_, entry)) if entry.state.has_left() => Phase::Sent,
            _ if self.online && self.list.is_some() => Phase::Queued,
            _ => Phase::Offline,
        }
    }

    pub(super) fn is_in_doubt(&self, owner: CommandOwner) -> bool {
        self.find(owner).is_some_and(|(_, entry)| matches!(entry.state, State::Doubt { .. }))
    }

    fn find(&self, owner: CommandOwner) -> Option<(Seq, &Entry)> {
        let seq = self.queue.by_owner(owner)?;
        Some((seq, self.queue.get(seq)?))
    }

    // ---- the list

    /// Another list stands: everything that waits goes there.
    pub(super) fn opened(&mut self, cx: &mut Cx, list: EntityId) {
        self.list = Some(list);
        self.bottom = 0;
        self.go_on(cx);
    }

    pub(super) fn online(&mut self, cx: &mut Cx) {
        self.online = true;
        self.go_on(cx);
    }

    pub(super) fn offline(&mut self, cx: &mut Cx) {
        self.online = false;
        self.stop_walk(cx);
        self.go_on(cx);
    }

    /// The subscription stands, so events came as far as they will: whoever still has no answer is looked up, since a
    /// lost event must not hang a call.
    pub(super) fn subscribed(&mut self, cx: &mut Cx) {
        let unanswered: Vec<Seq> = self.queue.iter().map(|(seq, _)| seq).collect();
        for seq in unanswered {
            self.queue.update(seq, |entry| {
                if let State::Pushed { look, .. } | State::Doubt { look, .. } = &mut entry.state {
                    look.at = look.at.map(|_| cx.now);
                }
            });
        }
        self.go_on(cx);
    }

    /// The list is gone. What stood there cannot be asked for any more; what is on its way there is waited for, as it
    /// may surely not have been executed. `followed` says whether sync still knows the list.
    pub(super) fn vanished(&mut self, cx: &mut Cx, list: EntityId, followed: bool) {
        if self.list == Some(list) {
            self.list = None;
            self.stop_walk(cx);
            self.uncover(cx);
            let all: Vec<(Seq, State)> = self.queue.iter().map(|(seq, entry)| (seq, entry.state)).collect();
            for (seq, state) in all {
                match state {
                    State::Pushed { .. } | State::Doubt { .. } => {
                        self.answer(seq, Err(CallError::Unknown(Phase::Sent)));
                    }
                    State::Pushing { .. } => self.set_give_up(cx, seq),
                    State::Waiting { .. } => {}
                }
            }
        }
        if followed {
            self.retired.insert(list);
        } else {
            self.retired.remove(&list);
        }
        self.close_retired(cx);
        self.go_on(cx);
    }

    /// A push has its answer long before this, or a lost link is told: it only guards against a list that took the
    /// knowledge of its pushes along.
    fn set_give_up(&mut self, cx: &Cx, seq: Seq) {
        let at = cx.now + cx.config.reply_timeout.saturating_mul(2);
        self.queue.update(seq, |entry| {
            if let State::Pushing { give_up, .. } = &mut entry.state {
                *give_up = Some(at);
            }
        });
    }

    pub(super) fn is_retired(&self, list: EntityId) -> bool {
        self.retired.contains(&list)
    }

    fn close_retired(&mut self, cx: &mut Cx) {
        let queue = &self.queue;
        self.retired.retain(|list| {
            let keep = queue.is_pushing_to(*list);
            if !keep {
                cx.orders.push_back(Order::Close { entity: *list });
            }
            keep
        });
    }

    // ---- pushes

    fn push(&mut self, cx: &mut Cx, seq: Seq, list: EntityId) {
        let Some(entry) = self.queue.get(seq) else {
            return;
        };
        let write = cx.write_id();
        cx.orders.push_back(Order::Push { write, entity: list, data: entry.item.clone() });
        // The first attempt of a command in doubt may still be found, below the items that came since.
        let bottom = match entry.state {
            State::Doubt { bottom, .. } => bottom,
            _ => self.bottom,
        };
        self.queue.update(seq, |entry| entry.state = State::Pushing { write, list, bottom, give_up: None });
    }

    pub(super) fn pushed(&mut self, cx: &mut Cx, write: WriteId, index: u64) {
        let Some(seq) = self.queue.by_write(write) else {
            return;
        };
        let here = matches!(self.queue.get(seq), Some(Entry { state: State::Pushing { list, .. }, .. }) if self.list == Some(*list));
        if here {
            self.stands(cx, seq, index);
        } else {
            self.answer(seq, Err(CallError::Unknown(Phase::Sent)));
        }
        self.close_retired(cx);
        self.go_on(cx);
    }

    /// The list has it, so there will be an answer.
    fn stands(&mut self, cx: &Cx, seq: Seq, index: u64) {
        self.bottom = self.bottom.max(index.saturating_add(1));
        let look = Look { at: Some(cx.now + PATIENCE), wait: PATIENCE };
        self.queue.update(seq, |entry| {
            if let State::Pushing { .. } | State::Doubt { .. } = entry.state {
                entry.state = State::Pushed { index, look };
            }
        });
    }

    pub(super) fn push_failed(
        &mut self,
        cx: &mut Cx,
        write: WriteId,
        fate: Fate,
        error: CallError,
    ) -> Option<Gone> {
        let seq = self.queue.by_write(write)?;
        let entry = self.queue.get(seq)?;
        let State::Pushing { list, bottom, .. } = entry.state else {
            return None;
        };
        let (here, moved, throttled) =
            (self.list == Some(list), entry.moved, entry.throttled.saturating_add(1));
        let mut gone = None;
        match fate {
            Fate::NotExecuted if is_gone(&error) && !moved => {
                self.queue.update(seq, |entry| (entry.moved, entry.state) = (true, State::READY));
                gone = here.then_some(Gone);
            }
            Fate::NotExecuted if is_throttled(&error) && cx.config.retry_when_throttled => {
                let not_before = Some(cx.now + backoff(cx, throttled));
                self.queue.update(seq, |entry| {
                    (entry.throttled, entry.state) = (throttled, State::Waiting { not_before });
                });
            }
            Fate::NotExecuted => self.answer(seq, Err(error)),
            Fate::Unknown if here => {
                // It left before now: counting from now is late, which is the safe side.
                let again_at = cx.now + cx.config.late_execution;
                let look = Look { at: Some(cx.now), wait: PATIENCE };
                self.queue.update(seq, |entry| entry.state = State::Doubt { bottom, again_at, look });
            }
            Fate::Unknown => self.answer(seq, Err(CallError::Unknown(Phase::Sent))),
        }
        self.close_retired(cx);
        if gone.is_none() {
            self.go_on(cx);
        }
        gone
    }

    fn answer(&mut self, seq: Seq, result: Result<Response, CallError>) {
        if let Some(entry) = self.remove(seq) {
            self.answers.push_back((entry.owner, result));
        }
    }

    fn remove(&mut self, seq: Seq) -> Option<Entry> {
        self.uncovered.remove(&seq);
        self.queue.remove(seq)
    }

    // ---- items

    /// Takes an item of a list, from an event or a page. `list` is known to be ours.
    pub(super) fn item(&mut self, cx: &mut Cx, list: EntityId, item: &Item<'_>) {
        self.see(cx, list, item);
        self.close_retired(cx);
        self.go_on(cx);
    }

    fn see(&mut self, cx: &Cx, list: EntityId, item: &Item<'_>) {
        let Key::Index(index) = item.key else {
            return;
        };
        let here = self.list == Some(list);
        if here {
            self.bottom = self.bottom.max(index.saturating_add(1));
        }
        let Some(seen) = list::seen(item.data.get()) else {
            return;
        };
        let Some(seq) = self.queue.by_command(&seen.command_id) else {
            return;
        };
        match seen.answer {
            Some(result) => self.answer(seq, result),
            None if here => self.stands(cx, seq, index),
            None => {}
        }
    }

    // ---- turns and timers

    pub(super) fn timer(&mut self, cx: &mut Cx) {
        self.go_on(cx);
    }

    /// Does what can be done now, and arms the timers for the rest.
    fn go_on(&mut self, cx: &mut Cx) {
        self.cover(cx);
        if self.online && self.walk.is_none() && self.queue.next_look().is_some_and(|at| at <= cx.now) {
            self.search(cx);
        }
        if let Some(list) = self.list.filter(|_| self.online) {
            for seq in self.queue.due_throttled(cx.now) {
                self.queue.update(seq, |entry| entry.state = State::READY);
            }
            for seq in self.queue.ready(cx.stored) {
                if self.is_in_time(cx, seq) {
                    self.push(cx, seq, list);
                }
            }
        }
        let look = self.queue.next_look().filter(|_| self.online && self.walk.is_none());
        let again = self.queue.next_throttled().filter(|_| self.online && self.list.is_some());
        arm(cx, Timer::Look, look);
        arm(cx, Timer::Again, again);
    }

    /// Whether anybody still wants it. Calls of one deadline end one after the other, and the end of the first must not
    /// send the second.
    fn is_in_time(&self, cx: &Cx, seq: Seq) -> bool {
        match self.queue.get(seq).map(|entry| entry.owner) {
            Some(CommandOwner::Call(id)) => {
                cx.timers.armed(ChatTimer::Call(id)).is_none_or(|deadline| deadline > cx.now)
            }
            _ => true,
        }
    }
}

fn arm(cx: &mut Cx, timer: Timer, at: Option<Time>) {
    let timer = ChatTimer::Session(timer);
    if cx.timers.armed(timer) == at {
        return;
    }
    match at {
        Some(at) => cx.timers.arm(timer, at),
        None => cx.timers.cancel(timer),
    }
}

/// Codes that make the reference client create another session (spec 03 §3.6).
pub(super) fn is_gone(error: &CallError) -> bool {
    matches!(error, CallError::Sync { code: 54007 | 54150, .. })
}

fn is_throttled(error: &CallError) -> bool {
    matches!(error, CallError::Sync { status: 429, .. } | CallError::Transport { status: 429, .. })
}
