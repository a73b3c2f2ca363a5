//! Counters: what happened, in numbers.

use serde::{Deserialize, Serialize};

/// How often things happened since the client began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Sockets asked for.
    pub connects: u64,
    /// Frames received, whatever they were.
    pub frames_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Acknowledgements among them.
    pub acks_out: u64,
    /// Frames that could not be decoded.
    pub frames_malformed: u64,
    /// Input for a dead socket or a finished request (law 3).
    pub stale: u64,
    /// Requests sent, repetitions included.
    pub requests: u64,
    /// Repetitions among them.
    pub retries: u64,
    /// HTTP requests asked for, repetitions included.
    pub http_requests: u64,
    /// Notifications received.
    pub notifications: u64,
    /// Events of Sync that told nothing new: they came before, or something newer did.
    pub duplicates: u64,
    /// Subscription requests sent.
    pub pokes: u64,
    /// Calls accepted.
    pub calls: u64,
    /// Answers given.
    pub answers: u64,
    /// Times that an object fell behind because the app did not take its events.
    pub behind: u64,
    /// Times that the clock went back and was clamped (law 2).
    pub clock_backwards: u64,
}
