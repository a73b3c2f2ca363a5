use std::fmt;

use chat_proto::session::{What, redacted_record};
use chat_proto::{Client, Record};

use crate::session_file::SessionFile;
use crate::world::Core;

/// A replay that went as recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exact {
    /// How much was told to the clients.
    pub inputs: usize,
    /// How many commands and events were compared.
    pub outputs: usize,
}

/// Where a replay went another way than the recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch {
    /// The line of the file; 0 for what came after the last one.
    pub line: u64,
    /// Whose.
    pub client: String,
    /// What the file has, if it has anything there.
    pub recorded: Option<String>,
    /// What the client did, if it did anything.
    pub replayed: Option<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.line == 0 { "after the last line".into() } else { format!("line {}", self.line) };
        writeln!(f, "{place}: {} does something else than recorded", self.client)?;
        let (recorded, replayed) = (self.recorded.as_deref(), self.replayed.as_deref());
        let (recorded, replayed) = (recorded.unwrap_or("nothing"), replayed.unwrap_or("nothing"));
        let same = recorded.chars().zip(replayed.chars()).take_while(|(a, b)| a == b).count();
        writeln!(f, "  recorded: {}", Around(recorded, same))?;
        write!(f, "  replayed: {}", Around(replayed, same))
    }
}

/// How many characters of a long text are shown in front of the place where two of them part, and how many behind it.
const SHOWN: (usize, usize) = (120, 120);

/// A long text around a place.
struct Around<'a>(&'a str, usize);

impl fmt::Display for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, place) = *self;
        let (begin, length) = (place.saturating_sub(SHOWN.0), text.chars().count());
        let end = place.saturating_add(SHOWN.1);
        // Short ones are shown as they are, and the beginning tells what it is at all.
        let head: String = text.chars().take(40).collect();
        match (begin > 40, end < length) {
            (false, false) => f.write_str(text),
            (false, true) => write!(f, "{}…", text.chars().take(end).collect::<String>()),
            (true, cut) => {
                let part: String = text.chars().skip(begin).take(end - begin).collect();
                write!(f, "{head}…{part}{}", if cut { "…" } else { "" })
            }
        }
    }
}

/// Replays a session that was recorded from inside. `C` is the client, or one that is deliberately wrong.
///
/// # Errors
/// The first thing that went otherwise.
pub fn exact<C: Core + From<Client>>(session: &SessionFile) -> Result<Exact, Box<Mismatch>> {
    let mut clients = Vec::new();
    for (who, of) in session.header.clients.iter().enumerate() {
        let (config, token) = (of.config.clone(), of.stand_in.clone());
        clients.push(match &of.saved {
            None => C::new(config, token, &of.seed, of.start),
            Some(saved) => match Client::resume(config, token, &of.seed, of.start, saved.clone()) {
                Ok(client) => C::from(client),
                Err(error) => {
                    let (client, replayed) = (session.name(who), Some(error.to_string()));
                    let recorded = Some("a resumed client".to_owned());
                    return Err(Box::new(Mismatch { line: 1, client, recorded, replayed }));
                }
            },
        });
    }
    let mut done = Exact::default();
    for entry in &session.entries {
        let (What::Record(record), Some(client)) = (&entry.what, clients.get_mut(entry.who)) else {
            continue;
        };
        let mismatch = |recorded: Option<String>, replayed: Option<String>| {
            let client = session.name(entry.who);
            Box::new(Mismatch { line: entry.line, client, recorded, replayed })
        };
        match record {
            Record::Input(input) => client.handle(entry.at, input.as_input()),
            Record::Call { id, call, options } => {
                let replayed = client.call(entry.at, (**call).clone(), *options).ok();
                if replayed != *id {
                    let shown = |id: Option<chat_proto::CallId>| {
                        Some(id.map_or("refused".into(), |id| id.to_string()))
                    };
                    return Err(mismatch(shown(*id), shown(replayed)));
                }
            }
            Record::Cancel(id) => drop(client.cancel(entry.at, *id)),
            Record::Command(_) | Record::Event(_) => {
                let replayed = match record {
                    Record::Command(_) => client.poll_command().map(Record::from),
                    _ => client.poll_event().map(Record::from),
                };
                let (recorded, replayed) = (redacted_record(record.clone()), replayed.map(redacted_record));
                if replayed.as_ref() != Some(&recorded) {
                    return Err(mismatch(Some(recorded), replayed));
                }
                done.outputs += 1;
                continue;
            }
            _ => continue,
        }
        done.inputs += 1;
    }
    if session.ended {
        for (who, client) in clients.iter_mut().enumerate() {
            let left =
                client.poll_command().map(Record::from).or_else(|| client.poll_event().map(Record::from));
            if let Some(left) = left {
                let (client, replayed) = (session.name(who), Some(redacted_record(left)));
                return Err(Box::new(Mismatch { line: 0, client, recorded: None, replayed }));
            }
        }
    }
    Ok(done)
}
