//! `chat connect`: a line client.

mod channels;
mod command;
mod execute;
mod input;
mod output;
mod session;
mod show;
mod signals;
mod token;

use std::io::{self, IsTerminal};

use chat_smol::{Client, CreateError, Options};
use futures_lite::FutureExt;

use crate::args::Connect;
use crate::exit::{Failure, Kind, chain, complain};
use session::Session;
use signals::Signals;
use token::TokenSource;

pub(crate) fn run(arguments: Connect) -> Result<(), Failure> {
    let source = TokenSource::choose(arguments.token, arguments.token_file);
    let mut options = Options::new().create_timeout(arguments.timeout);
    if let Some(url) = arguments.url {
        if is_bare(&url) {
            complain("warning: without TLS everybody on the way can read along, the access token included");
        }
        options = options.url(url);
    } else if let Some(region) = arguments.region {
        options = options.region(region);
    }
    // Before this, Ctrl-C ends the program as it ends any other.
    let token = source.read()?;
    let mut signals = Signals::watch()?;
    smol::block_on(async {
        let created = async {
            let client = Client::create(token.clone(), options).await;
            client.map_err(|error| refused(&error))
        };
        let client = async { Err(signals.next().await) }.or(async { Ok(created.await) }).await;
        let client = client.map_err(Failure::silent)??;
        let script = !io::stdin().is_terminal();
        Session::new(client, source, token, script, signals)?.run().await
    })
}

/// Each kind of failure has an exit code of its own.
fn refused(error: &CreateError) -> Failure {
    let kind = match error {
        CreateError::BadUrl(_) => Kind::Usage,
        CreateError::BadToken(_) | CreateError::NoToken | CreateError::Provider(_) => Kind::NoToken,
        CreateError::TokenRejected(_) => Kind::Refused,
        CreateError::Untrusted(_) => Kind::Untrusted,
        CreateError::Timeout { .. } => Kind::Unreachable,
        _ => Kind::Failed,
    };
    let what = match kind {
        Kind::Unreachable => "the service cannot be reached: ",
        _ => "",
    };
    Failure::new(kind, format!("{what}{}", chain(error)))
}

/// Whether the URL leads over a network without TLS.
fn is_bare(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or(rest);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    scheme.eq_ignore_ascii_case("ws")
        && !host.starts_with("127.")
        && !["localhost", "[::1]"].iter().any(|local| host.eq_ignore_ascii_case(local))
}

#[cfg(test)]
mod tests {
    use super::is_bare;

    #[test]
    fn only_other_machines_are_warned_of() {
        assert!(is_bare("ws://chat.example/v3/wsconnect"));
        assert!(is_bare("WS://10.0.0.1:8080"));
        for url in ["ws://127.0.0.1:8080/v3", "ws://localhost", "ws://[::1]:80/", "wss://chat.example", "?"] {
            assert!(!is_bare(url), "{url}");
        }
    }
}
