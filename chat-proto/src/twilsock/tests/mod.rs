//! The stage as a whole, against a service that each test plays by hand.

mod connection;
mod properties;
mod requests;
mod rig;
mod states;
mod token;
mod tolerance;
mod worked_frames;
