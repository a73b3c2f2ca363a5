//! `chat token`: an unsigned access token, as the offline service takes it.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use chat_smol::proto::Time;
use chat_testkit::service::{Service, ServiceConfig};
use serde_json::{Value, json};

use crate::args::Token;
use crate::exit::Failure;

pub(crate) fn run(arguments: &Token) -> Result<(), Failure> {
    let token = make(&arguments.identity, arguments.ttl)?;
    match writeln!(io::stdout(), "{token}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}

/// A service makes the token, and is then forgotten: the next one believes what the token says.
fn make(identity: &str, ttl: u32) -> Result<String, Failure> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let config = ServiceConfig {
        unix_at_origin: i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX),
        ..ServiceConfig::default()
    };
    // The seed goes into the token's id alone.
    let seed = since_1970.as_secs() ^ u64::from(since_1970.subsec_nanos());
    let mut service = Service::new(config, seed, Time::ZERO);
    let arguments = json!({ "identity": identity, "ttl": ttl });
    let answer = service.admin(Time::ZERO, "token", &arguments).map_err(Failure::failed)?;
    answer
        .get("token")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Failure::failed("the offline service made no token"))
}
