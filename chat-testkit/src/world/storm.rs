//! What goes wrong, and what apps do, by chance.

use std::time::Duration;

use chat_proto::{Call, CallOptions, Cause, Frame, Input, LinkId, Network as Reported, Record};
use serde_json::{Value, json};

use super::faults;
use super::plan::{Hosts, Weather};
use super::tally::Fault;
use super::{Core, Happening, World};

impl<C: Core> World<C> {
    /// One app does something, and something may go wrong.
    pub(super) fn act(&mut self) {
        self.acts += 1;
        if self.acts < self.plan.steps {
            let pause =
                if self.rng.per_mille(50) { self.rng.range(5000, 60_000) } else { self.rng.range(1, 1500) };
            self.queue.plan(self.now + Duration::from_millis(pause), Happening::Act);
        }
        if self.plan.silence > 0 && self.acts + self.plan.silence == self.plan.steps {
            let live = ["com.twilio.rtd.cds.document", "com.twilio.rtd.cds.map"];
            let rule = json!({ "on": "event", "match": { "messageType": live }, "op": "drop", "count": -1 });
            let id = self.admin("fault", &rule)["id"].as_u64().unwrap_or(0);
            self.rules.insert(id, Fault::EventLost);
        }
        self.act_of_one();
        self.trouble_of_subscriptions();
        self.wish();
    }

