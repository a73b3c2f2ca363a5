//! What is remembered of items: the version of each key, and whether it lives. Never its value.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;

use super::output::Key;
use crate::name::Sid;
use crate::small_map::SmallMap;

/// How many items of a list are remembered. Beyond it the half that changed longest ago is forgotten (law 8).
const LIST_ITEMS: usize = 4096;
/// How many items of a map are remembered: more, because nobody pages through a map backwards.
const MAP_ITEMS: usize = 32_768;

/// What is known of one item. Packed, because there is one of every member and every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, packed(2))]
pub(super) struct Entry {
    /// The id of the last event that touched it, as far as known.
    pub(super) version: i64,
    /// `false`: it was removed (a tombstone).
    pub(super) live: bool,
    /// The newest that is known of it came in a page: the event of that version was not told yet.
    pub(super) paged: bool,
}

/// The versions of the items of one object.
#[derive(Debug, Clone)]
pub(super) enum Versions {
    None,
    List(Table<u64>),
    /// Of items that are called by SIDs, as in rosters, and of others.
    Map(Table<Sid>, Option<Box<Table<Box<str>>>>),
}

impl Versions {
    pub(super) fn list() -> Self {
        Self::List(Table::new(LIST_ITEMS))
    }

    pub(super) fn map() -> Self {
        Self::Map(Table::new(MAP_ITEMS), None)
    }

    pub(super) fn get(&self, key: &Key<'_>) -> Option<Entry> {
        match (self, key) {
            (Self::List(table), Key::Index(index)) => table.get(index),
            (Self::Map(sids, others), Key::Name(name)) => match Sid::pack(name) {
                Some(sid) => sids.get(&sid),
                None => others.as_ref()?.get(&**name),
            },
            _ => None,
        }
    }

    pub(super) fn set(&mut self, key: &Key<'_>, entry: Entry) {
        match (self, key) {
            (Self::List(table), Key::Index(index)) => table.set(index, |index| *index, entry),
            (Self::Map(sids, others), Key::Name(name)) => {
                if let Some(sid) = Sid::pack(name) {
                    sids.set(&sid, |sid| *sid, entry);
                } else {
                    let others = others.get_or_insert_with(|| Box::new(Table::new(MAP_ITEMS)));
                    others.set(&**name, |name| Cow::Borrowed(name).into(), entry);
                }
            }
            _ => {}
        }
    }

    /// Items of this version and below may have been forgotten.
    pub(super) fn forgotten(&self) -> i64 {
        match self {
            Self::None => i64::MIN,
            Self::List(table) => table.forgotten,
            Self::Map(sids, others) => {
                sids.forgotten.max(others.as_ref().map_or(i64::MIN, |others| others.forgotten))
            }
        }
    }
}

/// A table that forgets the oldest versions beyond a limit, and remembers up to where it forgot.
#[derive(Debug, Clone)]
pub(super) struct Table<K> {
    entries: SmallMap<K, Entry>,
    limit: usize,
    forgotten: i64,
}

impl<K: Ord> Table<K> {
    fn new(limit: usize) -> Self {
        Self { entries: SmallMap::default(), limit, forgotten: i64::MIN }
    }

    fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Entry>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).copied()
    }

    fn set<Q: Ord + ?Sized>(&mut self, key: &Q, own: impl FnOnce(&Q) -> K, entry: Entry)
    where
        K: Borrow<Q>,
    {
        if let Some(known) = self.entries.get_mut(key) {
            *known = entry;
            return;
        }
        if self.entries.len() >= self.limit {
            self.forget_half();
        }
        self.entries.insert(own(key), entry);
    }

    /// Half at once, so that the cost of finding the oldest is spread over as many insertions.
    fn forget_half(&mut self) {
        let mut versions: Vec<i64> = self.entries.values().map(|entry| entry.version).collect();
        let middle = versions.len() / 2;
        if middle < versions.len() {
            let (_, &mut median, _) = versions.select_nth_unstable(middle);
            // At least half of them goes; entries of one version (a hostile service) go all together.
            self.entries.retain(|_, entry| entry.version > median);
            self.forgotten = self.forgotten.max(median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: i64) -> Entry {
        Entry { version, live: true, paged: false }
    }

    #[test]
    fn the_oldest_versions_are_forgotten() {
        let mut versions = Versions::list();
        for index in 0..10_000_u64 {
            versions.set(&Key::Index(index), entry(i64::try_from(index).unwrap()));
        }
        let Versions::List(table) = &versions else { panic!() };
        assert!(table.entries.len() <= LIST_ITEMS);
        assert!(versions.forgotten() > 0);
        for index in 0..10_000_u64 {
            let known = versions.get(&Key::Index(index));
            assert_eq!(known.is_none(), i64::try_from(index).unwrap() <= versions.forgotten(), "{index}");
        }
    }

    #[test]
    fn equal_versions_do_not_grow_it() {
        let mut versions = Versions::list();
        for index in 0..20_000 {
            versions.set(&Key::Index(index), entry(0));
        }
        let Versions::List(table) = &versions else { panic!() };
        assert!(table.entries.len() <= LIST_ITEMS);
    }

    #[test]
    fn keys_of_the_other_kind_are_unknown() {
        let mut versions = Versions::map();
        versions.set(&Key::Index(1), entry(1));
        assert_eq!(versions.get(&Key::Index(1)), None);
        let sid = "MB0123456789abcdef0123456789abcdef";
        for (name, version) in [("a", 1), (sid, 2), ("friendlyName", 3), ("a", 4)] {
            versions.set(&Key::Name(name.into()), entry(version));
            assert_eq!(versions.get(&Key::Name(name.into())), Some(entry(version)));
        }
        assert_eq!(versions.get(&Key::Name(sid.into())), Some(entry(2)));
        assert_eq!(versions.get(&Key::Name("b".into())), None);
    }

    #[test]
    fn an_item_of_a_roster_takes_little_room() {
        assert_eq!(size_of::<(Sid, Entry)>(), 28);
    }

    #[test]
    fn what_a_map_forgets_is_noted_whatever_its_items_are_called() {
        for name in ["item", "MB0123456789abcdef0123456789ab"] {
            let mut versions = Versions::map();
            for index in 0..40_000_i64 {
                versions.set(&Key::Name(alloc::format!("{name}{index:04x}").into()), entry(index));
            }
            assert!(versions.forgotten() > 0, "{name}");
            let first = alloc::format!("{name}{:04x}", 0);
            assert_eq!(versions.get(&Key::Name(first.into())), None);
        }
    }
}
