//! The search for commands without an answer, and what follows from what it finds.

use alloc::vec::Vec;
use core::time::Duration;

use super::queue::{Look, Seq, State};
use super::walk::{Step, Walk};
use super::{Gone, Outbox, is_gone};
use crate::chat::session::backoff::doubled;
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::sync::{Item, QueryId};

/// The longest wait between two searches for the same answer.
const MAX_PATIENCE: Duration = Duration::from_mins(2);

impl Outbox {
    /// Takes a page; false if nobody here asked for it.
    pub(in crate::chat::session) fn page(
        &mut self,
        cx: &mut Cx,
        query: QueryId,
        items: &[Item<'_>],
        next: Option<&str>,
    ) -> bool {
        let Some(mut walk) = self.walk.take_if(|walk| walk.is(query)) else {
            return false;
        };
        if let Some(list) = self.list {
            for item in items {
                self.see(cx, list, item);
            }
        }
        match walk.page(cx, items, next) {
            Step::Onward => self.walk = Some(walk),
            Step::Done => self.searched(cx, &walk),
            Step::Lost => self.not_searched(cx, &walk.targets),
        }
        self.go_on(cx);
        true
    }

    /// Takes the failure of a query; `None` if nobody here asked for it.
    pub(in crate::chat::session) fn query_failed(
        &mut self,
        cx: &mut Cx,
        query: QueryId,
        error: &CallError,
    ) -> Option<Result<(), Gone>> {
        let walk = self.walk.take_if(|walk| walk.is(query))?;
        self.not_searched(cx, &walk.targets);
        if is_gone(error) {
            return Some(Err(Gone));
        }
        self.go_on(cx);
        Some(Ok(()))
    }

    /// The walk saw everything: what it did not find does not stand there, and is pushed again if nothing that was
    /// executed later can be left.
    fn searched(&mut self, cx: &mut Cx, walk: &Walk) {
        let Some(list) = self.list else {
            return;
        };
        for seq in walk.targets.iter().copied() {
            match self.queue.get(seq).map(|entry| entry.state) {
                Some(State::Doubt { again_at, .. }) if walk.since >= again_at => {
                    // Of a lane only the first may leave, and after a crash all of it is in doubt.
                    if self.queue.has_turn(seq) {
                        self.push(cx, seq, list);
                    } else {
                        self.queue.update(seq, |entry| entry.state = State::READY);
                    }
                }
                Some(State::Doubt { again_at, .. }) => self.look_at(seq, |look| look.at = Some(again_at)),
                Some(State::Pushed { .. }) => self.look_later(cx, seq),
                _ => {}
            }
        }
    }

    fn not_searched(&mut self, cx: &Cx, targets: &[Seq]) {
        for seq in targets {
            self.look_later(cx, *seq);
        }
    }

    fn look_later(&mut self, cx: &Cx, seq: Seq) {
        self.look_at(seq, |look| {
            look.at = Some(cx.now + look.wait);
            look.wait = doubled(look.wait, 1, MAX_PATIENCE);
        });
    }

    fn look_at(&mut self, seq: Seq, change: impl FnOnce(&mut Look)) {
        self.queue.update(seq, |entry| {
            if let State::Pushed { look, .. } | State::Doubt { look, .. } = &mut entry.state {
                change(look);
            }
        });
    }

    /// Breaks a search off; its targets are looked up as soon as it can be done.
    pub(super) fn stop_walk(&mut self, cx: &mut Cx) {
        if let Some(walk) = self.walk.take() {
            let now = cx.now;
            for seq in walk.forget(cx) {
                self.look_at(seq, |look| look.at = Some(now));
            }
        }
    }

    /// Begins a search for everything that is due.
    pub(super) fn search(&mut self, cx: &mut Cx) {
        let (mut targets, mut top, mut bottom) = (Vec::new(), Some(0), u64::MAX);
        for seq in self.queue.due_looks(cx.now) {
            match self.queue.get(seq).map(|entry| entry.state) {
                Some(State::Pushed { index, .. }) => {
                    top = top.map(|top| top.max(index));
                    bottom = bottom.min(index);
                }
                Some(State::Doubt { bottom: from, .. }) => {
                    top = None;
                    bottom = bottom.min(from);
                }
                _ => {
                    // Nothing was heard of its push, and its list is gone.
                    self.answer(seq, Err(CallError::Unknown(Phase::Sent)));
                    continue;
                }
            }
            self.look_at(seq, |look| look.at = None);
            targets.push(seq);
        }
        if let Some(list) = self.list
            && !targets.is_empty()
        {
            self.walk = Some(Walk::begin(cx, list, top, bottom, targets));
        }
        self.close_retired(cx);
    }
}
