//! Apps that change things and follow them: what the first worlds asked for seldom or never. It is drawn from a stream of
//! its own, so that what other streams draw stays what it was.

use chat_proto::{
    Call, CallOptions, Channel, ChannelSid, ChannelStatus, CreateChannel, Identity, Json, MemberRef,
    NotificationLevel, State,
};

use super::rng::Rng;
use super::tally::Fault;
use super::{Core, World};

impl<C: Core> World<C> {
    /// One app more does something, beside the one whose turn it is.
    pub(super) fn wish(&mut self) {
        if !self.later.per_mille(self.plan.hosts.wishes) {
            return;
        }
        let Some(client) = self.later.place(self.hosts.len()) else { return };
        if self.hosts[client].is_asleep(self.now) {
            return;
        }
        let people: Vec<Identity> = self.people().iter().map(|name| name.as_str().into()).collect();
        let own = self.session.clients[self.hosts[client].seat].identity.clone();
        let call = {
            let state = self.hosts[client].core.state();
            Wishes { rng: &mut self.later, state, own, people }.call()
        };
        self.tally.count(Fault::Wish, 1);
        self.call(client, call, CallOptions::default());
    }
}

/// Somebody who wants something.
struct Wishes<'a> {
    rng: &'a mut Rng,
    state: &'a State,
    own: Identity,
    people: Vec<Identity>,
}

impl Wishes<'_> {
    fn call(&mut self) -> Call {
        let known: Vec<Channel> =
            self.state.channels().iter().map(|channel| Channel::clone(channel)).collect();
        match self.rng.pick(&known).cloned() {
            Some(channel) if !self.rng.per_mille(250) => match channel.status {
                ChannelStatus::Invited => self.as_invited(channel.sid),
                ChannelStatus::Joined => self.as_member(&channel),
                _ => Call::Join(channel.sid),
            },
            _ => self.about_people(),
        }
    }

    fn about_people(&mut self) -> Call {
        let (person, number) = (self.person(), self.rng.below(5));
        match self.rng.below(10) {
            0 | 1 => Call::UpdateUserFriendlyName(self.own.clone(), Some(format!("name {number}").into())),
            2 => Call::UpdateUserFriendlyName(self.own.clone(), None),
            3 => Call::UpdateUserAttributes(self.own.clone(), mood(number)),
            4..=6 => Call::GetUser(person),
            7 => Call::UnsubscribeUser(person),
            _ => Call::CreateChannel(CreateChannel {
                friendly_name: Some(format!("nook {number}").into()),
                unique_name: self.rng.per_mille(500).then(|| format!("nook-{number}").into()),
                is_private: self.rng.per_mille(600),
                attributes: mood(number),
            }),
        }
    }

    fn as_invited(&mut self, sid: ChannelSid) -> Call {
        if self.rng.per_mille(500) { Call::Join(sid) } else { Call::Decline(sid) }
    }

    /// Half of it is about people, half about what they say and how far they read.
    fn as_member(&mut self, channel: &Channel) -> Call {
        let sid = channel.sid.clone();
        let (person, number) = (self.person(), self.rng.below(5));
        let name = Some(format!("room {number}").into());
        match self.rng.below(32) {
            0 | 1 => Call::UpdateChannelAttributes(sid, mood(number)),
            2 => Call::UpdateFriendlyName(sid, name),
            3 => Call::UpdateFriendlyName(sid, None),
            4 => Call::UpdateUniqueName(sid, name),
            5 => Call::UpdateUniqueName(sid, None),
            6 | 7 => Call::SetUserNotificationLevel(sid, self.level()),
            8..=10 => self.about_own_membership(sid, number),
            11 | 12 => Call::GetMembers(sid),
            13 | 14 => Call::Add(sid, person),
            15 | 16 => Call::Invite(sid, person),
            17 | 18 => Call::RemoveMember(sid, MemberRef::Identity(person)),
            19 | 20 => Call::Leave(sid),
            21 if channel.created_by.as_ref() == Some(&self.own) => Call::DeleteChannel(sid),
            21 => Call::GetMembersCount(sid),
            22 | 23 => Call::AdvanceLastConsumedMessageIndex(sid, number),
            24 => Call::SetNoMessagesConsumed(sid),
            25 => Call::SetAllMessagesConsumed(sid),
            _ => self.about_own_message(sid, number),
        }
    }

    fn about_own_membership(&mut self, sid: ChannelSid, number: u64) -> Call {
        let members = self.state.members(&sid);
        match members.into_iter().find(|member| member.identity.as_ref() == Some(&self.own)) {
            Some(member) => Call::UpdateMemberAttributes(sid, member.sid.clone(), mood(number)),
            None => Call::GetMembers(sid),
        }
    }

    fn about_own_message(&mut self, sid: ChannelSid, number: u64) -> Call {
        let own = self.state.messages(&sid).filter(|message| message.author.as_ref() == Some(&self.own));
        let own: Vec<u64> = own.map(|message| message.index).collect();
        let Some(index) = self.rng.pick(&own).copied() else { return Call::GetMembers(sid) };
        match self.rng.below(3) {
            0 => Call::UpdateMessageBody(sid, index, format!("edited again {number}").into()),
            1 => Call::UpdateMessageAttributes(sid, index, mood(number)),
            _ => Call::RemoveMessage(sid, index),
        }
    }

    fn level(&mut self) -> NotificationLevel {
        if self.rng.per_mille(500) { NotificationLevel::Muted } else { NotificationLevel::Default }
    }

    fn person(&mut self) -> Identity {
        self.rng.pick(&self.people).cloned().unwrap_or_else(|| self.own.clone())
    }
}

fn mood(number: u64) -> Json {
    Json::parse(&format!(r#"{{"mood":{number}}}"#)).unwrap_or_default()
}
