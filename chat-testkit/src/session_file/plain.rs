//! Frames in the plain form: one `{t_ms, conn, dir, text}` a line, as `serve --record` and others write it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chat_proto::frame::{FrameLimits, decode};
use chat_proto::session::{Header, What, Wire};
use chat_proto::{FrameRecord, Time, Token};
use serde::Deserialize;

use super::read::{Damage, Lines, Opened, problem};
use super::{Entry, SessionFile};

#[derive(Deserialize)]
struct Plain<'a> {
    t_ms: f64,
    conn: usize,
    dir: Direction,
    #[serde(borrow)]
    text: Option<std::borrow::Cow<'a, str>>,
    base64: Option<&'a str>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    C2s,
    S2c,
    Meta,
}

/// What the header of such a session calls its origin.
pub(super) const ORIGIN: &str = "frames";

pub(super) fn is_plain(first: &str) -> bool {
    serde_json::from_str::<Plain<'_>>(first).is_ok()
}

/// A wire session of frames in the plain form.
///
/// # Errors
/// The first line that cannot be read.
pub fn from_plain(bytes: &[u8]) -> Result<SessionFile, Damage> {
    let Opened { session, damage } = parse(bytes)?;
    damage.map_or(Ok(session), Err)
}

#[expect(clippy::unnecessary_wraps, reason = "as its sibling for session files")]
pub(super) fn parse(bytes: &[u8]) -> Result<Opened, Damage> {
    let mut session = SessionFile { header: Header::new(ORIGIN, []), entries: Vec::new(), ended: false };
    let mut lines = Lines { rest: bytes, line: 0 };
    // Lines of the plain form have no numbers, but they were written one after the other.
    let mut before = 0.0;
    while let Some(text) = lines.next() {
        let line = lines.line;
        match text.and_then(|text| entries(text, line, &mut before)) {
            Ok(entries) => session.entries.extend(entries),
            Err(damage) => return Ok(Opened { session, damage: Some(damage) }),
        }
    }
    // The plain form has no last line.
    session.ended = true;
    Ok(Opened { session, damage: None })
}

fn entries(text: &str, line: u64, before: &mut f64) -> Result<Vec<Entry>, Damage> {
    let bad = |problem: String| Damage::BadLine { line, problem };
    let Plain { t_ms, conn, dir, text, base64 } =
        serde_json::from_str(text).map_err(|error| bad(problem(&error)))?;
    if t_ms < *before {
        return Err(Damage::Earlier { line, at: t_ms, before: *before });
    }
    *before = t_ms;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as it should")]
    let at = Time::from_millis(t_ms.round() as u64);
    let bytes = match (text, base64) {
        (Some(text), None) => text.into_owned().into_bytes(),
        (None, Some(base64)) => BASE64_STANDARD.decode(base64).map_err(|e| bad(e.to_string()))?,
        _ => return Err(bad("it needs either `text` or `base64`".into())),
    };
    let entry = |wire| Entry { line, at, who: conn, what: What::Wire(wire) };
    Ok(match dir {
        Direction::Meta => {
            let text = String::from_utf8_lossy(&bytes);
            match text.split_once(' ').unwrap_or((&text, "")) {
                ("open", _) => vec![entry(Wire::Opened)],
                ("close", code) => vec![entry(Wire::Closed(code.parse().ok()))],
                ("identity", name) => vec![entry(Wire::Identity(name.into()))],
                _ => return Err(bad(format!("nothing is known of {text:?}"))),
            }
        }
        Direction::S2c => vec![entry(Wire::FromService(FrameRecord::Binary(bytes)))],
        Direction::C2s => {
            let identity = identity(&bytes).map(|name| entry(Wire::Identity(name)));
            identity.into_iter().chain([entry(Wire::FromClient(FrameRecord::Binary(bytes)))]).collect()
        }
    })
}

/// Whose the token of an `init` or `update` frame is.
pub fn identity(frame: &[u8]) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Header<'a> {
        method: &'a str,
        token: &'a str,
    }
    let (header, _) = decode(frame, FrameLimits::default()).ok()?;
    let Header { method, token } = serde_json::from_str(header).ok()?;
    let is_ours = method == "init" || method == "update";
    Token::new(token).ok().filter(|_| is_ours)?.claims()?.identity
}
