//! A world: many clients, the offline service, a network and a clock, all from one seed. No sockets, no sleeping.
//!
//! ```text
//! App  -- call -->  Host (clock, ticks)  -- input -->  Core     what went in and came out is a Session
//!      <- event --                       <- command -
//!                       |  frames, cuts, latency |
//!                       Network  <----------->  Service
//! ```
//!
//! Everything that may go wrong is drawn from the seed of the [`Plan`]: cuts at any moment, sockets that nobody says are
//! dead, late and superfluous ticks, hosts that sleep for hours or crash, clocks that go back, apps that do not take
//! their events. [`Fault`] names all of it; `FAULTS.md` says how each is drawn. The same plan gives the same [`Session`],
//! always.

mod app;
mod core;
mod faults;
mod host;
mod lives;
mod network;
mod people;
mod plan;
mod post;
mod queue;
mod rng;
mod session;
mod storm;
mod tally;
mod transfers;
mod truth;
mod wishes;

use std::collections::BTreeMap;
use std::time::Duration;

use chat_proto::{
    Call, CallOptions, Cause, Config, HttpFailure, HttpRequest, Identity, Input, Seed, Time, Token,
};
use serde_json::Value;

use app::App;
use host::{Drain, Host};
use lives::{Device, Save};
use network::Network;
use people::{person, token};
use queue::Queue;
use transfers::Exchanges;

pub use self::core::Core;
pub(crate) use self::core::core_by_own_methods;
pub use plan::{Hosts, Plan, Weather};
pub use rng::Rng;
pub use session::{Entry, Note, Origin, Resumed, Session};
pub use tally::{Fault, Tally};
pub use truth::{OwnChannel, Stored, StoredChannel, StoredMember, StoredPerson, Truth};

use crate::laws::Violation;
use crate::service::{ConnId, ExchangeId, Service, ServiceInput};

/// When every world begins: late enough for clocks to go back.
const START: Time = Time::from_millis(100_000_000);
/// The date then: 2023-11-14. Any will do, but it must not be the real one.
const UNIX_AT_ORIGIN: u64 = 1_700_000_000_000 - START.as_millis();
/// How long everything may take to heal: longer than the longest wait of a client and the longest deadline of a call.
const HEALING: Duration = Duration::from_mins(8);
/// How often a client may tick at one moment before it counts as spinning (law 4).
const MOST_TICKS: u32 = 100;
/// Stands in every secret of a world, so that it can be looked for (law 10).
pub(crate) const PLANTED: &str = "planted-secret";

/// What is going to happen.
#[derive(Debug, Clone)]
enum Happening {
    /// A socket reaches the service.
    Open(ConnId),
    /// And its client hears of that.
    Opened(ConnId),
    ToService(ConnId, Vec<u8>),
    ToClient(ConnId, Message),
    /// A side hears that its socket is closed.
    ClosedToService(ConnId),
    ClosedToClient(ConnId, Cause),
    /// A host performs the commands that wait.
    Perform(usize),
    /// An app takes the events that wait.
    Take(usize),
    /// A host wakes up: what came while it slept arrives now.
    Wake(usize),
    /// A save is on the disk.
    Stored(usize, Box<Save>),
    /// A host that crashed begins again.
    Restart(usize),
    /// An app that was asked for an access token has one.
    NewToken(usize),
    /// A request reaches the media service.
    Transfer(ExchangeId, Box<HttpRequest>),
    /// A host hears how a request ended: its status and body.
    Transferred(ExchangeId, Result<(u16, Vec<u8>), HttpFailure>),
    /// Some app does something.
    Act,
}

#[derive(Debug, Clone)]
enum Message {
    Binary(Vec<u8>),
    Text(String),
}

/// See the module. `C` is the client, or one that is deliberately wrong.
#[derive(Debug)]
pub struct World<C> {
    plan: Plan,
    now: Time,
    rng: Rng,
    service: Service,
    network: Network,
    hosts: Vec<Host<C>>,
    apps: Vec<App>,
    devices: Vec<Device>,
    exchanges: Exchanges,
    queue: Queue<Happening>,
    session: Session,
    acts: usize,
    /// For what was added to worlds later: seeds of earlier findings stay what they are.
    chaos: Rng,
    /// For what was added later still: wishes, and what becomes of subscriptions.
    later: Rng,
    /// Until when the service cannot be reached.
    down_until: Time,
    tokens: u64,
    /// What the rules of the service stand for.
    rules: BTreeMap<u64, Fault>,
    tally: Tally,
}

/// What is left of a world at its end.
#[derive(Debug)]
pub struct Run<C> {
    /// All that went in and came out.
    pub session: Session,
    /// The clients when everything had healed, before they were shut down.
    pub clients: Vec<C>,
    /// Which clients of the session these are.
    pub seats: Vec<usize>,
    /// How many entries of the session there were then.
    pub healed: usize,
    /// What the service holds.
    pub truth: Truth,
    /// How much time passed in the world.
    pub elapsed: Duration,
    /// What went wrong, and how often.
    pub tally: Tally,
}

