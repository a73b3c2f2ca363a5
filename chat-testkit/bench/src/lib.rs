//! What the benchmarks share: a client beside the offline service in one process, and rings of frames.

pub mod rig;
