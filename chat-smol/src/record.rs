//! A file that gets all that goes into the core and comes out of it ([`Options::record`](crate::Options::record)).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use chat_proto::session::{ClientHeader, Encoder, Header, What};
use chat_proto::{Record, Time};

use crate::log::Log;

/// A session file that is being written, line by line; what a crash loses is at most the line that was being written.
pub(crate) struct Tape {
    file: Option<File>,
    encoder: Encoder,
    log: Log,
}

impl Tape {
    /// Begins a file with what the core is about to be made of.
    pub(crate) fn create(path: &Path, client: ClientHeader, log: Log) -> io::Result<Self> {
        let mut tape = Self { file: Some(File::create(path)?), encoder: Encoder::new(), log };
        let line = tape.encoder.header(&Header::new("chat-smol", [client]));
        tape.write(line);
        Ok(tape)
    }

    pub(crate) fn add(&mut self, now: Time, record: Record) {
        if self.file.is_some() {
            let line = self.encoder.entry(now, 0, What::Record(record));
            self.write(line);
        }
    }

    /// One write for a line. A full disk ends the recording, not the client.
    fn write(&mut self, mut line: String) {
        line.push('\n');
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(line.as_bytes()) {
            self.log.error(format_args!("the recording ends here: {error}"));
            self.file = None;
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        if self.file.is_some() {
            let line = self.encoder.end();
            self.write(line);
        }
    }
}
