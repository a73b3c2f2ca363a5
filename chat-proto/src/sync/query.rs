//! Reading items and contexts, pushing items (spec 02 §5, §1.9).

use alloc::vec::Vec;

use serde::Deserialize;

use serde_json::value::RawValue;

use super::apply::EMPTY_OBJECT;
use super::de::Index;
use super::descriptor::{ContextBody, PageBody};
use super::entity::Entity;
use super::errors::{bad_answer, failed_write, refused, sync_error, unanswered_read, unreadable};
use super::open::Handle;
use super::order::Select;
use super::output::{Fate, Freshness, Item, Output, Raw};
use super::subscriptions::Sid;
use super::table::{Input, State};
use super::{EntityId, Kind, QueryId, Sync, Tag, WriteId, rest};
use crate::cx::Cx;
use crate::error::CallError;
use crate::twilsock::{HttpReply, RequestError, RequestId, Url};

/// How often a context is read again because the answer was older than what an event told.
const ROUNDS: u32 = 3;

/// A read that is under way.
#[derive(Debug, Clone)]
pub(super) struct Query {
    entity: EntityId,
    sid: Sid,
    kind: Kind,
    request: RequestId,
    rounds: u32,
}

impl Sync {
    pub(super) fn query(&mut self, cx: &mut Cx, query: QueryId, entity: EntityId, select: &Select) {
        let tag = Tag::Query(query);
        self.read(cx, query, entity, tag, |sid, open| {
            Some(rest::select_url(open.links.items(sid)?, open.kind, select))
        });
    }

    pub(super) fn page(&mut self, cx: &mut Cx, query: QueryId, entity: EntityId, token: &str) {
        let tag = Tag::Query(query);
        self.read(cx, query, entity, tag, |sid, open| Some(rest::page_url(open.links.items(sid)?, token)));
    }

    pub(super) fn context(&mut self, cx: &mut Cx, query: QueryId, entity: EntityId) {
        self.read(cx, query, entity, Tag::Context(query), |sid, open| open.links.context(sid));
    }

    fn read(
        &mut self,
        cx: &mut Cx,
        query: QueryId,
        entity: EntityId,
        tag: Tag,
        url: impl FnOnce(&str, &Entity) -> Option<Url>,
    ) {
        let Some((sid, open)) = self.followed(entity) else {
            self.out.push_back(Output::QueryFailed { query, error: sync_error(404, 0, None) });
            return;
        };
        let Some(url) = url(sid, open) else {
            let error = bad_answer("the object has no such link");
            self.out.push_back(Output::QueryFailed { query, error });
            return;
        };
        let (sid, kind) = (sid.clone(), open.kind);
        let request = rest::get(cx, url, tag);
        self.queries.insert(query, Query { entity, sid, kind, request, rounds: 0 });
    }

    fn followed(&self, entity: EntityId) -> Option<(&Sid, &Entity)> {
        match self.handles.get(&entity)? {
            Handle::Open(sid) => self.entities.get_key_value(sid).map(|(sid, open)| (sid, &**open)),
            _ => None,
        }
    }

    pub(super) fn forget(&mut self, cx: &mut Cx, query: QueryId) {
        if let Some(query) = self.queries.remove(&query) {
            cx.forget_request(query.request);
        }
    }

    /// The object is closed: nobody waits for its pages.
    pub(super) fn close_queries(&mut self, cx: &mut Cx, entity: EntityId) {
        self.queries.retain(|_, query| {
            let stays = query.entity != entity;
            if !stays {
                cx.forget_request(query.request);
            }
            stays
        });
    }

