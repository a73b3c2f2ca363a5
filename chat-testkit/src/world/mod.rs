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
mod host;
mod network;
mod plan;
mod queue;
mod rng;
mod session;
mod storm;
mod truth;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::{
    Call, CallId, CallOptions, Cause, Command, Config, Frame, Identity, Input, LinkId, Record, Seed, Time,
    Token,
};

use app::App;
use host::{Drain, Host};
use network::{Network, Way};
use queue::Queue;

pub use self::core::Core;
pub use plan::{Hosts, Plan, Weather};
pub use rng::Rng;
pub use session::{Entry, Origin, Session};
pub use truth::{Stored, Truth};

use crate::laws::Violation;
use crate::service::{ConnId, Service, ServiceInput, ServiceOutput};

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
        let mut rng = Rng::new(plan.seed);
        let mut service_config = plan.service.clone();
        service_config.unix_at_origin = i64::try_from(UNIX_AT_ORIGIN).unwrap_or(0);
        let service = Service::new(service_config, rng.next(), START);
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
        let people: Vec<Identity> = (0..world.plan.clients).map(|n| person(n).as_str().into()).collect();
        for identity in &people {
            world.join(identity.clone(), people.clone());
        }
        world.queue.plan(START, Happening::Act);
        world
    }

    fn join(&mut self, identity: Identity, people: Vec<Identity>) {
        let mut config = self.plan.config.clone();
        config.unix_at_origin = Some(UNIX_AT_ORIGIN);
        config.endpoints.twilsock = Some("ws://service.test/v3/wsconnect".into());
        let origin = Origin {
            token: token(identity.as_str(), START + Duration::from_hours(24 * 365)),
            seed: Seed::from_number(self.rng.next()),
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
        self.apps.push(App::new(identity, people));
        self.settle_host(self.hosts.len() - 1);
    }

    /// Lets everything happen: the storm, then a calm in which everything heals, then the end of every client.
    ///
    /// # Errors
    ///
    /// A law that can be seen broken only while the world runs: a client that spins, or that opens two sockets at once.
    pub fn run(mut self) -> Result<Run<C>, Violation> {
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
        Ok(Run { session: self.session, clients, truth, healed, elapsed: self.now.since(START) })
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

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Open(id) => {
                let arrival = self.network.arrival(self.now, id, Way::ToClient);
                if let Some(conn) = self.network.get(id).filter(|conn| !conn.cut) {
                    conn.known_to_service = true;
                    self.queue.plan(arrival, Happening::Opened(id));
                    self.service.handle(self.now, ServiceInput::Opened(id));
                    self.deliver();
                }
            }
            Happening::Opened(id) => self.arrive(id, Happening::Opened(id), |link| Input::Opened(link)),
            Happening::ToClient(id, message) => {
                let later = Happening::ToClient(id, message.clone());
                match &message {
                    Message::Binary(bytes) => {
                        self.arrive(id, later, |link| Input::Frame(link, Frame::Binary(bytes)))
                    }
                    Message::Text(text) => {
                        self.arrive(id, later, |link| Input::Frame(link, Frame::Text(text)))
                    }
                }
            }
            Happening::ToService(id, bytes) => {
                if self.network.get(id).is_some_and(|conn| !conn.cut && conn.known_to_service) {
                    self.service.handle(self.now, ServiceInput::Frame(id, &bytes));
                    self.deliver();
                }
            }
            Happening::ClosedToService(id) => {
                if let Some(conn) = self.network.get(id).filter(|conn| conn.known_to_service) {
                    conn.known_to_service = false;
                    self.service.handle(self.now, ServiceInput::Closed(id));
                    self.deliver();
                }
            }
            Happening::ClosedToClient(id, cause) => self.closed_to_client(id, cause),
            Happening::Perform(client) => {
                self.hosts[client].commands_planned = false;
                self.perform_all(client)?;
            }
            Happening::Take(client) => {
                self.hosts[client].drain_planned = false;
                self.take_events(client);
            }
            Happening::Wake(client) => {
                if !self.hosts[client].is_asleep(self.now) {
                    for held in std::mem::take(&mut self.hosts[client].held) {
                        self.happen(held)?;
                    }
                }
            }
            Happening::Act => self.act(),
        }
        Ok(())
    }

    /// Something arrives at a client, unless its socket is gone; when its host sleeps, it arrives afterwards.
    fn arrive<'a>(&mut self, id: ConnId, later: Happening, input: impl FnOnce(LinkId) -> Input<'a>) {
        let Some(conn) = self.network.get(id).filter(|conn| !conn.cut && !conn.closed_to_client) else {
            return;
        };
        let (client, link) = (conn.client, conn.link);
        if self.hosts[client].is_asleep(self.now) {
            self.hosts[client].held.push_back(later);
        } else {
            self.tell(client, &input(link));
        }
    }

    fn closed_to_client(&mut self, id: ConnId, cause: Cause) {
        let Some(conn) = self.network.get(id).filter(|conn| !conn.closed_to_client) else { return };
        let (client, link) = (conn.client, conn.link);
        if self.hosts[client].is_asleep(self.now) {
            self.hosts[client].held.push_back(Happening::ClosedToClient(id, cause));
        } else {
            conn.closed_to_client = true;
            self.tell(client, &Input::Closed(link, cause));
        }
    }

    fn tell(&mut self, client: usize, input: &Input<'_>) {
        let at = self.hosts[client].clock(self.now);
        self.record(client, at, input.into());
        self.hosts[client].core.handle(at, input.clone());
        self.settle_host(client);
    }

    fn record(&mut self, client: usize, at: Time, record: Record) {
        self.session.entries.push(Entry { at, client, record });
    }

    /// After an entry: the host performs the commands, now or a moment later, and the app takes its events when it does.
    fn settle_host(&mut self, client: usize) {
        if !self.hosts[client].commands_planned {
            let late = self.rng.per_mille(self.plan.hosts.late_ticks / 4);
            let delay = if late { self.rng.range(1, 40) } else { 0 };
            self.hosts[client].commands_planned = true;
            self.queue.plan(self.now + Duration::from_millis(delay), Happening::Perform(client));
        }
        let delay = match self.hosts[client].drain {
            Drain::AfterEach => return self.take_events(client),
            Drain::Later(delay) => delay,
            Drain::AtEnd => return,
        };
        if !self.hosts[client].drain_planned {
            self.hosts[client].drain_planned = true;
            self.queue.plan(self.now + delay, Happening::Take(client));
        }
    }

    fn take_events(&mut self, client: usize) {
        let at = self.hosts[client].clock(self.now);
        while let Some(event) = self.hosts[client].core.poll_event() {
            self.apps[client].see(&event);
            self.record(client, at, event.into());
        }
    }

    fn perform_all(&mut self, client: usize) -> Result<(), Violation> {
        if self.hosts[client].is_asleep(self.now) {
            self.hosts[client].commands_planned = true;
            self.hosts[client].held.push_back(Happening::Perform(client));
            return Ok(());
        }
        let at = self.hosts[client].clock(self.now);
        while let Some(command) = self.hosts[client].core.poll_command() {
            self.record(client, at, command.clone().into());
            self.perform(client, command)?;
        }
        Ok(())
    }

    fn perform(&mut self, client: usize, command: Command) -> Result<(), Violation> {
        match command {
            Command::Open { link, .. } => {
                if self.network.has_open(client) {
                    let why = format!("{link} is opened while another socket is open");
                    return Err(Violation::new(4, client, self.session.entries.len(), why));
                }
                let id = self.network.open(client, link);
                let at = self.network.arrival(self.now, id, Way::ToService);
                if self.network.is_refused() {
                    self.queue
                        .plan(at, Happening::ClosedToClient(id, Cause::Failed("connection refused".into())));
                } else {
                    self.queue.plan(at, Happening::Open(id));
                }
            }
            Command::Send { link, bytes } => {
                if let Some(id) = self.network.find(client, link) {
                    let at = self.network.arrival(self.now, id, Way::ToService);
                    self.queue.plan(at, Happening::ToService(id, bytes.into_vec()));
                }
            }
            Command::Close { link } => {
                if let Some(id) = self.network.find(client, link) {
                    if let Some(conn) = self.network.get(id) {
                        conn.closing = true;
                    }
                    let at = self.network.arrival(self.now, id, Way::ToService);
                    self.queue.plan(at, Happening::ClosedToService(id));
                    self.queue.plan(at + self.network.latency(), Happening::ClosedToClient(id, Cause::Local));
                }
            }
            // A disk that is always there, and quick.
            Command::Save { revision } => self.tell(client, &Input::Stored { revision }),
            _ => {}
        }
        Ok(())
    }

    /// Sends what the service wants to send.
    fn deliver(&mut self) {
        while let Some(output) = self.service.poll_output() {
            match output {
                ServiceOutput::Send { conn, bytes } => self.send(conn, Message::Binary(bytes)),
                ServiceOutput::SendText { conn, text } => self.send(conn, Message::Text(text)),
                ServiceOutput::Close { conn, code } => {
                    let arrival = self.network.arrival(self.now, conn, Way::ToClient);
                    if code.is_none() {
                        self.cut(conn);
                    }
                    self.queue.plan(arrival, Happening::ClosedToClient(conn, Cause::Remote(code)));
                    self.queue.plan(arrival, Happening::ClosedToService(conn));
                }
            }
        }
    }

    fn send(&mut self, conn: ConnId, message: Message) {
        let at = self.network.arrival(self.now, conn, Way::ToClient);
        self.queue.plan(at, Happening::ToClient(conn, message));
    }

    /// What is on its way is lost, and so is everything after it.
    fn cut(&mut self, id: ConnId) {
        if let Some(conn) = self.network.get(id) {
            conn.cut = true;
        }
    }

    /// An app asks for something.
    fn call(&mut self, client: usize, call: Call, options: CallOptions) {
        let at = self.hosts[client].clock(self.now);
        let host = &mut self.hosts[client];
        let id = host.core.call(at, call.clone(), options).ok();
        if let Some(id) = id {
            self.apps[client].pending.insert(id);
        }
        self.record(client, at, Record::Call { id, call: call.into(), options });
        self.settle_host(client);
    }

    fn cancel(&mut self, client: usize, id: CallId) {
        let at = self.hosts[client].clock(self.now);
        self.record(client, at, Record::Cancel(id));
        self.hosts[client].core.cancel(at, id);
        self.settle_host(client);
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
