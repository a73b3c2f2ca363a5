use std::cell::Cell;

use chat_proto::{Command, Input, Time};

use super::{Bounds, Kind};

/// The saves that the client asked for and that the host made.
#[derive(Debug, Clone, Default)]
pub(super) struct Saves {
    /// The revision that was asked for, and since when, until that is answered or reported.
    owed: Option<(u64, Time)>,
    /// The newest save that the host made, asked for or not. A cell, because making one changes nothing else.
    made: Cell<Option<u64>>,
    /// The save that would survive a crash now.
    stored: Option<u64>,
}

impl Saves {
    /// The host took a command.
    pub(super) fn asked(&mut self, now: Time, command: &Command) {
        if let Command::Save { revision } = command {
            self.owed = Some((*revision, now));
        }
    }

    /// The host made a save.
    pub(super) fn made(&self, revision: u64) {
        self.made.set(self.made.get().max(Some(revision)));
    }

    /// The host told something. What is wrong about it, if anything is.
    pub(super) fn told(&mut self, input: &Input<'_>) -> Option<Kind> {
        let Input::Stored { revision } = *input else { return None };
        self.owed.take_if(|(owed, _)| *owed <= revision);
        if self.made.get() < Some(revision) {
            return Some(Kind::StoredNotSaved { revision });
        }
        if Some(revision) < self.stored {
            return Some(Kind::StoredOutOfOrder { revision });
        }
        self.stored = Some(revision);
        None
    }

    /// A save that should have been stored by now; it is named once.
    pub(super) fn overdue(&mut self, now: Time, bounds: &Bounds) -> Option<Kind> {
        let (revision, _) = self.owed.take_if(|(_, since)| now.since(*since) > bounds.save)?;
        Some(Kind::SaveUnanswered { revision })
    }
}
