//! The handle of a client: how it comes to be, how it ends, and how to look into it.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_proto::session::ClientHeader;
use chat_proto::{
    CallId, CallOptions, Cancel, Client as Proto, ConnectionError, ConnectionState, Event, Identity, Input,
    Network, Saved, Seed, State, Stats, Token,
};
use futures_lite::{FutureExt, StreamExt};
use smol::Timer;

use crate::call::CallFuture;
use crate::clock::Clock;
use crate::driver::Driver;
use crate::error::{CreateError, Error};
use crate::events::{Events, StreamItem};
use crate::keeper::Keeper;
use crate::media::Held;
use crate::objects::{Bind, User};
use crate::options::{Options, Parts};
use crate::record::Tape;
use crate::saver::Saver;
use crate::shared::Shared;
use crate::transfers::Transfers;

/// A chat client: a cheap handle, to be cloned and sent about.
///
/// The client lives until [`Client::shutdown`], or until the last handle is dropped; objects such as
/// [`Channel`](crate::Channel) hold a handle, streams of events do not.
#[derive(Clone)]
pub struct Client {
    life: Arc<Life>,
    options: CallOptions,
}

/// Held by handles alone: its end is theirs.
struct Life {
    shared: Arc<Shared>,
    close_timeout: Duration,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.shared.release();
    }
}

impl Client {
    /// Connects with an access token, and waits until the client knows who it is.
    ///
    /// A connection that fails is tried again until [`Options::create_timeout`]. A service that cannot be verified ends
    /// it at once, and so does a refused token, unless there is a [`Options::token_provider`].
    ///
    /// # Errors
    /// There is no client: see [`CreateError`]. Nothing of it goes on then.
    pub async fn create(token: impl Into<Box<str>>, options: Options) -> Result<Self, CreateError> {
        let token = Token::new(token)?;
        let parts = options.into_parts()?;
        let patience = Patience::new(&parts, Instant::now());
        let kept = Kept::load(&parts).await?;
        Self::resume(token, parts, kept)?.ready(patience).await
    }

    /// As [`Client::create`], with the first token from the [`Options::token_provider`] as well.
    ///
    /// # Errors
    /// As [`Client::create`]; besides, there is no provider, or it gives nothing usable.
    pub async fn create_with_provider(options: Options) -> Result<Self, CreateError> {
        let mut parts = options.into_parts()?;
        let begun = Instant::now();
        let refresh = parts.refresh.as_mut().ok_or(CreateError::NoToken)?;
        refresh.want(false);
        let fetch = async { Some(poll_fn(|cx| refresh.poll(cx)).await) };
        let token = fetch.or(expiry(parts.create_timeout)).await;
        let Some(token) = token else {
            let error = refresh.take_error().unwrap_or_else(|| "it gave no answer in time".into());
            return Err(CreateError::Provider(error));
        };
        let patience = Patience::new(&parts, begun);
        let kept = Kept::load(&parts).await?;
        Self::resume(token, parts, kept)?.ready(patience).await
    }

    /// As [`Client::resume`], with nothing kept.
    #[cfg(test)]
    pub(crate) fn start(token: Token, parts: Parts) -> Result<Self, CreateError> {
        Self::resume(token, parts, Kept::default())
    }

