//! A file replayed as its kind asks for, with what a person wants to see of it.

use std::fs;
use std::path::Path;

use chat_proto::{Client, Event};

use super::{against_log, exact, foreign};
use crate::compare::{Differences, Log};
use crate::session_file::{Damage, open};
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
/// one folder up says what may differ, with the folder's name as the scenario. What stands before a damaged line is
/// replayed all the same.
///
/// # Errors
/// The file cannot be read at all.
pub fn replay_file(path: &Path) -> Result<Verdict, Damage> {
    let opened = open(path)?;
    let (session, mut verdict) = (opened.session, Verdict::default());
    if opened.damage.is_none() && !session.ended && !session.is_wire() {
        let text = "the recording does not tell its end: its last moments may be missing";
        verdict.notes.push(text.to_owned());
    }
    verdict.problems.extend(opened.damage.map(|damage| damage.to_string()));
    if !session.is_wire() {
        match exact::<Client>(&session) {
            Ok(done) => {
                verdict.notes.push(format!("{} inputs, {} outputs as recorded", done.inputs, done.outputs));
            }
            Err(mismatch) => verdict.problems.push(mismatch.to_string()),
        }
        verdict.timelines.push((session.header.origin.to_string(), Timeline::new(&session)));
        return Ok(verdict);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let known = differences(folder).unwrap_or_else(|problem| {
        verdict.problems.push(problem);
        Differences::default()
    });
    let scenario = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for person in foreign(&session) {
        let who = &person.identity;
        let count = format!("{who}: {} calls made, {} events told", person.calls, person.events.len());
        verdict.notes.push(count);
        verdict
            .notes
            .extend(person.unanswered.iter().map(|asked| format!("{who}: not in the recording: {asked}")));
        verdict
            .notes
            .extend(person.not_called.iter().map(|asked| format!("{who}: no call of ours asks {asked}")));
        if let Ok(log) = fs::read_to_string(folder.join(format!("log.{who}.jsonl"))) {
            match Log::parse(&log) {
                Err(error) => verdict.problems.push(format!("log.{who}.jsonl: {error}")),
                Ok(log) => {
                    let events: Vec<&Event> = person.events.iter().map(|(_, event)| event).collect();
                    let (unexplained, unused) = known.settle(&scenario, who, against_log(who, &log, &events));
                    for line in unexplained {
                        let text =
                            format!("{who}: step {:?}, only {:?}: {}", line.step, line.side, line.line);
                        verdict.problems.push(text);
                    }
                    for entry in unused {
                        let text = format!(
                            "{who}: step {:?}: listed, but no difference: {}",
                            entry.step, entry.line
                        );
                        verdict.problems.push(text);
                    }
                }
            }
        }
        // What our client did there is a session like any other.
        if let Some(Err(mismatch)) = person.session.as_ref().map(exact::<Client>) {
            verdict.problems.push(format!("{who}: our client does not repeat itself: {mismatch}"));
        }
        let timeline = person.session.as_ref().map(Timeline::new);
        verdict.timelines.extend(timeline.map(|timeline| (person.identity, timeline)));
    }
    Ok(verdict)
}

fn differences(folder: &Path) -> Result<Differences, String> {
    let places = [folder.join("differences.json"), folder.join("../differences.json")];
    let Some(path) = places.iter().find(|path| path.exists()) else { return Ok(Differences::default()) };
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Differences::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}
