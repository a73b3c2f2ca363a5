//! Opening, creating and closing objects (spec 02 §1.7, §1.8).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::value::RawValue;

use super::apply::{EMPTY_OBJECT, emit};
use super::descriptor::Root;
use super::entity::Entity;
use super::errors::{bad_answer, refused, sync_error, unanswered_read, unreadable};
use super::output::{Item, Output, Raw};
use super::subscriptions::Sid;
use super::table::{Input, State};
use super::{EntityId, Kind, Sync, Tag, Timer, rest};
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::Event;
use crate::twilsock::{HttpReply, RequestError, RequestId};

/// How often an object is read again because the answer was older than what its other followers know already.
const ROUNDS: u32 = 3;
/// The first wait before a list is created again, and the longest (as for reads, spec 02 §6.3).
const CREATE_DELAYS: (u64, u64) = (4_000, 60_000);
/// After this many failures the app is told.
const CREATE_TELLS_AFTER: u32 = 4;

/// What became of an order to open. Thousands are open and few are on the way: those are boxed.
#[derive(Debug, Clone)]
pub(super) enum Handle {
    Opening(Box<Opening>),
    Creating(Box<Creation>),
    Open(Sid),
}

/// An object that is being read for the first time.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    kind: Kind,
    name: Box<str>,
    include_items: bool,
    request: RequestId,
    rounds: u32,
}

/// A list that is being created.
#[derive(Clone)]
pub(super) struct Creation {
    purpose: &'static str,
    context: String,
    /// `None` while it waits for its next attempt.
    request: Option<RequestId>,
    attempts: u32,
    /// The app was told that it fails.
    complained: bool,
}

impl core::fmt::Debug for Creation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Creation({}, {} bytes)", self.purpose, self.context.len())
    }
}

impl Sync {
    pub(super) fn open(
        &mut self,
        cx: &mut Cx,
        entity: EntityId,
        kind: Kind,
        name: Box<str>,
        include_items: bool,
    ) {
        let url = rest::open_url(cx, kind, &name, include_items).filter(|_| !name.is_empty());
        let Some(url) = url else {
            let error =
                if name.is_empty() { sync_error(404, 0, None) } else { bad_answer("no address of Sync") };
            self.out.push_back(Output::OpenFailed { entity, error });
            return;
        };
        let request = rest::get(cx, url, Tag::Open(entity));
        let opening = Opening { kind, name, include_items, request, rounds: 0 };
        self.handles.insert(entity, Handle::Opening(Box::new(opening)));
    }

    pub(super) fn create_list(
        &mut self,
        cx: &mut Cx,
        entity: EntityId,
        purpose: &'static str,
        context: String,
    ) {
        let creation = Creation { purpose, context, request: None, attempts: 0, complained: false };
        self.handles.insert(entity, Handle::Creating(Box::new(creation)));
        self.create_again(cx, entity);
    }

    pub(super) fn create_again(&mut self, cx: &mut Cx, entity: EntityId) {
        let Some(Handle::Creating(creation)) = self.handles.get_mut(&entity) else { return };
        if let Some(url) = rest::create_url(cx) {
            let body = rest::create_body(creation.purpose, &creation.context);
            creation.request = Some(rest::post(cx, url, body, Tag::Create(entity)));
        } else {
            self.handles.remove(&entity);
            self.out.push_back(Output::OpenFailed { entity, error: bad_answer("no address of Sync") });
        }
    }

    pub(super) fn close(&mut self, cx: &mut Cx, entity: EntityId) {
        match self.handles.remove(&entity) {
            Some(Handle::Opening(opening)) => cx.forget_request(opening.request),
            Some(Handle::Creating(creation)) => {
                cx.timers.cancel(Timer::Create(entity));
                if let Some(request) = creation.request {
                    cx.forget_request(request);
                }
            }
            Some(Handle::Open(sid)) => {
                if let Some(shared) = self.entities.get_mut(&sid) {
                    shared.handles.retain(|handle| *handle != entity);
                    if shared.handles.is_empty() {
                        self.entities.remove(&sid);
                        self.behind.remove(&sid);
                        self.subscriptions.tell(cx, &sid, Input::Unsubscribe);
                    }
                }
            }
            None => {}
        }
        self.close_queries(cx, entity);
        // What is queued about it already was not told yet, and must not be any more.
        self.out.retain(|output| output.entity() != Some(entity));
    }

