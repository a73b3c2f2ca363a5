//! The program `chat`: a conversation that shows itself, and a line client.

mod args;
mod connect;
mod demo;
mod exit;
mod text;
mod token;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    let result = args::read().and_then(|cli| match cli.command {
        None => demo::run(),
        Some(Command::Connect(arguments)) => connect::run(arguments),
        Some(Command::Token(arguments)) => token::run(&arguments),
    });
    exit::end(result)
}
