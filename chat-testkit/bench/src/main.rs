//! The benchmark suite. Without arguments it measures everything and prints the report; see [`USAGE`].

mod budgets;
mod callgrind;
mod counted;
mod goals;
mod growth;
mod measure;
#[cfg(feature = "peer")]
mod peer;
mod report;
mod room;
mod scenes;
mod times;

use std::process::ExitCode;
use std::{env, io};

const USAGE: &str = "\
chat-bench                 measures everything, and says which goals are met
chat-bench counts [PART]   instructions and allocations of the benchmarks whose name has PART in it
chat-bench room            bytes that a client takes
chat-bench check           fails when a benchmark costs more than budgets.json says
chat-bench update          writes what the benchmarks cost now as the new budgets
chat-bench hold [CHANNELS] holds a client in so many channels (1,000), for a heap profiler";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let word = arguments.next().unwrap_or_default();
    let only = arguments.next().unwrap_or_default();
    let done = match word.as_str() {
        "" => report::print().map(|()| true),
        callgrind::CHILD => {
            counted::all(&only, &mut |count| callgrind::tell(&count));
            Ok(true)
        }
        "counts" => counts(&only).map(|_| true),
        "room" => {
            println!("{:?}", room::measure());
            Ok(true)
        }
        "check" => check(),
        "update" => counts("").and_then(|counts| budgets::update(&counts)).map(|()| true),
        "hold" => room::hold(only.parse().unwrap_or(1000)),
        _ => {
            eprintln!("{USAGE}");
            Ok(false)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chat-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts with valgrind, and prints what was counted.
fn counts(only: &str) -> io::Result<Vec<counted::Count>> {
    let (counts, with_valgrind) = callgrind::count(only)?;
    if !with_valgrind {
        return Err(io::Error::other("valgrind is needed, and is not installed"));
    }
    for count in &counts {
        let (instructions, allocations) = (count.instructions_each(), count.allocations_each());
        println!("{:46} {instructions:12.1} instructions {allocations:8.2} allocations", count.name);
    }
    Ok(counts)
}

fn check() -> io::Result<bool> {
    let wrong = budgets::check(&counts("")?)?;
    for line in &wrong {
        eprintln!("over budget: {line}");
    }
    println!("{}", if wrong.is_empty() { "every benchmark is within its budget" } else { "some are not" });
    Ok(wrong.is_empty())
}
