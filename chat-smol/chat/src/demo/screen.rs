//! What the demonstration prints: when, who, what.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::text::one_line;

/// Between two things that happen, so that a person can read along.
const PACE: Duration = Duration::from_millis(250);

/// Standard output, shared by all who have something to tell.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    began: Arc<Instant>,
    watched: bool,
}

impl Screen {
    pub(super) fn start() -> Self {
        let screen = Self { began: Arc::new(Instant::now()), watched: io::stdout().is_terminal() };
        line("Two people talk through the offline service, each with a socket of their own.");
        line("\"alice >\" is what alice does, \"alice <\" what reaches her.");
        line("");
        screen
    }

    /// One thing that happened: `>` is done by `who`, `<` is seen by `who`.
    pub(super) fn show(&self, who: &str, mark: char, what: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        line(&format!("{seconds:7.3} s  {who:<7} {mark} {}", one_line(what)));
    }

    /// A moment to read, when somebody does.
    pub(super) async fn pause(&self) {
        if self.watched {
            smol::Timer::after(PACE).await;
        }
    }
}

/// A plain line. When nobody reads it, the verdict is still worth finding: the exit code tells it.
pub(super) fn line(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
