//! The program `chat-testkit`.

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
enum Command {
    Replay(replay::Options),
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
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