    /// Builds the core, of what was kept if anything was, and sets its driver going, without waiting for anything.
    fn resume(token: Token, parts: Parts, kept: Kept) -> Result<Self, CreateError> {
        let Kept { keeper, saved } = kept;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| CreateError::Entropy(error.to_string().into()))?;
        let clock = Clock::start();
        let mut config = parts.config;
        config.unix_at_origin = Some(clock.unix_at_origin());
        let close_timeout = config.close_timeout;
        let (seed, now) = (Seed::new(seed), clock.now());
        let header = ClientHeader::new(&config, &token, &seed, now);
        let header = match &saved {
            Some(saved) => header.resumed(saved.clone()),
            None => header,
        };
        let proto = match saved {
            Some(saved) => Proto::resume(config, token, &seed, now, saved)?,
            None => Proto::new(config, token, &seed, now),
        };
        let tape = parts.record.map(|path| Tape::create(&path, header, parts.log));
        let tape = tape.transpose().map_err(CreateError::Record)?;
        let saver = keeper.map(|keeper| Saver::new(keeper, parts.spawn.clone(), parts.log));
        let shared = Arc::new(Shared::new(clock, proto, tape, parts.event_buffer));
        let life = Arc::new(Life { shared: shared.clone(), close_timeout });
        let transfers = Transfers::new(parts.spawn.clone(), parts.dialer.clone());
        let driver =
            Driver::new(shared, parts.dialer, transfers, parts.refresh, saver, parts.log, close_timeout);
        (parts.spawn)(Box::pin(driver));
        Ok(Self { life, options: CallOptions::default() })
    }

    async fn ready(self, patience: Patience) -> Result<Self, CreateError> {
        let mut last = None;
        let outcome = self.wait_ready(patience.provided, &mut last).or(expiry(patience.left)).await;
        match outcome {
            Some(Ok(())) => Ok(self),
            Some(Err(error)) => Err(error),
            None => Err(CreateError::Timeout { after: patience.after, last }),
        }
    }

    /// Waits until the client is ready or never will be, and keeps the `last` error of the connection.
    async fn wait_ready(
        &self,
        provided: bool,
        last: &mut Option<ConnectionError>,
    ) -> Option<Result<(), CreateError>> {
        let mut events = self.shared().hub.subscribe(None);
        // What was told before the subscription shows in the state.
        let (ready, connection) = self.with_state(|state| (state.is_ready(), state.connection()));
        if ready {
            return Some(Ok(()));
        }
        let mut denied = connection == ConnectionState::Denied;
        loop {
            // With a provider another token is on its way. Without, only the reason is waited for, and not for long.
            if denied && !provided {
                let reason = events.find_map(connection_error).or(expiry(REASON)).await;
                return Some(Err(CreateError::TokenRejected(reason.or(last.take()))));
            }
            match events.next().await {
                Some(StreamItem::Event(Event::Ready)) => return Some(Ok(())),
                Some(StreamItem::Event(Event::ConnectionError(error))) => {
                    if let Some(text) = self.shared().untrusted() {
                        return Some(Err(CreateError::Untrusted(text)));
                    }
                    denied |= error.terminal;
                    *last = Some(error);
                    if denied && !provided {
                        return Some(Err(CreateError::TokenRejected(last.take())));
                    }
                }
                Some(StreamItem::Event(Event::ConnectionStateChanged(state))) => {
                    denied = state == ConnectionState::Denied;
                }
                Some(StreamItem::Event(_) | StreamItem::Lagged(_)) => {}
                None => return Some(Err(CreateError::Ended)),
            }
        }
    }

    /// The same client, whose calls have other options.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// What happens, as a stream. The first stream begins with what happened since the client began, each further one
    /// with now. Answers to calls are not among it: they go to their futures.
    pub fn events(&self) -> Events {
        self.shared().hub.events()
    }

    /// The events from now on that `filter` lets pass. It is called for each event, on the client's own task: keep it
    /// quick, and do not call the client there.
    pub fn events_where(&self, filter: impl Fn(&Event) -> bool + Send + Sync + 'static) -> Events {
        self.shared().hub.subscribe(Some(Box::new(filter)))
    }

    /// Looks at everything that the client knows, as it is at this moment.
    ///
    /// The client stands still meanwhile: copy out what you need (snapshots are cheap to clone) and do not call the
    /// client inside, which would wait for itself.
    pub fn with_state<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        self.shared().with_state(look)
    }

    /// How the connection stands (spec 03 §16).
    pub fn connection_state(&self) -> ConnectionState {
        self.with_state(State::connection)
    }

    /// Whether the service tells who is online; `None` before the client is ready.
    pub fn reachability_enabled(&self) -> Option<bool> {
        self.with_state(State::reachability_enabled)
    }

    /// Who the own user is; `None` before the client is ready.
    pub fn identity(&self) -> Option<Identity> {
        self.with_state(|state| state.identity().cloned())
    }

    /// The own user; `None` until it was read.
    pub fn user(&self) -> Option<User> {
        let user = self.with_state(|state| state.user().cloned());
        user.map(|user| self.bind(user))
    }

    /// Counters: what happened so far, in numbers.
    pub fn stats(&self) -> Stats {
        self.shared().stats()
    }

    /// The version of this library, as `0.1.0`.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Makes an object of a snapshot that an event brought: `client.bind(message).remove()`.
    pub fn bind<B: Bind>(&self, snapshot: B) -> B::Object {
        snapshot.bind(self)
    }

    /// Tells what the system says of its network. It need not be told: it only makes things quicker.
    pub fn network(&self, network: Network) {
        self.shared().handle(Input::Network(network));
    }

    /// Withdraws a call, if that is still possible: as long as its request has not left. Its future ends either way.
    pub fn cancel(&self, id: CallId) -> Cancel {
        self.shared().cancel(id)
    }

    /// Ends the client: pending calls are answered with an error, the socket is closed. Done when nothing of it runs any
    /// more; another handle may have asked for it before.
    pub async fn shutdown(&self) {
        self.shutdown_within(Duration::ZERO).await;
    }

    /// As [`Client::shutdown`], but pending calls may go on for `drain`; what is not answered then is answered with
    /// [`CallError::ShutDown`](crate::CallError::ShutDown).
    pub async fn shutdown_within(&self, drain: Duration) {
        let mut end = self.shared().hub.subscribe(Some(Box::new(|_| false)));
        // The core closes the socket within its own `close_timeout`; as long again is kept for the driver to end.
        self.shared().shutdown(drain, self.life.close_timeout * 2);
        while end.next().await.is_some() {}
    }

    /// Asks the core. The call is under way when this returns; the future is only for its answer.
    pub(crate) fn ask<T>(
        &self,
        call: chat_proto::Call,
        take: fn(&Self, chat_proto::Reply) -> Option<T>,
    ) -> CallFuture<T> {
        CallFuture::new(self.clone(), self.shared().call(call, self.options), take)
    }

    /// As [`Client::ask`], with something of the app's that is kept until the call is answered.
    pub(crate) fn ask_with_media<T>(
        &self,
        held: Held,
        call: impl FnOnce(chat_proto::MediaId) -> chat_proto::Call,
        take: fn(&Self, chat_proto::Reply) -> Option<T>,
    ) -> CallFuture<T> {
        CallFuture::new(self.clone(), self.shared().call_with_media(held, call, self.options), take)
    }

    pub(crate) fn refuse<T>(&self, error: Error) -> CallFuture<T> {
        CallFuture::new(self.clone(), Err(error), |_, _| None)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.life.shared
    }
}

