//! What a save holds of an object, and how a resumed client goes on following it (design §4 "Crashing").
//!
//! Nothing is read: the object is subscribed with its cursor, and the service replays what happened since (spec 02 §2.6).
//! The versions of single items are not saved. They only tell old news from new, and everything after the cursor is new;
//! a page that is read before the replay is complete may show an item of which the app is told a moment later.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use super::entity::Entity;
use super::errors::bad_answer;
use super::open::Handle;
use super::output::Output;
use super::subscriptions::Sid;
use super::table::State;
use super::{EntityId, Kind, Sync};
use crate::cx::Cx;
use crate::twilsock::Url;

/// An object that is followed, as a save holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Follow {
    pub(crate) kind: Kind,
    pub(crate) sid: Box<str>,
    /// What it was opened by: for people.
    pub(crate) name: Box<str>,
    /// `last_event_id`: all events up to this one are told.
    pub(crate) cursor: i64,
    pub(crate) items: Option<Url>,
    pub(crate) context: Option<Url>,
}

impl Sync {
    /// How an open object would be followed by the next life; `None` while it is being opened.
    pub(crate) fn following(&self, entity: EntityId) -> Option<Follow> {
        let Handle::Open(sid) = self.handles.get(&entity)? else { return None };
        let open = self.entities.get(sid)?;
        Some(Follow {
            kind: open.kind,
            sid: Box::from(&**sid),
            name: open.name.clone(),
            cursor: open.cursor,
            items: open.links.items(sid),
            context: open.links.context(sid),
        })
    }

    pub(super) fn follow(&mut self, cx: &mut Cx, entity: EntityId, follow: Follow, own: bool) {
        let sid = Sid::from(follow.sid);
        let bases = &mut self.bases;
        let shared = self.entities.get_or_insert_with(sid.clone(), |sid| {
            let mut known = Entity::new(follow.kind, follow.name, Some(follow.cursor));
            known.links = bases.links(sid, follow.items, follow.context);
            Box::new(known)
        });
        if shared.kind != follow.kind {
            self.out.push_back(Output::OpenFailed { entity, error: bad_answer("an object of another kind") });
            return;
        }
        shared.own |= own;
        let first = shared.handles.is_empty();
        // Nearly always the only one.
        shared.handles.reserve_exact(1);
        shared.handles.push(entity);
        self.handles.insert(entity, Handle::Open(sid.clone()));
        if first {
            self.subscriptions.subscribe(cx, &sid, follow.kind);
        } else if self.subscriptions.state(&sid) == State::Live {
            self.out.push_back(Output::Subscribed { entity });
        }
    }
}
