//! A client and the offline service in one process, on a virtual clock, without sockets: the conversation between them
//! can be kept, and a client that is made anew can be told the same again, so that its cost is counted alone.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::{
    Call, CallOptions, Cause, Client, Command, Config, Event, Frame, Input, LinkId, Seed, Time, Token,
};
use chat_testkit::service::{ConnId, Service, ServiceConfig, ServiceInput, ServiceOutput};
use serde_json::{Value, json};

/// When every rig begins.
const START: Time = Time::from_millis(1_000);
/// The date at the origin of its clock: 2023-11-14T22:13:20Z.
const UNIX_AT_ORIGIN: u64 = 1_700_000_000_000;
/// After this long without a frame a rig has settled.
const QUIET: Duration = Duration::from_millis(2_500);

/// What a client was told.
#[derive(Debug, Clone)]
pub enum Step {
    /// Time passed.
    Tick,
    /// Its socket is open.
    Opened(LinkId),
    /// A frame came.
    Frame(LinkId, Vec<u8>),
    /// Its socket broke.
    Closed(LinkId),
    /// The app asked for something.
    Call(Call),
}

/// A conversation, as one client heard it.
pub type Tape = Vec<(Time, Step)>;

/// What a conversation took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traffic {
    /// Frames to the client, and their bytes.
    pub frames_in: (u64, u64),
    /// Frames of the client, acknowledgements included, and their bytes.
    pub frames_out: (u64, u64),
    /// Frames of the client that are requests, each answered by the service.
    pub requests: u64,
    /// When the last frame but acknowledgements left the client, since the beginning.
    pub last_request: Duration,
}

/// See the module.
pub struct Rig {
    /// The client. Its commands and events are taken by the rig.
    pub client: Client,
    /// The service.
    pub service: Service,
    /// Now.
    pub now: Time,
    /// What the conversation took so far.
    pub traffic: Traffic,
    /// The socket in use.
    pub link: Option<LinkId>,
    conn: ConnId,
    latency: Duration,
    identity: String,
    config: Config,
    to_service: VecDeque<(Time, Vec<u8>)>,
    to_client: VecDeque<(Time, Vec<u8>)>,
    events: Vec<Event>,
    tape: Option<Tape>,
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig").field("now", &self.now).field("traffic", &self.traffic).finish_non_exhaustive()
    }
}

/// An access token as the offline service takes them: an unsigned JWT.
pub fn token(identity: &str) -> Token {
    let grants = json!({ "identity": identity, "ip_messaging": { "service_sid": format!("IS{:032x}", 1) } });
    let claims = json!({ "exp": UNIX_AT_ORIGIN / 1000 + 86_400, "grants": grants });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&claims));
    Token::new(text).expect("a token that is not empty")
}

/// A new client. Its ids are always the same.
pub fn client(identity: &str, config: Config) -> Client {
    Client::new(config, token(identity), &Seed::from_number(7), START)
}

/// The configuration that rigs use: it knows what day it is.
pub fn config() -> Config {
    let mut config = Config::default();
    config.unix_at_origin = Some(UNIX_AT_ORIGIN);
    config
}

impl Rig {
    /// A service in which the given `seed` commands of the control interface were done, and a client that begins to
    /// connect.
    pub fn new(identity: &str, seeds: &[Value]) -> Self {
        Self::with(identity, seeds, config(), Duration::from_millis(1))
    }

    /// The same with a configuration, and with the time that a frame takes in one direction.
    pub fn with(identity: &str, seeds: &[Value], config: Config, latency: Duration) -> Self {
        let unix_at_origin = i64::try_from(UNIX_AT_ORIGIN).expect("a date of our time");
        let mut service =
            Service::new(ServiceConfig { unix_at_origin, ..ServiceConfig::default() }, 0, START);
        for seed in seeds {
            service.admin(START, "seed", seed).expect("the seed is good");
        }
        Self {
            client: client(identity, config.clone()),
            service,
            now: START,
            traffic: Traffic::default(),
            link: None,
            conn: ConnId(0),
            latency,
            identity: identity.to_owned(),
            config,
            to_service: VecDeque::new(),
            to_client: VecDeque::new(),
            events: Vec::new(),
            tape: None,
        }
    }

    /// Keeps what the client is told from now on.
    pub fn record(&mut self) {
        self.tape = Some(Vec::new());
    }

    /// What was kept.
    pub fn take_tape(&mut self) -> Tape {
        self.tape.take().unwrap_or_default()
    }

    /// What the client told since this was asked last.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// A client as this one was at its beginning.
    pub fn fresh_client(&self) -> Client {
        client(&self.identity, self.config.clone())
    }

