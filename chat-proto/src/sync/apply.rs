//! Events of objects: values, items, contexts, removals (spec 02 §3.6, §3.7).

use alloc::collections::VecDeque;

use super::entity::{Place, Told};
use super::envelope::{Event, Topic};
use super::gaps::{Fact, What};
use super::output::{Key, Output, Raw};
use super::table::{Input, State};
use super::{EntityId, Kind, Sync};
use crate::cx::Cx;

/// A value that was not given (spec 02 §1.5).
pub(super) const EMPTY_OBJECT: &str = "{}";

impl Sync {
    pub(super) fn dispatch<'a>(&mut self, cx: &mut Cx, event: Event<'a>) -> Option<Output<'a>> {
        match event.topic {
            Topic::Established => self.established(cx, &event),
            Topic::Canceled => self.canceled(cx, &event),
            Topic::Failed => self.failed(cx, &event),
            Topic::Removed(kind) => {
                let sid = event.sid()?;
                self.entities.get(sid).filter(|entity| entity.kind == kind)?;
                self.removed(cx, sid)
            }
            Topic::Value => self.value(cx, &event),
            Topic::Item(..) | Topic::Context | Topic::Other(_) => self.fact(cx, event),
        }
    }

    /// A document has another value. Each event has all of it, so a jump loses nothing that stays.
    fn value<'a>(&mut self, cx: &mut Cx, event: &Event<'a>) -> Option<Output<'a>> {
        let (sid, id) = (event.sid()?, event.body.id?);
        let entity = self.entities.get_mut(sid).filter(|entity| entity.kind == Kind::Document)?;
        if id <= entity.cursor {
            cx.stats.duplicates += 1;
            return None;
        }
        if entity.behind {
            return None;
        }
        if cx.events.is_full() && !entity.own {
            self.fall_behind(cx, sid);
            return None;
        }
        entity.cursor = id;
        let data = event.body.document_data.map_or(EMPTY_OBJECT, |data| data.0);
        emit(&mut self.out, &entity.handles, |entity| Output::Document { entity, data: Raw::new(data) })
    }

    /// An event of a list or map.
    fn fact<'a>(&mut self, cx: &mut Cx, mut event: Event<'a>) -> Option<Output<'a>> {
        let id = event.body.id?;
        let (kind, what) = match event.topic {
            Topic::Item(kind, change) => {
                let key = match kind {
                    Kind::List => Key::Index(event.body.item_index?.0),
                    _ => Key::Name(event.body.item_key.take()?.0),
                };
                let data = event.body.item_data.map_or("null", |data| data.0);
                (kind, What::Item(change, key, Raw::new(data)))
            }
            Topic::Context => (Kind::List, What::Context(Raw::new(event.body.context_data?.0))),
            Topic::Other(kind) => (kind, What::Other),
            _ => return None,
        };
        let sid = event.sid()?;
        let entity = self.entities.get_mut(sid).filter(|entity| entity.kind == kind)?;
        if self.subscriptions.waits_for(sid, event.correlation_id) {
            entity.replays(id);
        }
        let fact = Fact { id, what };
        let place = entity.place(id);
        let late = matches!(place, Place::Late | Place::Stale);
        if late
            && let What::Item(_, key, _) = &fact.what
            && (place == Place::Stale || entity.knows(id, key))
        {
            cx.stats.duplicates += 1;
            return None;
        }
        if entity.behind || (cx.events.is_full() && !entity.own) {
            if late && place != Place::Stale {
                // It was passed over by a jump, and only a replay from before it brings it back.
                entity.cursor = entity.cursor.min(id.saturating_sub(1));
            }
            self.fall_behind(cx, sid);
            return None;
        }
        match place {
            Place::Stale | Place::Late => {
                let told = entity.tell(fact, true);
                say(cx, &mut self.out, &entity.handles, told)
            }
            Place::Next => {
                entity.advance(id);
                let told = entity.tell(fact, false);
                let output = say(cx, &mut self.out, &entity.handles, told);
                if !entity.held.is_empty() {
                    self.release(cx, sid, i64::MIN);
                }
                output
            }
            Place::Ahead => {
                if entity.held.has(id) {
                    cx.stats.duplicates += 1;
                }
                if entity.held.hold(fact) {
                    // The cursor stays before the gap, so what is missing still comes.
                    for fact in entity.held.take_all() {
                        let told = entity.tell(fact, false);
                        let output = say(cx, &mut self.out, &entity.handles, told);
                        self.out.extend(output);
                    }
                }
                if self.subscriptions.state(sid) == State::Live {
                    self.subscriptions.tell(cx, sid, Input::Again);
                }
                None
            }
        }
    }

    /// Tells what waits, as far as nothing is missing: up to `limit` surely, and what follows without a gap.
    pub(super) fn release(&mut self, cx: &mut Cx, sid: &str, limit: i64) {
        let Some(entity) = self.entities.get_mut(sid) else { return };
        let mut skipped = false;
        loop {
            let next = entity.cursor.saturating_add(1);
            let fact = entity.next_held(limit);
            let passed = fact.as_ref().map_or(entity.cursor, |fact| fact.id.saturating_sub(1));
            if passed >= next && !skipped {
                // Whoever reads now sees what all jumps of this release passed over.
                skipped = true;
                let output = emit(&mut self.out, &entity.handles, |entity| Output::Skipped { entity });
                self.out.extend(output);
            }
            let Some(fact) = fact else { return };
            let told = entity.tell(fact, false);
            let output = say(cx, &mut self.out, &entity.handles, told);
            self.out.extend(output);
        }
    }

    /// The object does not exist any more.
    pub(super) fn removed(&mut self, cx: &mut Cx, sid: &str) -> Option<Output<'static>> {
        let entity = self.entities.remove(sid)?;
        self.behind.remove(sid);
        self.subscriptions.tell(cx, sid, Input::Unsubscribe);
        for handle in &entity.handles {
            self.handles.remove(handle);
        }
        emit(&mut self.out, &entity.handles, |entity| Output::Removed { entity })
    }
}

fn say<'a>(
    cx: &mut Cx,
    out: &mut VecDeque<Output<'static>>,
    handles: &[EntityId],
    told: Option<Told<'a>>,
) -> Option<Output<'a>> {
    match told {
        Some(Told::Item(change, item)) => {
            emit(out, handles, move |entity| Output::Item { entity, change, item: item.clone() })
        }
        Some(Told::Context(data)) => {
            emit(out, handles, move |entity| Output::Context { entity, data: data.clone() })
        }
        Some(Told::Nothing) => None,
        None => {
            cx.stats.duplicates += 1;
            None
        }
    }
}

/// One output for each follower: the first is returned, with what the frame lent; the others are queued after it.
/// When outputs are queued already, the first goes behind them.
pub(super) fn emit<'a>(
    out: &mut VecDeque<Output<'static>>,
    handles: &[EntityId],
    output: impl Fn(EntityId) -> Output<'a>,
) -> Option<Output<'a>> {
    let (first, others) = handles.split_first()?;
    let mut first = Some(output(*first));
    if !out.is_empty() {
        out.extend(first.take().map(Output::into_owned));
    }
    for handle in others {
        out.push_back(output(*handle).into_owned());
    }
    first
}
