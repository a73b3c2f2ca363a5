//! The program `chat-testkit`.

mod inspect;
mod record;
mod replay;
mod serve;
mod simulate;

use std::process::ExitCode;

use chat_testkit::session_file::Damage;
use clap::{Parser, Subcommand};

/// Offline service and test tools for Programmable Chat clients.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Options),
    Record(record::Options),
    Replay(replay::Options),
    Serve(Box<serve::Options>),
    Simulate(simulate::Options),
}

/// What is wrong with a file, for a line that begins with its name.
fn without_path(damage: Damage) -> String {
    match damage {
        Damage::Io { error, .. } => error.to_string(),
        damage => damage.to_string(),
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Inspect(options) => inspect::run(options).map(|()| ExitCode::SUCCESS),
        Command::Record(options) => record::run(options).map(|()| ExitCode::SUCCESS),
        Command::Replay(options) => replay::run(&options),
        Command::Serve(options) => serve::run(*options).map(|()| ExitCode::SUCCESS),
        Command::Simulate(options) => simulate::run(&options),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("chat-testkit: {error}");
            ExitCode::FAILURE
        }
    }
}
