//! What the service does wrong, as rules of its control interface.

use serde_json::{Value, json};

use super::rng::Rng;
use super::tally::Fault;

/// One request, one session command or one connection of anybody goes wrong. A late execution stays below
/// [`Config::late_execution`](chat_proto::Config::late_execution): nobody can heal what comes after that.
///
/// A request may be late, and then its session command: together they must stay below the bound, with the way there.
/// (The first worlds did not see to that; the seeds of what they found mean them with `both_late`.)
pub(super) fn of_requests(rng: &mut Rng, both_late: bool) -> (Fault, Value) {
    let late = rng.range(1, 20_000);
    let (late, late_command) = if both_late { (late, late) } else { (late / 2, late * 3 / 4) };
    let status = *rng.pick(&[500, 502, 503, 504]).unwrap_or(&503);
    let process = rng.per_mille(500);
    let error = if process { Fault::ErrorAfter } else { Fault::ErrorBefore };
    match rng.below(10) {
        0 => (Fault::Throttled, json!({"on": "http", "status": 429})),
        1 | 2 => {
            let rule =
                json!({"on": "http", "match": {"method": "POST"}, "status": status, "process": process});
            (error, rule)
        }
        3 => (error, json!({"on": "http", "status": status, "process": process})),
        4 => (Fault::NoReply, json!({"on": "http", "noReply": true, "process": process})),
        5 => (Fault::RequestCut, json!({"on": "http", "drop": true})),
        6 => (Fault::LateAnswer, json!({"on": "http", "delayMs": late, "process": process})),
        7 => (Fault::LateExecution, json!({"on": "command", "delayMs": late_command, "process": process})),
        8 => (Fault::NoReply, json!({"on": "command", "noReply": true, "process": process})),
        _ => (Fault::InitFailed, json!({"on": "twilsock", "match": {"method": "init"}, "drop": true})),
    }
}

/// More of that: waves of throttling, transports that refuse, connections that are not answered, requests that were
/// executed although their connection was cut, acknowledgements that are lost or late.
pub(super) fn of_service(rng: &mut Rng) -> (Fault, Value) {
    let late = rng.range(1, 15_000);
    let process = rng.per_mille(500);
    let acks = json!({"eventType": "subscription_established"});
    match rng.below(9) {
        0 => (Fault::Throttled, json!({"on": "http", "status": 429, "count": rng.range(2, 6)})),
        1 => (Fault::Throttled, json!({"on": "http", "twilsockStatus": 429})),
        2 => (
            Fault::RequestCut,
            json!({"on": "http", "match": {"method": "POST"}, "drop": true, "process": true}),
        ),
        3 => (Fault::InitFailed, json!({"on": "twilsock", "match": {"method": "init"}, "noReply": true})),
        4 => {
            let status = *rng.pick(&[429, 500, 503]).unwrap_or(&503);
            let rule = json!({"on": "twilsock", "match": {"method": "init"}, "status": status});
            (Fault::InitFailed, rule)
        }
        5 => (Fault::AckLost, json!({"on": "event", "match": acks, "op": "drop"})),
        6 => (
            Fault::AckLate,
            json!({"on": "event", "match": acks, "op": "delay", "delayMs": rng.range(1, 30_000)}),
        ),
        7 => (
            Fault::LateExecution,
            json!({"on": "command", "delayMs": late, "noReply": rng.per_mille(300), "process": true}),
        ),
        _ => (
            Fault::EventLost,
            json!({"on": "event", "op": "drop", "count": rng.range(2, 6), "skip": u64::from(process)}),
        ),
    }
}

/// One live event of anybody is lost, doubled, late or out of order.
pub(super) fn of_events(rng: &mut Rng) -> (Fault, Value) {
    let ops = [
        ("drop", Fault::EventLost),
        ("dup", Fault::EventDoubled),
        ("swap", Fault::EventSwapped),
        ("delay", Fault::EventLate),
    ];
    let (op, fault) = *rng.pick(&ops).unwrap_or(&ops[1]);
    (fault, json!({"on": "event", "op": op, "delayMs": rng.range(1, 5000)}))
}
