//! Session commands as items of the session list (spec 03 §3.1, §3.5, §4.1).

mod answer;

use alloc::string::{String, ToString};

use crate::call::MemberRef;
use crate::chat::commands::SessionCommand;
use crate::config::Metadata;
use crate::json::{Json, push_string};
use crate::model::{ChannelSid, ChannelType, Identity, NotificationLevel};

pub(crate) use answer::seen;

/// What a session list is for.
pub(crate) const PURPOSE: &str = "com.twilio.rtd.ipmsg";

/// The context that a session list is created with (spec 03 §3.1).
pub(crate) fn context(metadata: &Metadata) -> String {
    let (runtime, version) = match &metadata.environment {
        Some((runtime, version)) => (&**runtime, &**version),
        None => ("", ""),
    };
    let os = metadata.os.as_deref().unwrap_or_default();
    let platform = [&metadata.sdk, &metadata.sdk_version, os, runtime, version].join("|");
    let mut out = String::from(r#"{"type":"IpMsgSession","apiVersion":"3","endpointPlatform":"#);
    push_string(&mut out, &platform);
    out.push('}');
    out
}

/// The item that asks for `command` (spec 03 §3.5): parameters first, in the order of the table, `action` last.
pub(crate) fn item(command: &SessionCommand, command_id: &str) -> String {
    let mut params = Params { out: String::from(r#"{"request":{"#) };
    let action = write(&mut params, command);
    params.text("action", action);
    let mut out = params.out;
    // Each parameter ends with a comma; there is always one: the action.
    out.pop();
    out.push_str(r#"},"commandId":"#);
    push_string(&mut out, command_id);
    out.push('}');
    out
}

/// Writes the parameters; gives the action.
fn write(to: &mut Params, command: &SessionCommand) -> &'static str {
    match command {
        SessionCommand::CreateChannel { friendly_name, unique_name, channel_type, attributes } => {
            if let Some(name) = friendly_name {
                to.text("friendlyName", name);
            }
            if let Some(name) = unique_name {
                to.text("uniqueName", name);
            }
            to.text("type", if *channel_type == ChannelType::Private { "private" } else { "public" });
            to.attributes(attributes);
            "createChannel"
        }
        SessionCommand::DestroyChannel { channel } => {
            to.channel(channel);
            "destroyChannel"
        }
        SessionCommand::Join { channel } => {
            to.channel(channel);
            "joinChannelV2"
        }
        SessionCommand::Leave { channel } => {
            to.channel(channel);
            "leaveChannel"
        }
        SessionCommand::Decline { channel } => {
            to.channel(channel);
            "declineInvitation"
        }
        SessionCommand::Invite { channel, identity } => {
            to.channel(channel);
            to.username(identity);
            "inviteMember"
        }
        SessionCommand::Add { channel, identity } => {
            to.channel(channel);
            to.username(identity);
            "addMemberV2"
        }
        SessionCommand::RemoveMember { channel, member } => {
            to.channel(channel);
            match member {
                MemberRef::Identity(identity) => to.username(identity),
                MemberRef::Sid(sid) => to.text("memberSid", &sid.text()),
            }
            "removeMember"
        }
        SessionCommand::EditAttributes { channel, attributes } => {
            to.channel(channel);
            to.attributes(attributes);
            "editAttributes"
        }
        SessionCommand::EditFriendlyName { channel, friendly_name } => {
            to.channel(channel);
            to.text_or_null("friendlyName", friendly_name.as_deref());
            "editFriendlyName"
        }
        SessionCommand::EditUniqueName { channel, unique_name } => {
            to.channel(channel);
            to.text("uniqueName", unique_name.as_deref().unwrap_or_default());
            "editUniqueName"
        }
        SessionCommand::EditNotificationLevel { channel, level } => {
            to.channel(channel);
            to.text(
                "notificationLevel",
                if *level == NotificationLevel::Muted { "muted" } else { "default" },
            );
            "editNotificationLevel"
        }
        SessionCommand::SendMessage { channel, text, attributes } => {
            to.channel(channel);
            to.text_or_null("text", text.as_deref());
            to.attributes(attributes);
            "sendMessage"
        }
        SessionCommand::SendMediaMessage { channel, media, attributes } => {
            to.channel(channel);
            to.text("mediaSid", media.as_str());
            to.attributes(attributes);
            "sendMediaMessage"
        }
        // The index is a text here and in `deleteMessage`, but a number in `editMessageAttributes`.
        SessionCommand::EditMessage { channel, index, text } => {
            to.channel(channel);
            to.text("messageIdx", &index.to_string());
            to.text("text", text);
            "editMessage"
        }
        SessionCommand::EditMessageAttributes { channel, index, attributes } => {
            to.channel(channel);
            to.raw("messageIdx", &index.to_string());
            to.attributes(attributes);
            "editMessageAttributes"
        }
        SessionCommand::DeleteMessage { channel, index } => {
            to.channel(channel);
            to.text("messageIdx", &index.to_string());
            "deleteMessage"
        }
        SessionCommand::EditMemberAttributes { channel, member, attributes } => {
            to.channel(channel);
            to.text("memberSid", &member.text());
            to.attributes(attributes);
            "editMemberAttributes"
        }
        SessionCommand::EditUserAttributes { identity, attributes } => {
            to.username(identity);
            to.attributes(attributes);
            "editUserAttributes"
        }
        SessionCommand::EditUserFriendlyName { identity, friendly_name } => {
            to.username(identity);
            to.text_or_null("friendlyName", friendly_name.as_deref());
            "editUserFriendlyName"
        }
        SessionCommand::ConsumptionReport(report) => {
            to.raw("report", &self::report(report));
            "consumptionReportV2"
        }
    }
}

fn report(entries: &[(ChannelSid, Option<u64>)]) -> String {
    let mut out = String::from("[");
    for (channel, index) in entries {
        let mut entry = Params { out: String::from("{") };
        entry.channel(channel);
        match index {
            Some(index) => entry.raw("messageIdx", &index.to_string()),
            None => entry.raw("messageIdx", "null"),
        }
        entry.out.pop();
        out.push_str(&entry.out);
        out.push_str("},");
    }
    if !entries.is_empty() {
        out.pop();
    }
    out.push(']');
    out
}

/// An object that is being written; each member is followed by a comma.
struct Params {
    out: String,
}

impl Params {
    /// A member whose value is JSON already.
    fn raw(&mut self, name: &str, json: &str) {
        push_string(&mut self.out, name);
        self.out.push(':');
        self.out.push_str(json);
        self.out.push(',');
    }

    fn text(&mut self, name: &str, text: &str) {
        let mut quoted = String::with_capacity(text.len() + 2);
        push_string(&mut quoted, text);
        self.raw(name, &quoted);
    }

    fn text_or_null(&mut self, name: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    fn channel(&mut self, channel: &ChannelSid) {
        self.text("channelSid", channel.as_str());
    }

    fn username(&mut self, identity: &Identity) {
        self.text("username", identity.as_str());
    }

    /// Attributes travel as text that holds JSON (`jstr`).
    fn attributes(&mut self, attributes: &Json) {
        self.text("attributes", attributes.as_str());
    }
}

#[cfg(test)]
mod tests;
