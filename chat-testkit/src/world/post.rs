//! What happens when something arrives: at a client, at its host, at the service.

use std::time::Duration;

use chat_proto::{Call, CallId, CallOptions, Cause, Command, Event, Frame, Input, LinkId, Record, Time};

use super::host::Drain;
use super::network::Way;
use super::tally::Fault;
use super::{Core, Entry, Happening, Message, World};
use crate::laws::Violation;
use crate::service::{ConnId, ServiceInput, ServiceOutput};

impl<C: Core> World<C> {
    pub(super) fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Open(id) => {
                let arrival = self.network.arrival(self.now, id, Way::ToClient);
                if let Some(conn) = self.network.get(id).filter(|conn| !conn.cut_to_service) {
                    conn.known_to_service = true;
                    self.queue.plan(arrival, Happening::Opened(id));
                    self.service.handle(self.now, ServiceInput::Opened(id));
                    self.deliver();
                }
            }
            Happening::Opened(id) => self.arrive(id, Happening::Opened(id), Input::Opened),
            Happening::ToClient(id, message) => {
                let later = Happening::ToClient(id, message.clone());
                match &message {
                    Message::Binary(bytes) => {
                        self.arrive(id, later, |link| Input::Frame(link, Frame::Binary(bytes)));
                    }
                    Message::Text(text) => {
                        self.arrive(id, later, |link| Input::Frame(link, Frame::Text(text)));
                    }
                }
            }
            Happening::ToService(id, bytes) => {
                if self.network.get(id).is_some_and(|conn| !conn.cut_to_service && conn.known_to_service) {
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
            Happening::Stored(client, save) => self.stored(client, save),
            Happening::Restart(client) => self.restart(client)?,
            Happening::NewToken(client) => self.new_token(client),
            Happening::Transfer(exchange, request) => self.transfer(exchange, &request),
            Happening::Transferred(exchange, result) => self.transferred(exchange, result),
            Happening::Act => self.act(),
        }
        Ok(())
    }

    /// Something arrives at a client, unless its socket is gone; when its host sleeps, it arrives afterwards.
    pub(super) fn arrive<'a>(
        &mut self,
        id: ConnId,
        later: Happening,
        input: impl FnOnce(LinkId) -> Input<'a>,
    ) {
        let arrives = self.network.get(id).filter(|conn| !conn.cut_to_client && !conn.closed_to_client);
        let Some(conn) = arrives else { return };
        let (client, link) = (conn.client, conn.link);
        if self.hosts[client].is_asleep(self.now) {
            self.hosts[client].held.push_back(later);
        } else {
            self.tell(client, &input(link));
        }
    }

    pub(super) fn closed_to_client(&mut self, id: ConnId, cause: Cause) {
        let Some(conn) = self.network.get(id).filter(|conn| !conn.closed_to_client) else { return };
        let (client, link) = (conn.client, conn.link);
        if self.hosts[client].is_asleep(self.now) {
            self.hosts[client].held.push_back(Happening::ClosedToClient(id, cause));
        } else {
            conn.closed_to_client = true;
            self.tell(client, &Input::Closed(link, cause));
        }
    }

    pub(super) fn tell(&mut self, client: usize, input: &Input<'_>) {
        let at = self.hosts[client].clock(self.now);
        self.record(client, at, input.into());
        self.hosts[client].core.handle(at, input.clone());
        self.settle_host(client);
    }

    pub(super) fn record(&mut self, client: usize, at: Time, record: Record) {
        self.session.entries.push(Entry { at, client: self.hosts[client].seat, record });
    }

    /// After an entry: the host performs the commands, now or a moment later, and the app takes its events when it does.
    pub(super) fn settle_host(&mut self, client: usize) {
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

    pub(super) fn take_events(&mut self, client: usize) {
        if self.hosts[client].dead.is_some() {
            return;
        }
        let at = self.hosts[client].clock(self.now);
        while let Some(event) = self.hosts[client].core.poll_event() {
            self.apps[client].see(&event);
            match &event {
                Event::TokenWanted { .. } => self.token_wanted(client),
                Event::ContinuationToken(token) => self.devices[client].continuation = Some(token.clone()),
                _ => {}
            }
            self.record(client, at, event.into());
        }
    }

    pub(super) fn perform_all(&mut self, client: usize) -> Result<(), Violation> {
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

    pub(super) fn perform(&mut self, client: usize, command: Command) -> Result<(), Violation> {
        match command {
            Command::Open { link, .. } => {
                if self.network.has_open(client) {
                    let why = format!("{link} is opened while another socket is open");
                    return Err(Violation::new(4, self.hosts[client].seat, self.session.entries.len(), why));
                }
                let id = self.network.open(client, link);
                let at = self.network.arrival(self.now, id, Way::ToService);
                if self.network.is_refused() || self.now < self.down_until {
                    self.tally.count(Fault::Refused, 1);
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
            Command::Save { .. } => self.save_on_request(client),
            Command::Http { http, request } => self.begin_transfer(client, http, request),
            Command::CancelHttp { http } => self.exchanges.forget(client, http),
            _ => {}
        }
        Ok(())
    }

    /// Sends what the service wants to send.
    pub(super) fn deliver(&mut self) {
        while let Some(output) = self.service.poll_output() {
            match output {
                ServiceOutput::Send { conn, bytes } => {
                    if self.plan.service.replay_limit > 0 && contains(&bytes, b"\"interrupted\"") {
                        self.tally.count(Fault::ReplayInterrupted, 1);
                    }
                    self.send(conn, Message::Binary(bytes));
                }
                ServiceOutput::SendText { conn, text } => self.send(conn, Message::Text(text)),
                ServiceOutput::HttpReply { http, status, body, .. } => {
                    self.answer_transfer(http, Some((status, body)));
                }
                ServiceOutput::HttpCut { http } => self.answer_transfer(http, None),
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

    pub(super) fn send(&mut self, conn: ConnId, message: Message) {
        let at = self.network.arrival(self.now, conn, Way::ToClient);
        self.queue.plan(at, Happening::ToClient(conn, message));
    }

    /// What is on its way is lost, and so is everything after it.
    pub(super) fn cut(&mut self, id: ConnId) {
        if let Some(conn) = self.network.get(id) {
            (conn.cut_to_service, conn.cut_to_client) = (true, true);
        }
    }

    /// An app asks for something.
    pub(super) fn call(&mut self, client: usize, call: Call, options: CallOptions) {
        let at = self.hosts[client].clock(self.now);
        // Before it is made: a call that panics must stand there.
        let entry = self.session.entries.len();
        let asked = Record::Call { id: None, call: call.clone().into(), options, refused: None };
        self.record(client, at, asked);
        let result = self.hosts[client].core.call(at, call.clone(), options);
        if let Some(entry) = self.session.entries.get_mut(entry) {
            entry.record = Record::call(call, options, &result);
        }
        self.apps[client].pending.extend(result.ok());
        self.settle_host(client);
    }

    pub(super) fn cancel(&mut self, client: usize, id: CallId) {
        let at = self.hosts[client].clock(self.now);
        self.record(client, at, Record::Cancel(id));
        self.hosts[client].core.cancel(at, id);
        self.settle_host(client);
    }
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
