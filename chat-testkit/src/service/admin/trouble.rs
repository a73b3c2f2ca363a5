//! Commands about tokens and faults.
#![expect(clippy::unnecessary_wraps, reason = "all commands have one signature")]

use serde_json::{Value, json};

use super::{Arguments, Outcome, flag, number, text};
use crate::service::token::{self, Refused};
use crate::service::twilsock::CLOSE_SOCKET_AFTER_MS;
use crate::service::{AdminError, Due, Service};

pub(super) fn token(service: &mut Service, arguments: &Arguments) -> Outcome {
    let identity = text(arguments, "identity")?;
    let ttl = arguments.get("ttl").and_then(Value::as_i64).unwrap_or(3600);
    let unique = service.world.ids.hex("token");
    let now = service.world.clock.unix_millis().div_euclid(1000);
    Ok(json!({"token": token::make(identity, now, ttl, &unique)}))
}

pub(super) fn expire_token(service: &mut Service, arguments: &Arguments) -> Outcome {
    let conns = service.select(arguments);
    for &conn in &conns {
        let token = service.connections.get(&conn).and_then(|connection| connection.token.clone());
        service.tokens.expired.extend(token);
        if flag(arguments, "close", true) {
            let status = Refused::new(410, "TOKEN_EXPIRED", 51_207, "Token expired");
            service.send_close(conn, &status, None);
            let later = Due::CloseSocket(conn);
            service.agenda.after_ms(service.world.clock.now(), CLOSE_SOCKET_AFTER_MS, later);
        }
    }
    Ok(json!({"expired": conns.len()}))
}

pub(super) fn revoke(service: &mut Service, arguments: &Arguments) -> Outcome {
    let token = text(arguments, "token")?.to_owned();
    let refused = refused(arguments, 401, 20_101, "Invalid Access Token");
    service.tokens.revoked.insert(token, refused);
    Ok(json!({"ok": true}))
}

pub(super) fn deny(service: &mut Service, arguments: &Arguments) -> Outcome {
    let identity = text(arguments, "identity")?.to_owned();
    if flag(arguments, "on", true) {
        let refused = refused(arguments, 403, 20_403, "Forbidden");
        service.tokens.denied.insert(identity, refused);
    } else {
        service.tokens.denied.remove(&identity);
    }
    Ok(json!({"ok": true}))
}

fn refused(arguments: &Arguments, code: u16, error_code: u64, description: &str) -> Refused {
    let code = number(arguments, "code").and_then(|code| u16::try_from(code).ok()).unwrap_or(code);
    let status = if code == 403 { "FORBIDDEN" } else { "UNAUTHORIZED" };
    let description = arguments.get("description").and_then(Value::as_str).unwrap_or(description);
    Refused::new(code, status, number(arguments, "errorCode").unwrap_or(error_code), description)
}

pub(super) fn fault(service: &mut Service, arguments: &Arguments) -> Outcome {
    text(arguments, "on")?;
    service.faults.add(arguments).map_err(AdminError::BadArgument)
}

pub(super) fn faults(service: &mut Service, _: &Arguments) -> Outcome {
    Ok(service.faults.list())
}

pub(super) fn clear_faults(service: &mut Service, arguments: &Arguments) -> Outcome {
    service.faults.clear(number(arguments, "id"));
    Ok(json!({"ok": true}))
}
