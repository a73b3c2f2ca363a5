//! `chat-testkit replay`: does the client still do what it did?

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chat_testkit::replay::replay_file;
use clap::Args;

use crate::without_path;

/// Replay session files and recorded frames, and print what happened.
///
/// A session of our own client must repeat itself byte for byte. Frames of any other client are replayed with ours in its
/// place; logs beside them (log.NAME.jsonl) are compared with what it tells, apart from what differences.json lists.
/// Exit code 0 means that all passed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print no timelines, only what became of each file
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(options: &Options) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for path in &options.files {
        let path_shown = path.display();
        let verdict = match replay_file(path) {
            Ok(verdict) => verdict,
            Err(damage) => {
                failed += 1;
                let damage = without_path(damage);
                writeln!(out, "{path_shown}: FAILED: {damage}")?;
                continue;
            }
        };
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
