//! How one list becomes another: what stays of it, what is new, what changed.
//!
//! Places stand for things, not names: whoever applies the steps has the very list that they begin with. They go
//! through that list once and forwards, so nothing is taken twice, and what comes out is no longer than the list and the
//! steps together, whoever wrote them (law 8).

use alloc::vec::{IntoIter, Vec};

use serde::{Deserialize, Serialize};

use super::ResumeError;

/// One of a list's things. Comparing two that are shared must cost nothing: most of what is compared did not change.
pub(crate) trait Part: Clone + PartialEq {
    /// By what it is found again. Lists have the order of these, or more is taken for new than is.
    type Key<'a>: Ord
    where
        Self: 'a;
    /// How it changed.
    type Change;

    fn key(&self) -> Self::Key<'_>;

    /// What leads from this to `newer`; `None` when that is best told as a whole.
    fn change_to(&self, newer: &Self) -> Option<Self::Change>;

    fn changed(self, change: Self::Change) -> Result<Self, ResumeError>;
}

/// The change of what is always told as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Never {}

/// What comes next in the new list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Step<T, C> {
    /// What stands in the old list from this place on, so many of them.
    Keep(u64, u64),
    /// What stands there, changed.
    Change(u64, C),
    /// What stands nowhere there.
    Put(T),
}

/// What leads from one list to another.
pub(crate) fn steps<T: Part>(base: &[T], newer: &[T]) -> Vec<Step<T, T::Change>> {
    let mut steps = Vec::new();
    let mut rest = (0_u64..).zip(base).peekable();
    for item in newer {
        // Keys lie elsewhere in the memory: most need not be looked at.
        let mut old = rest.next_if(|(_, old)| *old == item);
        if old.is_none() {
            while rest.next_if(|(_, old)| old.key() < item.key()).is_some() {}
            old = rest.next_if(|(_, old)| old.key() == item.key());
        }
        match old {
            Some((place, old)) if old == item => keep(&mut steps, place),
            Some((place, old)) => {
                let change = old.change_to(item);
                steps.push(
                    change.map_or_else(|| Step::Put(item.clone()), |change| Step::Change(place, change)),
                );
            }
            None => steps.push(Step::Put(item.clone())),
        }
    }
    steps
}

fn keep<T, C>(steps: &mut Vec<Step<T, C>>, place: u64) {
    if let Some(Step::Keep(from, count)) = steps.last_mut()
        && from.saturating_add(*count) == place
    {
        *count = count.saturating_add(1);
    } else {
        steps.push(Step::Keep(place, 1));
    }
}

/// The list that the steps lead to.
pub(crate) fn apply<T: Part>(base: Vec<T>, steps: Vec<Step<T, T::Change>>) -> Result<Vec<T>, ResumeError> {
    let mut base = Base { len: base.len(), rest: base.into_iter() };
    let mut items = Vec::new();
    for step in steps {
        match step {
            Step::Keep(from, count) => items.extend(base.take(from, count)?),
            Step::Change(place, change) => {
                if let Some(old) = base.take(place, 1)?.next() {
                    items.push(old.changed(change)?);
                }
            }
            Step::Put(item) => items.push(item),
        }
    }
    Ok(items)
}

/// A list that is gone through once.
struct Base<T> {
    len: usize,
    rest: IntoIter<T>,
}

impl<T> Base<T> {
    /// So many from there on.
    fn take(&mut self, from: u64, count: u64) -> Result<impl Iterator<Item = T> + '_, ResumeError> {
        let missing = ResumeError::Inconsistent("the changes are of more than there is");
        let passed = self.len.saturating_sub(self.rest.len());
        let (Ok(from), Ok(count)) = (usize::try_from(from), usize::try_from(count)) else {
            return Err(missing);
        };
        let Some(skip) = from.checked_sub(passed) else { return Err(missing) };
        if self.rest.len().checked_sub(skip).is_none_or(|left| left < count) {
            return Err(missing);
        }
        if let Some(last) = skip.checked_sub(1) {
            self.rest.nth(last);
        }
        Ok(self.rest.by_ref().take(count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A key and two values, of which one can change by itself.
    type Thing = (u8, u8, u8);

    impl Part for Thing {
        type Key<'a> = u8;
        type Change = u8;

        fn key(&self) -> u8 {
            self.0
        }

        fn change_to(&self, newer: &Self) -> Option<u8> {
            (self.1 == newer.1).then_some(newer.2)
        }

        fn changed(self, change: u8) -> Result<Self, ResumeError> {
            Ok((self.0, self.1, change))
        }
    }

    fn things() -> impl Strategy<Value = Vec<Thing>> {
        proptest::collection::vec((0..6_u8, 0..2_u8, 0..3_u8), 0..12)
    }

    fn step() -> impl Strategy<Value = Step<Thing, u8>> {
        let place = prop_oneof![0..8_u64, Just(u64::MAX), Just(u64::MAX / 2)];
        prop_oneof![
            (place.clone(), place.clone()).prop_map(|(from, count)| Step::Keep(from, count)),
            (place, 0..3_u8).prop_map(|(place, change)| Step::Change(place, change)),
            (0..6_u8, 0..2_u8, 0..3_u8).prop_map(Step::Put),
        ]
    }

    proptest! {
        /// Also when keys come twice, or in no order.
        #[test]
        fn they_lead_from_any_list_to_any(base in things(), newer in things()) {
            let steps = steps(&base, &newer);
            prop_assert_eq!(apply(base, steps).unwrap(), newer);
        }

        /// In the order of the keys, nothing is told that was there.
        #[test]
        fn what_stays_is_not_told_again(mut all in things(), stays in proptest::collection::vec(any::<bool>(), 12)) {
            all.sort_unstable();
            all.dedup_by_key(|thing| thing.0);
            let newer: Vec<Thing> = all.iter().zip(stays).filter(|(_, stays)| *stays).map(|(thing, _)| *thing).collect();
            for step in steps(&all, &newer) {
                prop_assert!(matches!(step, Step::Keep(..)), "{:?}", step);
            }
        }

        #[test]
        fn forged_ones_are_refused_or_bounded(base in things(), steps in proptest::collection::vec(step(), 0..8)) {
            let most = base.len() + steps.len();
            if let Ok(items) = apply(base, steps) {
                prop_assert!(items.len() <= most);
            }
        }
    }

    #[test]
    fn a_window_that_moves_on_costs_its_new_end() {
        let base: Vec<Thing> = (0..50).map(|key| (key, 0, 0)).collect();
        let mut newer: Vec<Thing> = (1..51).map(|key| (key, 0, 0)).collect();
        newer[20].2 = 2;
        let expected = [Step::Keep(1, 20), Step::Change(21, 2), Step::Keep(22, 28), Step::Put((50, 0, 0))];
        assert_eq!(steps(&base, &newer), expected);
    }
}
