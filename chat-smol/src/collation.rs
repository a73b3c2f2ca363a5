//! The order that people of a language expect: what the core, which sorts by code point, leaves to its host.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use chat_proto::{ChannelSorting, SortingCriteria, SortingOrder};
use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;

use crate::client::Client;
use crate::objects::{Bind, Channel};

/// How the people of a language order names (feature `collation`): `é` beside `e`, `a` before `A` before `b`.
///
/// [`Client::get_local_channels`] sorts names by code point, which is the same everywhere and needs no tables; this is
/// what the JavaScript SDK does instead (spec 03 §15), with the tables of ICU.
pub struct Collation {
    collator: CollatorBorrowed<'static>,
    locale: Box<str>,
}

/// Why there is no such [`Collation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollationError {
    /// The text names no locale, or not in the words of BCP 47.
    #[error("{0:?} is not a locale")]
    NotALocale(Box<str>),
    /// The tables that come with ICU cannot be read.
    #[error("no collation: {0}")]
    NoData(Box<str>),
}

impl Collation {
    /// The order of a locale in the words of BCP 47: `en`, `de-AT`, `sv`; `und` for none in particular. A locale without
    /// rules of its own has those of `und`.
    ///
    /// # Errors
    /// The text is not a locale.
    pub fn new(locale: &str) -> Result<Self, CollationError> {
        let parsed: Locale = locale.parse().map_err(|_| CollationError::NotALocale(locale.into()))?;
        let collator = Collator::try_new(CollatorPreferences::from(&parsed), CollatorOptions::default())
            .map_err(|error| CollationError::NoData(error.to_string().into()))?;
        Ok(Self { collator, locale: parsed.to_string().into() })
    }

    /// The order of two names.
    pub fn compare(&self, a: &str, b: &str) -> Ordering {
        self.collator.compare(a, b)
    }

    /// Sorts channels in place (spec 03 §15). Those without the key come last whatever the order, and equal ones stay as
    /// they were. Takes the objects of this crate and the core's snapshots alike.
    pub fn sort<C: Deref<Target = chat_proto::Channel>>(&self, channels: &mut [C], sorting: ChannelSorting) {
        let name = |a: &str, b: &str| self.compare(a, b);
        channels.sort_by(|a, b| match sorting.criteria {
            SortingCriteria::FriendlyName => {
                keyed(sorting.order, text(a.friendly_name.as_deref()), text(b.friendly_name.as_deref()), name)
            }
            SortingCriteria::UniqueName => {
                keyed(sorting.order, text(a.unique_name.as_deref()), text(b.unique_name.as_deref()), name)
            }
            // Nothing else is known to this version; times are the same in every language.
            _ => {
                let time = |channel: &C| channel.last_message.and_then(|last| last.timestamp);
                keyed(sorting.order, time(a), time(b), |a, b| a.cmp(&b))
            }
        });
    }
}

/// An empty name is none.
fn text(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty())
}

fn keyed<K>(order: SortingOrder, a: Option<K>, b: Option<K>, compare: impl Fn(K, K) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if order == SortingOrder::Ascending => compare(a, b),
        (Some(a), Some(b)) => compare(b, a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

impl fmt::Debug for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collation({})", self.locale)
    }
}

impl Client {
    /// The channels that this client knows, in the order that people of a language expect (feature `collation`). As
    /// [`Client::get_local_channels`] otherwise: whatever the own user's status in them, without asking the service.
    pub fn local_channels_sorted(&self, sorting: ChannelSorting, collation: &Collation) -> Vec<Channel> {
        let known: Vec<_> = self.with_state(|state| state.channels().into_iter().cloned().collect());
        let mut channels: Vec<Channel> = known.into_iter().map(|channel| channel.bind(self)).collect();
        collation.sort(&mut channels, sorting);
        channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_orders_of_their_own() {
        let order = |locale: &str, names: &mut [&'static str]| {
            let collation = Collation::new(locale).unwrap();
            names.sort_by(|a, b| collation.compare(a, b));
            names.join(" ")
        };
        assert_eq!(
            order("und", &mut ["zeta", "Beta", "éclair", "alpha", "Alpha"]),
            "alpha Alpha Beta éclair zeta"
        );
        assert_eq!(order("de", &mut ["z", "ä", "a", "b"]), "a ä b z");
        assert_eq!(order("sv", &mut ["z", "ä", "a", "b"]), "a b z ä");
    }

    #[test]
    fn what_is_no_locale_is_refused() {
        let error = Collation::new("no locale!").unwrap_err();
        assert_eq!(error, CollationError::NotALocale("no locale!".into()));
    }
}
