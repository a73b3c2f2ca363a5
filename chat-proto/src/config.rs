//! What a client is told once, at the start. Every default names its source.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// How a client behaves. Begin with `Config::default()` and change fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Config {
    /// The service's region, such as `us1`. `None` is the default region (spec 03 §1.1).
    pub region: Option<Box<str>>,
    /// Other addresses than the region's.
    pub endpoints: Endpoints,
    /// What the client tells of itself.
    pub metadata: Metadata,
    /// From the last [`Event::ContinuationToken`](crate::Event::ContinuationToken) of an earlier client.
    pub continuation_token: Option<Secret>,
    /// The date at [`Time::ZERO`](crate::Time::ZERO), in milliseconds since 1970. With it the client foresees the
    /// expiry of its token, and its correlation ids look like those of other clients. Without it only the service
    /// warns of expiry.
    pub unix_at_origin: Option<u64>,

    /// How long a socket may take to open: 60 s (spec 01 §8 #26).
    pub connect_timeout: Duration,
    /// How long an answer to `init`, `update` or any other request may take: 30 s (spec 01 §3.6).
    pub reply_timeout: Duration,
    /// How long to wait for a socket to close once the service said so: 3 s (spec 01 §3.6).
    pub close_timeout: Duration,
    /// After how much silence of the service a socket counts as dead: 45 s (spec 01 §8 #12). `None` never does.
    pub watchdog: Option<Duration>,
    /// How to wait between attempts to connect.
    pub retry: RetryPolicy,
    /// How long a call may take while connected, unless its options say otherwise: 30 s. A few have more: see
    /// [`CallDeadline::WhileConnected`](crate::CallDeadline::WhileConnected).
    pub call_timeout: Duration,
    /// The longest that the service may still execute a request after its fate became unknown (its connection was lost,
    /// or its answer did not come in time): 30 s. A session command of unknown fate is looked for, and is pushed again
    /// only after that; a service that takes longer makes it happen twice.
    pub late_execution: Duration,
    /// Whether a session command leaves only after the host has stored a save that contains it: no. It is asked for
    /// with [`Command::Save`](crate::Command::Save). Without it a crash can lose the calls that no save contains, and
    /// double none; but a call of the last save that cannot be looked up any more is answered
    /// [`Unknown`](crate::CallError::Unknown), and an app that repeats a lost call may double what was executed.
    pub write_ahead: bool,
    /// How reads of the directory are repeated.
    pub read_retry: ReadRetry,
    /// Whether a request that the service throttles (429) is repeated: yes (spec 03 §5.1).
    pub retry_when_throttled: bool,

    /// How long answers of the directory may be kept, instead of what the service says (5 s).
    pub http_cache_interval: Option<Duration>,
    /// How often the read horizon is reported, instead of what the service says (5 s).
    pub consumption_report_interval: Option<Duration>,
    /// How many people may be subscribed at once, instead of what the service says (100).
    pub user_infos_to_subscribe: Option<u32>,
    /// How often typing is told, instead of what the service says (5 s).
    pub typing_timeout: Option<Duration>,

    /// What may grow, and how far.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: None,
            endpoints: Endpoints::default(),
            metadata: Metadata::default(),
            continuation_token: None,
            unix_at_origin: None,
            connect_timeout: Duration::from_mins(1),
            reply_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(3),
            watchdog: Some(Duration::from_secs(45)),
            retry: RetryPolicy::default(),
            call_timeout: Duration::from_secs(30),
            late_execution: Duration::from_secs(30),
            write_ahead: false,
            read_retry: ReadRetry::default(),
            retry_when_throttled: true,
            http_cache_interval: None,
            consumption_report_interval: None,
            user_infos_to_subscribe: None,
            typing_timeout: None,
            limits: Limits::default(),
        }
    }
}

/// Other addresses than the region's. Those of Twilsock and media are dialled; the rest are names inside requests, which
/// the service routes by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Endpoints {
    /// The WebSocket: `wss://tsock.us1.twilio.com/v3/wsconnect`. Give `ws://…` to do without TLS.
    pub twilsock: Option<Box<str>>,
    /// Chat REST: `https://aim.twilio.com`.
    pub chat: Option<Box<str>>,
    /// Sync: `https://cds.us1.twilio.com`.
    pub sync: Option<Box<str>>,
    /// Media: `https://mcs.us1.twilio.com`. Give `http://…` to do without TLS; media are fetched from such addresses only
    /// then.
    pub media: Option<Box<str>>,
    /// The push registrar: `https://ers.us1.twilio.com/v1/registrations`.
    pub push: Option<Box<str>>,
}

