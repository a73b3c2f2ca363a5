//! People: the own user and those that the app subscribes to (spec 03 §11).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::Wait;
use super::channels::Object;
use super::lenient::{Field, attributes, set};
use super::own_channels::unreadable;
use super::{Chat, Role};
use crate::call::CallId;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Event, Reply};
use crate::json::Json;
use crate::model::{Identity, Reasons, User, UserReason};
use crate::sync::{Item, Key, Kind, Order, Output};

/// How many people may be subscribed at once while the service has not said otherwise (spec 03 §1.2).
const DEFAULT_LIMIT: usize = 100;

/// Who is followed.
#[derive(Debug, Clone)]
pub(super) struct Users {
    maps: BTreeMap<Identity, Object>,
    /// Subscribed people without the own user, oldest first.
    subscribed: VecDeque<Identity>,
    limit: usize,
}

impl Default for Users {
    fn default() -> Self {
        Self { maps: BTreeMap::new(), subscribed: VecDeque::new(), limit: DEFAULT_LIMIT }
    }
}

impl Users {
    /// Sets how many people may be subscribed; zero counts as unsaid.
    pub(super) fn set_limit(&mut self, limit: Option<u32>) {
        let limit = limit.filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok());
        self.limit = limit.unwrap_or(DEFAULT_LIMIT);
    }

    /// The map of a person.
    pub(super) fn map(&self, identity: &Identity) -> Object {
        self.maps.get(identity).copied().unwrap_or_default()
    }

    /// A person of a save.
    pub(super) fn resume(&mut self, identity: Identity, map: Object) {
        self.maps.insert(identity, map);
    }

    /// The newest of the subscribed people.
    pub(super) fn subscribe(&mut self, identity: Identity) {
        if !self.subscribed.contains(&identity) {
            self.subscribed.push_back(identity);
        }
    }

    /// Subscribed people without the own user, oldest first.
    pub(super) fn subscribed(&self) -> impl Iterator<Item = &Identity> {
        self.subscribed.iter()
    }
}

fn unknown(identity: Identity) -> User {
    User {
        identity,
        friendly_name: None,
        attributes: Json::empty_object(),
        online: None,
        notifiable: None,
        is_subscribed: false,
    }
}

/// What the app is told when the own user cannot be read.
const OWN_USER: &str = "the own user";

impl Chat {
    /// Follows the own user, if that is not done yet.
    pub(super) fn load_own_user(&mut self, cx: &mut Cx) {
        let Some(context) = &self.context else { return };
        let (identity, name) = (context.identity.clone(), context.user_info.clone());
        self.open_user(cx, &identity, name);
    }

    /// Follows a person, if that is not done yet.
    pub(super) fn open_user(&mut self, cx: &mut Cx, identity: &Identity, name: Box<str>) {
        let object = self.users.maps.entry(identity.clone()).or_default();
        if *object != Object::Closed {
            return;
        }
        let entity = cx.entity_id();
        *object = Object::Opening(entity);
        self.entities.insert(entity, Role::User(identity.clone()));
        cx.orders.push_back(Order::Open { entity, kind: Kind::Map, name, include_items: true });
    }

    /// Whether changes of this person arrive.
    pub(super) fn follows(&self, identity: &Identity) -> bool {
        self.state.users.get(identity).is_some_and(|user| user.is_subscribed)
    }

    fn is_own(&self, identity: &Identity) -> bool {
        self.state.identity.as_ref() == Some(identity)
    }

    /// What happens to a person's map.
    pub(super) fn user_map(&mut self, cx: &mut Cx, identity: &Identity, output: Output<'_>) {
        match output {
            Output::Opened { entity, items, .. } => {
                self.users.maps.insert(identity.clone(), Object::Open(entity));
                if self.is_own(identity) {
                    self.loaded(|| OWN_USER.into());
                }
                self.user_opened(cx, identity, items);
            }
            Output::OpenFailed { entity, error } => {
                self.entities.remove(&entity);
                self.users.maps.remove(identity);
                for id in self.waiting_for_user(identity) {
                    self.calls.answer(cx, id, Err(error.clone()));
                }
                if self.is_own(identity) {
                    self.reload_later(cx, OWN_USER.into(), error);
                }
            }
            Output::Removed { .. } => self.unfollow(cx, identity),
            Output::Item { item, .. } => self.user_items(cx, identity, &[item]),
            Output::Skipped { entity } => self.reread_user(cx, identity, entity),
            _ => {}
        }
    }

