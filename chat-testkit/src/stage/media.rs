//! Media on the stage: the HTTP requests of clients, performed against the service's media part.

use std::collections::BTreeMap;

use chat_proto::{HttpBody, HttpFailure, HttpId, HttpReply, HttpRequest, Input, MediaId};

use super::{Stage, Who};
use crate::service::{ExchangeId, MediaRequest, ServiceInput};

/// HTTP requests under way, and where the bytes of their answers go.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    open: BTreeMap<ExchangeId, (Who, HttpId, Option<MediaId>)>,
    last: u64,
}

impl Exchanges {
    /// The person's host is gone.
    pub(super) fn forget_all(&mut self, who: Who) {
        self.open.retain(|_, (of, ..)| *of != who);
    }

    pub(super) fn forget(&mut self, who: Who, http: HttpId) {
        self.open.retain(|_, (of, known, _)| (*of, *known) != (who, http));
    }
}

impl Stage {
    /// Gives a person bytes to send, under a name that is new to that person.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn give_media(&mut self, who: Who, bytes: impl Into<Vec<u8>>) -> MediaId {
        let media = &mut self.people[who.0].media;
        let id = MediaId(media.last_key_value().map_or(1, |(id, _)| id.0 + 1));
        media.insert(id, bytes.into());
        id
    }

    /// What came for a person under this name, or was given under it.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn media(&self, who: Who, id: MediaId) -> Option<&[u8]> {
        self.people[who.0].media.get(&id).map(Vec::as_slice)
    }

    /// The next HTTP request of a person that is not spoken for fails like this, or with `None` never ends.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn fail_transfer(&mut self, who: Who, failure: Option<HttpFailure>) {
        self.people[who.0].transfers.push_back(failure);
    }

    pub(super) fn http_to_service(&mut self, who: Who, http: HttpId, request: &HttpRequest) {
        match self.people[who.0].transfers.pop_front() {
            Some(Some(failure)) => return self.tell(who, Input::HttpDone(http, Err(failure))),
            Some(None) => return,
            None => {}
        }
        let body = match &request.body {
            HttpBody::Media(id) => self.people[who.0].media.get(id).cloned(),
            HttpBody::Bytes(bytes) => Some(bytes.clone()),
            _ => Some(Vec::new()),
        };
        let url = request.url.expose_secret();
        let path = url.strip_prefix(self.service.config().media_url.as_str()).map(str::to_owned);
        let (Some(body), Some(path)) = (body, path) else {
            let failure = HttpFailure::Refused("there is no such media, or no such service".into());
            return self.tell(who, Input::HttpDone(http, Err(failure)));
        };
        if let Some(cause) = &self.refuse {
            let failure = HttpFailure::Failed(cause.to_string().into());
            return self.tell(who, Input::HttpDone(http, Err(failure)));
        }
        self.exchanges.last += 1;
        let exchange = ExchangeId(self.exchanges.last);
        self.exchanges.open.insert(exchange, (who, http, request.to));
        let headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.expose_secret().to_owned()))
            .collect();
        let sent = body.len() as u64;
        let method = request.method.as_str();
        let request = MediaRequest { method, path: &path, headers: &headers, body: &body };
        self.service.handle(self.now, ServiceInput::Http(exchange, request));
        self.drain_service();
        if sent > 0 {
            self.tell(who, Input::HttpProgress(http, sent));
        }
    }

    pub(super) fn http_to_client(&mut self, exchange: ExchangeId, answer: Option<(u16, Vec<u8>)>) {
        let Some((who, http, to)) = self.exchanges.open.remove(&exchange) else { return };
        let result = match (answer, to) {
            (None, _) => Err(HttpFailure::Failed("cut".into())),
            (Some((status @ 200..=299, body)), Some(to)) => {
                let received = body.len() as u64;
                self.people[who.0].media.insert(to, body);
                self.tell(who, Input::HttpProgress(http, received));
                Ok(HttpReply::new(status, Vec::new()))
            }
            (Some((status, body)), _) => Ok(HttpReply::new(status, body)),
        };
        self.tell(who, Input::HttpDone(http, result));
    }
}
