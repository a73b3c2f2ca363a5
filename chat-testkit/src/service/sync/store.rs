//! All Sync objects, and what changed about them since somebody asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::entity::{Access, Entity, Item, ItemKey, Kind, LogEvent, Writers};
use crate::service::world::World;

/// What those who subscribed must hear of, in the order in which it happened.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Event {
        sid: String,
        kind: Kind,
        event: LogEvent,
    },
    /// This identity may no longer see the object: its subscriptions end without a word.
    Revoked {
        sid: String,
        identity: String,
    },
}

/// What a new object starts as.
#[derive(Debug)]
pub(crate) struct NewEntity<'a> {
    pub(crate) kind: Kind,
    pub(crate) unique_name: Option<&'a str>,
    pub(crate) by: &'a str,
    pub(crate) data: Value,
    pub(crate) access: Access,
    pub(crate) writers: Writers,
}

/// Where a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Added,
    Updated,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    entities: BTreeMap<String, Entity>,
    names: BTreeMap<(Kind, String), String>,
    /// Objects that were there once, by SID and by name.
    gone: BTreeSet<(Kind, String)>,
    changes: VecDeque<Change>,
}

impl Store {
    pub(crate) fn get(&self, sid: &str) -> Option<&Entity> {
        self.entities.get(sid)
    }

    /// By SID or by unique name.
    pub(crate) fn find(&self, kind: Kind, id: &str) -> Option<&Entity> {
        let sid = self.names.get(&(kind, id.to_owned())).map_or(id, String::as_str);
        self.entities.get(sid).filter(|entity| entity.kind == kind)
    }

    pub(crate) fn was_there(&self, kind: Kind, id: &str) -> bool {
        self.gone.contains(&(kind, id.to_owned()))
    }

    /// What an item holds.
    pub(crate) fn data(&self, sid: &str, key: &ItemKey) -> Option<&Value> {
        self.get(sid)?.items.get(key).map(|item| &item.data)
    }

    pub(crate) fn pop_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Makes an object; the caller has seen to it that its name is free.
    pub(crate) fn create(&mut self, world: &mut World, new: NewEntity<'_>) -> String {
        let sid = world.ids.sid(new.kind.prefix());
        self.create_with_sid(world, sid, new)
    }

    pub(crate) fn create_with_sid(&mut self, world: &mut World, sid: String, new: NewEntity<'_>) -> String {
        let date = world.clock.stamp();
        if let Some(name) = new.unique_name {
            self.names.insert((new.kind, name.to_owned()), sid.clone());
            self.gone.remove(&(new.kind, name.to_owned()));
        }
        let entity = Entity {
            sid: sid.clone(),
            kind: new.kind,
            unique_name: new.unique_name.map(str::to_owned),
            created_by: new.by.to_owned(),
            date_created: date.clone(),
            date_updated: date,
            date_expires: None,
            last_event_id: if new.kind == Kind::Document { 0 } else { -1 },
            data: new.data,
            context_event_id: -1,
            items: BTreeMap::new(),
            next_index: 0,
            log: Vec::new(),
            access: new.access,
            writers: new.writers,
            session: false,
        };
        self.entities.insert(sid.clone(), entity);
        sid
    }

    /// Changes what is not an event: marks, expiry, access.
    pub(crate) fn edit(&mut self, sid: &str, change: impl FnOnce(&mut Entity)) {
        if let Some(entity) = self.entities.get_mut(sid) {
            change(entity);
        }
    }

    pub(crate) fn grant(&mut self, sid: &str, identity: &str) {
        self.edit(sid, |entity| {
            if let Access::Only(identities) = &mut entity.access {
                identities.insert(identity.to_owned());
            }
        });
    }

    pub(crate) fn revoke(&mut self, sid: &str, identity: &str) {
        let Some(Entity { access: Access::Only(identities), .. }) = self.entities.get_mut(sid) else {
            return;
        };
        if identities.remove(identity) {
            self.changes.push_back(Change::Revoked { sid: sid.to_owned(), identity: identity.to_owned() });
        }
    }

    /// Replaces a document's value.
    pub(crate) fn set_document(&mut self, world: &mut World, sid: &str, data: Value, by: &str) {
        self.mutate(world, sid, by, "document_updated", |entity, _, event| {
            event.insert("document_data".into(), data.clone());
            entity.data = data;
        });
    }

