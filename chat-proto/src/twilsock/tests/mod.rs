//! The stage as a whole, against a service that each test plays by hand.

mod connection;
mod rig;
