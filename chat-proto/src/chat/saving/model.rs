//! The read model of a save, and how its objects are followed.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::chat::channels::{Object, Part, Reading, Record, Source};
use crate::chat::passed_over::Reread;
use crate::chat::{Chat, Role};
use crate::cx::Cx;
use crate::model::{Channel, ChannelSid, Identity, Member, Message, User};
use crate::small_map::SmallMap;
use crate::state::ChannelEntry;
use crate::sync::{EntityId, Follow, Kind, Order};

/// The life of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedObject {
    Closed,
    /// It was asked for.
    Opening,
    Open(Box<Follow>),
}

impl SavedObject {
    pub(super) fn of(object: Object, following: impl Fn(EntityId) -> Option<Follow>) -> Self {
        match object {
            Object::Closed => Self::Closed,
            Object::Opening(_) => Self::Opening,
            Object::Open(entity) => {
                following(entity).map_or(Self::Opening, |follow| Self::Open(Box::new(follow)))
            }
        }
    }

    /// The same, followed from before an event of which nothing else in the save knows.
    fn before(mut self, event: Option<i64>) -> Self {
        if let (Self::Open(follow), Some(event)) = (&mut self, event) {
            follow.cursor = follow.cursor.min(event.saturating_sub(1));
        }
        self
    }

    fn is_of(&self, kind: Kind) -> bool {
        !matches!(self, Self::Open(follow) if follow.kind != kind || follow.sid.is_empty())
    }
}

/// A channel that the app knows, with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedChannel {
    pub(super) order: u64,
    pub(super) channel: Arc<Channel>,
    pub(super) members: Vec<(u64, Arc<Member>)>,
    pub(super) messages: Vec<Arc<Message>>,
    pub(super) source: Source,
    pub(super) name: Box<str>,
    pub(super) messages_name: Option<Box<str>>,
    pub(super) roster_name: Option<Box<str>>,
    pub(super) document: SavedObject,
    pub(super) list: SavedObject,
    pub(super) roster: SavedObject,
    /// Whether all pages of the roster were read.
    pub(super) roster_complete: bool,
    /// The lowest index that a message may have of which the app was not told.
    pub(super) untold: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told_before: Option<u64>,
    /// Whether those were being read.
    #[serde(default)]
    pub(super) reading_untold: bool,
}

impl SavedChannel {
    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    /// Whether everything in it belongs to it.
    pub(super) fn is_sound(&self) -> bool {
        let sid = &self.channel.sid;
        let orders = self.members.iter().map(|(order, _)| *order).chain([self.order]);
        orders.into_iter().all(|order| order < u64::MAX / 2)
            && self.members.iter().all(|(_, member)| member.channel == *sid)
            && self.messages.iter().all(|message| message.channel == *sid)
            && self.document.is_of(Kind::Document)
            && self.list.is_of(Kind::List)
            && self.roster.is_of(Kind::Map)
    }
}

/// A person who is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedUser {
    pub(super) user: Arc<User>,
    pub(super) map: SavedObject,
}

impl Chat {
    pub(super) fn save_channels(&self, object: impl Fn(Object) -> SavedObject) -> Vec<SavedChannel> {
        let channel = |(sid, entry): (&ChannelSid, &ChannelEntry)| {
            let record = self.channels.records.get(sid)?;
            Some(SavedChannel {
                order: entry.order,
                channel: entry.channel.clone(),
                members: entry.members.values().cloned().collect(),
                messages: entry.messages.values().cloned().collect(),
                source: record.source,
                name: record.name.clone(),
                messages_name: record.messages_name.clone(),
                roster_name: record.roster_name.clone(),
                document: object(record.document),
                list: object(record.messages).before(record.first_waiting()),
                roster: object(record.roster),
                roster_complete: record.reading_roster.is_none(),
                untold: record.untold,
                told_before: record.told_before,
                reading_untold: record.reading_untold.is_some(),
            })
        };
        self.state.channels.iter().filter_map(channel).collect()
    }

    pub(super) fn save_users(&self, object: impl Fn(Object) -> SavedObject) -> Vec<SavedUser> {
        let users = self.state.users.iter();
        let map = |identity| object(self.users.map(identity));
        users.map(|(identity, user)| SavedUser { user: user.clone(), map: map(identity) }).collect()
    }

    /// Follows an object on from where the save ended; `Closed` if it was not open.
    fn follow(&mut self, cx: &mut Cx, object: SavedObject, role: Role) -> Object {
        let SavedObject::Open(follow) = object else { return Object::Closed };
        let entity = cx.entity_id();
        self.entities.insert(entity, role);
        cx.orders.push_back(Order::Follow { entity, follow, own: false });
        Object::Open(entity)
    }

    pub(super) fn resume_own_channels(&mut self, cx: &mut Cx, map: SavedObject, complete: bool) {
        self.channels.own_map = self.follow(cx, map, Role::OwnChannels);
        if complete {
            self.channels.reading = Reading::Done;
        } else {
            self.channels.reread = Reread::Wanted;
        }
    }

    pub(super) fn resume_channels(&mut self, cx: &mut Cx, channels: Vec<SavedChannel>) {
        for saved in channels {
            let sid = saved.channel.sid.clone();
            let mut record = Record::new(saved.name, None);
            (record.source, record.untold) = (saved.source, saved.untold);
            record.told_before = saved.told_before;
            (record.messages_name, record.roster_name) = (saved.messages_name, saved.roster_name);
            let again = [
                (Part::Document, saved.document),
                (Part::Messages, saved.list),
                (Part::Roster, saved.roster),
            ];
            let mut opening = Vec::new();
            for (part, object) in again {
                if object == SavedObject::Opening {
                    opening.push(part);
                }
                *record.object(part) = self.follow(cx, object, Role::Channel(sid.clone(), part));
            }
            self.channels.records.insert(sid.clone(), record);
            let limit = cx.config.limits.messages_per_channel;
            let newest = saved.messages.len().saturating_sub(limit);
            let messages = saved.messages.into_iter().skip(newest);
            let members = saved.members.into_iter().map(|(order, mut member)| {
                if member.is_typing {
                    Arc::make_mut(&mut member).is_typing = false;
                }
                self.state.next_order = self.state.next_order.max(order.saturating_add(1));
                (member.sid.clone(), (order, member))
            });
            let members: SmallMap<_, _> = members.collect();
            self.state.next_order = self.state.next_order.max(saved.order.saturating_add(1));
            let entry = ChannelEntry {
                order: saved.order,
                channel: saved.channel,
                members,
                messages: messages.map(|message| (message.index, message)).collect(),
            };
            self.state.channels.insert(sid.clone(), entry);
            if !saved.roster_complete {
                self.read_roster(cx, &sid);
            }
            for part in opening {
                self.open(cx, &sid, part);
            }
            if saved.reading_untold {
                self.read_untold(cx, &sid);
            }
        }
    }

    pub(super) fn resume_users(&mut self, cx: &mut Cx, users: Vec<SavedUser>, subscribed: Vec<Identity>) {
        for SavedUser { user, map } in users {
            let identity = user.identity.clone();
            let object = self.follow(cx, map, Role::User(identity.clone()));
            self.users.resume(identity.clone(), object);
            self.state.users.insert(identity, user);
        }
        for identity in subscribed {
            if self.state.users.contains_key(&identity) {
                self.users.subscribe(identity);
            }
        }
    }
}
