//! Members of channels (spec 03 §10).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::channels::Part;
use super::own_channels::unreadable;
use super::roster_item::MemberData;
use super::{Asker, Chat};
use crate::cx::Cx;
use crate::error::Fault;
use crate::event::Event;
use crate::model::{ChannelSid, Identity, Member, MemberSid};
use crate::state::ChannelEntry;
use crate::sync::{Change, Freshness, Item, Key, Output};

impl Chat {
    /// What happens to a channel's roster.
    pub(super) fn roster(&mut self, cx: &mut Cx, sid: &ChannelSid, output: Output<'_>) {
        match output {
            Output::Opened { .. } => self.stream_opened(cx, sid, Part::Roster),
            Output::OpenFailed { error, .. } => self.stream_lost(cx, sid, Part::Roster, Some(error)),
            Output::Removed { .. } => self.stream_lost(cx, sid, Part::Roster, None),
            Output::Skipped { .. } => self.read_roster(cx, sid),
            Output::Item { change, item, .. } => {
                let Key::Name(name) = &item.key else { return };
                let (name, data) = (&MemberSid::new(name), item.data.get());
                if self.is_gone(sid, name) {
                    return;
                }
                if item.freshness == Freshness::Known
                    && change != Change::Removed
                    && let Some(held) = self.member(sid, name)
                {
                    // A page brought the member, in this state or a newer one, before the event did.
                    if change == Change::Added {
                        cx.events.push(Event::MemberJoined(held.clone()));
                    }
                    return;
                }
                match change {
                    Change::Added => self.member_came(cx, sid, name, data),
                    Change::Updated => self.member_changed(cx, sid, name, data),
                    Change::Removed => self.member_went(cx, sid, name),
                }
            }
            _ => {}
        }
    }

    /// A page of the roster that is being read. Members found so fire nothing: they were there before.
    pub(super) fn roster_page(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        items: Vec<Item<'_>>,
        next: Option<Box<str>>,
    ) {
        for item in items {
            let Key::Name(name) = &item.key else { continue };
            let name = &MemberSid::new(name);
            if item.freshness == Freshness::Known && self.member(sid, name).is_some() {
                self.note_seen(sid, name);
            } else {
                self.member_changed(cx, sid, name, item.data.get());
            }
        }
        let Some(record) = self.channels.records.get_mut(sid) else { return };
        match (next, record.roster.entity()) {
            (Some(token), Some(entity)) => {
                self.query_page(cx, entity, Asker::Roster(sid.clone()), &token);
            }
            _ => self.roster_read(cx, sid),
        }
    }

    /// All pages are read: who is still known from an earlier membership and was not seen has left (spec 03 §22 Q15).
    fn roster_read(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let Some(seen) = self.channels.records.get_mut(sid).and_then(|record| record.reading_roster.take())
        else {
            return;
        };
        let members = self.state.channels.get(sid).into_iter().flat_map(|entry| entry.members.keys());
        let gone: Vec<_> = members.filter(|member| !seen.contains(*member)).cloned().collect();
        for member in &gone {
            self.member_went(cx, sid, member);
        }
        if let Some(record) = self.channels.records.get_mut(sid) {
            // Their events come soon after, or never.
            if record.gone.len().saturating_add(gone.len()) > cx.config.limits.members_per_channel {
                record.gone.clear();
            }
            record.gone.extend(gone);
        }
        self.wake_streams(cx, sid);
    }

    /// Whether the pages told already that this membership is over. It does not come again, and events of it are older.
    fn is_gone(&self, sid: &ChannelSid, member: &MemberSid) -> bool {
        self.channels.records.get(sid).is_some_and(|record| record.gone.contains(member))
    }

    fn note_seen(&mut self, sid: &ChannelSid, member: &MemberSid) {
        if let Some(seen) =
            self.channels.records.get_mut(sid).and_then(|record| record.reading_roster.as_mut())
        {
            seen.insert(member.clone());
        }
    }

    fn member_came(&mut self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid, text: &str) {
        let Some(data) = read(cx, text) else { return };
        if !self.has_room(cx, sid, member) {
            return;
        }
        self.note_seen(sid, member);
        let order = self.state.next_order;
        let Some(entry) = self.state.channels.get_mut(sid) else { return };
        let order = entry.members.get(member).map_or(order, |(order, _)| *order);
        let joined = enter(entry, order, data, sid, member);
        self.state.next_order += 1;
        cx.events.push(Event::MemberJoined(joined));
    }

    /// A change of a member, or a member that nobody told of: that one becomes known silently (spec 03 §10).
    fn member_changed(&mut self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid, text: &str) {
        let Some(data) = read(cx, text) else { return };
        if !self.has_room(cx, sid, member) {
            return;
        }
        self.note_seen(sid, member);
        let order = self.state.next_order;
        let Some(entry) = self.state.channels.get_mut(sid) else { return };
        if let Some((_, known)) = entry.members.get_mut(member) {
            let reasons = data.apply(Arc::make_mut(known));
            if !reasons.is_empty() {
                cx.events.push(Event::MemberUpdated { member: known.clone(), reasons });
            }
        } else {
            enter(entry, order, data, sid, member);
            self.state.next_order += 1;
        }
    }

    /// Whether a member may be known (law 8).
    fn has_room(&self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid) -> bool {
        let Some(entry) = self.state.channels.get(sid) else { return false };
        let room = entry.members.len() < cx.config.limits.members_per_channel;
        if room || entry.members.contains_key(member) {
            return true;
        }
        cx.events.push(Event::Fault(Fault::Unreadable {
            what: alloc::format!("a member of channel {sid}").into(),
            problem: "more members than the limit allows".into(),
        }));
        false
    }

    fn member_went(&mut self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid) {
        self.member_typing_forgotten(cx, sid, member);
        let removed = self.state.channels.get_mut(sid).and_then(|entry| entry.members.remove(member));
        if let Some((_, member)) = removed {
            cx.events.push(Event::MemberLeft(member));
        }
    }

    /// A member by membership.
    pub(super) fn member(&self, sid: &ChannelSid, member: &MemberSid) -> Option<&Arc<Member>> {
        self.state.channels.get(sid)?.members.get(member).map(|(_, member)| member)
    }

    /// A member by person; of several the one seen last (spec 03 §10).
    pub(super) fn member_of(&self, sid: &ChannelSid, identity: &Identity) -> Option<&Arc<Member>> {
        self.state.members(sid).into_iter().rfind(|member| member.identity.as_ref() == Some(identity))
    }
}

/// Puts a member in the roster, in place of what was known of it.
fn enter(
    entry: &mut ChannelEntry,
    order: u64,
    data: MemberData<'_>,
    channel: &ChannelSid,
    sid: &MemberSid,
) -> Arc<Member> {
    // Most members of a channel have one role.
    let other = entry.members.values().next().map(|(_, member)| &**member);
    let member = Arc::new(data.into_member(channel, sid.clone(), other));
    entry.members.insert(sid.clone(), (order, member.clone()));
    member
}

/// Reads an item; what is no member is told and ignored (spec 03 §6.5).
fn read<'a>(cx: &mut Cx, text: &'a str) -> Option<MemberData<'a>> {
    match MemberData::parse(text) {
        Ok(Some(data)) => Some(data),
        Ok(None) => {
            let problem = "it has neither identity nor type".into();
            cx.events.push(Event::Fault(Fault::Unreadable { what: "member".into(), problem }));
            None
        }
        Err(error) => {
            unreadable(cx, "member", &error);
            None
        }
    }
}
