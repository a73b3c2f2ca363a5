//! A stage: clients and the offline service without sockets and without waiting, for tests that tell a story.
//!
//! Time is virtual and the network is perfect, with the same latency always, so a story runs in milliseconds and always
//! the same way. Say what the people do; the stage lets time pass until it is done.
//!
//! ```
//! use chat_proto::{Call, CreateChannel, Event, Reply};
//! use chat_testkit::stage::Stage;
//!
//! let mut stage = Stage::new(Default::default());
//! let alice = stage.enter("alice");
//! stage.settle();
//! let created = stage.ask(alice, Call::CreateChannel(CreateChannel { unique_name: Some("general".into()), ..Default::default() }));
//! let Ok(Reply::Channel(channel)) = created else { panic!("{created:?}") };
//! assert_eq!(channel.unique_name.as_deref(), Some("general"));
//! assert!(stage.take_events(alice).iter().any(|event| matches!(event, Event::ChannelAdded(_))));
//! ```
//!
//! For bad networks, slow apps and wrong clocks there is the simulator.

mod lives;
mod media;
mod tape;
mod trouble;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::{
    Call, CallError, CallId, CallOptions, Cancel, Cause, Client, Command, Config, Event, Frame, HttpFailure,
    Input, LinkId, MediaId, Record, Refused, Reply, Saved, Seed, State, Time, Token,
};
use serde_json::{Value, json};

pub use self::lives::read_in_parts;
use self::media::Exchanges;
use self::tape::Tape;
use self::wire::{Parcel, Wire};
use crate::service::{AdminError, ConnId, Service, ServiceConfig, ServiceInput, ServiceOutput};

/// How long anything takes between a client and the service.
const LATENCY: Duration = Duration::from_millis(5);
/// How long a disk takes: longer than the way to the service, so that what leaves too early can be seen.
const DISK: Duration = Duration::from_millis(25);
/// When a story begins, on its own clock.
const START: Time = Time::from_millis(1_000);
/// The date at the origin of that clock: 2023-11-14T22:13:20Z.
const UNIX_AT_ORIGIN: u64 = 1_700_000_000_000;
/// After this long without anything happening a story has settled.
const QUIET: Duration = Duration::from_millis(300);
/// Longest wait for an answer before the story counts as stuck: longer than any deadline of a call.
const PATIENCE: Duration = Duration::from_mins(10);

/// Which life of a person's client it is: what went out in an earlier one does not come back to a later one.
type Life = u32;

/// A person on the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(usize);

#[derive(Debug)]
struct Person {
    client: Client,
    /// Which client of the tape this life is.
    seat: usize,
    config: Config,
    token: Token,
    seed: Seed,
    life: Life,
    /// The newest save that reached the disk.
    disk: Option<Saved>,
    lose_saves: bool,
    /// The connection that goes with the newest socket.
    link: Option<(LinkId, ConnId)>,
    /// Bytes to be sent, and bytes that came.
    media: BTreeMap<MediaId, Vec<u8>>,
    /// What becomes of the next HTTP requests.
    transfers: VecDeque<Option<HttpFailure>>,
    /// The socket that is on the way to the service.
    opening: Option<LinkId>,
    /// The socket that was asked for, and neither given up nor lost since.
    open: Option<LinkId>,
    /// When sockets were asked for.
    opens: Vec<Time>,
    /// Nothing passes between this person and the service.
    frozen: bool,
    /// The newest connection that was frozen: it stays so.
    deaf: Option<ConnId>,
    /// What anything takes longer between this person and the service than between others.
    lag: Duration,
    /// When the last message arrives that is on its way to the service, and to this person: none overtakes it.
    last: (Time, Time),
    /// Does not take events.
    neglected: bool,
    /// Went away.
    gone: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Stage {
    now: Time,
    service: Service,
    people: Vec<Person>,
    /// What people were told and nobody took yet, in the order in which it was told.
    told: Vec<(Who, Event)>,
    wire: Wire,
    connections: u64,
    /// When anything last reached anybody.
    moved: Time,
    /// Why new connections fail, if they do.
    refuse: Option<Cause>,
    exchanges: Exchanges,
    tape: Tape,
}

impl Stage {
    /// An empty stage with a fresh service.
    pub fn new(config: ServiceConfig) -> Self {
        let config = ServiceConfig { unix_at_origin: i64::try_from(UNIX_AT_ORIGIN).unwrap_or(0), ..config };
        Self {
            now: START,
            // With the identifiers that the service behind a listener makes: what is ordered by them is the same there.
            service: Service::new(config, 0, START),
            people: Vec::new(),
            told: Vec::new(),
            wire: Wire::default(),
            connections: 0,
            moved: START,
            refuse: None,
            exchanges: Exchanges::default(),
            tape: Tape::default(),
        }
    }

