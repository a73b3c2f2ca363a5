use chat_proto::Record;
use chat_proto::session::redacted_record;

use super::Violation;
use super::replay::Replay;
use crate::replay::taken_otherwise;
use crate::world::{Core, Session};

/// Law 6: the same seed and the same records give the same outputs, byte for byte, taken out at the same moments. Of a
/// session that was read from a file both sides are compared without their secrets.
///
/// # Errors
///
/// The first output that is another one.
pub fn repeats_itself<C: Core>(session: &Session) -> Result<(), Violation> {
    let same = if session.recorded { same_but_for_secrets } else { same };
    for client in 0..session.clients.len() {
        let Some(mut replay) = Replay::<C>::new(session, client) else { continue };
        for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == client) {
            let broken = |what: String| Violation::new(6, client, step, what);
            match &entry.record {
                Record::Call { call, options, .. } => {
                    let result = replay.core.call(entry.at, (**call).clone(), *options);
                    if let Some((then, now)) = taken_otherwise(&entry.record, &result) {
                        return Err(broken(format!("the call was {then}, and now {now}")));
                    }
                }
                Record::Command(_) => {
                    same(&entry.record, replay.core.poll_command().map(Record::from).as_ref())
                        .map_err(broken)?;
                }
                Record::Event(_) => {
                    same(&entry.record, replay.core.poll_event().map(Record::from).as_ref())
                        .map_err(broken)?;
                }
                _ => {
                    replay.enter(entry);
                }
            }
        }
    }
    Ok(())
}

fn same(then: &Record, now: Option<&Record>) -> Result<(), String> {
    let bytes = |value: Option<&Record>| serde_json::to_vec(&value).map_err(|error| error.to_string());
    if bytes(Some(then))? == bytes(now)? { Ok(()) } else { Err(other(then, now)) }
}

fn same_but_for_secrets(then: &Record, now: Option<&Record>) -> Result<(), String> {
    let same = now.cloned().map(redacted_record) == Some(redacted_record(then.clone()));
    if same { Ok(()) } else { Err(other(then, now)) }
}

fn other(then: &Record, now: Option<&Record>) -> String {
    format!("{then:?} came out, and now {now:?}")
}
