//! A channel's objects: its document, and the streams (message list and roster) that members follow.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use super::calls::Wait;
use super::channels::{Object, Part, Source};
use super::document::ChannelData;
use super::lenient::set_text;
use super::own_channels::unreadable;
use super::{Asker, Chat, Role};
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::Event;
use crate::model::{Channel, ChannelSid, ChannelStatus, ChannelType};
use crate::small_map::SmallMap;
use crate::state::ChannelEntry;
use crate::sync::{Kind, Order, Output};

impl Chat {
    /// Opens one of a channel's objects, if it is closed and its name is known.
    pub(super) fn open(&mut self, cx: &mut Cx, sid: &ChannelSid, part: Part) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let (kind, name) = match part {
            Part::Document => (Kind::Document, Some(record.name.clone())),
            Part::Messages => (Kind::List, record.messages_name.clone()),
            Part::Roster => (Kind::Map, record.roster_name.clone()),
        };
        let (Some(name), object @ Object::Closed) = (name, record.object(part)) else { return };
        let entity = cx.entity_id();
        *object = Object::Opening(entity);
        self.entities.insert(entity, Role::Channel(sid.clone(), part));
        cx.orders.push_back(Order::Open { entity, kind, name, include_items: false });
    }

    /// Stops following one of a channel's objects. Calls that asked for a page of it wait for the streams again.
    fn shut(&mut self, cx: &mut Cx, sid: &ChannelSid, part: Part) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        if let Some(entity) = core::mem::take(record.object(part)).entity() {
            for id in self.close(cx, entity) {
                self.calls.wait(id, Wait::Streams(sid.clone()));
            }
        }
    }

    pub(super) fn open_document(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        self.open(cx, sid, Part::Document);
    }

    pub(super) fn close_document(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        self.shut(cx, sid, Part::Document);
    }

    /// What happens to a channel's document.
    pub(super) fn document(&mut self, cx: &mut Cx, sid: &ChannelSid, output: Output<'_>) {
        match output {
            Output::Opened { entity, data, .. } => {
                if let Some(record) = self.channels.records.get_mut(sid) {
                    record.document = Object::Open(entity);
                }
                self.loaded(|| document_of(sid));
                self.document_data(cx, sid, data.as_ref().map_or("{}", |data| data.get()));
                self.wake_document(cx, sid);
            }
            Output::OpenFailed { error, .. } => self.document_failed(cx, sid, error),
            Output::Document { data, .. } => self.document_data(cx, sid, data.get()),
            Output::Removed { .. } => self.drop_channel(cx, sid),
            _ => {}
        }
    }

    /// The document has this value: the channel becomes known with it, or changes.
    fn document_data(&mut self, cx: &mut Cx, sid: &ChannelSid, text: &str) {
        let data = match ChannelData::parse(text) {
            Ok(data) => data,
            Err(error) => {
                unreadable(cx, "channel document", &error);
                ChannelData::default()
            }
        };
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        set_text(&mut record.messages_name, Some(data.messages.as_deref()));
        set_text(&mut record.roster_name, Some(data.roster.as_deref()));
        if let Some(entry) = self.state.channels.get_mut(sid) {
            let reasons = data.apply(Arc::make_mut(&mut entry.channel));
            self.tell_update(cx, sid, reasons);
            self.look_for_untold(cx, sid);
            return;
        }
        let (source, early) =
            record.early.take().map_or((Source::None, ChannelData::default()), |early| *early);
        let mut channel = Channel::unknown(sid.clone(), early.channel_type.unwrap_or(ChannelType::Public));
        early.apply(&mut channel);
        data.apply(&mut channel);
        record.source = source;
        let channel = Arc::new(channel);
        let order = self.state.next_order;
        self.state.next_order += 1;
        let entry = ChannelEntry {
            order,
            channel: channel.clone(),
            members: SmallMap::default(),
            messages: SmallMap::default(),
        };
        self.state.channels.insert(sid.clone(), entry);
        cx.events.push(Event::ChannelAdded(channel));
        if let Some(status @ (ChannelStatus::Joined | ChannelStatus::Invited)) = early.status {
            if let Some(entry) = self.state.channels.get_mut(sid) {
                Arc::make_mut(&mut entry.channel).status = status;
            }
            self.tell_status(cx, sid, status);
        }
    }

    /// A channel whose document cannot be read is dropped, and the app hears why (spec 03 §22 Q3). What may pass is no
    /// reason to drop it: the document is asked for again later.
    fn document_failed(&mut self, cx: &mut Cx, sid: &ChannelSid, error: CallError) {
        let (gone, passes) = (matches!(error, CallError::Sync { status: 404, .. }), may_pass(&error));
        let known = self.state.channels.contains_key(sid);
        if let Some(entity) = self
            .channels
            .records
            .get_mut(sid)
            .and_then(|record| core::mem::take(&mut record.document).entity())
        {
            self.entities.remove(&entity);
        }
        if !known && !passes {
            self.forget_channel(cx, sid);
        }
        self.fail_waiting(cx, sid, &error);
        if known && gone {
            return self.drop_channel(cx, sid);
        }
        let what = document_of(sid);
        if passes {
            return self.reload_later(cx, what, error);
        }
        cx.events.push(Event::Fault(Fault::NotLoaded { what, error: error.into() }));
    }

    /// After a reconnect, or later: the documents that could not be read. That of a private channel in which the own user
    /// takes no part is closed for good.
    pub(super) fn reopen_documents(&mut self, cx: &mut Cx) {
        let wanted = |sid: &ChannelSid| {
            let channel = self.state.channel(sid);
            channel.is_none_or(|channel| channel.status != ChannelStatus::Known || !channel.is_private())
        };
        let closed = self.channels.records.iter().filter(|(_, record)| record.document == Object::Closed);
        let sids: alloc::vec::Vec<_> =
            closed.map(|(sid, _)| sid).filter(|sid| wanted(sid)).cloned().collect();
        for sid in sids {
            self.open_document(cx, &sid);
        }
    }

    /// The channel is no more, or no more for this user.
    pub(super) fn drop_channel(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        self.forget_channel(cx, sid);
        self.echoes_forgotten(sid);
        self.typing_forgotten(cx, sid);
        if let Some(entry) = self.state.channels.remove(sid) {
            cx.events.push(Event::ChannelRemoved(entry.channel));
        }
        self.effect_seen(cx, sid);
        self.fail_waiting(cx, sid, &CallError::UnknownChannel(sid.clone()));
    }

    fn forget_channel(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        for part in [Part::Document, Part::Messages, Part::Roster] {
            self.shut(cx, sid, part);
        }
        self.channels.records.remove(sid);
    }

    fn wake_document(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        for id in self.calls.waiting(|wait| matches!(wait, Wait::Document(of) if of == sid)) {
            self.begin(cx, id);
        }
        self.wake_documents(cx);
    }

    fn wake_documents(&mut self, cx: &mut Cx) {
        for id in self.calls.waiting(|wait| matches!(wait, Wait::Documents(_))) {
            self.documents_moved(cx, id);
        }
    }

    fn fail_waiting(&mut self, cx: &mut Cx, sid: &ChannelSid, error: &CallError) {
        for id in
            self.calls.waiting(|wait| matches!(wait, Wait::Document(of) | Wait::Streams(of) if of == sid))
        {
            self.calls.answer(cx, id, Err(error.clone()));
        }
        self.wake_documents(cx);
    }

    // ---- streams

    /// Opens the message list and the roster, as far as they are not open.
    pub(super) fn open_streams(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        self.open(cx, sid, Part::Messages);
        self.open(cx, sid, Part::Roster);
        let unnamed = self.channels.records.get(sid).is_some_and(|record| {
            record.document.is_open() && (record.messages_name.is_none() || record.roster_name.is_none())
        });
        if unnamed {
            let error = CallError::BadAnswer("the channel's document names no message list or roster".into());
            self.streams_failed(cx, sid, error);
        }
    }

    /// After a reconnect, or later: the streams of own channels that could not be opened.
    pub(super) fn reopen_streams(&mut self, cx: &mut Cx) {
        let joined =
            self.state.channels.values().filter(|entry| entry.channel.status == ChannelStatus::Joined);
        let sids: alloc::vec::Vec<_> = joined.map(|entry| entry.channel.sid.clone()).collect();
        for sid in sids {
            let closed = self.channels.records.get(&sid).is_some_and(|record| {
                [record.document, record.messages, record.roster].contains(&Object::Closed)
            });
            if closed {
                self.open_document(cx, &sid);
                self.open_streams(cx, &sid);
            }
        }
    }

    /// The own user left: messages and members arrive no more. What is known of them stays.
    pub(super) fn leave_streams(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        self.shut(cx, sid, Part::Messages);
        self.shut(cx, sid, Part::Roster);
        if let Some(record) = self.channels.records.get_mut(sid) {
            record.reading_roster = None;
            record.told_before = record.untold.take().max(record.told_before);
            record.reading_untold = None;
        }
        self.echoes_forgotten(sid);
        self.typing_forgotten(cx, sid);
        self.fail_streams(cx, sid, &CallError::UnknownChannel(sid.clone()));
    }

    /// One of the streams was opened: notes it, and begins to read the roster.
    pub(super) fn stream_opened(&mut self, cx: &mut Cx, sid: &ChannelSid, part: Part) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let object = record.object(part);
        let Some(entity) = object.entity() else { return };
        *object = Object::Open(entity);
        if part == Part::Messages {
            // Those of an earlier membership were not followed since: nobody knows whether they still stand so.
            if let Some(entry) = self.state.channels.get_mut(sid) {
                entry.messages = SmallMap::default();
            }
        }
        if part == Part::Messages {
            self.read_untold_at_first(cx, sid);
        } else if let Some(record) = self.channels.records.get_mut(sid) {
            record.gone.clear();
            self.read_roster(cx, sid);
        }
        self.wake_streams(cx, sid);
    }

    pub(super) fn wake_streams(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        if self.channels.records.get(sid).is_some_and(super::channels::Record::streams_ready) {
            self.loaded(|| streams_of(sid));
            for id in self.calls.waiting(|wait| matches!(wait, Wait::Streams(of) if of == sid)) {
                self.begin(cx, id);
            }
        }
    }

    /// A stream cannot be read: the calls that wait for it hear of it; the next call or reconnect tries again.
    pub(super) fn streams_failed(&mut self, cx: &mut Cx, sid: &ChannelSid, error: CallError) {
        self.shut(cx, sid, Part::Roster);
        if let Some(record) = self.channels.records.get_mut(sid) {
            record.reading_roster = None;
        }
        self.fail_streams(cx, sid, &error);
        if self.wants_streams(sid) {
            self.reload_later(cx, streams_of(sid), error);
        }
    }

    /// The calls that wait for the streams hear that they do not come.
    fn fail_streams(&mut self, cx: &mut Cx, sid: &ChannelSid, error: &CallError) {
        for id in self.calls.waiting(|wait| matches!(wait, Wait::Streams(of) if of == sid)) {
            self.calls.answer(cx, id, Err(error.clone()));
        }
    }

    /// Of a channel that the own user takes no part in only calls want them.
    fn wants_streams(&self, sid: &ChannelSid) -> bool {
        self.state.channel(sid).is_some_and(|channel| channel.status == ChannelStatus::Joined)
    }

    /// The service does not have, or does not give, one of the streams. One that was there and was removed most often
    /// goes with its channel, and soon something says so; otherwise it is opened again.
    pub(super) fn stream_lost(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        part: Part,
        error: Option<CallError>,
    ) {
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        if let Some(entity) = core::mem::take(record.object(part)).entity() {
            self.entities.remove(&entity);
            // The service answers calls that asked for a page.
            self.queries.retain(|_, (of, asker)| *of != entity || matches!(asker, Asker::Call(_)));
        }
        if part == Part::Messages {
            self.echoes_forgotten(sid);
        }
        if let Some(error) = error {
            return self.streams_failed(cx, sid, error);
        }
        let removed = CallError::BadAnswer("one of the channel's streams was removed".into());
        self.fail_streams(cx, sid, &removed);
        if self.wants_streams(sid) {
            Self::reload_soon(cx);
        }
    }
}

