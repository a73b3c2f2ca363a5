//! From a recorded client's frames back to calls.
#![doc = include_str!("calls.md")]

use chat_proto::{
    Call, ChannelSid, CreateChannel, Direction, GetMessages, Identity, Json, MemberRef, MemberSid,
    NotificationLevel, SendMessage, Time,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Parts;
use super::known::Known;

type Make = fn(&Value) -> Option<Call>;

/// Session commands and their calls (spec 03 §3.5), as the table says.
const ACTIONS: [(&str, Make); 20] = [
    ("createChannel", create_channel),
    ("joinChannelV2", |r| Some(Call::Join(channel(r)?))),
    ("leaveChannel", |r| Some(Call::Leave(channel(r)?))),
    ("declineInvitation", |r| Some(Call::Decline(channel(r)?))),
    ("destroyChannel", |r| Some(Call::DeleteChannel(channel(r)?))),
    ("inviteMember", |r| Some(Call::Invite(channel(r)?, identity(r)?))),
    ("addMemberV2", |r| Some(Call::Add(channel(r)?, identity(r)?))),
    ("removeMember", |r| {
        let by_sid = r["memberSid"].as_str().map(|sid| MemberRef::Sid(MemberSid::new(sid)));
        Some(Call::RemoveMember(channel(r)?, by_sid.or_else(|| Some(MemberRef::Identity(identity(r)?)))?))
    }),
    ("sendMessage", send_message),
    ("editMessage", |r| Some(Call::UpdateMessageBody(channel(r)?, index(r)?, r["text"].as_str()?.into()))),
    ("editMessageAttributes", |r| {
        Some(Call::UpdateMessageAttributes(channel(r)?, index(r)?, attributes(r)?))
    }),
    ("deleteMessage", |r| Some(Call::RemoveMessage(channel(r)?, index(r)?))),
    ("editAttributes", |r| Some(Call::UpdateChannelAttributes(channel(r)?, attributes(r)?))),
    ("editFriendlyName", |r| Some(Call::UpdateFriendlyName(channel(r)?, text(r, "friendlyName")))),
    ("editUniqueName", |r| Some(Call::UpdateUniqueName(channel(r)?, text(r, "uniqueName")))),
    ("editNotificationLevel", |r| {
        let level = match r["notificationLevel"].as_str()? {
            "muted" => NotificationLevel::Muted,
            "default" => NotificationLevel::Default,
            // Nothing else can be asked for with our types.
            _ => return None,
        };
        Some(Call::SetUserNotificationLevel(channel(r)?, level))
    }),
    ("consumptionReportV2", |r| {
        let report = r["report"].get(0)?;
        Some(Call::UpdateLastConsumedMessageIndex(channel(report)?, report["messageIdx"].as_u64()))
    }),
    ("editMemberAttributes", |r| {
        let member = MemberSid::new(r["memberSid"].as_str()?);
        Some(Call::UpdateMemberAttributes(channel(r)?, member, attributes(r)?))
    }),
    ("editUserFriendlyName", |r| Some(Call::UpdateUserFriendlyName(identity(r)?, text(r, "friendlyName")))),
    ("editUserAttributes", |r| Some(Call::UpdateUserAttributes(identity(r)?, attributes(r)?))),
];

/// What became of a recorded request.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A call asks for it.
    Call(Box<Call>),
    /// Our client asks it by itself, or it needs nothing.
    Own,
    /// No call was found for it.
    Unknown,
}

