//! What no event told is read, where Sync accepted a jump in the ids of an object's events
//! ([`Output::Skipped`](crate::sync::Output::Skipped)): the map of own channels, rosters, people. Messages have
//! [their own way](super::untold), as each of them is to be told.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::channels::{Reading, Source};
use super::own_channels::OWN_CHANNELS;
use super::{Asker, Chat};
use crate::cx::Cx;
use crate::error::CallError;
use crate::model::{ChannelSid, ChannelStatus, Identity};
use crate::sync::{EntityId, Item, Key, Order, Select};

/// Whether the map of own channels is to be read because events of it did not come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Reread {
    #[default]
    No,
    /// As soon as it can be.
    Wanted,
    /// The channels that it named so far.
    UnderWay(BTreeSet<ChannelSid>),
}

impl Chat {
    // ---- own channels

    /// Reads the map, from its beginning.
    pub(super) fn reread_own_map(&mut self, cx: &mut Cx) {
        let before = core::mem::replace(&mut self.channels.reread, Reread::Wanted);
        if let Some(entity) = self.channels.own_map.entity().filter(|_| self.channels.own_map.is_open()) {
            self.channels.reread = Reread::UnderWay(BTreeSet::new());
            self.walk(cx, entity, Asker::OwnMap, matches!(before, Reread::UnderWay(_)));
        }
    }

    pub(super) fn own_map_page(&mut self, cx: &mut Cx, items: Vec<Item<'_>>, next: Option<Box<str>>) {
        for item in items {
            self.own_channel_item(cx, &item);
            self.own_map_names(&item.key);
        }
        match (next, self.channels.own_map.entity()) {
            (Some(token), Some(entity)) => {
                self.query_page(cx, entity, Asker::OwnMap, &token);
            }
            _ => self.own_map_read(cx),
        }
    }

    pub(super) fn own_map_failed(&mut self, cx: &mut Cx, error: CallError) {
        self.channels.reread = Reread::Wanted;
        self.reload_later(cx, OWN_CHANNELS.into(), error);
    }

    /// A page or an event of the map names this channel.
    pub(super) fn own_map_names(&mut self, key: &Key<'_>) {
        if let (Reread::UnderWay(named), Key::Name(sid)) = (&mut self.channels.reread, key) {
            named.insert(ChannelSid::new(&**sid));
        }
    }

    /// All of it is read: where the own user takes part and it does not say so, that is over.
    fn own_map_read(&mut self, cx: &mut Cx) {
        let Reread::UnderWay(named) = core::mem::take(&mut self.channels.reread) else { return };
        self.loaded(|| OWN_CHANNELS.into());
        let list_is_older = self.channels.reading == Reading::Done;
        let takes_part = |status| matches!(status, ChannelStatus::Joined | ChannelStatus::Invited);
        let over = self.channels.records.iter().filter(|(sid, record)| {
            let (source, status) = match (&record.early, self.state.channel(sid)) {
                (_, Some(channel)) => (record.source, Some(channel.status)),
                (Some(early), None) => (early.0, early.1.status),
                (None, None) => return false,
            };
            // What the directory said, and a list that is still being read, may be newer.
            let is_older = source == Source::Sync || source == Source::SyncList && list_is_older;
            is_older && status.is_some_and(takes_part) && !named.contains(*sid)
        });
        let over: Vec<_> = over.map(|(sid, _)| sid.clone()).collect();
        for sid in over {
            self.no_longer_own(cx, &sid);
        }
    }

    // ---- the others

    /// Reads a roster from its beginning: whoever is in none of its pages has left.
    pub(super) fn read_roster(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let Some(entity) = record.roster.entity().filter(|_| record.roster.is_open()) else { return };
        let again = record.reading_roster.replace(BTreeSet::new()).is_some();
        self.walk(cx, entity, Asker::Roster(sid.clone()), again);
    }

    /// Reads what a person's map says. If that fails the next change of each value shows it.
    pub(super) fn reread_user(&mut self, cx: &mut Cx, identity: &Identity, entity: EntityId) {
        self.walk(cx, entity, Asker::User(identity.clone()), true);
    }

    /// Asks for all items of an object. If that was done before and may not be over (`again`), pages that were asked for
    /// then do not count any more.
    fn walk(&mut self, cx: &mut Cx, entity: EntityId, asker: Asker, again: bool) {
        if again {
            self.queries.retain(|query, (_, of)| {
                let stays = *of != asker;
                if !stays {
                    cx.orders.push_back(Order::Forget { query: *query });
                }
                stays
            });
        }
        self.query(cx, entity, asker, Select::all());
    }
}
