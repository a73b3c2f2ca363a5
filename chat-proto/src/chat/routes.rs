//! Which part of chat an output of Sync is for: the one whose object it is about, or the one that asked.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::Chat;
use super::channels::Part;
use super::proceed::Got;
use crate::call::CallId;
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::Event;
use crate::model::{ChannelSid, Identity};
use crate::sync::{EntityId, Order, Output, QueryId, Select};

/// Whose object an entity is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    OwnChannels,
    Channel(ChannelSid, Part),
    User(Identity),
}

/// Who asked for a page of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asker {
    Call(CallId),
    /// A roster that is being read.
    Roster(ChannelSid),
    /// Messages that no event told of.
    Untold(ChannelSid),
    /// The map of own channels, of which events did not come.
    OwnMap,
    /// The same of a person's.
    User(Identity),
}

impl Chat {
    /// Hands an output of Sync to the part whose object it is about.
    pub(super) fn object(&mut self, cx: &mut Cx, output: Output<'_>) {
        let entity = match &output {
            Output::Opened { entity, .. }
            | Output::OpenFailed { entity, .. }
            | Output::Subscribed { entity }
            | Output::SubscriptionRefused { entity, .. }
            | Output::Removed { entity }
            | Output::Document { entity, .. }
            | Output::Context { entity, .. }
            | Output::Skipped { entity }
            | Output::Item { entity, .. } => *entity,
            Output::Page { query, .. } | Output::QueryFailed { query, .. } => {
                let query = *query;
                if let Some((_, asker)) = self.queries.remove(&query) {
                    self.page(cx, asker, output);
                }
                return;
            }
            // Only the session pushes items.
            Output::Pushed { .. } | Output::PushFailed { .. } => return,
        };
        if let Output::SubscriptionRefused { name, error, .. } = output {
            return refused(cx, name, error);
        }
        match self.entities.get(&entity).cloned() {
            None => {}
            Some(Role::OwnChannels) => self.own_channels(cx, output),
            Some(Role::User(identity)) => self.user_map(cx, &identity, output),
            Some(Role::Channel(sid, Part::Document)) => self.document(cx, &sid, output),
            Some(Role::Channel(sid, Part::Messages)) => self.message_list(cx, &sid, output),
            Some(Role::Channel(sid, Part::Roster)) => self.roster(cx, &sid, output),
        }
    }

    pub(super) fn page(&mut self, cx: &mut Cx, asker: Asker, output: Output<'_>) {
        match (asker, output) {
            (Asker::Call(id), Output::Page { items, next, previous, .. }) => {
                self.proceed(cx, id, Got::Items { items, next, previous });
            }
            (Asker::Call(id), Output::QueryFailed { error, .. }) => self.calls.answer(cx, id, Err(error)),
            (Asker::Roster(sid), Output::Page { items, next, .. }) => self.roster_page(cx, &sid, items, next),
            (Asker::Untold(sid), Output::Page { items, next, .. }) => self.untold_page(cx, &sid, items, next),
            (Asker::Untold(sid), Output::QueryFailed { error, .. }) => self.untold_failed(cx, &sid, error),
            (Asker::Roster(sid), Output::QueryFailed { error, .. }) => self.streams_failed(cx, &sid, error),
            (Asker::OwnMap, Output::Page { items, next, .. }) => self.own_map_page(cx, items, next),
            (Asker::OwnMap, Output::QueryFailed { error, .. }) => self.own_map_failed(cx, error),
            (Asker::User(identity), Output::Page { items, .. }) => self.user_items(cx, &identity, &items),
            _ => {}
        }
    }

    /// Stops following an object, and no page of it comes any more. Gives the calls that asked for one: whoever closes it
    /// has an answer for them.
    #[must_use]
    pub(super) fn close(&mut self, cx: &mut Cx, entity: EntityId) -> Vec<CallId> {
        self.entities.remove(&entity);
        cx.orders.push_back(Order::Close { entity });
        let mut calls = Vec::new();
        self.queries.retain(|_, (of, asker)| {
            let stays = *of != entity;
            if let (false, Asker::Call(id)) = (stays, asker) {
                calls.push(*id);
            }
            stays
        });
        calls
    }

    pub(super) fn query(&mut self, cx: &mut Cx, entity: EntityId, asker: Asker, select: Select) -> QueryId {
        let query = cx.query_id();
        self.queries.insert(query, (entity, asker));
        cx.orders.push_back(Order::Query { query, entity, select });
        query
    }

    pub(super) fn query_page(&mut self, cx: &mut Cx, entity: EntityId, asker: Asker, token: &str) -> QueryId {
        let query = cx.query_id();
        self.queries.insert(query, (entity, asker));
        cx.orders.push_back(Order::Page { query, entity, token: token.into() });
        query
    }
}

/// The service refuses to tell of an object: the app should know, for nothing else will show it.
fn refused(cx: &mut Cx, object: Box<str>, error: CallError) {
    let (status, code, message) = match error {
        CallError::Sync { status, code, message } => (status, code, message),
        other => (0, 0, other.to_string().into()),
    };
    cx.events.push(Event::Fault(Fault::SubscriptionRefused { object, status, code, message }));
}
