//! The laws of the client, as functions over a [`Session`](crate::world::Session).
//!
//! Each makes the clients of the session anew, leads them through what they were told, and asks at many of its steps
//! what would be if something else happened there: clients are plain values, so a copy answers that. The numbers are
//! those of the design. A client that is resumed after a crash is a client of its own; laws 5 and 11 follow it through its
//! lives. A session file is held against them by [`judge`], which says what of a law such a file cannot show.
//!
//! | law | function |
//! |---|---|
//! | 1. any call, any time, any order | [`any_order`] |
//! | 2. ticks are harmless | [`ticks_are_harmless`] |
//! | 3. stale is silent | [`stale_is_silent`] |
//! | 4. the deadline is honest | [`deadline_is_honest`] |
//! | 5. every accepted call is answered exactly once | [`answered_once`] |
//! | 6. same seed, same records, same outputs | [`repeats_itself`] |
//! | 7. what is saved is there after a crash | [`survives_loss`] |
//! | 8. no input panics, loops, or grows memory | [`stays_bounded`] |
//! | 9. frames, records and session files survive | [`survives_storage`] |
//! | 10. secrets stay secret | [`keeps_secrets`] |
//! | 11. nothing is lost, nothing is doubled | [`nothing_lost`] of messages, [`ends_equal`] of all else, [`told_rightly`] |

mod answers;
mod bounds;
mod deadline;
mod loss;
mod messages;
mod objects;
mod order;
mod recorded;
mod repeat;
mod replay;
mod secrets;
mod stale;
mod storage;
mod ticks;
mod told;

use crate::world::{Core, Run};

pub use answers::answered_once;
pub use bounds::{Meter, stays_bounded, stays_bounded_by};
pub use deadline::deadline_is_honest;
pub use loss::survives_loss;
pub use messages::nothing_lost;
pub use objects::ends_equal;
pub use order::any_order;
pub use recorded::{Breach, Judged, Judgement, judge};
pub use repeat::repeats_itself;
pub use secrets::keeps_secrets;
pub use stale::stale_is_silent;
pub use storage::survives_storage;
pub use ticks::ticks_are_harmless;
pub use told::told_rightly;

/// A broken law: which, by whom, and where in the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("law {law} is broken by client {client} at step {step}: {what}")]
pub struct Violation {
    /// The law's number.
    pub law: u8,
    /// A place in [`Session::clients`](crate::world::Session::clients).
    pub client: usize,
    /// A place in [`Session::entries`](crate::world::Session::entries).
    pub step: usize,
    /// What happened, and what should have.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(law: u8, client: usize, step: usize, what: impl Into<String>) -> Self {
        Self { law, client, step, what: what.into() }
    }
}

/// Every law that a finished run can be held against. `seed` decides where it is probed.
///
/// # Errors
///
/// The first law that is broken.
pub fn all<C: Core>(run: &Run<C>, seed: u64) -> Result<(), Violation> {
    repeats_itself::<C>(&run.session)?;
    any_order::<C>(&run.session, seed)?;
    ticks_are_harmless::<C>(&run.session, seed)?;
    stale_is_silent::<C>(&run.session, seed)?;
    deadline_is_honest::<C>(&run.session, seed)?;
    survives_loss::<C>(&run.session, seed)?;
    stays_bounded::<C>(&run.session, seed)?;
    survives_storage(&run.session)?;
    keeps_secrets::<C>(&run.session, seed)?;
    answered_once(&run.session, run.healed)?;
    nothing_lost(run)?;
    ends_equal(run)?;
    told_rightly(run)
}
