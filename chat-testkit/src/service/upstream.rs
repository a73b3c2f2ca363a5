//! Behind the transport: routes requests, executes session commands, tells those who subscribed.

use std::mem;

use serde_json::{Map, Value, json};

use super::chat::rest::Directory;
use super::chat::{Actor, execute, typing};
use super::config::ContextEnrich;
use super::faults::{Effect, EventOp, Stage};
use super::http::{Request, Response};
use super::outbox::Payload;
use super::sync::rest::{self, Effect as SyncEffect};
use super::sync::subscriptions::{Notice, poke};
use super::sync::{Change, ItemKey};
use super::{ConnId, Due, Service};

/// What follows an answer.
#[derive(Debug, Default)]
struct After {
    notices: Vec<Notice>,
    established: Vec<String>,
    command: Option<(String, u64)>,
    typing: Option<typing::Typing>,
}

impl Service {
    pub(super) fn on_http(&mut self, conn: ConnId, identity: &str, request: Request) {
        let action = request.action();
        let facts = [
            ("method", Some(request.method.as_str())),
            ("path", Some(request.path.as_str())),
            ("host", Some(request.host.as_str())),
            ("identity", Some(identity)),
            ("action", action.as_deref()),
        ];
        let fault = self.faults.hit(Stage::Http, &facts).unwrap_or_default();
        if fault.drop {
            if fault.process {
                // Done, but the client never learns it.
                self.serve(conn, identity, &request, &Effect { no_reply: true, ..Effect::default() });
            }
            self.close_socket(conn, None);
        } else if let Some(code) = fault.twilsock_status {
            let refused = super::twilsock::refusal(&fault, Some(code));
            self.reply_refused(conn, &request.id, &refused, fault.body.as_ref(), fault.delay_ms.unwrap_or(0));
        } else if fault.process || (fault.status.is_none() && !fault.no_reply && fault.delay_ms.is_none()) {
            self.serve(conn, identity, &request, &fault);
        } else if fault.status.is_some() {
            self.reply_http(conn, &request, &faulty(&fault), fault.delay_ms.unwrap_or(0));
        } else if let (Some(ms), false) = (fault.delay_ms, fault.no_reply) {
            let later = Due::Http { conn, identity: identity.to_owned(), request: Box::new(request) };
            self.agenda.after_ms(self.world.clock.now(), ms, later);
        }
    }

    /// Does what a request asks for and answers it, unless a fault says otherwise about the answer.
    pub(super) fn serve(&mut self, conn: ConnId, identity: &str, request: &Request, fault: &Effect) {
        let (response, after) = self.route(conn, identity, request);
        // Whatever changed is told before the answer to the one who changed it.
        self.tell_changes();
        if !fault.no_reply {
            let response = if fault.status.is_some() { faulty(fault) } else { response };
            self.reply_http(conn, request, &response, fault.delay_ms.unwrap_or(0));
        }
        for notice in after.notices {
            self.tell(conn, notice);
        }
        for list in after.established {
            if self.world.config.context_enrich == ContextEnrich::OnSubscribe {
                self.chat.enrich(&mut self.world, &mut self.store, &list);
            }
        }
        self.tell_changes();
        if let Some(typing) = after.typing {
            self.tell_typing(&typing);
        }
        if let Some((list, index)) = after.command {
            self.on_command(&list, index);
        }
    }