/// The call that has a client send this frame.
pub(super) fn meaning(at: Time, parts: &Parts, known: &Known) -> Meaning {
    match parts.method() {
        "close" => return Meaning::Call(Call::Shutdown { drain_until: None }.into()),
        "message" => {}
        _ => return Meaning::Own,
    }
    let http = &parts.header["http_request"];
    let path: Vec<&str> =
        http["path"].as_str().unwrap_or_default().trim_start_matches('/').split('/').collect();
    let param = |name: &str| http["params"][name].as_str();
    let call = match (http["method"].as_str().unwrap_or_default(), path.as_slice()) {
        ("POST", [_, "Services", _, "Lists", _, "Items"]) => {
            let request = parts.json()["data"]["request"].take();
            let make = ACTIONS.iter().find(|(action, _)| request["action"] == *action);
            make.and_then(|(_, make)| make(&request))
        }
        ("POST", [_, "typing"]) => {
            let body = String::from_utf8_lossy(&parts.payload);
            body.strip_prefix("ChannelSid=").map(|sid| Call::Typing(ChannelSid::new(sid)))
        }
        ("GET", [_, "Services", _, "Lists", list, "Items"]) if param("PageSize").is_some() => {
            known.lists.get(*list).and_then(|channel| messages(channel, param))
        }
        ("GET", [_, "Services", _, "Channels"]) if param("PageToken").is_none() => {
            Some(Call::GetPublicChannelDescriptors)
        }
        ("GET", [_, "Services", _, "Channels", name]) if name.starts_with("CH") => {
            let sid = ChannelSid::new(*name);
            let opens = known.opens(at, &format!("{name}.channel"));
            Some(if opens { Call::GetChannelBySid(sid) } else { Call::GetMembersCount(sid) })
        }
        ("GET", [_, "Services", _, "Channels", name]) => Some(Call::GetChannelByUniqueName(decoded(name))),
        ("GET", [_, "Services", _, "Users", _, "Channels"]) => match param("ChannelSid") {
            Some(sid) => Some(Call::GetUnconsumedMessagesCount(ChannelSid::new(sid))),
            None => param("PageToken").is_none().then_some(Call::GetUserChannelDescriptors),
        },
        ("GET", [_, "Services", _, "Users"]) => {
            param("ChannelSid").map(|sid| Call::GetUserDescriptors(ChannelSid::new(sid)))
        }
        ("GET", [_, "Services", _, "Users", name]) => {
            let who = Identity::new(decoded(name));
            let opens = known.infos.get(who.as_str()).is_some_and(|info| known.opens(at, info));
            Some(if opens { Call::GetUser(who) } else { Call::GetUserDescriptor(who) })
        }
        ("POST", [_, "Subscriptions"]) if parts.json()["action"] == "cancel" => {
            let object = parts.json()["requests"][0]["object_sid"].take();
            match object.as_str().and_then(|sid| known.maps.get(sid)) {
                Some(who) => Some(Call::UnsubscribeUser(who.clone())),
                None => return Meaning::Own,
            }
        }
        ("GET", [_, "Maps", name]) => match known.own_again(at, name) {
            Some(who) => Some(Call::UnsubscribeUser(who)),
            None => return Meaning::Own,
        },
        (
            "GET",
            [_, "Services", _, "Lists", _, "Context"]
            | [_, "Lists" | "Documents", _]
            | [_, "Services", _, "Maps", _, "Items"]
            | [_, "Services", _, "Users", _, "SyncList"],
        )
        | ("POST", [_, "Lists" | "Subscriptions"]) => return Meaning::Own,
        _ => None,
    };
    call.map_or(Meaning::Unknown, |call| Meaning::Call(call.into()))
}

fn messages<'a>(channel: &ChannelSid, param: impl Fn(&str) -> Option<&'a str>) -> Option<Call> {
    let direction = if param("Order") == Some("desc") { Direction::Backwards } else { Direction::Forward };
    let anchor = param("From").map(str::parse).transpose().ok()?;
    let page_size = param("PageSize")?.parse().ok()?;
    Some(Call::GetMessages(GetMessages { channel: channel.clone(), page_size, anchor, direction }))
}

fn create_channel(request: &Value) -> Option<Call> {
    Some(Call::CreateChannel(CreateChannel {
        friendly_name: text(request, "friendlyName"),
        unique_name: text(request, "uniqueName"),
        is_private: request["type"] == "private",
        attributes: attributes(request)?,
    }))
}

fn send_message(request: &Value) -> Option<Call> {
    let (channel, body) = (channel(request)?, text(request, "text"));
    Some(Call::SendMessage(SendMessage { channel, body, attributes: attributes(request)? }))
}

fn channel(request: &Value) -> Option<ChannelSid> {
    request["channelSid"].as_str().map(ChannelSid::new)
}

fn identity(request: &Value) -> Option<Identity> {
    request["username"].as_str().map(Identity::new)
}

fn text(request: &Value, name: &str) -> Option<Box<str>> {
    request[name].as_str().map(Into::into)
}

/// A number, or the same as a text.
fn index(request: &Value) -> Option<u64> {
    let index = &request["messageIdx"];
    index.as_u64().or_else(|| index.as_str()?.parse().ok())
}

fn attributes(request: &Value) -> Option<Json> {
    Json::parse(request["attributes"].as_str()?).ok()
}

fn decoded(name: &str) -> Box<str> {
    percent_decode_str(name).decode_utf8_lossy().into()
}

#[cfg(test)]
mod tests {
    use super::ACTIONS;

    #[test]
    fn the_table_has_every_session_command() {
        let table = include_str!("calls.md");
        for (action, _) in ACTIONS {
            assert!(table.contains(&format!("| `{action}` |")), "{action}");
        }
        let rows = table.lines().filter(|line| line.starts_with("| session command")).count();
        assert_eq!(rows, 1);
        let (_, actions) = table.split_once("| `action` | call |").unwrap();
        assert_eq!(actions.lines().filter(|line| line.starts_with("| `")).count(), ACTIONS.len());
    }
}
