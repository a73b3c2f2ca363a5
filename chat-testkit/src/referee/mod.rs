//! The referee: is this host one that a [`Client`] can rely on?
//!
//! A host has few duties (perform commands, answer each once, tick in time, store what it says it stored, go on reading),
//! and each that it neglects shows as something else: a call without an answer, a socket that hangs. [`HostCheck`] has the
//! doors of the client and stands in its place; what the host does wrong it keeps as [`Breach`]es, with the moment and what
//! was expected. It is plain data without a thread or a clock, so it goes wherever the client goes, in any runtime.
//!
//! ```
//! use std::time::Duration;
//! use chat_proto::{Command, Config, Input, Seed, Time, Token};
//! use chat_testkit::referee::{HostCheck, Kind};
//!
//! let mut client: HostCheck = HostCheck::new(Config::default(), Token::new("a.b.c").unwrap(), &Seed::from_number(1), Time::ZERO);
//! let Some(Command::Open { link, .. }) = client.poll_command() else { panic!("it wants to connect") };
//! client.handle(Time::from_millis(50), Input::Opened(link));
//! client.handle(Time::from_millis(60), Input::Opened(link));
//! assert_eq!(client.breaches()[0].kind, Kind::OpenedTwice(link));
//! ```
//!
//! What a host did not do shows in its next entry. One that never comes again is caught by [`HostCheck::look`], and what
//! it really wrote and read by [`HostCheck::compare`] with the [`Wire`] that a peer of the test's own saw.

mod bounds;
mod breach;
mod links;
mod requests;
mod saves;
mod wire;

use std::borrow::Borrow;
use std::ops::Deref;

use chat_proto::{
    Call, CallId, CallOptions, Cancel, Client, Command, Config, Deadline, Event, Input, LinkId, Refused,
    ResumeError, Saved, Seed, State, Stats, Time, Token, Why,
};

use crate::world::{Core, core_by_own_methods};
use links::Links;
use requests::Requests;
use saves::Saves;

pub use bounds::Bounds;
pub use breach::{Breach, Kind};
pub use wire::Wire;

/// How many breaches are kept; the others are counted.
const MOST_BREACHES: usize = 1000;

/// A client whose host is watched: see the module. What only looks at the client goes through [`Deref`].
#[derive(Debug, Clone)]
pub struct HostCheck<C = Client> {
    core: C,
    bounds: Bounds,
    /// The latest time that the host told.
    now: Time,
    /// Since when there has been a command in the queue.
    waiting: Option<Time>,
    /// The deadline, and the start of waiting, that were reported already.
    reported: (Option<Time>, Option<Time>),
    links: Links,
    requests: Requests,
    saves: Saves,
    breaches: Vec<Breach>,
    more: u64,
}

impl<C: Core> HostCheck<C> {
    /// As [`Client::new`]. The bounds follow from the configuration.
    pub fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self {
        let bounds = Bounds::of(&config);
        Self::watch(C::new(config, token, seed, now), bounds, now)
    }

    /// As [`Client::resume`].
    ///
    /// # Errors
    /// As there.
    pub fn resume(
        config: Config,
        token: Token,
        seed: &Seed,
        now: Time,
        saved: Saved,
    ) -> Result<Self, ResumeError> {
        let bounds = Bounds::of(&config);
        Ok(Self::watch(C::resume(config, token, seed, now, saved)?, bounds, now))
    }

    /// Watches the host of a client that was made elsewhere, from `now` on.
    pub fn watch(core: C, bounds: Bounds, now: Time) -> Self {
        let mut check = Self {
            core,
            bounds,
            now,
            waiting: None,
            reported: (None, None),
            links: Links::default(),
            requests: Requests::default(),
            saves: Saves::default(),
            breaches: Vec::new(),
            more: 0,
        };
        check.left();
        check
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// What the host did wrong so far, oldest first: the first thousand of it.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// How much else it did wrong.
    pub fn more_breaches(&self) -> u64 {
        self.more
    }

    /// The sockets that it was asked to open, oldest first.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.iter().map(|(link, _)| link)
    }

