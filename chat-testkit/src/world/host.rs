use std::collections::VecDeque;
use std::time::Duration;

use chat_proto::{Time, Why};

use super::lives::NextLife;
use super::rng::Rng;
use super::{Core, Happening};

/// When an app takes its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drain {
    AfterEach,
    /// This long after the first one came.
    Later(Duration),
    AtEnd,
}

/// What stands between a client and the world: a clock that may be wrong, and ticks that may be late.
#[derive(Debug, Clone)]
pub(super) struct Host<C> {
    pub(super) core: C,
    /// Which client of the session it is.
    pub(super) seat: usize,
    /// It crashed: what the next one goes on from.
    pub(super) dead: Option<NextLife>,
    pub(super) drain: Drain,
    /// Whether taking the events, or the commands, is planned already.
    pub(super) drain_planned: bool,
    pub(super) commands_planned: bool,
    asleep_until: Time,
    /// What came while it slept.
    pub(super) held: VecDeque<Happening>,
    /// How far the clock is behind the world's.
    behind: Duration,
    /// The deadline that was looked at last, and by how much its tick will be late.
    lateness: Option<(Time, Duration)>,
    /// How many ticks there were at one moment.
    pub(super) ticks: (Time, u32),
    rng: Rng,
    late_ticks: u64,
}

impl<C: Core> Host<C> {
    pub(super) fn new(core: C, seat: usize, drain: Drain, rng: Rng, late_ticks: u64) -> Self {
        Self {
            core,
            seat,
            dead: None,
            drain,
            drain_planned: false,
            commands_planned: false,
            asleep_until: Time::ZERO,
            held: VecDeque::new(),
            behind: Duration::ZERO,
            lateness: None,
            ticks: (Time::ZERO, 0),
            rng,
            late_ticks,
        }
    }

    /// What the client's clock shows.
    pub(super) fn clock(&self, now: Time) -> Time {
        Time::ZERO + now.since(Time::ZERO).saturating_sub(self.behind)
    }

    pub(super) fn set_back(&mut self, by: Duration) {
        self.behind += by;
    }

    /// Whether nothing reaches the client, nor leaves it, for now: the host sleeps, or is gone.
    pub(super) fn is_asleep(&self, now: Time) -> bool {
        self.dead.is_some() || now < self.asleep_until
    }

    /// The host sleeps until then, or is woken then if it slept for longer. Whether it does: one that is gone does not,
    /// because only its next life ends that.
    pub(super) fn sleep(&mut self, until: Time) -> bool {
        let sleeps = self.dead.is_none();
        if sleeps {
            self.asleep_until = until;
        }
        sleeps
    }

    /// The host is gone, with all that waited in it.
    pub(super) fn die(&mut self, next: NextLife) {
        self.dead = Some(next);
        self.held.clear();
    }

    /// When the host ticks, in the world's time; `None` when the client does not ask for it.
    pub(super) fn wake(&mut self, now: Time) -> Option<Time> {
        if self.dead.is_some() {
            return None;
        }
        let deadline = self.core.deadline().filter(|deadline| deadline.why != Why::Commands)?;
        let late = match self.lateness {
            Some((at, late)) if at == deadline.at => late,
            _ => {
                let late = if self.rng.per_mille(self.late_ticks) { self.rng.range(1, 3000) } else { 0 };
                let late = Duration::from_millis(late);
                self.lateness = Some((deadline.at, late));
                late
            }
        };
        Some((deadline.at + self.behind + late).max(self.asleep_until).max(now))
    }
}