    fn act_of_one(&mut self) {
        let Some(client) = self.rng.place(self.hosts.len()) else { return };
        self.trouble(client);
        if self.hosts[client].is_asleep(self.now) {
            return;
        }
        if self.acts_otherwise(client) {
            return;
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

    /// The app does something with media or push, if it is so drawn.
    fn acts_otherwise(&mut self, client: usize) -> bool {
        let call = if self.chaos.per_mille(self.plan.hosts.media) {
            let state = self.hosts[client].core.state();
            let call = self.apps[client].about_media(&mut self.chaos, state, &mut self.devices[client].media);
            self.tally.count(Fault::MediaCall, u64::from(call.is_some()));
            call
        } else if self.chaos.per_mille(self.plan.hosts.push) {
            self.tally.count(Fault::PushCall, 1);
            Some(self.apps[client].about_push(&mut self.chaos))
        } else {
            None
        };
        let acts = call.is_some();
        if let Some(call) = call {
            self.call(client, call, CallOptions::default());
        }
        acts
    }

    /// What the service does to somebody, or to all.
    fn trouble_of_service(&mut self, client: usize) {
        let weather = self.network.weather;
        let identity = self.session.clients[self.hosts[client].seat].identity.to_string();
        if self.chaos.per_mille(weather.outages) {
            self.tally.count(Fault::Outage, 1);
            self.down_until = self.now + Duration::from_millis(self.chaos.range(1, 40_000));
            for client in 0..self.hosts.len() {
                self.lose_sockets(client);
                self.cut_transfers(client);
            }
        }
        if self.chaos.per_mille(weather.offloads) {
            self.tally.count(Fault::Offload, 1);
            let mut offload = json!({ "identity": identity, "code": 308 });
            if self.chaos.per_mille(500) {
                offload["backoffMs"] = self.chaos.range(1, 20_000).into();
            }
            // A service that says so and does not close is left all the same (spec 01 §3.6).
            offload["closeSocket"] = self.chaos.per_mille(800).into();
            offload["closeSocketAfterMs"] = self.chaos.range(1, 6000).into();
            self.admin("close", &offload);
        }
        if self.chaos.per_mille(weather.sessions) {
            self.tally.count(Fault::SessionLost, 1);
            let silent = self.chaos.per_mille(500);
            self.admin("dropSession", &json!({ "identity": identity, "silent": silent }));
        }
        if self.chaos.per_mille(weather.tokens) {
            self.trouble_of_token(client, &identity);
        }
    }

    /// The service ends one of somebody's subscriptions, of its own accord: with a word (spec 02 §2.10 Q6), or without.
    fn trouble_of_subscriptions(&mut self) {
        let Weather { canceled, deaf, .. } = self.network.weather;
        for (chance, silent) in [(canceled, false), (deaf, true)] {
            if !self.later.per_mille(chance) {
                continue;
            }
            let Some(client) = self.later.place(self.hosts.len()) else { return };
            let identity = self.session.clients[self.hosts[client].seat].identity.to_string();
            let nth = self.later.below(1000);
            let arguments = json!({ "identity": identity, "nth": nth, "silent": silent });
            let ended = self.admin("endSubscription", &arguments)["ended"].as_u64().unwrap_or(0);
            let fault = if silent { Fault::SubscriptionDeaf } else { Fault::SubscriptionCanceled };
            self.tally.count(fault, ended);
        }
    }

    fn trouble_of_token(&mut self, client: usize, identity: &str) {
        match self.chaos.below(4) {
            0 => drop(self.admin("tokenAboutToExpire", &json!({ "identity": identity }))),
            // The app gives one that is no good.
            1 if !self.hosts[client].is_asleep(self.now) => {
                self.tally.count(Fault::TokenRefused, 1);
                let token = self.token(identity, Duration::ZERO);
                self.devices[client].token = token.clone();
                self.call(client, Call::UpdateToken(token), CallOptions::default());
            }
            _ => {
                self.tally.count(Fault::TokenExpired, 1);
                let close = self.chaos.per_mille(500);
                self.admin("expireToken", &json!({ "identity": identity, "close": close }));
            }
        }
    }

    /// The client asks for an access token: the app has to get one first.
    pub(super) fn token_wanted(&mut self, client: usize) {
        let at = self.now + Duration::from_millis(self.chaos.range(1, 5000));
        self.queue.plan(at, Happening::NewToken(client));
    }

    pub(super) fn new_token(&mut self, client: usize) {
        let host = &mut self.hosts[client];
        if host.dead.is_some() {
            return;
        }
        if host.is_asleep(self.now) {
            return host.held.push_back(Happening::NewToken(client));
        }
        let identity = self.session.clients[host.seat].identity.to_string();
        let token = self.token(&identity, Duration::from_hours(24));
        self.devices[client].token = token.clone();
        self.call(client, Call::UpdateToken(token), CallOptions::default());
    }

    fn trouble(&mut self, client: usize) {
        let hosts = self.plan.hosts;
        if self.rng.per_mille(self.network.weather.cuts) {
            self.lose_sockets(client);
        }
        let mut rules = Vec::new();
        if self.rng.per_mille(self.network.weather.faults) {
            rules.push(faults::of_requests(&mut self.rng, self.plan.weather.service == 0));
        }
        if self.rng.per_mille(self.network.weather.events) {
            rules.push(faults::of_events(&mut self.rng));
        }
        if self.chaos.per_mille(self.network.weather.service) {
            rules.push(faults::of_service(&mut self.chaos));
        }
        for (fault, rule) in rules {
            let id = self.admin("fault", &rule)["id"].as_u64().unwrap_or(0);
            self.rules.insert(id, fault);
        }
        self.trouble_of_service(client);
        if self.rng.per_mille(hosts.suspends) {
            let asleep = if self.rng.per_mille(300) { 8 * 3600 } else { self.rng.range(1, 600) };
            let until = self.now + Duration::from_secs(asleep);
            if self.hosts[client].sleep(until) {
                self.tally.count(Fault::Suspend, 1);
                self.note(client, format!("its host sleeps for {asleep} s"));
                self.queue.plan(until, Happening::Wake(client));
            }
        }
        if self.rng.per_mille(hosts.clock_back) {
            let by = Duration::from_millis(self.rng.range(1, 5000));
            self.hosts[client].set_back(by);
            self.tally.count(Fault::ClockBack, 1);
        }
        if self.hosts[client].is_asleep(self.now) {
            return;
        }
        if self.rng.per_mille(hosts.extra_ticks) {
            self.tally.count(Fault::ExtraTick, 1);
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
            self.tally.count(Fault::NetworkReport, 1);
            self.tell(client, &Input::Network(network));
            if network == Reported::Offline {
                // The host always says when it is back.
                self.tell(client, &Input::Network(Reported::Online));
            }
        }
        if self.chaos.per_mille(hosts.saves) && !self.config_of(client).write_ahead {
            self.save_unasked(client);
        }
        if self.chaos.per_mille(hosts.crashes) {
            self.crash(client);
        }
    }

    fn lose_sockets(&mut self, client: usize) {
        for id in self.network.standing(client) {
            let way =
                if self.chaos.per_mille(self.network.weather.one_way) { self.chaos.below(2) } else { 2 };
            self.cut(id);
            if let Some(conn) = self.network.get(id).filter(|_| way < 2) {
                (conn.cut_to_service, conn.cut_to_client) = (way == 0, way == 1);
            }
            // Whoever still hears something notices late.
            let late = if way < 2 { self.chaos.range(0, 40_000) } else { 0 };
            let at = self.now + self.network.notice() + Duration::from_millis(late);
            self.queue.plan(at, Happening::ClosedToService(id));
            let half_open = self.network.is_half_open();
            if !half_open {
                let at = self.now + self.network.notice() + Duration::from_millis(late);
                self.queue.plan(at, Happening::ClosedToClient(id, Cause::Failed("connection reset".into())));
            }
            self.tally.count(if way < 2 { Fault::CutOneWay } else { Fault::Cut }, 1);
            self.tally.count(Fault::HalfOpen, u64::from(half_open));
            let how = ["nothing reaches the service", "nothing comes back", "its connection is cut"];
            let how = how.get(usize::try_from(way).unwrap_or(2)).unwrap_or(&"cut");
            self.note(client, format!("{how}{}", if half_open { ", and nobody says so" } else { "" }));
        }
    }

    /// Tells the client something of a socket that it knows to be closed: what an earlier one told, or anything.
    fn stale(&mut self, client: usize) {
        let Some(link) = self.rng.pick(&self.network.closed(client)).copied() else { return };
        self.tally.count(Fault::Stale, 1);
        let told: Vec<Record> = self
            .session
            .of(self.hosts[client].seat)
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
        self.network.weather = Weather::calm((1, 20));
        self.plan.hosts = Hosts::good();
        self.plan.weather = Weather::calm((1, 20));
        self.down_until = self.now;
        let rules = self.admin("faults", &json!({}));
        for rule in rules.as_array().into_iter().flatten() {
            let (id, hits) = (rule["id"].as_u64().unwrap_or(0), rule["hits"].as_u64().unwrap_or(0));
            if let Some(fault) = self.rules.get(&id) {
                self.tally.count(*fault, hits);
            }
        }
        self.tally.count(Fault::Reordered, self.network.reordered);
        self.admin("faults/clear", &json!({}));
        for client in 0..self.hosts.len() {
            if self.plan.last_cut {
                self.lose_sockets(client);
            }
            if self.hosts[client].is_asleep(self.now) {
                let awake = self.hosts[client].sleep(self.now);
                let again = if awake { Happening::Wake(client) } else { Happening::Restart(client) };
                self.queue.plan(self.now, again);
            }
        }
        if self.plan.last_word {
            self.last_word();
        }
    }

    /// Another change of every object that there is: of each channel its document, its roster and its messages, of each
    /// person the document and the own channels.
    fn last_word(&mut self) {
        let state = self.admin("state", &json!({}));
        let all = |of: &Value| of.as_array().cloned().unwrap_or_default();
        for channel in all(&state["channels"]) {
            let sid = &channel["sid"];
            let mut command = |identity: &Value, action: &str, params: Value| {
                let done = self
                    .admin("command", &json!({ "identity": identity, "action": action, "params": params }));
                debug_assert_eq!(done["status"], 200, "{action}: {done}");
            };
            let attributes = json!({ "last": "word" }).to_string();
            let of = json!({ "channelSid": sid, "attributes": attributes });
            command(&channel["createdBy"], "editAttributes", of);
            if let Some(member) = all(&channel["members"]).first() {
                let mine = json!({ "channelSid": sid, "memberSid": member["sid"], "attributes": attributes });
                command(&member["identity"], "editMemberAttributes", mine);
                let text = json!({ "channelSid": sid, "text": "the last word", "attributes": "{}" });
                command(&member["identity"], "sendMessage", text);
            }
        }
        let people = self.people();
        for person in &people {
            self.admin("user", &json!({ "identity": person, "friendlyName": "last" }));
        }
        let room =
            json!({ "channels": 1, "identity": people.first(), "also": people.get(1..), "prefix": "last" });
        self.admin("seed", &room);
    }
}

fn is_frame_of(record: &Record, link: LinkId) -> bool {
    matches!(record.as_input(), Some(Input::Frame(of, _)) if of == link)
}
