//! What can be set about the offline service.

use serde::{Deserialize, Serialize};

/// When the service fills in the session context (spec 03 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextEnrich {
    /// When the session list is subscribed: the order seen on the wire.
    OnSubscribe,
    /// Before the list's creation is answered.
    Immediate,
    /// This many milliseconds after its creation.
    After(u64),
}

impl Serialize for ContextEnrich {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::OnSubscribe => serializer.serialize_str("onSubscribe"),
            Self::Immediate => serializer.serialize_str("immediate"),
            Self::After(ms) => serializer.serialize_u64(*ms),
        }
    }
}

impl<'de> Deserialize<'de> for ContextEnrich {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Word(String),
            Ms(u64),
        }
        match Wire::deserialize(deserializer)? {
            Wire::Word(word) if word == "onSubscribe" => Ok(Self::OnSubscribe),
            Wire::Word(word) if word == "immediate" => Ok(Self::Immediate),
            Wire::Word(word) => Err(serde::de::Error::unknown_variant(&word, &["onSubscribe", "immediate"])),
            Wire::Ms(ms) => Ok(Self::After(ms)),
        }
    }
}

/// Settings of the service, with the key names of its control interface. A key that does not exist is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ServiceConfig {
    /// Mixed into the identifiers that the service makes, next to the number given to `Service::new`.
    pub seed: String,
    /// Milliseconds between 1970-01-01T00:00:00Z and `Time::ZERO`: gives the service its dates. Not a key of the
    /// control interface; the host sets it.
    #[serde(skip)]
    pub unix_at_origin: i64,
    /// Where the host serves media, without a final slash: the beginning of temporary addresses. Not a key of the control
    /// interface; the host sets it.
    #[serde(skip)]
    pub media_url: String,
    /// What an `init` may ask for and gets (spec 01 §2.4).
    pub capabilities: Vec<String>,
    /// Whether payloads of our frames are followed by a line end, as the service does (spec 01 §1.2).
    pub trailing_crlf: bool,
    /// When the session context is filled in: once the client subscribed.
    pub context_enrich: ContextEnrich,
    /// Whether the response of a session command comes before its mutations.
    pub response_first: bool,
    /// Told in the session context: whether users have a `reachability` item. Yes.
    pub reachability_enabled: bool,
    /// Told in the session context: how often read horizons are reported, as an ISO 8601 duration; `PT5S`.
    pub consumption_report_interval: String,
    /// Told in the session context: how long answers of directories are kept, as an ISO 8601 duration; `PT5S`.
    pub http_cache_interval: String,
    /// Told in the session context: how many people a client subscribes to at once; 100.
    pub user_infos_to_subscribe: u64,
    /// Seconds, 5; told in the answer to a typing report, and one more to those who are told of it (spec 03 §12.2).
    pub typing_timeout: u64,
    /// Told in the answer to a poke: how many objects the next may hold; 1000 (spec 02 §2.2).
    pub max_batch_size: u64,
    /// Most subscriptions of one connection (spec 02 §6.4): 2000.
    pub max_subscriptions: usize,
    /// Told in the answer to a poke, in milliseconds: how long its acknowledgements may take; 10 000 (spec 02 §2.2).
    pub estimated_delivery_ms: u64,
    /// Told in the answer to a poke, in seconds: how long subscriptions last; a day.
    pub subscription_ttl_s: u64,
    /// A replay stops after this many events and ends `interrupted`; 0 is no limit.
    pub replay_limit: usize,
    /// Most items on a page of a Sync query: 100.
    pub max_page_size: usize,
    /// Entries on a page of a Chat REST collection: 50.
    pub rest_page_size: usize,
    /// Longest attributes text, in bytes of UTF-8: 16 KiB.
    pub max_attributes_bytes: usize,
    /// Longest message text, in bytes of UTF-8: 32 KiB.
    pub max_message_bytes: usize,
    /// Longest media, in bytes: 32 MiB.
    pub max_media_bytes: usize,
    /// How long a temporary address of media is good, in milliseconds: five minutes.
    pub media_url_ttl_ms: u64,
    /// Whether the creator of a private channel keeps its item after leaving.
    pub creator_keeps_private: bool,
    /// Every frame of ours leaves this many milliseconds later: 0.
    pub latency_ms: u64,
    /// Every answer to an upstream request leaves this many milliseconds later: 0.
    pub http_delay_ms: u64,
    /// Every session command is executed this many milliseconds later: 0.
    pub command_delay_ms: u64,
    /// A user without a connection counts as online this many milliseconds longer: 0.
    pub offline_delay_ms: u64,
    /// Milliseconds between two `ping`s to a connection; 0, the default, is none.
    pub ping_interval_ms: u64,
    /// Whether connections are warned of the end of their token, and closed at it. Yes.
    pub token_timers: bool,
    /// How many milliseconds before its end a token is warned of: three minutes.
    pub token_warn_ms: u64,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            seed: "ref".into(),
            unix_at_origin: 0,
            media_url: "http://media.test".into(),
            capabilities: ["client_update", "offline_storage", "telemetry.v1"].map(String::from).into(),
            trailing_crlf: true,
            context_enrich: ContextEnrich::OnSubscribe,
            response_first: false,
            reachability_enabled: true,
            consumption_report_interval: "PT5S".into(),
            http_cache_interval: "PT5S".into(),
            user_infos_to_subscribe: 100,
            typing_timeout: 5,
            max_batch_size: 1000,
            max_subscriptions: 2000,
            estimated_delivery_ms: 10_000,
            subscription_ttl_s: 86_400,
            replay_limit: 0,
            max_page_size: 100,
            rest_page_size: 50,
            max_attributes_bytes: 16_384,
            max_message_bytes: 32_768,
            max_media_bytes: 32 << 20,
            media_url_ttl_ms: 300_000,
            creator_keeps_private: false,
            latency_ms: 0,
            http_delay_ms: 0,
            command_delay_ms: 0,
            offline_delay_ms: 0,
            ping_interval_ms: 0,
            token_timers: true,
            token_warn_ms: 180_000,
        }
    }
}
