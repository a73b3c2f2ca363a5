//! Standard output. When its reader is gone, that is the end, not an error.

use std::io::{self, Write};

use crate::exit::{Failure, Kind};
use crate::text::one_line;

/// Why there is no more output.
#[derive(Debug)]
pub(super) enum Gone {
    /// Nobody reads any more.
    Quietly,
    /// It cannot be written, for example because a disk is full.
    Failed(io::Error),
}

impl Gone {
    pub(super) fn into_result(self) -> Result<(), Failure> {
        match self {
            Self::Quietly => Ok(()),
            Self::Failed(error) => Err(Failure::new(Kind::Failed, format!("cannot write: {error}"))),
        }
    }
}

/// Prints lines, each made fit for a terminal.
pub(super) fn print<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Result<(), Gone> {
    let mut out = io::stdout().lock();
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{}", one_line(line.as_ref())));
    written.and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Gone::Quietly,
        _ => Gone::Failed(error),
    })
}
