//! An ordered map whose keys are texts, most of them SIDs.
//!
//! A client has tens of thousands of objects, and each frame looks for one of them. A tree of shared texts is searched
//! by looking at texts that lie all over the memory; here the keys lie in the tree itself (measured with 10,000
//! channels: the cache misses of comparing texts were a sixth of all that a frame cost).

use alloc::collections::BTreeMap;
use core::fmt;

use crate::name::Name;

/// Keys come in the order of their texts. `K` is what its users know a key as.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TextMap<K, V>(BTreeMap<Name, (K, V)>);

impl<K, V> Default for TextMap<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for TextMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.values().map(|(key, value)| (key, value))).finish()
    }
}

impl<K: AsRef<str>, V> TextMap<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains_key(&self, key: &(impl AsRef<str> + ?Sized)) -> bool {
        self.0.contains_key(&Name::new(key.as_ref()))
    }

    pub(crate) fn get(&self, key: &(impl AsRef<str> + ?Sized)) -> Option<&V> {
        self.get_key_value(key).map(|(_, value)| value)
    }

    pub(crate) fn get_key_value(&self, key: &(impl AsRef<str> + ?Sized)) -> Option<(&K, &V)> {
        self.0.get(&Name::new(key.as_ref())).map(|(key, value)| (key, value))
    }

    pub(crate) fn get_mut(&mut self, key: &(impl AsRef<str> + ?Sized)) -> Option<&mut V> {
        self.0.get_mut(&Name::new(key.as_ref())).map(|(_, value)| value)
    }

    /// What stands there, or now does.
    pub(crate) fn get_or_insert_with(&mut self, key: K, value: impl FnOnce(&K) -> V) -> &mut V {
        let entry = self.0.entry(Name::new(key.as_ref()));
        let (_, value) = entry.or_insert_with(|| {
            let value = value(&key);
            (key, value)
        });
        value
    }

    /// Gives what was there before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(Name::new(key.as_ref()), (key, value)).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &(impl AsRef<str> + ?Sized)) -> Option<V> {
        self.0.remove(&Name::new(key.as_ref())).map(|(_, value)| value)
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.values().map(|(key, value)| (key, value))
    }

    /// In order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.values().map(|(key, _)| key)
    }

    /// In the order of the keys.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut().map(|(_, value)| value)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is done to it, it is what a `BTreeMap` of texts is.
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0..4_u8, "([A-B]{2}[0-1]{32}|[A-B]{0,2})", any::<u16>()), 0..60)) {
            let (mut ours, mut model) = (TextMap::<String, u16>::default(), BTreeMap::<String, u16>::new());
            for (what, key, value) in steps {
                match what {
                    0 => prop_assert_eq!(ours.insert(key.clone(), value), model.insert(key.clone(), value)),
                    1 => prop_assert_eq!(ours.remove(&key), model.remove(&key)),
                    2 => {
                        let ours = ours.get_or_insert_with(key.clone(), |key| value.max(u16::from(key.is_empty())));
                        prop_assert_eq!(&*ours, model.entry(key.clone()).or_insert(value.max(u16::from(key.is_empty()))));
                    }
                    _ => prop_assert_eq!(ours.get_mut(&key), model.get_mut(&key)),
                }
                prop_assert_eq!(ours.len(), model.len());
                prop_assert_eq!(ours.get_key_value(key.as_str()), model.get_key_value(&key));
                prop_assert_eq!((ours.get(&key), ours.contains_key(&key)), (model.get(&key), model.contains_key(&key)));
            }
            prop_assert!(ours.iter().eq(&model) && ours.keys().eq(model.keys()));
            prop_assert_eq!(ours.values().collect::<Vec<_>>(), model.values().collect::<Vec<_>>());
        }
    }
}
