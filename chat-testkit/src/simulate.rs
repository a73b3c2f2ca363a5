//! Many worlds in a row, each held against all laws; the first that breaks one is kept.
//!
//! ```
//! use chat_proto::Client;
//! use chat_testkit::simulate::Simulation;
//!
//! let outcome = Simulation { worlds: 2, steps: 10, ..Simulation::new(7) }.run::<Client>(|_, _| ());
//! assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
//! assert_eq!((outcome.worlds, outcome.steps), (2, 20));
//! ```

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::laws::{self, Violation};
use crate::world::{Core, Plan, Session, Tally, World};

/// What is to be simulated. World `n` has the seed `seed + n`, so that any of them can be had alone.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// The seed of the first world.
    pub seed: u64,
    /// How many worlds.
    pub worlds: u64,
    /// How many people are in each; without it each world has two or three.
    pub clients: Option<usize>,
    /// How many things the apps of a world do in all.
    pub steps: usize,
    /// How many worlds run at once.
    pub jobs: usize,
}

impl Simulation {
    /// Two hundred worlds of sixty steps, on all processors.
    pub fn new(seed: u64) -> Self {
        let jobs = thread::available_parallelism().map_or(1, Into::into);
        Self { seed, worlds: 200, clients: None, steps: 60, jobs }
    }

    /// What one of the worlds is like. Everything that can go wrong goes wrong there.
    pub fn plan(&self, world: u64) -> Plan {
        let plan = Plan::stormy(self.seed.wrapping_add(world));
        Plan { clients: self.clients.unwrap_or(plan.clients), steps: self.steps, ..plan }
    }

    /// Runs them until one fails. `done` is told how many worlds have passed, and the seed of the last, from any thread.
    ///
    /// Whatever the number of jobs, the failure that is told is that of the first world that fails.
    pub fn run<C: Core>(&self, done: impl Fn(u64, u64) + Sync) -> Outcome {
        let begun = Instant::now();
        let next = AtomicU64::new(0);
        let (passed, records) = (AtomicU64::new(0), AtomicU64::new(0));
        let tally = Mutex::new(Tally::default());
        // The first world that failed: those after it need not run any more, those before it must.
        let first = AtomicU64::new(self.worlds);
        let failure: Mutex<Option<(u64, Box<Failure>)>> = Mutex::new(None);
        let work = || loop {
            let world = next.fetch_add(1, Ordering::SeqCst);
            if world >= first.load(Ordering::SeqCst) {
                return;
            }
            match run_one::<C>(self.plan(world)) {
                Ok((count, happened)) => {
                    records.fetch_add(count, Ordering::SeqCst);
                    tally.lock().unwrap_or_else(PoisonError::into_inner).add(&happened);
                    done(passed.fetch_add(1, Ordering::SeqCst) + 1, self.seed.wrapping_add(world));
                }
                Err(failed) => {
                    first.fetch_min(world, Ordering::SeqCst);
                    let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    if failure.as_ref().is_none_or(|(known, _)| world < *known) {
                        *failure = Some((world, failed));
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(work);
            }
        });
        let worlds = passed.into_inner();
        Outcome {
            worlds,
            steps: worlds.saturating_mul(self.steps as u64),
            records: records.into_inner(),
            elapsed: begun.elapsed(),
            tally: tally.into_inner().unwrap_or_else(PoisonError::into_inner),
            failure: failure.into_inner().unwrap_or_else(PoisonError::into_inner).map(|(_, failed)| *failed),
        }
    }
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Outcome {
    /// How many worlds passed.
    pub worlds: u64,
    /// How many things the apps did in them.
    pub steps: u64,
    /// How many inputs, calls, commands and events there were in them.
    pub records: u64,
    /// How much real time it took, the laws included.
    pub elapsed: Duration,
    /// What went wrong in them, and how often.
    pub tally: Tally,
    /// The first world that failed, if one did.
    pub failure: Option<Failure>,
}

/// A world that failed.
#[derive(Debug)]
pub struct Failure {
    /// What it is made of: the same plan fails again.
    pub plan: Plan,
    /// Why.
    pub trouble: Trouble,
    /// What happened in it until then.
    pub session: Option<Session>,
}

/// Why a world failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A law was broken.
    #[error(transparent)]
    Law(#[from] Violation),
    /// Something panicked.
    #[error("panicked: {0}")]
    Panic(String),
}

/// How many records there were in it, and what went wrong.
fn run_one<C: Core>(plan: Plan) -> Result<(u64, Tally), Box<Failure>> {
    // Outside: what happened until a panic is worth most.
    let mut world = None;
    let lived = catch_unwind(AssertUnwindSafe(|| world.insert(World::<C>::new(plan.clone())).live()));
    let (trouble, session) = match (lived, world) {
        (Ok(Ok(healed)), Some(world)) => {
            let run = world.end(healed);
            match catch_unwind(AssertUnwindSafe(|| laws::all(&run, plan.seed))) {
                Ok(Ok(())) => return Ok((run.session.entries.len() as u64, run.tally)),
                Ok(Err(violation)) => (violation.into(), Some(run.session)),
                Err(panic) => (Trouble::Panic(said(panic.as_ref())), Some(run.session)),
            }
        }
        (Ok(Err(violation)), world) => (violation.into(), world.map(World::into_session)),
        (Err(panic), world) => (Trouble::Panic(said(panic.as_ref())), world.map(World::into_session)),
        (Ok(Ok(_)), None) => unreachable!("a world that lived is there"),
    };
    Err(Box::new(Failure { plan, trouble, session }))
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".into())
}
