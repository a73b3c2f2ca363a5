//! Session commands: what a client pushes to its session list (spec 03 §4).

mod channel;
mod member;
mod message;
mod report;
mod user;

use serde_json::{Map, Value, json};

use super::{Channel, Chat};
use crate::service::sync::Store;
use crate::service::world::World;

/// Why a command was refused: a status and a text, both opaque to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    text: &'static str,
}

pub(crate) const fn refuse(status: u16, text: &'static str) -> Refusal {
    Refusal { status, text }
}

const UNAUTHORIZED: Refusal = refuse(403, "User unauthorized for command");
const NOT_MEMBER: Refusal = refuse(403, "User not member of channel");
const NO_CHANNEL: Refusal = refuse(404, "Channel not found");
const NO_MEMBER: Refusal = refuse(404, "Member not found");
const MEMBER_EXISTS: Refusal = refuse(409, "Member already exists");
const MALFORMED: Refusal = refuse(400, "Malformed command");

/// Fields of a response beside its status.
pub(crate) type Answer = Result<Value, Refusal>;
type Run = fn(&mut Actor<'_>, &Map<String, Value>) -> Answer;

/// All 21 actions.
const ACTIONS: &[(&str, Run)] = &[
    ("createChannel", channel::create),
    ("destroyChannel", channel::destroy),
    ("editAttributes", channel::edit_attributes),
    ("editFriendlyName", channel::edit_friendly_name),
    ("editUniqueName", channel::edit_unique_name),
    ("editNotificationLevel", channel::edit_notification_level),
    ("joinChannelV2", member::join),
    ("leaveChannel", member::leave),
    ("inviteMember", member::invite),
    ("declineInvitation", member::decline),
    ("addMemberV2", member::add),
    ("removeMember", member::remove),
    ("editMemberAttributes", member::edit_attributes),
    ("sendMessage", message::send),
    ("sendMediaMessage", message::send_media),
    ("editMessage", message::edit),
    ("editMessageAttributes", message::edit_attributes),
    ("deleteMessage", message::delete),
    ("editUserAttributes", user::edit_attributes),
    ("editUserFriendlyName", user::edit_friendly_name),
    ("consumptionReportV2", report::report),
];

/// Somebody who gives a command, and what it may touch.
#[derive(Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) store: &'a mut Store,
    pub(crate) chat: &'a mut Chat,
    pub(crate) identity: &'a str,
}

/// Executes a command; gives its `response`.
pub(crate) fn execute(actor: &mut Actor<'_>, action: &str, params: &Map<String, Value>) -> Value {
    let run = ACTIONS.iter().find(|(name, _)| *name == action).map(|(_, run)| run);
    let answer = match run {
        Some(run) => run(actor, params),
        None => Err(refuse(400, "Unknown command")),
    };
    response(answer)
}

/// A command's answer as it stands on the wire.
pub(crate) fn response(answer: Answer) -> Value {
    match answer {
        Ok(fields) => {
            let mut response = json!({"status": 200});
            if let (Value::Object(response), Value::Object(fields)) = (&mut response, fields) {
                response.extend(fields);
            }
            response
        }
        Err(Refusal { status, text }) => json!({"status": status, "statusText": text}),
    }
}

impl Actor<'_> {
    /// The channel that a command is about, when this identity may know of it.
    fn channel(&self, params: &Map<String, Value>) -> Result<&Channel, Refusal> {
        let sid = text(params, "channelSid")?;
        self.chat.channels.get(sid).filter(|channel| channel.visible_to(self.identity)).ok_or(NO_CHANNEL)
    }

    /// The same, for members only.
    fn joined_channel(&self, params: &Map<String, Value>) -> Result<&Channel, Refusal> {
        let channel = self.channel(params)?;
        if channel.is_member(self.identity) { Ok(channel) } else { Err(NOT_MEMBER) }
    }

    /// Attributes: JSON text within the limit, `{}` when there are none.
    fn attributes<'p>(&self, params: &'p Map<String, Value>) -> Result<&'p str, Refusal> {
        let Some(value) = params.get("attributes").filter(|value| !value.is_null()) else { return Ok("{}") };
        let text = value.as_str().ok_or(refuse(400, "Attributes not valid"))?;
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(refuse(400, "Attributes not valid"));
        }
        if text.len() > self.world.config.max_attributes_bytes {
            return Err(refuse(413, "Attributes too long"));
        }
        Ok(text)
    }
}

/// A parameter that must be a text.
fn text<'p>(params: &'p Map<String, Value>, name: &str) -> Result<&'p str, Refusal> {
    params.get(name).and_then(Value::as_str).ok_or(MALFORMED)
}

/// `messageIdx`: a number, or the same as text (spec 03 §4.1).
fn message_index(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