    /// What the service says of a Sync object: `list`, `map` or `document`, and its name.
    pub fn object(&mut self, kind: &str, name: &str) -> Value {
        let asked = json!({ "type": kind, "id": name });
        self.service.admin(self.now, "sync", &asked).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The app asks for something; then time passes until nothing happens any more.
    pub fn ask(&mut self, call: Call) {
        self.tell(Step::Call(call));
        self.settle();
    }

    /// The connection breaks.
    pub fn cut(&mut self) {
        if let Some(link) = self.link.take() {
            self.service.handle(self.now, ServiceInput::Closed(self.conn));
            self.tell(Step::Closed(link));
        }
    }

    /// Lets time pass until nothing has been said for a while.
    pub fn settle(&mut self) {
        self.drain();
        let mut moved = self.now;
        while let Some(at) = self.next_at().filter(|at| *at <= moved + QUIET) {
            self.now = self.now.max(at);
            if self.step() {
                moved = self.now;
            }
        }
    }

    fn next_at(&self) -> Option<Time> {
        let mail = [self.to_service.front(), self.to_client.front()].map(|front| front.map(|(at, _)| *at));
        let timers = [self.service.deadline(), self.client.deadline().map(|deadline| deadline.at)];
        mail.into_iter().chain(timers).flatten().min()
    }

    /// Lets the one thing happen that is due; whether a frame arrived.
    fn step(&mut self) -> bool {
        let due = |queue: &mut VecDeque<(Time, Vec<u8>)>, now| {
            queue.pop_front_if(|(at, _)| *at <= now).map(|(_, bytes)| bytes)
        };
        if let Some(bytes) = due(&mut self.to_client, self.now) {
            if let Some(link) = self.link {
                self.tell(Step::Frame(link, bytes));
            }
            return true;
        }
        if let Some(bytes) = due(&mut self.to_service, self.now) {
            self.service.handle(self.now, ServiceInput::Frame(self.conn, &bytes));
            self.drain_service();
            return true;
        }
        if self.service.deadline().is_some_and(|at| at <= self.now) {
            self.service.handle(self.now, ServiceInput::Tick);
            self.drain_service();
        } else {
            self.tell(Step::Tick);
        }
        false
    }

    fn tell(&mut self, step: Step) {
        feed(&mut self.client, self.now, &step);
        if let Step::Frame(_, bytes) = &step {
            self.traffic.frames_in.0 += 1;
            self.traffic.frames_in.1 += bytes.len() as u64;
        }
        if let Some(tape) = &mut self.tape {
            tape.push((self.now, step));
        }
        self.drain();
    }

    /// Does what the client asks for, and takes its events. For those who call the client themselves.
    pub fn drain(&mut self) {
        while let Some(command) = self.client.poll_command() {
            match command {
                Command::Open { link, .. } => {
                    self.conn = ConnId(self.conn.0 + 1);
                    self.link = Some(link);
                    self.to_service.clear();
                    self.to_client.clear();
                    self.service.handle(self.now, ServiceInput::Opened(self.conn));
                    self.tell(Step::Opened(link));
                    self.drain_service();
                }
                Command::Send { bytes, .. } => {
                    let bytes = bytes.into_vec();
                    self.traffic.frames_out.0 += 1;
                    self.traffic.frames_out.1 += bytes.len() as u64;
                    // Only acknowledgements are replies.
                    if !bytes.windows(9).any(|window| window == b"\"reply\",\"" || window == b":\"reply\"}") {
                        self.traffic.requests += 1;
                        self.traffic.last_request = self.now.since(START);
                    }
                    self.to_service.push_back((self.now + self.latency, bytes));
                }
                other => panic!("a rig cannot do this: {other:?}"),
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.events.push(event);
        }
    }

    fn drain_service(&mut self) {
        while let Some(output) = self.service.poll_output() {
            match output {
                ServiceOutput::Send { conn, bytes } if conn == self.conn => {
                    self.to_client.push_back((self.now + self.latency, bytes));
                }
                other => panic!("the service of a rig should not do this: {other:?}"),
            }
        }
    }
}

/// Tells a client one thing.
pub fn feed(client: &mut Client, now: Time, step: &Step) {
    let input = match step {
        Step::Tick => Input::Tick,
        Step::Opened(link) => Input::Opened(*link),
        Step::Frame(link, bytes) => Input::Frame(*link, Frame::Binary(bytes)),
        Step::Closed(link) => Input::Closed(*link, Cause::Failed("cut".into())),
        Step::Call(call) => {
            client.call(now, call.clone(), CallOptions::default()).expect("the call is accepted");
            return;
        }
    };
    client.handle(now, input);
}

/// Tells a client a whole conversation; takes its commands and events, and gives how many there were.
pub fn replay(client: &mut Client, tape: &[(Time, Step)]) -> (u64, u64) {
    let (mut commands, mut events) = take_all(client);
    for (at, step) in tape {
        feed(client, *at, step);
        let (c, e) = take_all(client);
        commands += c;
        events += e;
    }
    (commands, events)
}

/// Takes all commands and events of a client.
pub fn take_all(client: &mut Client) -> (u64, u64) {
    let (mut commands, mut events) = (0, 0);
    while let Some(command) = client.poll_command() {
        std::hint::black_box(&command);
        commands += 1;
    }
    while let Some(event) = client.poll_event() {
        std::hint::black_box(&event);
        events += 1;
    }
    (commands, events)
}
