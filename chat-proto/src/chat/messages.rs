//! Messages: live ones and pages of older ones (spec 03 §9).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::channels::{Object, Part, Source, Waiting};
use super::message_item::Reader;
use super::own_channels::unreadable;
use super::{Asker, Chat, message_item};
use crate::cx::Cx;
use crate::event::Event;
use crate::model::{Channel, ChannelSid, Message};
use crate::state::ChannelEntry;
use crate::sync::{Change, Freshness, Item, Key, Output, Select};

/// How many events of a list may wait. Beyond it all that wait are told at once: order yields to memory (law 8).
const WAITING: usize = 1000;

impl Chat {
    /// What happens to a channel's message list.
    pub(super) fn message_list(&mut self, cx: &mut Cx, sid: &ChannelSid, output: Output<'_>) {
        match output {
            Output::Opened { .. } => self.stream_opened(cx, sid, Part::Messages),
            Output::OpenFailed { error, .. } => self.stream_lost(cx, sid, Part::Messages, Some(error)),
            Output::Removed { .. } => self.stream_lost(cx, sid, Part::Messages, None),
            Output::Item { change, item, .. } => {
                let Key::Index(index) = item.key else { return };
                let record = self.channels.records.get_mut(sid);
                let Some(waiting) = record.and_then(|record| record.reading_untold.as_mut()) else {
                    return self.message_event(cx, sid, change, index, item.data.get(), item.freshness);
                };
                let (data, freshness, event) = (item.data.get().into(), item.freshness, item.event);
                waiting.push(Waiting { change, index, data, freshness, event });
                if waiting.len() > WAITING {
                    let all = core::mem::take(waiting);
                    self.waited(cx, sid, all);
                }
            }
            _ => {}
        }
    }

    /// Events that waited are told.
    fn waited(&mut self, cx: &mut Cx, sid: &ChannelSid, events: Vec<Waiting>) {
        for event in events {
            self.message_event(cx, sid, event.change, event.index, &event.data, event.freshness);
        }
    }

    fn message_event(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        change: Change,
        index: u64,
        data: &str,
        freshness: Freshness,
    ) {
        if freshness == Freshness::Known
            && change != Change::Removed
            && let Some(held) = self.state.channels.get(sid).and_then(|entry| entry.messages.get(&index))
        {
            // A page brought it, in this state or a newer one, before its event did: it is told all the same.
            if change == Change::Added {
                let held = held.clone();
                self.tell_message(cx, held);
            }
            return;
        }
        match change {
            Change::Added => self.message_added(cx, sid, index, data),
            Change::Updated => self.message_updated(cx, sid, index, data),
            Change::Removed => self.message_removed(cx, sid, index),
        }
    }

    fn message_added(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64, text: &str) {
        let mut entry = self.state.channels.get_mut(sid);
        let members = entry.as_ref().map(|entry| &entry.members);
        let mut reader = Reader { channel: sid, members, unescape: &mut self.unescape };
        let message = match reader.read(text, index) {
            Ok(message) => Arc::new(message),
            Err(error) => return unreadable(cx, "message", &error),
        };
        let Some(entry) = &mut entry else { return };
        entry.messages.insert(index, message.clone());
        forget_old_messages(cx, entry);
        self.tell_message(cx, message);
    }

    fn tell_message(&mut self, cx: &mut Cx, message: Arc<Message>) {
        if let Some(record) = self.channels.records.get_mut(&message.channel) {
            record.untold = record.untold.map(|untold| untold.max(message.index.saturating_add(1)));
        }
        self.echo_seen(&message);
        self.typing_ended_by(cx, &message.channel, message.author.as_ref());
        cx.events.push(Event::MessageAdded(message));
    }

    fn message_updated(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64, text: &str) {
        let Some(entry) = self.state.channels.get_mut(sid) else { return };
        let Some(known) = entry.messages.get_mut(&index) else { return };
        let mut reader = Reader { channel: sid, members: Some(&entry.members), unescape: &mut self.unescape };
        match reader.read(text, index) {
            Ok(new) => {
                let reasons = message_item::apply(Arc::make_mut(known), &new);
                if !reasons.is_empty() {
                    cx.events.push(Event::MessageUpdated { message: known.clone(), reasons });
                }
            }
            Err(error) => unreadable(cx, "message", &error),
        }
    }

    fn message_removed(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64) {
        let Some(entry) = self.state.channels.get_mut(sid) else { return };
        if let Some(message) = entry.messages.remove(&index) {
            cx.events.push(Event::MessageRemoved(message));
        }
    }

    /// Messages of a page, in rising order. They stay live from now on, as far as the window reaches.
    pub(super) fn message_page(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        items: Vec<Item<'_>>,
    ) -> Vec<Arc<Message>> {
        let mut page = Vec::with_capacity(items.len());
        for item in items {
            let Key::Index(index) = item.key else { continue };
            // After a resume the versions of what the save held are not known, and what a page says is newer: its event
            // tells nothing more.
            if item.freshness != Freshness::Known {
                self.overtake_waiting(sid, index);
                self.message_updated(cx, sid, index, item.data.get());
            }
            let Some(entry) = self.state.channels.get_mut(sid) else { break };
            if let Some(known) = entry.messages.get(&index) {
                page.push(known.clone());
                continue;
            }
            let members = Some(&entry.members);
            let mut reader = Reader { channel: sid, members, unescape: &mut self.unescape };
            match reader.read(item.data.get(), index) {
                Ok(message) => {
                    let message = Arc::new(message);
                    entry.messages.insert(index, message.clone());
                    self.echo_paged(&message);
                    page.push(message);
                }
                Err(error) => unreadable(cx, "message", &error),
            }
        }
        if let Some(entry) = self.state.channels.get_mut(sid) {
            forget_old_messages(cx, entry);
        }
        page.sort_by_key(|message| message.index);
        page
    }

