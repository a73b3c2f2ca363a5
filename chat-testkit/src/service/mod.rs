//! The offline service: a model of the service's side of Twilsock, Sync and Chat, without input or output of its own.
//!
//! It has no clock and no entropy: the same seed and the same inputs give the same outputs. Frames go in through
//! [`Service::handle`], what it sends comes out of [`Service::poll_output`], and [`Service::admin`] is its control
//! interface.

mod admin;
mod agenda;
mod chat;
mod config;
mod connections;
mod faults;
mod http;
mod media;
mod outbox;
mod push;
mod sync;
mod token;
mod twilsock;
mod upstream;
mod words;
mod world;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use chat_proto::Time;
use serde_json::Value;

use agenda::Agenda;
use chat::Chat;
use connections::Connections;
use faults::{Effect, Faults};
use http::Request;
use outbox::Payload;
use push::Registrations;
use sync::Store;
use sync::subscriptions::{Notice, Subscriptions};
use token::{Refused, TokenRules};
use world::World;

pub use config::{ContextEnrich, ServiceConfig};
pub use words::{AdminError, ConnId, ExchangeId, MediaRequest, ServiceInput, ServiceOutput};

/// Counters since the service began.
#[derive(Debug, Clone, Copy, Default)]
struct Stats {
    requests: u64,
    commands: u64,
    events: u64,
    malformed: u64,
    dropped_no_context: u64,
}

/// What can be due.
#[derive(Debug)]
enum Due {
    Output(ServiceOutput),
    Http { conn: ConnId, identity: String, request: Box<Request> },
    Command { list: String, index: u64, fault: Box<Effect> },
    Enrich(String),
    Notice(ConnId, Box<Notice>),
    Ping(ConnId),
    TokenWarning(ConnId, u64),
    TokenEnd(ConnId, u64),
    CloseSocket(ConnId),
    Offline(String),
    Post(admin::Post),
}

/// The service.
pub struct Service {
    world: World,
    agenda: Agenda<Due>,
    outputs: VecDeque<ServiceOutput>,
    connections: Connections,
    /// Connections that are over, but for what is still to leave before their close.
    ending: BTreeSet<ConnId>,
    store: Store,
    subscriptions: Subscriptions,
    chat: Chat,
    registrations: Registrations,
    tokens: TokenRules,
    faults: Faults,
    stats: Stats,
    seed: u64,
}

