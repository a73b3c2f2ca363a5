//! The laws on session files: what a client did is held against them like a world.

mod plant;
mod secret;
mod session;

use std::fmt;

use chat_proto::{Call, Record, Time};

use self::session::Recorded;
use super::told::told;
use super::{
    Violation, answered_once, any_order, deadline_is_honest, keeps_secrets, repeats_itself, stale_is_silent,
    stays_bounded, survives_loss, survives_storage, ticks_are_harmless,
};
use crate::replay::foreign;
use crate::session_file::SessionFile;
use crate::world::{Core, Session};

/// What can be said of a law and a session file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The law's number.
    pub law: u8,
    /// How it was judged.
    pub verdict: Judged,
}

/// How a law was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It holds.
    Held,
    /// What of it can be judged holds, and this cannot be judged from such a file.
    HeldInPart(String),
    /// It is broken.
    Broken(Breach),
}

/// Where a law is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The line of the file; `None` at the end, and for a client of ours that stands in the place of a recorded one.
    pub line: Option<u64>,
    /// When, if it is known.
    pub at: Option<Time>,
    /// Whose client.
    pub client: String,
    /// What happened, and what should have.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.at) {
            (Some(line), _) => write!(f, "line {line}: ")?,
            (None, Some(at)) => write!(f, "at {} ms: ", at.as_millis())?,
            (None, None) => f.write_str("at the end: ")?,
        }
        write!(f, "{}: {}", self.client, self.what)
    }
}

/// Holds a session file against the eleven laws, one judgement for each. `C` is the client that is made anew from it, or
/// one that is deliberately wrong; `seed` decides where it is probed.
///
/// - Of a session that was recorded from inside the client is led again through what it was told, with planted secrets in
///   the place of those that were starred out. That decides laws 1 to 4 and 6 to 10.
/// - Law 5 is read from the session. A client that nobody shut down may have answered after the last line, so calls that
///   wait then are not held against it.
/// - Of law 11 a file shows what was told: each message once and in order, and no event that contradicts those before it.
///   Whether that is all there was only the service knows: worlds judge that.
/// - A recorded wire has no client to be judged: the client of ours that takes the place of each recorded one is.
pub fn judge<C: Core>(file: &SessionFile, seed: u64) -> Vec<Judgement> {
    let mut judgements = if file.is_wire() { wire::<C>(file, seed) } else { own::<C>(file, seed, true) };
    let tenth = judgements.iter_mut().find(|judgement| judgement.law == 10);
    if let (Some(breach), Some(tenth)) = (secret::find(file), tenth) {
        // Other tools write the plain form too, and our laws are not theirs.
        tenth.verdict = match (file.is_plain(), &tenth.verdict) {
            (true, Judged::Held) => Judged::HeldInPart(format!("what made the file: {breach}")),
            (true, other) => other.clone(),
            (false, _) => Judged::Broken(breach),
        };
    }
    judgements
}

/// The worst of what is said of each law.
fn wire<C: Core>(file: &SessionFile, seed: u64) -> Vec<Judgement> {
    let sessions = foreign(file).into_iter().filter_map(|person| person.session);
    let nobody = || {
        (1..=11).map(|law| {
            let verdict = Judged::HeldInPart("all of it: no connection says whose it is".into());
            Judgement { law, verdict }
        })
    };
    sessions
        .map(|session| own::<C>(&session, seed, false))
        .reduce(|all, more| all.into_iter().zip(more).map(|(one, other)| worse(one, other)).collect())
        .unwrap_or_else(|| nobody().collect())
}

