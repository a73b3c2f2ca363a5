use std::io::{self, Write};

use chat_proto::Time;
use chat_proto::session::{Encoder, Header, What};

/// Writes a session file, each line at once, so that a crash loses nothing. Dropped without
/// [`finish`](Self::finish) it leaves a file that says so.
#[derive(Debug)]
pub struct Writer<W: Write> {
    to: W,
    encoder: Encoder,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(to: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { to, encoder: Encoder::new() };
        let line = writer.encoder.header(header);
        writer.line(line)?;
        Ok(writer)
    }

    /// Adds what happened to a client or on a connection.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn entry(&mut self, at: Time, who: usize, what: What) -> io::Result<()> {
        let line = self.encoder.entry(at, who, what);
        self.line(line)
    }

    /// Says that nothing is missing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        let line = self.encoder.end();
        self.line(line)
    }

    /// One write for a line: a crash in between leaves a part of the last line at most.
    fn line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.to.write_all(line.as_bytes())?;
        self.to.flush()
    }
}
