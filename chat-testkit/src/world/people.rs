//! Who is in a world.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::{Time, Token};
use serde_json::Value;

use super::{PLANTED, UNIX_AT_ORIGIN};

/// The name of the n-th person.
pub(super) fn person(n: usize) -> String {
    const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
    NAMES.get(n).map_or_else(|| format!("person-{n}"), |name| (*name).into())
}

/// An access token as the offline service takes them: an unsigned JWT, with something to look for in the place of a
/// signature.
pub(super) fn token(identity: &str, expires: Time, number: u64) -> Token {
    let expires = (UNIX_AT_ORIGIN + expires.as_millis()) / 1000;
    let claims = serde_json::json!({
        "exp": expires,
        "grants": { "identity": identity, "ip_messaging": { "service_sid": format!("IS{:032x}", 1) } },
    });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = serde_json::json!({ "alg": "none", "typ": "JWT" });
    let text = format!("{}.{}.{PLANTED}-token-{number}-of-{identity}", part(&header), part(&claims));
    Token::new(text).expect("it is not empty")
}
