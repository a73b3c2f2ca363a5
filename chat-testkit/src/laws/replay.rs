//! A client led through what a session told it.

use std::collections::BTreeSet;

use chat_proto::{Command, Event, HttpId, Input, LinkId, Record, Stats, Time};

use super::Violation;
use crate::world::{Core, Entry, Rng, Session};

/// How many steps of each client are probed: all of a short session, a sample of a long one. Many worlds with few probes
/// find more than few worlds with many.
const PROBES: u64 = 24;

/// A client, and what is known of its sockets.
#[derive(Debug, Clone)]
pub(super) struct Replay<C> {
    /// A place in [`Session::clients`].
    pub(super) client: usize,
    pub(super) core: C,
    /// The client's own time: it never goes back.
    pub(super) now: Time,
    pub(super) live: Option<LinkId>,
    pub(super) dead: BTreeSet<LinkId>,
    /// HTTP requests under way, and those that have ended or were given up.
    pub(super) asked: BTreeSet<HttpId>,
    pub(super) finished: BTreeSet<HttpId>,
    pub(super) commands: Vec<Command>,
    pub(super) events: Vec<Event>,
}

impl<C: Core> Replay<C> {
    pub(super) fn new(session: &Session, client: usize) -> Option<Self> {
        let origin = session.clients.get(client)?;
        let (commands, events) = (Vec::new(), Vec::new());
        Some(Self {
            client,
            core: origin.client().ok()?,
            now: origin.start,
            live: None,
            dead: BTreeSet::new(),
            asked: BTreeSet::new(),
            finished: BTreeSet::new(),
            commands,
            events,
        })
    }

    /// Tells the client what an entry told it; `false` for what came out of it.
    pub(super) fn enter(&mut self, entry: &Entry) -> bool {
        match &entry.record {
            Record::Input(input) => self.handle(entry.at, &input.as_input()),
            Record::Call { call, options, .. } => {
                self.now = self.now.max(entry.at);
                drop(self.core.call(entry.at, (**call).clone(), *options));
            }
            Record::Cancel(id) => {
                self.now = self.now.max(entry.at);
                self.core.cancel(entry.at, *id);
            }
            _ => return false,
        }
        true
    }

    pub(super) fn handle(&mut self, at: Time, input: &Input<'_>) {
        self.now = self.now.max(at);
        if let Input::Closed(link, _) = input
            && (self.live == Some(*link) || self.dead.contains(link))
        {
            self.live = None;
            self.dead.insert(*link);
        }
        if let Input::HttpDone(http, _) = input
            && self.asked.remove(http)
        {
            self.finished.insert(*http);
        }
        self.core.handle(at, input.clone());
    }

    pub(super) fn tick(&mut self, at: Time) {
        self.handle(at, &Input::Tick);
    }

    /// Takes everything out of both queues; how much it was.
    pub(super) fn drain(&mut self) -> usize {
        let before = self.commands.len() + self.events.len();
        while let Some(command) = self.core.poll_command() {
            match &command {
                Command::Open { link, .. } => self.dead.extend(self.live.replace(*link)),
                Command::Http { http, .. } => drop(self.asked.insert(*http)),
                Command::CancelHttp { http } => {
                    self.asked.remove(http);
                    self.finished.insert(*http);
                }
                _ => {}
            }
            self.commands.push(command);
        }
        while let Some(event) = self.core.poll_event() {
            self.events.push(event);
        }
        self.commands.len() + self.events.len() - before
    }

    /// Takes one thing out, as it was taken out of the recorded client.
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::Command(_) => drop(self.core.poll_command()),
            Record::Event(_) => drop(self.core.poll_event()),
            _ => {}
        }
    }

    /// Whether a timer is due by now: an entry would fire it, whatever else it does.
    pub(super) fn is_due(&self, at: Time) -> bool {
        self.core.deadline().is_some_and(|deadline| deadline.at <= at)
    }

    /// A copy without history, to ask what would be.
    pub(super) fn what_if(&self) -> Self {
        Self {
            client: self.client,
            core: self.core.clone(),
            now: self.now,
            live: self.live,
            dead: self.dead.clone(),
            asked: self.asked.clone(),
            finished: self.finished.clone(),
            commands: Vec::new(),
            events: Vec::new(),
        }
    }

    /// How this differs from `other` in what can be seen from outside, if it does. `Stats` are compared after
    /// `forgive` took out what may differ.
    pub(super) fn difference(&self, other: &Self, forgive: impl Fn(&mut Stats)) -> Option<String> {
        let stats = |replay: &Self| {
            let mut stats = *replay.core.stats();
            forgive(&mut stats);
            stats
        };
        if let Some(difference) = first_difference("command", &self.commands, &other.commands) {
            Some(difference)
        } else if let Some(difference) = first_difference("event", &self.events, &other.events) {
            Some(difference)
        } else if self.core.state() != other.core.state() {
            Some("the states differ".into())
        } else if stats(self) != stats(other) {
            Some(format!("the counters differ: {:?} and {:?}", stats(self), stats(other)))
        } else if self.core.deadline() != other.core.deadline() {
            Some(format!("the deadlines differ: {:?} and {:?}", self.core.deadline(), other.core.deadline()))
        } else {
            None
        }
    }
}

/// The first place at which two sequences differ, if they do.
pub(super) fn first_difference<T>(what: &str, left: &[T], right: &[T]) -> Option<String>
where
    T: PartialEq + std::fmt::Debug,
{
    let place = (0..left.len().max(right.len())).find(|place| left.get(*place) != right.get(*place))?;
    Some(format!("{what} {place} differs: {:?} and {:?}", left.get(place), right.get(place)))
}

/// Leads each client through the session, everything taken out after each entry, and probes some of the steps.
pub(super) fn probe<C: Core>(
    session: &Session,
    seed: u64,
    mut check: impl FnMut(&Replay<C>, &mut Rng) -> Result<(), String>,
    law: u8,
) -> Result<(), Violation> {
    for client in 0..session.clients.len() {
        let mut rng = Rng::new(seed ^ (client as u64));
        let entries = session.of(client).count() as u64;
        let Some(mut replay) = Replay::<C>::new(session, client) else { continue };
        replay.drain();
        for (step, entry) in session.entries.iter().enumerate().filter(|(_, entry)| entry.client == client) {
            if !replay.enter(entry) {
                continue;
            }
            replay.drain();
            if rng.below(entries.max(1)) < PROBES {
                check(&replay, &mut rng).map_err(|what| Violation::new(law, client, step, what))?;
            }
        }
    }
    Ok(())
}
