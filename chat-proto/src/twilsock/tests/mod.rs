//! The stage as a whole, against a service that each test plays by hand.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::wrong_self_convention,
    clippy::format_push_string,
    reason = "what a test says must be short; nothing here is called often"
)]

mod connection;
mod properties;
mod requests;
mod rig;
mod rows;
mod states;
mod token;
mod tolerance;
mod walk;
mod worked_frames;
