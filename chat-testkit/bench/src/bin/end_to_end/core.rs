//! The core alone: what our client was told in a run, told again to a core in this process, without a socket.

use std::path::Path;
use std::time::Duration;

use chat_proto::session::{ClientHeader, What};
use chat_proto::{Call, Client, FrameRecord, InputRecord, Record};
use chat_testkit::session_file::{self, Entry};
use nix::time::{ClockId, clock_gettime};

use crate::Outcome;
use crate::service::said;

/// How often it is told again.
const ROUNDS: usize = 9;

/// A session of our client, recorded by the adapter.
pub(crate) struct Session {
    header: ClientHeader,
    entries: Vec<Entry>,
}

impl Session {
    pub(crate) fn open(file: &Path) -> Outcome<Self> {
        let session = session_file::open(file)?.session;
        let header = session.header.clients.into_iter().next().ok_or("the session has no client")?;
        Ok(Self { header, entries: session.entries })
    }

    /// The same, without its end.
    pub(crate) fn until_shutdown(mut self) -> Self {
        let is_end = |entry: &Entry| matches!(&entry.what, What::Record(Record::Call { call, .. }) if matches!(**call, Call::Shutdown { .. }));
        let end = self.entries.iter().position(is_end).unwrap_or(self.entries.len());
        self.entries.truncate(end);
        self
    }

    /// A core that was told all of it.
    pub(crate) fn play(&self) -> Client {
        let mut client = self.begin();
        self.entries.iter().for_each(|entry| tell(&mut client, entry));
        client
    }

    fn begin(&self) -> Client {
        let ClientHeader { config, stand_in, seed, start, .. } = &self.header;
        Client::new(config.clone(), stand_in.clone(), seed, *start)
    }

    /// Processor time of the core from the first frame that holds `from` (an empty text: from its beginning) to the
    /// end: the median of some rounds.
    pub(crate) fn cost(&self, from: &str) -> Outcome<Duration> {
        let begins = |entry: &Entry| match &entry.what {
            _ if from.is_empty() => true,
            What::Record(Record::Input(InputRecord::Frame(_, frame))) => {
                let bytes = match frame {
                    FrameRecord::Binary(bytes) => bytes,
                    FrameRecord::Text(text) => text.as_bytes(),
                };
                bytes.windows(from.len()).any(|part| part == from.as_bytes())
            }
            _ => false,
        };
        let start =
            self.entries.iter().position(begins).ok_or_else(|| said(format!("no frame with {from:?}")))?;
        let (before, measured) = self.entries.split_at(start);
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let mut client = self.begin();
            before.iter().for_each(|entry| tell(&mut client, entry));
            let begun = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
            measured.iter().for_each(|entry| tell(&mut client, entry));
            let ended = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
            times.push(Duration::from(ended).saturating_sub(Duration::from(begun)));
        }
        times.sort();
        times.get(ROUNDS / 2).copied().ok_or_else(|| said("no rounds"))
    }
}

/// Tells the core what it was told, and takes what it says.
fn tell(client: &mut Client, entry: &Entry) {
    let What::Record(record) = &entry.what else { return };
    match record {
        Record::Input(input) => client.handle(entry.at, input.as_input()),
        Record::Call { call, options, .. } => drop(client.call(entry.at, (**call).clone(), *options)),
        Record::Cancel(id) => drop(client.cancel(entry.at, *id)),
        // Said by it, not to it.
        _ => return,
    }
    while client.poll_command().is_some() {}
    while client.poll_event().is_some() {}
}
