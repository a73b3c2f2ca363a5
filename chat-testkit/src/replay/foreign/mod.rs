//! Our client in the place of a recorded one.
//!
//! Connections are grouped by the identity that their `init` names; each person gets a client. Its time is that of the
//! recording. What the recorded client sent is turned back into calls (`calls.md` has the table), made when it was sent.
//! Our requests are answered with the recorded answer to the same request (`answers.rs` says which are the same), when it
//! came or at once if that was earlier. Notifications come when they came; those of an object that our client has not
//! subscribed yet wait, and are replayed in front of the acknowledgement.

mod answers;
mod calls;
mod known;
mod lists;
mod person;

use std::collections::{BTreeMap, BTreeSet};

use chat_proto::session::{What, Wire};
use chat_proto::{Event, Time};

use self::person::Person;
use crate::session_file::{Entry, SessionFile};

/// What became of one person's client.
#[derive(Debug, Clone, Default)]
pub struct Foreign {
    /// Whose.
    pub identity: String,
    /// What the client told, and when.
    pub events: Vec<(Time, Event)>,
    /// What our client asked and the recording cannot answer: `GET /v3/…`.
    pub unanswered: Vec<String>,
    /// What our client asked and notifications of the recording answer, though no recorded answer does.
    pub told_otherwise: Vec<String>,
    /// What the recorded client asked and no call of ours asks: `GET /v3/…`.
    pub not_called: Vec<String>,
    /// How many calls were made.
    pub calls: usize,
    /// The replay as a session of our own, to look at and to replay exactly.
    pub session: Option<SessionFile>,
}

/// Replays a recorded wire: one result for each person, by name.
///
/// Connections are grouped by the identity that their `init` names; each person gets a client of ours, whose time is that
/// of the recording. Its calls are made when the recorded client sent what they are made of. Its requests are answered
/// with the recorded answer to the same one: method, path, parameters and body without what each client draws by chance.
/// Answers come when they came, or at once if that was earlier; a notification waits until its object is subscribed.
#[doc = include_str!("calls.md")]
pub fn foreign(session: &SessionFile) -> Vec<Foreign> {
    let mut owner: BTreeMap<usize, String> = BTreeMap::new();
    for entry in &session.entries {
        if let What::Wire(Wire::Identity(name)) = &entry.what {
            owner.entry(entry.who).or_insert_with(|| name.to_string());
        }
    }
    let mut people: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &session.entries {
        if let Some(name) = owner.get(&entry.who) {
            people.entry(name).or_default().push(entry);
        }
    }
    people.into_iter().map(|(name, entries)| Person::new(name, &entries).run()).collect()
}

/// Connections of which nothing says whose they are, each with the number of frames that its client sent.
pub(super) fn unclaimed(session: &SessionFile) -> BTreeMap<usize, usize> {
    let mut connections: BTreeMap<usize, usize> = BTreeMap::new();
    let mut claimed = BTreeSet::new();
    for entry in &session.entries {
        let frames = connections.entry(entry.who).or_default();
        match &entry.what {
            What::Wire(Wire::Identity(_)) => drop(claimed.insert(entry.who)),
            What::Wire(Wire::FromClient(_)) => *frames += 1,
            _ => {}
        }
    }
    connections.retain(|connection, _| !claimed.contains(connection));
    connections
}

/// A frame, taken apart.
#[derive(Debug, Clone)]
struct Parts {
    header: serde_json::Value,
    payload: Vec<u8>,
}

impl Parts {
    fn read(bytes: &[u8]) -> Option<Self> {
        let limits = chat_proto::frame::FrameLimits::default();
        let (header, payload) = chat_proto::frame::decode(bytes, limits).ok()?;
        Some(Self { header: serde_json::from_str(header).ok()?, payload: payload.to_vec() })
    }

    fn method(&self) -> &str {
        self.header["method"].as_str().unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.header["id"].as_str().unwrap_or_default()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }

    /// The frame, its size corrected.
    fn encode(mut self) -> Vec<u8> {
        self.header["payload_size"] = self.payload.len().into();
        chat_proto::frame::encode(&self.header.to_string(), &self.payload)
    }
}
