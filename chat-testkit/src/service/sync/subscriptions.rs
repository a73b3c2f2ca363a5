//! Who hears of what: pokes, acknowledgements, replay (spec 02 §2.11).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::entity::{Kind, LogEvent};
use super::store::Store;
use crate::service::http::Response;
use crate::service::{ConnId, ServiceConfig};

/// Twilsock message type of acknowledgements and replays.
const SYNC_EVENT: &str = "twilio.sync.event";

/// All subscriptions. They end with their connection.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    /// Connection, then object: the protocol version that the poke asked for.
    by_conn: BTreeMap<ConnId, BTreeMap<String, u64>>,
    by_entity: BTreeMap<String, BTreeSet<ConnId>>,
}

impl Subscriptions {
    fn add(&mut self, conn: ConnId, sid: &str, version: u64) {
        self.by_conn.entry(conn).or_default().insert(sid.to_owned(), version);
        self.by_entity.entry(sid.to_owned()).or_default().insert(conn);
    }

    pub(crate) fn remove(&mut self, conn: ConnId, sid: &str) {
        if let Some(mine) = self.by_conn.get_mut(&conn) {
            mine.remove(sid);
        }
        if let Some(conns) = self.by_entity.get_mut(sid) {
            conns.remove(&conn);
            if conns.is_empty() {
                self.by_entity.remove(sid);
            }
        }
    }

    pub(crate) fn remove_conn(&mut self, conn: ConnId) {
        for sid in self.by_conn.remove(&conn).unwrap_or_default().into_keys() {
            if let Some(conns) = self.by_entity.get_mut(&sid) {
                conns.remove(&conn);
                if conns.is_empty() {
                    self.by_entity.remove(&sid);
                }
            }
        }
    }

    fn has(&self, conn: ConnId, sid: &str) -> bool {
        self.by_conn.get(&conn).is_some_and(|mine| mine.contains_key(sid))
    }

    pub(crate) fn count(&self, conn: ConnId) -> usize {
        self.by_conn.get(&conn).map_or(0, BTreeMap::len)
    }

    /// What a connection subscribed to, with the protocol versions.
    pub(crate) fn by(&self, conn: ConnId) -> Vec<(String, u64)> {
        let mine = self.by_conn.get(&conn).into_iter().flatten();
        mine.map(|(sid, version)| (sid.clone(), *version)).collect()
    }

    /// Connections that subscribed to an object, with their protocol versions.
    pub(crate) fn of(&self, sid: &str) -> Vec<(ConnId, u64)> {
        let conns = self.by_entity.get(sid).into_iter().flatten();
        conns.filter_map(|conn| Some((*conn, *self.by_conn.get(conn)?.get(sid)?))).collect()
    }
}

/// A Sync notification on its way to one connection.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) message_type: &'static str,
    pub(crate) event_type: &'static str,
    /// The object that it is about.
    pub(crate) sid: String,
    pub(crate) payload: String,
}

impl Notice {
    /// An event as it happens.
    pub(crate) fn live(kind: Kind, sid: &str, event: &LogEvent, version: u64) -> Self {
        let LogEvent { event_type, body, .. } = event;
        let payload = format!(
            r#"{{"event_type":"{event_type}","event_protocol_version":{version},"event":{body},"strictly_ordered":false}}"#
        );
        Self { message_type: kind.message_type(), event_type, sid: sid.to_owned(), payload }
    }

    /// An event told again because a poke asked for it.
    fn replayed(sid: &str, event: &LogEvent, version: u64, correlation: &Value) -> Self {
        let LogEvent { event_type, body, .. } = event;
        let payload = format!(
            r#"{{"event_type":"{event_type}","correlation_id":{correlation},"event_protocol_version":{version},"event":{body},"strictly_ordered":true}}"#
        );
        Self { message_type: SYNC_EVENT, event_type, sid: sid.to_owned(), payload }
    }

    /// The service ends a subscription of its own accord.
    pub(crate) fn canceled(kind: Kind, sid: &str, version: u64) -> Self {
        let entry = json!({ "object_sid": sid, "object_type": kind.word() });
        let mut payload = json!({ "event_type": "subscription_canceled", "event_protocol_version": version });
        // Version 3 knows single events only (spec 02 §3.2).
        match version {
            ..=3 => payload["event"] = entry,
            _ => payload["events"] = json!([entry]),
        }
        let sid = sid.to_owned();
        Self {
            message_type: SYNC_EVENT,
            event_type: "subscription_canceled",
            sid,
            payload: payload.to_string(),
        }
    }

    fn acknowledgement(
        event_type: &'static str,
        version: u64,
        correlation: &Value,
        acks: Vec<(String, Value)>,
    ) -> Vec<Self> {
        let sid = acks.first().map(|(sid, _)| sid.clone()).unwrap_or_default();
        let notice = |sid: String, name: &str, value: Value| {
            let payload = json!({
                "event_type": event_type,
                "correlation_id": correlation,
                "event_protocol_version": version,
                name: value,
            });
            Self { message_type: SYNC_EVENT, event_type, sid, payload: payload.to_string() }
        };
        match version {
            _ if acks.is_empty() => Vec::new(),
            // Version 3 knows single events only (spec 02 §3.2).
            ..=3 => acks.into_iter().map(|(sid, ack)| notice(sid, "event", ack)).collect(),
            _ => vec![notice(sid, "events", acks.into_iter().map(|(_, ack)| ack).collect())],
        }
    }
}