    fn route(&mut self, conn: ConnId, identity: &str, request: &Request) -> (Response, After) {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let mut after = After::default();
        let response = match segments.as_slice() {
            // A late poke of a connection that is gone must not leave subscriptions behind.
            ["v4", "Subscriptions"] if !self.connections.contains_key(&conn) => Response::empty(202),
            ["v4", "Subscriptions"] if request.method == "POST" => {
                let (store, config) = (&self.store, &self.world.config);
                let poked = poke(store, &mut self.subscriptions, config, conn, identity, &request.json());
                after.notices = poked.notices;
                after.established = poked.established;
                poked.response
            }
            ["v3", "Services", _, path @ ..] | ["v3", path @ ..] => {
                let (world, store) = (&mut self.world, &mut self.store);
                let call = rest::Call { world, store, identity, request };
                let (response, effect) = rest::serve(call, path);
                match effect {
                    SyncEffect::None => {}
                    SyncEffect::SessionCreated(list) => self.on_session(&list, identity),
                    SyncEffect::CommandPushed { list, index } => after.command = Some((list, index)),
                }
                response
            }
            ["v1", "typing"] if request.method == "POST" => {
                let (response, typing) = self.chat.serve_typing(&self.world.config, identity, request);
                after.typing = typing;
                response
            }
            ["v1", "registrations", path @ ..] => {
                let (response, notifiable) =
                    self.registrations.serve(&mut self.world.ids, identity, path, request);
                if let Some(notifiable) = notifiable {
                    let (world, store) = (&mut self.world, &mut self.store);
                    self.chat.set_reachability(world, store, identity, None, Some(notifiable));
                }
                response
            }
            ["v1", "Services", _, path @ ..] => {
                let page_size = self.world.config.rest_page_size;
                Directory { chat: &self.chat, store: &self.store, page_size, identity, request }.serve(path)
            }
            _ => Response::error(404, 20_404, "Not found"),
        };
        (response, after)
    }

    fn on_session(&mut self, list: &str, identity: &str) {
        self.chat.open_session(&mut self.world, &mut self.store, list, identity);
        match self.world.config.context_enrich {
            ContextEnrich::OnSubscribe => {}
            ContextEnrich::Immediate => self.chat.enrich(&mut self.world, &mut self.store, list),
            ContextEnrich::After(ms) => {
                self.agenda.after_ms(self.world.clock.now(), ms, Due::Enrich(list.to_owned()));
            }
        }
    }

    /// A command stands in a session list: it is executed now, or when its delay is over.
    fn on_command(&mut self, list: &str, index: u64) {
        let Some(session) = self.chat.sessions.get_mut(list) else { return };
        session.commands += 1;
        self.stats.commands += 1;
        let identity = session.identity.clone();
        let request = self.command_request(list, index);
        let action = request.get("action").and_then(Value::as_str).unwrap_or_default();
        let facts = [("action", Some(action)), ("identity", Some(identity.as_str()))];
        let fault = self.faults.hit(Stage::Command, &facts).unwrap_or_default();
        let delay = self.world.config.command_delay_ms + fault.delay_ms.unwrap_or(0);
        let run = Due::Command { list: list.to_owned(), index, fault: Box::new(fault) };
        if delay == 0 {
            self.fire(run);
        } else {
            self.agenda.after_ms(self.world.clock.now(), delay, run);
        }
    }

