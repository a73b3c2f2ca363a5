//! The rooms that frames are about: channels with their Sync objects and members, as a rig's service knows them.

use serde_json::{Value, json};

use crate::rig::Rig;

/// An object of Sync: its SID and its cursor.
#[derive(Debug, Clone)]
pub struct Object {
    /// `ES…`, `MP…`, `ET…`.
    pub sid: String,
    /// The id of its newest event.
    pub last_event_id: i64,
}

/// A member of a channel.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who it is.
    pub identity: String,
    /// `MB…`.
    pub sid: String,
}

/// A channel.
#[derive(Debug, Clone)]
pub struct Room {
    /// `CH…`.
    pub sid: String,
    /// Its document.
    pub channel: Object,
    /// Its list.
    pub messages: Object,
    /// Its map.
    pub roster: Object,
    /// Who is in it.
    pub people: Vec<Person>,
    /// The index of the next message.
    pub next_index: u64,
}

/// All channels of a rig.
pub fn of(rig: &mut Rig) -> Vec<Room> {
    let state = rig.service.admin(rig.now, "state", &json!({})).expect("the service tells its state");
    let channels = state["channels"].as_array().expect("channels").clone();
    channels.iter().map(|channel| room(rig, channel)).collect()
}

fn room(rig: &mut Rig, channel: &Value) -> Room {
    let sid = text(&channel["sid"]);
    let mut object = |kind, part| {
        let found = rig.object(kind, &format!("{sid}.{part}"));
        Object { sid: text(&found["sid"]), last_event_id: found["last_event_id"].as_i64().unwrap_or(-1) }
    };
    let people = channel["members"].as_array().expect("members");
    Room {
        channel: object("document", "channel"),
        messages: object("list", "messages"),
        roster: object("map", "roster"),
        people: people
            .iter()
            .map(|member| Person { identity: text(&member["identity"]), sid: text(&member["sid"]) })
            .collect(),
        next_index: channel["messages"].as_u64().unwrap_or(0),
        sid,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
