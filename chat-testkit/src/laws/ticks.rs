use std::time::Duration;

use chat_proto::{Command, Record, Stats, Time};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Rng, Session};

/// Ticks at one moment after which nothing may be due any more.
const MOST_TICKS: usize = 100;
const NIGHT: Duration = Duration::from_hours(8);

/// Law 2: early, extra and doubled ticks change nothing; time that goes back is clamped; a host that slept for eight
/// hours opens one socket at most, and everything counts from its waking.
///
/// # Errors
///
/// The first client that differs, or that replays what it slept through.
pub fn ticks_are_harmless<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    for client in 0..session.clients.len() {
        extra::<C>(session, client, seed)?;
    }
    probe::<C>(session, seed, |replay, _| late(replay), 2)
}

/// Two copies of a client side by side; one is ticked between the entries.
fn extra<C: Core>(session: &Session, client: usize, seed: u64) -> Result<(), Violation> {
    let mut rng = Rng::new(seed);
    let (Some(mut plain), Some(mut ticked)) =
        (Replay::<C>::new(session, client), Replay::<C>::new(session, client))
    else {
        return Ok(());
    };
    plain.drain();
    ticked.drain();
    for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == client) {
        // Only before what goes in: a clock may go back between an output and the next input, and a tick at the time of
        // that output would be one more reading of the clock, not one more tick.
        if rng.per_mille(500) && goes_in(&entry.record) {
            tick_between(&mut ticked, entry.at, &mut rng);
        }
        if plain.enter(entry) {
            ticked.enter(entry);
            plain.drain();
            ticked.drain();
        }
        if plain.commands.len() != ticked.commands.len() || plain.events.len() != ticked.events.len() {
            let what = plain.difference(&ticked, forgive).unwrap_or_default();
            return Err(Violation::new(2, client, step, format!("without and with extra ticks: {what}")));
        }
    }
    match plain.difference(&ticked, forgive) {
        Some(what) => {
            let what = format!("without and with extra ticks: {what}");
            Err(Violation::new(2, client, session.entries.len(), what))
        }
        None => Ok(()),
    }
}

fn goes_in(record: &Record) -> bool {
    matches!(record, Record::Input(_) | Record::Call { .. } | Record::Cancel(_))
}

/// Ticks before the next entry, but not at a time at which something is due: that would fire earlier than it did.
fn tick_between<C: Core>(replay: &mut Replay<C>, next: Time, rng: &mut Rng) {
    let gap = u64::try_from(next.since(replay.now).as_millis()).unwrap_or(0);
    let at = replay.now + Duration::from_millis(rng.range(0, gap));
    if replay.is_due(at) {
        return;
    }
    replay.tick(at);
    replay.tick(at);
    let back = at.since(Time::from_millis(rng.range(1, 100_000)));
    replay.tick(Time::ZERO + back);
    replay.drain();
}

/// Going back is counted, and nothing else.
fn forgive(stats: &mut Stats) {
    stats.clock_backwards = 0;
}

/// What if the host slept a night from here on?
fn late<C: Core>(replay: &Replay<C>) -> Result<(), String> {
    let mut slept = replay.what_if();
    let morning = slept.now + NIGHT;
    for _ in 0..MOST_TICKS {
        slept.tick(morning);
        slept.drain();
        let opened = slept.commands.iter().filter(|command| matches!(command, Command::Open { .. })).count();
        if opened > 1 {
            return Err(format!("{opened} sockets are opened at once after a night's sleep"));
        }
        if !slept.is_due(morning) {
            return Ok(());
        }
    }
    Err(format!(
        "after a night's sleep it still is due after {MOST_TICKS} ticks: {:?}",
        slept.core.deadline()
    ))
}
