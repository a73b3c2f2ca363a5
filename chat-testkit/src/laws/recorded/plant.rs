//! Secrets to look for, in the place of the stars that a session file has instead: law 10 needs something that can leak.
//!
//! Lengths stay, and outputs are compared without secrets, so the client does what it did.

use std::sync::LazyLock;

use chat_proto::session::SECRET_MEMBERS;
use chat_proto::{Call, Config, FrameRecord, InputRecord, Record, Secret, Token};
use regex::bytes::{Captures, Regex};

use crate::world::PLANTED;

/// The text of a secret member that is all stars, in JSON at any depth (spec 01 §3: `continuation_token`; 03 §15: media
/// addresses). What is shorter than a planted text stays as it is.
static STARS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let names = SECRET_MEMBERS.map(regex::escape).join("|");
    Regex::new(&format!(r#"((?:{names})\\*"\s*:\s*\\*"(?:https?://)?)(\*{{14,}})"#)).ok()
});

/// What goes into a client, with planted secrets; what came out stays as it is.
pub(super) fn record(record: Record) -> Record {
    match record {
        Record::Input(InputRecord::Frame(link, FrameRecord::Binary(bytes))) => {
            Record::Input(InputRecord::Frame(link, FrameRecord::Binary(planted(&bytes))))
        }
        Record::Input(InputRecord::HttpDone(http, Ok(mut reply))) => {
            reply.body = planted(&reply.body);
            Record::Input(InputRecord::HttpDone(http, Ok(reply)))
        }
        Record::Call { id, mut call, options, refused } => {
            if let Call::UpdateToken(of) = &mut *call {
                *of = token(of);
            }
            Record::Call { id, call, options, refused }
        }
        other => other,
    }
}

/// A stand-in with a planted signature.
pub(super) fn token(stand_in: &Token) -> Token {
    let text = stand_in.expose_secret();
    let stars = text.len() - text.trim_end_matches('*').len();
    let (shown, _) = text.split_at(text.len() - stars);
    Token::new(format!("{shown}{}", filling(stars))).unwrap_or_else(|_| stand_in.clone())
}

/// The continuation token of an earlier run: one that comes again must be the same.
pub(super) fn config(config: &Config) -> Config {
    let mut config = config.clone();
    let stars = config.continuation_token.as_ref().map(|token| token.expose_secret().len());
    config.continuation_token = stars.map(|stars| Secret::new(filling(stars)));
    config
}

fn planted(bytes: &[u8]) -> Vec<u8> {
    let Some(stars) = STARS.as_ref() else { return bytes.to_vec() };
    let replaced = stars.replace_all(bytes, |found: &Captures<'_>| {
        let mut text = found[1].to_vec();
        text.extend(filling(found[2].len()).bytes());
        text
    });
    replaced.into_owned()
}

fn filling(length: usize) -> String {
    if length < PLANTED.len() { "*".repeat(length) } else { PLANTED.chars().cycle().take(length).collect() }
}
