//! `chat-testkit replay`: does the client still do what it did?

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chat_proto::Client;
use chat_testkit::laws::{Judged, Judgement, judge};
use chat_testkit::replay::{Verdict, replay_file};
use chat_testkit::session_file::open;
use clap::Args;

use crate::without_path;

/// Replay session files and recorded frames, and print what happened.
///
/// A session of our own client must repeat itself byte for byte. Frames of any other client are replayed with ours in its
/// place; logs beside them (log.NAME.jsonl) are compared with what it tells, apart from what differences.json lists.
/// A file that ends between two lines, because whatever wrote it was killed, passes with a note: nothing in it is wrong,
/// but its last moments may be missing. Exit code 0 means that all passed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print no timelines, only what became of each file
    #[arg(long, short)]
    quiet: bool,
    /// Hold each file against the eleven laws too, and tell what of them it cannot show
    #[arg(long)]
    laws: bool,
}

/// Where the laws probe a session: always at the same places.
const SEED: u64 = 1;

pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for path in &options.files {
        let path_shown = path.display();
        let mut verdict = match replay_file(path) {
            Ok(verdict) => verdict,
            Err(damage) => {
                failed += 1;
                let damage = without_path(damage);
                writeln!(out, "{path_shown}: FAILED: {damage}")?;
                continue;
            }
        };
        if options.laws
            && let Ok(opened) = open(path)
        {
            hold(&judge::<Client>(&opened.session, SEED), &mut verdict);
        }
        for (name, timeline) in verdict.timelines.iter().filter(|_| !options.quiet) {
            writeln!(out, "{path_shown}: {name}\n{timeline}")?;
        }
        for note in &verdict.notes {
            writeln!(out, "{path_shown}: {note}")?;
        }
        for problem in &verdict.problems {
            writeln!(out, "{path_shown}: FAILED: {problem}")?;
        }
        if verdict.passed() {
            writeln!(out, "{path_shown}: passed")?;
        } else {
            failed += 1;
        }
    }
    out.flush()?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of the laws.
fn hold(judgements: &[Judgement], verdict: &mut Verdict) {
    let held: Vec<String> = judgements
        .iter()
        .filter(|judgement| judgement.verdict == Judged::Held)
        .map(|judgement| judgement.law.to_string())
        .collect();
    verdict.notes.push(format!("laws that hold: {}", held.join(" ")));
    for Judgement { law, verdict: judged } in judgements {
        match judged {
            Judged::Held => {}
            Judged::HeldInPart(missing) => {
                verdict
                    .notes
                    .push(format!("law {law} holds, as far as this file shows; not judged: {missing}"));
            }
            Judged::Broken(breach) => verdict.problems.push(format!("law {law} is broken: {breach}")),
        }
    }
}
