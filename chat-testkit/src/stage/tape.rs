//! All that went into the clients of a stage and came out of them.

use chat_proto::session::{ClientHeader, Header, What};
use chat_proto::{Call, CallId, CallOptions, Record, Refused, Time};

use super::{Stage, Who};
use crate::session_file::SessionFile;

#[derive(Debug, Default)]
pub(super) struct Tape {
    clients: Vec<ClientHeader>,
    lines: Vec<(Time, usize, What)>,
}

impl Tape {
    /// A client begins, or resumes from a save: a client of its own, as the file has it.
    pub(super) fn begin(&mut self, client: ClientHeader) -> usize {
        self.clients.push(client);
        self.clients.len() - 1
    }

    pub(super) fn add(&mut self, at: Time, seat: usize, record: Record) {
        self.lines.push((at, seat, What::Record(record)));
    }

    pub(super) fn call(
        &mut self,
        at: Time,
        seat: usize,
        result: &Result<CallId, Refused>,
        call: Call,
        options: CallOptions,
    ) {
        self.add(at, seat, Record::call(call, options, result));
    }
}

impl Stage {
    /// All that went into the clients and came out of them so far, as a session file has it.
    pub fn session(&self, origin: &str) -> SessionFile {
        SessionFile::new(Header::new(origin, self.tape.clients.clone()), self.tape.lines.clone())
    }

    /// A remark for whoever reads the session.
    ///
    /// # Panics
    /// `who` is of another stage.
    pub fn note(&mut self, who: Who, text: &str) {
        self.tape.lines.push((self.now, self.people[who.0].seat, What::Note(text.into())));
    }
}
