//! Channels: what they are, who belongs to them, and the Sync objects that show it (spec 03 §6.2, §6.3, §6.5).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Chat;
use crate::service::sync::{Access, ItemKey, Kind, NewEntity, Store, Writers};
use crate::service::world::World;

/// Role of those who joined; the letters are those of the recordings.
const ROLE_MEMBER: &str = "RLbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// Role of the one who created the channel.
const ROLE_CREATOR: &str = "RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A channel.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) sid: String,
    pub(crate) unique_name: Option<String>,
    /// As it was given: null and other values pass (spec 03 §4.1).
    pub(crate) friendly_name: Value,
    pub(crate) private: bool,
    /// JSON text.
    pub(crate) attributes: String,
    pub(crate) created_by: String,
    pub(crate) date_created: String,
    pub(crate) date_updated: String,
    /// `{index, timestamp}` of the newest message; null once there is none any more.
    pub(crate) last_message: Option<Value>,
    /// SIDs of its Sync objects.
    pub(crate) document: String,
    pub(crate) messages: String,
    pub(crate) roster: String,
    /// Identity and member SID, in the order of joining.
    pub(crate) members: Vec<(String, String)>,
    pub(crate) invites: BTreeSet<String>,
}

impl Channel {
    pub(crate) fn member_sid(&self, identity: &str) -> Option<&str> {
        self.members.iter().find(|(who, _)| who == identity).map(|(_, sid)| sid.as_str())
    }

    pub(crate) fn is_member(&self, identity: &str) -> bool {
        self.member_sid(identity).is_some()
    }

    /// Whether this identity may know of the channel at all.
    pub(crate) fn visible_to(&self, identity: &str) -> bool {
        !self.private
            || self.created_by == identity
            || self.invites.contains(identity)
            || self.is_member(identity)
    }

    pub(crate) const fn type_word(&self) -> &'static str {
        if self.private { "private" } else { "public" }
    }

    /// How many messages there are.
    pub(crate) fn count(&self, store: &Store) -> usize {
        store.get(&self.messages).map_or(0, |list| list.items.len())
    }

    /// How many messages come after an index; all of them after none.
    pub(crate) fn count_after(&self, store: &Store, index: Option<u64>) -> usize {
        let Some(list) = store.get(&self.messages) else { return 0 };
        match index {
            None => list.items.len(),
            Some(index) => list
                .items
                .range(ItemKey::Index(index)..)
                .filter(|(key, _)| **key != ItemKey::Index(index))
                .count(),
        }
    }

    fn document_data(&self) -> Value {
        let sid = &self.sid;
        let mut data = json!({
            "attributes": self.attributes,
            "createdBy": self.created_by,
            "dateCreated": self.date_created,
            "dateUpdated": self.date_updated,
            "friendlyName": self.friendly_name,
            "uniqueName": self.unique_name,
            "type": self.type_word(),
            "messages": format!("{sid}.messages"),
            "roster": format!("{sid}.roster"),
        });
        if let Some(last) = &self.last_message {
            data["lastMessage"] = last.clone();
        }
        data
    }

    /// Shows the channel's present state in its document.
    pub(crate) fn publish(&self, world: &mut World, store: &mut Store, by: &str) {
        store.set_document(world, &self.document, self.document_data(), by);
    }

    fn own_item(&self, status: &str) -> Value {
        let sid = &self.sid;
        json!({
            "channel": format!("{sid}.channel"),
            "messages": format!("{sid}.messages"),
            "roster": format!("{sid}.roster"),
            "status": status,
            "type": self.type_word(),
            "lastConsumedMessageIndex": null,
            "notificationLevel": "default",
        })
    }
}

/// What a new channel starts as.
#[derive(Debug)]
pub(crate) struct NewChannel<'a> {
    pub(crate) unique_name: Option<&'a str>,
    pub(crate) friendly_name: Value,
    pub(crate) private: bool,
    pub(crate) attributes: &'a str,
    pub(crate) by: &'a str,
}

impl Chat {
    /// Makes a channel with its three Sync objects. Its creator has not joined it.
    pub(crate) fn create_channel(
        &mut self,
        world: &mut World,
        store: &mut Store,
        new: NewChannel<'_>,
    ) -> String {
        let sid = world.ids.sid("CH");
        let date = world.clock.stamp();
        let readers = if new.private { Access::only(&[new.by]) } else { Access::Everyone };
        let mut object = |world: &mut World, kind: Kind, what: &str, access: Access| {
            let name = format!("{sid}.{what}");
            let new = NewEntity {
                kind,
                unique_name: Some(&name),
                by: new.by,
                data: Value::Null,
                access,
                writers: Writers::System,
            };
            store.create(world, new)
        };
        let messages = object(world, Kind::List, "messages", Access::only(&[]));
        let roster = object(world, Kind::Map, "roster", Access::only(&[]));
        let document = object(world, Kind::Document, "channel", readers);
        let channel = Channel {
            sid: sid.clone(),
            unique_name: new.unique_name.map(str::to_owned),
            friendly_name: new.friendly_name,
            private: new.private,
            attributes: new.attributes.to_owned(),
            created_by: new.by.to_owned(),
            date_created: date.clone(),
            date_updated: date,
            last_message: None,
            document,
            messages,
            roster,
            members: Vec::new(),
            invites: BTreeSet::new(),
        };
        // The value that it is created with is no event (spec 02 §1.6).
        let value = channel.document_data();
        store.edit(&channel.document, |entity| entity.data = value);
        if new.private {
            let item = channel.own_item("known");
            self.put_own_item(world, store, new.by, &sid, item, new.by);
        }
        self.channel_order.push(sid.clone());
        if let Some(name) = &channel.unique_name {
            self.channel_names.insert(name.clone(), sid.clone());
        }
        self.channels.insert(sid.clone(), channel);
        sid
    }

