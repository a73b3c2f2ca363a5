//! Our own client goes through the steps of the JavaScript SDK's drivers against the offline service, on a stage without
//! sockets, and its normalised log is compared with the SDK's (`tests/interop/expected`).
//!
//! Errors are compared by method, kind, code and status, everything else verbatim. What differs is listed in
//! `differences.json` beside this file, each line with its reason. `s11` sorts by locale, which is the adapter's: it is among
//! the tests of chat-smol.

#![allow(unreachable_pub, reason = "modules shared with other stories")]
#![allow(
    clippy::unnecessary_wraps,
    clippy::ref_option,
    reason = "a story is to be read: its helpers take what is at hand"
)]

mod errors;
mod s01;
mod s02;
mod s03;
mod s05;
mod s06;
mod scenario;
mod view;

/// Where the expected logs and the list of differences are.
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
