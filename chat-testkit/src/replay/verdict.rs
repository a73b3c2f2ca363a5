//! A file replayed as its kind asks for, with what a person wants to see of it.

use std::path::Path;

use chat_proto::{Client, Event};

use super::beside::Beside;
use super::foreign::unclaimed;
use super::{Foreign, exact, foreign};
use crate::session_file::{Damage, SessionFile, open};
use crate::timeline::Timeline;

/// What a replay of a file gave.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// What happened, for each client of a recorded wire by itself.
    pub timelines: Vec<(String, Timeline)>,
    /// Why it did not pass.
    pub problems: Vec<String>,
    /// What is good to know: how much was compared, what the recording could not answer.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Replays a session file exactly, or recorded frames with our client in the place of the recorded one.
///
/// Logs `log.NAME.jsonl` beside recorded frames are compared with what our clients tell; `differences.json` beside them or
/// one folder up says what may differ, with the folder's name as the scenario. A log of nobody in the recording does not
/// pass, nor does an entry for somebody or some folder that is not there, nor a file in which there is nothing to replay.
/// What stands before a damaged line is replayed all the same. A file that ends between two lines passes with a note that
/// its end is missing: nothing in it is wrong.
///
/// # Errors
/// The file cannot be read at all.
pub fn replay_file(path: &Path) -> Result<Verdict, Damage> {
    let opened = open(path)?;
    let (session, mut verdict) = (opened.session, Verdict::default());
    if opened.damage.is_none() && !session.ended {
        let line = session.entries.last().map_or(1, |entry| entry.line);
        let text = "the recording does not tell its end: its last moments may be missing";
        verdict.notes.push(format!("after line {line}: {text}"));
    }
    verdict.problems.extend(opened.damage.map(|damage| damage.to_string()));
    if session.is_wire() {
        wire(path, &session, &mut verdict);
        return Ok(verdict);
    }
    match exact::<Client>(&session) {
        Ok(done) if done.inputs + done.outputs == 0 => {
            verdict.problems.push("nothing was replayed: nothing happens in it".into());
        }
        Ok(done) => {
            verdict.notes.push(format!("{} inputs, {} outputs as recorded", done.inputs, done.outputs));
        }
        Err(mismatch) => verdict.problems.push(mismatch.to_string()),
    }
    verdict.timelines.push((session.header.origin.to_string(), Timeline::new(&session)));
    Ok(verdict)
}

fn wire(path: &Path, session: &SessionFile, verdict: &mut Verdict) {
    let (beside, problems) = Beside::of(path);
    verdict.problems.extend(problems);
    let people = foreign(session);
    if people.is_empty() {
        let why = if session.entries.is_empty() {
            "nothing happens in it"
        } else {
            "no connection says whose it is"
        };
        verdict.problems.push(format!("nothing was replayed: {why}"));
    }
    for (connection, frames) in unclaimed(session) {
        let text = format!("connection {connection}: not replayed: nothing says whose it is");
        // One that was cut before its first frame has nothing to be replayed.
        if frames == 0 { verdict.notes.push(text) } else { verdict.problems.push(text) }
    }
    let names: Vec<&str> = people.iter().map(|person| person.identity.as_str()).collect();
    verdict.problems.extend(beside.left_over(&names));
    for person in people {
        told(&person, verdict);
        let events: Vec<&Event> = person.events.iter().map(|(_, event)| event).collect();
        verdict.problems.extend(beside.differs(&person.identity, &events));
        // What our client did there is a session like any other.
        if let Some(Err(mismatch)) = person.session.as_ref().map(exact::<Client>) {
            let problem = format!("{}: our client does not repeat itself: {mismatch}", person.identity);
            verdict.problems.push(problem);
        }
        let timeline = person.session.as_ref().map(Timeline::new);
        verdict.timelines.extend(timeline.map(|timeline| (person.identity, timeline)));
    }
}

/// How much was replayed, and what could not be.
fn told(person: &Foreign, verdict: &mut Verdict) {
    let who = &person.identity;
    let count = format!("{who}: {} calls made, {} events told", person.calls, person.events.len());
    verdict.notes.push(count);
    let unanswered = person.unanswered.iter().map(|asked| format!("{who}: not in the recording: {asked}"));
    verdict.notes.extend(unanswered);
    let not_called = person.not_called.iter().map(|asked| format!("{who}: no call of ours asks {asked}"));
    verdict.notes.extend(not_called);
}