    /// A person comes in with a client that begins to connect.
    pub fn enter(&mut self, identity: &str) -> Who {
        self.enter_with(identity, Config::default())
    }

    /// The same with a configuration; where the service is and what day it is are filled in.
    ///
    /// # Panics
    /// Never: the token that is made here is a good one.
    pub fn enter_with(&mut self, identity: &str, config: Config) -> Who {
        self.enter_as(&self.token(identity, Duration::from_hours(24)), config)
    }

    /// An access token of this person, good for `ttl` from now.
    pub fn token(&self, identity: &str, ttl: Duration) -> String {
        let now = (UNIX_AT_ORIGIN + self.now.as_millis()) / 1000;
        let grants =
            json!({ "identity": identity, "ip_messaging": { "service_sid": format!("IS{:032x}", 1) } });
        let claims = json!({ "jti": format!("{identity}-{}", self.now.as_millis()), "iat": now, "exp": now + ttl.as_secs(), "grants": grants });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "typ": "JWT", "alg": "none" })), part(&claims))
    }

    // ---- what people do

    /// Asks for something and lets time pass until it is answered.
    ///
    /// # Errors
    /// Those that the call is answered with.
    ///
    /// # Panics
    /// The call was refused, or is not answered for minutes.
    pub fn ask(&mut self, who: Who, call: Call) -> Result<Reply, CallError> {
        let shown = format!("{call:?}");
        let id = self.start(who, call).unwrap_or_else(|refused| panic!("{refused}"));
        self.answer(who, id).unwrap_or_else(|| panic!("no answer to {shown}"))
    }

    /// Asks for something; its answer is an event.
    ///
    /// # Errors
    /// The client does not accept the call.
    pub fn start(&mut self, who: Who, call: Call) -> Result<CallId, Refused> {
        self.start_with(who, call, CallOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// The client does not accept the call.
    pub fn start_with(&mut self, who: Who, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        let Some(person) = self.people.get_mut(who.0) else { unreachable!("only this stage makes them") };
        let asked = call.clone();
        let id = person.client.call(self.now, call, options);
        self.tape.call(self.now, person.seat, &id, asked, options);
        self.drain(who);
        id
    }

    /// Withdraws a call, if that is still possible. It is answered either way.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn cancel(&mut self, who: Who, id: CallId) -> Cancel {
        let cancel = self.people[who.0].client.cancel(self.now, id);
        self.tape.add(self.now, self.people[who.0].seat, Record::Cancel(id));
        self.drain(who);
        cancel
    }

    /// Lets time pass until the call is answered; `None` if that takes minutes.
    pub fn answer(&mut self, who: Who, id: CallId) -> Option<Result<Reply, CallError>> {
        let until = self.now + PATIENCE;
        loop {
            let found = self.told.iter().find_map(|told| match told {
                (of, Event::Answer { call, result }) if *of == who && *call == id => Some(result.clone()),
                _ => None,
            });
            if found.is_some() || !self.step(until) {
                return found;
            }
        }
    }

    /// Takes what a person was told, answers included.
    pub fn take_events(&mut self, who: Who) -> Vec<Event> {
        self.told.extract_if(.., |(of, _)| *of == who).map(|(_, event)| event).collect()
    }

    /// Takes what everybody was told, in the order in which it was told.
    pub fn take_all_events(&mut self) -> Vec<(Who, Event)> {
        std::mem::take(&mut self.told)
    }

    /// What a person's client knows.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn state(&self, who: Who) -> &State {
        self.people[who.0].client.state()
    }

    // ---- time

    /// Now, on the clock of the story.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets this much time pass.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        while self.step(until) {}
        self.now = until;
    }

    /// Lets time pass until nothing has happened for a while. What only time brings (timers far ahead) does not count.
    pub fn settle(&mut self) {
        self.moved = self.now;
        while self.step(self.moved + QUIET) {}
        self.now = self.moved + QUIET;
    }

    // ---- the world

    /// A command of the service's control interface.
    ///
    /// # Errors
    /// As the service says.
    pub fn admin(&mut self, command: &str, arguments: &Value) -> Result<Value, AdminError> {
        let answer = self.service.admin(self.now, command, arguments);
        self.drain_service();
        answer
    }

    /// Cuts a person's connection: both sides hear of it at once.
    pub fn cut(&mut self, who: Who) {
        self.note(who, "the connection is cut");
        let Some((link, conn)) = self.people.get_mut(who.0).and_then(|person| person.link.take()) else {
            return;
        };
        self.wire.forget(conn);
        self.service.handle(self.now, ServiceInput::Closed(conn));
        self.drain_service();
        self.lost(who, link, Cause::Failed("cut".into()));
    }

    /// From now on the service can, or cannot, be reached by new connections.
    pub fn reachable(&mut self, reachable: bool) {
        self.refuse = (!reachable).then(|| Cause::Failed("connection refused".into()));
    }

    /// Lets the next thing happen, if that is before `until`.
    fn step(&mut self, until: Time) -> bool {
        let people = self.people.iter().enumerate().filter(|(_, person)| !person.gone);
        let timer = people.filter_map(|(n, person)| Some((person.client.deadline()?.at, n))).min();
        let service = self.service.deadline();
        let wire = self.wire.due();
        let due = [timer.map(|(at, _)| at), service, wire].into_iter().flatten().min();
        let Some(due) = due.filter(|due| *due <= until) else { return false };
        self.now = self.now.max(due);
        if wire == Some(due) {
            if let Some(parcel) = self.wire.take() {
                self.moved = self.now;
                self.deliver(parcel);
            }
        } else if service == Some(due) {
            self.service.handle(self.now, ServiceInput::Tick);
            self.drain_service();
        } else if let Some((_, n)) = timer {
            self.tell(Who(n), Input::Tick);
        }
        true
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Open(who, life, link) => {
                let Some(person) = self.people.get_mut(who.0).filter(|person| person.life == life) else {
                    return;
                };
                if person.opening != Some(link) || person.frozen {
                    return;
                }
                person.opening = None;
                if let Some(cause) = self.refuse.clone() {
                    return self.lost(who, link, cause);
                }
                self.connections += 1;
                let conn = ConnId(self.connections);
                person.link = Some((link, conn));
                self.service.handle(self.now, ServiceInput::Opened(conn));
                self.drain_service();
                self.tell(who, Input::Opened(link));
            }
            Parcel::ToService(conn, _) if self.is_frozen(conn) => {}
            Parcel::ToService(conn, bytes) => {
                self.service.handle(self.now, ServiceInput::Frame(conn, &bytes));
                self.drain_service();
            }
            Parcel::ToClient(conn, _) | Parcel::ClosedByService(conn) if self.is_frozen(conn) => {}
            Parcel::ToClient(conn, message) => {
                if let Some((who, link)) = self.owner(conn) {
                    let frame = match &message {
                        Ok(bytes) => Frame::Binary(bytes),
                        Err(text) => Frame::Text(text),
                    };
                    self.tell(who, Input::Frame(link, frame));
                }
            }
            Parcel::HttpToService(who, life, http, request) => {
                if self.people[who.0].life == life {
                    self.http_to_service(who, http, &request);
                }
            }
            Parcel::HttpToClient(exchange, answer) => self.http_to_client(exchange, answer),
            Parcel::ClosedByService(conn) => {
                if let Some((who, link)) = self.owner(conn) {
                    self.people[who.0].link = None;
                    self.lost(who, link, Cause::Remote(None));
                }
                self.service.handle(self.now, ServiceInput::Closed(conn));
                self.drain_service();
            }
            Parcel::ClosedByClient(who, life, link, conn) => {
                if let Some(conn) = conn {
                    self.service.handle(self.now, ServiceInput::Closed(conn));
                    self.drain_service();
                }
                if self.people[who.0].life == life {
                    self.tell(who, Input::Closed(link, Cause::Local));
                }
            }
            Parcel::Save(who, life, saved) => {
                let person = &self.people[who.0];
                if person.life == life && person.lose_saves {
                    // The host tries again.
                    let saved = Box::new(person.client.save(self.now));
                    self.wire.send(self.now + DISK, Parcel::Save(who, life, saved));
                } else if person.life == life {
                    let revision = saved.revision();
                    self.people[who.0].disk = Some(*saved);
                    self.tell(who, Input::Stored { revision });
                }
            }
        }
    }

    /// A socket ended without having been given up.
    fn lost(&mut self, who: Who, link: LinkId, cause: Cause) {
        if let Some(person) = self.people.get_mut(who.0) {
            person.open.take_if(|open| *open == link);
        }
        self.tell(who, Input::Closed(link, cause));
    }

    fn is_frozen(&self, conn: ConnId) -> bool {
        let is_frozen = |person: &Person| person.frozen || person.deaf == Some(conn);
        self.owner(conn).is_some_and(|(who, _)| is_frozen(&self.people[who.0]))
    }

    fn owner(&self, conn: ConnId) -> Option<(Who, LinkId)> {
        let links = self.people.iter().enumerate().filter_map(|(n, person)| Some((Who(n), person.link?)));
        links.into_iter().find(|(_, (_, of))| *of == conn).map(|(who, (link, _))| (who, link))
    }

    fn tell(&mut self, who: Who, input: Input<'_>) {
        if let Some(person) = self.people.get_mut(who.0) {
            self.tape.add(self.now, person.seat, Record::from(&input));
            person.client.handle(self.now, input);
        }
        self.drain(who);
    }

    /// Performs a client's commands and takes its events.
    fn drain(&mut self, who: Who) {
        let Some(person) = self.people.get_mut(who.0) else { return };
        let at = self.now + LATENCY;
        let (link, neglected) = (person.link, person.neglected);
        let mut commands = Vec::new();
        while let Some(command) = person.client.poll_command() {
            self.tape.add(self.now, person.seat, command.clone().into());
            commands.push(command);
        }
        while !neglected && let Some(event) = person.client.poll_event() {
            self.moved = self.now;
            self.tape.add(self.now, person.seat, event.clone().into());
            self.told.push((who, event));
        }
        for command in commands {
            match command {
                Command::Open { link, .. } => self.open(who, link),
                Command::Send { link: on, bytes } => {
                    if let Some((_, conn)) = link.filter(|(of, _)| *of == on) {
                        let at = self.arrives(who, true);
                        self.wire.send(at, Parcel::ToService(conn, bytes.into_vec()));
                    }
                }
                Command::Close { link } => self.give_up(who, link),
                Command::Save { .. } => {
                    let person = &self.people[who.0];
                    let saved = Box::new(person.client.save(self.now));
                    self.wire.send(self.now + DISK, Parcel::Save(who, person.life, saved));
                }
                Command::Http { http, request } => {
                    let life = self.people[who.0].life;
                    self.wire.send(at, Parcel::HttpToService(who, life, http, Box::new(request)));
                }
                Command::CancelHttp { http } => self.exchanges.forget(who, http),
                other => unreachable!("a stage performs every command: {other:?}"),
            }
        }
    }

    fn drain_service(&mut self) {
        let now = self.now + LATENCY;
        while let Some(output) = self.service.poll_output() {
            let to = match &output {
                ServiceOutput::Send { conn, .. }
                | ServiceOutput::SendText { conn, .. }
                | ServiceOutput::Close { conn, .. } => self.owner(*conn),
                _ => None,
            };
            let at = to.map_or(now, |(who, _)| self.arrives(who, false));
            match output {
                ServiceOutput::Send { conn, bytes } => self.wire.send(at, Parcel::ToClient(conn, Ok(bytes))),
                ServiceOutput::SendText { conn, text } => {
                    self.wire.send(at, Parcel::ToClient(conn, Err(text)));
                }
                ServiceOutput::HttpReply { http, status, body, .. } => {
                    self.wire.send(at, Parcel::HttpToClient(http, Some((status, body))));
                }
                ServiceOutput::HttpCut { http } => self.wire.send(at, Parcel::HttpToClient(http, None)),
                ServiceOutput::Close { conn, .. } => self.wire.send(at, Parcel::ClosedByService(conn)),
            }
        }
    }
}
