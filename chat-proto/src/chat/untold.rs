//! Messages of which no event told: they are read and told in their place among those that events tell of.
//!
//! There are three kinds. What was sent after the own user joined and before the message list was opened, or followed
//! again (SDK defect 19). What the channel's document names, and no event came (SDK defect 17). And what was passed over
//! when Sync accepted a jump in the ids of the list's events ([`Output::Skipped`](crate::sync::Output::Skipped)).

mod queue;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeBounds;

pub(super) use self::queue::{Untold, Waiting};
use super::channels::{Object, Source};
use super::{Asker, Chat};
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::Event;
use crate::model::{Channel, ChannelSid, Message};
use crate::sync::{Change, Freshness, Item, Key, Select};

impl Chat {
    /// The own user is a member now: every message from here on is to be told.
    pub(super) fn expect_messages(&mut self, channel: &Channel) {
        // The document may lag behind what was told in an earlier membership; that is not told again.
        let entry = self.state.channels.get(&channel.sid);
        let held = entry.and_then(|entry| entry.messages.keys().next_back()).copied();
        if let Some(record) = self.channels.records.get_mut(&channel.sid) {
            let newest = channel.last_message.and_then(|last| last.index).max(held);
            let beyond = newest.map_or(0, |newest| newest.saturating_add(1));
            record.untold = Some(record.told_before.unwrap_or(0).max(beyond));
        }
        self.echoes_passed(&channel.sid);
    }

    /// A list was opened. Of a channel that the own user just joined, what was sent since is told before anything live.
    pub(super) fn read_untold_at_first(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        // What waited for a list that was lost meanwhile is read again too.
        if record.reading_untold.take().is_some() || record.source == Source::Sync {
            self.read_untold(cx, sid);
        }
        self.look_for_untold(cx, sid);
    }

    /// The channel's document may know of a message that no event told of: it is read then.
    pub(super) fn look_for_untold(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(newest) = self.newest_named(sid) else { return };
        let held = self.state.channels.get(sid).is_some_and(|channel| channel.messages.contains_key(&newest));
        let untold = self.channels.records.get(sid).and_then(|record| record.untold);
        if !held && untold.is_some_and(|untold| newest >= untold) {
            self.read_untold(cx, sid);
        }
    }

    /// Events of the list were passed over.
    pub(super) fn messages_skipped(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        match self.channels.records.get_mut(sid).and_then(|record| record.reading_untold.as_mut()) {
            Some(reading) => reading.again = true,
            None => self.read_untold(cx, sid),
        }
    }

    /// Reads from the first message of which the app need not know, unless that is under way.
    pub(super) fn read_untold(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        if record.reading_untold.is_none() && record.untold.is_some() && record.messages.is_open() {
            record.reading_untold = Some(Box::default());
            self.begin_untold(cx, sid);
        }
    }

    fn begin_untold(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let newest = self.newest_named(sid);
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let (Some(reading), Some(untold)) = (record.reading_untold.as_mut(), record.untold) else { return };
        (reading.newest, reading.ahead, reading.again, reading.resting) = (newest, None, false, false);
        if let Object::Open(entity) = record.messages {
            let select = Select { from: Some(alloc::format!("{untold}")), ..Select::all() };
            self.query(cx, entity, Asker::Untold(sid.clone()), select);
        }
    }

