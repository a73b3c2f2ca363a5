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
//! dead, late and superfluous ticks, hosts that sleep for hours, clocks that go back, apps that do not take their
//! events. The same plan gives the same [`Session`], always.

mod app;
mod core;
mod faults;
mod host;
mod network;
mod plan;
mod post;
mod queue;
mod rng;
mod session;
mod storm;
mod truth;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::{Call, CallOptions, Cause, Identity, Input, Seed, Time, Token};

use app::App;
use host::{Drain, Host};
use network::Network;
use queue::Queue;

pub use self::core::Core;
pub use plan::{Hosts, Plan, Weather};
pub use rng::Rng;
pub use session::{Entry, Origin, Session};
pub use truth::{Stored, Truth};

use crate::laws::Violation;
use crate::service::{ConnId, Service, ServiceInput};

/// When every world begins: late enough for clocks to go back.
const START: Time = Time::from_millis(100_000_000);
/// The date then: 2023-11-14. Any will do, but it must not be the real one.
const UNIX_AT_ORIGIN: u64 = 1_700_000_000_000 - START.as_millis();
/// How long everything may take to heal: longer than the longest wait of a client and the longest deadline of a call.
const HEALING: Duration = Duration::from_mins(8);
/// How often a client may tick at one moment before it counts as spinning (law 4).
const MOST_TICKS: u32 = 100;

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
    queue: Queue<Happening>,
    session: Session,
    acts: usize,
}

/// What is left of a world at its end.
#[derive(Debug)]
pub struct Run<C> {
    /// All that went in and came out.
    pub session: Session,
    /// The clients when everything had healed, before they were shut down.
    pub clients: Vec<C>,
    /// How many entries of the session there were then.
    pub healed: usize,
    /// What the service holds.
    pub truth: Truth,
    /// How much time passed in the world.
    pub elapsed: Duration,
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
            queue: Queue::new(),
            session: Session::default(),
            acts: 0,
            rng,
            plan,
        };
        world.furnish();
        let people: Vec<Identity> = (0..world.plan.clients).map(|n| person(n).as_str().into()).collect();
        for identity in &people {
            world.join(identity.clone(), people.clone());
        }
        world.queue.plan(START, Happening::Act);
        world
    }

    /// Makes the rooms.
    fn furnish(&mut self) {
        let people: Vec<String> = (0..self.plan.clients).map(person).collect();
        let Some((first, others)) = people.split_first().filter(|_| self.plan.rooms > 0) else { return };
        let rooms = serde_json::json!({
            "channels": self.plan.rooms, "identity": first, "also": others, "prefix": "room", "messages": 2,
        });
        self.service.admin(self.now, "seed", &rooms).expect("rooms can be made in an empty service");
    }

    fn join(&mut self, identity: Identity, people: Vec<Identity>) {
        let mut config = self.plan.config.clone();
        config.unix_at_origin = Some(UNIX_AT_ORIGIN);
        config.endpoints.twilsock = Some("ws://service.test/v3/wsconnect".into());
        let origin = Origin {
            token: token(identity.as_str(), START + Duration::from_hours(24 * 365)),
            seed: Seed::from_number(self.rng.draw()),
            identity: identity.clone(),
            start: START,
            config,
        };
        let drain = match self.rng.below(4) {
            0 if self.plan.hosts.slow_apps => Drain::AtEnd,
            1 if self.plan.hosts.slow_apps => Drain::Later(Duration::from_millis(self.rng.range(1, 20_000))),
            _ => Drain::AfterEach,
        };
        let host = Host::new(origin.client(), drain, self.rng.fork(), self.plan.hosts.late_ticks);
        self.session.clients.push(origin);
        self.hosts.push(host);
        self.apps.push(App::new(identity, people, self.plan.weather.faults == 0));
        self.settle_host(self.hosts.len() - 1);
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
            Ok((clients, truth, healed)) => {
                Ok(Run { session: self.session, clients, truth, healed, elapsed: self.now.since(START) })
            }
            Err(violation) => Err(Box::new((violation, self.session))),
        }
    }

    /// The clients, the truth and the length of the session at the moment when everything had healed.
    fn live(&mut self) -> Result<(Vec<C>, Truth, usize), Violation> {
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

        let truth = Truth::of(&mut self.service, self.now);
        let clients = self.hosts.iter().map(|host| host.core.clone()).collect();
        let healed = self.session.entries.len();
        for client in 0..self.hosts.len() {
            self.call(client, Call::Shutdown { drain_until: None }, CallOptions::default());
        }
        self.run_for(Duration::from_mins(1))?;
        Ok((clients, truth, healed))
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
        host.ticks = if host.ticks.0 == self.now { (self.now, host.ticks.1 + 1) } else { (self.now, 1) };
        if host.ticks.1 > MOST_TICKS {
            let why = format!(
                "{} ticks at {} and the deadline is still {:?}",
                MOST_TICKS,
                self.now,
                host.core.deadline()
            );
            return Err(Violation::new(4, client, self.session.entries.len(), why));
        }
        self.tell(client, &Input::Tick);
        Ok(())
    }
}

/// The name of the n-th person.
fn person(n: usize) -> String {
    const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
    NAMES.get(n).map_or_else(|| format!("person-{n}"), |name| (*name).into())
}

/// An access token as the offline service takes them: an unsigned JWT.
fn token(identity: &str, expires: Time) -> Token {
    let expires = (UNIX_AT_ORIGIN + expires.as_millis()) / 1000;
    let claims = serde_json::json!({
        "exp": expires,
        "grants": { "identity": identity, "ip_messaging": { "service_sid": format!("IS{:032x}", 1) } },
    });
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = serde_json::json!({ "alg": "none", "typ": "JWT" });
    Token::new(format!("{}.{}.", part(&header), part(&claims))).expect("it is not empty")
}
