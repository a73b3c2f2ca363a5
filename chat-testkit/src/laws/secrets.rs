use std::fmt::Write;

use chat_proto::{Event, Record, Reply};
use regex::Regex;

use super::Violation;
use super::replay::{Replay, probe};
use crate::session_file::SessionFile;
use crate::world::{Core, PLANTED, Session};

/// Law 10: access tokens, continuation tokens, push registration ids and temporary addresses appear in no `Debug`, no
/// `Display`, no session file and no save. Worlds plant a text in the first and the third; the others are taken from
/// what the clients were given.
///
/// # Errors
///
/// The first place at which a secret shows.
pub fn keeps_secrets<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    let Some(secrets) = secrets(session) else { return Ok(()) };
    let shows = |text: &str| secrets.is_match(text);
    let mut said = String::new();
    for (step, entry) in session.entries.iter().enumerate() {
        said.clear();
        // Writing into a text does not fail.
        let _ = write!(said, "{:?}", entry.record);
        match &entry.record {
            Record::Event(Event::Answer { result: Err(error), .. }) => drop(write!(said, "{error}")),
            Record::Event(Event::ConnectionError(error)) => drop(write!(said, "{error}")),
            Record::Event(Event::Fault(fault)) => drop(write!(said, "{fault}")),
            _ => {}
        }
        if shows(&said) {
            let what = "a secret shows in what it says".to_owned();
            return Err(Violation::new(10, entry.client, step, what));
        }
    }
    for (client, origin) in session.clients.iter().enumerate() {
        let saved = origin.resumed.as_ref().map(|resumed| resumed.saved.to_json()).unwrap_or_default();
        if shows(&saved) || shows(&format!("{origin:?}")) {
            return Err(Violation::new(10, client, 0, "a secret shows in its save"));
        }
    }
    let text = SessionFile::from(session).to_text();
    if let Some(line) = text.lines().position(shows) {
        let what = format!("a secret shows in line {} of its session file", line + 1);
        return Err(Violation::new(10, 0, session.entries.len(), what));
    }
    let few = |replay: &Replay<C>| {
        let text = format!("{:?}", replay.core);
        if shows(&text) {
            return Err("a secret shows in its Debug".to_owned());
        }
        // What is saved in worlds is looked at above.
        if session.recorded && shows(&replay.core.save(replay.now).to_json()) {
            return Err("a secret shows in its save".to_owned());
        }
        Ok(())
    };
    probe::<C>(session, seed, |replay, rng| if rng.per_mille(100) { few(replay) } else { Ok(()) }, 10)
}

/// What must not be seen.
fn secrets(session: &Session) -> Option<Regex> {
    let mut secrets = vec![PLANTED.to_owned()];
    for entry in &session.entries {
        match &entry.record {
            Record::Event(Event::ContinuationToken(token)) => secrets.push(token.expose_secret().to_owned()),
            Record::Event(Event::Answer { result: Ok(Reply::MediaUrl(url)), .. }) => {
                // The end of a temporary address is what opens it.
                secrets.extend(url.expose_secret().rsplit('/').next().map(str::to_owned));
            }
            _ => {}
        }
    }
    // In a session that was read from a file these are stars.
    secrets.retain(|secret| secret.len() > 8 && secret.contains(|letter| letter != '*'));
    secrets.sort_unstable();
    secrets.dedup();
    let pattern: Vec<String> = secrets.iter().map(|secret| regex::escape(secret)).collect();
    Regex::new(&pattern.join("|")).ok()
}
