//! What goes wrong, and what apps do, by chance.

use std::time::Duration;

use chat_proto::{Call, CallOptions, Cause, Frame, Input, LinkId, Network as Reported, Record};

use super::faults;
use super::plan::{Hosts, Weather};
use super::{Core, Happening, World, token};

impl<C: Core> World<C> {
    /// One app does something, and something may go wrong.
    pub(super) fn act(&mut self) {
        self.acts += 1;
        if self.acts < self.plan.steps {
            let pause =
                if self.rng.per_mille(50) { self.rng.range(5000, 60_000) } else { self.rng.range(1, 1500) };
            self.queue.plan(self.now + Duration::from_millis(pause), Happening::Act);
        }
        let Some(client) = self.rng.place(self.hosts.len()) else { return };
        self.trouble(client);
        if self.hosts[client].is_asleep(self.now) {
            return;
        }
        if std::mem::take(&mut self.apps[client].wants_token) {
            let token =
                token(self.session.clients[client].identity.as_str(), self.now + Duration::from_hours(24));
            return self.call(client, Call::UpdateToken(token), CallOptions::default());
        }
        let pending: Vec<_> = self.apps[client].pending.iter().copied().collect();
        match self.rng.pick(&pending).copied() {
            Some(id) if self.rng.per_mille(60) => self.cancel(client, id),
            _ => {
                let (call, options) = self.apps[client].call(&mut self.rng, self.hosts[client].core.state());
                self.call(client, call, options);
            }
        }
    }

    fn trouble(&mut self, client: usize) {
        let hosts = self.plan.hosts;
        if self.rng.per_mille(self.network.weather.cuts) {
            self.lose_sockets(client);
        }
        let mut rules = Vec::new();
        if self.rng.per_mille(self.network.weather.faults) {
            rules.push(faults::of_requests(&mut self.rng));
        }
        if self.rng.per_mille(self.network.weather.events) {
            rules.push(faults::of_events(&mut self.rng));
        }
        for rule in rules {
            self.service.admin(self.now, "fault", &rule).expect("the rule is one");
        }
        if self.rng.per_mille(hosts.suspends) {
            let asleep = if self.rng.per_mille(300) { 8 * 3600 } else { self.rng.range(1, 600) };
            let until = self.now + Duration::from_secs(asleep);
            self.hosts[client].asleep_until = until;
            self.queue.plan(until, Happening::Wake(client));
        }
        if self.rng.per_mille(hosts.clock_back) {
            let by = Duration::from_millis(self.rng.range(1, 5000));
            self.hosts[client].set_back(by);
        }
        if self.hosts[client].is_asleep(self.now) {
            return;
        }
        if self.rng.per_mille(hosts.extra_ticks) {
            for _ in 0..self.rng.range(1, 3) {
                self.tell(client, &Input::Tick);
            }
        }
        if self.rng.per_mille(hosts.stale) {
            self.stale(client);
        }
        if self.rng.per_mille(self.network.weather.cuts / 4) {
            let network = [Reported::Online, Reported::Offline, Reported::Changed];
            let network = *self.rng.pick(&network).unwrap_or(&Reported::Online);
            self.tell(client, &Input::Network(network));
            if network == Reported::Offline {
                // The host always says when it is back.
                self.tell(client, &Input::Network(Reported::Online));
            }
        }
    }

    fn lose_sockets(&mut self, client: usize) {
        for id in self.network.standing(client) {
            self.cut(id);
            let at = self.now + self.network.notice();
            self.queue.plan(at, Happening::ClosedToService(id));
            if !self.network.is_half_open() {
                let at = self.now + self.network.notice();
                self.queue.plan(at, Happening::ClosedToClient(id, Cause::Failed("connection reset".into())));
            }
        }
    }

    /// Tells the client something of a socket that it knows to be closed: what an earlier one told, or anything.
    fn stale(&mut self, client: usize) {
        let Some(link) = self.rng.pick(&self.network.closed(client)).copied() else { return };
        let told: Vec<Record> = self
            .session
            .of(client)
            .filter(|entry| is_frame_of(&entry.record, link))
            .map(|entry| entry.record.clone())
            .collect();
        match self.rng.pick(&told).and_then(Record::as_input) {
            Some(input) if self.rng.per_mille(500) => self.tell(client, &input),
            _ => {
                let bytes = self.rng.bytes(20);
                let input = match self.rng.below(3) {
                    0 => Input::Opened(link),
                    1 => Input::Closed(link, Cause::Remote(None)),
                    _ => Input::Frame(link, Frame::Binary(&bytes)),
                };
                self.tell(client, &input);
            }
        }
    }

    /// The storm is over: everybody is awake, and network and service are good. Each socket is cut once more, because an
    /// event that was lost shows only at the next one of its object, or when the object is subscribed again.
    pub(super) fn calm(&mut self) {
        self.network.weather =
            Weather { latency_ms: (1, 20), cuts: 0, refused: 0, half_open: 0, faults: 0, events: 0 };
        self.plan.hosts =
            Hosts { late_ticks: 0, extra_ticks: 0, suspends: 0, clock_back: 0, stale: 0, slow_apps: false };
        self.service.admin(self.now, "faults/clear", &serde_json::json!({})).expect("no arguments are wrong");
        for client in 0..self.hosts.len() {
            self.lose_sockets(client);
            if self.hosts[client].is_asleep(self.now) {
                self.hosts[client].asleep_until = self.now;
                self.queue.plan(self.now, Happening::Wake(client));
            }
        }
    }
}

fn is_frame_of(record: &Record, link: LinkId) -> bool {
    matches!(record.as_input(), Some(Input::Frame(of, _)) if of == link)
}