    /// Whether anything is overdue by now. The client hears nothing of it. Ask at the end of a test, since a host that
    /// sleeps for ever makes no entry in which it could show.
    pub fn look(&mut self, now: Time) {
        let now = now.max(self.now);
        if let Some(since) = self.waiting
            && now.since(since) > self.bounds.commands
            && self.reported.1 != Some(since)
        {
            self.reported.1 = Some(since);
            self.breach(now, Kind::CommandsLeft { since });
        }
        // `Behind` may be due since before it was known: it is set when the app takes events, which tells no time.
        let due = self.core.deadline().filter(|due| !matches!(due.why, Why::Commands | Why::Behind));
        if let Some(due) = due
            && now.since(due.at) > self.bounds.late
            && self.reported.0 != Some(due.at)
        {
            self.reported.0 = Some(due.at);
            self.breach(now, Kind::Overslept(due));
        }
        let answers = self.links.overdue(now, &self.bounds);
        for kind in answers.into_iter().chain(self.saves.overdue(now, &self.bounds)) {
            self.breach(now, kind);
        }
    }

    /// Holds what the host asked its sockets against what a peer saw on them, one [`Wire`] for each connection in the
    /// order of their beginning. Ask when all has arrived that could: what the peer sent and the client was not told is
    /// taken for unread. Where it received nothing at all, nothing was written: so a peer that reads nothing, or loses
    /// without a word what was written, is not to be compared.
    pub fn compare<W: Borrow<Wire>>(&mut self, wires: impl IntoIterator<Item = W>) {
        for kind in wire::compare(&self.links, wires) {
            self.breach(self.now, kind);
        }
    }

    /// See [`Client::handle`].
    pub fn handle(&mut self, now: Time, input: Input<'_>) {
        self.enter(now);
        let wrong = self.links.told(&input);
        let wrong =
            wrong.or_else(|| self.requests.told(self.now, &input)).or_else(|| self.saves.told(&input));
        if let Some(kind) = wrong {
            self.breach(self.now, kind);
        }
        self.core.handle(now, input);
        self.left();
    }

    /// See [`Client::call`].
    ///
    /// # Errors
    /// The client refuses the call.
    pub fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        self.enter(now);
        let id = self.core.call(now, call, options);
        self.left();
        id
    }

    /// See [`Client::cancel`].
    pub fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
        self.enter(now);
        let cancel = self.core.cancel(now, id);
        self.left();
        cancel
    }

    /// See [`Client::save`]. A save that is made in another way counts as not made.
    #[must_use]
    pub fn save(&self, now: Time) -> Saved {
        let saved = self.core.save(now);
        self.saves.made(saved.revision());
        saved
    }

    /// See [`Client::poll_command`].
    #[must_use]
    pub fn poll_command(&mut self) -> Option<Command> {
        let command = self.core.poll_command();
        if let Some(command) = &command {
            self.links.asked(self.now, command);
            self.saves.asked(self.now, command);
            if let Some(kind) = self.requests.asked(self.now, command, &self.bounds) {
                self.breach(self.now, kind);
            }
        }
        self.left();
        command
    }

    /// See [`Client::poll_event`].
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.poll_event()
    }

    /// See [`Client::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.core.deadline()
    }

    /// See [`Client::state`].
    pub fn state(&self) -> &State {
        self.core.state()
    }

    /// See [`Client::stats`].
    pub fn stats(&self) -> &Stats {
        self.core.stats()
    }

    /// The host comes in.
    fn enter(&mut self, now: Time) {
        if now < self.now {
            self.breach(now, Kind::ClockBackwards { from: self.now });
        }
        self.look(now);
        self.now = self.now.max(now);
    }

    /// And goes: do commands wait now?
    fn left(&mut self) {
        let wait = self.core.deadline().is_some_and(|due| due.why == Why::Commands);
        self.waiting = wait.then(|| self.waiting.unwrap_or(self.now));
    }

    fn breach(&mut self, at: Time, kind: Kind) {
        if self.breaches.len() < MOST_BREACHES {
            self.breaches.push(Breach { at, kind });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

impl<C> Deref for HostCheck<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.core
    }
}

// So that a `World` can run with it: its hosts are hosts like any other.
core_by_own_methods!(HostCheck<C>, C: Core);
