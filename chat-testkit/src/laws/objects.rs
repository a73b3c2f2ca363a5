use std::fmt::Debug;

use chat_proto::{Channel, ChannelStatus, ChannelType, Identity, Json, Member, State, User};

use super::Violation;
use crate::world::{Core, OwnChannel, Run, StoredChannel, StoredMember, StoredPerson, Truth};

/// Law 11, of all that is no message: at the end of a run that had time to heal, what each client holds is what the
/// service holds.
///
/// - Channels: the own ones, joined, invited or kept, with the status, the read horizon and the notification level of
///   their items. Others may be known; those are public, and exist.
/// - Documents: of each channel that the own user takes part in, and of each public one (it stays subscribed, spec 03
///   §7.4): type, names, attributes, dates, newest message.
/// - Rosters: of each joined channel, every member with all that is told of it. (What is known of the members of a
///   channel that was left stays as it was.)
/// - People: the own user and those that the app follows, reachability included where the service tells it.
///
/// # Errors
///
/// The first thing that differs.
pub fn ends_equal<C: Core>(run: &Run<C>) -> Result<(), Violation> {
    for (client, core) in run.seats.iter().copied().zip(&run.clients) {
        same(core.state(), &run.truth).map_err(|what| Violation::new(11, client, run.healed, what))?;
    }
    Ok(())
}

fn same(state: &State, truth: &Truth) -> Result<(), String> {
    let identity = state.identity().ok_or("it does not know who it is")?;
    let Some(own) = truth.people.get(identity) else {
        return Err(format!("the service does not know {identity}"));
    };
    for sid in own.own.keys() {
        if state.channel(sid).is_none() {
            return Err(format!("{sid} is one of its own channels, and it does not know it"));
        }
    }
    for channel in state.channels() {
        let sid = &channel.sid;
        let Some(stored) = truth.channels.get(sid) else {
            return Err(format!("it knows {sid}, which does not exist"));
        };
        same_standing(channel, own.own.get(sid)).map_err(|what| format!("{sid}: {what}"))?;
        let follows = channel.status != ChannelStatus::Known || channel.channel_type == ChannelType::Public;
        if follows {
            same_document(channel, stored).map_err(|what| format!("{sid}: {what}"))?;
        }
        if channel.status == ChannelStatus::Joined {
            same_roster(&state.members(sid), stored).map_err(|what| format!("{sid}: {what}"))?;
        }
    }
    let reachability = state.reachability_enabled() == Some(true);
    for user in state.users() {
        let Some(stored) = truth.people.get(&user.identity) else {
            return Err(format!("the service does not know {}", user.identity));
        };
        same_person(user, stored, reachability).map_err(|what| format!("{}: {what}", user.identity))?;
    }
    let own = state.user().filter(|user| user.is_subscribed);
    own.map(drop).ok_or_else(|| "it does not follow its own user".into())
}

/// Two values of one thing.
fn alike<T: PartialEq + Debug>(what: &str, held: &T, stored: &T) -> Result<(), String> {
    if held == stored { Ok(()) } else { Err(format!("{what} is {stored:?}, and it holds {held:?}")) }
}

fn same_standing(channel: &Channel, own: Option<&OwnChannel>) -> Result<(), String> {
    let status = own.map_or(ChannelStatus::Known, |own| own.status);
    alike("the own user's status", &channel.status, &status)?;
    // What was told of an earlier membership stays.
    let Some(own) = own.filter(|own| own.status != ChannelStatus::Known) else { return Ok(()) };
    alike("the notification level", &channel.notification_level, &own.notification_level)?;
    alike("the read horizon", &channel.last_consumed_message_index, &own.last_consumed_message_index)
}

fn same_document(channel: &Channel, stored: &StoredChannel) -> Result<(), String> {
    alike("the type", &channel.channel_type, &stored.channel_type)?;
    alike("the friendly name", &channel.friendly_name.as_deref(), &stored.friendly_name.as_deref())?;
    alike("the unique name", &channel.unique_name.as_deref(), &stored.unique_name.as_deref())?;
    alike::<Json>("the attributes", &channel.attributes, &stored.attributes)?;
    let created_by = channel.created_by.as_ref().map(Identity::as_str);
    alike("the creator", &created_by, &stored.created_by.as_deref())?;
    alike("the date of creation", &channel.date_created, &stored.date_created)?;
    alike("the date of change", &channel.date_updated, &stored.date_updated)?;
    alike("the newest message", &StoredChannel::last_message_of(channel.last_message), &stored.last_message)
}

fn same_roster(held: &[&std::sync::Arc<Member>], stored: &StoredChannel) -> Result<(), String> {
    for member in held {
        match stored.members.get(&member.sid) {
            Some(of) => same_member(member, of).map_err(|what| format!("of {}, {what}", member.sid))?,
            None => return Err(format!("it still has {} among the members, who left", member.sid)),
        }
    }
    for (sid, member) in &stored.members {
        if !held.iter().any(|held| held.sid == *sid) {
            return Err(format!("it does not have {sid} ({:?}) among the members", member.identity));
        }
    }
    Ok(())
}

fn same_member(held: &Member, stored: &StoredMember) -> Result<(), String> {
    alike("the person", &held.identity, &stored.identity)?;
    alike("the attributes", &held.attributes, &stored.attributes)?;
    alike("the role", &held.role_sid, &stored.role_sid)?;
    alike("the date of joining", &held.date_created, &stored.date_created)?;
    alike("the date of change", &held.date_updated, &stored.date_updated)?;
    let (read, stored_read) = (held.last_consumed_message_index, stored.last_consumed_message_index);
    alike("the read horizon", &read, &stored_read)?;
    let (when, stored_when) = (held.last_consumption_timestamp, stored.last_consumption_timestamp);
    alike("the date of reading", &when, &stored_when)
}

fn same_person(held: &User, stored: &StoredPerson, reachability: bool) -> Result<(), String> {
    alike("the friendly name", &held.friendly_name.as_deref(), &stored.friendly_name.as_deref())?;
    alike("the attributes", &held.attributes, &stored.attributes)?;
    if reachability {
        alike("whether online", &held.online, &stored.online)?;
        alike("whether notifiable", &held.notifiable, &stored.notifiable)?;
    }
    Ok(())
}
