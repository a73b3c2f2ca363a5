//! How to create a client.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::Config;
use rustls::ClientConfig;

use crate::error::{BoxError, CreateError};
use crate::log::{Log, LogLevel};
use crate::net::{Dialer, Proxies, Proxy, Target, Transport, UserConnect, tls};
use crate::spawn::{BoxedTask, Spawn, on_smol};
use crate::storage::Storage;
use crate::token::{Provider, Refresh};

/// How to create a client. Begin with `Options::new()`; every default fits the real service.
#[derive(Clone)]
pub struct Options {
    config: Config,
    create_timeout: Duration,
    event_buffer: usize,
    log_level: LogLevel,
    tls: Option<Arc<ClientConfig>>,
    connect: Option<UserConnect>,
    proxies: Proxies,
    provider: Option<Provider>,
    record: Option<PathBuf>,
    storage: Option<Arc<dyn Storage>>,
    spawn: Spawn,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: Config::default(),
            create_timeout: Duration::from_secs(30),
            event_buffer: 1024,
            log_level: LogLevel::default(),
            tls: None,
            connect: None,
            proxies: Proxies::default(),
            provider: None,
            record: None,
            storage: None,
            spawn: on_smol(),
        }
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the core is told: regions, timeouts, limits. Replaces what was set by [`Options::url`] and
    /// [`Options::region`].
    ///
    /// `unix_at_origin` is filled in at creation, and so are `metadata.os` and `metadata.os_architecture` unless you set
    /// them.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The address of the service instead of the region's: `wss://…`, or `ws://…` to do without TLS. One with a user name
    /// or a password in it is refused at creation.
    #[must_use]
    pub fn url(mut self, url: impl Into<Box<str>>) -> Self {
        self.config.endpoints.twilsock = Some(url.into());
        self
    }

    /// Where media are uploaded and fetched, instead of the region's service: `https://…`, or `http://…` to do without
    /// TLS.
    #[must_use]
    pub fn media_url(mut self, url: impl Into<Box<str>>) -> Self {
        self.config.endpoints.media = Some(url.into());
        self
    }

    /// The service's region, such as `us1`, which is the default (spec 03 §1.1).
    #[must_use]
    pub fn region(mut self, region: impl Into<Box<str>>) -> Self {
        self.config.region = Some(region.into());
        self
    }

    /// How long creation may take, attempts to connect again included: 30 s. Then it fails with
    /// [`CreateError::Timeout`](crate::CreateError::Timeout).
    #[must_use]
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = timeout;
        self
    }

    /// How many events each stream holds for its reader: 1024. Beyond that the oldest are thrown away, and the stream
    /// says so.
    #[must_use]
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.event_buffer = events;
        self
    }

    /// What the adapter reports through `tracing`, with the target `chat_smol`: errors alone.
    #[must_use]
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self
    }

    /// Records the session into this file, which is replaced if it exists: all that goes into the core and comes out of it,
    /// one line each, for `chat-testkit replay` and bug reports. Tokens, push registration ids and temporary addresses
    /// are starred out before they are written; names, messages and attributes are not.
    ///
    /// Each line is written when it happens, so a crash loses nothing, and a slow disk slows the client down.
    #[must_use]
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// A TLS configuration of your own, also for extra roots ([`tls_config_with_roots`](crate::tls_config_with_roots)).
    #[must_use]
    pub fn tls(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// A proxy for all connections, or with `None` no proxy. Without this the environment says which one, read at each
    /// attempt to connect: `HTTPS_PROXY` and `ALL_PROXY`, unless `NO_PROXY` names the host; in lower case as well. This
    /// machine itself is never reached by a proxy of the environment. A connector of your own ([`Options::connect`]) knows
    /// of none of this.
    #[must_use]
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.proxies = proxy.into().map_or(Proxies::None, Proxies::Fixed);
        self
    }

    /// A connector of your own: for proxies, Unix sockets, other TLS libraries, tests. It is called for each attempt and
    /// dropped when the attempt takes too long.
    #[must_use]
    pub fn connect<F, Fut, E>(mut self, connect: F) -> Self
    where
        F: Fn(Target) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Transport, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.connect = Some(Arc::new(move |target| {
            let connecting = connect(target);
            Box::pin(async move { connecting.await.map_err(Into::into) })
        }));
        self
    }

    /// Where new access tokens come from. It is asked when the token in use expires or is refused, never twice at once;
    /// when it fails it is asked again, after a wait that grows to a minute. The token must name the same identity.
    #[must_use]
    pub fn token_provider<F, Fut, E>(mut self, provider: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.provider = Some(Arc::new(move || {
            let token = provider();
            Box::pin(async move { token.await.map_err(Into::into) })
        }));
        self
    }

    /// Keeps the client there, so that it goes on where it ended: after a crash, a `kill -9`, a loss of power. What is
    /// sent leaves only after it was stored, so every message of an accepted call stands in its channel once, and what
    /// was accepted and not stored yet is neither there nor remembered: look at
    /// [`State::pending_messages`](chat_proto::State::pending_messages) before you send it again.
    ///
    /// What is stored is what changed, a few kilobytes for each message, and now and then all of the client, if the storage
    /// has a place for changes ([`Storage::changes`]): [`FileStorage`](crate::FileStorage) has.
    ///
    /// A client that was kept is usable at once, also without a network. Answers to calls of an earlier process come as
    /// [`Event::Answer`](chat_proto::Event::Answer). [`Client::shutdown`](crate::Client::shutdown) ends pending calls and
    /// keeps that; to have them go on the next time, just let the process end.
    #[must_use]
    pub fn storage(mut self, storage: impl Storage + 'static) -> Self {
        self.storage = Some(Arc::new(storage));
        self
    }

    /// What runs the client's tasks, instead of smol's global executor. Any executor does: sockets and timers bring
    /// their own reactor.
    #[must_use]
    pub fn spawn(mut self, spawn: impl Fn(BoxedTask) + Send + Sync + 'static) -> Self {
        self.spawn = Arc::new(spawn);
        self
    }

    /// Checks what can be checked, and makes the parts that a client is built of.
    pub(crate) fn into_parts(self) -> Result<Parts, CreateError> {
        if let Some(url) = &self.config.endpoints.twilsock {
            Target::parse(url)?;
        }
        if let Some(url) = &self.config.endpoints.media {
            Target::parse_http(url)?;
        }
        let mut config = self.config;
        config.metadata.os.get_or_insert_with(|| std::env::consts::OS.into());
        config.metadata.os_architecture.get_or_insert_with(|| std::env::consts::ARCH.into());
        if config.write_ahead && self.storage.is_none() {
            return Err(CreateError::NoStorage);
        }
        config.write_ahead = self.storage.is_some();
        let log = Log::new(self.log_level);
        let tls = self.tls.unwrap_or_else(tls::shared_config);
        let dialer = Dialer::new(tls, self.connect, self.proxies, config.limits.frame_bytes);
        let refresh = self.provider.map(|provider| Refresh::new(provider, self.spawn.clone(), log));
        Ok(Parts {
            config,
            dialer,
            refresh,
            storage: self.storage,
            log,
            record: self.record,
            spawn: self.spawn,
            create_timeout: self.create_timeout,
            event_buffer: self.event_buffer,
        })
    }
}

pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) dialer: Dialer,
    pub(crate) refresh: Option<Refresh>,
    pub(crate) storage: Option<Arc<dyn Storage>>,
    pub(crate) log: Log,
    pub(crate) record: Option<PathBuf>,
    pub(crate) spawn: Spawn,
    pub(crate) create_timeout: Duration,
    pub(crate) event_buffer: usize,
}

/// Shows what is set, not what closures do; the core's configuration hides its own secrets.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("config", &self.config)
            .field("create_timeout", &self.create_timeout)
            .field("event_buffer", &self.event_buffer)
            .field("log_level", &self.log_level)
            .field("tls", &self.tls.is_some())
            .field("connect", &self.connect.is_some())
            .field("record", &self.record)
            .field("proxies", &self.proxies)
            .field("token_provider", &self.provider.is_some())
            .field("storage", &self.storage.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::UrlError;
    use std::io;

    #[test]
    fn a_bad_address_is_refused_at_once() {
        let error = Options::new().url("https://tsock.us1.twilio.com").into_parts().err();
        assert!(matches!(error, Some(CreateError::BadUrl(UrlError::Scheme))));
        let error = Options::new().media_url("https://a:b@mcs.us1.twilio.com").into_parts().err();
        assert!(matches!(error, Some(CreateError::BadUrl(UrlError::Credentials))));
    }

    #[test]
    fn metadata_is_honest() {
        let parts = Options::new().into_parts().ok().unwrap();
        assert_eq!(parts.config.metadata.os.as_deref(), Some(std::env::consts::OS));
        let mut config = Config::default();
        config.metadata.os = Some("plan9".into());
        let parts = Options::new().config(config).into_parts().ok().unwrap();
        assert_eq!(parts.config.metadata.os.as_deref(), Some("plan9"));
    }

    #[test]
    fn connectors_may_fail_in_their_own_way() {
        let options = Options::new().connect(|_| async { Err::<Transport, _>(io::Error::other("no")) });
        assert!(format!("{options:?}").contains("connect: true"));
    }
}
