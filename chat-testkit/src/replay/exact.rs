use std::collections::BTreeMap;
use std::fmt;

use chat_proto::session::{What, redacted_record};
use chat_proto::{CallError, CallId, Cancel, Event, Record, Refused};

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
pub fn exact<C: Core>(session: &SessionFile) -> Result<Exact, Box<Mismatch>> {
    let mut clients = Vec::new();
    for (who, of) in session.header.clients.iter().enumerate() {
        let (config, token) = (of.config.clone(), of.stand_in.clone());
        clients.push(match &of.saved {
            None => C::new(config, token, &of.seed, of.start),
            Some(saved) => match C::resume(config, token, &of.seed, of.start, saved.clone()) {
                Ok(client) => client,
                Err(error) => {
                    let (client, replayed) = (session.name(who), Some(error.to_string()));
                    let recorded = Some("a resumed client".to_owned());
                    return Err(Box::new(Mismatch { line: 1, client, recorded, replayed }));
                }
            },
        });
    }
    let mut done = Exact::default();
    // What `cancel` returned, until the answer comes.
    let mut cancelled: BTreeMap<(usize, CallId), bool> = BTreeMap::new();
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
            Record::Call { call, options, .. } => {
                let result = client.call(entry.at, (**call).clone(), *options);
                if let Some((recorded, replayed)) = taken_otherwise(record, &result) {
                    return Err(mismatch(Some(recorded), Some(replayed)));
                }
            }
            Record::Cancel(id) => {
                let withdrawn = client.cancel(entry.at, *id) == Cancel::Cancelled;
                *cancelled.entry((entry.who, *id)).or_default() |= withdrawn;
            }
            Record::Command(_) | Record::Event(_) => {
                let replayed = match record {
                    Record::Command(_) => client.poll_command().map(Record::from),
                    _ => client.poll_event().map(Record::from),
                };
                // What `cancel` returned is not in a file, but the answer says it.
                if let Record::Event(Event::Answer { call, result }) = record
                    && let Some(withdrawn) = cancelled.remove(&(entry.who, *call))
                    && withdrawn != matches!(result, Err(CallError::Cancelled))
                {
                    let replayed = if withdrawn { "cancelled" } else { "too late to cancel" };
                    return Err(mismatch(
                        Some(format!("{call} ends with {result:?}")),
                        Some(replayed.into()),
                    ));
                }
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

/// How a call was taken then and is now, if that is not the same. Old records do not say why a call was refused.
pub(crate) fn taken_otherwise(then: &Record, now: &Result<CallId, Refused>) -> Option<(String, String)> {
    let Record::Call { id, refused, .. } = then else { return None };
    let then = match id {
        Some(id) => id.to_string(),
        None => refused.map_or_else(|| "refused".into(), |reason| format!("refused: {reason}")),
    };
    let now = match now {
        Ok(id) => id.to_string(),
        Err(_) if id.is_none() && refused.is_none() => "refused".into(),
        Err(refused) => refused.to_string(),
    };
    (then != now).then_some((then, now))
}
