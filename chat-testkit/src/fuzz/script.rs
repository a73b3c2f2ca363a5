//! Bytes as a script: each decision takes one or two of them, so that a changed byte changes one decision.

use chat_proto::Json;
use serde_json::{Value, json};

/// Names of members that somebody reads somewhere: a fuzzer should not have to guess them.
const NAMES: [&str; 40] = [
    "id",
    "sid",
    "index",
    "type",
    "text",
    "author",
    "attributes",
    "data",
    "items",
    "meta",
    "next_token",
    "last_event_id",
    "event_id",
    "revision",
    "unique_name",
    "uniqueName",
    "friendlyName",
    "identity",
    "status",
    "code",
    "message",
    "response",
    "request",
    "commandId",
    "action",
    "lastConsumedMessageIndex",
    "memberSid",
    "timestamp",
    "media",
    "size",
    "channel_sid",
    "object_sid",
    "replay_status",
    "estimated_delivery_in_ms",
    "backoff_policy",
    "reconnect_min_ms",
    "event_type",
    "events",
    "correlation_id",
    "lastMessage",
];

/// What is left of a script. At its end every decision is zero.
#[derive(Debug, Clone)]
pub(super) struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// A number in `0..bound`; zero for a bound of zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let byte = usize::from(self.byte());
        let wide = if bound > 256 { byte << 8 | usize::from(self.byte()) } else { byte };
        wide.checked_rem(bound).unwrap_or(0)
    }

    pub(super) fn pick<'b, T>(&mut self, from: &'b [T]) -> Option<&'b T> {
        from.get(self.below(from.len()))
    }

    /// Once in so many times.
    pub(super) fn once_in(&mut self, times: u8) -> bool {
        self.byte() % times.max(1) == times.max(1) - 1
    }

    /// Small numbers, and those at which something turns over.
    pub(super) fn number(&mut self) -> i64 {
        match self.byte() {
            250 => i64::MAX,
            251 => i64::MIN,
            252 => i64::from(u32::MAX),
            253 => (1 << 53) + 1,
            254 => -1,
            255 => i64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            small => i64::from(small),
        }
    }

    /// Some of the bytes, as they are.
    pub(super) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let length = self.below(most).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// All the bytes that are left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn text(&mut self, most: usize) -> String {
        String::from_utf8_lossy(self.bytes(most)).into_owned()
    }

    pub(super) fn name(&mut self) -> &'static str {
        self.pick(&NAMES).copied().unwrap_or("id")
    }

    /// A small JSON value.
    pub(super) fn value(&mut self, depth: u8) -> Value {
        match self.byte() % if depth == 0 { 10 } else { 14 } {
            0 => Value::Null,
            1 => Value::Bool(self.once_in(2)),
            2 | 3 => self.number().into(),
            4 => u64::MAX.into(),
            5 => json!(1e300),
            6 => json!(-0.5),
            7 => "".into(),
            8 => self.text(24).into(),
            9 => "2015-12-16T22:18:37.000Z".into(),
            10 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            // JSON as text, as attributes come.
            11 => self.value(depth - 1).to_string().into(),
            _ => {
                let members = (0..self.below(4)).map(|_| (self.name().to_owned(), self.value(depth - 1)));
                Value::Object(members.collect())
            }
        }
    }

    pub(super) fn json(&mut self) -> Json {
        Json::parse(&self.value(2).to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_ends_in_zeros() {
        let mut script = Script::new(&[3, 255]);
        assert_eq!((script.below(2), script.is_over()), (1, false));
        assert_eq!((script.number(), script.is_over()), (0, true));
        assert_eq!((script.below(0), script.below(1000), script.byte()), (0, 0, 0));
        assert_eq!(script.value(3), Value::Null);
        assert_eq!(script.bytes(9), b"");
    }

    #[test]
    fn what_is_taken_is_gone() {
        let mut script = Script::new(b"\x02ab\x01c");
        assert_eq!(script.text(200), "ab");
        assert_eq!(script.bytes(200), b"c");
        assert!(script.is_over());
    }
}
