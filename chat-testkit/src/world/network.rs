use std::collections::BTreeMap;
use std::time::Duration;

use chat_proto::{LinkId, Time};

use super::plan::Weather;
use super::rng::Rng;
use crate::service::ConnId;

/// A socket between a client and the service.
#[derive(Debug, Clone)]
pub(super) struct Conn {
    pub(super) client: usize,
    pub(super) link: LinkId,
    /// Its host crashed since.
    abandoned: bool,
    /// Nothing arrives any more, this way or that.
    pub(super) cut_to_service: bool,
    pub(super) cut_to_client: bool,
    /// The client asked for its end.
    pub(super) closing: bool,
    /// The service was told that it is open, and not that it is closed.
    pub(super) known_to_service: bool,
    /// The client was told that it is closed: nothing comes after that.
    pub(super) closed_to_client: bool,
    /// When the last message arrives, either way: the next does not overtake it.
    to_service: Time,
    to_client: Time,
}

impl Conn {
    fn is_cut(&self) -> bool {
        self.cut_to_service || self.cut_to_client
    }
}

/// All sockets that ever were.
#[derive(Debug, Clone)]
pub(super) struct Network {
    conns: BTreeMap<ConnId, Conn>,
    rng: Rng,
    pub(super) weather: Weather,
    /// The message that arrives last so far, and how many arrive before one of another socket that left earlier.
    last: (Time, ConnId),
    pub(super) reordered: u64,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToService,
    ToClient,
}

impl Network {
    pub(super) const fn new(rng: Rng, weather: Weather) -> Self {
        Self { conns: BTreeMap::new(), rng, weather, last: (Time::ZERO, ConnId(0)), reordered: 0 }
    }

    pub(super) fn open(&mut self, client: usize, link: LinkId) -> ConnId {
        let id = ConnId(self.conns.len() as u64 + 1);
        let conn = Conn {
            client,
            link,
            abandoned: false,
            cut_to_service: false,
            cut_to_client: false,
            closing: false,
            known_to_service: false,
            closed_to_client: false,
            to_service: Time::ZERO,
            to_client: Time::ZERO,
        };
        self.conns.insert(id, conn);
        id
    }

    pub(super) fn get(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(&id)
    }

    /// The socket that a client calls `link`.
    pub(super) fn find(&self, client: usize, link: LinkId) -> Option<ConnId> {
        self.conns
            .iter()
            .rev()
            .find(|(_, conn)| conn.client == client && conn.link == link)
            .map(|(id, _)| *id)
    }

    /// The sockets of a client that still stand, as far as the client knows.
    pub(super) fn standing(&self, client: usize) -> Vec<ConnId> {
        let stands = |conn: &Conn| conn.client == client && !conn.is_cut() && !conn.closed_to_client;
        self.conns.iter().filter(|(_, conn)| stands(conn)).map(|(id, _)| *id).collect()
    }

    /// Whether a client has a socket, or is getting one, that it did not give up.
    pub(super) fn has_open(&self, client: usize) -> bool {
        self.conns.values().any(|conn| conn.client == client && !conn.closing && !conn.closed_to_client)
    }

    /// Earlier sockets of a client, which it knows to be closed.
    pub(super) fn closed(&self, client: usize) -> Vec<LinkId> {
        self.conns
            .values()
            .filter(|conn| conn.client == client && conn.closed_to_client && !conn.abandoned)
            .map(|conn| conn.link)
            .collect()
    }

    /// A host crashed: its next life counts its sockets anew.
    pub(super) fn abandon(&mut self, client: usize) {
        for conn in self.conns.values_mut().filter(|conn| conn.client == client) {
            (conn.abandoned, conn.closed_to_client) = (true, true);
        }
    }

    pub(super) fn is_refused(&mut self) -> bool {
        self.rng.per_mille(self.weather.refused)
    }

    pub(super) fn is_half_open(&mut self) -> bool {
        self.rng.per_mille(self.weather.half_open)
    }

    /// How long a message travels.
    pub(super) fn latency(&mut self) -> Duration {
        let (low, high) = self.weather.latency_ms;
        Duration::from_millis(self.rng.range(low, high))
    }

    /// When a message that leaves `now` arrives: after all that left before it.
    pub(super) fn arrival(&mut self, now: Time, id: ConnId, way: Way) -> Time {
        let at = now + self.latency();
        let Some(conn) = self.conns.get_mut(&id) else { return at };
        let last = match way {
            Way::ToService => &mut conn.to_service,
            Way::ToClient => &mut conn.to_client,
        };
        *last = at.max(*last);
        let at = *last;
        if at < self.last.0 && id != self.last.1 {
            self.reordered += 1;
        } else {
            self.last = (at, id);
        }
        at
    }

    /// How long until a side notices that its socket was cut.
    pub(super) fn notice(&mut self) -> Duration {
        Duration::from_millis(self.rng.range(0, 3000))
    }
}
