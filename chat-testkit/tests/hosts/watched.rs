//! A client that is watched.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_testkit::proto::{
    Call, CallDeadline, CallId, CallOptions, Command, Config, Deadline, Event, Input, Refused, Seed, Time,
    Token,
};
use chat_testkit::referee::{Bounds, HostCheck, Wire};

/// How an address ends whose service does not listen: the client is told to wait less for it.
pub(crate) const IMPATIENT: &str = "/impatient";

/// How long a call to such a service may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// All clients, by the address that they connect to.
static WATCHED: Mutex<Vec<(String, Watched)>> = Mutex::new(Vec::new());

/// What there is to know about a client, while its host has it and later.
#[derive(Clone)]
pub(crate) struct Watched {
    inner: Arc<Mutex<(HostCheck, Vec<Event>)>>,
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, (HostCheck, Vec<Event>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the host did wrong, a line each.
    pub(crate) fn breaches(&self) -> String {
        self.lock().0.breaches().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// What the app was told.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.lock().1.clone()
    }

    /// How many sockets the host was asked to open.
    pub(crate) fn links(&self) -> usize {
        self.lock().0.links().count()
    }

    /// How many messages it told of.
    pub(crate) fn frames(&self) -> usize {
        usize::try_from(self.lock().0.stats().frames_in).unwrap()
    }

    /// See [`HostCheck::compare`].
    pub(crate) fn compare(&self, wire: &Wire) {
        self.lock().0.compare([wire]);
    }
}

fn all() -> MutexGuard<'static, Vec<(String, Watched)>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The client that connects to `url`.
pub(crate) fn of(url: &str) -> Watched {
    all().iter().find(|(of, _)| of == url).unwrap().1.clone()
}

/// Has the doors of the real one.
pub(crate) struct Client {
    impatient: bool,
    watched: Watched,
}

impl Client {
    pub(crate) fn new(mut config: Config, token: Token, seed: &Seed, now: Time) -> Self {
        let url = config.endpoints.twilsock.as_deref().unwrap_or_default().to_owned();
        let impatient = url.ends_with(IMPATIENT);
        if impatient {
            config.connect_timeout = Duration::from_millis(500);
            config.close_timeout = Duration::from_millis(200);
            config.retry.min = Duration::from_millis(100);
        }
        // A real clock, on a machine that has other things to do.
        let bounds = Bounds::of(&config).and(Duration::from_secs(5));
        let check: HostCheck = HostCheck::new(config, token, seed, now);
        let watched = Watched { inner: Arc::new(Mutex::new((check.with_bounds(bounds), Vec::new()))) };
        all().push((url, watched.clone()));
        Self { impatient, watched }
    }

    pub(crate) fn handle(&mut self, now: Time, input: Input<'_>) {
        self.watched.lock().0.handle(now, input);
    }

    pub(crate) fn call(
        &mut self,
        now: Time,
        call: Call,
        mut options: CallOptions,
    ) -> Result<CallId, Refused> {
        if self.impatient {
            options.deadline = CallDeadline::After(PATIENCE);
        }
        self.watched.lock().0.call(now, call, options)
    }

    pub(crate) fn poll_command(&mut self) -> Option<Command> {
        self.watched.lock().0.poll_command()
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        let (check, events) = &mut *self.watched.lock();
        let event = check.poll_event();
        events.extend(event.clone());
        event
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.watched.lock().0.has_ended()
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.watched.lock().0.deadline()
    }
}
