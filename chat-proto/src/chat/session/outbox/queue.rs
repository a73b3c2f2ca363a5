//! The session commands that wait for their answers, and the ways to find one.
//!
//! Whatever is said here of a command follows from its [`State`]: the indexes are changed in one place, with it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::chat::commands::CommandOwner;
use crate::model::ChannelSid;
use crate::sync::{EntityId, WriteId};
use crate::time::Time;

/// Names a command within the queue, in the order of submission.
pub(super) type Seq = u64;

/// A command that waits for its answer.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) owner: CommandOwner,
    pub(super) command_id: Box<str>,
    /// The item to push.
    pub(super) item: String,
    /// The channel that it sends a message to: its lane.
    pub(super) lane: Option<ChannelSid>,
    pub(super) state: State,
    /// A stored save of this revision contains it, so it may leave; only with write-ahead (design §4 "Crashing").
    pub(super) cover: u64,
    /// Whether it was refused because its list was gone: that is borne once (spec 03 §3.6).
    pub(super) moved: bool,
    /// How often it was throttled in a row.
    pub(super) throttled: u32,
}

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Surely not executed. It leaves when its turn comes, and not before that moment.
    Waiting { not_before: Option<Time> },
    /// On its way to `list`. From `bottom` on it can stand there. After `give_up` nothing more is heard of it.
    Pushing { write: WriteId, list: EntityId, bottom: u64, give_up: Option<Time> },
    /// It stands at `index`, or stood there.
    Pushed { index: u64, look: Look },
    /// Nobody knows. If it is not found by `again_at`, it is pushed again.
    Doubt { bottom: u64, again_at: Time, look: Look },
}

/// When to look a command up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// `None` while that goes on.
    pub(super) at: Option<Time>,
    /// The wait before.
    pub(super) wait: Duration,
}

impl State {
    pub(super) const READY: Self = Self::Waiting { not_before: None };

    /// Whether the service may have executed it.
    pub(super) fn has_left(self) -> bool {
        !matches!(self, Self::Waiting { .. })
    }

    /// When something is to be found out about it.
    fn look_at(self) -> Option<Time> {
        match self {
            Self::Waiting { .. } => None,
            Self::Pushing { give_up, .. } => give_up,
            Self::Pushed { look, .. } | Self::Doubt { look, .. } => look.at,
        }
    }
}

/// The commands.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    entries: BTreeMap<Seq, Entry>,
    next: Seq,
    owners: BTreeMap<CommandOwner, Seq>,
    commands: BTreeMap<Box<str>, Seq>,
    writes: BTreeMap<WriteId, Seq>,
    /// Of each channel the message-sending commands in order; only the first may leave.
    lanes: BTreeMap<ChannelSid, VecDeque<Seq>>,
    /// Waiting, and nothing holds them back but the list.
    ready: BTreeSet<Seq>,
    throttled: BTreeSet<(Time, Seq)>,
    looks: BTreeSet<(Time, Seq)>,
}

impl Queue {
    pub(super) fn insert(&mut self, entry: Entry) -> Seq {
        let seq = self.next;
        self.next += 1;
        self.owners.insert(entry.owner, seq);
        self.commands.insert(entry.command_id.clone(), seq);
        if let Some(lane) = &entry.lane {
            self.lanes.entry(lane.clone()).or_default().push_back(seq);
        }
        self.entries.insert(seq, entry);
        self.index(seq);
        seq
    }

    /// Takes a command out; the next of its lane may leave then.
    pub(super) fn remove(&mut self, seq: Seq) -> Option<Entry> {
        self.unindex(seq);
        let entry = self.entries.remove(&seq)?;
        if self.owners.get(&entry.owner) == Some(&seq) {
            self.owners.remove(&entry.owner);
        }
        self.commands.remove(&entry.command_id);
        if let Some(lane) = &entry.lane {
            let others = self.lanes.get_mut(lane);
            let first = others.and_then(|others| {
                others.retain(|other| *other != seq);
                others.front().copied()
            });
            match first {
                Some(first) => self.index(first),
                None => {
                    self.lanes.remove(lane);
                }
            }
        }
        Some(entry)
    }

