//! `chat-testkit serve`: the offline service on loopback, until it is told to end.

use std::io::{self, Write};
use std::path::PathBuf;

use async_signal::{Signal, Signals};
use chat_testkit::serve::{ServeConfig, Server};
use chat_testkit::service::ServiceConfig;
use clap::Args;
use futures_lite::{StreamExt, future};
use serde_json::json;

/// Run the offline service on loopback.
///
/// Prints {"port":N,"adminPort":N,"mediaPort":N,"pid":N} as its first line when it listens: clients connect to
/// ws://127.0.0.1:PORT/v3/wsconnect with an unsigned token, commands go to POST /admin/COMMAND on the other port.
/// Ends with exit code 0 on SIGTERM, SIGINT and the command `shutdown`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the WebSocket listener; 0 takes any that is free
    #[arg(long, default_value_t = 0, value_name = "N")]
    port: u16,
    /// Port of the control interface; 0 takes any that is free
    #[arg(long, default_value_t = 0, value_name = "N")]
    admin_port: u16,
    /// Settings of the service: a JSON object with any of the control interface's configuration keys
    #[arg(long, default_value = "{}", value_name = "JSON", value_parser = settings, hide_default_value = true)]
    config: ServiceConfig,
    /// Record every frame into this file, tokens starred out
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// End when the process that started this one has ended, however it did (Unix only)
    #[arg(long)]
    with_parent: bool,
}

fn settings(text: &str) -> Result<ServiceConfig, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

pub(crate) fn run(options: Options) -> io::Result<()> {
    let mut config = ServeConfig::from(options.config);
    config.port = options.port;
    config.admin_port = options.admin_port;
    config.record = options.record;
    // Before the line is printed: whoever reads it may send the signal at once.
    let mut signals = Signals::new(endings())?;
    let server = Server::start(config)?;

    let line = json!({ "port": server.port(), "adminPort": server.admin_port(), "mediaPort": server.media_port(), "pid": std::process::id() });
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;

    let signalled = async { drop(signals.next().await) };
    let orphaned = async { if options.with_parent { orphaned().await } else { future::pending().await } };
    smol::block_on(future::or(server.ended(), future::or(signalled, orphaned)));
    server.stop();
    Ok(())
}

#[cfg(unix)]
fn endings() -> [Signal; 2] {
    [Signal::Term, Signal::Int]
}

#[cfg(not(unix))]
fn endings() -> [Signal; 1] {
    [Signal::Int]
}

/// Waits until this process has another parent than at first.
#[cfg(unix)]
async fn orphaned() {
    use std::os::unix::process::parent_id;
    use std::time::Duration;

    let parent = parent_id();
    while parent_id() == parent {
        smol::Timer::after(Duration::from_millis(500)).await;
    }
}

#[cfg(not(unix))]
async fn orphaned() {
    future::pending().await
}