/// A world at the moment when everything had healed.
pub(crate) struct Healed<C> {
    clients: Vec<C>,
    seats: Vec<usize>,
    truth: Truth,
    entries: usize,
}

impl<C: Core> World<C> {
    /// A world at its beginning: nobody is connected yet.
    pub fn new(plan: Plan) -> Self {
        let rng = Rng::new(plan.seed);
        Self::with(plan, rng)
    }

    /// The same, but `rng` decides instead of the seed of the plan.
    pub fn with(plan: Plan, mut rng: Rng) -> Self {
        let mut service_config = plan.service.clone();
        service_config.unix_at_origin = i64::try_from(UNIX_AT_ORIGIN).unwrap_or(0);
        let service = Service::new(service_config, rng.draw(), START);
        let network = Network::new(rng.fork(), plan.weather);
        let mut world = Self {
            now: START,
            service,
            network,
            hosts: Vec::new(),
            apps: Vec::new(),
            devices: Vec::new(),
            exchanges: Exchanges::default(),
            queue: Queue::new(),
            session: Session::default(),
            acts: 0,
            chaos: Rng::new(plan.seed ^ 0xc4a0_5c4a_05c4_a05c),
            later: Rng::new(plan.seed ^ 0x1a7e_51a7_e51a_7e51),
            down_until: START,
            tokens: 0,
            rules: BTreeMap::new(),
            tally: Tally::default(),
            rng,
            plan,
        };
        world.furnish();
        let people: Vec<Identity> = world.people().iter().map(|name| name.as_str().into()).collect();
        for n in 0..world.plan.clients {
            let extra = world.extra_devices();
            let (who, device) = (n.saturating_sub(extra), if n <= extra { n } else { 0 });
            world.tally.count(Fault::SecondDevice, u64::from(device > 0));
            if let Some(identity) = people.get(who) {
                world.join(identity.clone(), device, people.clone());
            }
        }
        world.queue.plan(START, Happening::Act);
        world
    }

    /// How many clients are further devices of the first person.
    fn extra_devices(&self) -> usize {
        self.plan.devices.min(self.plan.clients).saturating_sub(1)
    }

    fn people(&self) -> Vec<String> {
        (0..self.plan.clients - self.extra_devices()).map(person).collect()
    }

    /// Makes the rooms.
    fn furnish(&mut self) {
        let people = self.people();
        let Some((first, others)) = people.split_first().filter(|_| self.plan.rooms > 0) else { return };
        let rooms = serde_json::json!({
            "channels": self.plan.rooms, "identity": first, "also": others, "prefix": "room", "messages": 2,
        });
        self.service.admin(self.now, "seed", &rooms).expect("rooms can be made in an empty service");
    }

    fn join(&mut self, identity: Identity, device: usize, people: Vec<Identity>) {
        let mut config = self.plan.config.clone();
        config.unix_at_origin = Some(UNIX_AT_ORIGIN);
        config.endpoints.twilsock = Some("ws://service.test/v3/wsconnect".into());
        config.endpoints.media = Some(self.service.config().media_url.as_str().into());
        let short = self.chaos.per_mille(self.plan.weather.tokens * 10);
        let ttl = if short { self.chaos.range(5, 60) } else { 60 * 24 * 365 };
        let origin = Origin {
            token: self.token(identity.as_str(), Duration::from_mins(ttl)),
            seed: Seed::from_number(self.rng.draw()),
            identity: identity.clone(),
            start: START,
            config,
            resumed: None,
        };
        let drain = match self.rng.below(4) {
            0 if self.plan.hosts.slow_apps => Drain::AtEnd,
            1 if self.plan.hosts.slow_apps => Drain::Later(Duration::from_millis(self.rng.range(1, 20_000))),
            _ => Drain::AfterEach,
        };
        self.tally.count(Fault::SlowApp, u64::from(drain != Drain::AfterEach));
        let core = C::new(origin.config.clone(), origin.token.clone(), &origin.seed, origin.start);
        let (client, seat) = (self.hosts.len(), self.session.clients.len());
        let host = Host::new(core, seat, drain, self.rng.fork(), self.plan.hosts.late_ticks);
        self.devices.push(Device {
            token: origin.token.clone(),
            continuation: None,
            saves: Vec::new(),
            media: BTreeMap::new(),
        });
        self.session.clients.push(origin);
        self.hosts.push(host);
        self.apps.push(App::new(identity, device, people, self.plan.weather.faults == 0));
        self.settle_host(client);
    }

    /// An access token that no other client has.
    fn token(&mut self, identity: &str, ttl: Duration) -> Token {
        self.tokens += 1;
        token(identity, self.now + ttl, self.tokens)
    }

