//! Reads of Chat REST: cached for a while, and never the same one twice at once (spec 03 §5.1).

mod error;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::Tag;
use crate::cx::Cx;
use crate::error::CallError;
use crate::small_map::SmallMap;
use crate::time::Time;
use crate::twilsock::{HttpReply, Method, Owner, Request, RequestError, RequestId, Retry, Url};

/// Names a read for whoever asked for it, and a request on its way: the tag of one is `Tag::Rest(RestId)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RestId(u64);

/// A read ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestEvent {
    /// Which, as [`Rest::get`] named it.
    pub(crate) id: RestId,
    /// The body of a successful answer.
    pub(crate) result: Result<Arc<[u8]>, CallError>,
}

/// The reads under way and the answers kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rest {
    lifetime: Duration,
    kept: SmallMap<String, Kept>,
    flights: SmallMap<RestId, Flight>,
    events: VecDeque<RestEvent>,
}

/// An answer and when it came.
#[derive(Debug, Clone)]
struct Kept {
    body: Arc<[u8]>,
    at: Time,
    /// Answers of one moment are told apart by it: the oldest gives way.
    order: RestId,
}

/// One request, named like the first read that wanted it.
#[derive(Debug, Clone)]
struct Flight {
    key: String,
    request: RequestId,
    waiting: Vec<RestId>,
}

impl Rest {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How long answers may be kept; zero, as at the beginning, keeps none.
    pub(crate) fn set_lifetime(&mut self, lifetime: Duration) {
        self.lifetime = lifetime;
        if lifetime.is_zero() {
            self.kept = SmallMap::default();
        }
    }

    /// Reads `url`. The answer comes through [`Rest::poll`], also when it was kept.
    pub(crate) fn get(&mut self, cx: &mut Cx, url: Url) -> RestId {
        let id = RestId(cx.next_id());
        let key = key(&url);
        if let Some(kept) = self.kept.get(&key).filter(|kept| is_fresh(kept, cx.now, self.lifetime)) {
            self.events.push_back(RestEvent { id, result: Ok(Arc::clone(&kept.body)) });
            return id;
        }
        if let Some(flight) = self.flights.values_mut().find(|flight| flight.key == key) {
            flight.waiting.push(id);
            return id;
        }
        let request = Request {
            method: Method::Get,
            url,
            headers: Vec::new(),
            content_type: None,
            body: None,
            retry: Retry::ChatRead,
        };
        let request = cx.request(Owner::Chat(Tag::Rest(id)), request);
        self.flights.insert(id, Flight { key, request, waiting: alloc::vec![id] });
        id
    }

    /// Nobody waits for this read any more. The request is withdrawn with its last reader.
    pub(crate) fn forget(&mut self, cx: &mut Cx, id: RestId) {
        self.events.retain(|event| event.id != id);
        for flight in self.flights.values_mut() {
            flight.waiting.retain(|waiting| *waiting != id);
        }
        self.flights.retain(|_, flight| {
            if flight.waiting.is_empty() {
                cx.forget_request(flight.request);
            }
            !flight.waiting.is_empty()
        });
    }

    /// Takes the answer to a request with tag `Tag::Rest(tag)`.
    pub(crate) fn reply(&mut self, cx: &mut Cx, tag: RestId, result: Result<HttpReply<'_>, RequestError>) {
        let Some(flight) = self.flights.remove(&tag) else {
            cx.stats.stale += 1;
            return;
        };
        let result = error::body(result).map(Arc::from);
        if let Ok(body) = &result {
            self.keep(cx, flight.key, Kept { body: Arc::clone(body), at: cx.now, order: tag });
        }
        self.events.extend(flight.waiting.into_iter().map(|id| RestEvent { id, result: result.clone() }));
    }

    pub(crate) fn poll(&mut self) -> Option<RestEvent> {
        self.events.pop_front()
    }

    fn keep(&mut self, cx: &Cx, key: String, kept: Kept) {
        let limit = cx.config.limits.cached_answers;
        if self.lifetime.is_zero() || limit == 0 {
            return;
        }
        self.kept.insert(key, kept);
        if self.kept.len() > limit {
            let lifetime = self.lifetime;
            self.kept.retain(|_, kept| is_fresh(kept, cx.now, lifetime));
        }
        while self.kept.len() > limit {
            let oldest =
                self.kept.iter().min_by_key(|(_, kept)| (kept.at, kept.order)).map(|(key, _)| key.clone());
            match oldest {
                Some(key) => self.kept.remove(&key),
                None => return,
            };
        }
    }
}

fn is_fresh(kept: &Kept, now: Time, lifetime: Duration) -> bool {
    now.since(kept.at) <= lifetime
}

/// The whole address (spec 03 §5.1).
fn key(url: &Url) -> String {
    let mut key = String::from(&*url.host);
    key.push_str(&url.path);
    for (at, (name, value)) in url.query.iter().enumerate() {
        key.push(if at == 0 { '?' } else { '&' });
        key.push_str(name);
        key.push('=');
        key.push_str(value);
    }
    key
}

#[cfg(test)]
mod tests;
