//! Events and objects as lines: when, where, what.

use chat_smol::proto::{Channel, Identity, Member, Message};
use chat_smol::{ChannelReason, Client, ConnectionState, Event, MemberReason, Timestamp};
use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;

use super::channels::title;

/// The line of an event; `None` for what a person need not know.
pub(super) fn event(client: &Client, event: &Event) -> Option<String> {
    let me = client.identity();
    let name = |identity: &Option<Identity>| person(identity.as_ref());
    let is_me = |identity: &Option<Identity>| identity.is_some() && *identity == me;
    let in_channel = |member: &Member, what: String| {
        let channel = client.local_channel(&member.channel);
        note(channel.as_deref().map_or("", |channel| title(channel)), &what)
    };
    let of_message = |message: &Message| {
        let channel = client.local_channel(&message.channel);
        channel.as_deref().map_or_else(|| message.channel.to_string(), |channel| title(channel).to_owned())
    };
    Some(match event {
        Event::MessageAdded(message) => self::message(&of_message(message), message),
        Event::MessageUpdated { message, .. } => self::message(&of_message(message), message) + " (edited)",
        Event::MessageRemoved(message) => {
            note(&of_message(message), &format!("message [{}] was deleted", message.index))
        }
        Event::ChannelInvited(channel) => {
            note(title(channel), &format!("you are invited: /join {} or /decline {0}", title(channel)))
        }
        Event::ChannelJoined(channel) => note(title(channel), "you are in"),
        Event::ChannelLeft(channel) => note(title(channel), "you are out"),
        Event::ChannelRemoved(channel) => note(title(channel), "is gone"),
        Event::ChannelUpdated { channel, reasons }
            if reasons.contains(ChannelReason::FriendlyName)
                || reasons.contains(ChannelReason::UniqueName) =>
        {
            note(title(channel), &format!("the channel is named {} now", names(channel)))
        }
        Event::ChannelUpdated { channel, reasons } if reasons.contains(ChannelReason::Attributes) => {
            note(title(channel), &format!("the channel's attributes are {} now", channel.attributes))
        }
        Event::MemberJoined(member) if !is_me(&member.identity) => {
            in_channel(member, format!("{} came in", name(&member.identity)))
        }
        Event::MemberLeft(member) if !is_me(&member.identity) => {
            in_channel(member, format!("{} left", name(&member.identity)))
        }
        Event::MemberUpdated { member, reasons } if reasons.contains(MemberReason::Attributes) => in_channel(
            member,
            format!("{}'s attributes are {} now", name(&member.identity), member.attributes),
        ),
        Event::TypingStarted(member) => in_channel(member, format!("{} is typing …", name(&member.identity))),
        Event::ConnectionStateChanged(state) => note("", connection(*state)?),
        Event::ConnectionError(error) => note("", &format!("connection: {error}")),
        Event::TokenAboutToExpire => note("", "the access token is about to expire"),
        Event::TokenExpired => note("", "the access token has expired"),
        Event::Fault(fault) => note("", &fault.to_string()),
        _ => return None,
    })
}

/// A message: when it was said, where, its index, who, what.
pub(super) fn message(channel: &str, message: &Message) -> String {
    let said = match (&message.body, &message.media) {
        (Some(body), _) => body.to_string(),
        (None, Some(media)) => format!("({}, {} bytes)", media.content_type, media.size),
        (None, None) => format!("({})", message.attributes),
    };
    let at = message.timestamp.map_or_else(Moment::now, moment);
    line(at, channel, &format!("[{}] {}: {said}", message.index, person(message.author.as_ref())))
}

/// Somebody in a channel.
pub(super) fn member(member: &Member) -> String {
    let typing = if member.is_typing { ", typing" } else { "" };
    format!("{}{typing}", person(member.identity.as_ref()))
}

fn connection(state: ConnectionState) -> Option<&'static str> {
    match state {
        ConnectionState::Connected => Some("connected"),
        ConnectionState::Connecting => Some("connection lost, connecting again"),
        ConnectionState::Disconnected => Some("disconnected"),
        _ => None,
    }
}

fn names(channel: &Channel) -> String {
    let names = [&channel.unique_name, &channel.friendly_name];
    let names: Vec<&str> = names.into_iter().filter_map(|name| name.as_deref()).collect();
    names.join(", ")
}

fn note(channel: &str, what: &str) -> String {
    line(Moment::now(), channel, &format!("--- {what}"))
}

fn line(at: Moment, channel: &str, what: &str) -> String {
    let at = at.to_zoned(TimeZone::system());
    format!("{}  {channel:<12} {what}", at.strftime("%H:%M:%S"))
}

fn person(identity: Option<&Identity>) -> String {
    identity.map_or_else(|| "somebody".into(), ToString::to_string)
}

fn moment(timestamp: Timestamp) -> Moment {
    Moment::from_millisecond(timestamp.as_unix_millis()).unwrap_or_default()
}
