use std::collections::{BTreeMap, BTreeSet};

use chat_proto::{
    Call, CallError, CallId, ChannelSid, ChannelStatus, Event, Identity, Message, Record, Reply,
};

use super::Violation;
use crate::world::{Core, Run, Session, Stored, Truth};

/// Law 11: at the end of a run that had time to heal, each message list of a member equals the service's; each added
/// message was told once and in index order; what was answered `Ok` stands there once, and what was answered as not done
/// does not.
///
/// A client holds what it was told and what a page showed it: history that nobody asked for is not in its list, nor what
/// was said while it was away from a channel, and what it held before it left is history when it comes again.
///
/// # Errors
///
/// The first list that differs, the first message that was lost, doubled or told out of order.
pub fn nothing_lost<C: Core>(run: &Run<C>) -> Result<(), Violation> {
    for crashed in &run.session.crashed {
        Heard::of(&run.session, *crashed)?;
    }
    for (client, core) in run.seats.iter().copied().zip(&run.clients) {
        let heard = Heard::of(&run.session, client)?;
        let end = |what: String| Violation::new(11, client, run.healed, what);
        for channel in core.state().channels() {
            if channel.status == ChannelStatus::Joined {
                let held: Vec<_> = core.state().messages(&channel.sid).map(|message| &**message).collect();
                same_list(&heard, &channel.sid, &held, &run.truth).map_err(end)?;
            }
        }
    }
    sent_once(&run.session, &run.truth)
}

/// Law 11, of the order alone, which any session shows: each message is told once, in the order of the indices.
pub(super) fn told_in_order(session: &Session) -> Result<(), Violation> {
    (0..session.clients.len()).try_for_each(|client| Heard::of(session, client).map(drop))
}

/// What an app heard of messages.
#[derive(Debug, Default)]
struct Heard {
    /// `MessageAdded`.
    told: BTreeMap<ChannelSid, BTreeSet<u64>>,
    /// Pages.
    shown: BTreeMap<ChannelSid, BTreeSet<u64>>,
    /// Channels that the client left at some time.
    left: BTreeSet<ChannelSid>,
}

impl Heard {
    /// Reads a session; `MessageAdded` must come in rising order.
    fn of(session: &Session, client: usize) -> Result<Self, Violation> {
        let mut heard = Self::default();
        for (step, entry) in session.story(client) {
            let Record::Event(event) = &entry.record else { continue };
            match event {
                Event::MessageAdded(message) => {
                    let told = heard.told.entry(message.channel.clone()).or_default();
                    if let Some(last) = told.last().filter(|last| **last >= message.index) {
                        let what =
                            format!("message {} of {} is told after {last}", message.index, message.channel);
                        return Err(Violation::new(11, client, step, what));
                    }
                    told.insert(message.index);
                }
                Event::Answer { result: Ok(Reply::MessagePage(page)), .. } => {
                    for message in &page.items {
                        heard.shown.entry(message.channel.clone()).or_default().insert(message.index);
                    }
                }
                Event::ChannelLeft(channel) | Event::ChannelRemoved(channel) => {
                    heard.left.insert(channel.sid.clone());
                }
                _ => {}
            }
        }
        Ok(heard)
    }
}

/// The list of a member against the service's.
fn same_list(heard: &Heard, channel: &ChannelSid, held: &[&Message], truth: &Truth) -> Result<(), String> {
    let Some(stored) = truth.messages.get(channel) else {
        return Err(format!("it is a member of {channel}, which does not exist"));
    };
    for held in held {
        let Some(stored) = stored.iter().find(|stored| stored.index == held.index) else {
            return Err(format!("it still holds message {} of {channel}, which was deleted", held.index));
        };
        same_message(held, stored)?;
    }
    let nothing = BTreeSet::new();
    let told = heard.told.get(channel).unwrap_or(&nothing);
    let shown = heard.shown.get(channel).unwrap_or(&nothing);
    // From the first message that was told all are, unless the client was away for a while.
    let Some(first) = told.first().copied().filter(|_| !heard.left.contains(channel)) else { return Ok(()) };
    for index in stored.iter().map(|stored| stored.index) {
        if index > first && !told.contains(&index) {
            return Err(format!("message {index} of {channel} was never told, and {first} was"));
        }
        let heard = told.contains(&index) || shown.contains(&index);
        if heard && !held.iter().any(|held| held.index == index) {
            return Err(format!("message {index} of {channel} is not in its list any more"));
        }
    }
    Ok(())
}

fn same_message(held: &Message, stored: &Stored) -> Result<(), String> {
    let author = held.author.as_ref().map(Identity::as_str);
    let same = author == stored.author.as_deref()
        && held.body.as_deref() == stored.body.as_deref()
        && held.attributes == stored.attributes;
    if same { Ok(()) } else { Err(format!("its message is {held:?}, and the service's is {stored:?}")) }
}

