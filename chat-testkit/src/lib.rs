//! Offline service, session replay, simulator and referee for Programmable Chat clients.

pub mod compare;
pub mod fuzz;
pub mod inspect;
#[cfg(feature = "interop")]
pub mod interop;
pub mod laws;
#[cfg(feature = "record")]
pub mod record;
pub mod replay;
#[cfg(feature = "serve")]
pub mod serve;
pub mod service;
pub mod session_file;
#[cfg(feature = "snapshots")]
pub mod snapshots;
pub mod stage;
pub mod timeline;
pub mod world;