    fn newest_named(&self, sid: &ChannelSid) -> Option<u64> {
        self.state.channel(sid).and_then(|channel| channel.last_message).and_then(|last| last.index)
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
        let page = self.message_page(cx, sid, items);
        let mut passed = 0;
        for (place, message) in page.iter().enumerate() {
            let Some(record) = self.channels.records.get_mut(sid) else { return };
            let (Some(reading), Some(untold)) = (record.reading_untold.as_mut(), record.untold) else {
                return;
            };
            let index = message.index;
            let freshness =
                fresh.iter().find(|(of, _)| *of == Key::Index(index)).map(|(_, freshness)| *freshness);
            if freshness == Some(Freshness::Ahead) {
                // Its event is still to come, and tells.
                reading.ahead = Some(reading.ahead.map_or(index, |ahead| ahead.min(index)));
            } else if index >= untold {
                // Additions come in the order of the indices: what is to come of those before is no addition.
                reading.ahead = None;
                if let Some(first) = page.first().filter(|_| passed == 0) {
                    self.tell_held(cx, sid, ..first.index);
                }
                for message in page.get(passed..=place).unwrap_or_default() {
                    self.tell_in_order(cx, sid, message);
                }
                passed = place + 1;
            }
        }
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        match (next, record.messages) {
            (Some(token), Object::Open(entity)) => {
                self.query_page(cx, entity, Asker::Untold(sid.clone()), &token);
            }
            _ => self.untold_read(cx, sid),
        }
    }

    /// A page shows a message as it was after events that still wait: they tell that it happened, and no state.
    pub(super) fn overtake_waiting(&mut self, sid: &ChannelSid, index: u64) {
        let record = self.channels.records.get_mut(sid);
        let waiting =
            record.and_then(|record| record.reading_untold.as_mut()).map(|reading| &mut reading.waiting);
        for event in waiting.into_iter().flatten().filter(|event| event.index == index) {
            event.freshness = Freshness::Known;
        }
    }

    /// Whether a message that a page shows is still to be told, by its event or by the read that is under way: nothing is
    /// told of it before, for the app need not know it, and what it is by then comes with it.
    pub(super) fn is_to_be_told(&self, sid: &ChannelSid, index: u64, freshness: Freshness) -> bool {
        self.channels.records.get(sid).is_some_and(|record| {
            record.untold.is_some_and(|untold| index >= untold)
                && (freshness == Freshness::Ahead || record.reading_untold.is_some())
        })
    }

    /// An event tells of a message. What was added before that event is told before it, though its addition was passed over
    /// while a page showed it as one whose event is to come: the messages before it, and itself if it tells a change.
    pub(super) fn tell_overdue(&mut self, cx: &mut Cx, sid: &ChannelSid, change: Change, index: u64) {
        let Some(record) = self.channels.records.get(sid) else { return };
        if record.reading_untold.is_some() {
            return;
        }
        match change {
            Change::Added => self.tell_held(cx, sid, ..index),
            _ => self.tell_held(cx, sid, ..=index),
        }
    }

    /// Messages that are held and of which no event told yet.
    fn tell_held(&mut self, cx: &mut Cx, sid: &ChannelSid, which: impl RangeBounds<u64>) {
        let Some(untold) = self.channels.records.get(sid).and_then(|record| record.untold) else { return };
        if !which.contains(&untold) {
            return;
        }
        let held = self.state.channels.get(sid).map(|entry| entry.messages.values());
        let due = |message: &&Arc<Message>| message.index >= untold && which.contains(&message.index);
        for message in held.into_iter().flatten().filter(due).cloned().collect::<Vec<_>>() {
            self.tell_in_order(cx, sid, &message);
        }
    }

