//! The HTTP requests of clients, for media: performed against the service's media part, and what goes wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_proto::{HttpBody, HttpFailure, HttpId, HttpReply, HttpRequest, Input, MediaId};

use super::tally::Fault;
use super::{Core, Happening, World};
use crate::service::{ExchangeId, MediaRequest, ServiceInput};

/// Requests under way: whose, and where the bytes of the answer go.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges {
    open: BTreeMap<ExchangeId, (usize, HttpId, Option<MediaId>)>,
    last: u64,
}

impl Exchanges {
    fn begin(&mut self, client: usize, http: HttpId, to: Option<MediaId>) -> ExchangeId {
        self.last += 1;
        let id = ExchangeId(self.last);
        self.open.insert(id, (client, http, to));
        id
    }

    pub(super) fn forget(&mut self, client: usize, http: HttpId) {
        self.open.retain(|_, (of, known, _)| (*of, *known) != (client, http));
    }

    /// The host is gone.
    pub(super) fn forget_all(&mut self, client: usize) {
        self.open.retain(|_, (of, ..)| *of != client);
    }

    pub(super) fn of(&self, client: usize) -> Vec<ExchangeId> {
        self.open.iter().filter(|(_, (of, ..))| *of == client).map(|(id, _)| *id).collect()
    }
}

impl<C: Core> World<C> {
    /// A request leaves; its body, or the connection to the media service, may be lost on the way.
    pub(super) fn begin_transfer(&mut self, client: usize, http: HttpId, request: HttpRequest) {
        let exchange = self.exchanges.begin(client, http, request.to);
        let at = self.now + self.network.latency();
        if self.chaos.per_mille(self.network.weather.refused) || self.now < self.down_until {
            self.tally.count(Fault::MediaFailed, 1);
            let failure = HttpFailure::Failed("connection refused".into());
            return self.queue.plan(at, Happening::Transferred(exchange, Err(failure)));
        }
        self.queue.plan(at, Happening::Transfer(exchange, Box::new(request)));
    }

    /// A request reaches the service.
    pub(super) fn transfer(&mut self, exchange: ExchangeId, request: &HttpRequest) {
        let Some((client, http, _)) = self.exchanges.open.get(&exchange).copied() else { return };
        let body = match &request.body {
            HttpBody::Media(id) => self.devices[client].media.get(id).cloned(),
            HttpBody::Bytes(bytes) => Some(bytes.clone()),
            _ => Some(Vec::new()),
        };
        let url = request.url.expose_secret();
        let path = url.strip_prefix(self.service.config().media_url.as_str()).map(str::to_owned);
        let (Some(body), Some(path)) = (body, path) else {
            let failure = HttpFailure::Refused("there is no such media, or no such service".into());
            return self.transferred(exchange, Err(failure));
        };
        let cut = self.chaos.per_mille(self.network.weather.cuts) && !body.is_empty();
        let sent = if cut { self.chaos.below(body.len() as u64) } else { body.len() as u64 };
        if sent > 0 && !self.hosts[client].is_asleep(self.now) {
            self.tell(client, &Input::HttpProgress(http, sent));
        }
        if cut {
            self.tally.count(Fault::MediaCutInTransfer, 1);
            let failure = HttpFailure::Failed("connection reset".into());
            let at = self.now + self.network.notice();
            return self.queue.plan(at, Happening::Transferred(exchange, Err(failure)));
        }
        let headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.expose_secret().to_owned()))
            .collect();
        let method = request.method.as_str();
        let request = MediaRequest { method, path: &path, headers: &headers, body: &body };
        self.service.handle(self.now, ServiceInput::Http(exchange, request));
        self.deliver();
    }

    /// The service answers, or cuts the connection; nobody may hear of that.
    pub(super) fn answer_transfer(&mut self, exchange: ExchangeId, answer: Option<(u16, Vec<u8>)>) {
        if self.chaos.per_mille(self.network.weather.half_open / 4) {
            return self.tally.count(Fault::MediaStalled, 1);
        }
        let at = self.now + self.network.latency();
        let result = answer.ok_or_else(|| HttpFailure::Failed("connection reset".into()));
        self.queue.plan(at, Happening::Transferred(exchange, result));
    }

    /// A request ends, as its host sees it.
    pub(super) fn transferred(&mut self, exchange: ExchangeId, result: Result<(u16, Vec<u8>), HttpFailure>) {
        let Some((client, http, to)) = self.exchanges.open.get(&exchange).copied() else { return };
        if self.hosts[client].is_asleep(self.now) {
            return self.hosts[client].held.push_back(Happening::Transferred(exchange, result));
        }
        self.exchanges.open.remove(&exchange);
        let result = match (result, to) {
            (Err(failure), _) => Err(failure),
            (Ok((200..=299, body)), Some(to)) => {
                let cut = self.chaos.per_mille(self.network.weather.cuts) && !body.is_empty();
                let received = if cut { self.chaos.below(body.len() as u64) } else { body.len() as u64 };
                if received > 0 {
                    self.tell(client, &Input::HttpProgress(http, received));
                }
                self.devices[client].media.insert(to, body);
                self.tally.count(Fault::MediaCutInTransfer, u64::from(cut));
                if cut {
                    Err(HttpFailure::Failed("connection reset".into()))
                } else {
                    Ok(HttpReply::new(200, Vec::new()))
                }
            }
            (Ok((status, body)), _) => Ok(HttpReply::new(status, body)),
        };
        self.tally
            .count(Fault::MediaFailed, u64::from(result.as_ref().is_ok_and(|reply| reply.status >= 400)));
        self.tell(client, &Input::HttpDone(http, result));
    }

    /// The service goes down: nothing that is under way is answered.
    pub(super) fn cut_transfers(&mut self, client: usize) {
        for exchange in self.exchanges.of(client) {
            let at = self.now + self.network.notice() + Duration::from_millis(1);
            let failure = HttpFailure::Failed("connection reset".into());
            self.queue.plan(at, Happening::Transferred(exchange, Err(failure)));
        }
    }
}