    /// Changes how far a command has come; `change` may change the rest of it too.
    pub(super) fn update(&mut self, seq: Seq, change: impl FnOnce(&mut Entry)) {
        self.unindex(seq);
        if let Some(entry) = self.entries.get_mut(&seq) {
            change(entry);
        }
        self.index(seq);
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(&seq)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Seq, &Entry)> {
        self.entries.iter().map(|(seq, entry)| (*seq, entry))
    }

    pub(super) fn by_owner(&self, owner: CommandOwner) -> Option<Seq> {
        self.owners.get(&owner).copied()
    }

    pub(super) fn by_command(&self, command_id: &str) -> Option<Seq> {
        self.commands.get(command_id).copied()
    }

    pub(super) fn by_write(&self, write: WriteId) -> Option<Seq> {
        self.writes.get(&write).copied()
    }

    /// The commands whose turn it is and which a save of revision `stored` covers, oldest first.
    pub(super) fn ready(&self, stored: u64) -> Vec<Seq> {
        let covered = |seq: &&Seq| self.entries.get(seq).is_some_and(|entry| entry.cover <= stored);
        self.ready.iter().filter(covered).copied().collect()
    }

    /// Whether its lane, if it has one, is free for it.
    pub(super) fn has_turn(&self, seq: Seq) -> bool {
        self.entries.get(&seq).is_some_and(|entry| self.is_first(seq, entry))
    }

    /// When the next throttled command may leave.
    pub(super) fn next_throttled(&self) -> Option<Time> {
        self.throttled.first().map(|(at, _)| *at)
    }

    /// When the next command is to be looked up.
    pub(super) fn next_look(&self) -> Option<Time> {
        self.looks.first().map(|(at, _)| *at)
    }

    /// The throttled commands that may leave at `now`.
    pub(super) fn due_throttled(&self, now: Time) -> Vec<Seq> {
        self.throttled.iter().take_while(|(at, _)| *at <= now).map(|(_, seq)| *seq).collect()
    }

    /// The commands that are to be looked up at `now`.
    pub(super) fn due_looks(&self, now: Time) -> Vec<Seq> {
        self.looks.iter().take_while(|(at, _)| *at <= now).map(|(_, seq)| *seq).collect()
    }

    /// Whether a command is on its way to `list`.
    pub(super) fn is_pushing_to(&self, list: EntityId) -> bool {
        let mut entries = self.writes.values().filter_map(|seq| self.entries.get(seq));
        entries.any(|entry| matches!(entry.state, State::Pushing { list: to, .. } if to == list))
    }

    fn is_first(&self, seq: Seq, entry: &Entry) -> bool {
        let lane = entry.lane.as_ref().and_then(|lane| self.lanes.get(lane));
        lane.is_none_or(|lane| lane.front() == Some(&seq))
    }

    fn index(&mut self, seq: Seq) {
        let Some(entry) = self.entries.get(&seq) else {
            return;
        };
        match entry.state {
            State::Waiting { not_before: Some(at) } => {
                self.throttled.insert((at, seq));
            }
            State::Waiting { not_before: None } if self.is_first(seq, entry) => {
                self.ready.insert(seq);
            }
            State::Pushing { write, .. } => {
                self.writes.insert(write, seq);
            }
            _ => {}
        }
        if let Some(at) = entry.state.look_at() {
            self.looks.insert((at, seq));
        }
    }

    fn unindex(&mut self, seq: Seq) {
        let Some(entry) = self.entries.get(&seq) else {
            return;
        };
        match entry.state {
            State::Waiting { not_before: Some(at) } => {
                self.throttled.remove(&(at, seq));
            }
            State::Waiting { not_before: None } => {
                self.ready.remove(&seq);
            }
            State::Pushing { write, .. } => {
                self.writes.remove(&write);
            }
            _ => {}
        }
        if let Some(at) = entry.state.look_at() {
            self.looks.remove(&(at, seq));
        }
    }
}
