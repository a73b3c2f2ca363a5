//! The server side of Twilsock: frames in, replies out (spec 01).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::frame::{self, FrameLimits};
use serde_json::{Value, json};

use super::connections::{Connection, Phase};
use super::faults::{Effect, Stage};
use super::http::Request;
use super::outbox::Payload;
use super::token::{Claims, Refused};
use super::{ConnId, Due, Service};

/// Pause between a `close` frame of ours and the end of the socket.
pub(super) const CLOSE_SOCKET_AFTER_MS: u64 = 50;

/// A frame, taken apart.
struct Incoming<'a> {
    header: Value,
    id: &'a str,
    payload: &'a [u8],
}

impl Service {
    pub(super) fn on_opened(&mut self, conn: ConnId) {
        let now = self.world.clock.now();
        self.connections.insert(conn, Connection::new(now));
        let interval = self.world.config.ping_interval_ms;
        if interval > 0 {
            self.agenda.after_ms(now, interval, Due::Ping(conn));
        }
    }

    pub(super) fn on_frame(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.traffic.received += 1;
        let decoded = frame::decode(bytes, FrameLimits::default()).ok();
        let parsed = decoded.and_then(|(header, payload)| {
            let header: Value = serde_json::from_str(header).ok()?;
            let method = header.get("method")?.as_str()?.to_owned();
            let id = header.get("id")?.as_str()?.to_owned();
            Some((header, method, id, payload))
        });
        let Some((header, method, id, payload)) = parsed else {
            self.on_malformed(conn);
            return;
        };
        let incoming = Incoming { header, id: &id, payload };
        match method.as_str() {
            "reply" => self.on_reply(conn, &id),
            "message" => self.on_message(conn, &incoming),
            _ => self.on_request(conn, &method, &incoming),
        }
    }

    /// What is no frame is told so, and the connection ends (spec 01 §2.9, 406).
    pub(super) fn on_malformed(&mut self, conn: ConnId) {
        self.stats.malformed += 1;
        if self.connections.get(&conn).is_none_or(|connection| connection.phase == Phase::Closing) {
            return;
        }
        let status = Refused::new(406, "NOT_ACCEPTABLE_MESSAGE", 51_214, "Message is not acceptable");
        self.send_close(conn, &status, None);
        self.agenda.after_ms(self.world.clock.now(), CLOSE_SOCKET_AFTER_MS, Due::CloseSocket(conn));
    }

