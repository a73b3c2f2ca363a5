//! How many more objects the service takes on one connection (spec 02 §2.11: 2,000, error 54419).
//!
//! A poke with too many objects is refused as a whole, and the refusal does not say how many were too many. So smaller
//! ones are tried, half of what may still fit at a time, one after the other, until no more fits. Then nothing is tried
//! before something left or the connection is a new one: a poke in vain helps nobody.

/// The code of the refusal.
pub(super) const TOO_MANY: i64 = 54_419;

/// What is known of the room. Objects that the service has on this connection already take none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    /// So many more fit at most; `None` while nothing was refused.
    most: Option<usize>,
    /// So many of them are being tried.
    trying: usize,
}

impl Room {
    /// Whether nothing more fits.
    pub(super) fn is_full(self) -> bool {
        self.most == Some(0)
    }

    /// Whether pokes go one after the other, because it is being found out what fits.
    pub(super) fn is_tight(self) -> bool {
        self.most.is_some()
    }

    /// How many new objects the next poke may have.
    pub(super) fn next(self) -> usize {
        match self.most {
            None => usize::MAX,
            Some(_) if self.trying > 0 => 0,
            Some(most) => most.div_ceil(2),
        }
    }

    /// A poke with so many new objects leaves.
    pub(super) fn tries(&mut self, new: usize) {
        self.trying = self.trying.saturating_add(new);
    }

    /// It failed, for another reason than that it was too much.
    pub(super) fn failed(&mut self, new: usize) {
        self.trying = self.trying.saturating_sub(new);
    }

    /// It was taken.
    pub(super) fn took(&mut self, new: usize) {
        self.failed(new);
        // A poke from before anything was refused may have more.
        self.most = self.most.map(|most| most.checked_sub(new).unwrap_or(most));
    }

    /// It was too much. `false` if that cannot be, for it had nothing new.
    pub(super) fn refused(&mut self, new: usize) -> bool {
        self.failed(new);
        let Some(most) = new.checked_sub(1) else { return false };
        self.most = Some(self.most.map_or(most, |known| known.min(most)));
        true
    }

    /// An object left.
    pub(super) fn freed(&mut self) {
        self.most = self.most.map(|most| most.saturating_add(1));
    }
}
