//! Where the access token comes from.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use crate::exit::{Failure, Kind, complain};

const VARIABLE: &str = "CHAT_TOKEN";
/// Tokens have a few kilobytes; what is longer is some other file.
const LONGEST: u64 = 64 << 10;

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenSource {
    Argument(String),
    File(PathBuf),
    Variable,
    Input,
}

impl TokenSource {
    /// What is said in the arguments counts first.
    pub(super) fn choose(argument: Option<String>, file: Option<PathBuf>) -> Self {
        match (argument, file) {
            (Some(token), _) => Self::Argument(token),
            (None, Some(file)) if file == Path::new("-") => Self::Input,
            (None, Some(file)) => Self::File(file),
            (None, None) if env::var_os(VARIABLE).is_some_and(|token| !token.is_empty()) => Self::Variable,
            (None, None) => Self::Input,
        }
    }

    /// Reads the token: the first line of wherever it is.
    pub(super) fn read(&self) -> Result<String, Failure> {
        match self {
            Self::Argument(token) => {
                complain(
                    "warning: everybody on this machine can see --token; better use --token-file or CHAT_TOKEN",
                );
                check(token, "--token")
            }
            Self::File(path) => {
                let name = path.display().to_string();
                let line = File::open(path).and_then(|file| first_line(&mut BufReader::new(file)));
                check(&line.map_err(|error| unreadable(&name, &error))?, &name)
            }
            Self::Variable => match env::var(VARIABLE) {
                Ok(token) => check(&token, VARIABLE),
                Err(_) => Err(no_token(format!("{VARIABLE} is not text"))),
            },
            Self::Input => {
                let mut input = io::stdin().lock();
                if input.is_terminal() {
                    return Err(no_token(
                        "there is no access token: give --token-file FILE or set CHAT_TOKEN (see --help)"
                            .into(),
                    ));
                }
                // Only its first line is taken: standard input keeps the rest for the commands.
                let line = first_line(&mut input).map_err(|error| unreadable("standard input", &error))?;
                check(&line, "standard input")
            }
        }
    }

    /// Another token than `old`, if the file has one by now.
    pub(super) fn newer(&self, old: &str) -> Option<String> {
        match self {
            Self::File(_) => self.read().ok().filter(|token| token != old),
            _ => None,
        }
    }
}

fn first_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(LONGEST).read_until(b'\n', &mut line)?;
    if line.len() as u64 >= LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
    }
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text"))
}

/// No token has spaces or begins with a slash: that is a command, or a file of something else. The text itself is never
/// shown, it may be a secret after all.
fn check(text: &str, place: &str) -> Result<String, Failure> {
    let token = text.trim();
    if token.is_empty() {
        Err(no_token(format!("there is no access token in {place}")))
    } else if token.starts_with('/') || token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Err(no_token(format!("what is first in {place} is no access token (see --help)")))
    } else {
        Ok(token.to_owned())
    }
}

fn unreadable(place: &str, error: &io::Error) -> Failure {
    no_token(format!("the access token cannot be read from {place}: {error}"))
}

fn no_token(line: String) -> Failure {
    Failure::new(Kind::NoToken, line)
}
