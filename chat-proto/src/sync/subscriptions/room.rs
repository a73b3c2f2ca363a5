//! How many more objects the service takes on one connection (spec 02 §2.11: 2,000, error 54419).
//!
//! A poke with too many objects is refused as a whole, and the refusal does not say how many were too many. So smaller
//! ones are tried, half of what may still fit at a time, one after the other, until no more fits. Then nothing is tried
//! before something left or the connection is a new one: a poke in vain helps nobody.

use alloc::vec::Vec;

use super::{Action, Input, Sid, Subscriptions};
use crate::cx::Cx;
use crate::sync::envelope::ErrorBody;
use crate::twilsock::{HttpReply, RequestError};

/// The code of the refusal.
pub(in crate::sync) const TOO_MANY: i64 = 54_419;

/// What is known of the room. Objects that the service has on this connection already take none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    /// So many more fit at most; `None` while nothing was refused.
    most: Option<usize>,
    /// So many of them are being tried.
    trying: usize,
}

impl Room {
    /// Whether nothing more fits.
    pub(super) fn is_full(self) -> bool {
        self.most == Some(0)
    }

    /// Whether pokes go one after the other, because it is being found out what fits.
    pub(super) fn is_tight(self) -> bool {
        self.most.is_some()
    }

    /// How many new objects the next poke may have.
    pub(super) fn next(self) -> usize {
        match self.most {
            None => usize::MAX,
            Some(_) if self.trying > 0 => 0,
            Some(most) => most.div_ceil(2),
        }
    }

    /// A poke with so many new objects leaves.
    pub(super) fn tries(&mut self, new: usize) {
        self.trying = self.trying.saturating_add(new);
    }

    /// It failed, for another reason than that it was too much.
    pub(super) fn failed(&mut self, new: usize) {
        self.trying = self.trying.saturating_sub(new);
    }

    /// It was taken.
    pub(super) fn took(&mut self, new: usize) {
        self.failed(new);
        // A poke from before anything was refused may have more.
        self.most = self.most.map(|most| most.checked_sub(new).unwrap_or(most));
    }

    /// It was too much. `false` if that cannot be, for it had nothing new.
    pub(super) fn refused(&mut self, new: usize) -> bool {
        self.failed(new);
        let Some(most) = new.checked_sub(1) else { return false };
        self.most = Some(self.most.map_or(most, |known| known.min(most)));
        true
    }

    /// An object left.
    pub(super) fn freed(&mut self) {
        self.most = self.most.map(|most| most.saturating_add(1));
    }
}

impl Subscriptions {
    /// What the next poke would ask for.
    pub(super) fn next_action(&self) -> Option<Action> {
        let news = self.room.next() > 0;
        let sendable = |(action, _, sid): &&(Action, u64, Sid)| {
            news || *action == Action::Cancel || self.records.get(sid).is_some_and(|record| record.stands)
        };
        self.due.iter().find(sendable).map(|(action, ..)| *action)
    }

    /// Whether objects wait for which there is no room.
    pub(super) fn is_too_much(&self) -> bool {
        self.room.is_full() && self.due.first().is_some_and(|(action, ..)| *action == Action::Establish)
    }

    /// Rejects what there is no room for. Gives what that was.
    pub(super) fn leave_out(&mut self, cx: &mut Cx) -> Vec<Sid> {
        let mut left_out = Vec::new();
        if self.is_too_much() {
            let due = self.due.iter().filter(|(action, ..)| *action == Action::Establish);
            left_out = due.map(|(_, _, sid)| sid.clone()).collect();
            left_out.retain(|sid| self.records.get(sid).is_some_and(|record| !record.stands));
            for sid in &left_out {
                self.input(cx, sid, Input::Full);
            }
        }
        left_out
    }

    /// There is room for some that were left out: those that were wanted first.
    pub(super) fn let_in(&mut self, cx: &mut Cx) {
        let left_out = self.records.iter().filter(|(_, record)| record.left_out);
        let mut left_out: Vec<(u64, Sid)> =
            left_out.map(|(sid, record)| (record.order, sid.clone())).collect();
        left_out.sort_unstable();
        for (_, sid) in left_out.into_iter().take(self.room.next()) {
            self.input(cx, &sid, Input::Renewed);
        }
    }
}

/// Whether a poke was refused because it has too many objects.
pub(super) fn is_too_many(result: &Result<HttpReply<'_>, RequestError>) -> bool {
    let body = result.as_ref().ok().map(|reply| reply.body);
    let error = body.and_then(|body| serde_json::from_slice::<ErrorBody<'_>>(body).ok());
    error.and_then(|error| error.code) == Some(TOO_MANY)
}