    pub(super) fn user_items(&mut self, cx: &mut Cx, identity: &Identity, items: &[Item<'_>]) {
        if let Some(user) = self.state.users.get_mut(identity) {
            for item in items {
                apply(cx, user, item);
            }
        }
    }

    fn user_opened(&mut self, cx: &mut Cx, identity: &Identity, mut items: Vec<Item<'_>>) {
        let order = ["friendlyName", "attributes", "reachability"];
        items.sort_by_key(|item| {
            order.iter().position(|name| matches!(&item.key, Key::Name(key) if key == name))
        });
        let reachability = self.state.reachability_enabled == Some(true);
        let user =
            self.state.users.entry(identity.clone()).or_insert_with(|| Arc::new(unknown(identity.clone())));
        for item in &items {
            let asked = reachability || !matches!(&item.key, Key::Name(key) if key == "reachability");
            if asked {
                apply(cx, user, item);
            }
        }
        Arc::make_mut(user).is_subscribed = true;
        cx.events.push(Event::UserSubscribed(user.clone()));
        for id in self.waiting_for_user(identity) {
            self.user_answer(cx, id, identity);
        }
        if self.is_own(identity) {
            return;
        }
        // The newest one comes in first, then the oldest goes (spec 03 §11.2).
        let oldest = if self.users.subscribed.len() >= self.users.limit {
            self.users.subscribed.pop_front()
        } else {
            None
        };
        self.users.subscribed.push_back(identity.clone());
        if let Some(oldest) = oldest {
            self.unfollow(cx, &oldest);
        }
    }

    fn waiting_for_user(&self, identity: &Identity) -> Vec<CallId> {
        self.calls.waiting(|wait| matches!(wait, Wait::User(of) if of == identity))
    }

    pub(super) fn user_answer(&mut self, cx: &mut Cx, id: CallId, identity: &Identity) {
        if let Some(user) = self.state.users.get(identity).cloned() {
            self.calls.answer(cx, id, Ok(Reply::User(user)));
        }
    }

    /// Changes of this person arrive no more.
    pub(super) fn unfollow(&mut self, cx: &mut Cx, identity: &Identity) {
        let map = self.users.maps.remove(identity).and_then(Object::entity);
        let asked = map.map(|entity| self.close(cx, entity)).unwrap_or_default();
        self.users.subscribed.retain(|of| of != identity);
        for id in self.waiting_for_user(identity).into_iter().chain(asked) {
            self.calls.answer(cx, id, Err(CallError::NotSubscribed(identity.as_str().into())));
        }
        if let Some(user) = self.state.users.get_mut(identity).filter(|user| user.is_subscribed) {
            Arc::make_mut(user).is_subscribed = false;
            cx.events.push(Event::UserUnsubscribed(user.clone()));
        }
        // The own user is always followed (spec 03 §11.2), and what is known of it stays.
        if self.is_own(identity) {
            self.load_own_user(cx);
        } else {
            self.state.users.remove(identity);
        }
    }

    /// The own user first, then the others, oldest subscription first.
    pub(super) fn subscribed_users(&self) -> Vec<Arc<User>> {
        let identities = self.state.identity.iter().chain(self.users.subscribed());
        identities.filter_map(|identity| self.state.users.get(identity)).cloned().collect()
    }
}

#[derive(Deserialize)]
struct Value<'a> {
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reachability {
    #[serde(default)]
    online: Field<bool>,
    #[serde(default)]
    notifiable: Field<bool>,
}

/// Applies an item of a person's map (spec 03 §6.6, §8.4); each that changes something is an event of its own.
fn apply(cx: &mut Cx, user: &mut Arc<User>, item: &Item<'_>) {
    let Key::Name(key) = &item.key else { return };
    match read(Arc::make_mut(user), key, item.data.get()) {
        Ok(reasons) if !reasons.is_empty() => {
            cx.events.push(Event::UserUpdated { user: user.clone(), reasons });
        }
        Ok(_) => {}
        Err(error) => unreadable(cx, "item of a user", &error),
    }
}

fn read(user: &mut User, key: &str, text: &str) -> Result<Reasons<UserReason>, serde_json::Error> {
    let mut reasons = Reasons::empty();
    match key {
        "friendlyName" => {
            let raw = serde_json::from_str::<Value<'_>>(text)?.value;
            let name: Option<Cow<'_, str>> = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
            if set(&mut user.friendly_name, Some(name.map(Arc::from))) {
                reasons.insert(UserReason::FriendlyName);
            }
        }
        "attributes" => {
            let raw = serde_json::from_str::<Value<'_>>(text)?.value;
            if set(&mut user.attributes, Some(attributes(raw.map(RawValue::get)))) {
                reasons.insert(UserReason::Attributes);
            }
        }
        "reachability" => {
            let reachability: Reachability = serde_json::from_str(text)?;
            if set(&mut user.online, reachability.online.value().map(Some)) {
                reasons.insert(UserReason::Online);
            }
            if set(&mut user.notifiable, reachability.notifiable.value().map(Some)) {
                reasons.insert(UserReason::Notifiable);
            }
        }
        _ => {}
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_tell_what_changed() {
        let mut user = unknown("alice".into());
        assert!(read(&mut user, "friendlyName", r#"{"value":null}"#).unwrap().is_empty());
        assert!(
            read(&mut user, "friendlyName", r#"{"value":"Alice"}"#)
                .unwrap()
                .contains(UserReason::FriendlyName)
        );
        assert!(read(&mut user, "attributes", r#"{"value":"{}"}"#).unwrap().is_empty());
        assert!(
            read(&mut user, "attributes", r#"{"value":"{\"a\":1}"}"#)
                .unwrap()
                .contains(UserReason::Attributes)
        );
        let both = read(&mut user, "reachability", r#"{"online":true,"notifiable":false}"#).unwrap();
        assert!(both.contains(UserReason::Online) && both.contains(UserReason::Notifiable));
        assert!(read(&mut user, "shoeSize", "44").unwrap().is_empty());
        assert!(read(&mut user, "reachability", "[").is_err());
    }
}