    pub(super) fn page_replied<'a>(
        &mut self,
        cx: &mut Cx,
        query: QueryId,
        result: Result<HttpReply<'a>, RequestError>,
    ) -> Option<Output<'a>> {
        let Some(read) = self.queries.remove(&query) else {
            cx.stats.stale += 1;
            return None;
        };
        let page = body::<PageBody<'a>>(result).and_then(|page| self.see_page(&read, page));
        // An item whose event did not come: it is on its way, or lost. Asking again brings it either way.
        let ahead =
            page.as_ref().is_ok_and(|(items, _)| items.iter().any(|item| item.freshness == Freshness::Ahead));
        if ahead && self.subscriptions.state(&read.sid) == State::Live {
            self.subscriptions.tell(cx, &read.sid, Input::Again);
        }
        Some(match page {
            Ok((items, page)) => {
                let (next, previous) = page.tokens();
                Output::Page { query, items, next, previous }
            }
            Err(error) => Output::QueryFailed { query, error },
        })
    }

    /// Compares a page with what is known. Items that were removed while it was under way are left out (spec 02 §4.3).
    fn see_page<'a>(
        &mut self,
        read: &Query,
        mut page: PageBody<'a>,
    ) -> Result<(Vec<Item<'a>>, PageBody<'a>), CallError> {
        // The object may be gone meanwhile: then all is as new as it will ever be.
        let mut open = self.entities.get_mut(&read.sid);
        let mut items = Vec::with_capacity(page.items.len());
        for mut item in page.items.drain(..) {
            let key = item.key(read.kind).ok_or_else(|| bad_answer("an item without a key"))?;
            let version = item.last_event_id.unwrap_or(0);
            let seen = match &mut open {
                Some(open) => open.see(&key, version),
                None => Some(Freshness::New),
            };
            if let Some(freshness) = seen {
                items.push(Item {
                    key,
                    data: Raw::new(item.data.map_or(EMPTY_OBJECT, RawValue::get)),
                    freshness,
                    event: None,
                });
            }
        }
        Ok((items, page))
    }

    pub(super) fn context_replied<'a>(
        &mut self,
        cx: &mut Cx,
        query: QueryId,
        result: Result<HttpReply<'a>, RequestError>,
    ) -> Option<Output<'a>> {
        let Some(mut read) = self.queries.remove(&query) else {
            cx.stats.stale += 1;
            return None;
        };
        let context = match body::<ContextBody<'a>>(result) {
            Ok(context) => context,
            Err(error) => return Some(Output::QueryFailed { query, error }),
        };
        let Some(open) = self.entities.get_mut(&read.sid) else {
            return Some(Output::QueryFailed { query, error: sync_error(404, 54150, None) });
        };
        // Whoever asked is answered, but not with what an event has overtaken.
        if open.context_is_old(context.last_event_id)
            && read.rounds < ROUNDS
            && let Some(url) = open.links.context(&read.sid)
        {
            read.rounds += 1;
            read.request = rest::get(cx, url, Tag::Context(query));
            self.queries.insert(query, read);
            return None;
        }
        open.context_is_new(context.last_event_id);
        Some(Output::Context { entity: read.entity, data: Raw::new(context.data.get()) })
    }

    pub(super) fn push(&mut self, cx: &mut Cx, write: WriteId, entity: EntityId, data: &str) {
        let Some((sid, open)) = self.followed(entity) else {
            // "List not found": whoever pushes knows what that means (spec 02 §6.4).
            let error = sync_error(404, 54150, None);
            self.out.push_back(Output::PushFailed { write, fate: Fate::NotExecuted, error });
            return;
        };
        let Some(url) = open.links.items(sid) else {
            let error = bad_answer("the object has no such link");
            self.out.push_back(Output::PushFailed { write, fate: Fate::NotExecuted, error });
            return;
        };
        rest::post(cx, url, rest::push_body(data), Tag::Push(write));
    }
}

/// The answer to a push. Its item comes as an event like any other, before or after; the answer is not counted as
/// having told of it, so the event is told exactly once either way.
pub(super) fn pushed(write: WriteId, result: Result<HttpReply<'_>, RequestError>) -> Output<'_> {
    #[derive(Deserialize)]
    struct Body {
        index: Index,
    }
    match result {
        Ok(reply) if reply.is_success() => match serde_json::from_slice::<Body>(reply.body) {
            Ok(Body { index }) => Output::Pushed { write, index: index.0 },
            // It was executed, but where it stands is not known.
            Err(error) => Output::PushFailed { write, fate: Fate::Unknown, error: unreadable(&error) },
        },
        failed => {
            let (fate, error) = failed_write(failed);
            Output::PushFailed { write, fate, error }
        }
    }
}

fn body<'a, T: Deserialize<'a>>(result: Result<HttpReply<'a>, RequestError>) -> Result<T, CallError> {
    let reply = result.map_err(unanswered_read)?;
    if !reply.is_success() {
        return Err(refused(reply));
    }
    serde_json::from_slice(reply.body).map_err(|error| unreadable(&error))
}