    /// Removes a channel: first from everybody's own channels, then its objects (spec 03 §7.6).
    pub(crate) fn destroy_channel(&mut self, world: &mut World, store: &mut Store, sid: &str, by: &str) {
        let Some(channel) = self.channels.remove(sid) else { return };
        self.channel_order.retain(|other| other != sid);
        if let Some(name) = &channel.unique_name {
            self.channel_names.remove(name);
        }
        let mut who: BTreeSet<String> = channel.invites.clone();
        who.extend(channel.members.iter().map(|(identity, _)| identity.clone()));
        who.insert(channel.created_by.clone());
        for identity in who {
            self.remove_own_item(world, store, &identity, sid, by);
        }
        for object in [&channel.document, &channel.roster, &channel.messages] {
            store.remove(world, object, by);
        }
    }

    /// Makes somebody a member: the roster first, then the own channels. Gives the member SID.
    pub(crate) fn add_member(
        &mut self,
        world: &mut World,
        store: &mut Store,
        sid: &str,
        identity: &str,
        by: &str,
    ) -> Option<String> {
        let info = self.user(world, store, identity).info_name();
        let channel = self.channels.get_mut(sid)?;
        let member_sid = world.ids.sid("MB");
        let role = if channel.created_by == identity { ROLE_CREATOR } else { ROLE_MEMBER };
        let date = world.clock.stamp();
        channel.invites.remove(identity);
        channel.members.push((identity.to_owned(), member_sid.clone()));
        for object in [&channel.document, &channel.roster, &channel.messages] {
            store.grant(object, identity);
        }
        let member = json!({
            "identity": identity,
            "type": "chat",
            "roleSid": role,
            "attributes": "{}",
            "userInfo": info,
            "dateCreated": date,
            "dateUpdated": date,
            "lastConsumedMessageIndex": null,
            "lastConsumptionTimestamp": null,
        });
        store.put_item(world, &channel.roster, ItemKey::Key(member_sid.clone()), member, by);
        let item = channel.own_item("joined");
        self.put_own_item(world, store, identity, sid, item, by);
        Some(member_sid)
    }

    /// Ends a membership. The one who goes still hears of it; then the messages are closed to them.
    pub(crate) fn remove_member(
        &mut self,
        world: &mut World,
        store: &mut Store,
        sid: &str,
        identity: &str,
        by: &str,
    ) {
        let Some(channel) = self.channels.get_mut(sid) else { return };
        let Some(at) = channel.members.iter().position(|(who, _)| who == identity) else { return };
        let (_, member_sid) = channel.members.remove(at);
        let keeps = channel.private && channel.created_by == identity && world.config.creator_keeps_private;
        let (document, roster, messages) =
            (channel.document.clone(), channel.roster.clone(), channel.messages.clone());
        let (private, creator) = (channel.private, channel.created_by == identity);
        let known = channel.own_item("known");
        store.remove_item(world, &roster, &ItemKey::Key(member_sid), by);
        if keeps {
            self.put_own_item(world, store, identity, sid, known, by);
        } else {
            self.remove_own_item(world, store, identity, sid, by);
        }
        store.revoke(&roster, identity);
        store.revoke(&messages, identity);
        if private && !creator {
            store.revoke(&document, identity);
        }
    }

    pub(crate) fn invite(
        &mut self,
        world: &mut World,
        store: &mut Store,
        sid: &str,
        identity: &str,
        by: &str,
    ) {
        self.user(world, store, identity);
        let Some(channel) = self.channels.get_mut(sid) else { return };
        channel.invites.insert(identity.to_owned());
        store.grant(&channel.document, identity);
        let item = channel.own_item("invited");
        self.put_own_item(world, store, identity, sid, item, by);
    }

    pub(crate) fn remove_invite(&mut self, world: &mut World, store: &mut Store, sid: &str, identity: &str) {
        let Some(channel) = self.channels.get_mut(sid) else { return };
        channel.invites.remove(identity);
        let document = (channel.private && channel.created_by != identity).then(|| channel.document.clone());
        self.remove_own_item(world, store, identity, sid, identity);
        if let Some(document) = document {
            store.revoke(&document, identity);
        }
    }

    /// An entry of somebody's own channels.
    pub(crate) fn own_item<'a>(&self, store: &'a Store, identity: &str, sid: &str) -> Option<&'a Value> {
        let map = &self.users.get(identity)?.my_channels;
        store.data(map, &ItemKey::Key(sid.to_owned()))
    }

    pub(crate) fn put_own_item(
        &mut self,
        world: &mut World,
        store: &mut Store,
        identity: &str,
        sid: &str,
        item: Value,
        by: &str,
    ) {
        let map = self.user(world, store, identity).my_channels.clone();
        store.put_item(world, &map, ItemKey::Key(sid.to_owned()), item, by);
    }

    fn remove_own_item(&mut self, world: &mut World, store: &mut Store, identity: &str, sid: &str, by: &str) {
        let Some(user) = self.users.get(identity) else { return };
        store.remove_item(world, &user.my_channels.clone(), &ItemKey::Key(sid.to_owned()), by);
    }
}
