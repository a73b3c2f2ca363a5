//! Channels by name: finding one, and listing all.

use std::collections::BTreeSet;

use chat_smol::{Channel, ChannelStatus, Client, Error, StreamExt};

/// Channels that a list shows at most.
const MOST: usize = 200;

/// The channel of a name: one that this client knows (also by its name for people), else one of the directory.
pub(super) async fn find(client: &Client, name: &str) -> Result<Channel, Error> {
    let known = client.with_state(|state| {
        let channels = state.channels();
        let by = |test: &dyn Fn(&chat_smol::proto::Channel) -> bool| {
            channels.iter().find(|channel| test(channel)).map(|channel| (*channel).clone())
        };
        by(&|channel| channel.unique_name.as_deref() == Some(name) || channel.sid.as_str() == name)
            .or_else(|| by(&|channel| channel.friendly_name.as_deref() == Some(name)))
    });
    match known {
        Some(channel) => Ok(client.bind(channel)),
        None if is_sid(name) => client.get_channel_by_sid(name).await,
        None => client.get_channel_by_unique_name(name).await,
    }
}

/// `CH` and 32 hex digits.
fn is_sid(name: &str) -> bool {
    name.len() == 34
        && name.strip_prefix("CH").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What a channel is called.
pub(super) fn title(channel: &chat_smol::proto::Channel) -> &str {
    let name = channel.unique_name.as_deref().or(channel.friendly_name.as_deref());
    name.unwrap_or(channel.sid.as_str())
}

/// All channels, a line each: the own ones, then the others of the directory.
pub(super) async fn list(client: &Client) -> Result<Vec<String>, Error> {
    let own = client.get_local_channels(None).await?;
    let mut shown = BTreeSet::new();
    let mut lines = Vec::new();
    for channel in &own {
        shown.insert(channel.sid.clone());
        let private = if channel.is_private() { ", private" } else { "" };
        lines.push(format!("{:<16} {}{private}", title(channel), status(channel.status)));
    }
    let mut directory = client.get_public_channel_descriptors().await?.into_stream();
    while let Some(found) = directory.next().await {
        let found = found?;
        if !shown.insert(found.sid.clone()) {
            continue;
        }
        if lines.len() >= MOST {
            lines.push(format!("… and more than {MOST}"));
            break;
        }
        let name = found.unique_name.as_deref().or(found.friendly_name.as_deref());
        let name = name.unwrap_or(found.sid.as_str());
        let (members, messages) = (found.members_count, found.messages_count);
        lines.push(format!("{name:<16} open to join: {members} members, {messages} messages"));
    }
    if lines.is_empty() {
        lines.push("there are no channels: /create NAME makes one".into());
    }
    Ok(lines)
}

fn status(status: ChannelStatus) -> &'static str {
    match status {
        ChannelStatus::Joined => "you are in",
        ChannelStatus::Invited => "you are invited",
        _ => "you are not in",
    }
}
