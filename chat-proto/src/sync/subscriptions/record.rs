//! What is kept of each object and of each poke.

use alloc::vec::Vec;
use core::time::Duration;

use super::Sid;
use crate::sync::Kind;
use crate::sync::poke::Action;
use crate::sync::table::State;
use crate::time::Time;

/// The subscription of one object.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) state: State,
    /// The poke whose acknowledgement it waits for.
    pub(super) pending: Option<u64>,
    /// Its place among those that wait for a poke: the order of subscribing.
    pub(super) order: u64,
    /// How many pokes with it were not acknowledged.
    pub(super) retries: u32,
    /// The service took a poke with it on this connection.
    pub(super) stands: bool,
    /// It is rejected because there was no room.
    pub(super) left_out: bool,
}

impl Record {
    pub(super) fn new(kind: Kind) -> Self {
        let state = State::Idle;
        Self { kind, state, pending: None, order: 0, retries: 0, stands: false, left_out: false }
    }

    pub(super) fn action(&self) -> Option<Action> {
        match self.state {
            State::Wanted => Some(Action::Establish),
            State::Leaving => Some(Action::Cancel),
            _ => None,
        }
    }
}

/// A poke whose answer or acknowledgements are awaited.
#[derive(Debug, Clone)]
pub(super) struct Poke {
    pub(super) sids: Vec<Sid>,
    /// How many of them the service has to make room for.
    pub(super) new: usize,
    /// How many of them still wait for it.
    pub(super) waiting: usize,
    /// When the service last spoke of it.
    pub(super) heard: Option<Time>,
    /// How long it may be silent; known once it answered.
    pub(super) window: Option<Duration>,
}
