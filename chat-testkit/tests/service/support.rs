//! A client that is nothing but frames.

use std::collections::BTreeMap;

use chat_proto::Time;
use chat_proto::frame::{self, FrameLimits};
use chat_testkit::service::{ConnId, Service, ServiceConfig, ServiceInput, ServiceOutput};
use serde_json::{Value, json};

/// The beginning of these worlds, in milliseconds since 1970.
pub(crate) const UNIX: i64 = 1_700_000_000_000;

/// Message types that the SDK registers, in its order.
pub(crate) const TYPES: [&str; 5] = [
    "twilio.sync.event",
    "com.twilio.rtd.cds.document",
    "com.twilio.rtd.cds.list",
    "com.twilio.rtd.cds.map",
    "twilio.ipmsg.typing_indicator",
];

#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) header: Value,
    pub(crate) payload: Value,
}

/// The service, the time, and what everybody received.
pub(crate) struct Stage {
    pub(crate) service: Service,
    pub(crate) now: u64,
    inbox: BTreeMap<u64, Vec<Frame>>,
    pub(crate) closed: Vec<(u64, Option<u16>)>,
    /// Every byte that went out, for runs that are to be equal.
    pub(crate) sent: Vec<Vec<u8>>,
    frames: u64,
    conns: u64,
}

impl Stage {
    pub(crate) fn new(config: &Value) -> Self {
        let mut config: ServiceConfig = serde_json::from_value(config.clone()).unwrap();
        config.unix_at_origin = UNIX;
        Self {
            service: Service::new(config, 0, Time::ZERO),
            now: 0,
            inbox: BTreeMap::new(),
            closed: Vec::new(),
            sent: Vec::new(),
            frames: 0,
            conns: 0,
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.service.poll_output() {
            match output {
                ServiceOutput::Send { conn, bytes } => {
                    let (header, payload) = frame::decode(&bytes, FrameLimits::default()).unwrap();
                    let header = serde_json::from_str(header).unwrap();
                    let payload = serde_json::from_slice(payload).unwrap_or(Value::Null);
                    self.inbox.entry(conn.0).or_default().push(Frame { header, payload });
                    self.sent.push(bytes);
                }
                // Media has a test of its own.
                ServiceOutput::SendText { .. }
                | ServiceOutput::HttpReply { .. }
                | ServiceOutput::HttpCut { .. } => {}
                ServiceOutput::Close { conn, code } => self.closed.push((conn.0, code)),
            }
        }
    }

    pub(crate) fn handle(&mut self, input: ServiceInput<'_>) {
        self.service.handle(Time::from_millis(self.now), input);
        self.collect();
    }

    /// Lets time pass, firing what is due on the way, each at its deadline.
    pub(crate) fn wait(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(due) = self.service.deadline().map(Time::as_millis).filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.handle(ServiceInput::Tick);
        }
        self.now = end;
        self.handle(ServiceInput::Tick);
    }

    pub(crate) fn admin(&mut self, command: &str, arguments: Value) -> Value {
        let answer = self.service.admin(Time::from_millis(self.now), command, &arguments).unwrap();
        self.collect();
        answer
    }

    /// Everything that a connection received since the last time.
    pub(crate) fn received(&mut self, conn: u64) -> Vec<Frame> {
        self.inbox.remove(&conn).unwrap_or_default()
    }

    /// The Sync events that a connection received since the last time: type and payload.
    pub(crate) fn events(&mut self, conn: u64) -> Vec<(String, Value)> {
        let frames = self.received(conn).into_iter();
        let notices = frames.filter(|frame| frame.header["method"] == "notification");
        notices
            .map(|frame| (frame.payload["event_type"].as_str().unwrap_or_default().to_owned(), frame.payload))
            .collect()
    }

    pub(crate) fn event_types(&mut self, conn: u64) -> Vec<String> {
        self.events(conn).into_iter().map(|(event_type, _)| event_type).collect()
    }

    pub(crate) fn open(&mut self) -> u64 {
        self.conns += 1;
        self.handle(ServiceInput::Opened(ConnId(self.conns)));
        self.conns
    }

    /// Sends a frame; gives its id.
    pub(crate) fn send(&mut self, conn: u64, header: Value, payload: &str) -> String {
        self.frames += 1;
        let id = format!("TM{:08}-0000-4000-8000-000000000000", self.frames);
        let mut full = json!({"id": id});
        full.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        full["payload_size"] = payload.len().into();
        let bytes = frame::encode(&full.to_string(), payload.as_bytes());
        self.handle(ServiceInput::Frame(ConnId(conn), &bytes));
        id
    }

    /// The reply to a frame, taken out of what the connection received.
    pub(crate) fn reply(&mut self, conn: u64, id: &str) -> Option<Frame> {
        let inbox = self.inbox.get_mut(&conn)?;
        let at = inbox.iter().position(|f| f.header["method"] == "reply" && f.header["id"] == id)?;
        Some(inbox.remove(at))
    }

