//! Access tokens: what they say, and which are refused (spec 01 §2.10, §4).
//!
//! A token is read, not verified: whoever can reach the service may be anybody, which is what a test needs.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::sync::{ACCOUNT_SID, SERVICE_SID};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) identity: String,
    /// Seconds since 1970; a token without it does not end.
    pub(crate) exp: Option<i64>,
}

/// `status` of a reply that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: u16,
    pub(crate) status: String,
    pub(crate) description: Option<String>,
    pub(crate) error_code: Option<u64>,
}

impl Refused {
    pub(crate) fn new(code: u16, status: &str, error_code: u64, description: &str) -> Self {
        Self {
            code,
            status: status.to_owned(),
            description: Some(description.to_owned()),
            error_code: Some(error_code),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut status = json!({"code": self.code, "status": self.status});
        if let Some(description) = &self.description {
            status["description"] = description.as_str().into();
        }
        if let Some(error_code) = self.error_code {
            status["errorCode"] = error_code.into();
        }
        status
    }

    pub(crate) fn expired() -> Self {
        Self::new(401, "UNAUTHORIZED", 20_104, "Access Token expired or expiration date invalid")
    }

    fn malformed() -> Self {
        Self::new(401, "UNAUTHORIZED", 20_101, "Invalid Access Token")
    }
}

/// Reads a token; `None` when it is none or names nobody.
pub(crate) fn read(token: &str) -> Option<Claims> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let identity = claims.pointer("/grants/identity")?.as_str().filter(|identity| !identity.is_empty())?;
    // A date may have a fraction; what is no number at all is no date.
    #[expect(clippy::cast_possible_truncation, reason = "a saturated date is still far away")]
    let exp = claims.get("exp").and_then(|exp| exp.as_i64().or_else(|| exp.as_f64().map(|exp| exp as i64)));
    Some(Claims { identity: identity.to_owned(), exp })
}

/// Makes an unsigned token.
pub(crate) fn make(identity: &str, now_s: i64, ttl_s: i64, unique: &str) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"typ": "JWT", "alg": "none", "cty": "twilio-fpa;v=1"}));
    let key = format!("SK{}", "0".repeat(32));
    let claims = part(json!({
        "jti": format!("{key}-{unique}"),
        "iss": key,
        "sub": ACCOUNT_SID,
        "iat": now_s,
        "exp": now_s.saturating_add(ttl_s),
        "grants": {"identity": identity, "ip_messaging": {"service_sid": SERVICE_SID}},
    }));
    format!("{header}.{claims}.")
}

/// Tokens and identities that are refused although they read well.
#[derive(Debug, Default)]
pub(crate) struct TokenRules {
    pub(crate) revoked: BTreeMap<String, Refused>,
    pub(crate) denied: BTreeMap<String, Refused>,
    pub(crate) expired: BTreeSet<String>,
}

impl TokenRules {
    /// Whom a token stands for at this moment.
    pub(crate) fn check(&self, token: &str, unix_millis: i64) -> Result<Claims, Refused> {
        let claims = read(token).ok_or_else(Refused::malformed)?;
        if let Some(refused) = self.revoked.get(token).or_else(|| self.denied.get(&claims.identity)) {
            return Err(refused.clone());
        }
        let ended = claims.exp.is_some_and(|exp| exp.saturating_mul(1000) <= unix_millis);
        if ended || self.expired.contains(token) {
            return Err(Refused::expired());
        }
        Ok(claims)
    }
}
