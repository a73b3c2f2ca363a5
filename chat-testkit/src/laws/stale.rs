use chat_proto::{Cause, Frame, HttpFailure, HttpId, HttpReply, Input, LinkId, Record, Stats};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Rng, Session};

/// Law 3: what comes for a dead socket is ignored and counted, and so is what comes for an HTTP request that has ended or was
/// given up.
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
    if let Some(link) = rng.pick(&dead).copied() {
        let told = rng.pick(frames).map_or(&b"TWILSOCK"[..], |(_, bytes)| bytes);
        ignored(
            replay,
            rng,
            "a dead socket",
            &[
                Input::Opened(link),
                Input::Frame(link, Frame::Binary(told)),
                Input::Frame(link, Frame::Text("late")),
                Input::Closed(link, Cause::Remote(Some(1006))),
                Input::Closed(link, Cause::Local),
            ],
        )?;
    }
    let finished: Vec<HttpId> = replay.finished.iter().copied().collect();
    if let Some(http) = rng.pick(&finished).copied() {
        ignored(
            replay,
            rng,
            "a finished request",
            &[
                Input::HttpProgress(http, 77),
                Input::HttpDone(http, Ok(HttpReply::new(200, *b"{}"))),
                Input::HttpDone(http, Ok(HttpReply::new(503, *b""))),
                Input::HttpDone(http, Err(HttpFailure::Failed("late".into()))),
            ],
        )?;
    }
    Ok(())
}

fn ignored<C: Core>(
    replay: &Replay<C>,
    rng: &mut Rng,
    whose: &str,
    inputs: &[Input<'_>],
) -> Result<(), String> {
    let before = replay.what_if();
    // Two of them: copies of clients are what these laws cost.
    for input in [rng.pick(inputs), rng.pick(inputs)].into_iter().flatten() {
        let mut after = before.clone();
        after.core.handle(after.now, input.clone());
        after.drain();
        if let Some(what) = before.difference(&after, forgive) {
            return Err(format!("{input:?} of {whose} changes something: {what}"));
        }
        if after.core.stats().stale != replay.core.stats().stale + 1 {
            return Err(format!("{input:?} of {whose} is not counted"));
        }
    }
    Ok(())
}

/// How a stale frame is counted beside that is not laid down.
fn forgive(stats: &mut Stats) {
    stats.stale = 0;
    stats.frames_in = 0;
}
