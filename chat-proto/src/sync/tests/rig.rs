//! Drives the stage as [`Client`](crate::Client) does, with a clock of its own and without a transport.

use std::collections::VecDeque;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::{Value, json};

use crate::config::Config;
use crate::cx::Cx;
use crate::event::Event as AppEvent;
use crate::seed::Seed;
use crate::sync::{EntityId, Kind, Order, Output, QueryId, Select, Sync, Tag, WriteId};
use crate::time::Time;
use crate::timers::TimerKey;
use crate::twilsock::{HttpReply, Owner, Request, RequestError, RequestId, Submit};

pub(super) const LIST: &str = "ES1";
pub(super) const MAP: &str = "MP1";
pub(super) const DOCUMENT: &str = "ET1";

pub(super) struct Rig {
    pub(super) cx: Cx,
    pub(super) sync: Sync,
    /// Requests that nobody answered yet.
    pub(super) sent: VecDeque<(RequestId, Tag, Request)>,
    pub(super) forgotten: Vec<RequestId>,
    pub(super) outputs: VecDeque<Output<'static>>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(mut config: Config) -> Self {
        config.endpoints.sync = Some("https://sync".into());
        let (ids, jitter) = Seed::from_number(1).split();
        Self {
            cx: Cx::new(config, ids, jitter, Time::from_millis(1_000)),
            sync: Sync::new(),
            sent: VecDeque::new(),
            forgotten: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn online() -> Self {
        let mut rig = Self::new();
        rig.go_online();
        rig
    }

    pub(super) fn go_online(&mut self) {
        self.sync.online(&mut self.cx);
        self.settle();
    }

    pub(super) fn go_offline(&mut self) {
        self.sync.offline(&mut self.cx);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            if let Some(output) = self.sync.poll() {
                self.outputs.push_back(output);
            } else if let Some(order) = self.cx.orders.pop_front() {
                self.sync.order(&mut self.cx, order);
            } else if let Some(submit) = self.cx.submits.pop_front() {
                match submit {
                    Submit::Request { id, owner: Owner::Sync(tag), request } => {
                        self.sent.push_back((id, tag, request));
                    }
                    Submit::Forget(id) => {
                        self.sent.retain(|(sent, ..)| *sent != id);
                        self.forgotten.push(id);
                    }
                    other @ Submit::Request { .. } => panic!("{other:?}"),
                }
            } else {
                return;
            }
        }
    }

    // ---- time

    fn fire(&mut self) {
        let mark = self.cx.timers.mark();
        while let Some(key) = self.cx.timers.take_due(self.cx.now, mark) {
            let TimerKey::Sync(timer) = key else { panic!("{key:?}") };
            self.sync.timer(&mut self.cx, timer);
            self.settle();
        }
    }

