//! How the program ends: the exit codes, and the one line that goes with a failure.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// What the exit code says. `--help` lists these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something failed on the way: a command of a script, the conversation of the demonstration.
    Failed = 1,
    /// The arguments are wrong. The same number as clap's own.
    Usage = 2,
    /// There is no access token, or it cannot be read.
    NoToken = 3,
    /// Nothing answers as the service does.
    Unreachable = 4,
    /// The service refused the access token.
    Refused = 5,
    /// The service could not prove who it is.
    Untrusted = 6,
    /// Ctrl-C: 128 and the number of the signal, as shells have it.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// Why the program ends with another code than 0.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    /// One line for people; empty when there is nothing to tell.
    line: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, line: impl fmt::Display) -> Self {
        // Texts of the service may be in it.
        Self { kind, line: crate::text::one_line(&line.to_string()) }
    }

    /// A failure that was told already, or needs no telling.
    pub(crate) fn silent(kind: Kind) -> Self {
        Self { kind, line: String::new() }
    }

    /// Something failed.
    pub(crate) fn failed(line: impl fmt::Display) -> Self {
        Self::new(Kind::Failed, line)
    }
}

/// An error with all that stands behind it, each part once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        source = error.source();
    }
    text
}

/// A line on standard error. When nobody reads that, there is nobody to tell.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "chat: {line}");
}

/// Tells why, and gives the exit code.
pub(crate) fn end(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.line.is_empty() {
                complain(&failure.line);
            }
            ExitCode::from(failure.kind as u8)
        }
    }
}
