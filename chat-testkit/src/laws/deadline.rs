use std::time::Duration;

use chat_proto::{Stats, Why};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Session};

/// Ticks at one moment after which a deadline must have moved.
const MOST_TICKS: usize = 100;
const MOMENT: Duration = Duration::from_millis(1);

/// Law 4: while commands wait the deadline is now; else nothing is due before it, and jumping exactly to it makes
/// progress.
///
/// # Errors
///
/// The first deadline that is too early, too late or does not move.
pub fn deadline_is_honest<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    for client in 0..session.clients.len() {
        waiting::<C>(session, client)?;
    }
    probe::<C>(session, seed, |replay, _| honest(replay), 4)
}

/// The deadline while commands wait, and while none do.
fn waiting<C: Core>(session: &Session, client: usize) -> Result<(), Violation> {
    let Some(mut replay) = Replay::<C>::new(session, client) else { return Ok(()) };
    for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == client) {
        if !replay.enter(entry) {
            continue;
        }
        let deadline = replay.core.deadline();
        let before = replay.commands.len();
        replay.drain();
        let waited = replay.commands.len() > before;
        let said =
            deadline.is_some_and(|deadline| deadline.why == Why::Commands && deadline.at <= replay.now);
        if waited != said {
            let what = format!("commands wait: {waited}, but the deadline is {deadline:?} at {}", replay.now);
            return Err(Violation::new(4, client, step, what));
        }
    }
    Ok(())
}

fn honest<C: Core>(replay: &Replay<C>) -> Result<(), String> {
    let Some(deadline) = replay.core.deadline() else {
        // Nothing to wait for: then nothing happens, ever.
        let mut later = replay.what_if();
        later.tick(later.now + Duration::from_hours(1000));
        later.drain();
        return match replay.what_if().difference(&later, same) {
            Some(what) => Err(format!("no deadline, but something happens by itself: {what}")),
            None => Ok(()),
        };
    };
    if deadline.at > replay.now + MOMENT {
        let mut early = replay.what_if();
        early.tick(chat_proto::Time::ZERO + (deadline.at - chat_proto::Time::ZERO).saturating_sub(MOMENT));
        early.drain();
        if let Some(what) = replay.what_if().difference(&early, same) {
            return Err(format!("something was due before {deadline:?}: {what}"));
        }
    }
    let mut exact = replay.what_if();
    let at = deadline.at.max(replay.now);
    for _ in 0..MOST_TICKS {
        exact.tick(at);
        exact.drain();
        if !exact.is_due(at) {
            return Ok(());
        }
    }
    Err(format!(
        "{MOST_TICKS} ticks at {deadline:?} make no progress: it is {:?} then",
        exact.core.deadline()
    ))
}

fn same(_: &mut Stats) {}
