//! Messages: live ones and pages of older ones (spec 03 §9).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::channels::Part;
use super::message_item::Reader;
use super::own_channels::unreadable;
use super::untold::Waiting;
use super::{Chat, message_item};
use crate::cx::Cx;
use crate::event::Event;
use crate::model::{ChannelSid, Message};
use crate::state::ChannelEntry;
use crate::sync::{Change, Freshness, Item, Key, Output};

impl Chat {
    /// What happens to a channel's message list.
    pub(super) fn message_list(&mut self, cx: &mut Cx, sid: &ChannelSid, output: Output<'_>) {
        match output {
            Output::Opened { .. } => self.stream_opened(cx, sid, Part::Messages),
            Output::OpenFailed { error, .. } => self.stream_lost(cx, sid, Part::Messages, Some(error)),
            Output::Removed { .. } => self.stream_lost(cx, sid, Part::Messages, None),
            Output::Skipped { .. } => self.messages_skipped(cx, sid),
            Output::Item { change, item, .. } => {
                let Key::Index(index) = item.key else { return };
                let Some(record) = self.channels.records.get_mut(sid) else { return };
                // Too late: when its event was passed over, the list was read, and it was told or was not there any more.
                if change == Change::Added
                    && item.event.is_none()
                    && record.untold.is_some_and(|untold| index < untold)
                {
                    cx.stats.duplicates += 1;
                    return;
                }
                let Some(reading) = record.reading_untold.as_mut() else {
                    if change != Change::Added || record.untold.is_some_and(|untold| untold < index) {
                        self.tell_overdue(cx, sid, change, index);
                    }
                    return self.message_event(cx, sid, change, index, item.data.get(), item.freshness);
                };
                let (data, freshness, event) = (item.data.get().into(), item.freshness, item.event);
                reading.wait(Waiting { change, index, data, freshness, event });
                let overflow = reading.overflow();
                self.waited(cx, sid, overflow);
            }
            _ => {}
        }
    }

    /// Events that waited are told.
    pub(super) fn waited(&mut self, cx: &mut Cx, sid: &ChannelSid, events: Vec<Waiting>) {
        for event in events {
            self.tell_overdue(cx, sid, event.change, event.index);
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

    pub(super) fn tell_message(&mut self, cx: &mut Cx, message: Arc<Message>) {
        if let Some(record) = self.channels.records.get_mut(&message.channel) {
            record.untold = record.untold.map(|untold| untold.max(message.index.saturating_add(1)));
        }
        self.echo_seen(&message);
        self.typing_ended_by(cx, &message.channel, message.author.as_ref());
        cx.events.push(Event::MessageAdded(message));
    }

    fn message_updated(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64, text: &str) {
        let updated = self.message_changes(cx, sid, index, text);
        cx.events.extend(updated);
    }

    /// A message that is held has these values; gives what there is to tell of it.
    fn message_changes(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64, text: &str) -> Option<Event> {
        let entry = self.state.channels.get_mut(sid)?;
        let known = entry.messages.get_mut(&index)?;
        let mut reader = Reader { channel: sid, members: Some(&entry.members), unescape: &mut self.unescape };
        match reader.read(text, index) {
            Ok(new) => {
                let reasons = message_item::apply(Arc::make_mut(known), &new);
                (!reasons.is_empty()).then(|| Event::MessageUpdated { message: known.clone(), reasons })
            }
            Err(error) => {
                unreadable(cx, "message", &error);
                None
            }
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
                let to_come = self.is_to_be_told(sid, index, item.freshness);
                if let Some(updated) = self.message_changes(cx, sid, index, item.data.get())
                    && !to_come
                {
                    cx.events.push(updated);
                }
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
}

/// Keeps the newest (law 8).
fn forget_old_messages(cx: &Cx, entry: &mut ChannelEntry) {
    while entry.messages.len() > cx.config.limits.messages_per_channel {
        entry.messages.pop_first();
    }
}
