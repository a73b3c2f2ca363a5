//! What the service does wrong, as rules of its control interface.

use serde_json::{Value, json};

use super::rng::Rng;

/// One request, one session command or one connection of anybody goes wrong. A late execution stays below
/// [`Config::late_execution`](chat_proto::Config::late_execution): nobody can heal what comes after that.
pub(super) fn of_requests(rng: &mut Rng) -> Value {
    let late = rng.range(1, 20_000);
    let status = *rng.pick(&[500, 502, 503, 504]).unwrap_or(&503);
    let process = rng.per_mille(500);
    match rng.below(10) {
        0 => json!({"on": "http", "status": 429}),
        1 | 2 => json!({"on": "http", "match": {"method": "POST"}, "status": status, "process": process}),
        3 => json!({"on": "http", "status": status, "process": process}),
        4 => json!({"on": "http", "noReply": true, "process": process}),
        5 => json!({"on": "http", "drop": true}),
        6 => json!({"on": "http", "delayMs": late, "process": process}),
        7 => json!({"on": "command", "delayMs": late, "process": process}),
        8 => json!({"on": "command", "noReply": true, "process": process}),
        _ => json!({"on": "twilsock", "match": {"method": "init"}, "drop": true}),
    }
}

/// One live event of anybody is lost, doubled, late or out of order.
pub(super) fn of_events(rng: &mut Rng) -> Value {
    let op = *rng.pick(&["drop", "dup", "swap", "delay"]).unwrap_or(&"dup");
    json!({"on": "event", "op": op, "delayMs": rng.range(1, 5000)})
}
