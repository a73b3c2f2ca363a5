//! The own channels: the map that names them, the list read at the start, and what a record of a channel does to what
//! is known of it (spec 03 §7).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;

use super::calls::Wait;
use super::channels::{Object, Reading, Record, Source};
use super::directory::{self, SyncListEntry};
use super::document::ChannelData;
use super::passed_over::Reread;
use super::proceed::Got;
use super::rest::RestEvent;
use super::{Chat, Reader, Role};
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::Event;
use crate::frame::json_problem;
use crate::model::{ChannelReason, ChannelSid, ChannelStatus, ChannelType, Reasons};
use crate::sync::{Change, Freshness, Item, Key, Kind, Order, Output};
use crate::twilsock::Url;

/// What the app is told when they cannot be read.
pub(super) const OWN_CHANNELS: &str = "the list of own channels";

impl Chat {
    /// Opens the map, or goes on where an earlier attempt failed.
    pub(super) fn load_own_channels(&mut self, cx: &mut Cx) {
        let Some(context) = &self.context else { return };
        match self.channels.own_map {
            Object::Closed => {
                let entity = cx.entity_id();
                self.channels.own_map = Object::Opening(entity);
                self.entities.insert(entity, Role::OwnChannels);
                let name = context.my_channels.clone();
                cx.orders.push_back(Order::Open { entity, kind: Kind::Map, name, include_items: false });
            }
            Object::Open(_) => {
                if matches!(self.channels.reading, Reading::NotBegun | Reading::Failed) {
                    self.read_own_channels(cx, None);
                }
                if self.channels.reread == Reread::Wanted {
                    self.reread_own_map(cx);
                }
            }
            Object::Opening(_) => {}
        }
    }

    /// What happens to the map.
    pub(super) fn own_channels(&mut self, cx: &mut Cx, output: Output<'_>) {
        match output {
            Output::Opened { entity, .. } => {
                self.channels.own_map = Object::Open(entity);
                self.load_own_channels(cx);
            }
            Output::OpenFailed { entity, error } => {
                self.entities.remove(&entity);
                self.channels.own_map = Object::Closed;
                self.own_channels_failed(cx, error);
            }
            Output::Removed { entity } => {
                self.entities.remove(&entity);
                self.channels.own_map = Object::Closed;
                self.channels.map_lost();
                let error = CallError::BadAnswer("the map of own channels was removed".into());
                self.own_channels_failed(cx, error);
            }
            Output::Item { change: Change::Removed, item, .. } => {
                if let Key::Name(sid) = &item.key {
                    self.no_longer_own(cx, &ChannelSid::new(Arc::<str>::from(&**sid)));
                }
            }
            Output::Item { item, .. } => {
                self.own_map_names(&item.key);
                self.own_channel_item(cx, &item);
            }
            Output::Skipped { .. } => self.reread_own_map(cx),
            _ => {}
        }
    }

    /// An item of the map, whether it came by event or by query.
    pub(super) fn own_channel_item(&mut self, cx: &mut Cx, item: &Item<'_>) -> Option<ChannelSid> {
        let Key::Name(sid) = &item.key else { return None };
        let sid = ChannelSid::new(Arc::<str>::from(&**sid));
        if item.freshness == Freshness::Known && self.channels.records.contains_key(&sid) {
            // It was told in this state or a newer one: a page may be late.
            return Some(sid);
        }
        match ChannelData::parse(item.data.get()) {
            Ok(data) => {
                self.upsert(cx, &sid, data, Source::Sync);
                Some(sid)
            }
            Err(error) => {
                unreadable(cx, "item of the map of own channels", &error);
                None
            }
        }
    }

    // ---- the list, read once at the start

    fn read_own_channels(&mut self, cx: &mut Cx, token: Option<&str>) {
        let Some(context) = &self.context else { return };
        self.channels.reading = Reading::UnderWay;
        match directory::sync_list_url(&cx.config, &context.links, token) {
            Ok(url) => self.read(cx, url, Reader::OwnChannels),
            Err(error) => self.own_channels_failed(cx, error),
        }
    }

    fn read(&mut self, cx: &mut Cx, url: Url, reader: Reader) {
        let id = self.rest.get(cx, url);
        self.reads.insert(id, reader);
    }

    /// An answer of the directory, for whoever asked.
    pub(super) fn read_ended(&mut self, cx: &mut Cx, event: RestEvent) {
        match self.reads.remove(&event.id) {
            None => {}
            Some(Reader::Call(id)) => match event.result {
                Ok(body) => self.proceed(cx, id, Got::Body(&body)),
                Err(error) => self.calls.answer(cx, id, Err(error)),
            },
            Some(Reader::OwnChannels) => match event.result.and_then(|body| directory::sync_list(&body)) {
                Ok(page) => {
                    if page.unreadable > 0 {
                        let problem = alloc::format!("{} entries have no name", page.unreadable).into();
                        let what = "list of own channels".into();
                        cx.events.push(Event::Fault(Fault::Unreadable { what, problem }));
                    }
                    for entry in &page.entries {
                        self.own_channel_entry(cx, entry);
                    }
                    match page.next {
                        Some(token) => self.read_own_channels(cx, Some(&token)),
                        None => self.own_channels_read(cx),
                    }
                }
                Err(error) => self.own_channels_failed(cx, error),
            },
        }
    }

