//! Stars out what must not reach a file: tokens of any kind, push registration ids, temporary media addresses.
//!
//! Lengths stay, so the sizes that frames tell of themselves stay true (law 10).

use alloc::format;
use alloc::string::String;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::call::Call;
use crate::command::Command;
use crate::command::FrameBytes;
use crate::config::Config;
use crate::event::{Event, Reply};
use crate::http::HttpBody;
use crate::record::{FrameRecord, InputRecord, Record};
use crate::secret::{Secret, Token};
use crate::session::Wire;

/// Members whose text is a secret, which a session file does not have: on the wire, and of our own values
/// (`ContinuationToken` is an event).
pub const SECRET_MEMBERS: [&str; 10] = [
    "token",
    "continuation_token",
    "ContinuationToken",
    "X-Twilio-Token",
    "x-twilio-token",
    "registration_id",
    "registrationId",
    "content_direct_temporary",
    "contentDirectTemporary",
    "url_temporary",
];

/// Puts stars in place of the texts of secret members, in JSON and in JSON inside of JSON strings, however deep. What is
/// not JSON around it does not matter, and a text that is cut off is starred out up to its end.
pub fn star_out(bytes: &mut [u8]) {
    let mut from = 0;
    while let Some(found) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'"')) {
        let quote = from + found;
        from = quote + 1;
        // In JSON inside a string the quotes are escaped: those of one level have the same run of backslashes.
        let level = backslashes_before(bytes, quote);
        let Some(start) = secret_text(bytes, from, level) else { continue };
        let end = text_end(bytes, start, level);
        if let Some(text) = bytes.get_mut(start..end) {
            let scheme = scheme(text);
            text.iter_mut().skip(scheme).for_each(|byte| *byte = b'*');
        }
        from = end.saturating_add(level).saturating_add(1);
    }
}

/// If the bytes at `at` are a secret member's name and `"` follows: where its text begins.
fn secret_text(bytes: &[u8], at: usize, level: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let rest =
        SECRET_MEMBERS.iter().find_map(|name| after_quote(rest.strip_prefix(name.as_bytes())?, level))?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    let rest = after_quote(rest.trim_ascii_start(), level)?;
    Some(bytes.len() - rest.len())
}

/// What follows a quote of this level.
fn after_quote(bytes: &[u8], level: usize) -> Option<&[u8]> {
    let (escapes, rest) = bytes.split_at_checked(level)?;
    if escapes.iter().all(|byte| *byte == b'\\') { rest.strip_prefix(b"\"") } else { None }
}

/// Where the text that begins at `start` ends: before the backslashes of its closing quote.
fn text_end(bytes: &[u8], start: usize, level: usize) -> usize {
    let mut from = start;
    while let Some(found) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'"')) {
        let quote = from + found;
        let run = backslashes_before(bytes, quote).min(quote - start);
        // A quote inside the text has more backslashes; a backslash that ends the text has as many again.
        if run >= level && (run - level).checked_rem(2 * (level + 1)) == Some(0) {
            return quote - level;
        }
        if run < level {
            // The string around it ends: this one was cut off.
            return quote - run;
        }
        from = quote + 1;
    }
    bytes.len()
}

fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes.get(..at).unwrap_or_default().iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// A token of the same length that says the same of expiry and identity, and opens nothing.
pub fn token_stand_in(token: &Token) -> Token {
    let length = token.expose_secret().len();
    let shape = token.claims().and_then(|claims| {
        let expiry = claims.expires_at.map_or_else(String::new, |at| format!(r#""exp":{at},"#));
        let identity = serde_json::to_string(&claims.identity).ok()?;
        let body = format!(r#"{{{expiry}"grants":{{"identity":{identity}}}}}"#);
        let shape = format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(body));
        let missing = length.checked_sub(shape.len())?;
        Some(shape + &"*".repeat(missing))
    });
    let text = shape.unwrap_or_else(|| "*".repeat(length));
    // Only an empty text is none, and a token never has one.
    Token::new(text).unwrap_or_else(|_| token.clone())
}

/// How much of a text says what kind of address it is. That stays: a client takes no address of another kind, and a
/// replay has to go the same way.
fn scheme(text: &[u8]) -> usize {
    let found = [&b"https://"[..], b"http://"].into_iter().find(|scheme| text.starts_with(scheme));
    found.map_or(0, <[u8]>::len)
}

fn secret(secret: &Secret) -> Secret {
    let text = secret.expose_secret();
    let (kept, starred) = text.split_at_checked(scheme(text.as_bytes())).unwrap_or(("", text));
    Secret::new(format!("{kept}{}", "*".repeat(starred.len())))
}

pub(super) fn config(config: &Config) -> Config {
    let mut config = config.clone();
    config.continuation_token = config.continuation_token.as_ref().map(secret);
    config
}

/// Takes out what the text of the line would not show as a secret: bytes that are not UTF-8, tokens that need a stand-in,
/// and values that do not stand beside a telling name.
pub(super) fn record(record: Record) -> Record {
    match record {
        Record::Input(InputRecord::Frame(link, of)) => Record::Input(InputRecord::Frame(link, frame(of))),
        Record::Input(InputRecord::HttpDone(http, Ok(mut reply))) => {
            star_out(&mut reply.body);
            Record::Input(InputRecord::HttpDone(http, Ok(reply)))
        }
        Record::Call { id, mut call, options, refused } => {
            match &mut *call {
                Call::UpdateToken(token) => *token = token_stand_in(token),
                Call::SetPushRegistrationId(_, registration) => *registration = secret(registration),
                _ => {}
            }
            Record::Call { id, call, options, refused }
        }
        Record::Command(Command::Send { link, bytes }) => {
            let mut bytes = bytes.into_vec();
            star_out(&mut bytes);
            Record::Command(Command::Send { link, bytes: FrameBytes::new(bytes) })
        }
        Record::Command(Command::Http { http, mut request }) => {
            request.url = secret(&request.url);
            for (_, value) in &mut request.headers {
                *value = secret(value);
            }
            if let HttpBody::Bytes(bytes) = &mut request.body {
                star_out(bytes);
            }
            Record::Command(Command::Http { http, request })
        }
        Record::Event(Event::ContinuationToken(token)) => {
            Record::Event(Event::ContinuationToken(secret(&token)))
        }
        Record::Event(Event::Answer { call, result: Ok(Reply::MediaUrl(url)) }) => {
            Record::Event(Event::Answer { call, result: Ok(Reply::MediaUrl(secret(&url))) })
        }
        other => other,
    }
}

pub(super) fn wire(wire: Wire) -> Wire {
    match wire {
        Wire::FromClient(of) => Wire::FromClient(frame(of)),
        Wire::FromService(of) => Wire::FromService(frame(of)),
        other => other,
    }
}

fn frame(frame: FrameRecord) -> FrameRecord {
    match frame {
        FrameRecord::Binary(mut bytes) => {
            star_out(&mut bytes);
            FrameRecord::Binary(bytes)
        }
        FrameRecord::Text(text) => {
            let mut bytes = text.into_string().into_bytes();
            star_out(&mut bytes);
            FrameRecord::Text(String::from_utf8(bytes).unwrap_or_default().into())
        }
    }
}
