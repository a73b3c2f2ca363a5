use std::collections::{BTreeMap, BTreeSet};

use chat_proto::{Call, CallError, CallId, ChannelSid, ChannelStatus, Event, Record, Reply};

use super::Violation;
use crate::world::{Core, Run, Session, Truth};

/// Law 11: at the end of a run that had time to heal, each message list of a member equals the service's; each added
/// message was told once and in index order; what was answered `Ok` stands there once, and what was answered as not done
/// does not.
///
/// # Errors
///
/// The first list that differs, the first message that was lost, doubled or told out of order.
pub fn nothing_lost<C: Core>(run: &Run<C>) -> Result<(), Violation> {
    for (client, core) in run.clients.iter().enumerate() {
        let end = |what: String| Violation::new(11, client, run.session.entries.len(), what);
        for channel in core.state().channels() {
            if channel.status == ChannelStatus::Joined {
                same_list(core, &channel.sid, &run.truth).map_err(end)?;
            }
        }
        told_once(&run.session, client, &run.truth)?;
    }
    sent_once(&run.session, &run.truth)
}

/// The window that the client keeps, against the newest that the service has.
fn same_list<C: Core>(core: &C, channel: &ChannelSid, truth: &Truth) -> Result<(), String> {
    let Some(stored) = truth.messages.get(channel) else {
        return Err(format!("it is a member of {channel}, which does not exist"));
    };
    let held: Vec<_> = core.state().messages(channel).collect();
    let newest = stored.get(stored.len().saturating_sub(held.len())..).unwrap_or_default();
    let same = held.len() == newest.len()
        && held.iter().zip(newest).all(|(held, stored)| {
            held.index == stored.index
                && held.author.as_ref().map(|author| author.as_str()) == stored.author.as_deref()
                && held.body.as_deref() == stored.body.as_deref()
                && held.attributes == stored.attributes
        });
    if same {
        return Ok(());
    }
    let indexes = |held: &mut dyn Iterator<Item = u64>| held.collect::<Vec<_>>();
    Err(format!(
        "its messages of {channel} are {:?}, and the service's are {:?}",
        indexes(&mut held.iter().map(|message| message.index)),
        indexes(&mut stored.iter().map(|message| message.index)),
    ))
}

/// `MessageAdded` of each channel: rising, and without holes while the client never left.
fn told_once(session: &Session, client: usize, truth: &Truth) -> Result<(), Violation> {
    let mut told: BTreeMap<ChannelSid, BTreeSet<u64>> = BTreeMap::new();
    let mut left: BTreeSet<ChannelSid> = BTreeSet::new();
    for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == client) {
        let Record::Event(event) = &entry.record else { continue };
        match event {
            Event::MessageAdded(message) => {
                let told = told.entry(message.channel.clone()).or_default();
                if let Some(last) = told.last().filter(|last| **last >= message.index) {
                    let what =
                        format!("message {} of {} is told after {last}", message.index, message.channel);
                    return Err(Violation::new(11, client, step, what));
                }
                told.insert(message.index);
            }
            Event::ChannelLeft(channel) | Event::ChannelRemoved(channel) => {
                left.insert(channel.sid.clone());
            }
            _ => {}
        }
    }
    for (channel, told) in told.iter().filter(|(channel, _)| !left.contains(*channel)) {
        let stored = truth.messages.get(channel).map(Vec::as_slice).unwrap_or_default();
        let first = told.first().copied().unwrap_or_default();
        if let Some(lost) = stored.iter().find(|stored| stored.index > first && !told.contains(&stored.index))
        {
            let what = format!("message {} of {channel} was never told", lost.index);
            return Err(Violation::new(11, client, session.entries.len(), what));
        }
    }
    Ok(())
}

/// What became of each message that somebody sent.
fn sent_once(session: &Session, truth: &Truth) -> Result<(), Violation> {
    let mut sent: BTreeMap<(usize, CallId), (usize, ChannelSid, String)> = BTreeMap::new();
    let mut touched: BTreeSet<(ChannelSid, u64)> = BTreeSet::new();
    for (step, entry) in session.entries.iter().enumerate() {
        match &entry.record {
            Record::Call { id: Some(id), call, .. } => match &**call {
                Call::SendMessage(message) => {
                    let body = message.body.as_deref().unwrap_or_default().to_string();
                    sent.insert((entry.client, *id), (step, message.channel.clone(), body));
                }
                Call::RemoveMessage(channel, index) | Call::UpdateMessageBody(channel, index, _) => {
                    touched.insert((channel.clone(), *index));
                }
                _ => {}
            },
            _ => {}
        }
    }
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for stored in truth.messages.values().flatten() {
        *found.entry(stored.body.as_deref().unwrap_or_default()).or_default() += 1;
    }
    for entry in &session.entries {
        let Record::Event(Event::Answer { call, result }) = &entry.record else { continue };
        let Some((step, channel, body)) = sent.get(&(entry.client, *call)) else { continue };
        let broken = |what: String| Err(Violation::new(11, entry.client, *step, what));
        let times = found.get(body.as_str()).copied().unwrap_or(0);
        if times > 1 {
            return broken(format!("{body:?} stands there {times} times"));
        }
        match result {
            Ok(Reply::MessageIndex(Some(index))) => {
                let stands =
                    truth.messages.get(channel).is_none_or(|list| list.iter().any(|m| m.index == *index));
                if !stands && !touched.contains(&(channel.clone(), *index)) {
                    return broken(format!("{body:?} was answered with index {index}, which is not there"));
                }
                if times == 0
                    && stands
                    && truth.messages.contains_key(channel)
                    && !touched.contains(&(channel.clone(), *index))
                {
                    return broken(format!(
                        "{body:?} was answered with index {index}, where something else stands"
                    ));
                }
            }
            Err(CallError::Unknown(_)) | Ok(_) => {}
            Err(error) if times > 0 => {
                return broken(format!("{body:?} was answered as not done ({error}), but stands there"));
            }
            Err(_) => {}
        }
    }
    Ok(())
}
