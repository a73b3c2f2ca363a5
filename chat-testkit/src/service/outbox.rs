//! How frames leave: encoded, counted, and late when they are to be late.

use chat_proto::{Time, frame};
use serde_json::{Map, Value, json};

use super::connections::Phase;
use super::http::{Request, Response, status_text};
use super::token::Refused;
use super::{ConnId, Due, Service, ServiceOutput};

/// What a frame carries beside its header.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    None,
    Json(String),
    Text(String),
}

impl Payload {
    pub(crate) fn of(body: Option<&Value>) -> Self {
        body.map_or(Self::None, |body| Self::Json(body.to_string()))
    }
}

impl Service {
    /// Sends a frame: `head`, the payload's size and type, then `tail`, as the service orders them.
    pub(super) fn send_frame(
        &mut self,
        conn: ConnId,
        head: &[(&str, Value)],
        tail: Vec<(&str, Value)>,
        payload: &Payload,
        late_ms: u64,
    ) {
        let (bytes, kind): (&[u8], Option<&str>) = match payload {
            Payload::None => (&[], None),
            Payload::Json(text) => (text.as_bytes(), Some("application/json")),
            Payload::Text(text) => (text.as_bytes(), Some("text/plain")),
        };
        let mut header: Map<String, Value> =
            head.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        header.insert("payload_size".into(), bytes.len().into());
        for (name, value) in tail {
            // A refused reply has its status before the type of its payload, like every other reply.
            header.insert(name.to_owned(), value);
            if let (Some(kind), "status") = (kind, name) {
                header.insert("payload_type".into(), kind.into());
            }
        }
        if let Some(kind) = kind
            && !header.contains_key("payload_type")
        {
            header.insert("payload_type".into(), kind.into());
        }
        let frame = self.encode(&Value::Object(header), bytes);
        self.send_bytes(conn, frame, late_ms);
    }

    pub(super) fn encode(&self, header: &Value, payload: &[u8]) -> Vec<u8> {
        let mut frame = frame::encode(&header.to_string(), payload);
        if self.world.config.trailing_crlf && !payload.is_empty() {
            frame.extend_from_slice(b"\r\n");
        }
        frame
    }

    /// Sends bytes now, or later: never before what was sent earlier.
    pub(super) fn send_bytes(&mut self, conn: ConnId, bytes: Vec<u8>, late_ms: u64) {
        self.send_output(conn, ServiceOutput::Send { conn, bytes }, late_ms);
    }

    pub(super) fn send_output(&mut self, conn: ConnId, output: ServiceOutput, late_ms: u64) {
        let now = self.world.clock.now();
        let latency = self.world.config.latency_ms;
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.traffic.sent += 1;
        if late_ms > 0 {
            // An answer that is late by itself may be overtaken: that is what it is late for.
            self.agenda.after_ms(now, late_ms + latency, Due::Output(output));
            return;
        }
        let at = connection.last_sent_at.max(now + std::time::Duration::from_millis(latency));
        if at <= now {
            self.outputs.push_back(output);
        } else {
            connection.last_sent_at = at;
            self.agenda.at(at, Due::Output(output));
        }
    }

    /// Answers a frame with success.
    pub(super) fn reply_ok(&mut self, conn: ConnId, id: &str, late_ms: u64) {
        let status = json!({"code": 200, "status": "OK"});
        let head = [("method", "reply".into()), ("id", id.into())];
        self.send_frame(conn, &head, vec![("status", status)], &Payload::None, late_ms);
    }

    /// Answers a frame with a refusal of the transport.
    pub(super) fn reply_refused(
        &mut self,
        conn: ConnId,
        id: &str,
        refused: &Refused,
        body: Option<&Value>,
        late_ms: u64,
    ) {
        let head = [("method", "reply".into()), ("id", id.into())];
        self.send_frame(conn, &head, vec![("status", refused.to_json())], &Payload::of(body), late_ms);
    }

    /// Answers a tunnelled request.
    pub(super) fn reply_http(&mut self, conn: ConnId, request: &Request, response: &Response, late_ms: u64) {
        let head = [("method", "reply".into()), ("id", request.id.as_str().into())];
        let tail = vec![
            ("status", json!({"code": 200, "status": "OK"})),
            ("http_headers", response.http_headers(request)),
            ("http_status", json!({"code": response.status, "status": status_text(response.status)})),
        ];
        let late = late_ms + self.world.config.http_delay_ms;
        self.send_frame(conn, &head, tail, &Payload::of(response.body.as_ref()), late);
    }

    /// Sends a frame that awaits an acknowledgement; gives its id.
    pub(super) fn send_request(
        &mut self,
        conn: ConnId,
        method: &str,
        tail: Vec<(&str, Value)>,
        payload: &Payload,
    ) -> String {
        let id = self.world.ids.sid("TM");
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.unacked.insert(id.clone());
        }
        let head = [("method", method.into()), ("id", id.as_str().into())];
        self.send_frame(conn, &head, tail, payload, 0);
        id
    }

    /// Sends a notification, if the connection registered its type.
    pub(super) fn notify(&mut self, conn: ConnId, message_type: &str, payload: &Payload) {
        let context =
            self.connections.get(&conn).and_then(|c| c.context_for(message_type)).map(str::to_owned);
        let Some(context) = context else {
            self.stats.dropped_no_context += 1;
            return;
        };
        let kind = match payload {
            Payload::Text(_) => "text/plain",
            _ => "application/json",
        };
        let tail = vec![
            ("payload_type", kind.into()),
            ("message_type", message_type.into()),
            ("notification_ctx_id", context.into()),
        ];
        self.send_request(conn, "notification", tail, payload);
    }

    pub(super) fn ping(&mut self, conn: ConnId) {
        self.send_request(conn, "ping", Vec::new(), &Payload::None);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.traffic.pings += 1;
        }
    }

    /// Tells a client to go, with a Twilsock `close` frame (spec 01 §2.9).
    pub(super) fn send_close(&mut self, conn: ConnId, status: &Refused, backoff_ms: Option<u64>) {
        let body = backoff_ms
            .map(|ms| json!({"backoff_policy": {"reconnect_min_ms": ms, "reconnect_max_ms": ms * 2}}));
        self.send_request(conn, "close", vec![("status", status.to_json())], &Payload::of(body.as_ref()));
        self.end_session(conn);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.phase = Phase::Closing;
        }
    }

    /// Ends a WebSocket from our side.
    pub(super) fn close_socket(&mut self, conn: ConnId, code: Option<u16>) {
        if !self.connections.contains_key(&conn) {
            return;
        }
        // What waits for its time is lost with a cut; a proper close comes behind it.
        let at = self.connections.get(&conn).map_or(Time::ZERO, |connection| connection.last_sent_at);
        let output = ServiceOutput::Close { conn, code };
        if code.is_some() && at > self.world.clock.now() {
            self.ending.insert(conn);
            self.agenda.at(at, Due::Output(output));
        } else {
            self.outputs.push_back(output);
        }
        self.forget_connection(conn);
    }
}