    fn command_request(&self, list: &str, index: u64) -> Map<String, Value> {
        let data = self.store.data(list, &ItemKey::Index(index));
        data.and_then(|data| data.get("request")).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Executes a command and writes its response back into its item (spec 03 §3.5).
    pub(super) fn run_command(&mut self, list: &str, index: u64, fault: &Effect) {
        let Some(session) = self.chat.sessions.get(list) else { return };
        let identity = session.identity.clone();
        let mut request = self.command_request(list, index);
        let action = request.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
        let done = fault.process || (fault.status.is_none() && !fault.no_reply);
        let mut response = json!({"status": 200});
        let mut changes = Vec::new();
        if done {
            let (world, store, chat) = (&mut self.world, &mut self.store, &mut self.chat);
            let mut actor = Actor { world, store, chat, identity: &identity };
            let params = mem::take(&mut request);
            response = execute(&mut actor, &action, &params);
            request = params;
            if self.world.config.response_first {
                changes.extend(std::iter::from_fn(|| self.store.pop_change()));
            } else {
                self.tell_changes();
            }
        }
        if let Some(status) = fault.status {
            response = json!({"status": status, "statusText": fault.status_text});
        }
        let key = ItemKey::Index(index);
        if !fault.no_reply
            && let Some(data) = self.store.data(list, &key).cloned()
        {
            let item = json!({"commandId": data.get("commandId"), "request": request, "response": response});
            self.store.put_item(&mut self.world, list, key, item, super::chat::SYSTEM);
            self.tell_changes();
        }
        for change in changes {
            self.tell_change(change);
        }
    }

    /// Tells everybody who subscribed what changed since the last time.
    pub(super) fn tell_changes(&mut self) {
        while let Some(change) = self.store.pop_change() {
            self.tell_change(change);
        }
    }

    fn tell_change(&mut self, change: Change) {
        match change {
            Change::Event { sid, kind, event } => {
                self.stats.events += 1;
                for (conn, version) in self.subscriptions.of(&sid) {
                    let notice = Notice::live(kind, &sid, &event, version);
                    let held = self.connections.get_mut(&conn).and_then(|c| c.swapped.remove(&sid));
                    self.tell(conn, notice);
                    for notice in held.into_iter().flatten() {
                        self.notify(conn, notice.message_type, &Payload::Json(notice.payload));
                    }
                }
                if event.event_type.ends_with("_removed") && self.store.get(&sid).is_none() {
                    for (conn, _) in self.subscriptions.of(&sid) {
                        self.subscriptions.remove(conn, &sid);
                    }
                }
            }
            Change::Revoked { sid, identity } => {
                for (conn, _) in self.subscriptions.of(&sid) {
                    if self.connections.get(&conn).and_then(|c| c.identity.as_ref()) == Some(&identity) {
                        self.subscriptions.remove(conn, &sid);
                    }
                }
            }
        }
    }

    /// Sends one Sync notification, unless a fault does something to it.
    pub(super) fn tell(&mut self, conn: ConnId, notice: Notice) {
        let identity = self.connections.get(&conn).and_then(|c| c.identity.clone());
        let name = self.store.get(&notice.sid).map(|entity| entity.name().to_owned());
        let kind = self.store.get(&notice.sid).map(|entity| entity.kind.word());
        let facts = [
            ("identity", identity.as_deref()),
            ("eventType", Some(notice.event_type)),
            ("entity", name.as_deref().or(Some(&notice.sid))),
            ("type", kind),
            ("messageType", Some(notice.message_type)),
        ];
        let fault = self.faults.hit(Stage::Event, &facts).unwrap_or_default();
        let payload = Payload::Json(notice.payload.clone());
        match fault.op {
            None => self.notify(conn, notice.message_type, &payload),
            Some(EventOp::Drop) => {}
            Some(EventOp::Dup) => {
                self.notify(conn, notice.message_type, &payload);
                self.notify(conn, notice.message_type, &payload);
            }
            Some(EventOp::Delay) => {
                let ms = fault.delay_ms.unwrap_or(0);
                self.agenda.after_ms(self.world.clock.now(), ms, Due::Notice(conn, Box::new(notice)));
            }
            Some(EventOp::Swap) => {
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.swapped.entry(notice.sid.clone()).or_default().push(notice);
                }
            }
        }
    }

    pub(super) fn tell_typing(&mut self, typing: &typing::Typing) {
        let conns = self.connections.iter().filter(|(_, connection)| {
            connection.active_identity().is_some_and(|who| typing.identities.iter().any(|other| other == who))
        });
        let conns: Vec<ConnId> = conns.map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.notify(conn, typing::MESSAGE_TYPE, &Payload::Json(typing.payload.to_string()));
        }
    }
}

/// The answer that a fault asks for.
pub(super) fn faulty(fault: &Effect) -> Response {
    let status = fault.status.unwrap_or(500);
    let message = fault.message.clone().unwrap_or_else(|| super::http::status_text(status).to_owned());
    let mut response = Response::error(status, fault.code.unwrap_or(0), message);
    if let Some(body) = &fault.body {
        response.body = Some(body.clone());
    }
    for (name, value) in fault.headers.iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        response = response.with_header(name, value);
    }
    response
}
