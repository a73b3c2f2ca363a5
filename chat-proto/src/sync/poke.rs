//! The subscription request and its answer (spec 02 §2.1, §2.2).

use alloc::string::String;
use core::fmt::Write;
use core::time::Duration;

use serde::Deserialize;

use super::Kind;
use crate::json::push_string;

/// Asks for notifications with one `event` each; `events` is understood too (spec 02 §10 D1, dialect A).
const EVENT_PROTOCOL_VERSION: u32 = 3;

/// How long the service may be silent about a poke when it does not say so itself: its usual figure (spec 02 §2.2).
const DEFAULT_WINDOW: Duration = Duration::from_secs(10);

/// What a poke asks for. Establishing goes before cancelling (spec 02 §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    Establish,
    Cancel,
}

/// Writes the body of a poke.
pub(super) struct PokeBody {
    text: String,
    first: bool,
    expired: bool,
}

impl PokeBody {
    /// `retried` is how many of the objects were in a poke before that nobody acknowledged (spec 02 §10 D21);
    /// `expired` says that the time to live is over.
    pub(super) fn new(action: Action, correlation_id: u64, retried: usize, expired: bool) -> Self {
        let action = match action {
            Action::Establish => "establish",
            Action::Cancel => "cancel",
        };
        let mut text = String::with_capacity(160);
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "{{\"event_protocol_version\":{EVENT_PROTOCOL_VERSION},\"action\":\"{action}\",\
             \"correlation_id\":{correlation_id},\"retried_requests\":{retried},\"ttl_in_s\":-1,\"requests\":["
        );
        Self { text, first: true, expired }
    }

    /// Adds an object; with its cursor when it is to be established.
    pub(super) fn object(&mut self, sid: &str, kind: Kind, last_event_id: Option<i64>) {
        let kind = match kind {
            Kind::Document => "document",
            Kind::List => "list",
            Kind::Map => "map",
        };
        self.text.push_str(if self.first { "{\"object_sid\":" } else { ",{\"object_sid\":" });
        self.first = false;
        push_string(&mut self.text, sid);
        let _ = write!(self.text, ",\"object_type\":\"{kind}\"");
        if let Some(id) = last_event_id {
            let _ = write!(self.text, ",\"last_event_id\":{id}");
        }
        self.text.push('}');
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str(if self.expired { "],\"reason\":\"ttl\"}" } else { "]}" });
        self.text
    }
}

/// What the service answers, with figures out of any reason brought within bounds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PokeReply {
    /// How long it may be silent about this poke.
    pub(super) window: Duration,
    /// How many objects a poke may have.
    pub(super) max_batch: Option<usize>,
    /// After what time all subscriptions must be made again.
    pub(super) ttl: Option<Duration>,
}

impl PokeReply {
    /// Reads the answer: a JSON object, or it counts as a failure (spec 02 §2.2).
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            estimated_delivery_in_ms: Option<f64>,
            max_batch_size: Option<f64>,
            ttl_in_s: Option<f64>,
        }
        let body: Body = serde_json::from_slice(body).ok()?;
        // The cast saturates; what it cuts off is less than a unit.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive")]
        let whole = |number: Option<f64>| number.filter(|number| *number >= 1.0).map(|number| number as u64);
        Some(Self {
            window: whole(body.estimated_delivery_in_ms)
                .map_or(DEFAULT_WINDOW, |ms| Duration::from_millis(ms.min(600_000))),
            max_batch: whole(body.max_batch_size)
                .map(|size| usize::try_from(size).unwrap_or(usize::MAX).min(1000)),
            ttl: whole(body.ttl_in_s).map(|s| Duration::from_secs(s.min(10_000_000))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_as_recorded() {
        // recording s01, with our own numbers
        let mut body = PokeBody::new(Action::Establish, 1_795_347_401_056, 0, false);
        body.object("ES7bbe", Kind::List, Some(1));
        body.object("MP0b42", Kind::Map, Some(-1));
        assert_eq!(
            body.finish(),
            r#"{"event_protocol_version":3,"action":"establish","correlation_id":1795347401056,"retried_requests":0,"ttl_in_s":-1,"requests":[{"object_sid":"ES7bbe","object_type":"list","last_event_id":1},{"object_sid":"MP0b42","object_type":"map","last_event_id":-1}]}"#
        );
        let mut body = PokeBody::new(Action::Cancel, 7, 2, true);
        body.object("ET1", Kind::Document, None);
        assert_eq!(
            body.finish(),
            r#"{"event_protocol_version":3,"action":"cancel","correlation_id":7,"retried_requests":2,"ttl_in_s":-1,"requests":[{"object_sid":"ET1","object_type":"document"}],"reason":"ttl"}"#
        );
    }

    #[test]
    fn answers_are_brought_within_bounds() {
        let parse = |text: &str| PokeReply::parse(text.as_bytes());
        let good =
            parse(r#"{"estimated_delivery_in_ms":2500.5,"max_batch_size":50,"ttl_in_s":86400,"x":{}}"#)
                .unwrap();
        assert_eq!(
            (good.window.as_millis(), good.max_batch, good.ttl.unwrap().as_secs()),
            (2500, Some(50), 86400)
        );
        let odd = parse(r#"{"estimated_delivery_in_ms":-1,"max_batch_size":0,"ttl_in_s":1e300}"#).unwrap();
        assert_eq!((odd.window, odd.max_batch), (DEFAULT_WINDOW, None));
        assert_eq!(odd.ttl.unwrap().as_secs(), 10_000_000);
        assert_eq!(parse(""), None);
        assert_eq!(parse("null"), None);
        assert_eq!(parse(r#"{"ttl_in_s":"x"}"#), None);
    }
}
