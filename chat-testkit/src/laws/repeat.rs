use chat_proto::Record;
use serde::Serialize;

use super::Violation;
use super::replay::Replay;
use crate::world::{Core, Session};

/// Law 6: the same seed and the same records give the same outputs, byte for byte, taken out at the same moments.
///
/// # Errors
///
/// The first output that is another one.
pub fn repeats_itself<C: Core>(session: &Session) -> Result<(), Violation> {
    for client in 0..session.clients.len() {
        let Some(mut replay) = Replay::<C>::new(session, client) else { continue };
        for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == client) {
            let broken = |what: String| Violation::new(6, client, step, what);
            match &entry.record {
                Record::Call { id, call, options } => {
                    let again = replay.core.call(entry.at, (**call).clone(), *options).ok();
                    if again != *id {
                        return Err(broken(format!("the call was accepted as {id:?}, and now as {again:?}")));
                    }
                }
                Record::Command(command) => {
                    same(Some(command), replay.core.poll_command().as_ref()).map_err(broken)?;
                }
                Record::Event(event) => {
                    same(Some(event), replay.core.poll_event().as_ref()).map_err(broken)?;
                }
                _ => {
                    replay.enter(entry);
                }
            }
        }
    }
    Ok(())
}

fn same<T: Serialize + std::fmt::Debug>(then: Option<&T>, now: Option<&T>) -> Result<(), String> {
    let bytes = |value: Option<&T>| serde_json::to_vec(&value).map_err(|error| error.to_string());
    if bytes(then)? == bytes(now)? { Ok(()) } else { Err(format!("{then:?} came out, and now {now:?}")) }
}