/// How to wait between attempts to connect: `min`, doubling up to `max`, each ± `randomness` (spec 01 §3.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The first wait: 1 s.
    pub min: Duration,
    /// The longest wait, before randomness: 120 s.
    pub max: Duration,
    /// In percent of the wait, both ways: 20.
    pub randomness_percent: u8,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { min: Duration::from_secs(1), max: Duration::from_mins(2), randomness_percent: 20 }
    }
}

/// How reads of the directory are repeated that the service throttles, or is in no state to answer (429, 502 to 504): at
/// most `attempts` times in all, after waits of `min`, doubling up to `max` (spec 03 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadRetry {
    /// The first wait: 1 s.
    pub min: Duration,
    /// The longest wait: 4 s.
    pub max: Duration,
    /// How often a read is sent in all: 3. One is sent whatever this says.
    pub attempts: u32,
}

impl Default for ReadRetry {
    fn default() -> Self {
        Self { min: Duration::from_secs(1), max: Duration::from_secs(4), attempts: 3 }
    }
}

/// What the client tells of itself in `init` (spec 01 §2.3). `None` is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Metadata {
    /// The library's name, `rust`; `JS` for the SDK.
    pub sdk: Box<str>,
    /// The library's version.
    pub sdk_version: Box<str>,
    /// The version of its Twilsock layer.
    pub twilsock_version: Box<str>,
    /// The runtime and its version.
    pub environment: Option<(Box<str>, Box<str>)>,
    /// The operating system.
    pub os: Option<Box<str>>,
    /// Its version. `None` beside a known system is sent as `null`, as the SDK does.
    pub os_version: Option<Box<str>>,
    /// Its architecture: text, or a number as the SDK sends it.
    pub os_architecture: Option<Box<str>>,
    /// The app's name and version.
    pub app: Option<(Box<str>, Box<str>)>,
    /// What the push registrar is told of the device (`endpoint_platform`); at most 128 characters of it are sent. `web`,
    /// as the SDK says where there is no browser (spec 03 §17.1).
    pub endpoint_platform: Box<str>,
}

impl Default for Metadata {
    fn default() -> Self {
        let version: Box<str> = env!("CARGO_PKG_VERSION").into();
        Self {
            sdk: "rust".into(),
            sdk_version: version.clone(),
            twilsock_version: version,
            environment: None,
            os: None,
            os_version: None,
            os_architecture: None,
            app: None,
            endpoint_platform: "web".into(),
        }
    }
}

impl Metadata {
    /// What the JavaScript SDK 3.4.0 tells under Node on Linux (spec 01, frame F1): for a service that wants to see it.
    pub fn javascript_sdk() -> Self {
        Self {
            sdk: "JS".into(),
            sdk_version: "3.4.0".into(),
            twilsock_version: "0.5.14".into(),
            environment: Some(("Node.js".into(), "20.20.2".into())),
            os: Some("Linux".into()),
            os_version: None,
            os_architecture: Some("64".into()),
            app: None,
            endpoint_platform: "web".into(),
        }
    }
}

/// What may grow, and how far (law 8). What happens at each limit stands beside it.
///
/// Bounds that nobody needs to change, and so are no fields:
///
/// | what | bound | beyond it |
/// |---|---|---|
/// | how deep JSON nests | 127 levels; 60 in what nobody looks into | the frame, item or call is told as unreadable, or refused; attributes that others set count as `{}` |
/// | events of one object that wait for a lost one | 512 events, or 1 MiB of them | all are told at once, and what was lost is read |
/// | versions of items that are remembered, to tell old from new | 4096 of a list, 32 768 of a map, the newest | an older item counts as old |
/// | events of a message list that wait while older messages are read | 1000 | what they added is read too, and what they changed is told |
/// | people who are followed | as many as the service says (100) | the one followed longest gives way |
/// | how far a call may be repeated, and for how long | its deadline | it fails with [`DeadlineExceeded`](crate::CallError::DeadlineExceeded) |
///
/// Everything else is bounded by what these allow: what waits for a channel, a call or a request goes when that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Limits {
    /// Longest frame from the service, in bytes: 16 MiB. A longer one is a [`Fault`](crate::Fault) and is dropped.
    pub frame_bytes: usize,
    /// Longest header of such a frame: 1 MiB.
    pub header_bytes: usize,
    /// How many undecodable frames in a row are borne before the socket is opened anew: 3 (spec 01 §8 #6).
    pub malformed_frames: u32,
    /// How many calls may wait for their answers: 1000. More are [`Refused`](crate::Refused).
    pub pending_calls: usize,
    /// How many requests may be under way at once: 200. More wait.
    pub requests_in_flight: usize,
    /// How many events may wait for the app: 10 000. Above it objects fall behind and are read again when there is room;
    /// answers to calls always find room.
    pub events: usize,
    /// How many messages of a channel the read model keeps: 1000, the newest. Older ones are fetched on demand, and
    /// changes of them are not told.
    pub messages_per_channel: usize,
    /// How many channels may be known: 10 000. More are a [`Fault`](crate::Fault) and are ignored.
    pub channels: usize,
    /// How many members of a channel may be known: 10 000. More are a [`Fault`](crate::Fault) and are ignored, as is all
    /// that happens to them.
    pub members_per_channel: usize,
    /// How many answers of the directory are kept: 500. The oldest gives way.
    pub cached_answers: usize,
    /// How many HTTP requests may be under way at once: 4. More wait.
    pub http_in_flight: usize,
    /// Longest body of an HTTP answer, in bytes: 1 MiB. Media themselves do not count: they stay with the host.
    pub http_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 16 << 20,
            header_bytes: 1 << 20,
            malformed_frames: 3,
            pending_calls: 1000,
            requests_in_flight: 200,
            events: 10_000,
            messages_per_channel: 1000,
            channels: 10_000,
            members_per_channel: 10_000,
            cached_answers: 500,
            http_in_flight: 4,
            http_body_bytes: 1 << 20,
        }
    }
}