    /// Lets time pass, stopping at every deadline.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = Time::from_millis(self.cx.now.as_millis() + ms);
        while let Some(deadline) = self.cx.timers.deadline().filter(|deadline| deadline.at <= end) {
            self.cx.now = self.cx.now.max(deadline.at);
            self.fire();
        }
        self.cx.now = end;
    }

    /// How long until the next timer.
    pub(super) fn wait(&self) -> Option<u64> {
        self.cx.timers.deadline().map(|deadline| deadline.at.as_millis() - self.cx.now.as_millis())
    }

    // ---- orders

    pub(super) fn order(&mut self, order: Order) {
        self.cx.orders.push_back(order);
        self.settle();
    }

    pub(super) fn order_open(&mut self, kind: Kind, name: &str) -> EntityId {
        let entity = self.cx.entity_id();
        self.order(Order::Open { entity, kind, name: name.into(), include_items: false });
        entity
    }

    /// Opens an object and answers: it has this cursor.
    pub(super) fn open(&mut self, kind: Kind, sid: &str, last_event_id: i64) -> EntityId {
        let entity = self.order_open(kind, sid);
        self.answer(200, &root(sid, last_event_id));
        assert!(matches!(self.output(), Output::Opened { entity: opened, .. } if opened == entity));
        entity
    }

    /// Opens an object and completes its subscription.
    pub(super) fn open_live(&mut self, kind: Kind, sid: &str, last_event_id: i64) -> EntityId {
        let entity = self.open(kind, sid, last_event_id);
        self.pass(120);
        self.establish(sid, last_event_id);
        assert!(matches!(self.output(), Output::Subscribed { entity: live } if live == entity));
        entity
    }

    pub(super) fn close(&mut self, entity: EntityId) {
        self.order(Order::Close { entity });
    }

    pub(super) fn query(&mut self, entity: EntityId, select: Select) -> QueryId {
        let query = self.cx.query_id();
        self.order(Order::Query { query, entity, select });
        query
    }

    pub(super) fn push(&mut self, entity: EntityId, data: &str) -> WriteId {
        let write = self.cx.write_id();
        self.order(Order::Push { write, entity, data: data.into() });
        write
    }

    // ---- the service

    /// The oldest request without an answer.
    pub(super) fn take(&mut self) -> (Tag, Request) {
        let (_, tag, request) = self.sent.pop_front().expect("a request");
        (tag, request)
    }

    /// Answers the oldest request.
    pub(super) fn answer(&mut self, status: u16, body: &Value) -> Request {
        self.answer_text(status, &body.to_string())
    }

    pub(super) fn answer_text(&mut self, status: u16, body: &str) -> Request {
        let (tag, request) = self.take();
        self.reply(tag, Ok(HttpReply { status, body: body.as_bytes() }));
        request
    }

    pub(super) fn fail(&mut self, error: RequestError) -> Request {
        let (tag, request) = self.take();
        self.reply(tag, Err(error));
        request
    }

    pub(super) fn reply(&mut self, tag: Tag, result: Result<HttpReply<'_>, RequestError>) {
        let output = self.sync.reply(&mut self.cx, tag, result).map(Output::into_owned);
        self.outputs.extend(output);
        self.settle();
    }

    /// Takes the poke that was sent, leaving it unanswered.
    pub(super) fn poke(&mut self) -> Poke {
        let (tag, request) = self.take();
        assert!(matches!(tag, Tag::Poke(_)), "{tag:?}");
        assert_eq!(request.url.path, "/v4/Subscriptions");
        let body: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
        Poke { tag, correlation_id: body["correlation_id"].as_u64().unwrap(), body }
    }

    pub(super) fn accept(&mut self, poke: &Poke) {
        let body =
            json!({"estimated_delivery_in_ms": 10000, "max_batch_size": 1000, "ttl_in_s": 86400}).to_string();
        self.reply(poke.tag, Ok(HttpReply { status: 202, body: body.as_bytes() }));
    }

    /// Accepts the poke that was sent, and acknowledges one object of it.
    pub(super) fn establish(&mut self, sid: &str, last_event_id: i64) -> Poke {
        let poke = self.poke();
        self.accept(&poke);
        self.completed(sid, poke.correlation_id, last_event_id);
        poke
    }

    pub(super) fn completed(&mut self, sid: &str, correlation_id: u64, last_event_id: i64) {
        self.ack(
            "established",
            correlation_id,
            &json!({"object_sid": sid, "replay_status": "completed", "last_event_id": last_event_id}),
        );
    }

    pub(super) fn interrupted(&mut self, sid: &str, correlation_id: u64) {
        self.ack("established", correlation_id, &json!({"object_sid": sid, "replay_status": "interrupted"}));
    }

    pub(super) fn ack(&mut self, what: &str, correlation_id: u64, event: &Value) {
        self.notify(
            "twilio.sync.event",
            &json!({"event_type": format!("subscription_{what}"), "correlation_id": correlation_id, "event_protocol_version": 3, "event": event}),
        );
    }

    pub(super) fn notify(&mut self, message_type: &str, payload: &Value) {
        self.notify_text(message_type, &payload.to_string());
    }

    pub(super) fn notify_text(&mut self, message_type: &str, payload: &str) {
        for event in self.sync.notification(&mut self.cx, message_type, payload.as_bytes()) {
            let output = self.sync.apply(&mut self.cx, event).map(Output::into_owned);
            self.outputs.extend(output);
            self.settle();
        }
    }

    /// A live event.
    pub(super) fn live(&mut self, event_type: &str, event: &Value) {
        let message_type = format!("com.twilio.rtd.cds.{}", event_type.split('_').next().unwrap());
        self.notify(
            &message_type,
            &json!({"event_type": event_type, "event_protocol_version": 3, "event": event}),
        );
    }

    /// A replayed event.
    pub(super) fn replay(&mut self, correlation_id: u64, event_type: &str, event: &Value) {
        self.notify(
            "twilio.sync.event",
            &json!({"event_type": event_type, "correlation_id": correlation_id, "event_protocol_version": 3, "event": event}),
        );
    }

    // ---- what was told

    pub(super) fn output(&mut self) -> Output<'static> {
        self.outputs.pop_front().expect("an output")
    }

    /// All that was told, one line each.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.outputs.drain(..).map(|output| line(&output)).collect()
    }

    pub(super) fn events(&mut self) -> Vec<AppEvent> {
        core::iter::from_fn(|| self.cx.events.pop()).collect()
    }

    /// Fills the app's queue.
    pub(super) fn flood(&mut self) {
        while !self.cx.events.is_full() {
            self.cx.events.push(AppEvent::TokenExpired);
        }
    }
}

