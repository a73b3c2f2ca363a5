//! The lines of a session file: a header, then one line for each thing that happened, without secrets.
//!
//! This is the pure half, so that every host can write the same format: values in, text out. Reading files, replaying
//! them and showing them is for the test kit.
//!
//! ```
//! use chat_proto::{Config, Input, Network, Seed, Time, Token, session};
//!
//! let token = Token::new("a.b.c").unwrap();
//! let client = session::ClientHeader::new(&Config::default(), &token, &Seed::from_number(1), Time::ZERO);
//! let mut encoder = session::Encoder::new();
//! let header = encoder.header(&session::Header::new("a test", [client]));
//! assert!(header.starts_with(r#"{"n":1,"format":"chat-session","version":1"#));
//! let record = (&Input::Network(Network::Online)).into();
//! let line = encoder.entry(Time::from_millis(7), 0, session::What::Record(record));
//! assert_eq!(line, r#"{"n":2,"at":7,"client":0,"record":{"Input":{"Network":"Online"}}}"#);
//! assert_eq!(encoder.end(), r#"{"n":3,"end":true}"#);
//! ```

mod redact;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::model::Identity;
use crate::record::{FrameRecord, Record};
use crate::saved::Saved;
use crate::secret::Token;
use crate::seed::Seed;
use crate::time::Time;

pub use redact::{SECRET_MEMBERS, star_out, token_stand_in};

/// What the header calls the format.
pub const FORMAT: &str = "chat-session";
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// The dialect of the wire: session commands through a Sync list.
pub const DIALECT: &str = "list";

/// The first line of a session file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Header {
    /// [`FORMAT`].
    pub format: Box<str>,
    /// [`VERSION`].
    pub version: u32,
    /// [`DIALECT`].
    pub dialect: Box<str>,
    /// What recorded the session, in words: the adapter, a proxy, a simulated world.
    pub origin: Box<str>,
    /// The clients that this recorded from inside; lines name them by their place. None for a recorded wire.
    pub clients: Vec<ClientHeader>,
}

impl Header {
    /// The header of a file that is written now.
    pub fn new(origin: impl Into<Box<str>>, clients: impl IntoIterator<Item = ClientHeader>) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            dialect: DIALECT.into(),
            origin: origin.into(),
            clients: clients.into_iter().collect(),
        }
    }
}

/// What a client began with: all that is needed to make one that does the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientHeader {
    /// Whose client it is, if its token tells.
    pub identity: Option<Identity>,
    /// How it behaves; the continuation token is starred out.
    pub config: Config,
    /// Where its ids come from.
    pub seed: Seed,
    /// Not the access token, but one of the same length that says the same of expiry and identity.
    pub stand_in: Token,
    /// When it began.
    pub start: Time,
    /// What it resumed from, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Saved>,
}

impl ClientHeader {
    /// Of the arguments of [`Client::new`](crate::Client::new).
    pub fn new(config: &Config, token: &Token, seed: &Seed, start: Time) -> Self {
        Self {
            identity: token.claims().and_then(|claims| claims.identity).map(|text| Identity::new(&*text)),
            config: redact::config(config),
            seed: seed.clone(),
            stand_in: token_stand_in(token),
            start,
            saved: None,
        }
    }

    /// The same of a client that resumes: [`Client::resume`](crate::Client::resume).
    #[must_use]
    pub fn resumed(self, saved: Saved) -> Self {
        Self { saved: Some(saved), ..self }
    }
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// Something went into a client or came out of it.
    Record(Record),
    /// What a person should know: a cut, a restart of the service. It changes nothing in a replay.
    Note(Box<str>),
    /// Something that was seen on the wire from outside; the line's number is that of the connection.
    Wire(Wire),
}

/// What can be seen of a connection from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Wire {
    /// It is open.
    Opened,
    /// The next frame tells whose connection this is: the token that says so is starred out.
    Identity(Box<str>),
    /// A message of the client.
    FromClient(FrameRecord),
    /// A message of the service.
    FromService(FrameRecord),
    /// It is closed, with its WebSocket code: 1005 for a close without one, 1006 for a cut without a closing handshake
    /// (RFC 6455 §7.4.1). `None` where nobody knows.
    Closed(Option<u16>),
    /// The client came, but the service could not be reached, for this reason: the client was let go.
    Unreachable(Box<str>),
}

/// A line after the header, as it is written. Exactly one of `record`, `note`, `wire` and `end` is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Line {
    /// The line's number, counted from 1: what is missing, doubled or swapped shows.
    pub n: u64,
    /// When, on the clock of the client, or of what recorded the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Which client: a place in [`Header::clients`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<usize>,
    /// Which connection, on a recorded wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conn: Option<usize>,
    /// See [`What::Record`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// See [`What::Note`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<str>>,
    /// See [`What::Wire`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<Wire>,
    /// The recording ended in peace: nothing is missing after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<bool>,
}

/// Turns what happened into lines, without their line ends. Each is to be written and flushed at once, so that a crash
/// loses nothing.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    lines: u64,
}

impl Encoder {
    /// For a new file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first line.
    pub fn header(&mut self, header: &Header) -> String {
        #[derive(Serialize)]
        struct Numbered<'a> {
            n: u64,
            format: &'a str,
            version: u32,
            dialect: &'a str,
            origin: &'a str,
            clients: &'a [ClientHeader],
        }
        let Header { format, version, dialect, origin, clients } = header;
        let n = self.number();
        redacted_json(&Numbered { n, format, version: *version, dialect, origin, clients })
    }

    /// A line of client `who`, or of connection `who` on a recorded wire.
    pub fn entry(&mut self, at: Time, who: usize, what: What) -> String {
        let mut line = Line { n: self.number(), at: Some(at), ..Line::default() };
        match what {
            What::Record(record) => {
                line.client = Some(who);
                line.record = Some(redact::record(record));
            }
            What::Note(note) => {
                line.client = Some(who);
                line.note = Some(note);
            }
            What::Wire(wire) => {
                line.conn = Some(who);
                line.wire = Some(redact::wire(wire));
            }
        }
        redacted_json(&line)
    }

    /// The last line of a recording that ends in peace.
    pub fn end(&mut self) -> String {
        redacted_json(&Line { n: self.number(), end: Some(true), ..Line::default() })
    }

    fn number(&mut self) -> u64 {
        self.lines = self.lines.saturating_add(1);
        self.lines
    }
}

/// A record as a file has it: JSON without secrets. Two records are the same in a replay when these texts are.
pub fn redacted_record(record: Record) -> String {
    redacted_json(&redact::record(record))
}

/// Serializing cannot fail: all is in memory, and no map has a key that is not a text.
fn redacted_json(value: &impl Serialize) -> String {
    let mut json = serde_json::to_vec(value).unwrap_or_default();
    star_out(&mut json);
    // Stars take the place of whole texts between ASCII quotes, so this is UTF-8 still.
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests;
