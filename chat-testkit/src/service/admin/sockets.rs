//! Commands that act on connections.
#![expect(clippy::unnecessary_wraps, reason = "all commands have one signature")]

use serde_json::{Map, Value, json};

use super::{Arguments, Outcome, flag, missing, number, text};
use crate::service::outbox::Payload;
use crate::service::sync::subscriptions::Notice;
use crate::service::token::Refused;
use crate::service::twilsock::CLOSE_SOCKET_AFTER_MS;
use crate::service::{Due, Service, ServiceOutput};

pub(super) fn drop(service: &mut Service, arguments: &Arguments) -> Outcome {
    let graceful = flag(arguments, "graceful", false) || arguments.contains_key("code");
    let code = number(arguments, "code").and_then(|code| u16::try_from(code).ok()).unwrap_or(1000);
    let conns = service.select(arguments);
    for conn in &conns {
        service.close_socket(*conn, graceful.then_some(code));
    }
    Ok(json!({"dropped": conns.len()}))
}

pub(super) fn close(service: &mut Service, arguments: &Arguments) -> Outcome {
    let code =
        number(arguments, "code").and_then(|code| u16::try_from(code).ok()).ok_or_else(|| missing("code"))?;
    let word = match code {
        308 => "OFFLOAD",
        401 => "UNAUTHORIZED",
        406 => "NOT_ACCEPTABLE_MESSAGE",
        410 => "TOKEN_EXPIRED",
        417 => "EXPECTATION_FAILED",
        _ => "CLOSED",
    };
    let status = Refused {
        code,
        status: word.to_owned(),
        description: arguments.get("description").and_then(Value::as_str).map(str::to_owned),
        error_code: number(arguments, "errorCode"),
    };
    let conns = service.select(arguments);
    for conn in &conns {
        service.send_close(*conn, &status, number(arguments, "backoffMs"));
        if flag(arguments, "closeSocket", true) {
            let ms = number(arguments, "closeSocketAfterMs").unwrap_or(CLOSE_SOCKET_AFTER_MS);
            service.agenda.after_ms(service.world.clock.now(), ms, Due::CloseSocket(*conn));
        }
    }
    Ok(json!({"closed": conns.len()}))
}

pub(super) fn ping(service: &mut Service, arguments: &Arguments) -> Outcome {
    let conns = service.select(arguments);
    for conn in &conns {
        service.ping(*conn);
    }
    Ok(json!({"pinged": conns.len()}))
}

/// Ends the `nth` subscription of each connection, counted around. With a word, as nobody asked for it, it has no
/// correlation id (spec 02 §2.10 Q6).
pub(super) fn end_subscription(service: &mut Service, arguments: &Arguments) -> Outcome {
    let silent = flag(arguments, "silent", false);
    let nth = number(arguments, "nth").and_then(|nth| usize::try_from(nth).ok()).unwrap_or(0);
    let mut ended: Vec<String> = Vec::new();
    for conn in service.select(arguments) {
        let all = service.subscriptions.by(conn);
        let Some((sid, version)) = nth.checked_rem(all.len()).and_then(|nth| all.get(nth)).cloned() else {
            continue;
        };
        service.subscriptions.remove(conn, &sid);
        let kind = service.store.get(&sid).map(|entity| entity.kind);
        if let Some(kind) = kind.filter(|_| !silent) {
            service.tell(conn, Notice::canceled(kind, &sid, version));
        }
        ended.push(sid);
    }
    Ok(json!({ "ended": ended.len(), "objects": ended }))
}

pub(super) fn token_about_to_expire(service: &mut Service, arguments: &Arguments) -> Outcome {
    let conns = service.select(arguments);
    for conn in &conns {
        service.warn_of_token(*conn);
    }
    Ok(json!({"warned": conns.len()}))
}

pub(super) fn notify(service: &mut Service, arguments: &Arguments) -> Outcome {
    text(arguments, "identity")?;
    let message_type = text(arguments, "messageType")?;
    let payload = payload(arguments.get("payload"));
    let conns = service.select(arguments);
    for conn in &conns {
        service.notify(*conn, message_type, &payload);
    }
    Ok(json!({"notified": conns.len()}))
}

/// A frame as given; `payload_size` is added, so that only what is meant to be wrong is wrong.
pub(super) fn frame(service: &mut Service, arguments: &Arguments) -> Outcome {
    let header = arguments.get("header").and_then(Value::as_object).ok_or_else(|| missing("header"))?;
    let payload = match payload(arguments.get("payload")) {
        Payload::None => String::new(),
        Payload::Json(text) | Payload::Text(text) => text,
    };
    let mut header: Map<String, Value> = header.clone();
    header.entry("payload_size").or_insert(payload.len().into());
    let id = header.get("id").and_then(Value::as_str).map(str::to_owned);
    let acknowledged = header.get("method").and_then(Value::as_str) != Some("reply");
    let bytes = service.encode(&Value::Object(header), payload.as_bytes());
    let conns = service.select(arguments);
    for conn in &conns {
        if let (Some(id), true, Some(connection)) = (&id, acknowledged, service.connections.get_mut(conn)) {
            connection.unacked.insert(id.clone());
        }
        service.send_bytes(*conn, bytes.clone(), 0);
    }
    Ok(json!({"sent": conns.len()}))
}

/// Any bytes at all.
pub(super) fn raw_frame(service: &mut Service, arguments: &Arguments) -> Outcome {
    let text = text(arguments, "text")?;
    let binary = flag(arguments, "binary", true);
    let conns = service.select(arguments);
    for &conn in &conns {
        let output = if binary {
            ServiceOutput::Send { conn, bytes: text.as_bytes().to_vec() }
        } else {
            ServiceOutput::SendText { conn, text: text.to_owned() }
        };
        service.send_output(conn, output, 0);
    }
    Ok(json!({"sent": conns.len()}))
}

fn payload(value: Option<&Value>) -> Payload {
    match value {
        None => Payload::None,
        Some(Value::String(text)) => Payload::Text(text.clone()),
        Some(value) => Payload::Json(value.to_string()),
    }
}