    /// Tells of a message that was read, unless an event did; behind what waits for the read to end.
    fn tell_in_order(&mut self, cx: &mut Cx, sid: &ChannelSid, message: &Arc<Message>) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let index = message.index;
        if record.untold.is_none_or(|untold| index < untold) {
            return;
        }
        match &mut record.reading_untold {
            Some(reading) if reading.adds(index) => {}
            Some(reading) if reading.adds_before(index) => {
                let (change, data, freshness) = (Change::Added, Box::default(), Freshness::Known);
                reading.wait(Waiting { change, index, data, freshness, event: None });
            }
            _ => self.tell_message(cx, message.clone()),
        }
    }

    /// All pages are read.
    fn untold_read(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let Some(reading) = record.reading_untold.as_mut() else { return };
        if reading.again {
            return self.begin_untold(cx, sid);
        }
        // What the document named and the list does not have was deleted.
        let beyond = reading.newest.map_or(0, |newest| newest.saturating_add(1));
        let beyond = reading.ahead.map_or(beyond, |ahead| ahead.min(beyond));
        record.untold = record.untold.map(|untold| untold.max(beyond));
        self.untold_ended(cx, sid);
        self.loaded(|| messages_of(sid));
        // It may name another by now.
        self.look_for_untold(cx, sid);
    }

    fn untold_ended(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let reading = self.channels.records.get_mut(sid).and_then(|record| record.reading_untold.take());
        self.waited(cx, sid, reading.map(|reading| reading.waiting).unwrap_or_default());
        self.echoes_passed(sid);
    }

    /// The read failed. For a reason that may pass it is tried again: until then nothing of the list is told, for it could
    /// not be told in order. For any other nothing can be done, and the app hears that something may be missing.
    pub(super) fn untold_failed(&mut self, cx: &mut Cx, sid: &ChannelSid, error: CallError) {
        let record = self.channels.records.get_mut(sid);
        let Some(reading) = record.and_then(|record| record.reading_untold.as_mut()) else { return };
        let what = messages_of(sid);
        if may_pass(&error) {
            reading.resting = true;
            return self.reload_later(cx, what, error);
        }
        self.untold_ended(cx, sid);
        if !matches!(error, CallError::ShutDown | CallError::Sync { status: 404, .. }) {
            cx.events.push(Event::Fault(Fault::NotLoaded { what, error: error.into() }));
        }
    }

    /// Reads that failed begin anew.
    pub(super) fn read_untold_again(&mut self, cx: &mut Cx) {
        let records = self.channels.records.iter();
        let resting =
            records.filter(|(_, record)| record.reading_untold.as_ref().is_some_and(|of| of.resting));
        let resting: Vec<ChannelSid> = resting.map(|(sid, _)| sid.clone()).collect();
        for sid in resting {
            self.begin_untold(cx, &sid);
        }
    }
}

fn messages_of(sid: &ChannelSid) -> Cow<'static, str> {
    alloc::format!("the messages of channel {sid}").into()
}

