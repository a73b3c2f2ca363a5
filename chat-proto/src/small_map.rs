//! An ordered map that takes little more room than what is in it: a client has thousands of small ones, and some with
//! thousands of entries. A `BTreeMap` takes room for eleven at its first, and later leaves a third of its room empty.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;

/// How many entries a run holds at most.
const RUN: usize = 48;
/// By how much the room of a run grows. That of the first few entries grows one by one.
const STEP: usize = 8;

/// The same for its users whichever of the two it is: entries come in the order of their keys.
#[derive(Debug, Clone)]
pub(crate) enum SmallMap<K, V> {
    /// As long as one run is enough.
    Few(Run<K, V>),
    Many(Box<Runs<K, V>>),
}

/// Some entries, sorted by key.
type Run<K, V> = Vec<(K, V)>;

/// Entries that fill more than a run.
#[derive(Debug, Clone)]
pub(crate) struct Runs<K, V> {
    /// One after the other they are sorted. None is empty, but for a moment.
    runs: Vec<Run<K, V>>,
    /// How many entries there are in all.
    len: usize,
}

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// Equal when they hold the same, however.
impl<K: Ord, V: PartialEq> PartialEq for SmallMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Ord, V: Eq> Eq for SmallMap<K, V> {}

impl<K: Ord, V> SmallMap<K, V> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(run) => run.len(),
            Self::Many(many) => many.len,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let run = match self {
            Self::Few(run) => run,
            Self::Many(many) => many.runs.get(many.run_of(key))?,
        };
        run.get(place(run, key).ok()?).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let run = match self {
            Self::Few(run) => run,
            Self::Many(many) => {
                let run = many.run_of(key);
                many.runs.get_mut(run)?
            }
        };
        let place = place(run, key).ok()?;
        run.get_mut(place).map(|(_, value)| value)
    }

    /// Gives what was there before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.get_mut(&key) {
            return Some(core::mem::replace(known, value));
        }
        if let Self::Few(run) = self
            && run.len() >= RUN
        {
            let (len, run) = (run.len(), core::mem::take(run));
            *self = Self::Many(Box::new(Runs { runs: alloc::vec![run], len }));
        }
        match self {
            Self::Few(run) => put(run, key, value),
            Self::Many(many) => many.insert(key, value),
        }
        None
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Few(run) => {
                let (_, value) = run.remove(place(run, key).ok()?);
                if run.is_empty() {
                    // One is likely to come again; many are not.
                    run.shrink_to(1);
                }
                Some(value)
            }
            Self::Many(many) => many.remove(key),
        }
    }

    /// Takes the first entry.
    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        let run = match self {
            Self::Few(run) => run,
            Self::Many(many) => {
                many.len = many.len.saturating_sub(1);
                many.runs.first_mut()?
            }
        };
        let first = (!run.is_empty()).then(|| run.remove(0));
        if let Self::Many(many) = self
            && many.runs.first().is_some_and(Vec::is_empty)
        {
            many.runs.remove(0);
        }
        first
    }

    /// Keeps the entries that pass.
    pub(crate) fn retain(&mut self, mut passes: impl FnMut(&K, &V) -> bool) {
        for run in self.runs_mut() {
            run.retain(|(key, value)| passes(key, value));
            run.shrink_to_fit();
        }
        if let Self::Many(many) = self {
            many.runs.retain(|run| !run.is_empty());
            many.len = many.runs.iter().map(Vec::len).sum();
        }
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let runs = match self {
            Self::Few(run) => core::slice::from_ref(run),
            Self::Many(many) => &many.runs,
        };
        runs.iter().flatten().map(|(key, value)| (key, value))
    }

    /// In order.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// In the order of the keys.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// In the order of the keys.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.runs_mut().iter_mut().flatten().map(|(_, value)| value)
    }

    fn runs_mut(&mut self) -> &mut [Run<K, V>] {
        match self {
            Self::Few(run) => core::slice::from_mut(run),
            Self::Many(many) => &mut many.runs,
        }
    }
}

impl<K: Ord, V> Runs<K, V> {
    /// Which run has a key, or should have it.
    fn run_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let begins_before = |run: &Run<K, V>| run.first().is_some_and(|(first, _)| first.borrow() <= key);
        self.runs.partition_point(begins_before).saturating_sub(1)
    }

    /// Inserts what is not there.
    fn insert(&mut self, key: K, value: V) {
        let mut at = self.run_of(&key);
        if self.runs.get(at).is_some_and(|run| run.len() >= RUN) {
            at = self.split(at, &key);
        }
        match self.runs.get_mut(at) {
            Some(run) => put(run, key, value),
            None => self.runs.push(alloc::vec![(key, value)]),
        }
        self.len += 1;
    }

    /// Makes two runs of a full one; gives the one where the key belongs.
    fn split(&mut self, at: usize, key: &K) -> usize {
        let last = at + 1 == self.runs.len();
        let Some(run) = self.runs.get_mut(at) else { return at };
        if last && run.last().is_some_and(|(greatest, _)| greatest < key) {
            // What comes in order leaves full runs behind.
            return at + 1;
        }
        let second: Vec<_> = run.drain(RUN / 2..).collect();
        run.shrink_to(RUN / 2 + STEP);
        let in_second = second.first().is_some_and(|(first, _)| first <= key);
        self.runs.insert(at + 1, second);
        at + usize::from(in_second)
    }

    fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.run_of(key);
        let run = self.runs.get_mut(at)?;
        let (_, value) = run.remove(place(run, key).ok()?);
        self.len -= 1;
        let left = run.len();
        let next = self.runs.get(at + 1).map_or(RUN, Vec::len);
        if left == 0 {
            self.runs.remove(at);
        } else if left + next <= RUN / 2 {
            // Runs that nearly ran dry join, or they would hold much room for little.
            let next = self.runs.remove(at + 1);
            if let Some(run) = self.runs.get_mut(at) {
                run.extend(next);
                run.shrink_to(RUN / 2);
            }
        }
        Some(value)
    }
}