/// What was kept of a client, and who keeps it further.
#[derive(Default)]
struct Kept {
    keeper: Option<Keeper>,
    saved: Option<Saved>,
}

impl Kept {
    async fn load(parts: &Parts) -> Result<Self, CreateError> {
        let Some(storage) = &parts.storage else { return Ok(Self::default()) };
        let (keeper, saved) = Keeper::load(storage.clone()).await?;
        Ok(Self { keeper: Some(keeper), saved })
    }
}

/// How long to wait for a client to be ready.
struct Patience {
    after: Duration,
    /// What is left of it after the provider was asked.
    left: Duration,
    /// Whether a refused token is followed by another.
    provided: bool,
}

impl Patience {
    fn new(parts: &Parts, begun: Instant) -> Self {
        let after = parts.create_timeout;
        Self { after, left: after.saturating_sub(begun.elapsed()), provided: parts.refresh.is_some() }
    }
}

/// How long the reason of a refusal may come after the refusal.
const REASON: Duration = Duration::from_millis(500);

fn connection_error(item: StreamItem) -> Option<ConnectionError> {
    match item {
        StreamItem::Event(Event::ConnectionError(error)) => Some(error),
        _ => None,
    }
}

async fn expiry<T>(timeout: Duration) -> Option<T> {
    Timer::after(timeout).await;
    None
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("identity", &self.identity())
            .field("connection", &self.connection_state())
            .finish_non_exhaustive()
    }
}
