//! Our client beside the unmodified JavaScript SDK, end to end: the same offline service in a process of its own, each
//! client in a process of its own, taking turns.
//!
//! ```text
//! cargo run --release --manifest-path chat-testkit/bench/Cargo.toml --no-default-features \
//!     --features end_to_end --bin end_to_end \
//!     [-- [--quick] [--check] [--rounds N] [burst] [start] [crowd]]
//! ```
//!
//! `END_TO_END.md` beside the crate's manifest tells what is counted. Absolute figures differ from machine to machine and
//! from hour to hour; the ratios of runs that took turns hold.

mod burst;
mod core;
mod crowd;
mod ours;
mod peer;
mod plan;
mod service;
mod start;
mod table;
mod tls;
mod usage;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

/// What may fail here is told and ends the run.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match *arguments.as_slice() {
        // The roles of the processes that this one starts.
        ["serve"] => service::run().map(|()| true),
        ["client", url, token] => ours::run(url, token, None).map(|()| true),
        ["client", url, token, file] => ours::run(url, token, Some(file)).map(|()| true),
        ["crowd", url] => crowd::run(url, None).map(|()| true),
        ["crowd", url, root] => crowd::run(url, Some(root)).map(|()| true),
        ["cores", file, count] => {
            number(count).and_then(|count| crowd::cores(Path::new(file), count)).map(|()| true)
        }
        ["tls", port] => number(port).and_then(tls::run).map(|()| true),
        _ => plan::Plan::parse(&arguments).and_then(|plan| plan.run()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("end_to_end: {error}");
            ExitCode::from(2)
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Outcome<T> {
    text.parse().map_err(|_| service::said(format!("not a number: {text}")))
}