/// Whether the same read may succeed later.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Sync { status, .. } | CallError::Transport { status, .. } => {
            *status == 429 || *status >= 500
        }
        CallError::DeadlineExceeded(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::channels::Record;
    use crate::chat::rig::Rig;
    use crate::config::Config;
    use crate::sync::{Output, Raw};

    /// A member's open message list, of which nothing is told yet.
    fn member() -> (Rig, ChannelSid) {
        let mut rig = Rig::new(Config::default());
        let sid = ChannelSid::from("CH1");
        let mut record = Record::new("CH1.document".into(), None);
        record.messages = Object::Open(rig.cx.entity_id());
        record.untold = Some(0);
        rig.chat.channels.records.insert(sid.clone(), record);
        rig.events();
        (rig, sid)
    }

    fn item(index: u64, text: &str, freshness: Freshness, event: Option<i64>) -> Item<'static> {
        let data = Raw::new(&alloc::format!(r#"{{"sid":"IM{index}","text":"{text}"}}"#)).into_owned();
        Item { key: Key::Index(index), data, freshness, event }
    }

    /// The untold are read, and both messages are there, with their events still to come.
    fn reads(rig: &mut Rig, sid: &ChannelSid, text: &str) -> Vec<alloc::string::String> {
        rig.chat.read_untold(&mut rig.cx, sid);
        let items = [0, 1].map(|index| item(index, text, Freshness::Ahead, None)).into();
        rig.chat.untold_page(&mut rig.cx, sid, items, None);
        told(rig)
    }

    fn hears(rig: &mut Rig, sid: &ChannelSid, change: Change, index: u64) -> Vec<alloc::string::String> {
        let entity = rig.cx.entity_id();
        let item = item(index, "long ago", Freshness::Known, Some(1));
        rig.chat.message_list(&mut rig.cx, sid, Output::Item { entity, change, item });
        told(rig)
    }

    fn told(rig: &mut Rig) -> Vec<alloc::string::String> {
        let told = |event| match event {
            Event::MessageAdded(of) => alloc::format!("+{} {}", of.index, of.body.as_deref().unwrap_or("")),
            Event::MessageUpdated { message, .. } => alloc::format!("*{}", message.index),
            Event::MessageRemoved(message) => alloc::format!("-{}", message.index),
            other => panic!("{other:?}"),
        };
        rig.events().into_iter().map(told).collect()
    }

    /// World 2031: two reads come before the events of what they read, and it was edited in between.
    #[test]
    fn what_is_to_be_added_is_not_updated_before() {
        let (mut rig, sid) = member();
        assert!(reads(&mut rig, &sid, "said").is_empty());
        assert!(reads(&mut rig, &sid, "edited").is_empty());
        assert_eq!(hears(&mut rig, &sid, Change::Added, 0), ["+0 edited"]);
        assert_eq!(hears(&mut rig, &sid, Change::Added, 1), ["+1 edited"]);
        assert!(hears(&mut rig, &sid, Change::Updated, 1).is_empty());
        assert_eq!(reads(&mut rig, &sid, "edited again"), ["*0", "*1"]);
    }

    /// A page shows an edited message, whose addition was passed over, as one whose event is to come: that is the edit.
    #[test]
    fn what_is_changed_or_removed_was_added_before() {
        for (change, then) in [(Change::Updated, None), (Change::Removed, Some("-1"))] {
            let (mut rig, sid) = member();
            assert!(reads(&mut rig, &sid, "edited").is_empty());
            let expected: Vec<_> = ["+0 edited", "+1 edited"].into_iter().chain(then).collect();
            assert_eq!(hears(&mut rig, &sid, change, 1), expected);
            assert!(hears(&mut rig, &sid, Change::Updated, 0).is_empty());
        }
    }

    /// World 5439: an edited message, whose addition was passed over, stands among others that were not edited.
    #[test]
    fn what_is_before_the_next_message_was_added_before() {
        use Freshness::{Ahead, Known};
        let page =
            |of: [(u64, Freshness); 3]| of.map(|(index, freshness)| item(index, "read", freshness, None));
        let (mut rig, sid) = member();
        rig.chat.read_untold(&mut rig.cx, &sid);
        rig.chat.untold_page(&mut rig.cx, &sid, page([(0, Ahead), (1, Known), (2, Ahead)]).into(), None);
        assert_eq!(told(&mut rig), ["+0 read", "+1 read"]);
        assert!(hears(&mut rig, &sid, Change::Updated, 0).is_empty());
        assert_eq!(hears(&mut rig, &sid, Change::Updated, 2), ["+2 read"]);

        // On the page before it; and its addition may wait, or that of an earlier one.
        let (mut rig, sid) = member();
        rig.chat.read_untold(&mut rig.cx, &sid);
        assert!(hears(&mut rig, &sid, Change::Added, 1).is_empty());
        rig.chat.untold_page(
            &mut rig.cx,
            &sid,
            page([(0, Ahead), (1, Ahead), (2, Ahead)]).into(),
            Some("next".into()),
        );
        assert!(told(&mut rig).is_empty());
        rig.chat.untold_page(&mut rig.cx, &sid, page([(3, Known), (4, Known), (5, Ahead)]).into(), None);
        assert_eq!(told(&mut rig), ["+0 read", "+1 read", "+2 read", "+3 read", "+4 read"]);

        // The next one comes as an event.
        let (mut rig, sid) = member();
        assert!(reads(&mut rig, &sid, "edited").is_empty());
        assert_eq!(hears(&mut rig, &sid, Change::Added, 2), ["+0 edited", "+1 edited", "+2 long ago"]);
    }
}
