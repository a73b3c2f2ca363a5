//! Replaying sessions.
//!
//! - [`exact`]: a session of our own client, recorded from inside. A new client is made from the header and told the same;
//!   its commands and events must be the same, byte for byte. Secrets are not in the file: the client gets a token of the
//!   same length, and both sides are compared after the secrets were starred out.

mod exact;

pub use exact::{Exact, Mismatch, exact};

#[cfg(test)]
mod tests;
