use std::collections::{BTreeMap, BTreeSet};

use chat_proto::{Call, Event, Record};

use super::Violation;
use crate::world::Session;

/// Law 5: every accepted call is answered exactly once, and nothing else is; a client that goes on from a save owes
/// the answers that were owed when it was made. It speaks of sessions that end with a
/// shutdown, which answers everything; what was asked for in the first `healed` entries must be answered in them,
/// because there was time enough. A recorded client that nobody shut down may have lived on, and owes none.
///
/// # Errors
///
/// The first call that was answered twice, or never; the first answer that nobody asked for.
pub fn answered_once(session: &Session, healed: usize) -> Result<(), Violation> {
    for client in 0..session.clients.len() {
        let mut waiting = BTreeMap::new();
        let mut named = BTreeSet::new();
        let (unknown_past, mut shut_down) = (session.has_unknown_past(client), false);
        for (step, entry) in session.story(client) {
            let broken = |what: String| Violation::new(5, client, step, what);
            if step >= healed
                && let Some((id, (asked, call))) = waiting.iter().find(|(_, (asked, _))| *asked < healed)
            {
                let what = format!("{id} still waits although everything is well: {call:?}");
                return Err(Violation::new(5, client, *asked, what));
            }
            match &entry.record {
                Record::Call { id: Some(id), call, .. } => {
                    named.insert(*id);
                    if waiting.insert(*id, (step, call)).is_some() {
                        return Err(broken(format!("two calls are named {id}")));
                    }
                }
                Record::Event(Event::Answer { call, result }) => match waiting.remove(call) {
                    Some((_, asked)) => shut_down |= matches!(**asked, Call::Shutdown { .. }),
                    // A call of the life that nobody knows: it gets one answer too.
                    None if unknown_past && named.insert(*call) => {}
                    None => {
                        let what = format!("{call} does not wait for an answer, but got {result:?}");
                        return Err(broken(what));
                    }
                },
                _ => {}
            }
        }
        // Whoever crashed owes nothing: what it saved is owed by its next life.
        if session.crashed.contains(&client) || (session.recorded && !shut_down) {
            continue;
        }
        if let Some((id, (step, call))) = waiting.into_iter().next() {
            return Err(Violation::new(5, client, step, format!("{id} was never answered: {call:?}")));
        }
    }
    Ok(())
}
