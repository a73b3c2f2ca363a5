//! Commands across a crash (design §4 "Crashing").
//!
//! Whatever a save says, a command may have left after it was made: so each is looked for from where it can stand at
//! the lowest, and pushed again only when it is not found and nothing that was executed late can be left. When the
//! earlier life ended is not known, only that it had ended at the resume: that bound is counted from there. Only a save
//! with write-ahead proves that something did not leave: it did not before a save that names its list.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::queue::{Entry, Look, State};
use super::{Outbox, PATIENCE, UNCOVERED};
use crate::chat::commands::CommandOwner;
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::model::ChannelSid;
use crate::sync::EntityId;
use crate::time::Time;

/// The commands of a save, in the order of submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedOutbox {
    /// The lowest index that the next item of the list could have.
    pub(crate) bottom: u64,
    commands: Vec<SavedCommand>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedCommand {
    owner: CommandOwner,
    command_id: Box<str>,
    item: String,
    lane: Option<ChannelSid>,
    moved: bool,
    place: Place,
}

/// Where a command could stand when the save was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// It had not left, and there was no list.
    Here,
    /// In the list, from this index on, or later.
    From(u64),
    /// In the list, there.
    At(u64),
    /// In another list, of which nothing more is heard.
    Elsewhere,
}

/// What an earlier life may have done with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// Pushed it to this list,
    pub(crate) list: EntityId,
    /// where it stands from this index on;
    pub(crate) bottom: u64,
    /// nothing of that life is executed any more from then on.
    pub(crate) over: Time,
}

impl Earlier {
    pub(super) fn doubt(self, cx: &Cx) -> State {
        let look = Look { at: Some(cx.now), wait: PATIENCE };
        State::Doubt { bottom: self.bottom, again_at: self.over, look }
    }
}

impl SavedOutbox {
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether what it pushes is JSON: it becomes part of requests as it is.
    pub(crate) fn is_sound(&self) -> bool {
        let sound = |command: &SavedCommand| serde_json::from_str::<IgnoredAny>(&command.item).is_ok();
        self.commands.iter().all(sound)
    }

    pub(crate) fn holds(&self, owner: CommandOwner) -> bool {
        self.commands.iter().any(|command| command.owner == owner)
    }

    /// Gives owners their names in the new life.
    pub(crate) fn rename(&mut self, rename: impl Fn(CommandOwner) -> CommandOwner) {
        for command in &mut self.commands {
            command.owner = rename(command.owner);
        }
    }
}

impl Outbox {
    pub(in crate::chat::session) fn save(&self) -> SavedOutbox {
        let place = |state| match state {
            State::Waiting { .. } if self.list.is_some() => Place::From(self.bottom),
            State::Waiting { .. } => Place::Here,
            State::Pushing { list, bottom, .. } if self.list == Some(list) => Place::From(bottom),
            State::Pushing { .. } => Place::Elsewhere,
            State::Pushed { index, .. } => Place::At(index),
            State::Doubt { bottom, .. } => Place::From(bottom),
        };
        let commands = self.queue.iter().map(|(_, entry)| SavedCommand {
            owner: entry.owner,
            command_id: entry.command_id.clone(),
            item: entry.item.clone(),
            lane: entry.lane.clone(),
            moved: entry.moved,
            place: place(entry.state),
        });
        SavedOutbox { bottom: self.bottom, commands: commands.collect() }
    }

    /// Goes on where a save ended. `list` is that of the save; `sure` says that nothing left without one.
    pub(in crate::chat::session) fn resume(
        &mut self,
        cx: &mut Cx,
        saved: SavedOutbox,
        list: Option<EntityId>,
        sure: bool,
    ) {
        self.list = list;
        self.bottom = saved.bottom;
        let over = cx.now + cx.config.late_execution;
        for command in saved.commands {
            let SavedCommand { owner, command_id, item, lane, moved, place } = command;
            let known = match (place, list) {
                (Place::From(bottom), Some(list)) => Some(Earlier { list, bottom, over }.doubt(cx)),
                (Place::At(index), Some(_)) => {
                    Some(State::Pushed { index, look: Look { at: Some(cx.now), wait: PATIENCE } })
                }
                (Place::Here, _) if sure => Some(State::READY),
                _ => None,
            };
            let covered = list.is_some() || !cx.config.write_ahead;
            let cover = if covered { 0 } else { UNCOVERED };
            let state = known.unwrap_or(State::READY);
            let seq =
                self.queue.insert(Entry { owner, command_id, item, lane, state, cover, moved, throttled: 0 });
            if known.is_none() {
                self.answer(seq, Err(CallError::Unknown(Phase::Sent)));
            } else if !covered {
                self.uncovered.insert(seq);
            }
        }
        self.go_on(cx);
    }
}
