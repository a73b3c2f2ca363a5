// The first definition of a link counts: in here the pages beside the README are modules.
#![doc = "[`CONTROL.md`]: control\n[`FAULTS.md`]: faults\n\n"]
#![doc = include_str!("../README.md")]

pub mod compare;
#[cfg(doc)]
#[doc = include_str!("../CONTROL.md")]
pub mod control {}
#[cfg(doc)]
#[doc = include_str!("../FAULTS.md")]
pub mod faults {}
pub mod fuzz;
pub mod inspect;
#[cfg(feature = "interop")]
pub mod interop;
pub mod laws;
#[cfg(feature = "record")]
pub mod record;
pub mod referee;
pub mod replay;
#[doc(hidden)]
pub mod scratch;
#[cfg(feature = "serve")]
pub mod serve;
pub mod service;
pub mod session_file;
pub mod simulate;
#[cfg(feature = "snapshots")]
pub mod snapshots;
pub mod stage;
pub mod timeline;
pub mod world;
pub mod wrong;

/// The core that all of this is about.
pub use chat_proto as proto;
