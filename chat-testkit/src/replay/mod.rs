//! Replaying sessions.
//!
//! - [`exact`]: a session of our own client, recorded from inside. A new client is made from the header and told the same;
//!   its commands and events must be the same, byte for byte. Secrets are not in the file: the client gets a token of the
//!   same length, and both sides are compared after the secrets were starred out.
//! - [`foreign()`]: frames of any client, recorded on the wire. Our client is asked for what the recorded one asked for, and
//!   the recording answers it. What our client tells can then be held against the log of the recorded one: [`against_log`].

mod beside;
mod exact;
mod foreign;
mod steps;
mod verdict;

pub(crate) use exact::taken_otherwise;
pub use exact::{Exact, Mismatch, exact};
pub use foreign::{Foreign, foreign};
pub use steps::against_log;
pub use verdict::{Verdict, replay_file};

#[cfg(test)]
mod tests;