    /// Sends `init` as the SDK does, and gives the reply.
    pub(crate) fn init(&mut self, conn: u64, token: &str) -> Frame {
        let header = json!({
            "method": "init",
            "token": token,
            "continuation_token": null,
            "metadata": {"ver": "0.5.14", "type": "chat", "sdk": "JS", "sdkv": "3.4.0"},
            "registrations": null,
            "tweaks": null,
            "capabilities": ["client_update", "offline_storage", "telemetry.v1"],
        });
        let id = self.send(conn, header, "");
        self.reply(conn, &id).unwrap()
    }

    pub(crate) fn token(&mut self, identity: &str) -> String {
        self.admin("token", json!({"identity": identity}))["token"].as_str().unwrap().to_owned()
    }

    /// A connection that is ready: token accepted, all message types registered.
    pub(crate) fn connect(&mut self, identity: &str) -> u64 {
        let token = self.token(identity);
        let conn = self.open();
        assert_eq!(self.init(conn, &token).header["status"]["code"], 200);
        let body = json!({
            "product_id": "ip_messaging",
            "notification_protocol_version": 4,
            "endpoint_platform": "web",
            "message_types": TYPES,
        });
        let header =
            json!({"method": "put_notification_ctx", "notification_ctx_id": format!("context-{conn}")});
        let id = self.send(conn, header, &body.to_string());
        assert_eq!(self.reply(conn, &id).unwrap().header["status"]["code"], 200);
        self.received(conn);
        conn
    }

    /// Sends a tunnelled request; gives the id of its frame.
    pub(crate) fn ask(&mut self, conn: u64, method: &str, url: &str, extra: &Value, body: &str) -> String {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let params: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let mut headers = json!({"Content-Type": "application/json"});
        headers.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap_or_default());
        let http = json!({"host": "cds.us1.twilio.com", "path": path, "method": method, "params": params, "headers": headers});
        let header = json!({"method": "message", "active_grant": "ip_messaging", "payload_type": "application/json", "http_request": http});
        self.send(conn, header, body)
    }

    /// A request and its answer: HTTP status and body.
    pub(crate) fn http(&mut self, conn: u64, method: &str, url: &str, body: Value) -> (u64, Value) {
        self.http_with(conn, method, url, &json!({}), body)
    }

    pub(crate) fn http_with(
        &mut self,
        conn: u64,
        method: &str,
        url: &str,
        headers: &Value,
        body: Value,
    ) -> (u64, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let id = self.ask(conn, method, url, headers, &body);
        let reply = self.reply(conn, &id).unwrap_or_else(|| panic!("no reply to {method} {url}"));
        assert_eq!(reply.header["status"]["code"], 200, "{:?}", reply.header);
        (reply.header["http_status"]["code"].as_u64().unwrap(), reply.payload)
    }

    /// Subscribes as the SDK does; gives the acknowledgements and replays that came.
    pub(crate) fn poke(&mut self, conn: u64, version: u64, requests: Value) -> Vec<(String, Value)> {
        self.received(conn);
        let body = json!({
            "event_protocol_version": version,
            "action": "establish",
            "correlation_id": 1_700_000_000_123_u64,
            "retried_requests": 0,
            "ttl_in_s": -1,
            "requests": requests,
        });
        let (status, answer) = self.http(conn, "POST", "/v4/Subscriptions", body);
        assert_eq!(status, 202, "{answer}");
        self.events(conn)
    }

    /// Opens a session and waits for its context; gives the path of its items.
    pub(crate) fn session(&mut self, conn: u64) -> String {
        let body = json!({"purpose": "com.twilio.rtd.ipmsg", "context": {"type": "IpMsgSession", "apiVersion": "3", "endpointPlatform": "js|3.4.0|||"}});
        let (status, list) = self.http(conn, "POST", "/v3/Lists", body);
        assert_eq!((status, &list["last_event_id"]), (201, &json!(-1)));
        let sid = list["sid"].as_str().unwrap();
        let events =
            self.poke(conn, 3, json!([{"object_sid": sid, "object_type": "list", "last_event_id": -1}]));
        let types: Vec<&str> = events.iter().map(|(event_type, _)| event_type.as_str()).collect();
        assert_eq!(types, ["subscription_established", "list_context_updated"]);
        path(&list["links"]["items"])
    }

    /// Pushes a session command; gives its response.
    pub(crate) fn command(&mut self, conn: u64, items: &str, action: &str, params: Value) -> Value {
        let mut request = params;
        request["action"] = action.into();
        let body = json!({"data": {"request": request, "commandId": "ac812bfc-bacf-4209-8f2d-7bf5710a7cb9"}});
        let (status, pushed) = self.http(conn, "POST", items, body);
        assert_eq!(status, 201);
        let events = self.inbox.get(&conn).cloned().unwrap_or_default();
        let response = events.iter().rev().find(|frame| {
            let event = &frame.payload["event"];
            event["item_index"] == pushed["index"] && event["item_data"].get("response").is_some()
        });
        response.map_or(Value::Null, |frame| frame.payload["event"]["item_data"]["response"].clone())
    }
}

/// The path of an absolute URL.
pub(crate) fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    let rest = url.strip_prefix("https://").unwrap();
    rest.get(rest.find('/').unwrap()..).unwrap().to_owned()
}
