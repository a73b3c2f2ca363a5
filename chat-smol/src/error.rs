//! What can go wrong on this side of the core.

use std::error::Error as StdError;
use std::time::Duration;

use chat_proto::{CallError, ConnectionError, Refused, ResumeError, TokenError};

/// An error of the app's own, such as that of a token provider.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The call was not accepted; it is handed back.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The text cannot be an access token.
    #[error(transparent)]
    BadToken(#[from] TokenError),
    /// There is no page in that direction ([`Paginator`](crate::Paginator)).
    #[error("there is no such page")]
    NoSuchPage,
    /// The client ended before the call was answered.
    #[error("the client has ended")]
    Ended,
    /// The core answered with something else than this call gives: a bug in this library.
    #[error("the answer is of another kind than the call")]
    UnexpectedReply,
}

impl Error {
    /// The core's own error, if this is one.
    pub fn as_call_error(&self) -> Option<&CallError> {
        match self {
            Self::Call(error) => Some(error),
            _ => None,
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The text cannot be an access token.
    #[error(transparent)]
    BadToken(#[from] TokenError),
    /// The address of the service cannot be used.
    #[error("the address of the service cannot be used: {0}")]
    BadUrl(#[from] UrlError),
    /// [`Client::create_with_provider`](crate::Client::create_with_provider) without
    /// [`Options::token_provider`](crate::Options::token_provider).
    #[error("there is neither an access token nor a token provider")]
    NoToken,
    /// The file to record into cannot be written ([`Options::record`](crate::Options::record)).
    #[error("the file to record into cannot be written")]
    Record(#[source] std::io::Error),
    /// The token provider gave nothing usable until [`Options::create_timeout`](crate::Options::create_timeout).
    #[error("the token provider failed")]
    Provider(#[source] BoxError),
    /// The service refused the access token, and there is no provider to bring another.
    #[error("the access token was refused")]
    TokenRejected(#[source] Option<ConnectionError>),
    /// The service could not prove who it is (TLS). Trying again would not help.
    #[error("the service could not be verified: {0}")]
    Untrusted(Box<str>),
    /// Not ready within [`Options::create_timeout`](crate::Options::create_timeout).
    #[error("not ready after {after:?}{}", because(.last.as_ref()))]
    Timeout {
        /// How long was waited.
        after: Duration,
        /// What last went wrong with the connection.
        #[source]
        last: Option<ConnectionError>,
    },
    /// What was kept of the client cannot be loaded.
    #[error("the storage failed")]
    Storage(#[source] BoxError),
    /// What was kept of a client cannot be used: it is another person's, or damaged. It was left as it is.
    #[error("what was stored cannot be used")]
    Resume(#[from] ResumeError),
    /// `Config::write_ahead` without [`Options::storage`](crate::Options::storage).
    #[error("there is no storage to write ahead to")]
    NoStorage,
    /// The operating system gave no entropy.
    #[error("no entropy: {0}")]
    Entropy(Box<str>),
    /// The client ended before it was ready, most likely because its executor was dropped.
    #[error("the client ended before it was ready")]
    Ended,
}

fn because(last: Option<&ConnectionError>) -> String {
    last.map(|error| format!(" ({error})")).unwrap_or_default()
}

/// Why an address cannot be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It cannot be read at all.
    #[error("it is not a URL")]
    Malformed,
    /// The scheme is neither `ws` nor `wss`.
    #[error("it begins with neither ws:// nor wss://")]
    Scheme,
    /// The scheme is neither `http` nor `https`.
    #[error("it begins with neither http:// nor https://")]
    HttpScheme,
    /// It holds a user name or a password; those would end in logs.
    #[error("it holds credentials")]
    Credentials,
    /// It names no host.
    #[error("it names no host")]
    NoHost,
}
