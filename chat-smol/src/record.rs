//! The core, and a file that gets all that goes into it and comes out of it ([`Options::record`](crate::Options::record)).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use chat_proto::session::{ClientHeader, Encoder, Header, What};
use chat_proto::{
    Call, CallId, CallOptions, Cancel, Client, Command, Config, Deadline, Event, Input, Record, Refused,
    Seed, State, Stats, Time, Token,
};

use crate::log::Log;

/// A session file that is being written, line by line; what a crash loses is at most the line that was being written.
pub(crate) struct Tape {
    file: Option<File>,
    encoder: Encoder,
    log: Log,
}

impl Tape {
    pub(crate) fn create(path: &Path, log: Log) -> io::Result<Self> {
        Ok(Self { file: Some(File::create(path)?), encoder: Encoder::new(), log })
    }

    fn begin(&mut self, config: &Config, token: &Token, seed: &Seed, now: Time) {
        let client = ClientHeader::new(config, token, seed, now);
        let line = self.encoder.header(&Header::new("chat-smol", [client]));
        self.write(line);
    }

    fn add(&mut self, now: Time, record: Record) {
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

/// The core with its tape, if there is one.
pub(crate) struct Core {
    client: Client,
    tape: Option<Tape>,
}

impl Core {
    pub(crate) fn new(config: Config, token: Token, seed: &Seed, now: Time, mut tape: Option<Tape>) -> Self {
        if let Some(tape) = &mut tape {
            tape.begin(&config, &token, seed, now);
        }
        Self { client: Client::new(config, token, seed, now), tape }
    }

    pub(crate) fn handle(&mut self, now: Time, input: Input<'_>) {
        if let Some(tape) = &mut self.tape {
            tape.add(now, Record::from(&input));
        }
        self.client.handle(now, input);
    }

    pub(crate) fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        let Some(tape) = &mut self.tape else { return self.client.call(now, call, options) };
        let asked = Box::new(call.clone());
        let id = self.client.call(now, call, options);
        tape.add(now, Record::Call { id: id.as_ref().ok().copied(), call: asked, options });
        id
    }

    pub(crate) fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
        if let Some(tape) = &mut self.tape {
            tape.add(now, Record::Cancel(id));
        }
        self.client.cancel(now, id)
    }

    pub(crate) fn poll_event(&mut self, now: Time) -> Option<Event> {
        let event = self.client.poll_event()?;
        if let Some(tape) = &mut self.tape {
            tape.add(now, event.clone().into());
        }
        Some(event)
    }

    pub(crate) fn poll_command(&mut self, now: Time) -> Option<Command> {
        let command = self.client.poll_command()?;
        if let Some(tape) = &mut self.tape {
            tape.add(now, command.clone().into());
        }
        Some(command)
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.client.deadline()
    }

    pub(crate) fn state(&self) -> &State {
        self.client.state()
    }

    pub(crate) fn stats(&self) -> &Stats {
        self.client.stats()
    }
}
