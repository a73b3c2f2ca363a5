//! The control interface: commands for tests and demonstrations, from outside the wire.

mod look;
mod people;
mod sockets;
mod trouble;

use serde_json::{Map, Value, json};

use super::world::World;
use super::{AdminError, ConnId, Service, ServiceConfig};

pub(super) use people::Post;

/// Arguments of a command.
type Arguments = Map<String, Value>;
type Outcome = Result<Value, AdminError>;
type Run = fn(&mut Service, &Arguments) -> Outcome;

/// All commands that the service itself knows.
const COMMANDS: &[(&str, Run)] = &[
    ("state", look::state),
    ("connections", look::connections),
    ("messages", look::messages),
    ("sync", look::sync),
    ("reset", reset),
    ("config", config),
    ("token", trouble::token),
    ("expireToken", trouble::expire_token),
    ("revoke", trouble::revoke),
    ("deny", trouble::deny),
    ("fault", trouble::fault),
    ("faults", trouble::faults),
    ("faults/clear", trouble::clear_faults),
    ("drop", sockets::drop),
    ("close", sockets::close),
    ("ping", sockets::ping),
    ("endSubscription", sockets::end_subscription),
    ("tokenAboutToExpire", sockets::token_about_to_expire),
    ("notify", sockets::notify),
    ("frame", sockets::frame),
    ("rawFrame", sockets::raw_frame),
    ("command", people::command),
    ("typing", people::typing),
    ("user", people::user),
    ("dropSession", people::drop_session),
    ("seed", people::seed),
    ("burst", people::burst),
];

impl Service {
    pub(super) fn run_admin(&mut self, command: &str, arguments: &Value) -> Outcome {
        let run = COMMANDS.iter().find(|(name, _)| *name == command).map(|(_, run)| run);
        let run = run.ok_or_else(|| AdminError::NoSuchCommand(command.to_owned()))?;
        let none = Map::new();
        let arguments = match arguments {
            Value::Object(arguments) => arguments,
            Value::Null => &none,
            _ => return Err(AdminError::BadArgument("the arguments must be a JSON object".into())),
        };
        run(self, arguments)
    }

    /// The connections that a command is about: of this identity, of this number, or all.
    fn select(&self, arguments: &Arguments) -> Vec<ConnId> {
        let identity = arguments.get("identity").and_then(Value::as_str);
        let number = arguments.get("conn").and_then(Value::as_u64);
        let matches = self.connections.iter().filter(|(conn, connection)| {
            identity.is_none_or(|identity| connection.identity.as_deref() == Some(identity))
                && number.is_none_or(|number| conn.0 == number)
        });
        matches.map(|(conn, _)| *conn).collect()
    }
}

/// Cuts every connection and forgets everything but the settings.
#[expect(clippy::unnecessary_wraps, reason = "all commands have one signature")]
fn reset(service: &mut Service, _: &Arguments) -> Outcome {
    for conn in service.select(&Map::new()) {
        service.close_socket(conn, None);
    }
    let now = service.world.clock.now();
    let config = service.world.config.clone();
    let fresh = Service::new(config, service.seed, now);
    let outputs = std::mem::replace(service, fresh).outputs;
    service.outputs = outputs;
    Ok(json!({"ok": true}))
}

/// Changes settings; gives all of them.
fn config(service: &mut Service, arguments: &Arguments) -> Outcome {
    let World { config, .. } = &mut service.world;
    let mut all = serde_json::to_value(&*config).map_err(|e| AdminError::Failed(e.to_string()))?;
    if let Value::Object(all) = &mut all {
        all.extend(arguments.clone());
    }
    let changed: ServiceConfig =
        serde_json::from_value(all.clone()).map_err(|e| AdminError::BadArgument(e.to_string()))?;
    let media_url = std::mem::take(&mut config.media_url);
    *config = ServiceConfig { unix_at_origin: config.unix_at_origin, media_url, ..changed };
    Ok(all)
}

/// A text that must be there.
fn text<'a>(arguments: &'a Arguments, name: &str) -> Result<&'a str, AdminError> {
    arguments.get(name).and_then(Value::as_str).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> AdminError {
    AdminError::BadArgument(format!("missing argument: {name}"))
}

fn number(arguments: &Arguments, name: &str) -> Option<u64> {
    arguments.get(name).and_then(Value::as_u64)
}

fn flag(arguments: &Arguments, name: &str, default: bool) -> bool {
    arguments.get(name).and_then(Value::as_bool).unwrap_or(default)
}
