//! The order of local channels (spec 03 §15). Names are compared by code point; locales are the adapter's business.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::call::{ChannelSorting, SortingCriteria, SortingOrder};
use crate::model::Channel;

/// Sorts in place. Channels without the key come last, whatever the order; equal ones stay as they were.
pub(super) fn sort(channels: &mut [Arc<Channel>], sorting: ChannelSorting) {
    match sorting.criteria {
        SortingCriteria::LastMessage => {
            by(channels, sorting.order, |channel| channel.last_message.and_then(|last| last.timestamp));
        }
        SortingCriteria::FriendlyName => {
            by(channels, sorting.order, |channel| name(channel.friendly_name.as_ref()));
        }
        SortingCriteria::UniqueName => {
            by(channels, sorting.order, |channel| name(channel.unique_name.as_ref()));
        }
    }
}

fn name(name: Option<&Arc<str>>) -> Option<Arc<str>> {
    name.filter(|name| !name.is_empty()).cloned()
}

fn by<K: Ord>(channels: &mut [Arc<Channel>], order: SortingOrder, key: impl Fn(&Channel) -> Option<K>) {
    channels.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) if order == SortingOrder::Ascending => a.cmp(&b),
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
}

/// All of them, as the app asked.
pub(super) fn sorted(mut channels: Vec<Arc<Channel>>, sorting: Option<ChannelSorting>) -> Vec<Arc<Channel>> {
    if let Some(sorting) = sorting {
        sort(&mut channels, sorting);
    }
    channels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Timestamp;
    use crate::model::{ChannelSid, ChannelType, LastMessage};

    fn channel(sid: &str, name: Option<&str>, last: Option<i64>) -> Arc<Channel> {
        let mut channel = Channel::unknown(ChannelSid::from(sid), ChannelType::Public);
        channel.friendly_name = name.map(Arc::from);
        channel.last_message =
            Some(LastMessage { index: None, timestamp: last.map(Timestamp::from_unix_millis) });
        Arc::new(channel)
    }

    #[test]
    fn the_keyless_are_last_both_ways() {
        let all =
            [channel("a", None, Some(2)), channel("b", Some("x"), None), channel("c", Some("y"), Some(1))];
        let order = |criteria, order| {
            let sorted = sorted(all.to_vec(), Some(ChannelSorting { criteria, order }));
            sorted.iter().map(|channel| channel.sid.as_str().into()).collect::<Vec<alloc::string::String>>()
        };
        assert_eq!(order(SortingCriteria::FriendlyName, SortingOrder::Ascending), ["b", "c", "a"]);
        assert_eq!(order(SortingCriteria::FriendlyName, SortingOrder::Descending), ["c", "b", "a"]);
        assert_eq!(order(SortingCriteria::LastMessage, SortingOrder::Ascending), ["c", "a", "b"]);
        assert_eq!(order(SortingCriteria::LastMessage, SortingOrder::Descending), ["a", "c", "b"]);
        assert_eq!(order(SortingCriteria::UniqueName, SortingOrder::Descending), ["a", "b", "c"]);
    }
}
