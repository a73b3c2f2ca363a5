//! What the client keeps of each channel besides what it tells the app: which objects are open, who said what last.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;

use super::document::ChannelData;
use super::passed_over::Reread;
use super::untold::Untold;
use crate::model::{ChannelSid, MemberSid};
use crate::sync::EntityId;
use crate::text_map::TextMap;

/// Where a record of a channel came from (spec 03 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Source {
    /// Nothing has said how the own user stands to it.
    None,
    /// The list of own channels, read once at the start.
    SyncList,
    /// The own channels map: it is followed, so whatever came from elsewhere is older.
    Sync,
    /// The directory.
    Chat,
}

impl Source {
    /// Whether a record from `new` may change what one from `self` said: the table of spec 03 §7.2.
    pub(super) fn yields_to(self, new: Self) -> bool {
        match (self, new) {
            (Self::Sync, new) => new == Self::Sync,
            (Self::SyncList, new) => matches!(new, Self::Sync | Self::SyncList),
            (Self::None | Self::Chat, _) => true,
        }
    }
}

/// The life of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Object {
    #[default]
    Closed,
    Opening(EntityId),
    Open(EntityId),
}

impl Object {
    pub(super) fn entity(self) -> Option<EntityId> {
        match self {
            Self::Closed => None,
            Self::Opening(entity) | Self::Open(entity) => Some(entity),
        }
    }

    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Open(_))
    }
}

/// Which of a channel's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Document,
    Messages,
    Roster,
}

/// One channel.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) source: Source,
    /// Name of the document.
    pub(super) name: Box<str>,
    pub(super) document: Object,
    pub(super) messages: Object,
    pub(super) roster: Object,
    /// From the document.
    pub(super) messages_name: Option<Box<str>>,
    /// From the document.
    pub(super) roster_name: Option<Box<str>>,
    /// What was said of the channel while its document was not there yet: the last word counts (spec 03 §22 Q11).
    pub(super) early: Option<Box<(Source, ChannelData<'static>)>>,
    /// The members seen since the roster was opened, until all pages are read.
    pub(super) reading_roster: Option<BTreeSet<MemberSid>>,
    /// Who was not in the pages any more, and was told to have left: events of them may still come.
    pub(super) gone: BTreeSet<MemberSid>,
    /// Of a member: the lowest index that a message may have of which the app was not told.
    pub(super) untold: Option<u64>,
    /// The same when the own user was last a member: what was told then is not told again.
    pub(super) told_before: Option<u64>,
    /// While messages that nobody told of are being read.
    pub(super) reading_untold: Option<Box<Untold>>,
}

impl Record {
    pub(super) fn new(name: Box<str>, early: Option<(Source, ChannelData<'_>)>) -> Self {
        Self {
            source: Source::None,
            name,
            document: Object::Closed,
            messages: Object::Closed,
            roster: Object::Closed,
            messages_name: None,
            roster_name: None,
            early: early.map(|(source, data)| Box::new((source, data.into_owned()))),
            reading_roster: None,
            gone: BTreeSet::new(),
            untold: None,
            told_before: None,
            reading_untold: None,
        }
    }

    pub(super) fn object(&mut self, part: Part) -> &mut Object {
        match part {
            Part::Document => &mut self.document,
            Part::Messages => &mut self.messages,
            Part::Roster => &mut self.roster,
        }
    }

    /// The lowest id of the events of the list that wait: the app was told none from here on.
    pub(super) fn first_waiting(&self) -> Option<i64> {
        self.reading_untold.as_ref().and_then(|reading| reading.first_waiting())
    }

    /// Whether messages arrive and all members are known.
    pub(super) fn streams_ready(&self) -> bool {
        self.messages.is_open() && self.roster.is_open() && self.reading_roster.is_none()
    }
}

/// How far the list of own channels is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Reading {
    #[default]
    NotBegun,
    UnderWay,
    Done,
    Failed,
}

/// All channels.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels {
    pub(super) records: TextMap<ChannelSid, Record>,
    /// The own channels map.
    pub(super) own_map: Object,
    pub(super) reading: Reading,
    pub(super) reread: Reread,
    /// Removed before the list of own channels was read: the list may still name them (spec 03 §7.5).
    pub(super) tombstones: BTreeSet<ChannelSid>,
}

impl Channels {
    /// Whether all that the list and the map say is taken in.
    pub(super) fn is_complete(&self) -> bool {
        self.reading == Reading::Done && self.reread == Reread::No
    }

    /// The map is gone, and told nothing since: the list that is read once it is open again knows better, and the map
    /// itself, what is in it no more.
    pub(super) fn map_lost(&mut self) {
        self.reread = Reread::Wanted;
        for record in self.records.values_mut().filter(|record| record.source == Source::Sync) {
            record.source = Source::SyncList;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source::{Chat, None, Sync, SyncList};

    /// Spec 03 §7.2, cell by cell.
    #[test]
    fn precedence() {
        for (current, accepts) in [
            (None, [true, true, true]),
            (Sync, [true, false, false]),
            (SyncList, [true, true, false]),
            (Chat, [true, true, true]),
        ] {
            assert_eq!([Sync, SyncList, Chat].map(|new| current.yields_to(new)), accepts, "{current:?}");
        }
    }
}
