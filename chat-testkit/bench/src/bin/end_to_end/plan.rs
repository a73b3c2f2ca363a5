//! What is run, in which order, and what comes out of it.

use std::path::PathBuf;

use crate::peer::{Sdk, Who};
use crate::service::{Service, said};
use crate::table::{Goal, Row, Runs, figure, millis, number, print};
use crate::{Outcome, burst, core, crowd, start, tls};

/// The arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    rounds: usize,
    quick: bool,
    /// Fails when a ratio is far from what it was.
    check: bool,
    burst: bool,
    start: bool,
    crowd: bool,
}

/// What a machine that is busy with other things still shows: `--check` fails below it.
const CHECKED_RATIO: f64 = 10.0;

impl Plan {
    pub(crate) fn parse(arguments: &[&str]) -> Outcome<Self> {
        let mut plan =
            Self { rounds: 0, quick: false, check: false, burst: false, start: false, crowd: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--quick" => plan.quick = true,
                "--check" => plan.check = true,
                "--rounds" => {
                    plan.rounds = crate::number(arguments.next().ok_or("--rounds wants a number")?)?
                }
                "burst" => plan.burst = true,
                "start" => plan.start = true,
                "crowd" => plan.crowd = true,
                other => return Err(said(format!("unknown: {other}"))),
            }
        }
        if !(plan.burst || plan.start || plan.crowd) {
            (plan.burst, plan.start, plan.crowd) = (true, true, true);
        }
        if plan.rounds == 0 {
            plan.rounds = if plan.quick { 2 } else { 5 };
        }
        Ok(plan)
    }

    /// Runs it all. Whether the check, if there is one, passed.
    pub(crate) fn run(self) -> Outcome<bool> {
        let files = crowd::open_files();
        let sdk = Sdk::open()?;
        let mut goals = Vec::new();
        let mut ratios = Vec::new();
        if self.burst {
            self.burst(&sdk, &mut goals, &mut ratios)?;
        }
        if self.start {
            self.start(&sdk, &mut goals, &mut ratios)?;
        }
        sdk.close();
        if self.crowd {
            self.crowd(files, &mut goals)?;
        }
        println!();
        goals.iter().for_each(Goal::print);
        let passed = ratios.iter().all(|ratio| *ratio >= CHECKED_RATIO);
        if self.check {
            let verdict = if passed { "passed" } else { "FAILED" };
            println!("check {verdict}: the SDK takes at least {CHECKED_RATIO} times our processor time");
        }
        Ok(passed || !self.check)
    }

    fn burst(self, sdk: &Sdk, goals: &mut Vec<Goal>, ratios: &mut Vec<f64>) -> Outcome<()> {
        let messages = if self.quick { 2000 } else { 5000 };
        let loads: &[_] = if self.quick { &[burst::PLAIN] } else { &[burst::PLAIN, burst::UPDATES] };
        for load in loads {
            let service = Service::start()?;
            let mut runs = [Vec::new(), Vec::new()];
            for round in 0..self.rounds {
                for (who, runs) in Who::BOTH.into_iter().zip(&mut runs) {
                    let name = format!("burst-{who}-{round}");
                    runs.push(burst::run(&service, sdk, who, *load, messages, &name)?);
                }
            }
            let each = number(messages);
            let row = |name: &str, of: fn(&burst::Burst, f64) -> f64| {
                let [ours, sdk] =
                    runs.each_ref().map(|runs| runs.iter().map(|run| of(run, each)).collect::<Runs>());
                Row::new(name, ours, sdk)
            };
            let cpu = row("CPU, us per message", |run, each| millis(run.cpu) * 1e3 / each);
            let rows = [
                cpu.clone(),
                row("time, ms", |run, _| millis(run.wall)),
                row("resident after it, MiB", |run, _| number(run.rss_kib) / 1024.0),
                row("(the service, us per message)", |run, each| millis(run.service_cpu) * 1e3 / each),
            ];
            print(&format!("a burst of {messages} messages, {}: {} rounds", load.name, self.rounds), &rows);
            if *load == burst::PLAIN {
                let (median, _) = cpu.ratios();
                goals.push(Goal::at_least(5, "the SDK's CPU per message, in ours, end to end", median, 50.0));
                ratios.push(median);
                let file = Recording::new("burst")?;
                let service = Service::start()?;
                burst::record(&service, messages, &file.0)?;
                let core = millis(core::Session::open(&file.0)?.cost("burst 0")?) * 1e3 / each;
                let rate = |us: f64| figure(1000.0 / us * 1000.0);
                println!("  {:<34} {:>28}", "the core alone, us per message", figure(core));
                println!(
                    "  messages per CPU second: ours {}, the core alone {}, SDK {}",
                    rate(cpu.ours.median()),
                    rate(core),
                    rate(cpu.sdk.median())
                );
                let ratio = cpu.sdk.median() / core;
                goals.push(Goal::at_least(5, "the SDK's CPU per message, in the core's", ratio, 100.0));
            }
        }
        Ok(())
    }

    fn start(self, sdk: &Sdk, goals: &mut Vec<Goal>, ratios: &mut Vec<f64>) -> Outcome<()> {
        let channels = if self.quick { 200 } else { 1000 };
        let service = Service::start()?;
        for who in Who::BOTH {
            start::furnish(&service, who, channels)?;
        }
        let mut runs = [Vec::new(), Vec::new()];
        for _ in 0..self.rounds {
            for (who, runs) in Who::BOTH.into_iter().zip(&mut runs) {
                runs.push(start::run(&service, sdk, who, channels)?);
            }
        }
        let row = |name: &str, of: fn(&start::Run) -> f64| {
            let [ours, sdk] = runs.each_ref().map(|runs| runs.iter().map(of).collect::<Runs>());
            Row::new(name, ours, sdk)
        };
        let (cpu, again) =
            (row("CPU, ms", |run| millis(run.start.cpu)), row("CPU, ms", |run| millis(run.reconnect.cpu)));
        let title = format!(
            "{channels} joined channels at start, until every subscription stands: {} rounds",
            self.rounds
        );
        let rows = [
            cpu.clone(),
            row("time, ms", |run| millis(run.start.wall)),
            row("requests", |run| number(run.start.requests)),
            row("resident after it, MiB", |run| number(run.start.rss_kib) / 1024.0),
            row("(the service, CPU ms)", |run| millis(run.start.service_cpu)),
        ];
        print(&title, &rows);
        let file = Recording::new("start")?;
        start::record(&service, channels, &file.0)?;
        let core = core::Session::open(&file.0)?.until_shutdown().cost("")?;
        println!("  {:<34} {:>28}", "the core alone, CPU ms", figure(millis(core)));
        let rows = [
            again.clone(),
            row("time, ms (waits included)", |run| millis(run.reconnect.wall)),
            row("requests", |run| number(run.reconnect.requests)),
            row("(the service, CPU ms)", |run| millis(run.reconnect.service_cpu)),
        ];
        print(
            &format!(
                "the connection is cut with {channels} joined channels, until every subscription stands again"
            ),
            &rows,
        );
        let (median, _) = cpu.ratios();
        goals.push(Goal::at_least(
            6,
            format!("the SDK's CPU at start with {channels} channels, in ours"),
            median,
            30.0,
        ));
        ratios.push(median);
        if !self.quick {
            let trips = |who| start::trips(&service, sdk, who, channels);
            let (ours, sdk) = (trips(Who::Ours)?, trips(Who::Sdk)?);
            println!(
                "\nround trips in sequence (seconds it takes where each frame is a second late): ours {ours:.1}, SDK {sdk:.1}"
            );
            goals.push(Goal::at_most(6, "round trips in sequence (fewer than the SDK)", ours, sdk - 1.0));
        }
        Ok(())
    }

    fn crowd(self, files: u64, goals: &mut Vec<Goal>) -> Outcome<()> {
        // What a process holds beside its clients' sockets.
        let most = usize::try_from(files.saturating_sub(200))?;
        let wanted: &[usize] = if self.quick { &[500] } else { &[1000, 5000, 10_000] };
        let sizes: Vec<_> = wanted.iter().map(|size| (*size).min(most)).collect();
        let last = sizes.last().copied().unwrap_or_default();
        let file = Recording::new("idle")?;
        let core = crowd::measure_cores(&Service::start()?, last, &file.0)?;
        println!("\nclients in one process, nothing happening (this system allows {files} open files)");
        println!("  the core's own state: {:.1} KiB each, {last} of them", core / 1024.0);
        let show = |what: &str, costs: &[crowd::Cost]| {
            for cost in costs {
                let crowd::Cost { clients, bytes, connecting } = cost;
                println!(
                    "  {what} {clients:>6}: {:.1} KiB resident each, {:.1} beyond the core; {} us CPU to connect",
                    bytes / 1024.0,
                    (bytes - core) / 1024.0,
                    connecting.as_micros()
                );
            }
        };
        {
            let service = Service::start()?;
            let costs = crowd::measure(&service, None, &sizes)?;
            show("plain", &costs);
            if let Some(cost) = costs.last() {
                let beyond = (cost.bytes - core) / 1024.0;
                let what = format!("KiB beyond the core for each of {} idle plain connections", cost.clients);
                goals.push(Goal::at_most(8, what, beyond, 12.0));
                goals.push(Goal::at_least(
                    8,
                    "clients connected in one process",
                    f64::from(u32::try_from(cost.clients)?),
                    10_000.0,
                ));
            }
        }
        // The front has two sockets for each client.
        let sizes: Vec<_> = sizes.iter().map(|size| (*size).min(most / 2)).take(2).collect();
        let service = Service::start()?;
        let front = tls::Front::start(&service)?;
        show("TLS  ", &crowd::measure(&service, Some(&front), &sizes)?);
        Ok(())
    }
}

/// A file that does not stay.
struct Recording(PathBuf);

impl Recording {
    fn new(name: &str) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("chat-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder.join(format!("{name}.jsonl"))))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