/// Whether the same question may be answered better later: throttled, trouble of the service or of the way there.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Sync { status, .. } => *status == 429 || *status >= 500,
        CallError::Transport { .. } => true,
        _ => false,
    }
}

fn document_of(sid: &ChannelSid) -> Cow<'static, str> {
    alloc::format!("the document of channel {sid}").into()
}

fn streams_of(sid: &ChannelSid) -> Cow<'static, str> {
    alloc::format!("the streams of channel {sid}").into()
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;
    use crate::call::{Call, GetMessages};
    use crate::chat::channels::Record;
    use crate::chat::rig::Rig;
    use crate::config::Config;
    use crate::sync::EntityId;

    /// The streams that are opened since the last look.
    fn opened(rig: &mut Rig) -> Vec<(EntityId, Box<str>)> {
        let orders = rig.cx.orders.drain(..);
        orders
            .filter_map(|order| match order {
                Order::Open { entity, name, .. } => Some((entity, name)),
                _ => None,
            })
            .collect()
    }

    fn names(opened: &[(EntityId, Box<str>)]) -> Vec<&str> {
        opened.iter().map(|(_, name)| &**name).collect()
    }

    /// The message list is there, the roster not yet: a call waits. Then the list is removed.
    #[test]
    fn a_stream_that_is_removed_is_opened_again_and_its_calls_hear_of_it() {
        let (mut rig, sid) = (Rig::new(Config::default()), ChannelSid::from("CH1"));
        let mut record = Record::new("CH1.channel".into(), None);
        (record.messages_name, record.roster_name) = (Some("CH1.messages".into()), Some("CH1.roster".into()));
        record.document = Object::Open(rig.cx.entity_id());
        rig.chat.channels.records.insert(sid.clone(), record);
        let entry = rig.chat.state.channels.get_mut(&sid).unwrap();
        Arc::make_mut(&mut entry.channel).status = ChannelStatus::Joined;
        let call = rig.call(Call::GetMessages(GetMessages::newest(sid.clone())));
        let streams = opened(&mut rig);
        assert_eq!(names(&streams), ["CH1.messages", "CH1.roster"]);
        let list = streams[0].0;
        rig.chat.stream_opened(&mut rig.cx, &sid, Part::Messages);
        assert_eq!(rig.answer(call), None);
        rig.chat.object(&mut rig.cx, Output::Removed { entity: list });
        assert!(matches!(rig.answer(call), Some(Err(CallError::BadAnswer(_)))));
        rig.cx.orders.clear();
        rig.pass(Duration::from_secs(9));
        assert_eq!(names(&opened(&mut rig)), [""; 0]);
        rig.pass(Duration::from_secs(6));
        let again = opened(&mut rig);
        assert!(names(&again).contains(&"CH1.messages"), "{again:?}");
    }
}
