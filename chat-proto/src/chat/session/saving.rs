//! The session across a crash: its list, its context, its commands.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use super::{List, SavedOutbox, Session, SessionContext};
use crate::cx::Cx;
use crate::sync::{EntityId, Follow, Order};

/// The session of a save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedSession {
    /// The list, if there was one.
    pub(crate) list: Option<Follow>,
    pub(crate) context: Option<SessionContext>,
    pub(crate) outbox: SavedOutbox,
}

impl Session {
    /// `following` tells how an object would be followed by the next life.
    pub(crate) fn save(&self, following: impl Fn(EntityId) -> Option<Follow>) -> SavedSession {
        let list = match self.list {
            List::Open(list) => following(list),
            List::Missing | List::Creating(_) | List::ShutDown => None,
        };
        SavedSession { list, context: self.context.clone(), outbox: self.outbox.save() }
    }

    /// Goes on with the list of a save, or creates one. `sure` says that nothing left of what the save says had not.
    /// Gives the list and the lowest index that an item of the earlier life can have there which the save does not have.
    pub(crate) fn resume(cx: &mut Cx, saved: SavedSession, sure: bool) -> (Self, Option<(EntityId, u64)>) {
        let mut session = Self::idle();
        session.context = saved.context;
        let list = saved.list.map(|follow| {
            let entity = cx.entity_id();
            cx.orders.push_back(Order::Follow { entity, follow: Box::new(follow), own: true });
            session.list = List::Open(entity);
            entity
        });
        if list.is_none() {
            session.create(cx);
        }
        let bottom = saved.outbox.bottom;
        session.outbox.resume(cx, saved.outbox, list, sure);
        (session, list.map(|list| (list, bottom)))
    }
}
