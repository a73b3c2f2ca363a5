//! `chat-testkit record`: a proxy that writes down what passes.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use async_signal::Signals;
use chat_testkit::record::{Proxy, Upstream};
use clap::Args;
use futures_lite::{StreamExt, future};
use serde_json::json;

/// Record the sessions of any client that is pointed at this proxy.
///
/// Prints {"url":"ws://…"} as its first line when it listens. Each frame is written at once, with tokens, push
/// registration ids and temporary addresses starred out; ends with exit code 0 on SIGTERM and SIGINT.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// The service: ws://… or wss://…
    #[arg(long, value_name = "URL")]
    upstream: Upstream,
    /// Certificates (PEM) that may vouch for the service, besides the roots that Mozilla trusts
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// The session file to write; one that exists is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(options: Options) -> io::Result<()> {
    let mut signals = Signals::new(super::serve::endings())?;
    let named =
        |file: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let mut upstream = options.upstream;
    if let Some(file) = options.trust {
        let trusted = fs::read(&file).and_then(|pem| upstream.trust(&pem));
        upstream = trusted.map_err(|error| named(&file, error))?;
    }
    let proxy = Proxy::start(options.listen, upstream, &options.out)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", json!({ "url": format!("ws://{}/v3/wsconnect", proxy.address()) }))?;
    stdout.flush()?;
    smol::block_on(future::or(async { drop(signals.next().await) }, proxy.failed()));
    proxy.stop().map_err(|error| named(&options.out, error))
}
