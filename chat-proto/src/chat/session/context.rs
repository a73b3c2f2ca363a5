//! The context of the session list: what the service tells of this client (spec 03 §3.2).

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::date::parse_duration;
use crate::model::Identity;

/// A complete context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionContext {
    /// Who we are.
    pub(crate) identity: Identity,
    /// Name of the own user's map.
    pub(crate) user_info: Box<str>,
    /// Name of the own channels map.
    pub(crate) my_channels: Box<str>,
    /// Whether the service tells who is online.
    pub(crate) reachability_enabled: Option<bool>,
    /// `None` where it is absent or malformed: the default counts.
    pub(crate) consumption_report_interval: Option<Duration>,
    /// `None` where it is absent or malformed: the default counts.
    pub(crate) http_cache_interval: Option<Duration>,
    /// `None` where it is absent, zero or malformed: the default counts.
    pub(crate) user_infos_to_subscribe: Option<u32>,
    pub(crate) links: Links,
}

/// Paths of Chat REST, each beginning with `/`, to be appended to [`Config::chat_base`](crate::Config::chat_base).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Links {
    /// The directory of public channels.
    pub(crate) public_channels: Box<str>,
    /// The directory of own channels.
    pub(crate) my_channels: Box<str>,
    /// The own channels at startup.
    pub(crate) sync_list: Box<str>,
    pub(crate) users: Box<str>,
    /// Not used by the reference client, which has a path of its own (spec 03 §22 Q4).
    pub(crate) typing: Option<Box<str>>,
    /// To be appended to the host of media.
    pub(crate) media_service: Option<Box<str>>,
}

/// What a context turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    Complete(Box<SessionContext>),
    /// The service has not filled it in yet.
    Incomplete,
    /// This member is not what it must be. Its value is not shown: a context may hold a token (law 10).
    Malformed(&'static str),
}

/// Reads a context. It counts only when it owns all five of these members (spec 03 §3.3).
pub(super) fn read(data: &str) -> Read {
    let Ok(Value::Object(members)) = serde_json::from_str(data) else {
        return Read::Malformed("context");
    };
    if !["identity", "userInfo", "links", "myChannels", "channels"]
        .iter()
        .all(|name| members.contains_key(*name))
    {
        return Read::Incomplete;
    }
    match complete(&members) {
        Ok(context) => Read::Complete(Box::new(context)),
        Err(member) => Read::Malformed(member),
    }
}

fn complete(members: &Map<String, Value>) -> Result<SessionContext, &'static str> {
    let text = |name| required(members, name).map(Box::<str>::from);
    let Some(Value::Object(links)) = members.get("links") else {
        return Err("links");
    };
    Ok(SessionContext {
        identity: required(members, "identity")?.into(),
        user_info: text("userInfo")?,
        my_channels: text("myChannels")?,
        reachability_enabled: optional(members, "reachabilityEnabled"),
        consumption_report_interval: interval(members, "consumptionReportInterval"),
        http_cache_interval: interval(members, "httpCacheInterval"),
        user_infos_to_subscribe: optional(members, "userInfosToSubscribe").filter(|limit| *limit > 0),
        links: Links {
            public_channels: path(links, "publicChannelsUrl")?,
            my_channels: path(links, "myChannelsUrl")?,
            sync_list: path(links, "syncListUrl")?,
            users: path(links, "usersUrl")?,
            typing: path(links, "typingUrl").ok(),
            media_service: path(links, "mediaServiceUrl").ok(),
        },
    })
}

fn required<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, &'static str> {
    members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(name)
}

/// Links must be paths: they are appended to a host (spec 03 §3.2).
fn path(links: &Map<String, Value>, name: &'static str) -> Result<Box<str>, &'static str> {
    required(links, name)?.strip_prefix('/').map(|rest| alloc::format!("/{rest}").into()).ok_or(name)
}

fn optional<T: DeserializeOwned>(members: &Map<String, Value>, name: &str) -> Option<T> {
    serde_json::from_value(members.get(name)?.clone()).ok()
}

fn interval(members: &Map<String, Value>, name: &str) -> Option<Duration> {
    parse_duration(members.get(name)?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"type":"IpMsgSession","apiVersion":"3","endpointPlatform":"js|3.4.0|||","token":"hunter2",
        "identity":"alice","userInfo":"US1.info","myChannels":"alice.channels","channels":null,
        "links":{"publicChannelsUrl":"/v3/C","myChannelsUrl":"/v3/M","syncListUrl":"/v3/S","usersUrl":"/v3/U",
        "typingUrl":"/v1/typing","mediaServiceUrl":"/v1/Media"},
        "reachabilityEnabled":true,"consumptionReportInterval":"PT1S","httpCacheInterval":"PT0S","userInfosToSubscribe":100}"#;

    fn read_text(text: &str) -> Read {
        read(text)
    }

    #[test]
    fn a_complete_context_is_read_whole() {
        let Read::Complete(context) = read_text(FULL) else { panic!() };
        assert_eq!(context.identity.as_str(), "alice");
        assert_eq!((&*context.user_info, &*context.my_channels), ("US1.info", "alice.channels"));
        assert_eq!(context.reachability_enabled, Some(true));
        assert_eq!(context.consumption_report_interval, Some(Duration::from_secs(1)));
        assert_eq!(context.http_cache_interval, Some(Duration::ZERO));
        assert_eq!(context.user_infos_to_subscribe, Some(100));
        assert_eq!(&*context.links.sync_list, "/v3/S");
        assert_eq!(context.links.typing.as_deref(), Some("/v1/typing"));
        assert_eq!(context.links.media_service.as_deref(), Some("/v1/Media"));
    }

    #[test]
    fn all_five_members_are_needed() {
        for name in ["identity", "userInfo", "links", "myChannels", "channels"] {
            let without = FULL.replace(&alloc::format!(r#""{name}":"#), r#""other":"#);
            assert_eq!(read_text(&without), Read::Incomplete, "{name}");
        }
        assert_eq!(read_text("{}"), Read::Incomplete);
    }

    #[test]
    fn malformed_members_are_named_and_not_shown() {
        for (from, to, member) in [
            (r#""identity":"alice""#, r#""identity":7"#, "identity"),
            (r#""userInfo":"US1.info""#, r#""userInfo":"""#, "userInfo"),
            (r#""syncListUrl":"/v3/S""#, r#""syncListUrl":"https://x/v3/S""#, "syncListUrl"),
            (r#""usersUrl":"/v3/U","#, "", "usersUrl"),
        ] {
            assert_eq!(read_text(&FULL.replace(from, to)), Read::Malformed(member));
        }
        for text in ["null", "[]", "7"] {
            assert_eq!(read_text(text), Read::Malformed("context"));
        }
    }

    #[test]
    fn malformed_options_count_as_absent() {
        let text = FULL
            .replace(r#""reachabilityEnabled":true"#, r#""reachabilityEnabled":"hunter2""#)
            .replace(r#""PT1S""#, r#""soon""#)
            .replace(r#""PT0S""#, "5")
            .replace(":100", ":0");
        let Read::Complete(context) = read_text(&text) else { panic!() };
        assert_eq!((context.reachability_enabled, context.user_infos_to_subscribe), (None, None));
        assert_eq!((context.consumption_report_interval, context.http_cache_interval), (None, None));
        assert!(!alloc::format!("{context:?}").contains("hunter2"));
    }
}
