//! A walk through the session list, from its end downwards, in search of commands.

use alloc::vec::Vec;

use super::queue::Seq;
use crate::cx::Cx;
use crate::sync::{EntityId, Item, Key, Order, QueryId, Select};
use crate::time::Time;

/// How many items a page may have: what the service gives at most (spec 02 §5.4).
const PAGE_SIZE: u32 = 100;

/// How many pages a walk may take. Every item of the list is a command of our own, so this is far more than can be
/// needed; it bounds what a service can make us do.
const MAX_PAGES: u32 = 200;

/// A walk on its way.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    query: QueryId,
    list: EntityId,
    /// When it began: it has seen all that was executed before.
    pub(super) since: Time,
    /// What is below is of no interest.
    bottom: u64,
    lowest: Option<u64>,
    pages: u32,
    pub(super) targets: Vec<Seq>,
}

/// What a page means for the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The next page is asked for.
    Onward,
    /// All of interest was seen.
    Done,
    /// The service leads in circles, or too far: nothing is proven.
    Lost,
}

impl Walk {
    /// Sets out from `top` (the end of the list if `None`) down to `bottom`, both inclusive.
    pub(super) fn begin(
        cx: &mut Cx,
        list: EntityId,
        top: Option<u64>,
        bottom: u64,
        targets: Vec<Seq>,
    ) -> Self {
        let span = top.map_or(u64::MAX, |top| top.saturating_sub(bottom).saturating_add(1));
        let page_size = u32::try_from(span).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
        let query = cx.query_id();
        let from = top.map(|top| alloc::format!("{top}"));
        let select = Select { from, page_size, key: None, descending: true };
        cx.orders.push_back(Order::Query { query, entity: list, select });
        Self { query, list, since: cx.now, bottom, lowest: None, pages: 0, targets }
    }

    /// Whether `query` is of this walk.
    pub(super) fn is(&self, query: QueryId) -> bool {
        self.query == query
    }

    /// Takes a page; `next` leads to the one below.
    pub(super) fn page(&mut self, cx: &mut Cx, items: &[Item<'_>], next: Option<&str>) -> Step {
        self.pages = self.pages.saturating_add(1);
        let indexes = items.iter().filter_map(|item| match item.key {
            Key::Index(index) => Some(index),
            Key::Name(_) => None,
        });
        let (mut lowest, mut highest) = (None, None);
        for index in indexes {
            lowest = Some(lowest.map_or(index, |lowest: u64| lowest.min(index)));
            highest = highest.max(Some(index));
        }
        let in_order = match (self.lowest, highest) {
            (Some(before), Some(highest)) => highest < before,
            _ => true,
        };
        if !in_order {
            return Step::Lost;
        }
        self.lowest = lowest.or(self.lowest);
        match next {
            None => Step::Done,
            Some(_) if self.lowest.is_some_and(|lowest| lowest <= self.bottom) => Step::Done,
            Some(_) if self.pages >= MAX_PAGES => Step::Lost,
            Some(token) => {
                self.query = cx.query_id();
                cx.orders.push_back(Order::Page {
                    query: self.query,
                    entity: self.list,
                    token: token.into(),
                });
                Step::Onward
            }
        }
    }

    /// Breaks it off: nobody waits for the page that is under way.
    pub(super) fn forget(self, cx: &mut Cx) -> Vec<Seq> {
        cx.orders.push_back(Order::Forget { query: self.query });
        self.targets
    }
}
