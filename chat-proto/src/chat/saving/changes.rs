//! What changed in the long lists of a save: channels with their members and messages, and people.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::SavedChat;
use super::model::{SavedChannel, SavedObject, SavedUser};
use crate::model::{Channel, ChannelSid, Identity, Member, MemberSid, Message};
use crate::saved::{Never, Part, ResumeError, Step, apply, steps};

/// From the lists of one save to those of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatLists {
    channels: Vec<Step<SavedChannel, ChannelChange>>,
    users: Vec<Step<SavedUser, Never>>,
    /// If there was any change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscribed: Option<Vec<Identity>>,
}

/// What changed in a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ChannelChange {
    /// All but its lists, if more changed of that than is told by the next ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<Box<SavedChannel>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<Arc<Channel>>,
    /// How far its objects are followed: document, list, roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursors: Option<[i64; 3]>,
    members: Vec<Step<(u64, Arc<Member>), Never>>,
    messages: Vec<Step<Arc<Message>, Never>>,
}

impl SavedChat {
    /// All but the lists, which are empty.
    pub(crate) fn without_lists(&self) -> Self {
        Self {
            session: self.session.clone(),
            last_call: self.last_call,
            calls: self.calls.clone(),
            ended: self.ended.clone(),
            shut_down: self.shut_down.clone(),
            horizon: self.horizon.clone(),
            own_channels: self.own_channels.clone(),
            complete: self.complete,
            channels: Vec::new(),
            users: Vec::new(),
            subscribed: Vec::new(),
            pending: self.pending.clone(),
            echoes: self.echoes.clone(),
            next_order: self.next_order,
        }
    }

    pub(crate) fn lists_since(&self, base: &Self) -> ChatLists {
        ChatLists {
            channels: steps(&base.channels, &self.channels),
            users: steps(&base.users, &self.users),
            subscribed: (base.subscribed != self.subscribed).then(|| self.subscribed.clone()),
        }
    }

    /// The same with the lists that those of `base` became.
    pub(crate) fn with_lists(self, base: Self, lists: ChatLists) -> Result<Self, ResumeError> {
        Ok(Self {
            channels: apply(base.channels, lists.channels)?,
            users: apply(base.users, lists.users)?,
            subscribed: lists.subscribed.unwrap_or(base.subscribed),
            ..self
        })
    }
}

impl Part for SavedChannel {
    type Key<'a> = &'a ChannelSid;
    type Change = ChannelChange;

    fn key(&self) -> &ChannelSid {
        &self.channel.sid
    }

    fn change_to(&self, newer: &Self) -> Option<ChannelChange> {
        let channel = (self.channel != newer.channel).then(|| newer.channel.clone());
        let cursors = newer.cursors().filter(|cursors| Some(*cursors) != self.cursors());
        let mut told = self.without_lists();
        told.take_in(channel.clone(), cursors);
        let head = newer.without_lists();
        let change = if told == head {
            ChannelChange { whole: None, channel, cursors, members: Vec::new(), messages: Vec::new() }
        } else {
            let whole = Some(Box::new(head));
            ChannelChange { whole, channel: None, cursors: None, members: Vec::new(), messages: Vec::new() }
        };
        Some(ChannelChange {
            members: steps(&self.members, &newer.members),
            messages: steps(&self.messages, &newer.messages),
            ..change
        })
    }

    fn changed(self, change: ChannelChange) -> Result<Self, ResumeError> {
        let ChannelChange { whole, channel, cursors, members, messages } = change;
        let mut changed = whole.map_or_else(|| self.without_lists(), |whole| *whole);
        changed.take_in(channel, cursors);
        (changed.members, changed.messages) =
            (apply(self.members, members)?, apply(self.messages, messages)?);
        Ok(changed)
    }
}

impl SavedChannel {
    /// All but the lists, which are empty.
    fn without_lists(&self) -> Self {
        Self {
            order: self.order,
            channel: self.channel.clone(),
            members: Vec::new(),
            messages: Vec::new(),
            source: self.source,
            name: self.name.clone(),
            messages_name: self.messages_name.clone(),
            roster_name: self.roster_name.clone(),
            document: self.document.clone(),
            list: self.list.clone(),
            roster: self.roster.clone(),
            roster_complete: self.roster_complete,
            untold: self.untold,
            told_before: self.told_before,
            reading_untold: self.reading_untold,
        }
    }

    /// How far its objects are followed, if all are.
    fn cursors(&self) -> Option<[i64; 3]> {
        match (&self.document, &self.list, &self.roster) {
            (SavedObject::Open(document), SavedObject::Open(list), SavedObject::Open(roster)) => {
                Some([document.cursor, list.cursor, roster.cursor])
            }
            _ => None,
        }
    }

    fn take_in(&mut self, channel: Option<Arc<Channel>>, cursors: Option<[i64; 3]>) {
        if let Some(channel) = channel {
            self.channel = channel;
        }
        let objects = [&mut self.document, &mut self.list, &mut self.roster];
        for (object, cursor) in objects.into_iter().zip(cursors.into_iter().flatten()) {
            if let SavedObject::Open(follow) = object {
                follow.cursor = cursor;
            }
        }
    }
}

impl Part for (u64, Arc<Member>) {
    type Key<'a> = &'a MemberSid;
    type Change = Never;

    fn key(&self) -> &MemberSid {
        &self.1.sid
    }

    fn change_to(&self, _: &Self) -> Option<Never> {
        None
    }

    fn changed(self, change: Never) -> Result<Self, ResumeError> {
        match change {}
    }
}

impl Part for Arc<Message> {
    type Key<'a> = u64;
    type Change = Never;

    fn key(&self) -> u64 {
        self.index
    }

    fn change_to(&self, _: &Self) -> Option<Never> {
        None
    }

    fn changed(self, change: Never) -> Result<Self, ResumeError> {
        match change {}
    }
}

impl Part for SavedUser {
    type Key<'a> = &'a Identity;
    type Change = Never;

    fn key(&self) -> &Identity {
        &self.user.identity
    }

    fn change_to(&self, _: &Self) -> Option<Never> {
        None
    }

    fn changed(self, change: Never) -> Result<Self, ResumeError> {
        match change {}
    }
}
