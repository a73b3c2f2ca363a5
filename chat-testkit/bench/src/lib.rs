//! What the benchmarks share: a client beside the offline service in one process, and rings of frames for it.

pub mod frames;
pub mod rig;
pub mod ring;
pub mod rooms;
pub mod yardstick;
