//! `chat-testkit simulate`: worlds from seeds, held against the laws.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use chat_proto::Client;
use chat_testkit::simulate::{Failure, Outcome, Simulation};
use chat_testkit::world::Session;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes longer than this has a progress bar.
const LONG: Duration = Duration::from_secs(1);

/// Run many clients and the service in simulated worlds, and hold each world against the laws.
///
/// A world is made of its seed: network, clocks, faults and all that the apps do. World n has the seed N + n. Ends with exit
/// code 1 when a world breaks a law: its seed is printed, and what happened in it is written to a file.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seed of the first world
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// How many worlds
    #[arg(long, default_value_t = 200, value_name = "W")]
    worlds: u64,
    /// How many clients are in each world [default: two or three, by its seed]
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: Option<u16>,
    /// How many things the apps of a world do
    #[arg(long, default_value_t = 60, value_name = "K")]
    steps: u32,
    /// How many worlds run at once [default: as many as there are processors]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1000))]
    jobs: Option<u16>,
    /// Where a failing world is written [default: failed-world-SEED.txt]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    let mut simulation = Simulation::new(options.seed);
    simulation.worlds = options.worlds;
    simulation.clients = options.clients.map(Into::into);
    simulation.steps = usize::try_from(options.steps).unwrap_or(usize::MAX);
    simulation.jobs = options.jobs.map_or(simulation.jobs, Into::into);

    let bar = Bar::new(options.worlds);
    let outcome = simulation.run::<Client>(|worlds| bar.show(worlds));
    bar.bar.finish_and_clear();

    let mut stdout = io::stdout();
    if let Some(failure) = &outcome.failure {
        writeln!(stdout, "seed {} failed: {}", failure.plan.seed, failure.trouble)?;
        writeln!(stdout, "in {:?}", failure.plan)?;
        writeln!(stdout, "again: {}", again(options, failure))?;
        if let Some(session) = &failure.session {
            let file = options
                .out
                .clone()
                .unwrap_or_else(|| format!("failed-world-{}.txt", failure.plan.seed).into());
            keep(session, &file)?;
            writeln!(stdout, "kept: {}", file.display())?;
        }
    }
    writeln!(stdout, "{}", summary(&outcome))?;
    Ok(if outcome.failure.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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
    format!(
        "chat-testkit simulate --seed {} --worlds 1{clients} --steps {}",
        failure.plan.seed, options.steps
    )
}

/// Writes what happened in a world, line by line.
fn keep(session: &Session, file: &Path) -> io::Result<()> {
    let write = || {
        let mut to = BufWriter::new(File::create(file)?);
        for entry in &session.entries {
            let who = session.clients.get(entry.client).map_or("?", |origin| origin.identity.as_str());
            writeln!(to, "{} {who} {:?}", entry.at, entry.record)?;
        }
        to.flush()
    };
    write().map_err(|error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

/// A bar on a terminal, nothing elsewhere; and nothing for what is soon done.
struct Bar {
    bar: ProgressBar,
    begun: Instant,
}

impl Bar {
    fn new(worlds: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(worlds), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} worlds, {eta} left");
        Self { bar: style.map_or(bar.clone(), |style| bar.with_style(style)), begun: Instant::now() }
    }

    fn show(&self, worlds: u64) {
        if self.bar.is_hidden() && self.begun.elapsed() > LONG {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(worlds);
    }
}
