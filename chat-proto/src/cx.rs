//! What a stage may touch outside itself: time, ids, timers and the queues between the stages.

use alloc::collections::VecDeque;

use crate::command::Command;
use crate::config::Config;
use crate::event::Event;
use crate::seed::{Ids, Jitter};
use crate::stats::Stats;
use crate::sync::{EntityId, Order, QueryId, WriteId};
use crate::time::Time;
use crate::timers::Timers;
use crate::twilsock::{Control, Owner, Request, RequestId, Submit};

/// The context that every stage is handed.
#[derive(Debug, Clone)]
pub(crate) struct Cx {
    pub(crate) now: Time,
    pub(crate) config: Config,
    pub(crate) ids: Ids,
    pub(crate) jitter: Jitter,
    pub(crate) timers: Timers,
    pub(crate) stats: Stats,
    /// To the host.
    pub(crate) commands: VecDeque<Command>,
    /// To the app.
    pub(crate) events: Events,
    /// From sync and chat to twilsock.
    pub(crate) submits: VecDeque<Submit>,
    /// From chat to twilsock.
    pub(crate) controls: VecDeque<Control>,
    /// From chat to sync.
    pub(crate) orders: VecDeque<Order>,
    /// How often this client was resumed, all its lives together.
    pub(crate) epoch: u64,
    /// Rises when something comes up that a save should contain.
    pub(crate) revision: u64,
    /// A save of this revision was stored.
    pub(crate) stored: u64,
    /// A save of this revision was asked for last.
    asked: u64,
    next_id: u64,
}

impl Cx {
    pub(crate) fn new(config: Config, ids: Ids, jitter: Jitter, now: Time) -> Self {
        Self {
            now,
            epoch: 0,
            revision: 0,
            stored: 0,
            asked: 0,
            ids,
            jitter,
            timers: Timers::default(),
            stats: Stats::default(),
            commands: VecDeque::new(),
            events: Events { queue: VecDeque::new(), limit: config.limits.events },
            submits: VecDeque::new(),
            controls: VecDeque::new(),
            orders: VecDeque::new(),
            next_id: 1,
            config,
        }
    }

    /// Gives back the room of queues that are empty and were long: after a start with a thousand channels they would
    /// keep it for ever.
    pub(crate) fn give_back(&mut self) {
        const KEPT: usize = 4;
        if self.submits.capacity() > KEPT {
            self.submits = VecDeque::new();
        }
        if self.orders.capacity() > KEPT {
            self.orders = VecDeque::new();
        }
        if self.commands.is_empty() && self.commands.capacity() > KEPT {
            self.commands = VecDeque::new();
        }
    }

    /// A number that this client never gave out before: for everything that needs a name inside the client.
    pub(crate) fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Has the host store a save that contains what there is now; gives the revision that such a save has. One is asked
    /// for at a time: what comes up meanwhile is in the next, or in this one when the host is not that quick.
    pub(crate) fn ask_save(&mut self) -> u64 {
        self.revision = self.revision.saturating_add(1);
        self.ask_if_idle();
        self.revision
    }

    /// A save of this revision was stored.
    pub(crate) fn save_stored(&mut self, revision: u64) {
        self.stored = self.stored.max(revision.min(self.revision));
        if self.revision > self.stored {
            self.ask_if_idle();
        }
    }

    fn ask_if_idle(&mut self) {
        if self.asked <= self.stored {
            self.asked = self.revision;
            self.commands.push_back(Command::Save { revision: self.asked });
        }
    }

    /// Asks twilsock to carry a request; the answer comes back to `owner`.
    pub(crate) fn request(&mut self, owner: Owner, request: Request) -> RequestId {
        let id = RequestId(self.next_id());
        self.submits.push_back(Submit::Request { id, owner, request });
        id
    }

    /// Withdraws a request whose answer nobody waits for any more. One that was sent still runs its course.
    pub(crate) fn forget_request(&mut self, id: RequestId) {
        self.submits.push_back(Submit::Forget(id));
    }

    pub(crate) fn entity_id(&mut self) -> EntityId {
        EntityId(self.next_id())
    }

    pub(crate) fn query_id(&mut self) -> QueryId {
        QueryId(self.next_id())
    }

    pub(crate) fn write_id(&mut self) -> WriteId {
        WriteId(self.next_id())
    }
}

/// Events on their way to the app.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    queue: VecDeque<Event>,
    limit: usize,
}

impl Events {
    /// Queues an event. A fault is told unless the app does not listen: nothing is lost without it, and a service that
    /// is unwell for days could fill the memory with them (law 8).
    pub(crate) fn push(&mut self, event: Event) {
        if matches!(event, Event::Fault(_)) && self.is_full() {
            return;
        }
        self.queue.push_back(event);
    }

    /// [`push`](Self::push)es what there is.
    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.push(event));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What the app has not taken yet.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.queue.iter()
    }

    /// Queues what makes an earlier one of its kind worthless. That one gives way if the app does not keep up, so that a
    /// connection that comes and goes for days does not fill the memory (law 8).
    pub(crate) fn push_newest(&mut self, event: Event, same_kind: fn(&Event) -> bool) {
        if self.is_full()
            && let Some(place) = self.queue.iter().rposition(same_kind)
        {
            self.queue.remove(place);
        }
        self.push(event);
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    /// Whether objects must fall behind: the app does not keep up. What is said of them is not lost, but read again.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.limit
    }

    /// Whether there is room again for those that fell behind: half the limit, so that it does not flap.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() <= self.limit / 2
    }
}
