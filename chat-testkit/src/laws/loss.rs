use std::collections::BTreeSet;
use std::sync::Arc;

use chat_proto::{CallId, ChannelSid, Event, Member, PendingMessage, Saved, State};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Rng, Session};

/// Law 7: a client that is made of a save knows what the one knew that made it, at whatever step that was: people,
/// channels, members, messages, and what is on its way. What becomes of it afterwards is for laws 5 and 11 to say, which
/// follow a client through its lives.
///
/// # Errors
///
/// The first save that is refused, or of which something is missing.
pub fn survives_loss<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    let few = |rng: &mut Rng| rng.per_mille(200);
    probe::<C>(session, seed, |replay, rng| if few(rng) { saved(session, replay) } else { Ok(()) }, 7)
}

fn saved<C: Core>(session: &Session, replay: &Replay<C>) -> Result<(), String> {
    let Some(origin) = session.clients.get(replay.client) else { return Ok(()) };
    let saved = replay.core.save(replay.now).to_json();
    let saved = Saved::from_json(saved.as_bytes()).map_err(|error| format!("a save is refused: {error}"))?;
    let (config, token) = (origin.config.clone(), origin.token.clone());
    let mut resumed = C::resume(config, token, &origin.seed, replay.now, saved)
        .map_err(|error| format!("a save is refused: {error}"))?;
    let mut answered = BTreeSet::new();
    while let Some(event) = resumed.poll_event() {
        if let Event::Answer { call, .. } = event {
            answered.insert(call);
        }
    }
    same(replay.core.state(), resumed.state(), &answered)
}

/// The members of a channel. Who types is not saved.
fn members(state: &State, sid: &ChannelSid) -> Vec<Member> {
    let mut members: Vec<Member> =
        state.members(sid).into_iter().map(|member| Member::clone(member)).collect();
    for member in &mut members {
        member.is_typing = false;
    }
    members
}

fn on_its_way<'a>(
    state: &'a State,
    sid: &ChannelSid,
    answered: &BTreeSet<CallId>,
) -> Vec<&'a Arc<PendingMessage>> {
    state.pending_messages(sid).filter(|message| !answered.contains(&message.call)).collect()
}

/// `answered` are the calls that ended with the earlier life: nothing of them is on its way any more.
fn same(before: &State, after: &State, answered: &BTreeSet<CallId>) -> Result<(), String> {
    let told =
        |what: String, same: bool| if same { Ok(()) } else { Err(format!("{what} is not in the save")) };
    told("who it is".into(), before.identity() == after.identity())?;
    told(
        "whether others show as online".into(),
        before.reachability_enabled() == after.reachability_enabled(),
    )?;
    told("a user".into(), before.users().eq(after.users()))?;
    told("a channel".into(), before.channels() == after.channels())?;
    for channel in before.channels() {
        let sid: &ChannelSid = &channel.sid;
        let (was, is) = (members(before, sid), members(after, sid));
        told(format!("a member of {sid} ({was:?}, and now {is:?})"), was == is)?;
        told(format!("a message of {sid}"), before.messages(sid).eq(after.messages(sid)))?;
        let (was, is) = (on_its_way(before, sid, answered), on_its_way(after, sid, answered));
        told(format!("a message on its way to {sid} ({was:?}, and now {is:?})"), was == is)?;
    }
    Ok(())
}
