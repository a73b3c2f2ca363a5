//! Reports of the own read horizon: at most one in each interval, for all channels together (spec 03 §13).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::calls::Wait;
use super::commands::{CommandOwner, Response, SessionCommand};
use super::{Chat, Timer};
use crate::call::CallId;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Reply, UnreadCount};
use crate::model::ChannelSid;

/// The shortest interval while the service has not said otherwise (spec 03 §3.4).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// One channel's part of a report, and the calls that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    index: Option<u64>,
    calls: Vec<CallId>,
}

/// What is to be reported and what is on its way.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadHorizon {
    interval: Option<Duration>,
    queue: BTreeMap<ChannelSid, Entry>,
    sent: BTreeMap<u64, BTreeMap<ChannelSid, Entry>>,
}

/// How a new horizon meets one that waits to be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// It replaces it, also backwards.
    To(Option<u64>),
    /// The greater one counts.
    Forward(u64),
}

/// The reports of a save.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedHorizon {
    queue: BTreeMap<ChannelSid, Entry>,
    sent: BTreeMap<u64, BTreeMap<ChannelSid, Entry>>,
}

impl SavedHorizon {
    /// The numbers of the reports that were handed to the session.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.sent.keys().copied()
    }

    /// Whether some report answers the call.
    pub(super) fn holds(&self, call: CallId) -> bool {
        let sent = self.sent.values().flat_map(BTreeMap::values);
        self.queue.values().chain(sent).any(|entry| entry.calls.contains(&call))
    }
}

impl ReadHorizon {
    pub(super) fn save(&self) -> SavedHorizon {
        SavedHorizon { queue: self.queue.clone(), sent: self.sent.clone() }
    }

    /// Goes on with the reports of a save; `renamed` tells the new number of each.
    pub(super) fn resume(&mut self, cx: &mut Cx, saved: SavedHorizon, renamed: &BTreeMap<u64, u64>) {
        self.queue = saved.queue;
        let sent = saved.sent.into_iter();
        self.sent = sent.filter_map(|(number, entries)| Some((*renamed.get(&number)?, entries))).collect();
        if !self.queue.is_empty() {
            cx.timers.arm(Timer::Report, cx.now + self.interval.unwrap_or(DEFAULT_INTERVAL));
        }
    }

    pub(super) fn set_interval(&mut self, interval: Option<Duration>) {
        self.interval = interval;
    }

    /// Whether what the call reports has been handed to the session.
    pub(super) fn is_sent(&self, call: CallId) -> bool {
        self.sent.values().flat_map(BTreeMap::values).any(|entry| entry.calls.contains(&call))
    }

    /// The call is not to be answered any more; what it reports is reported all the same.
    pub(super) fn forget(&mut self, call: CallId) {
        let entries = self.queue.values_mut().chain(self.sent.values_mut().flat_map(BTreeMap::values_mut));
        for entry in entries {
            entry.calls.retain(|of| *of != call);
        }
    }
}

impl Chat {
    /// Queues a new horizon; it leaves now, or when the interval since the last report is over.
    pub(super) fn move_horizon(&mut self, cx: &mut Cx, id: CallId, sid: &ChannelSid, to: Move) {
        let known = self.state.channel(sid).and_then(|channel| channel.last_consumed_message_index);
        let queued = self.horizon.queue.get(sid).map(|entry| entry.index);
        let index = match (to, queued) {
            (Move::To(index), _) => index,
            // "Nothing read" compares as zero.
            (Move::Forward(index), Some(queued)) => queued.filter(|queued| *queued >= index).or(Some(index)),
            (Move::Forward(index), None) => known.filter(|known| *known > index).or(Some(index)),
        };
        let entry = self.horizon.queue.entry(sid.clone()).or_insert(Entry { index, calls: Vec::new() });
        entry.index = index;
        entry.calls.push(id);
        self.calls.wait(id, Wait::Report);
        if cx.timers.armed(Timer::Report).is_none() {
            self.report(cx);
        }
    }

    pub(super) fn report_due(&mut self, cx: &mut Cx) {
        if !self.horizon.queue.is_empty() {
            self.report(cx);
        }
    }

    fn report(&mut self, cx: &mut Cx) {
        let entries = core::mem::take(&mut self.horizon.queue);
        let report = entries.iter().map(|(sid, entry)| (sid.clone(), entry.index)).collect();
        let number = cx.next_id();
        self.horizon.sent.insert(number, entries);
        self.session.submit(cx, CommandOwner::Report(number), SessionCommand::ConsumptionReport(report));
        let interval = self.horizon.interval.unwrap_or(DEFAULT_INTERVAL);
        cx.timers.arm(Timer::Report, cx.now + interval);
    }

    pub(super) fn report_answered(&mut self, cx: &mut Cx, number: u64, result: &Result<Response, CallError>) {
        for (sid, entry) in self.horizon.sent.remove(&number).unwrap_or_default() {
            let result = match result {
                Ok(response) => match response.report.iter().find(|(of, _)| *of == sid) {
                    Some((_, Some(unread))) => Ok(Reply::UnreadCount(UnreadCount::Known(*unread))),
                    Some((_, None)) => Ok(Reply::UnreadCount(UnreadCount::Unknown)),
                    None => Err(CallError::BadAnswer("the report does not name the channel".into())),
                },
                Err(error) => Err(error.clone()),
            };
            for call in entry.calls {
                self.calls.answer(cx, call, result.clone());
            }
        }
    }
}
