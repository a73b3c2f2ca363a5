use alloc::boxed::Box;

use super::VERSION;
use crate::model::Identity;

/// Why a client cannot be resumed from a save.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Another version of this library wrote it.
    #[error("version {found} of a save cannot be read: this is version {VERSION}")]
    OtherVersion {
        /// That of the save.
        found: u64,
    },
    /// It is not a save, and not what changed since one.
    #[error("it cannot be read: {0}")]
    Malformed(Box<str>),
    /// No client can have saved this.
    #[error("it cannot be true: {0}")]
    Inconsistent(&'static str),
    /// The access token is another person's.
    #[error("it is {saved}'s, and the access token {token}'s")]
    OtherIdentity {
        /// Whose save it is.
        saved: Identity,
        /// Whose token it is.
        token: Identity,
    },
    /// Nobody knows whose it is: the access token, or the save, does not tell.
    #[error("nobody knows whether it belongs to the owner of the access token")]
    NoIdentity,
    /// What changed since one save does not say what changed since another.
    #[error(
        "they are changes of another save: of revision {wanted} and not of this one, of revision {found}"
    )]
    OtherBase {
        /// The revision of the save that they begin with.
        wanted: u64,
        /// That of this one, which may be the same: its content is another.
        found: u64,
    },
    /// It holds more than [`Limits`](crate::Limits) allow.
    #[error("it holds {size} {what}, and {limit} are allowed")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        size: usize,
        /// The limit.
        limit: usize,
    },
}