fn worse(one: Judgement, other: Judgement) -> Judgement {
    let rank = |judgement: &Judgement| match judgement.verdict {
        Judged::Held => 0,
        Judged::HeldInPart(_) => 1,
        Judged::Broken(_) => 2,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// `lines` says whether the entries have lines that a person can look up.
fn own<C: Core>(file: &SessionFile, seed: u64, lines: bool) -> Vec<Judgement> {
    let recorded = session::of::<C>(file);
    let session = &recorded.session;
    let place = |violation: Violation| {
        let entry = session.entries.get(violation.step);
        let line = recorded.lines.get(violation.step).copied().filter(|_| lines);
        Breach {
            line,
            at: entry.map(|entry| entry.at),
            client: file.name(violation.client),
            what: violation.what,
        }
    };
    let mut judgements = Vec::new();
    let mut add = |law, result: Result<(), Violation>, missing: Option<String>| {
        let verdict = match (result, missing) {
            (Err(violation), _) => Judged::Broken(place(violation)),
            (Ok(()), Some(missing)) => Judged::HeldInPart(missing),
            (Ok(()), None) => Judged::Held,
        };
        judgements.push(Judgement { law, verdict });
    };
    add(1, any_order::<C>(session, seed), over_the_mark(session, file));
    add(2, ticks_are_harmless::<C>(session, seed), None);
    add(3, stale_is_silent::<C>(session, seed), None);
    add(4, deadline_is_honest::<C>(session, seed), None);
    add(5, answered_once(session, session.entries.len()), owing(session, file));
    add(6, repeats_itself::<C>(session), None);
    add(7, survives_loss::<C>(session, seed).and_then(|()| resumable::<C>(session)), None);
    add(8, stays_bounded::<C>(session, seed), None);
    add(9, survives_storage(session), None);
    add(10, keeps_secrets::<C>(session, seed), None);
    let untold = "whether the lists end as the service's: that is not in a file".to_owned();
    add(11, super::messages::told_in_order(session).and_then(|()| consistent::<C>(&recorded)), Some(untold));
    judgements
}

/// Clients of which law 1 does not speak.
fn over_the_mark(session: &Session, file: &SessionFile) -> Option<String> {
    let events =
        |client: usize| session.of(client).filter(|entry| matches!(entry.record, Record::Event(_))).count();
    let clients = session.clients.iter().enumerate();
    let over = clients.filter(|(client, origin)| events(*client) >= origin.config.limits.events);
    let over: Vec<String> = over.map(|(client, _)| file.name(client)).collect();
    (!over.is_empty()).then(|| format!("{}: more events than its queue holds, by design", over.join(", ")))
}

/// Calls that wait at the end, of clients that nobody shut down.
fn owing(session: &Session, file: &SessionFile) -> Option<String> {
    let mut owing = Vec::new();
    for client in 0..session.clients.len() {
        let waiting = session.waiting(client);
        if !waiting.is_empty() && !session.crashed.contains(&client) {
            owing.push(format!("{} of {}", waiting.len(), file.name(client)));
        }
    }
    (!owing.is_empty()).then(|| format!("calls that wait at the end of the recording: {}", owing.join(", ")))
}

/// That every client that went on from a save can.
fn resumable<C: Core>(session: &Session) -> Result<(), Violation> {
    for (client, origin) in session.clients.iter().enumerate() {
        if let Err(error) = origin.client::<C>() {
            return Err(Violation::new(7, client, 0, format!("its save is refused: {error}")));
        }
    }
    Ok(())
}

/// That no event contradicts those before it.
fn consistent<C: Core>(recorded: &Recorded) -> Result<(), Violation> {
    let session = &recorded.session;
    for client in 0..session.clients.len() {
        // What an app was told by a life that is not in the file is not known.
        if session.has_unknown_past(client) {
            continue;
        }
        let is_shutdown = |record: &Record| {
            let Record::Call { call, .. } = record else { return false };
            matches!(**call, Call::Shutdown { .. })
        };
        let mut entries = session.entries.iter();
        let end = entries.position(|entry| entry.client == client && is_shutdown(&entry.record));
        told::<C>(session, client, end.unwrap_or(session.entries.len()), None)?;
    }
    Ok(())
}
