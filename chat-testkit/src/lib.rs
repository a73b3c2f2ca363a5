//! Offline service, session replay, simulator and referee for Programmable Chat clients.

pub mod compare;
pub mod fuzz;
#[cfg(feature = "interop")]
pub mod interop;
pub mod laws;
pub mod referee;
#[cfg(feature = "serve")]
pub mod serve;
pub mod service;
pub mod simulate;
pub mod stage;
pub mod world;

/// The core that all of this is about.
pub use chat_proto as proto;