    pub(super) fn open_replied<'a>(
        &mut self,
        cx: &mut Cx,
        entity: EntityId,
        result: Result<HttpReply<'a>, RequestError>,
    ) -> Option<Output<'a>> {
        let Some(Handle::Opening(opening)) = self.handles.remove(&entity) else {
            cx.stats.stale += 1;
            return None;
        };
        let Opening { kind, name, include_items, rounds, .. } = *opening;
        let root = match answer(kind, result) {
            Ok(root) => root,
            Err(error) => return Some(Output::OpenFailed { entity, error }),
        };
        let known = self.entities.get(&*root.sid.0).map(|known| known.cursor);
        if known.is_some_and(|cursor| root.last_event_id.is_some_and(|id| id < cursor)) && rounds < ROUNDS {
            // Its other followers were told of events that this answer does not have, and nobody will tell them again.
            if let Some(url) = rest::open_url(cx, kind, &name, include_items) {
                let request = rest::get(cx, url, Tag::Open(entity));
                let opening = Opening { kind, name, include_items, request, rounds: rounds + 1 };
                self.handles.insert(entity, Handle::Opening(Box::new(opening)));
                return None;
            }
        }
        Some(self.opened(cx, entity, kind, name, root))
    }

    pub(super) fn create_replied<'a>(
        &mut self,
        cx: &mut Cx,
        entity: EntityId,
        result: Result<HttpReply<'a>, RequestError>,
    ) -> Option<Output<'a>> {
        let Some(Handle::Creating(creation)) = self.handles.get_mut(&entity) else {
            cx.stats.stale += 1;
            return None;
        };
        // Whether the service created it or not: a list that nobody uses harms nobody, so it is simply tried again.
        let again = match &result {
            Ok(reply) => reply.status >= 500 || (reply.status == 429 && cx.config.retry_when_throttled),
            Err(error) => matches!(error, RequestError::Lost | RequestError::TimedOut),
        };
        if again {
            let (first, last) = CREATE_DELAYS;
            let delay = first.saturating_mul(1 << creation.attempts.min(8)).min(last);
            let delay = (delay - delay / 5).saturating_add(cx.jitter.below(delay / 5 * 2 + 1));
            creation.attempts = creation.attempts.saturating_add(1);
            creation.request = None;
            // The reference client gives up about then (spec 02 §6.3). This one goes on, but not in silence.
            let failure = answer(Kind::List, result.clone());
            if !creation.complained
                && creation.attempts >= CREATE_TELLS_AFTER
                && result != Err(RequestError::Lost)
                && let Err(error) = failure
            {
                creation.complained = true;
                let fault = Fault::NotLoaded { what: "session".into(), error: Box::new(error) };
                cx.events.push(Event::Fault(fault));
            }
            if result == Err(RequestError::Lost) {
                // The way to a new link has waits of its own.
                self.create_again(cx, entity);
            } else {
                cx.timers.arm(Timer::Create(entity), cx.now + Duration::from_millis(delay));
            }
            return None;
        }
        self.handles.remove(&entity);
        match answer(Kind::List, result) {
            Ok(root) => {
                let name = root.sid.0.clone().into();
                let output = self.opened(cx, entity, Kind::List, name, root);
                if let Some(Handle::Open(sid)) = self.handles.get(&entity)
                    && let Some(list) = self.entities.get_mut(sid)
                {
                    list.own = true;
                }
                Some(output)
            }
            Err(error) => Some(Output::OpenFailed { entity, error }),
        }
    }

    /// The service described the object: from now on it is followed.
    fn opened<'a>(
        &mut self,
        cx: &mut Cx,
        entity: EntityId,
        kind: Kind,
        name: Box<str>,
        mut root: Root<'a>,
    ) -> Output<'a> {
        if let Some(shared) = self.entities.get_mut(&*root.sid.0) {
            if shared.kind != kind {
                let error = bad_answer("an object of another kind");
                return Output::OpenFailed { entity, error };
            }
            if kind == Kind::Document
                && let Some(id) = root.last_event_id.filter(|id| *id > shared.cursor)
            {
                // Newer than what the other followers know, and its event will be old news now.
                shared.cursor = id;
                let data = root.data.map_or(EMPTY_OBJECT, RawValue::get);
                let told = emit(&mut self.out, &shared.handles, |entity| Output::Document {
                    entity,
                    data: Raw::new(data),
                });
                self.out.extend(told.map(Output::into_owned));
            }
        }
        let sid: Sid = match self.entities.get_key_value(&*root.sid.0) {
            Some((sid, _)) => sid.clone(),
            None => Sid::from(&*root.sid.0),
        };
        let bases = &mut self.bases;
        let shared = self.entities.get_or_insert_with(sid.clone(), |sid| {
            let mut new = Entity::new(kind, name, root.last_event_id);
            if kind != Kind::Document {
                new.links = bases.links(sid, root.items_url(), root.context_url());
            }
            Box::new(new)
        });
        let mut items = Vec::new();
        for mut item in root.items.take().unwrap_or_default() {
            let Some(key) = item.key(kind) else { continue };
            if let Some(freshness) = shared.see(&key, item.last_event_id.unwrap_or(0)) {
                items.push(Item {
                    key,
                    data: Raw::new(item.data.map_or(EMPTY_OBJECT, RawValue::get)),
                    freshness,
                    event: None,
                });
            }
        }
        let first = shared.handles.is_empty();
        // Nearly always the only one.
        shared.handles.reserve_exact(1);
        shared.handles.push(entity);
        let behind = shared.behind;
        self.handles.insert(entity, Handle::Open(sid.clone()));
        let data = (kind == Kind::Document).then(|| Raw::new(root.data.map_or(EMPTY_OBJECT, RawValue::get)));
        let opened = Output::Opened { entity, data, items };
        if first {
            self.subscriptions.subscribe(cx, &sid, kind);
        } else if self.subscriptions.state(&sid) == State::Live && !behind {
            // Nobody will say so again.
            self.out.push_back(Output::Subscribed { entity });
        }
        opened
    }
}

/// The description in an answer.
fn answer(kind: Kind, result: Result<HttpReply<'_>, RequestError>) -> Result<Root<'_>, CallError> {
    let reply = result.map_err(unanswered_read)?;
    if !reply.is_success() {
        return Err(refused(reply));
    }
    let mut root: Root<'_> = serde_json::from_slice(reply.body).map_err(|error| unreadable(&error))?;
    if root.sid.0.is_empty() {
        return Err(bad_answer("an object without a SID"));
    }
    if kind != Kind::Map {
        root.items = None;
    }
    Ok(root)
}
