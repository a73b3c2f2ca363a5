//! What must never be seen (law 10), and the access token.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

/// A text that no `Debug` or `Display` shows. It serializes as itself, for bindings; whoever records sessions redacts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. The name is long so that it is noticed in review.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// An access token: a JWT that names an identity. It is not verified here; the service does that.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(Secret);

/// Why a text cannot be an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is empty.
    #[error("the access token is empty")]
    Empty,
}

impl Token {
    /// A token of this text, without the white space around it. Anything but an empty text passes: what it is worth is for
    /// the service to say.
    ///
    /// # Errors
    /// [`TokenError::Empty`]: there is nothing but white space.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, TokenError> {
        let text = text.into();
        if text.trim().is_empty() { Err(TokenError::Empty) } else { Ok(Self(Secret::new(text.trim()))) }
    }

    /// The text itself.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the token says of itself, if it is a readable JWT; its signature is not looked at.
    pub fn claims(&self) -> Option<Claims> {
        #[derive(Deserialize)]
        struct Body {
            exp: Option<u64>,
            grants: Option<Grants>,
        }
        #[derive(Deserialize)]
        struct Grants {
            identity: Option<Box<str>>,
        }
        let payload = self.expose_secret().split('.').nth(1)?;
        let body: Body = serde_json::from_slice(&base64url(payload)?).ok()?;
        Some(Claims { expires_at: body.exp, identity: body.grants.and_then(|grants| grants.identity) })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.expose_secret().len())
    }
}

/// What a [`Token`] says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// When it expires, in seconds since 1970 (`exp`).
    pub expires_at: Option<u64>,
    /// Whose it is (`grants.identity`).
    pub identity: Option<Box<str>>,
}

/// Decodes base64url; standard characters and padding pass too, anything else is `None`.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.extend(u8::try_from(bits >> held));
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn secrets_do_not_show() {
        let token = Token::new("hunter2.hunter2.").unwrap();
        assert!(!format!("{token:?} {:?}", Secret::new("hunter2")).contains("hunter2"));
    }

    #[test]
    fn claims_are_read() {
        // {"exp":1700000000,"grants":{"identity":"alice"}}
        let token =
            Token::new("e30.eyJleHAiOjE3MDAwMDAwMDAsImdyYW50cyI6eyJpZGVudGl0eSI6ImFsaWNlIn19.").unwrap();
        let claims = token.claims().unwrap();
        assert_eq!(claims.expires_at, Some(1_700_000_000));
        assert_eq!(claims.identity.as_deref(), Some("alice"));
    }

    #[test]
    fn unreadable_tokens_have_no_claims() {
        for text in ["x", "a.b", "a.!!.c", "..", "a.bm90IGpzb24.c"] {
            assert_eq!(Token::new(text).unwrap().claims(), None, "{text}");
        }
        assert_eq!(Token::new(" \n").unwrap_err(), TokenError::Empty);
    }
}
