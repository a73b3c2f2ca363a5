//! An ordered map that is small while it holds little: a client has thousands of them, and most hold two things. A
//! `BTreeMap` takes room for eleven at its first.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;

/// How many entries are kept in a plain list. Beyond it there is a tree, for good.
const FEW: usize = 8;

/// The same for its users whichever of the two it is: entries come in the order of their keys.
#[derive(Debug, Clone)]
pub(crate) enum SmallMap<K, V> {
    /// Sorted by key; as large as it must be.
    Few(Vec<(K, V)>),
    Many(BTreeMap<K, V>),
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
            Self::Few(list) => list.len(),
            Self::Many(tree) => tree.len(),
        }
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Few(list) => {
                let place = place(list, key).ok()?;
                list.get(place).map(|(_, value)| value)
            }
            Self::Many(tree) => tree.get(key),
        }
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Few(list) => {
                let place = place(list, key).ok()?;
                list.get_mut(place).map(|(_, value)| value)
            }
            Self::Many(tree) => tree.get_mut(key),
        }
    }

    /// Gives what was there before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.get_mut(&key) {
            return Some(core::mem::replace(known, value));
        }
        match self {
            Self::Few(list) if list.len() < FEW => {
                let place = place(list, &key).unwrap_or_else(|place| place);
                list.reserve_exact(1);
                list.insert(place, (key, value));
            }
            Self::Few(list) => {
                let mut tree: BTreeMap<K, V> = core::mem::take(list).into_iter().collect();
                tree.insert(key, value);
                *self = Self::Many(tree);
            }
            Self::Many(tree) => {
                tree.insert(key, value);
            }
        }
        None
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Few(list) => place(list, key).ok().map(|place| list.remove(place).1),
            Self::Many(tree) => tree.remove(key),
        }
    }

    /// Keeps the entries that pass.
    pub(crate) fn retain(&mut self, mut passes: impl FnMut(&K, &V) -> bool) {
        match self {
            Self::Few(list) => list.retain(|(key, value)| passes(key, value)),
            Self::Many(tree) => tree.retain(|key, value| passes(key, value)),
        }
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (list, tree) = match self {
            Self::Few(list) => (Some(list), None),
            Self::Many(tree) => (None, Some(tree)),
        };
        let list = list.into_iter().flatten().map(|(key, value)| (key, value));
        list.chain(tree.into_iter().flatten())
    }

    /// In order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// In the order of the keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// In the order of the keys.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let (list, tree) = match self {
            Self::Few(list) => (Some(list), None),
            Self::Many(tree) => (None, Some(tree)),
        };
        let list = list.into_iter().flatten().map(|(_, value)| value);
        list.chain(tree.into_iter().flat_map(BTreeMap::values_mut))
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
fn place<K: Borrow<Q>, V, Q: Ord + ?Sized>(list: &[(K, V)], key: &Q) -> Result<usize, usize> {
    list.binary_search_by(|(known, _)| known.borrow().cmp(key))
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is done to it, it is what a `BTreeMap` is.
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0..4_u8, 0..24_u8, any::<u16>()), 0..80)) {
            let (mut ours, mut model) = (SmallMap::default(), BTreeMap::<String, u16>::new());
            for (what, key, value) in steps {
                let key = key.to_string();
                match what {
                    0 | 1 => prop_assert_eq!(ours.insert(key.clone(), value), model.insert(key, value)),
                    2 => prop_assert_eq!(ours.remove(key.as_str()), model.remove(&key)),
                    _ => {
                        ours.retain(|_, known| *known > value / 8);
                        model.retain(|_, known| *known > value / 8);
                        ours.values_mut().for_each(|known| *known ^= value);
                        for known in model.values_mut() { *known ^= value; }
                    }
                }
                prop_assert_eq!(ours.len(), model.len());
                prop_assert!(ours.iter().eq(model.iter()));
                prop_assert!(ours.keys().eq(model.keys()) && ours.values().eq(model.values()));
                prop_assert_eq!(&ours, &model.clone().into_iter().collect());
                for key in 0..24_u8 {
                    let key = key.to_string();
                    prop_assert_eq!(ours.get(key.as_str()), model.get(&key));
                    prop_assert_eq!(ours.get_mut(key.as_str()), model.get_mut(&key));
                }
            }
        }
    }

    #[test]
    fn little_takes_little_room() {
        let map: SmallMap<u64, u64> = [(2, 2), (1, 1)].into_iter().collect();
        let SmallMap::Few(list) = &map else { panic!("two are few") };
        assert_eq!(list.capacity(), 2);
        let map: SmallMap<u64, u64> = (0..9).map(|n| (n, n)).collect();
        assert!(matches!(map, SmallMap::Many(_)));
    }
}