    /// Replaces a list's context.
    pub(crate) fn set_context(&mut self, world: &mut World, sid: &str, data: Value, by: &str) {
        self.mutate(world, sid, by, "list_context_updated", |entity, _, event| {
            event.insert("context_data".into(), data.clone());
            event.insert("context_revision".into(), format!("{:x}", entity.last_event_id + 1).into());
            entity.context_event_id = entity.last_event_id;
            entity.data = data;
        });
    }

    /// Adds an item at the end of a list; gives its index.
    pub(crate) fn push_item(&mut self, world: &mut World, sid: &str, data: Value, by: &str) -> Option<u64> {
        let entity = self.entities.get_mut(sid)?;
        let index = entity.next_index;
        entity.next_index += 1;
        self.put_item(world, sid, ItemKey::Index(index), data, by).map(|_| index)
    }

    /// Adds or replaces an item.
    pub(crate) fn put_item(
        &mut self,
        world: &mut World,
        sid: &str,
        key: ItemKey,
        data: Value,
        by: &str,
    ) -> Option<Written> {
        let entity = self.entities.get(sid)?;
        let there = entity.items.contains_key(&key);
        let event_type = match (entity.kind, there) {
            (Kind::List, false) => "list_item_added",
            (Kind::List, true) => "list_item_updated",
            (_, false) => "map_item_added",
            (_, true) => "map_item_updated",
        };
        self.mutate(world, sid, by, event_type, |entity, date, event| {
            event.insert(key_name(entity.kind).into(), key.to_json());
            event.insert("item_url".into(), entity.item_url(&key).into());
            event.insert("item_data".into(), data.clone());
            event.insert("item_revision".into(), format!("{:x}", entity.last_event_id).into());
            let fresh = Item {
                data: Value::Null,
                last_event_id: 0,
                created_by: by.to_owned(),
                date_created: date.to_owned(),
                date_updated: String::new(),
                date_expires: None,
            };
            let last_event_id = entity.last_event_id;
            let item = entity.items.entry(key).or_insert(fresh);
            item.data = data;
            item.last_event_id = last_event_id;
            date.clone_into(&mut item.date_updated);
            if let Some(expires) = &item.date_expires {
                event.insert("date_expires".into(), expires.as_str().into());
            }
        });
        Some(if there { Written::Updated } else { Written::Added })
    }

    pub(crate) fn remove_item(
        &mut self,
        world: &mut World,
        sid: &str,
        key: &ItemKey,
        by: &str,
    ) -> Option<Item> {
        let removed = self.entities.get_mut(sid)?.items.remove(key)?;
        let event_type =
            if self.get(sid)?.kind == Kind::List { "list_item_removed" } else { "map_item_removed" };
        self.mutate(world, sid, by, event_type, |entity, _, event| {
            event.insert(key_name(entity.kind).into(), key.to_json());
            event.insert("item_data".into(), removed.data.clone());
        });
        Some(removed)
    }

    /// Removes a whole object. Its last event goes to those who subscribed; then it is as if it had never been.
    pub(crate) fn remove(&mut self, world: &mut World, sid: &str, by: &str) {
        let Some(kind) = self.get(sid).map(|entity| entity.kind) else { return };
        let event_type = match kind {
            Kind::Document => "document_removed",
            Kind::List => "list_removed",
            Kind::Map => "map_removed",
        };
        self.mutate(world, sid, by, event_type, |_, _, _| {});
        self.forget(sid);
    }

    /// Removes a whole object without an event.
    pub(crate) fn forget(&mut self, sid: &str) {
        let Some(entity) = self.entities.remove(sid) else { return };
        self.gone.insert((entity.kind, entity.sid));
        if let Some(name) = entity.unique_name {
            self.gone.insert((entity.kind, name.clone()));
            self.names.remove(&(entity.kind, name));
        }
    }

    /// Every mutation is one event: it gets the next id, stands in the log, and waits to be told.
    fn mutate(
        &mut self,
        world: &mut World,
        sid: &str,
        by: &str,
        event_type: &'static str,
        change: impl FnOnce(&mut Entity, &str, &mut Map<String, Value>),
    ) {
        let Some(entity) = self.entities.get_mut(sid) else { return };
        let date = world.clock.stamp();
        entity.last_event_id += 1;
        let mut event = entity.event_head(by, &date);
        change(entity, &date, &mut event);
        entity.date_updated = date;
        let event =
            LogEvent { id: entity.last_event_id, event_type, body: Value::Object(event).to_string().into() };
        entity.log.push(event.clone());
        self.changes.push_back(Change::Event { sid: sid.to_owned(), kind: entity.kind, event });
    }
}

const fn key_name(kind: Kind) -> &'static str {
    match kind {
        Kind::List => "item_index",
        _ => "item_key",
    }
}
