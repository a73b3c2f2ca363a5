//! Ctrl-C and SIGTERM.

use async_signal::Signal;
use futures_lite::StreamExt;

use crate::exit::{Failure, Kind};

/// Signals that end the program.
#[derive(Debug)]
pub(super) struct Signals(async_signal::Signals);

impl Signals {
    pub(super) fn watch() -> Result<Self, Failure> {
        #[cfg(unix)]
        let which = [Signal::Int, Signal::Term];
        #[cfg(not(unix))]
        let which = [Signal::Int];
        let signals = async_signal::Signals::new(which)
            .map_err(|error| Failure::failed(format!("Ctrl-C cannot be watched: {error}")))?;
        Ok(Self(signals))
    }

    /// Waits for the next one, and says what the program ends with.
    pub(super) async fn next(&mut self) -> Kind {
        match self.0.next().await {
            Some(Ok(Signal::Int)) => Kind::Interrupted,
            Some(Ok(_)) => Kind::Terminated,
            // There is no more to come.
            Some(Err(_)) | None => futures_lite::future::pending().await,
        }
    }
}
