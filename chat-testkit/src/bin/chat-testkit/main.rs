//! The program `chat-testkit`.

mod inspect;
mod record;
mod replay;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Offline service and test tools for Programmable Chat clients.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
enum Command {
    Inspect(inspect::Options),
    Record(record::Options),
    Replay(replay::Options),
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Inspect(options) => inspect::run(options),
        Command::Record(options) => record::run(options),
        Command::Replay(options) => replay::run(&options),
        Command::Serve(options) => serve::run(options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat-testkit: {error}");
            ExitCode::FAILURE
        }
    }
}