/// Tokens and device ids are in here: only counts are shown.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("now", &self.world.clock.now())
            .field("connections", &self.connections.len())
            .field("channels", &self.chat.channels.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// An empty service. Identifiers come from `config.seed` and `seed`; 0 for the latter leaves the former alone.
    pub fn new(config: ServiceConfig, seed: u64, now: Time) -> Self {
        Self {
            world: World::new(config, seed, now),
            agenda: Agenda::default(),
            outputs: VecDeque::new(),
            connections: Connections::new(),
            ending: BTreeSet::new(),
            store: Store::default(),
            subscriptions: Subscriptions::default(),
            chat: Chat::default(),
            registrations: Registrations::default(),
            tokens: TokenRules::default(),
            faults: Faults::default(),
            stats: Stats::default(),
            seed,
        }
    }

    /// Takes in what happened, after everything that was due before it; the answers wait in
    /// [`poll_output`](Self::poll_output).
    pub fn handle(&mut self, now: Time, input: ServiceInput<'_>) {
        self.catch_up(now);
        match input {
            ServiceInput::Tick => {}
            ServiceInput::Opened(conn) => self.on_opened(conn),
            ServiceInput::Frame(conn, bytes) => self.on_frame(conn, bytes),
            // Twilsock knows binary messages only (spec 01 §1.1).
            ServiceInput::Text(conn, _) => self.on_malformed(conn),
            ServiceInput::Closed(conn) => {
                self.ending.remove(&conn);
                self.forget_connection(conn);
            }
            ServiceInput::Http(http, request) => self.on_media(http, &request),
        }
        self.tell_changes();
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<ServiceOutput> {
        self.outputs.pop_front()
    }

    /// When [`ServiceInput::Tick`] is wanted next.
    pub fn deadline(&self) -> Option<Time> {
        self.agenda.deadline()
    }

    /// The settings as they are now.
    pub const fn config(&self) -> &ServiceConfig {
        &self.world.config
    }

    /// A command of the control interface: its name and its arguments, a JSON object.
    ///
    /// The host serves `record`, `record/stop`, `cpu` and `shutdown` itself.
    ///
    /// # Errors
    /// There is no such command, or an argument is missing or wrong.
    pub fn admin(&mut self, now: Time, command: &str, arguments: &Value) -> Result<Value, AdminError> {
        self.catch_up(now);
        let answer = self.run_admin(command, arguments);
        self.tell_changes();
        answer
    }

    /// Does what is due, each at its own time.
    fn catch_up(&mut self, now: Time) {
        while let Some((time, due)) = self.agenda.pop_due(now) {
            self.world.clock.advance(time);
            self.fire(due);
            self.tell_changes();
        }
        self.world.clock.advance(now);
    }

    fn fire(&mut self, due: Due) {
        match due {
            Due::Output(output) => self.let_go(output),
            Due::Http { conn, identity, request } => {
                // The delay is over; whoever hung up meanwhile is still served, without an answer.
                self.serve(conn, &identity, &request, &Effect::default());
            }
            Due::Command { list, index, fault } => self.run_command(&list, index, &fault),
            Due::Enrich(list) => self.chat.enrich(&mut self.world, &mut self.store, &list),
            Due::Notice(conn, notice) => {
                self.notify(conn, notice.message_type, &Payload::Json(notice.payload));
            }
            Due::Ping(conn) => {
                let interval = self.world.config.ping_interval_ms;
                if interval > 0 && self.connections.contains_key(&conn) {
                    self.ping(conn);
                    self.agenda.after_ms(self.world.clock.now(), interval, Due::Ping(conn));
                }
            }
            Due::TokenWarning(conn, number) if self.holds_token(conn, number) => self.warn_of_token(conn),
            Due::TokenEnd(conn, number) if self.holds_token(conn, number) => {
                let status = Refused::new(410, "TOKEN_EXPIRED", 51_207, "Token expired");
                self.send_close(conn, &status, None);
                self.agenda.after_ms(
                    self.world.clock.now(),
                    twilsock::CLOSE_SOCKET_AFTER_MS,
                    Due::CloseSocket(conn),
                );
            }
            Due::TokenWarning(..) | Due::TokenEnd(..) => {}
            Due::CloseSocket(conn) => self.close_socket(conn, Some(1000)),
            Due::Offline(identity) => self.go_offline(&identity),
            Due::Post(post) => self.post_burst(post),
        }
    }

    /// Hands on what was late, unless its connection was cut meanwhile.
    fn let_go(&mut self, output: ServiceOutput) {
        let (ServiceOutput::Send { conn, .. }
        | ServiceOutput::SendText { conn, .. }
        | ServiceOutput::Close { conn, .. }) = &output
        else {
            // An answer of the media service belongs to no connection.
            return self.outputs.push_back(output);
        };
        let closes = matches!(output, ServiceOutput::Close { .. });
        let open = self.connections.contains_key(conn);
        let ends = if closes { self.ending.remove(conn) } else { self.ending.contains(conn) };
        if open || ends {
            self.outputs.push_back(output);
        }
    }

    fn holds_token(&self, conn: ConnId, number: u64) -> bool {
        let connection = self.connections.get(&conn);
        connection.is_some_and(|c| c.active_identity().is_some() && c.token_number == number)
    }

    fn warn_of_token(&mut self, conn: ConnId) {
        let left = self.world.config.token_warn_ms;
        let text = format!("Your token is about to expire. Time left: less than {left} ms");
        let tail = vec![
            ("client_update_type", "token_about_to_expire".into()),
            ("client_update_message", text.into()),
        ];
        self.send_request(conn, "client_update", tail, &Payload::None);
    }

    /// A connection is gone.
    fn forget_connection(&mut self, conn: ConnId) {
        self.end_session(conn);
        self.connections.remove(&conn);
    }

    /// Nothing more is told to this connection; its user is offline unless another connection is there.
    fn end_session(&mut self, conn: ConnId) {
        self.subscriptions.remove_conn(conn);
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.contexts.clear();
        let active = connection.active_identity().map(str::to_owned);
        connection.phase = connections::Phase::Closing;
        if let Some(identity) = active {
            match self.world.config.offline_delay_ms {
                0 => self.go_offline(&identity),
                ms => self.agenda.after_ms(self.world.clock.now(), ms, Due::Offline(identity)),
            }
        }
    }

    fn go_offline(&mut self, identity: &str) {
        if self.connections.values().all(|connection| connection.active_identity() != Some(identity)) {
            self.chat.set_reachability(&mut self.world, &mut self.store, identity, Some(false), None);
        }
    }
}
