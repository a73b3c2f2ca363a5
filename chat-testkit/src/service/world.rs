//! What every part of the service needs: settings, identifiers and dates.

use std::collections::BTreeMap;

use chat_proto::{Time, Timestamp};

use super::ServiceConfig;

/// Settings, identifiers and dates, handed to whoever makes something.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: ServiceConfig,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
}

impl World {
    pub(crate) fn new(config: ServiceConfig, seed: u64, now: Time) -> Self {
        let ids = Ids::new(&config.seed, seed);
        let clock = Clock { now, unix_at_origin: config.unix_at_origin, last_stamp: i64::MIN };
        Self { config, ids, clock }
    }
}

/// Identifiers: a hash of the seed, the prefix and a count, so that one more message does not shift the SIDs of
/// channels.
#[derive(Debug)]
pub(crate) struct Ids {
    label: String,
    counts: BTreeMap<&'static str, u64>,
}

impl Ids {
    /// Seed 0 leaves the configured word alone: with `ref` that gives the SIDs of the recordings.
    fn new(word: &str, seed: u64) -> Self {
        let label = if seed == 0 { word.to_owned() } else { format!("{word}#{seed}") };
        Self { label, counts: BTreeMap::new() }
    }

    /// A SID: the prefix and 32 hexadecimal digits.
    pub(crate) fn sid(&mut self, prefix: &'static str) -> String {
        format!("{prefix}{}", self.hex(prefix))
    }

    /// 32 hexadecimal digits.
    pub(crate) fn hex(&mut self, what: &'static str) -> String {
        let count = self.counts.entry(what).or_default();
        *count += 1;
        format!("{:x}", md5::compute(format!("{}:{what}:{count}", self.label)))
    }

    /// 32 hexadecimal digits that belong to a text: the same for the same text.
    pub(crate) fn hex_of(&self, text: &str) -> String {
        format!("{:x}", md5::compute(format!("{}:{text}", self.label)))
    }
}

/// The service's view of time.
#[derive(Debug)]
pub(crate) struct Clock {
    now: Time,
    unix_at_origin: i64,
    last_stamp: i64,
}

impl Clock {
    /// Now; time that goes back is clamped.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    pub(crate) fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
    }

    /// Milliseconds since 1970.
    pub(crate) fn unix_millis(&self) -> i64 {
        self.unix_at_origin.saturating_add(i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX))
    }

    /// The moment of a date; what lies before the origin is the origin.
    pub(crate) fn time_of(&self, unix_millis: i64) -> Time {
        Time::from_millis(u64::try_from(unix_millis.saturating_sub(self.unix_at_origin)).unwrap_or(0))
    }

    /// A date for something that changes now. No two are equal: what happens one after the other has dates one after
    /// the other, however fast the machine is, so that an edit always changes `dateUpdated`.
    pub(crate) fn stamp(&mut self) -> String {
        self.last_stamp = self.unix_millis().max(self.last_stamp.saturating_add(1));
        Timestamp::from_unix_millis(self.last_stamp).to_string()
    }
}