    fn own_channel_entry(&mut self, cx: &mut Cx, entry: &SyncListEntry) {
        let data = ChannelData {
            document: Some(Cow::Borrowed(&entry.document)),
            status: (entry.status != ChannelStatus::Unknown).then_some(entry.status),
            last_consumed_message_index: Some(entry.last_consumed_message_index),
            notification_level: entry.notification_level,
            ..ChannelData::default()
        };
        self.upsert(cx, &entry.channel, data, Source::SyncList);
    }

    fn own_channels_read(&mut self, cx: &mut Cx) {
        self.channels.reading = Reading::Done;
        self.loaded(|| OWN_CHANNELS.into());
        self.channels.tombstones.clear();
        for id in self.calls.waiting(|wait| *wait == Wait::OwnChannels) {
            self.begin(cx, id);
        }
    }

    /// Calls that wait for the list hear of it (spec 03 §22 Q2); the client itself tries again.
    fn own_channels_failed(&mut self, cx: &mut Cx, error: CallError) {
        self.channels.reading = Reading::Failed;
        for id in self.calls.waiting(|wait| *wait == Wait::OwnChannels) {
            self.calls.answer(cx, id, Err(error.clone()));
        }
        self.reload_later(cx, OWN_CHANNELS.into(), error);
    }

    // ---- records of a channel

    /// Takes in what a record says of a channel. False when nothing of it counts.
    pub(super) fn upsert(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        data: ChannelData<'_>,
        source: Source,
    ) -> bool {
        if let Some(record) = self.channels.records.get_mut(sid) {
            if self.state.channels.contains_key(sid) {
                return self.update_known(cx, sid, &data, source);
            }
            // Its document is on the way: the last word counts.
            let counts = record.early.as_ref().is_none_or(|early| early.0.yields_to(source));
            if counts {
                record.early = Some(Box::new((source, data.into_owned())));
            }
            return counts;
        }
        if source != Source::Sync && self.channels.tombstones.contains(sid) {
            return false;
        }
        if self.channels.records.len() >= cx.config.limits.channels {
            let problem = "more channels than the limit allows".into();
            cx.events.push(Event::Fault(Fault::Unreadable {
                what: alloc::format!("channel {sid}").into(),
                problem,
            }));
            return false;
        }
        let name = data.document.as_deref().map_or_else(|| directory::document_name(sid), Box::from);
        self.channels.records.insert(sid.clone(), Record::new(name, Some((source, data))));
        self.open_document(cx, sid);
        true
    }

    /// What a record does to a channel that the app knows: the rows of spec 03 §7.3, the first that fits.
    fn update_known(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        data: &ChannelData<'_>,
        source: Source,
    ) -> bool {
        let (Some(record), Some(entry)) =
            (self.channels.records.get_mut(sid), self.state.channels.get_mut(sid))
        else {
            return false;
        };
        if !record.source.yields_to(source) {
            return false;
        }
        if source == Source::Sync {
            // Also where the status stays: a list that was asked for before is older than the map (not so in spec 03 §7.1).
            record.source = source;
        }
        let channel = Arc::make_mut(&mut entry.channel);
        let takes_part = matches!(channel.status, ChannelStatus::Joined | ChannelStatus::Invited);
        match data.status {
            Some(status @ (ChannelStatus::Joined | ChannelStatus::Invited)) if status != channel.status => {
                channel.status = status;
                record.source = source;
                let reasons = data.apply_own(channel);
                self.tell_update(cx, sid, reasons);
                self.tell_status(cx, sid, status);
            }
            Some(ChannelStatus::Known) if takes_part => {
                channel.status = ChannelStatus::Known;
                record.source = source;
                let reasons = data.apply(channel);
                let private = channel.is_private();
                self.tell_update(cx, sid, reasons);
                self.leave_streams(cx, sid);
                if private {
                    self.close_document(cx, sid);
                }
                self.tell_left(cx, sid);
            }
            Some(ChannelStatus::Known) if data.channel_type == Some(ChannelType::Private) => {
                self.open_document(cx, sid);
            }
            _ => {
                // What the directory says may be older than what the document said (spec 03 §22 Q12).
                let stale = source == Source::Chat && data.date_updated <= channel.date_updated;
                let reasons = if stale { data.apply_own(channel) } else { data.apply(channel) };
                self.tell_update(cx, sid, reasons);
            }
        }
        true
    }

