//! All entropy of a client, as one argument.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Where ids and jitter come from: required, never defaulted, so that a run can be repeated byte for byte (law 6).
///
/// Two live clients must not share a seed: they would make the same ids.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of these bytes. Draw them from the operating system in production.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A seed spread out of one number: for tests and simulations.
    pub fn from_number(number: u64) -> Self {
        let mut rng = Rng { state: number };
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&rng.next().to_le_bytes());
        }
        Self(bytes)
    }

    /// Two independent streams, so that one more draw of jitter does not shift every id after it.
    pub(crate) fn split(&self) -> (Ids, Jitter) {
        self.split_for(0)
    }

    /// The streams of another epoch are others: a client that is resumed with the seed of an earlier life never repeats
    /// the ids of that life.
    pub(crate) fn split_for(&self, epoch: u64) -> (Ids, Jitter) {
        let turn = if epoch == 0 { 0 } else { Rng { state: epoch }.next() };
        let word = |i: usize| {
            let mut bytes = [0; 8];
            for (to, from) in bytes.iter_mut().zip(self.0.iter().skip(8 * i)) {
                *to = *from;
            }
            u64::from_le_bytes(bytes)
        };
        let ids = Rng { state: word(0) ^ word(1).rotate_left(32) ^ turn };
        let jitter = Rng { state: word(2) ^ word(3).rotate_left(32) ^ turn ^ 0x9e37_79b9_7f4a_7c15 };
        (Ids { rng: ids }, Jitter { rng: jitter })
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// `SplitMix64`: small, well studied, and quite enough for ids that need only be different.
#[derive(Debug, Clone)]
struct Rng {
    state: u64,
}

impl Rng {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The stream of identifiers.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    rng: Rng,
}

impl Ids {
    /// A version 4 UUID, lower case, with hyphens.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = self.uuid_words();
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// Id of a Twilsock frame of ours: `TM` and a UUID (spec 01 §2.1).
    pub(crate) fn frame_id(&mut self) -> String {
        format!("TM{}", self.uuid())
    }

    /// Id of a Sync request: `RQ` and a UUID without hyphens (spec 02 §1.3).
    pub(crate) fn request_id(&mut self) -> String {
        let (high, low) = self.uuid_words();
        format!("RQ{high:016x}{low:016x}")
    }

    fn uuid_words(&mut self) -> (u64, u64) {
        let high = (self.rng.next() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.rng.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        (high, low)
    }
}

/// The stream of jitter.
#[derive(Debug, Clone)]
pub(crate) struct Jitter {
    rng: Rng,
}

impl Jitter {
    /// A number in `0..bound`; zero for a bound of zero. Uniform up to a bias far below one in a billion.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.rng.next()) * u128::from(bound);
        // The upper half of a 64 x 64 bit product is below `bound`.
        (wide >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_has_ids_of_its_own() {
        let seed = Seed::from_number(7);
        let mut drawn = std::collections::BTreeSet::new();
        for epoch in 0..20 {
            let (mut ids, _) = seed.split_for(epoch);
            for _ in 0..50 {
                assert!(drawn.insert(ids.uuid()), "epoch {epoch}");
            }
        }
    }

    #[test]
    fn uuids_are_version_4() {
        let (mut ids, _) = Seed::from_number(7).split();
        for _ in 0..100 {
            let id = ids.uuid();
            assert_eq!(id.len(), 36);
            assert_eq!(id.as_bytes()[14], b'4');
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        }
    }

    #[test]
    fn streams_are_independent() {
        let (mut ids, mut jitter) = Seed::from_number(1).split();
        let first = ids.uuid();
        jitter.below(10);
        let second = ids.uuid();
        let (mut again, _) = Seed::from_number(1).split();
        assert_eq!((again.uuid(), again.uuid()), (first, second));
    }

    #[test]
    fn jitter_stays_below_its_bound() {
        let (_, mut jitter) = Seed::from_number(3).split();
        assert_eq!(jitter.below(0), 0);
        let mut seen = [false; 5];
        for _ in 0..1000 {
            seen[usize::try_from(jitter.below(5)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 5]);
    }
}
