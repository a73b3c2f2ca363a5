//! `chat-testkit simulate`: worlds from seeds, held against the laws.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_signal::{Signal, Signals};
use chat_proto::Client;
use chat_testkit::session_file::SessionFile;
use chat_testkit::simulate::{Failure, Outcome, Simulation};
use chat_testkit::world::{Fault, Session};
use chat_testkit::wrong::{self, Wrong};
use clap::Args;
use futures_lite::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes longer than this has a progress bar.
const LONG: Duration = Duration::from_secs(1);

/// Run many clients and the service in simulated worlds, and hold each world against the laws.
///
/// A world is made of its seed: network, clocks, crashes, faults and all that the apps do. World n has the seed N + n. Ends
/// with exit code 1 when a world breaks a law: its seed is printed, and what happened in it is written to a session file for
/// `chat-testkit replay` and `chat-testkit inspect`. Ctrl-C tells how far it came, and ends with exit code 130.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seed of the first world
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// How many worlds
    #[arg(long, default_value_t = 200, value_name = "W", value_parser = clap::value_parser!(u64).range(1..))]
    worlds: u64,
    /// How many clients are in each world [default: two or three, by its seed]
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: Option<u16>,
    /// How many things the apps of a world do
    #[arg(long, default_value_t = 60, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// How many worlds run at once [default: as many as there are processors]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1000))]
    jobs: Option<u16>,
    /// Where a failing world is written [default: failed-world-SEED.jsonl]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Tell how often each fault happened
    #[arg(long)]
    faults: bool,
    /// Run a client that deliberately breaks this law: to see that the worlds catch it
    #[arg(long = "break", value_name = "LAW", value_parser = clap::value_parser!(u8).range(1..=11))]
    broken: Option<u8>,
}

pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    let mut simulation = Simulation::new(options.seed);
    simulation.worlds = options.worlds;
    simulation.clients = options.clients.map(Into::into);
    simulation.steps = usize::try_from(options.steps).unwrap_or(usize::MAX);
    simulation.jobs = options.jobs.map_or(simulation.jobs, Into::into);

    let bar = Arc::new(Bar::new(options.worlds));
    tell_when_interrupted(Arc::clone(&bar), options.seed)?;
    let outcome = live(&simulation, options.broken, |worlds, seed| bar.show(worlds, seed));
    bar.progress.finish_and_clear();

    let mut stdout = io::stdout();
    if let Some(failure) = &outcome.failure {
        writeln!(stdout, "seed {} failed: {}", failure.plan.seed, failure.trouble)?;
        writeln!(stdout, "in {:?}", failure.plan)?;
        writeln!(stdout, "again: {}", again(options, failure))?;
        if let Some(session) = &failure.session {
            let name = || format!("failed-world-{}.jsonl", failure.plan.seed).into();
            let file = options.out.clone().unwrap_or_else(name);
            keep(session, &file)?;
            writeln!(stdout, "kept: {}", file.display())?;
            writeln!(stdout, "replay it: chat-testkit replay {}", file.display())?;
        }
    }
    if options.faults {
        for fault in Fault::ALL {
            writeln!(stdout, "{:8} {fault:?}", outcome.tally.of(fault))?;
        }
    }
    writeln!(stdout, "{}", summary(&outcome))?;
    Ok(if outcome.failure.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs the worlds with our client, or with one that breaks a law.
fn live(simulation: &Simulation, broken: Option<u8>, done: impl Fn(u64, u64) + Sync) -> Outcome {
    match broken {
        Some(1) => simulation.run::<Wrong<wrong::Folds>>(done),
        Some(2) => simulation.run::<Wrong<wrong::CatchesUp>>(done),
        Some(3) => simulation.run::<Wrong<wrong::Credulous>>(done),
        Some(4) => simulation.run::<Wrong<wrong::Oversleeps>>(done),
        Some(5) => simulation.run::<Wrong<wrong::Mute>>(done),
        Some(6) => simulation.run::<Wrong<wrong::Gambles>>(done),
        Some(7) => simulation.run::<Wrong<wrong::Forgets>>(done),
        Some(8) => simulation.run::<Wrong<wrong::Hoards>>(done),
        Some(9) => simulation.run::<Wrong<wrong::Miscounts>>(done),
        Some(10) => simulation.run::<Wrong<wrong::Blabs>>(done),
        Some(11) => simulation.run::<Wrong<wrong::Loses>>(done),
        _ => simulation.run::<Client>(done),
    }
}

/// Ctrl-C: whoever stops a long run wants to know where to go on.
fn tell_when_interrupted(bar: Arc<Bar>, first: u64) -> io::Result<()> {
    let mut signals = Signals::new([Signal::Int])?;
    std::thread::Builder::new().name("interrupt".into()).spawn(move || {
        if smol::block_on(signals.next()).is_some() {
            bar.progress.finish_and_clear();
            let (worlds, last) = (bar.passed.load(Ordering::SeqCst), bar.last.load(Ordering::SeqCst));
            let last = if worlds == 0 { first } else { last };
            println!("interrupted: {worlds} worlds passed, none failed; the last seed was {last}");
            std::process::exit(130);
        }
    })?;
    Ok(())
}

fn summary(outcome: &Outcome) -> String {
    let Outcome { worlds, steps, records, elapsed, .. } = outcome;
    let seconds = elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = if seconds > 0.0 { *steps as f64 / seconds } else { 0.0 };
    format!("{worlds} worlds passed, {steps} steps, {records} records, {seconds:.1} s, {rate:.0} steps/s")
}

/// The command that runs the failing world alone.
fn again(options: &Options, failure: &Failure) -> String {
    let clients = options.clients.map(|clients| format!(" --clients {clients}")).unwrap_or_default();
    let broken = options.broken.map(|law| format!(" --break {law}")).unwrap_or_default();
    let (seed, steps) = (failure.plan.seed, options.steps);
    format!("chat-testkit simulate --seed {seed} --worlds 1{clients} --steps {steps}{broken}")
}

/// Writes what happened in a world as a session file, without its secrets.
fn keep(session: &Session, file: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    fs::write(file, SessionFile::from(session).to_text()).map_err(named)
}

/// A bar on a terminal, nothing elsewhere; and nothing for what is soon done.
struct Bar {
    progress: ProgressBar,
    begun: Instant,
    passed: AtomicU64,
    last: AtomicU64,
}

impl Bar {
    fn new(worlds: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(worlds), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} worlds, {eta} left");
        Self {
            progress: style.map_or(bar.clone(), |style| bar.with_style(style)),
            begun: Instant::now(),
            passed: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }
    }

    fn show(&self, worlds: u64, seed: u64) {
        self.passed.fetch_max(worlds, Ordering::SeqCst);
        self.last.fetch_max(seed, Ordering::SeqCst);
        if self.progress.is_hidden() && self.begun.elapsed() > LONG {
            self.progress.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.progress.set_position(worlds);
    }
}