/// Capabilities that every client asks for, in the order of the SDK (spec 01 §2.3).
pub(crate) const CAPABILITIES: [&str; 3] = ["client_update", "offline_storage", "telemetry.v1"];

/// Product id and grant of every frame (spec 03 §1.2).
pub(crate) const PRODUCT: &str = "ip_messaging";

impl Config {
    /// Where the WebSocket goes.
    pub(crate) fn twilsock_url(&self) -> Box<str> {
        let region = self.region.as_deref().unwrap_or("us1");
        self.endpoints
            .twilsock
            .clone()
            .unwrap_or_else(|| alloc::format!("wss://tsock.{region}.twilio.com/v3/wsconnect").into())
    }

    /// Base of Sync requests, without a final slash.
    pub(crate) fn sync_base(&self) -> Box<str> {
        let region = self.region.as_deref().unwrap_or("us1");
        match &self.endpoints.sync {
            Some(url) => url.trim_end_matches('/').into(),
            None => alloc::format!("https://cds.{region}.twilio.com").into(),
        }
    }

    /// Base of Chat REST requests, without a final slash. Without a region, and in `us1`, the host names none.
    pub(crate) fn chat_base(&self) -> Box<str> {
        match (&self.endpoints.chat, self.region.as_deref()) {
            (Some(url), _) => url.trim_end_matches('/').into(),
            (None, None | Some("us1")) => "https://aim.twilio.com".into(),
            (None, Some(region)) => alloc::format!("https://aim.{region}.twilio.com").into(),
        }
    }

    /// Base of media requests, without a final slash.
    pub(crate) fn media_base(&self) -> Box<str> {
        let region = self.region.as_deref().unwrap_or("us1");
        match &self.endpoints.media {
            Some(url) => url.trim_end_matches('/').into(),
            None => alloc::format!("https://mcs.{region}.twilio.com").into(),
        }
    }

    /// The push registrar, without a final slash.
    pub(crate) fn push_base(&self) -> Box<str> {
        let region = self.region.as_deref().unwrap_or("us1");
        match &self.endpoints.push {
            Some(url) => url.trim_end_matches('/').into(),
            None => alloc::format!("https://ers.{region}.twilio.com/v1/registrations").into(),
        }
    }

    /// Milliseconds since 1970 at `now`, as far as this client knows.
    pub(crate) fn unix_millis(&self, now: crate::Time) -> u64 {
        self.unix_at_origin.unwrap_or(0).saturating_add(now.as_millis())
    }
}

/// Notification types of a chat client, in the order of the SDK (spec 01 §5.1): all five in one context, so that the
/// connection is not announced twice (spec 03 §22 Q1).
pub(crate) fn message_types() -> Vec<&'static str> {
    [
        "twilio.sync.event",
        "com.twilio.rtd.cds.document",
        "com.twilio.rtd.cds.list",
        "com.twilio.rtd.cds.map",
        crate::chat::TYPING_INDICATOR,
    ]
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_service_may_be_elsewhere() {
        let mut config = Config::default();
        assert_eq!(&*config.media_base(), "https://mcs.us1.twilio.com");
        config.region = Some("au1".into());
        assert_eq!(&*config.media_base(), "https://mcs.au1.twilio.com");
        config.endpoints.media = Some("http://localhost:1/".into());
        assert_eq!(&*config.media_base(), "http://localhost:1");
    }
}
