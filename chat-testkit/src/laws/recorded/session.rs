//! A session file as a [`Session`], which is what laws are about.

use std::collections::BTreeSet;

use chat_proto::session::{ClientHeader, What};
use chat_proto::{Identity, Saved, Time};
use serde_json::Value;

use super::plant;
use crate::session_file::SessionFile;
use crate::world::{Core, Entry, Note, Origin, Resumed, Session};

/// A session, and the lines of its entries.
pub(super) struct Recorded {
    pub(super) session: Session,
    pub(super) lines: Vec<u64>,
}

/// The session of a file that was recorded from inside. Secrets that were starred out are planted anew.
///
/// A file does not say which moment a save is of. The client of the life before is led through the file again and saves
/// at each of its steps; the step that gives the same save is the one.
pub(super) fn of<C: Core>(file: &SessionFile) -> Recorded {
    let clients = file.header.clients.iter().map(origin).collect();
    let mut session = Session { clients, ended: file.ended, recorded: true, ..Session::default() };
    let mut lines = Vec::new();
    for entry in &file.entries {
        match &entry.what {
            What::Record(record) => {
                let record = plant::record(record.clone());
                session.entries.push(Entry { at: entry.at, client: entry.who, record });
                lines.push(entry.line);
            }
            What::Note(text) => {
                let (entries, text) = (session.entries.len(), text.clone());
                session.notes.push(Note { entries, at: entry.at, client: entry.who, text });
            }
            // A recorded wire has no clients, and other lines do not stand in one file with theirs.
            _ => {}
        }
    }
    let mut crashed = BTreeSet::new();
    for client in 0..session.clients.len() {
        let earlier = earlier(&session, client);
        crashed.extend(&earlier);
        // The newest one first. A life that crashed before its first save is passed over by the next.
        let found =
            earlier.into_iter().rev().find_map(|life| Some((life, moment::<C>(&session, life, client)?)));
        if let (Some((life, entries)), Some(resumed)) =
            (found, session.clients.get_mut(client).and_then(|origin| origin.resumed.as_mut()))
        {
            (resumed.life, resumed.entries) = (Some(life), entries);
        }
    }
    session.crashed = crashed;
    Recorded { session, lines }
}

fn origin(header: &ClientHeader) -> Origin {
    let unnamed = || Identity::new("nobody");
    Origin {
        identity: header.identity.clone().unwrap_or_else(unnamed),
        token: plant::token(&header.stand_in),
        config: plant::config(&header.config),
        seed: header.seed.clone(),
        start: header.start,
        resumed: header.saved.clone().map(|saved| Resumed { life: None, entries: 0, saved }),
    }
}

/// The clients before one that went on from a save: those of the same person.
fn earlier(session: &Session, client: usize) -> Vec<usize> {
    let of = session.clients.get(client).filter(|origin| origin.resumed.is_some());
    let same = |life: &usize| session.clients.get(*life).map(|of| &of.identity) == of.map(|of| &of.identity);
    (0..client).filter(same).collect()
}

/// After how many entries of the session `life` made the save that `client` went on from.
fn moment<C: Core>(session: &Session, life: usize, client: usize) -> Option<usize> {
    let resumed = session.clients.get(client)?.resumed.as_ref()?;
    let wanted = undated(&resumed.saved)?;
    // How long a call has waited depends on the moment, and the save knows that, if the client knew the date.
    let origin = session.clients.get(life)?.config.unix_at_origin;
    let at = origin.and_then(|origin| wanted.1?.checked_sub(origin)).map(Time::from_millis);
    let mut replay = super::super::replay::Replay::<C>::new(session, life)?;
    let mut found = None;
    for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == life) {
        if !replay.enter(entry) {
            replay.take(&entry.record);
        }
        let saved = replay.core.save(at.unwrap_or(entry.at));
        if saved.revision() == resumed.saved.revision() && undated(&saved)?.0 == wanted.0 {
            found = Some(step + 1);
        }
    }
    found
}

/// A save without its date, and the date, in milliseconds.
fn undated(saved: &Saved) -> Option<(Value, Option<u64>)> {
    let mut value: Value = serde_json::from_str(&saved.to_json()).ok()?;
    let date = value.as_object_mut()?.remove("saved_at").and_then(|date| date.as_u64());
    Some((value, date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_file::parse;
    use crate::world::{Plan, World};
    use chat_proto::Client;

    /// What a world knew of its lives is found again in its file, to the step at which each save was made.
    #[test]
    fn the_moments_of_saves_are_found() {
        let mut lives = 0;
        for seed in 0..6 {
            let world = World::<Client>::new(Plan { steps: 30, ..Plan::stormy(seed) }).run().unwrap().session;
            let text = SessionFile::from(&world).to_text();
            let found = of::<Client>(&parse(text.as_bytes()).unwrap().session).session;
            for client in 0..world.clients.len() {
                let life = |session: &Session| session.clients[client].resumed.as_ref().map(|of| of.life);
                assert_eq!(life(&found), life(&world), "seed {seed}, client {client}");
                let known = |session: &Session| session.inherited(client).into_keys().collect::<Vec<_>>();
                assert_eq!(known(&found), known(&world), "seed {seed}, client {client}");
                lives += usize::from(life(&world).is_some());
            }
            assert_eq!(found.notes, world.notes);
            assert_eq!(SessionFile::from(&found).to_text(), text, "and back");
        }
        assert!(lives > 2, "{lives} lives that went on from a save");
    }
}
