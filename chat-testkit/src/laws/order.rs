use super::Violation;
use super::replay::{Replay, first_difference};
use crate::world::{Core, Rng, Session};

/// Law 1: whether the queues are emptied after each entry, at chance moments, or only at the end, they give the same two
/// sequences. It speaks of sessions whose events stay below [`Limits::events`](chat_proto::Limits::events): above that
/// mark the moments count, by design, and such clients are passed over.
///
/// # Errors
///
/// The first output that is another one.
pub fn any_order<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    for (client, origin) in session.clients.iter().enumerate() {
        let mut rng = Rng::new(seed);
        let Some(each) = lead::<C>(session, client, || true) else { continue };
        if each.events.len() >= origin.config.limits.events {
            continue;
        }
        let by_chance = lead::<C>(session, client, || rng.per_mille(200));
        let at_end = lead::<C>(session, client, || false);
        for (how, other) in [("by chance", by_chance), ("at the end", at_end)] {
            let Some(other) = other else { continue };
            let difference = first_difference("command", &each.commands, &other.commands)
                .or_else(|| first_difference("event", &each.events, &other.events));
            if let Some(difference) = difference {
                let what = format!("emptied after each entry or {how}: {difference}");
                return Err(Violation::new(1, client, session.entries.len(), what));
            }
        }
    }
    Ok(())
}

fn lead<C: Core>(session: &Session, client: usize, mut empty: impl FnMut() -> bool) -> Option<Replay<C>> {
    let mut replay = Replay::<C>::new(session, client)?;
    for entry in session.of(client) {
        if replay.enter(entry) && empty() {
            replay.drain();
        }
    }
    replay.drain();
    Some(replay)
}