    /// The own user takes part in a channel no more: the table of spec 03 §7.5.
    pub(super) fn no_longer_own(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        if self.channels.reading != Reading::Done {
            self.channels.tombstones.insert(sid.clone());
            if self.channels.tombstones.len() > cx.config.limits.channels {
                self.channels.tombstones.pop_first();
            }
        }
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        let Some(entry) = self.state.channels.get_mut(sid) else {
            // It was never told of. Calls that wait for it must not wait for ever.
            let known = ChannelData { status: Some(ChannelStatus::Known), ..ChannelData::default() };
            record.early = Some(Box::new((Source::Sync, known)));
            return;
        };
        let channel = Arc::make_mut(&mut entry.channel);
        let took_part = matches!(channel.status, ChannelStatus::Joined | ChannelStatus::Invited);
        let private = channel.is_private();
        channel.status = ChannelStatus::Known;
        record.source = Source::Sync;
        if took_part {
            self.leave_streams(cx, sid);
            self.tell_left(cx, sid);
        }
        if private {
            self.drop_channel(cx, sid);
        }
    }

    /// Tells that the own user is invited or a member now, and opens what a member may see.
    pub(super) fn tell_status(&mut self, cx: &mut Cx, sid: &ChannelSid, status: ChannelStatus) {
        let Some(channel) = self.state.channel(sid).cloned() else { return };
        self.open_document(cx, sid);
        match status {
            ChannelStatus::Joined => {
                self.expect_messages(&channel);
                cx.events.push(Event::ChannelJoined(channel));
                self.open_streams(cx, sid);
            }
            ChannelStatus::Invited => cx.events.push(Event::ChannelInvited(channel)),
            ChannelStatus::Known | ChannelStatus::Unknown => {}
        }
        self.effect_seen(cx, sid);
    }

    fn tell_left(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        if let Some(channel) = self.state.channel(sid) {
            cx.events.push(Event::ChannelLeft(channel.clone()));
        }
        self.effect_seen(cx, sid);
    }

    pub(super) fn tell_update(&mut self, cx: &mut Cx, sid: &ChannelSid, reasons: Reasons<ChannelReason>) {
        if let Some(channel) = self.state.channel(sid).filter(|_| !reasons.is_empty()) {
            cx.events.push(Event::ChannelUpdated { channel: channel.clone(), reasons });
        }
    }
}

/// Something came that cannot be read; the session goes on. What it holds is not quoted: it is somebody's message.
pub(super) fn unreadable(cx: &mut Cx, what: &'static str, error: &serde_json::Error) {
    let problem = json_problem(error);
    cx.events.push(Event::Fault(Fault::Unreadable { what: what.into(), problem }));
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::chat::rig::Rig;
    use crate::config::Config;

    /// What the map or the list says of `CH1`.
    fn joined(index: Option<u64>) -> ChannelData<'static> {
        ChannelData {
            status: Some(ChannelStatus::Joined),
            last_consumed_message_index: Some(index),
            ..ChannelData::default()
        }
    }

    /// Of `CH1`, joined as the list told at the start.
    fn rig() -> (Rig, ChannelSid) {
        let (mut rig, sid) = (Rig::new(Config::default()), ChannelSid::from("CH1"));
        rig.chat.channels.records.insert(sid.clone(), Record::new("CH1.channel".into(), None));
        assert!(rig.chat.upsert(&mut rig.cx, &sid, joined(None), Source::SyncList));
        (rig, sid)
    }

    fn read(rig: &Rig, sid: &ChannelSid) -> Option<u64> {
        rig.chat.state.channel(sid).and_then(|channel| channel.last_consumed_message_index)
    }

    /// The list was asked for, the read horizon moved, its event came, and then the list: it is from before.
    #[test]
    fn a_late_list_takes_back_nothing_that_the_map_told() {
        let (mut rig, sid) = rig();
        assert!(rig.chat.upsert(&mut rig.cx, &sid, joined(Some(4)), Source::Sync));
        rig.events();
        assert!(!rig.chat.upsert(&mut rig.cx, &sid, joined(None), Source::SyncList));
        assert_eq!((read(&rig, &sid), rig.events()), (Some(4), Vec::new()));
    }

    /// The list is read after the map was opened again: what the lost map told may be older.
    #[test]
    fn a_list_read_after_the_map_was_lost_counts() {
        let (mut rig, sid) = rig();
        assert!(rig.chat.upsert(&mut rig.cx, &sid, joined(Some(4)), Source::Sync));
        let entity = rig.cx.entity_id();
        rig.chat.own_channels(&mut rig.cx, Output::Removed { entity });
        assert!(rig.chat.upsert(&mut rig.cx, &sid, joined(Some(5)), Source::SyncList));
        assert_eq!(read(&rig, &sid), Some(5));
    }
}
