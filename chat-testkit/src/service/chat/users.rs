//! Users and the two maps of each: what they are, and their own channels (spec 03 §6.3, §6.6).

use serde_json::{Value, json};

use super::{Chat, SYSTEM};
use crate::service::sync::{Access, ItemKey, Kind, NewEntity, Store, Writers};
use crate::service::world::World;

/// A user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) sid: String,
    pub(crate) identity: String,
    /// Map of friendly name, attributes and reachability.
    pub(crate) info: String,
    /// Map of own channels.
    pub(crate) my_channels: String,
    pub(crate) online: bool,
    pub(crate) notifiable: bool,
}

impl User {
    /// Unique name of the map that `info` is.
    pub(crate) fn info_name(&self) -> String {
        format!("{}.info", self.sid)
    }

    /// Unique name of the map that `my_channels` is.
    pub(crate) fn my_channels_name(&self) -> String {
        format!("{}.channels", self.identity)
    }

    /// `friendlyName` or `attributes`.
    pub(crate) fn value(&self, store: &Store, key: &str) -> Value {
        let item = store.data(&self.info, &ItemKey::Key(key.to_owned()));
        item.and_then(|data| data.get("value")).cloned().unwrap_or(Value::Null)
    }
}

impl Chat {
    /// The user of this identity: whoever is named exists from then on.
    pub(crate) fn user(&mut self, world: &mut World, store: &mut Store, identity: &str) -> &mut User {
        self.users.entry(identity.to_owned()).or_insert_with(|| {
            self.user_order.push(identity.to_owned());
            new_user(world, store, identity)
        })
    }

    pub(crate) fn set_user_value(
        &mut self,
        world: &mut World,
        store: &mut Store,
        identity: &str,
        key: &str,
        value: &Value,
        by: &str,
    ) {
        let info = self.user(world, store, identity).info.clone();
        store.put_item(world, &info, ItemKey::Key(key.to_owned()), json!({"value": value}), by);
    }

    /// Tells who watches this user whether it is online and can be notified; nothing when that is known already.
    pub(crate) fn set_reachability(
        &mut self,
        world: &mut World,
        store: &mut Store,
        identity: &str,
        online: Option<bool>,
        notifiable: Option<bool>,
    ) {
        let user = self.user(world, store, identity);
        let (online, notifiable) = (online.unwrap_or(user.online), notifiable.unwrap_or(user.notifiable));
        if (user.online, user.notifiable) == (online, notifiable) {
            return;
        }
        (user.online, user.notifiable) = (online, notifiable);
        let info = user.info.clone();
        store.put_item(
            world,
            &info,
            reachability(),
            json!({"online": online, "notifiable": notifiable}),
            SYSTEM,
        );
    }
}

fn reachability() -> ItemKey {
    ItemKey::Key("reachability".to_owned())
}

fn new_user(world: &mut World, store: &mut Store, identity: &str) -> User {
    let mut user = User {
        sid: world.ids.sid("US"),
        identity: identity.to_owned(),
        info: String::new(),
        my_channels: String::new(),
        online: false,
        notifiable: false,
    };
    let mut map = |world: &mut World, name: String, access: Access| {
        let new = NewEntity {
            kind: Kind::Map,
            unique_name: Some(&name),
            by: SYSTEM,
            data: Value::Null,
            access,
            writers: Writers::System,
        };
        store.create(world, new)
    };
    user.info = map(world, user.info_name(), Access::Everyone);
    user.my_channels = map(world, user.my_channels_name(), Access::only(&[identity]));
    let items = [
        ("friendlyName", json!({"value": null})),
        ("attributes", json!({"value": "{}"})),
        ("reachability", json!({"online": false, "notifiable": false})),
    ];
    for (key, data) in items {
        store.put_item(world, &user.info, ItemKey::Key(key.to_owned()), data, SYSTEM);
    }
    user
}
