//! The life of a subscription, as data: state x input -> state (spec 02 §2.7, §2.8, with the recommendations of §2.10).
//!
//! What is not in the table changes nothing: a late acknowledgement, a second subscription, and so on. The spec's
//! `RejectedOrphan` is not kept: an object that is refused and then closed behaves like one never followed.
//!
#![doc = include_str!("table.md")]

/// Where the subscription of an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not followed. Such records are not kept.
    Idle,
    /// Followed; to be established with the next poke.
    Wanted,
    /// A poke was sent; its acknowledgement is awaited.
    Establishing,
    /// Everything missed was replayed; events are live.
    Live,
    /// The service refuses.
    Rejected,
    /// No longer followed; to be cancelled with the next poke.
    Leaving,
    /// A poke that cancels was sent.
    Cancelling,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// Somebody wants to follow the object.
    Subscribe,
    /// Nobody does any more, or it is gone.
    Unsubscribe,
    /// A poke with this object was sent.
    Poked,
    /// That poke failed.
    PokeFailed,
    /// Nothing came for that poke in time.
    Silence,
    /// `subscription_established`, `completed`, of that poke.
    Completed,
    /// `subscription_established`, `interrupted`, of that poke.
    Interrupted,
    /// `subscription_failed` of that poke; of any poke when the object is no longer followed.
    Failed,
    /// `subscription_canceled` of that poke.
    Canceled,
    /// `subscription_canceled` that nobody asked for (§2.10 Q6).
    Dropped,
    /// Events are missing, or could not be taken: replay again.
    Again,
    /// The service takes no more objects on this connection.
    Full,
    /// The connection is new, or the time to live of all subscriptions is over.
    Renewed,
}

/// One row: in this state, this input leads there.
type Row = (State, Input, State);

/// The table.
pub(super) const TABLE: &[Row] = {
    use {Input as I, State as S};
    &[
        (S::Idle, I::Subscribe, S::Wanted),
        (S::Wanted, I::Unsubscribe, S::Idle),
        (S::Wanted, I::Poked, S::Establishing),
        (S::Wanted, I::Full, S::Rejected),
        (S::Establishing, I::Unsubscribe, S::Leaving),
        (S::Establishing, I::PokeFailed, S::Wanted),
        (S::Establishing, I::Silence, S::Wanted),
        (S::Establishing, I::Completed, S::Live),
        (S::Establishing, I::Interrupted, S::Wanted),
        (S::Establishing, I::Failed, S::Rejected),
        (S::Establishing, I::Again, S::Wanted),
        (S::Establishing, I::Renewed, S::Wanted),
        (S::Live, I::Unsubscribe, S::Leaving),
        (S::Live, I::Dropped, S::Wanted),
        (S::Live, I::Again, S::Wanted),
        (S::Live, I::Renewed, S::Wanted),
        (S::Rejected, I::Unsubscribe, S::Idle),
        // Beyond the reference: a new connection may carry a better token (§10 D7).
        (S::Rejected, I::Renewed, S::Wanted),
        (S::Leaving, I::Subscribe, S::Wanted),
        (S::Leaving, I::Poked, S::Cancelling),
        (S::Leaving, I::Failed, S::Idle),
        (S::Leaving, I::Dropped, S::Idle),
        (S::Leaving, I::Renewed, S::Idle),
        (S::Cancelling, I::Subscribe, S::Wanted),
        (S::Cancelling, I::PokeFailed, S::Leaving),
        // Beyond the reference, which keeps it for ever (§10 D6).
        (S::Cancelling, I::Silence, S::Idle),
        (S::Cancelling, I::Canceled, S::Idle),
        (S::Cancelling, I::Failed, S::Idle),
        (S::Cancelling, I::Dropped, S::Idle),
        (S::Cancelling, I::Renewed, S::Idle),
    ]
};

impl State {
    /// Where `input` leads; `None` when it changes nothing.
    pub(super) fn after(self, input: Input) -> Option<Self> {
        TABLE.iter().find(|(state, on, _)| *state == self && *on == input).map(|(_, _, next)| *next)
    }
}