    fn config_of(&self, client: usize) -> &Config {
        &self.session.clients[self.hosts[client].seat].config
    }

    /// A command of the service's control interface.
    fn admin(&mut self, command: &str, arguments: &Value) -> Value {
        let answer = self.service.admin(self.now, command, arguments);
        self.deliver();
        answer.expect("the service takes what a world tells it")
    }

    /// A remark about a client.
    fn note(&mut self, client: usize, text: String) {
        let (entries, at) = (self.session.entries.len(), self.hosts[client].clock(self.now));
        self.session.notes.push(Note { entries, at, client: self.hosts[client].seat, text: text.into() });
    }

    /// Lets everything happen: the storm, then a calm in which everything heals, then the end of every client.
    ///
    /// # Errors
    ///
    /// A law that can be seen broken only while the world runs: a client that spins, or that opens two sockets at once.
    pub fn run(self) -> Result<Run<C>, Violation> {
        self.run_or_keep().map_err(|broken| broken.0)
    }

    /// The same, but what happened until a law was broken is kept.
    ///
    /// # Errors
    ///
    /// As [`World::run`].
    pub fn run_or_keep(mut self) -> Result<Run<C>, Box<(Violation, Session)>> {
        match self.live() {
            Ok(healed) => Ok(self.end(healed)),
            Err(violation) => Err(Box::new((violation, self.session))),
        }
    }

    /// What happened so far: of a world that did not live to its end.
    pub(crate) fn into_session(self) -> Session {
        self.session
    }

    /// What is left of a world that has lived.
    pub(crate) fn end(self, healed: Healed<C>) -> Run<C> {
        let Healed { clients, seats, truth, entries } = healed;
        let elapsed = self.now.since(START);
        Run { session: self.session, clients, seats, truth, healed: entries, elapsed, tally: self.tally }
    }

    /// The clients, the truth and the length of the session at the moment when everything had healed.
    pub(crate) fn live(&mut self) -> Result<Healed<C>, Violation> {
        while self.acts < self.plan.steps {
            self.step()?;
        }
        self.calm();
        self.run_for(HEALING / 2)?;
        // Those who take their events only at the end do so now: objects that fell behind must heal too.
        for host in &mut self.hosts {
            host.drain = Drain::AfterEach;
        }
        (0..self.hosts.len()).for_each(|client| self.take_events(client));
        self.run_for(HEALING / 2)?;

        let healed = Healed {
            truth: Truth::of(&mut self.service, self.now),
            clients: self.hosts.iter().map(|host| host.core.clone()).collect(),
            seats: self.hosts.iter().map(|host| host.seat).collect(),
            entries: self.session.entries.len(),
        };
        for client in 0..self.hosts.len() {
            self.call(client, Call::Shutdown { drain_until: None }, CallOptions::default());
        }
        self.run_for(Duration::from_mins(1))?;
        self.session.ended = true;
        Ok(healed)
    }

    fn run_for(&mut self, time: Duration) -> Result<(), Violation> {
        let end = self.now + time;
        while self.next_at().is_some_and(|at| at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    fn next_at(&mut self) -> Option<Time> {
        let now = self.now;
        let wakes = self.hosts.iter_mut().filter_map(|host| host.wake(now)).min();
        [self.queue.next_at(), self.service.deadline(), wakes].into_iter().flatten().min()
    }

    /// Goes to the next moment at which something happens, and lets one thing happen.
    fn step(&mut self) -> Result<(), Violation> {
        let Some(at) = self.next_at() else {
            self.acts = self.plan.steps;
            return Ok(());
        };
        self.now = self.now.max(at);
        if self.queue.next_at().is_some_and(|due| due <= self.now) {
            if let Some(happening) = self.queue.take() {
                self.happen(happening)?;
            }
        } else if self.service.deadline().is_some_and(|due| due <= self.now) {
            self.service.handle(self.now, ServiceInput::Tick);
            self.deliver();
        } else {
            let now = self.now;
            for client in 0..self.hosts.len() {
                if self.hosts[client].wake(now).is_some_and(|due| due <= now) {
                    self.tick(client)?;
                    break;
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, client: usize) -> Result<(), Violation> {
        let host = &mut self.hosts[client];
        let late = host.core.deadline().is_some_and(|deadline| deadline.at < host.clock(self.now));
        self.tally.count(Fault::LateTick, u64::from(late));
        host.ticks = if host.ticks.0 == self.now { (self.now, host.ticks.1 + 1) } else { (self.now, 1) };
        if host.ticks.1 > MOST_TICKS {
            let why = format!(
                "{} ticks at {} and the deadline is still {:?}",
                MOST_TICKS,
                self.now,
                host.core.deadline()
            );
            return Err(Violation::new(4, host.seat, self.session.entries.len(), why));
        }
        self.tell(client, &Input::Tick);
        Ok(())
    }
}