    fn on_reply(&mut self, conn: ConnId, id: &str) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && connection.unacked.remove(id)
        {
            connection.traffic.acks += 1;
        }
    }

    /// Everything but replies and tunnelled requests.
    fn on_request(&mut self, conn: ConnId, method: &str, incoming: &Incoming<'_>) {
        let token = incoming.header.get("token").and_then(Value::as_str);
        let claimed = token.and_then(super::token::read).map(|claims| claims.identity);
        let known = self.connections.get(&conn).and_then(|connection| connection.identity.clone());
        let facts = [("method", Some(method)), ("identity", known.as_deref().or(claimed.as_deref()))];
        let fault = self.faults.hit(Stage::Twilsock, &facts).unwrap_or_default();
        if fault.drop {
            self.close_socket(conn, None);
            return;
        }
        if fault.status.is_some() {
            let refused = refusal(&fault, fault.status);
            self.reply_refused(conn, incoming.id, &refused, fault.body.as_ref(), fault.delay_ms.unwrap_or(0));
            return;
        }
        let late = fault.delay_ms.unwrap_or(0);
        let answer = !fault.no_reply;
        match method {
            // Without an answer nothing is done either: the client is to think that nobody heard it.
            "init" if answer => self.on_init(conn, incoming, late),
            "update" if answer => self.on_update(conn, incoming, late),
            "put_notification_ctx" if answer => self.on_put_context(conn, incoming, late),
            "delete_notification_ctx" if answer => {
                let context = incoming.header.get("notification_ctx_id").and_then(Value::as_str);
                if let (Some(context), Some(connection)) = (context, self.connections.get_mut(&conn)) {
                    connection.contexts.remove(context);
                }
                self.reply_ok(conn, incoming.id, late);
            }
            "close" => {
                if answer {
                    self.reply_ok(conn, incoming.id, late);
                }
                self.end_session(conn);
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.phase = Phase::Closing;
                }
            }
            "telemetry.v1" | "ping" if answer => self.reply_ok(conn, incoming.id, late),
            _ if answer => {
                let refused = Refused::new(400, "BAD_REQUEST", 51_200, "Unknown method");
                self.reply_refused(conn, incoming.id, &refused, None, late);
            }
            _ => {}
        }
    }

    fn check_token(&self, incoming: &Incoming<'_>) -> Result<(Claims, String), Refused> {
        let token = incoming.header.get("token").and_then(Value::as_str).unwrap_or_default();
        let claims = self.tokens.check(token, self.world.clock.unix_millis())?;
        Ok((claims, token.to_owned()))
    }

    fn on_init(&mut self, conn: ConnId, incoming: &Incoming<'_>, late: u64) {
        let (claims, token) = match self.check_token(incoming) {
            Ok(checked) => checked,
            Err(refused) => {
                self.reply_refused(conn, incoming.id, &refused, None, late);
                return;
            }
        };
        let identity = claims.identity.clone();
        let registrations = self.register(conn, incoming.header.get("registrations"));
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.phase = Phase::Connected;
        connection.identity = Some(identity.clone());
        self.set_token(conn, token, &claims);
        self.chat.user(&mut self.world, &mut self.store, &identity);
        let asked: Vec<&str> = strings(incoming.header.get("capabilities"));
        let capabilities: Vec<String> = self
            .world
            .config
            .capabilities
            .iter()
            .filter(|known| asked.contains(&known.as_str()))
            .cloned()
            .collect();
        let (continuation, status) = self.continuation(&identity, incoming.header.get("continuation_token"));
        let storage = format!("st-{}", self.world.ids.hex_of(&format!("storage:{identity}")));
        let mut tail = vec![
            ("status", json!({"code": 200, "status": "OK"})),
            ("capabilities", json!(capabilities)),
            ("continuation_token", continuation.into()),
            ("continuation_token_status", status),
        ];
        if capabilities.iter().any(|capability| capability == "offline_storage") {
            tail.push(("offline_storage", json!({"ip_messaging": {"storage_id": storage}})));
        }
        tail.push(("init_registrations", registrations));
        tail.push(("debug_info", json!({"conn": conn.0.to_string()})));
        let head = [("method", "reply".into()), ("id", incoming.id.into())];
        self.send_frame(conn, &head, tail, &Payload::None, late);
        // The others hear that this user is here after the user itself does.
        self.chat.set_reachability(&mut self.world, &mut self.store, &identity, Some(true), None);
    }

    /// Registrations that come with `init`: each becomes a context with an id of ours (spec 01 §5.2).
    fn register(&mut self, conn: ConnId, registrations: Option<&Value>) -> Value {
        let mut accepted = Vec::new();
        for registration in registrations.and_then(Value::as_array).into_iter().flatten() {
            let types: Vec<String> =
                strings(registration.get("message_types")).into_iter().map(str::to_owned).collect();
            let hex = self.world.ids.hex("context");
            let id = [hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)];
            let id = id.map(Option::unwrap_or_default).join("-");
            accepted.push(json!({
                "notification_ctx_id": id,
                "type": registration.get("type"),
                "product": registration.get("product"),
                "message_types": types,
            }));
            if let Some(connection) = self.connections.get_mut(&conn) {
                connection.contexts.insert(id, types);
            }
        }
        Value::Array(accepted)
    }

    /// A continuation token of ours for the same identity is kept; anything else is replaced (spec 01 §2.4).
    fn continuation(&mut self, identity: &str, offered: Option<&Value>) -> (String, Value) {
        let read = |text: &str| -> Option<Value> {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
        };
        let offered = offered.and_then(Value::as_str);
        let (reason, message) = match offered.map(|text| (text, read(text))) {
            None => ("MISSING", "Continuation token is not provided"),
            Some((_, None)) => ("INVALID", "Continuation token is not valid"),
            Some((text, Some(token))) => match token.pointer("/grants/identity").and_then(Value::as_str) {
                Some(known) if known == identity => return (text.to_owned(), json!({"reissued": false})),
                _ => ("DIFFERENT_IDENTITY", "Different identity"),
            },
        };
        let token = json!({
            "format": "rtd-ct-1",
            "endpointId": format!("twi1-{}", self.world.ids.hex("endpoint")),
            "grants": {"identity": identity},
        });
        let status = json!({"reissued": true, "reissue_reason": reason, "reissue_message": message});
        (BASE64_URL_SAFE_NO_PAD.encode(token.to_string()), status)
    }

    fn on_update(&mut self, conn: ConnId, incoming: &Incoming<'_>, late: u64) {
        let known = self.connections.get(&conn).and_then(Connection::active_identity).map(str::to_owned);
        let checked = self.check_token(incoming).and_then(|(claims, token)| {
            if known.as_ref() == Some(&claims.identity) {
                Ok((claims, token))
            } else {
                Err(Refused::new(401, "UNAUTHORIZED", 51_215, "Token is issued for a different identity"))
            }
        });
        match checked {
            Ok((claims, token)) => {
                self.set_token(conn, token, &claims);
                self.reply_ok(conn, incoming.id, late);
            }
            Err(refused) => self.reply_refused(conn, incoming.id, &refused, None, late),
        }
    }

    /// Keeps a token and sets the timers that warn of its end and close at it.
    fn set_token(&mut self, conn: ConnId, token: String, claims: &Claims) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.token = Some(token);
        connection.token_number += 1;
        let number = connection.token_number;
        let Some(exp) = claims.exp.filter(|_| self.world.config.token_timers) else { return };
        let ends = exp.saturating_mul(1000);
        let warn = ends.saturating_sub(i64::try_from(self.world.config.token_warn_ms).unwrap_or(i64::MAX));
        self.agenda.at(self.world.clock.time_of(warn), Due::TokenWarning(conn, number));
        self.agenda.at(self.world.clock.time_of(ends), Due::TokenEnd(conn, number));
    }

    fn on_put_context(&mut self, conn: ConnId, incoming: &Incoming<'_>, late: u64) {
        let context = incoming.header.get("notification_ctx_id").and_then(Value::as_str);
        let body: Value = serde_json::from_slice(incoming.payload).unwrap_or(Value::Null);
        let connected = self.connections.get_mut(&conn).filter(|c| c.phase == Phase::Connected);
        if let (Some(context), Some(types), Some(connection)) =
            (context, body.get("message_types"), connected)
        {
            let types = strings(Some(types)).into_iter().map(str::to_owned).collect();
            connection.contexts.insert(context.to_owned(), types);
            self.reply_ok(conn, incoming.id, late);
        } else {
            let refused = Refused::new(400, "BAD_REQUEST", 51_200, "Context is not valid");
            self.reply_refused(conn, incoming.id, &refused, None, late);
        }
    }

    fn on_message(&mut self, conn: ConnId, incoming: &Incoming<'_>) {
        self.stats.requests += 1;
        let identity = self.connections.get(&conn).and_then(Connection::active_identity).map(str::to_owned);
        let request = Request::read(incoming.id, &incoming.header, incoming.payload);
        let (Some(identity), Some(request)) = (identity, request) else {
            let refused = Refused::new(400, "BAD_REQUEST", 51_200, "Request is not acceptable");
            self.reply_refused(conn, incoming.id, &refused, None, 0);
            return;
        };
        self.on_http(conn, &identity, request);
    }
}

/// A refusal that a fault rule asks for.
pub(super) fn refusal(fault: &Effect, code: Option<u16>) -> Refused {
    let code = code.unwrap_or(500);
    let status = super::http::status_text(code).replace(' ', "_");
    Refused { code, status, description: fault.description.clone(), error_code: fault.error_code }
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