/// Puts what is not there into a run that is not full.
fn put<K: Ord, V>(run: &mut Run<K, V>, key: K, value: V) {
    if run.len() == run.capacity() {
        run.reserve_exact(if run.len() < STEP { 1 } else { STEP });
    }
    let place = place(run, &key).unwrap_or_else(|place| place);
    run.insert(place, (key, value));
}

/// In the order of the keys.
impl<K, V> IntoIterator for SmallMap<K, V> {
    type Item = (K, V);
    type IntoIter = core::iter::Flatten<alloc::vec::IntoIter<Run<K, V>>>;

    fn into_iter(self) -> Self::IntoIter {
        let runs = match self {
            Self::Few(run) => alloc::vec![run],
            Self::Many(many) => many.runs,
        };
        runs.into_iter().flatten()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SmallMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// Where a key is, or belongs.
fn place<K: Borrow<Q>, V, Q: Ord + ?Sized>(run: &[(K, V)], key: &Q) -> Result<usize, usize> {
    run.binary_search_by(|(known, _)| known.borrow().cmp(key))
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    /// What holds of every map: the runs are sorted, none is empty or too long, and they are counted rightly.
    fn is_sound<K: Ord, V>(map: &SmallMap<K, V>) -> bool {
        let sound = |run: &Run<K, V>| run.len() <= RUN && run.is_sorted_by(|(a, _), (b, _)| a < b);
        match map {
            SmallMap::Few(run) => sound(run),
            SmallMap::Many(many) => {
                many.runs.iter().all(|run| sound(run) && !run.is_empty())
                    && many.runs.iter().flatten().is_sorted_by(|(a, _), (b, _)| a < b)
                    && many.runs.iter().map(Vec::len).sum::<usize>() == many.len
            }
        }
    }

    /// Whatever is done to it, it is what a `BTreeMap` is.
    fn walk(steps: Vec<(u8, u16, u16)>, keys: u16) -> Result<(), TestCaseError> {
        let (mut ours, mut model) = (SmallMap::default(), BTreeMap::<String, u16>::new());
        for (what, key, value) in steps {
            let key = (key % keys).to_string();
            match what {
                0..=5 => prop_assert_eq!(ours.insert(key.clone(), value), model.insert(key.clone(), value)),
                6 => prop_assert_eq!(ours.pop_first(), model.pop_first()),
                7..=8 => prop_assert_eq!(ours.remove(key.as_str()), model.remove(&key)),
                _ => {
                    ours.retain(|_, known| *known > value / 8);
                    model.retain(|_, known| *known > value / 8);
                    ours.values_mut().for_each(|known| *known ^= value);
                    for known in model.values_mut() {
                        *known ^= value;
                    }
                }
            }
            prop_assert!(is_sound(&ours));
            prop_assert_eq!((ours.len(), ours.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(ours.contains_key(key.as_str()), model.contains_key(&key));
            prop_assert_eq!(ours.get(key.as_str()), model.get(&key));
            prop_assert_eq!(ours.get_mut(key.as_str()), model.get_mut(&key));
        }
        prop_assert!(ours.iter().eq(model.iter()) && ours.iter().rev().eq(model.iter().rev()));
        prop_assert!(ours.keys().eq(model.keys()) && ours.values().eq(model.values()));
        prop_assert_eq!(&ours, &model.clone().into_iter().collect());
        prop_assert!(ours.clone().into_iter().eq(model.clone()));
        for key in 0..keys {
            let key = key.to_string();
            prop_assert_eq!(ours.get(key.as_str()), model.get(&key));
            prop_assert_eq!(ours.remove(key.as_str()), model.remove(&key));
            prop_assert!(is_sound(&ours));
        }
        prop_assert_eq!(ours.len(), 0);
        Ok(())
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0..10_u8, any::<u16>(), any::<u16>()), 0..80)) {
            walk(steps, 24)?;
        }

        #[test]
        fn a_large_one_is_as_well(steps in proptest::collection::vec((0..9_u8, any::<u16>(), any::<u16>()), 0..1500)) {
            walk(steps, 1000)?;
        }
    }

    #[test]
    fn little_takes_little_room() {
        let map: SmallMap<u64, u64> = [(2, 2), (1, 1)].into_iter().collect();
        let SmallMap::Few(run) = &map else { panic!("two are few") };
        assert_eq!(run.capacity(), 2);
    }

    fn room(map: &SmallMap<u64, u64>) -> usize {
        let SmallMap::Many(many) = map else { panic!("these are many") };
        many.runs.iter().map(Vec::capacity).sum()
    }

    #[test]
    fn many_take_little_more_than_they_need() {
        let rising: SmallMap<u64, u64> = (0..10_000).map(|n| (n, n)).collect();
        assert!(room(&rising) < 10_100);
        let mut mixed: SmallMap<u64, u64> = (0..10_000).map(|n| (n * 7919 % 10_007, n)).collect();
        assert!(room(&mixed) < 12_500);
        // Nine in ten go: their room does as well.
        for n in (0..10_000).filter(|n| n % 10 != 0) {
            mixed.remove(&(n * 7919 % 10_007));
        }
        assert_eq!(mixed.len(), 1_000);
        assert!(room(&mixed) < 8_000, "{}", room(&mixed));
    }
}
