//! Messages: live ones and pages of older ones (spec 03 §9).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::channels::Part;
use super::own_channels::unreadable;
use super::{Chat, message_item};
use crate::cx::Cx;
use crate::event::Event;
use crate::model::{ChannelSid, Message};
use crate::sync::{Change, Freshness, Item, Key, Output};

impl Chat {
    /// What happens to a channel's message list.
    pub(super) fn message_list(&mut self, cx: &mut Cx, sid: &ChannelSid, output: Output<'_>) {
        match output {
            Output::Opened { .. } => self.stream_opened(cx, sid, Part::Messages),
            Output::OpenFailed { error, .. } => self.stream_lost(cx, sid, Part::Messages, Some(error)),
            Output::Removed { .. } => self.stream_lost(cx, sid, Part::Messages, None),
            Output::Item { change, item, .. } => {
                let Key::Index(index) = item.key else { return };
                match change {
                    Change::Added => self.message_added(cx, sid, index, item.data.get()),
                    Change::Updated => self.message_updated(cx, sid, index, item.data.get()),
                    Change::Removed => self.message_removed(cx, sid, index),
                }
            }
            _ => {}
        }
    }

    fn message_added(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64, text: &str) {
        let message = match message_item::parse(text, sid, index) {
            Ok(message) => message,
            Err(error) => return unreadable(cx, "message", &error),
        };
        let Some(entry) = self.state.channels.get_mut(sid) else { return };
        // A page may have brought it before its event did: it is told all the same, once.
        let known = entry.messages.entry(index).or_insert_with(|| Arc::new(message.clone()));
        message_item::apply(Arc::make_mut(known), &message);
        let message = known.clone();
        self.forget_old_messages(cx, sid);
        self.echo_seen(sid, &message);
        self.typing_ended_by(cx, sid, message.author.as_ref());
        cx.events.push(Event::MessageAdded(message));
    }

    fn message_updated(&mut self, cx: &mut Cx, sid: &ChannelSid, index: u64, text: &str) {
        let Some(known) = self.state.channels.get_mut(sid).and_then(|entry| entry.messages.get_mut(&index))
        else {
            return;
        };
        match message_item::parse(text, sid, index) {
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
            if item.freshness == Freshness::Newer {
                self.message_updated(cx, sid, index, item.data.get());
            }
            let Some(entry) = self.state.channels.get_mut(sid) else { break };
            if let Some(known) = entry.messages.get(&index) {
                page.push(known.clone());
                continue;
            }
            match message_item::parse(item.data.get(), sid, index) {
                Ok(message) => {
                    let message = Arc::new(message);
                    entry.messages.insert(index, message.clone());
                    page.push(message);
                }
                Err(error) => unreadable(cx, "message", &error),
            }
        }
        self.forget_old_messages(cx, sid);
        page.sort_by_key(|message| message.index);
        page
    }

    /// Keeps the newest (law 8).
    fn forget_old_messages(&mut self, cx: &Cx, sid: &ChannelSid) {
        let Some(entry) = self.state.channels.get_mut(sid) else { return };
        while entry.messages.len() > cx.config.limits.messages_per_channel {
            entry.messages.pop_first();
        }
    }
}