#[derive(Debug)]
pub(super) struct Poke {
    pub(super) tag: Tag,
    pub(super) correlation_id: u64,
    pub(super) body: Value,
}

impl Poke {
    /// `["ES1:3", …]`
    pub(super) fn objects(&self) -> Vec<String> {
        let requests = self.body["requests"].as_array().unwrap();
        requests
            .iter()
            .map(|r| format!("{}:{}", r["object_sid"].as_str().unwrap(), r["last_event_id"]))
            .collect()
    }

    pub(super) fn action(&self) -> &str {
        self.body["action"].as_str().unwrap()
    }
}

pub(super) fn root(sid: &str, last_event_id: i64) -> Value {
    let url = format!("https://sync/v3/Services/IS1/Things/{sid}");
    json!({
        "sid": sid, "unique_name": null, "revision": "0", "last_event_id": last_event_id, "url": url,
        "links": {"items": format!("{url}/Items"), "context": format!("{url}/Context")},
        "data": {"value": last_event_id},
    })
}

/// An event of a list: its id, an index, and the id as data.
pub(super) fn list_item(id: i64, index: u64) -> Value {
    json!({"id": id, "list_sid": LIST, "list_revision": "1", "item_index": index, "item_data": {"v": id}, "item_url": "https://sync/x"})
}

/// An event of a map.
pub(super) fn map_item(id: i64, key: &str) -> Value {
    json!({"id": id, "map_sid": MAP, "item_key": key, "item_data": {"v": id}})
}

pub(super) fn document(id: i64) -> Value {
    json!({"id": id, "document_sid": DOCUMENT, "document_data": {"value": id}})
}

fn line(output: &Output<'_>) -> String {
    use crate::sync::{Key, Output as O};
    let number = |id: &EntityId| id.0;
    match output {
        O::Skipped { .. } => "Skipped".into(),
        O::Document { entity, data } => format!("{} document {}", number(entity), data.get()),
        O::Context { entity, data } => format!("{} context {}", number(entity), data.get()),
        O::Item { change, item, .. } => {
            let key = match &item.key {
                Key::Index(index) => index.to_string(),
                Key::Name(name) => name.to_string(),
            };
            format!("{change:?} {key} {} {:?}", item.data.get(), item.freshness)
        }
        O::Page { items, next, previous, .. } => {
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("{:?}={}:{:?}", item.key, item.data.get(), item.freshness))
                .collect();
            format!("Page {} next {next:?} previous {previous:?}", items.join(" "))
        }
        O::Subscribed { .. } => "Subscribed".into(),
        O::Removed { .. } => "Removed".into(),
        O::SubscriptionRefused { name, error, .. } => format!("Refused {name}: {error}"),
        O::OpenFailed { error, .. } => format!("OpenFailed {error}"),
        O::QueryFailed { error, .. } => format!("QueryFailed {error}"),
        O::Pushed { index, .. } => format!("Pushed {index}"),
        O::PushFailed { fate, error, .. } => format!("PushFailed {fate:?} {error}"),
        O::Opened { .. } => "Opened".into(),
    }
}
