//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::exit::{Failure, Kind};

const EXAMPLES: &str = "\
Examples:
  chat
      Show it: two people, a conversation, a cut connection. Needs no account and no network.

  chat token --identity alice > alice.token
  chat connect --url ws://127.0.0.1:8080/v3/wsconnect --token-file alice.token
      Talk through the offline service, which runs in another terminal:
      cargo run -p chat-testkit -- serve --port 8080

Exit codes:
  0  done
  1  something failed on the way
  2  the arguments are wrong
  3  there is no access token, or it cannot be read
  4  the service cannot be reached
  5  the service refused the access token
  6  the service could not prove who it is (TLS)
  130  ended by Ctrl-C (143: by SIGTERM)";

const CONNECT: &str = "\
The access token comes from the first of these that is there:
  --token-file FILE   its first line; `-` is standard input
  CHAT_TOKEN          the environment variable
  standard input      its first line, unless standard input is a terminal
--token TOKEN works too, but everybody on this machine can read it in the list of processes.

Every line is sent to the current channel, unless it begins with a slash (/help lists the commands).
Standard input may be a pipe: the lines are done one after another, and the program ends when all are
answered, with exit code 1 if one failed. Ctrl-C ends it at once and says goodbye to the service; a
second one does not wait for that.

Examples:
  chat connect --token-file alice.token
      The real service.
  chat connect --url ws://127.0.0.1:8080/v3/wsconnect --token-file alice.token
      A service of your own, here without TLS: only because the URL says ws://.
  printf '/join tea\\nHello!\\n' | chat connect --url ws://127.0.0.1:8080/v3/wsconnect --token-file alice.token
      A script.";

/// Programmable Chat on the command line.
///
/// Without a command it shows a conversation: it starts the offline service inside itself, connects two
/// people to it over real sockets, lets them talk, cuts their connections meanwhile, and checks that
/// nothing was lost. It ends with one line that says what was seen, and exits 0 only if all agree.
#[derive(Debug, Parser)]
#[command(name = "chat", version, after_help = EXAMPLES, after_long_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Connect(Connect),
    Token(Token),
}

/// Talk, line by line
#[derive(Debug, Args)]
#[command(after_help = CONNECT)]
pub(crate) struct Connect {
    /// Where the service is: wss://…, or ws://… to do without TLS [default: the real service]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Region of the real service, such as us1
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    pub(crate) region: Option<String>,
    /// Read the access token from this file
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
    /// The access token itself; others on this machine can read it
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// How long to try to connect, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// Print an unsigned access token, which only the offline service takes
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// Who it is for
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) identity: String,
    /// For how many seconds it is good
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) ttl: u32,
}

/// Reads the arguments. `--help` and `--version` are answered here and end the program.
pub(crate) fn read() -> Result<Cli, Failure> {
    Cli::try_parse().map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        // In one line: what clap adds to it, `--help` tells better.
        let text = error.to_string();
        let problem: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let problem = problem.join(" ");
        let problem = problem.strip_prefix("error: ").unwrap_or(&problem);
        Failure::new(Kind::Usage, format!("{problem} (see --help)"))
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    wanted.map(Duration::from_secs_f64).ok_or_else(|| "give seconds, such as 10 or 0.5".into())
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("a name is wanted".into()) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        super::Cli::command().debug_assert();
    }
}
