//! Addresses and records of Chat REST (spec 03 §5.2, §5.3): pure functions.

mod records;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::session::Links;
use crate::config::Config;
use crate::error::CallError;
use crate::model::{ChannelSid, ChannelStatus, Identity, NotificationLevel};
use crate::twilsock::Url;

pub(crate) use records::{
    channel, channel_users, public_channels, sync_list, unread_count, user, user_channels,
};

/// A page of the list of own channels that a client reads at startup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncListPage {
    pub(crate) entries: Vec<SyncListEntry>,
    /// Token of the page after it, for [`sync_list_url`].
    pub(crate) next: Option<String>,
    /// How many entries could not be read and were left out.
    pub(crate) unreadable: usize,
}

/// One of the own channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncListEntry {
    pub(crate) channel: ChannelSid,
    /// `notParticipating` counts as `known` (spec 03 §22 Q10); `Unknown` where it is absent or not understood.
    pub(crate) status: ChannelStatus,
    /// Name of the channel's document.
    pub(crate) document: Box<str>,
    pub(crate) last_consumed_message_index: Option<u64>,
    pub(crate) notification_level: Option<NotificationLevel>,
}

/// The directory of public channels: first page, or the one of `token` → [`public_channels`].
pub(crate) fn public_channels_url(
    config: &Config,
    links: &Links,
    token: Option<&str>,
) -> Result<Url, CallError> {
    Ok(page(at(config, &links.public_channels)?, token))
}

/// One channel, by SID or by unique name → [`channel`].
pub(crate) fn channel_url(config: &Config, links: &Links, name: &str) -> Result<Url, CallError> {
    Ok(at(config, &links.public_channels)?.segment(name))
}

/// The directory of own channels: first page, or the one of `token` → [`user_channels`].
pub(crate) fn user_channels_url(
    config: &Config,
    links: &Links,
    token: Option<&str>,
) -> Result<Url, CallError> {
    Ok(page(at(config, &links.my_channels)?, token))
}

/// One of the own channels, with its count of unread messages → [`unread_count`].
pub(crate) fn unread_count_url(
    config: &Config,
    links: &Links,
    channel: &ChannelSid,
) -> Result<Url, CallError> {
    Ok(at(config, &links.my_channels)?.param("ChannelSid", channel.as_str()))
}

/// The own channels at startup: first page, or the one of `token` → [`sync_list`].
pub(crate) fn sync_list_url(config: &Config, links: &Links, token: Option<&str>) -> Result<Url, CallError> {
    Ok(page(at(config, &links.sync_list)?, token))
}

/// One person → [`user`].
pub(crate) fn user_url(config: &Config, links: &Links, identity: &Identity) -> Result<Url, CallError> {
    Ok(at(config, &links.users)?.segment(identity.as_str()))
}

/// The users of a channel: first page, or the one of `token` → [`channel_users`].
pub(crate) fn channel_users_url(
    config: &Config,
    links: &Links,
    channel: &ChannelSid,
    token: Option<&str>,
) -> Result<Url, CallError> {
    Ok(page(at(config, &links.users)?.param("ChannelSid", channel.as_str()), token))
}

/// Name of the document of a channel that only the directory knows: it is computed, not read (spec 03 §5.3).
pub(crate) fn document_name(channel: &ChannelSid) -> Box<str> {
    alloc::format!("{channel}.channel").into()
}

fn at(config: &Config, link: &str) -> Result<Url, CallError> {
    let text = alloc::format!("{}{link}", config.chat_base());
    Url::parse(&text).ok_or(CallError::InvalidArgument {
        argument: Cow::Borrowed("endpoints.chat"),
        problem: Cow::Borrowed("not an absolute address"),
    })
}

fn page(url: Url, token: Option<&str>) -> Url {
    match token {
        Some(token) => url.param("PageToken", token),
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links {
            public_channels: "/v3/Services/IS1/Channels".into(),
            my_channels: "/v3/Services/IS1/MyChannels".into(),
            sync_list: "/v3/Services/IS1/SyncList?Version=2".into(),
            users: "/v3/Services/IS1/Users".into(),
            typing: None,
            media_service: None,
        }
    }

    fn text(url: Result<Url, CallError>) -> String {
        let url = url.unwrap();
        let query: Vec<String> =
            url.query.iter().map(|(name, value)| alloc::format!("{name}={value}")).collect();
        alloc::format!("{}{}?{}", url.host, url.path, query.join("&"))
    }

    #[test]
    fn addresses_follow_the_table() {
        let (config, links, sid) = (Config::default(), links(), ChannelSid::from("CH1"));
        let base = "aim.twilio.com/v3/Services/IS1";
        for (url, expected) in [
            (public_channels_url(&config, &links, None), "Channels?"),
            (public_channels_url(&config, &links, Some("a/b=")), "Channels?PageToken=a%2Fb%3D"),
            (channel_url(&config, &links, "my room/é"), "Channels/my%20room%2F%C3%A9?"),
            (user_channels_url(&config, &links, Some("t")), "MyChannels?PageToken=t"),
            (unread_count_url(&config, &links, &sid), "MyChannels?ChannelSid=CH1"),
            (sync_list_url(&config, &links, None), "SyncList?Version=2"),
            (sync_list_url(&config, &links, Some("t")), "SyncList?Version=2&PageToken=t"),
            (user_url(&config, &links, &Identity::from("a b/c")), "Users/a%20b%2Fc?"),
            (channel_users_url(&config, &links, &sid, None), "Users?ChannelSid=CH1"),
            (channel_users_url(&config, &links, &sid, Some("t")), "Users?ChannelSid=CH1&PageToken=t"),
        ] {
            assert_eq!(text(url), alloc::format!("{base}/{expected}"));
        }
        assert_eq!(&*document_name(&sid), "CH1.channel");
    }

    #[test]
    fn a_senseless_endpoint_is_a_typed_error() {
        let mut config = Config::default();
        config.endpoints.chat = Some("nowhere".into());
        let error = sync_list_url(&config, &links(), None).unwrap_err();
        assert!(matches!(error, CallError::InvalidArgument { .. }), "{error}");
    }
}
