//! The core alone: what our client was told in a run, told again to a core in this process, without a socket.

use std::path::Path;
use std::time::Duration;

use chat_proto::session::What;
use chat_proto::{Client, InputRecord, Record};
use chat_testkit::session_file::{self, Entry};
use nix::time::{ClockId, clock_gettime};

use crate::Outcome;
use crate::service::said;

/// How often it is told again.
const ROUNDS: usize = 9;

/// Processor time of the core from the first frame that holds `from` (the first record, without it) to the end: the
/// median of some rounds.
pub(crate) fn replay(file: &Path, from: Option<&str>) -> Outcome<Duration> {
    let session = session_file::open(file)?.session;
    let header = session.header.clients.first().ok_or("the session has no client")?;
    let begins = |entry: &Entry| match (&entry.what, from) {
        (_, None) => true,
        (What::Record(Record::Input(InputRecord::Frame(_, frame))), Some(from)) => {
            let bytes = match frame {
                chat_proto::FrameRecord::Binary(bytes) => bytes,
                chat_proto::FrameRecord::Text(text) => text.as_bytes(),
            };
            bytes.windows(from.len()).any(|part| part == from.as_bytes())
        }
        _ => false,
    };
    let start =
        session.entries.iter().position(begins).ok_or_else(|| said(format!("no {from:?} in the session")))?;
    let (before, measured) = session.entries.split_at(start);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut client =
            Client::new(header.config.clone(), header.stand_in.clone(), &header.seed, header.start);
        before.iter().for_each(|entry| tell(&mut client, entry));
        let begun = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
        measured.iter().for_each(|entry| tell(&mut client, entry));
        let ended = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
        times.push(Duration::from(ended).saturating_sub(Duration::from(begun)));
    }
    times.sort();
    times.get(ROUNDS / 2).copied().ok_or_else(|| said("no rounds"))
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
