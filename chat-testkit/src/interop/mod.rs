//! Running the real JavaScript SDK against a service: for tests, here and in crates that build on this one.
//!
//! The drivers are in `tests/interop` of this crate. What they need from npm is pinned by a lock file and fetched once
//! into the target folder; where Node or the network is missing, [`Unavailable`] says so by name, and the test is to be
//! reported as ignored, unless [`REQUIRED`] makes that a failure.

mod driver;
mod workshop;

pub use driver::{Driver, DriverError};
pub use workshop::{Unavailable, Workshop};

/// The environment variable that, set to `required`, makes tests fail that would be ignored for want of Node or of the
/// network.
pub const REQUIRED: &str = "CHAT_INTEROP";

/// Whether a missing Node or network is to fail tests.
pub fn is_required() -> bool {
    std::env::var_os(REQUIRED).is_some_and(|value| value == "required")
}
