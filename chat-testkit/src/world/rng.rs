/// `SplitMix64`, of which every draw of a world comes. It is our own so that a seed means the same run for ever: no new
/// version of a library may change it.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
    /// Decisions that somebody else makes: the last of these bytes is the next.
    script: Vec<u8>,
}

impl Rng {
    /// The stream of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, script: Vec::new() }
    }

    /// What a fuzzer decides, byte by byte, and then the stream of this seed. What forks is all of the seed.
    pub fn scripted(seed: u64, script: &[u8]) -> Self {
        Self { state: seed, script: script.iter().rev().copied().collect() }
    }

    /// A stream of its own, so that one more draw here does not shift what is drawn there.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.draw())
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; zero for a bound of zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if let Some(byte) = self.script.pop() {
            // Chances and choices are small numbers: a byte or two for each.
            let wide = u64::from(byte) << 8
                | u64::from(if bound > 256 { self.script.pop().unwrap_or(0) } else { 0 });
            return if bound > 1 << 16 { wide } else { (wide * bound) >> 16 };
        }
        let wide = u128::from(self.draw()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// Whether something happens that happens this often in a thousand times.
    pub fn per_mille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// A place in a list of this length; `None` when it is empty.
    pub fn place(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| usize::try_from(self.below(length as u64)).unwrap_or(0))
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        self.place(from.len()).and_then(|place| from.get(place))
    }

    /// Some bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.draw().to_le_bytes()[0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_range_and_reach_its_ends() {
        let mut rng = Rng::new(5);
        let drawn: std::collections::BTreeSet<u64> = (0..500).map(|_| rng.range(3, 6)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!((rng.below(0), rng.range(7, 7)), (0, 7));
        assert_eq!(rng.pick::<u8>(&[]), None);
        assert_eq!(rng.bytes(9).len(), 9);
    }

    #[test]
    fn a_script_decides_until_it_ends() {
        let mut rng = Rng::scripted(5, &[128, 0, 255, 255, 7]);
        assert_eq!((rng.below(4), rng.below(2)), (2, 0));
        assert_eq!((rng.below(1000), rng.below(256)), (999, 7));
        assert_eq!(rng.draw(), Rng::new(5).draw());
    }
}