    /// A page shows a message as it was after events that still wait: they tell that it happened, and no state.
    fn overtake_waiting(&mut self, sid: &ChannelSid, index: u64) {
        let waiting = self.channels.records.get_mut(sid).and_then(|record| record.reading_untold.as_mut());
        for event in waiting.into_iter().flatten().filter(|event| event.index == index) {
            event.freshness = Freshness::Known;
        }
    }

    // ---- messages that no event told of

    /// The own user is a member now: every message from here on is to be told.
    pub(super) fn expect_messages(&mut self, channel: &Channel) {
        // The document may lag behind what was told in an earlier membership; that is not told again.
        let entry = self.state.channels.get(&channel.sid);
        let held = entry.and_then(|entry| entry.messages.keys().next_back()).copied();
        if let Some(record) = self.channels.records.get_mut(&channel.sid) {
            let newest = channel.last_message.and_then(|last| last.index).max(held);
            record.untold = Some(newest.map_or(0, |newest| newest.saturating_add(1)));
        }
        self.echoes_passed(&channel.sid);
    }

    /// A list was opened. Of a channel that the own user just joined, what was sent since is told before anything live.
    pub(super) fn read_untold_at_first(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        if let Some(record) = self.channels.records.get_mut(sid) {
            record.reading_untold = None;
        }
        match self.channels.records.get(sid) {
            Some(record) if record.source == Source::Sync && record.untold.is_some() => {
                self.read_untold(cx, sid);
            }
            _ => self.look_for_untold(cx, sid),
        }
    }

    /// The channel's document may know of a message that no event told of: one that was sent after the own user joined
    /// and before the list was opened (SDK defect 19), or whose event was lost (SDK defect 17). It is read then.
    pub(super) fn look_for_untold(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(entry) = self.state.channels.get(sid) else { return };
        let newest = entry.channel.last_message.and_then(|last| last.index);
        let Some(newest) = newest.filter(|newest| !entry.messages.contains_key(newest)) else { return };
        if self
            .channels
            .records
            .get(sid)
            .and_then(|record| record.untold)
            .is_some_and(|untold| newest >= untold)
        {
            self.read_untold(cx, sid);
        }
    }

    pub(super) fn read_untold(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let record = self.channels.records.get_mut(sid).filter(|record| record.reading_untold.is_none());
        let Some(record) = record else { return };
        if let (Some(untold), Object::Open(entity)) = (record.untold, record.messages) {
            record.reading_untold = Some(Vec::new());
            let select = Select { from: Some(alloc::format!("{untold}")), ..Select::all() };
            self.query(cx, entity, Asker::Untold(sid.clone()), select);
        }
    }

    pub(super) fn untold_page(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        items: Vec<Item<'_>>,
        next: Option<Box<str>>,
    ) {
        let fresh: Vec<(Key<'_>, Freshness)> =
            items.iter().map(|item| (item.key.clone(), item.freshness)).collect();
        let messages = self.message_page(cx, sid, items);
        let Some(record) = self.channels.records.get(sid) else { return };
        let untold = record.untold;
        // What waits tells of itself.
        let waiting = |index: u64| {
            let mut events = record.reading_untold.iter().flatten();
            events.any(|event| event.index == index && event.change == Change::Added)
        };
        let mut tell = Vec::new();
        for message in messages {
            let key = Key::Index(message.index);
            let freshness = fresh.iter().find(|(of, _)| *of == key).map(|(_, freshness)| *freshness);
            let due = match freshness {
                Some(Freshness::New) => true,
                // For `Ahead` the event is still to come, and tells.
                Some(Freshness::Ahead) | None => false,
                // Another page showed it before this one: that told nobody.
                Some(Freshness::Newer | Freshness::Known) => {
                    untold.is_some_and(|untold| message.index >= untold) && !waiting(message.index)
                }
            };
            if due {
                tell.push(message);
            }
        }
        for message in tell {
            self.tell_message(cx, message);
        }
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        match (next, record.messages) {
            (Some(token), Object::Open(entity)) => {
                self.query_page(cx, entity, Asker::Untold(sid.clone()), &token);
            }
            _ => self.untold_read(cx, sid),
        }
    }

    /// What there was is told. What the document named and the list does not have was deleted.
    pub(super) fn untold_read(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let newest =
            self.state.channel(sid).and_then(|channel| channel.last_message).and_then(|last| last.index);
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let beyond = newest.map_or(0, |newest| newest.saturating_add(1));
        record.untold = record.untold.map(|untold| untold.max(beyond));
        let waited = record.reading_untold.take().unwrap_or_default();
        self.waited(cx, sid, waited);
        self.echoes_passed(sid);
    }
}

/// Keeps the newest (law 8).
fn forget_old_messages(cx: &Cx, entry: &mut ChannelEntry) {
    while entry.messages.len() > cx.config.limits.messages_per_channel {
        entry.messages.pop_first();
    }
}
