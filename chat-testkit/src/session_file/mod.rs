//! Session files: what went into clients and came out of them, or what was seen on their wires, line by line.
//!
//! The first line is a [`Header`], every other an [`Entry`], the last says that nothing is missing. JSON, one value a
//! line; `n` is the line's number. [`chat_proto::session`] has the types and takes the secrets out (law 10).
//!
//! ```text
//! {"n":1,"format":"chat-session","version":1,"dialect":"list","origin":"a stage","clients":[{"identity":"alice",…}]}
//! {"n":2,"at":1000,"client":0,"record":{"Command":{"Open":{"link":1,"url":"ws://service.test/v3/wsconnect"}}}}
//! {"n":3,"end":true}
//! ```
//!
//! A wire that was recorded from outside has lines like `{"n":2,"at":5,"conn":1,"wire":"Opened"}` and no clients.

mod plain;
mod read;
mod write;

use chat_proto::Time;
pub use chat_proto::session::{ClientHeader, Header, What, Wire};

pub use plain::{from_plain, identity};
pub use read::{Damage, Opened, open, parse};
pub use write::Writer;

use crate::world;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// When, on the clock of the client or of what recorded the wire.
    pub at: Time,
    /// Which client, or which connection of a recorded wire.
    pub who: usize,
    /// What.
    pub what: What,
}

/// A session, as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionFile {
    /// What the first line tells.
    pub header: Header,
    /// What happened, in the order of the file.
    pub entries: Vec<Entry>,
    /// Whether the recording ended in peace; without that the last moments may be missing.
    pub ended: bool,
}

impl SessionFile {
    /// A session that is at hand and not in a file: lines count as if it was.
    pub fn new(header: Header, entries: impl IntoIterator<Item = (Time, usize, What)>) -> Self {
        let numbered = entries.into_iter().zip(2..);
        let entries = numbered.map(|((at, who, what), line)| Entry { line, at, who, what }).collect();
        Self { header, entries, ended: true }
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::new();
        let result = (|| {
            let mut writer = Writer::new(&mut bytes, &self.header)?;
            for entry in &self.entries {
                writer.entry(entry.at, entry.who, entry.what.clone())?;
            }
            if self.ended { writer.finish() } else { Ok(()) }
        })();
        debug_assert!(result.is_ok(), "memory can be written to");
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Whether this was seen from outside: frames only, and no clients.
    pub fn is_wire(&self) -> bool {
        self.header.clients.is_empty()
    }

    /// Whether it was read from the plain form, which tools of any make write: no header, and a frame of a client may be
    /// two entries.
    pub fn is_plain(&self) -> bool {
        self.is_wire() && &*self.header.origin == plain::ORIGIN
    }

    /// What a client is called: its identity, else its place.
    pub fn name(&self, client: usize) -> String {
        let known = self.header.clients.get(client).and_then(|client| client.identity.as_ref());
        known.map_or_else(|| format!("#{client}"), |identity| identity.as_str().to_owned())
    }
}

impl From<&world::Session> for SessionFile {
    fn from(session: &world::Session) -> Self {
        let clients = session.clients.iter().map(|of| {
            let header = ClientHeader::new(&of.config, &of.token, &of.seed, of.start);
            match &of.resumed {
                Some(resumed) => header.resumed(resumed.saved.clone()),
                None => header,
            }
        });
        let mut lines = Vec::new();
        let mut notes = session.notes.iter().peekable();
        for (n, entry) in session.entries.iter().enumerate() {
            while let Some(note) = notes.next_if(|note| note.entries <= n) {
                lines.push((note.at, note.client, What::Note(note.text.clone())));
            }
            lines.push((entry.at, entry.client, What::Record(entry.record.clone())));
        }
        lines.extend(notes.map(|note| (note.at, note.client, What::Note(note.text.clone()))));
        let mut file = Self::new(Header::new("a simulated world", clients), lines);
        // What waited in a client that was lost, or in a world that broke a law, never came out.
        file.ended = if session.recorded { session.ended } else { session.is_whole() };
        file
    }
}

#[cfg(test)]
mod tests;