/// What somebody sent, and where.
#[derive(Debug, Clone)]
struct Sent {
    step: usize,
    channel: ChannelSid,
    /// No other message has the same: its text, or the name of its media.
    mark: String,
}

impl Sent {
    fn of(step: usize, call: &Call) -> Option<Self> {
        let (channel, mark) = match call {
            Call::SendMessage(message) => (&message.channel, message.body.as_deref()),
            Call::SendMedia(media) => (&media.channel, media.filename.as_deref()),
            _ => return None,
        };
        Some(Self { step, channel: channel.clone(), mark: mark.unwrap_or_default().to_owned() })
    }

    /// Where it stands.
    fn places(&self, truth: &Truth) -> Vec<u64> {
        let same = |stored: &&Stored| [&stored.body, &stored.filename].contains(&&Some(self.mark.clone()));
        let list = truth.messages.get(&self.channel).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter(same).map(|stored| stored.index).collect()
    }
}

/// What became of each message that somebody sent.
fn sent_once(session: &Session, truth: &Truth) -> Result<(), Violation> {
    let mut sent: BTreeMap<(usize, CallId), Sent> = BTreeMap::new();
    // What somebody asked to delete or to edit: it may be gone, or say something else.
    let mut touched: BTreeSet<(ChannelSid, u64)> = BTreeSet::new();
    for (step, entry) in session.entries.iter().enumerate() {
        let Record::Call { id: Some(id), call, .. } = &entry.record else { continue };
        match &**call {
            Call::RemoveMessage(channel, index) | Call::UpdateMessageBody(channel, index, _) => {
                touched.insert((channel.clone(), *index));
            }
            call => {
                let message = Sent::of(step, call).map(|message| ((entry.client, *id), message));
                sent.extend(message);
            }
        }
    }
    for message in sent.values() {
        let Sent { step, channel, mark } = message;
        let places = message.places(truth);
        if places.len() > 1 {
            let client = session.entries.get(*step).map_or(0, |entry| entry.client);
            let what = format!("{mark:?} stands in {channel} at {places:?}");
            return Err(Violation::new(11, client, *step, what));
        }
    }
    // Calls live on in the lives that have them in their saves. The last one, by the place of the call: several lives may
    // begin from one save.
    let mut last_life: BTreeMap<usize, usize> = BTreeMap::new();
    for client in 0..session.clients.len() {
        for (id, (step, call)) in session.inherited(client) {
            let Some(message) = Sent::of(step, call) else { continue };
            last_life.insert(step, client);
            sent.insert((client, id), message);
        }
    }
    let mut answered = BTreeSet::new();
    for entry in &session.entries {
        let Record::Event(Event::Answer { call, result }) = &entry.record else { continue };
        let Some(message) = sent.get(&(entry.client, *call)) else { continue };
        answered.insert((entry.client, *call));
        // A call that goes on from an earlier save is answered once more, and that answer counts.
        let counts = last_life.get(&message.step).is_none_or(|last| *last <= entry.client);
        judge(message, result, counts, truth, &touched)
            .map_err(|what| Violation::new(11, entry.client, message.step, what))?;
    }
    for ((client, id), message) in &sent {
        let written_ahead = session.clients.get(*client).is_some_and(|of| of.config.write_ahead);
        let forgotten = session.crashed.contains(client)
            && !answered.contains(&(*client, *id))
            && last_life.get(&message.step).is_none_or(|last| last <= client);
        if written_ahead && forgotten && !message.places(truth).is_empty() {
            let what = format!("{:?} left before a save that has it was stored", message.mark);
            return Err(Violation::new(11, *client, message.step, what));
        }
    }
    Ok(())
}

/// Whether the answer to a message is true. `counts` is whether nothing was done about it afterwards.
fn judge(
    message: &Sent,
    answer: &Result<Reply, CallError>,
    counts: bool,
    truth: &Truth,
    touched: &BTreeSet<(ChannelSid, u64)>,
) -> Result<(), String> {
    let Sent { channel, mark, .. } = message;
    if !truth.messages.contains_key(channel) {
        return Ok(());
    }
    let places = message.places(truth);
    match answer {
        Ok(Reply::MessageIndex(Some(index))) => {
            if places != [*index] && !touched.contains(&(channel.clone(), *index)) {
                return Err(format!("{mark:?} was answered with index {index}, and stands at {places:?}"));
            }
        }
        Err(error) if counts && !matches!(error, CallError::Unknown(_)) && !places.is_empty() => {
            return Err(format!("{mark:?} was answered as not done ({error}), but stands at {places:?}"));
        }
        Ok(_) | Err(_) => {}
    }
    Ok(())
}