/// What a poke leads to.
#[derive(Debug)]
pub(crate) struct Poked {
    pub(crate) response: Response,
    /// What follows the response, in this order.
    pub(crate) notices: Vec<Notice>,
    /// Objects that this connection hears of from now on.
    pub(crate) established: Vec<String>,
}

/// `POST /v4/Subscriptions`.
pub(crate) fn poke(
    store: &Store,
    subscriptions: &mut Subscriptions,
    config: &ServiceConfig,
    conn: ConnId,
    identity: &str,
    body: &Value,
) -> Poked {
    let refused = |status, code, message: &str| Poked {
        response: Response::error(status, code, message),
        notices: Vec::new(),
        established: Vec::new(),
    };
    let (Some(action), Some(requests)) =
        (body.get("action").and_then(Value::as_str), body.get("requests").and_then(Value::as_array))
    else {
        return refused(400, 54_010, "No action or requests given");
    };
    let version = body.get("event_protocol_version").and_then(Value::as_u64).unwrap_or(3);
    let correlation = body.get("correlation_id").cloned().unwrap_or(Value::Null);
    let mut notices = Vec::new();
    let mut established = Vec::new();
    match action {
        "establish" => {
            let new =
                requests.iter().filter(|request| !subscriptions.has(conn, &member(request, "object_sid")));
            if subscriptions.count(conn) + new.count() > config.max_subscriptions {
                return refused(400, 54_419, "Too many subscriptions on this connection");
            }
            let (mut completed, mut failed) = (Vec::new(), Vec::new());
            for request in requests {
                let ack = establish(store, config, identity, request, version, &correlation, &mut notices);
                match ack {
                    Ok((sid, ack)) => {
                        subscriptions.add(conn, &sid, version);
                        established.push(sid.clone());
                        completed.push((sid, ack));
                    }
                    Err(ack) => failed.push(ack),
                }
                if version <= 3 {
                    // One by one, each right behind its replay.
                    let done = std::mem::take(&mut completed);
                    notices.extend(Notice::acknowledgement(
                        "subscription_established",
                        version,
                        &correlation,
                        done,
                    ));
                    let done = std::mem::take(&mut failed);
                    notices.extend(Notice::acknowledgement(
                        "subscription_failed",
                        version,
                        &correlation,
                        done,
                    ));
                }
            }
            notices.extend(Notice::acknowledgement(
                "subscription_established",
                version,
                &correlation,
                completed,
            ));
            notices.extend(Notice::acknowledgement("subscription_failed", version, &correlation, failed));
        }
        "cancel" => {
            let mut acks = Vec::new();
            for request in requests {
                let (sid, object_type) = (member(request, "object_sid"), member(request, "object_type"));
                subscriptions.remove(conn, &sid);
                acks.push((sid.clone(), json!({"object_sid": sid, "object_type": object_type})));
            }
            notices.extend(Notice::acknowledgement("subscription_canceled", version, &correlation, acks));
        }
        _ => return refused(400, 54_010, "Unknown action"),
    }
    let response = Response::json(
        202,
        json!({
            "estimated_delivery_in_ms": config.estimated_delivery_ms,
            "max_batch_size": config.max_batch_size,
            "ttl_in_s": config.subscription_ttl_s,
        }),
    );
    Poked { response, notices, established }
}

/// One entry of an `establish`: its replay goes to `notices`; gives its acknowledgement, good or bad.
fn establish(
    store: &Store,
    config: &ServiceConfig,
    identity: &str,
    request: &Value,
    version: u64,
    correlation: &Value,
    notices: &mut Vec<Notice>,
) -> Result<(String, Value), (String, Value)> {
    let (sid, object_type) = (member(request, "object_sid"), member(request, "object_type"));
    let refuse = |status: u16, code: u64, message: &str| {
        let error = json!({"status": status, "code": code, "message": message});
        (sid.clone(), json!({"object_sid": sid, "object_type": object_type, "error": error}))
    };
    let Some(entity) = store.get(&sid) else {
        let (code, message) =
            Kind::from_word(&object_type).map_or((54_250, "Message Stream not found"), Kind::not_found);
        return Err(refuse(404, code, message));
    };
    if !entity.access.allows(identity) {
        return Err(refuse(403, 54_007, "Access forbidden for identity"));
    }
    // Nothing seen is replay everything (spec 02 §10 D12).
    let seen = request.get("last_event_id").and_then(Value::as_i64).unwrap_or(i64::MIN);
    let first = entity.log.partition_point(|event| event.id <= seen);
    let missed = entity.log.get(first..).unwrap_or_default();
    let told = if config.replay_limit == 0 { missed.len() } else { missed.len().min(config.replay_limit) };
    let mut last_event_id = entity.last_event_id;
    for event in missed.iter().take(told) {
        notices.push(Notice::replayed(&sid, event, version, correlation));
        last_event_id = event.id;
    }
    let replay_status = if told < missed.len() {
        "interrupted"
    } else {
        last_event_id = entity.last_event_id;
        "completed"
    };
    let ack = json!({
        "object_sid": sid,
        "object_type": object_type,
        "replay_status": replay_status,
        "last_event_id": last_event_id,
    });
    Ok((sid, ack))
}

fn member(request: &Value, name: &str) -> String {
    request.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
