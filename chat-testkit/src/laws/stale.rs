use chat_proto::{Cause, Frame, Input, LinkId, Record, Stats};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Rng, Session};

/// Law 3: what comes for a dead socket is ignored and counted, and so is a second answer to a finished request.
///
/// # Errors
///
/// The first stale input that changes something.
pub fn stale_is_silent<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    let frames: Vec<(LinkId, &[u8])> =
        session.entries.iter().filter_map(|entry| frame(&entry.record)).collect();
    probe::<C>(session, seed, |replay, rng| silent(replay, &frames, rng), 3)
}

fn frame(record: &Record) -> Option<(LinkId, &[u8])> {
    match record.as_input() {
        Some(Input::Frame(link, Frame::Binary(bytes))) => Some((link, bytes)),
        _ => None,
    }
}

fn silent<C: Core>(replay: &Replay<C>, frames: &[(LinkId, &[u8])], rng: &mut Rng) -> Result<(), String> {
    // An entry fires what is due, whatever it is.
    if replay.is_due(replay.now) {
        return Ok(());
    }
    let dead: Vec<LinkId> = replay.dead.iter().copied().collect();
    let Some(link) = rng.pick(&dead).copied() else { return Ok(()) };
    let told = rng.pick(frames).map_or(&b"TWILSOCK"[..], |(_, bytes)| bytes);
    let inputs = [
        Input::Opened(link),
        Input::Frame(link, Frame::Binary(told)),
        Input::Frame(link, Frame::Text("late")),
        Input::Closed(link, Cause::Remote(Some(1006))),
        Input::Closed(link, Cause::Local),
    ];
    for input in inputs {
        let mut after = replay.what_if();
        after.core.handle(after.now, input.clone());
        after.drain();
        if let Some(what) = replay.what_if().difference(&after, forgive) {
            return Err(format!("{input:?} of a dead socket changes something: {what}"));
        }
        if after.core.stats().stale != replay.core.stats().stale + 1 {
            return Err(format!("{input:?} of a dead socket is not counted"));
        }
    }
    Ok(())
}

/// How a stale frame is counted beside that is not laid down.
fn forgive(stats: &mut Stats) {
    stats.stale = 0;
    stats.frames_in = 0;
}
