//! Objects whose events the app does not take (law 1).
//!
//! There is no "stop reading": while the app's queue is full, an event of an object is not applied. The object's cursor
//! stays before it, and all later events of the object are ignored too. Once there is room the object is poked again
//! with that cursor, and the service replays everything since, in order. Nothing is kept meanwhile, nothing is lost.

use super::Sync;
use super::table::Input;
use crate::cx::Cx;

impl Sync {
    /// Whether objects fell behind because the app does not take its events.
    pub(crate) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// The app has no room for an event of this object.
    pub(super) fn fall_behind(&mut self, cx: &mut Cx, sid: &str) {
        if let Some((sid, entity)) = self.entities.get_key_value(sid)
            && !entity.behind
        {
            self.behind.insert(sid.clone());
            cx.stats.behind += 1;
        }
        if let Some(entity) = self.entities.get_mut(sid) {
            entity.behind = true;
            entity.held.take_all();
        }
    }

    /// Asks again for what was not taken, when there is room.
    pub(super) fn catch_up(&mut self, cx: &mut Cx) {
        if self.behind.is_empty() || !cx.events.has_room() {
            return;
        }
        for sid in core::mem::take(&mut self.behind) {
            if let Some(entity) = self.entities.get_mut(&sid) {
                entity.behind = false;
            }
            self.subscriptions.tell(cx, &sid, Input::Again);
        }
    }
}
