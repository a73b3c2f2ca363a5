//! Whatever numbers and bytes come.

use core::time::Duration;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::backoff::Backoff;
use super::super::header;
use super::rig::Rig;
use crate::config::RetryPolicy;
use crate::seed::Seed;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

proptest! {
    /// Each wait is the doubled one before it, capped, within the policy's randomness.
    #[test]
    fn waits_double_up_to_the_cap(seed: u64, min in 1_u64..100_000, max in 1_u64..1_000_000, percent in 0_u8..=100) {
        let policy = RetryPolicy {
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
            randomness_percent: percent,
        };
        let (_, mut jitter) = Seed::from_number(seed).split();
        let mut backoff = Backoff::new(policy);
        let mut nominal = min;
        for _ in 0..30 {
            let area = nominal * u64::from(percent) / 100;
            let wait = millis(backoff.next(&mut jitter));
            prop_assert!((nominal - area..=nominal + area).contains(&wait), "{wait} is not about {nominal}");
            nominal = (nominal * 2).min(max);
        }
    }

    /// No policy and no demand of the server panics or overflows.
    #[test]
    fn no_backoff_panics(
        seed: u64, min: u64, max: u64, percent: u8, imposed in prop::collection::vec(prop::option::of(any::<u64>()), 0..20)
    ) {
        let policy = RetryPolicy {
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
            randomness_percent: percent,
        };
        let (_, mut jitter) = Seed::from_number(seed).split();
        let mut backoff = Backoff::new(policy);
        for imposed in imposed {
            if let Some(ms) = imposed {
                backoff.impose(ms);
            }
            backoff.next(&mut jitter);
        }
    }

    /// No bytes panic; what is not a frame is counted and nothing is sent for it.
    #[test]
    fn no_bytes_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8)) {
        let mut rig = Rig::connected();
        for bytes in &frames {
            prop_assert_eq!(rig.bytes(bytes), None);
        }
        prop_assert!(rig.cx.stats.acks_out == 0);
    }

    /// No JSON in a header panics, and an acknowledgement needs an id.
    #[test]
    fn no_header_panics(method in "reply|notification|close|ping|client_update|[a-z]{0,5}", members in members()) {
        let mut rig = Rig::connected();
        let mut header = serde_json::json!({"method": method});
        for (name, value) in members {
            header[name] = value;
        }
        let text = serde_json::to_string(&header).unwrap();
        rig.bytes(&crate::frame::encode(&text, b"{}"));
        let owed = method != "reply" && header["id"].is_string();
        prop_assert_eq!(rig.cx.stats.acks_out, u64::from(owed));
        let _ = header::parse(&text).map(|header| (header.status(), header.http_status()));
    }
}

fn members() -> impl Strategy<Value = Vec<(&'static str, serde_json::Value)>> {
    let names = prop::sample::select(
        &[
            "id",
            "payload_size",
            "status",
            "http_status",
            "message_type",
            "client_update_type",
            "continuation_token",
            "payload_type",
        ][..],
    );
    let value = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        any::<bool>().prop_map(Into::into),
        "[a-z_\\\\\"é]{0,12}".prop_map(Into::into),
        any::<i32>().prop_map(|code| serde_json::json!({"code": code, "status": "X", "errorCode": code})),
        Just(serde_json::json!({"code": 308, "status": [], "errorCode": "51232"})),
        Just(serde_json::json!(["a", {"b": 1.5}])),
    ];
    prop::collection::vec((names, value), 0..8)
}
