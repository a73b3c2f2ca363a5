use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chat_proto::session::{FORMAT, Header, Line, VERSION, What};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::error::Category;

use super::{Entry, SessionFile, plain};

/// Why a session file cannot be read on from a line. What stands before the line was read.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The file cannot be read at all.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The first line is not that of a session file.
    #[error("line 1: this is no session file: {0}")]
    NoHeader(String),
    /// A format that this does not know, or another version of this one.
    #[error("line 1: {format:?} version {version} cannot be read, only {FORMAT:?} version {VERSION}")]
    OtherVersion {
        /// What the file says.
        format: String,
        /// What the file says.
        version: u64,
    },
    /// A line is not what it should be.
    #[error("line {line}: {problem}")]
    BadLine {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it, and in which column.
        problem: String,
    },
    /// Lines are missing, doubled or swapped.
    #[error("line {line} says that it is line {said}: lines were lost, doubled or swapped")]
    WrongOrder {
        /// Counted from 1.
        line: u64,
        /// What it says.
        said: u64,
    },
    /// A line of frames in the plain form is earlier than the one before it: the plain form has no other order.
    #[error(
        "line {line}: its time is {at} ms, and that of the line before was {before} ms: lines were swapped or edited"
    )]
    Earlier {
        /// Counted from 1.
        line: u64,
        /// What it says, in milliseconds.
        at: f64,
        /// What the line before it says.
        before: f64,
    },
    /// The file ends inside of a line.
    #[error("line {line}: the file is cut off after {bytes} bytes of this line")]
    CutOff {
        /// Counted from 1.
        line: u64,
        /// How much there is of it.
        bytes: usize,
    },
    /// Something follows the line that says that the recording ended.
    #[error("line {line}: the recording ended on the line before")]
    AfterEnd {
        /// Counted from 1.
        line: u64,
    },
}

/// A session as far as it could be read, and what was wrong then.
#[derive(Debug)]
pub struct Opened {
    /// All before the damage.
    pub session: SessionFile,
    /// What is wrong with the first line that cannot be read, if there is one.
    pub damage: Option<Damage>,
}

/// Reads a file: a session, or frames in the plain form that `serve --record` writes.
///
/// # Errors
/// It cannot be read, or its first line is no header. Later damage is in [`Opened::damage`].
pub fn open(path: &Path) -> Result<Opened, Damage> {
    let bytes = fs::read(path).map_err(|error| Damage::Io { path: path.into(), error })?;
    parse(&bytes)
}

/// As [`open`], from memory.
///
/// # Errors
/// The first line is no header.
pub fn parse(bytes: &[u8]) -> Result<Opened, Damage> {
    let mut lines = Lines { rest: bytes, line: 0 };
    let Some(first) = lines.next() else { return Err(Damage::NoHeader("it is empty".into())) };
    let first = first.or_else(|damage| match damage {
        // A plain recording may be one line, and a header may have lost its line end.
        Damage::CutOff { .. } => str::from_utf8(bytes).map_err(|_| damage),
        other => Err(other),
    });
    let first = first.map_err(|damage| match damage {
        Damage::BadLine { problem, .. } => Damage::NoHeader(problem),
        other => Damage::NoHeader(other.to_string()),
    })?;
    if plain::is_plain(first) {
        return plain::parse(bytes);
    }
    let header = header(first)?;
    let mut session = SessionFile { header, entries: Vec::new(), ended: false };
    while let Some(line) = lines.next() {
        let read = line.and_then(|text| entry(text, lines.line, &session));
        match read {
            Ok(Some(entry)) => session.entries.push(entry),
            Ok(None) => session.ended = true,
            Err(damage) => return Ok(Opened { session, damage: Some(damage) }),
        }
    }
    Ok(Opened { session, damage: None })
}

fn header(text: &str) -> Result<Header, Damage> {
    #[derive(Deserialize)]
    struct Kind {
        format: String,
        version: u64,
    }
    let no_header = |error: serde_json::Error| Damage::NoHeader(problem(&error));
    let Kind { format, version } = serde_json::from_str(text).map_err(no_header)?;
    if format != FORMAT || version != u64::from(VERSION) {
        return Err(Damage::OtherVersion { format, version });
    }
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(no_header)?;
    if members.remove("n") != Some(1.into()) {
        return Err(no_header(serde_json::Error::custom("it does not say that it is line 1")));
    }
    // Attributes and other raw texts do not stand in headers, so the way through a value loses nothing.
    serde_json::from_value(members.into()).map_err(no_header)
}

/// The entry of a line; `None` for the end.
fn entry(text: &str, line: u64, session: &SessionFile) -> Result<Option<Entry>, Damage> {
    let bad = |problem: &str| Damage::BadLine { line, problem: problem.into() };
    if session.ended {
        return Err(Damage::AfterEnd { line });
    }
    let Line { n, at, client, conn, record, note, wire, end, .. } =
        serde_json::from_str(text).map_err(|error| Damage::BadLine { line, problem: problem(&error) })?;
    if n != line {
        return Err(Damage::WrongOrder { line, said: n });
    }
    let (who, what) = match (client, conn, record, note, wire, end) {
        (None, None, None, None, None, Some(true)) => return Ok(None),
        (Some(client), None, Some(record), None, None, None) => (client, What::Record(record)),
        (Some(client), None, None, Some(note), None, None) => (client, What::Note(note)),
        (None, Some(conn), None, None, Some(wire), None) => return at_of(at, line, conn, What::Wire(wire)),
        _ => return Err(bad("it needs `client` with `record` or `note`, or `conn` with `wire`, or `end`")),
    };
    if who >= session.header.clients.len() {
        return Err(bad(&format!("there is no client {who} in the header")));
    }
    at_of(at, line, who, what)
}

fn at_of(at: Option<chat_proto::Time>, line: u64, who: usize, what: What) -> Result<Option<Entry>, Damage> {
    let at = at.ok_or_else(|| Damage::BadLine { line, problem: "it has no time (`at`)".into() })?;
    Ok(Some(Entry { line, at, who, what }))
}

/// Each line is a JSON text of its own: the line that serde counts is always the first.
pub(super) fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string().replace("at line 1 column", "at column");
    match error.classify() {
        Category::Syntax | Category::Eof => format!("this is no JSON: {text}"),
        Category::Data | Category::Io => text,
    }
}

/// Lines with their numbers.
pub(super) struct Lines<'a> {
    pub(super) rest: &'a [u8],
    pub(super) line: u64,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a str, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let line = self.line;
        let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') else {
            let bytes = self.rest.len();
            self.rest = &[];
            return Some(Err(Damage::CutOff { line, bytes }));
        };
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(str::from_utf8(text.trim_ascii_end()).map_err(|error| Damage::BadLine {
            line,
            problem: format!("it is not UTF-8 after byte {}", error.valid_up_to()),
        }))
    }
}
