//! Law 10, for what nobody has thought of yet: every record that the types allow is made, with a mark of its own in each
//! text. A text that `Debug` hides is a secret; none of them may reach a recording, and nothing else may be missing
//! there. A new secret that `session::redact` does not know fails here.

mod maker;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chat_proto::session::{ClientHeader, Encoder, Header, redacted_record};
use chat_proto::{Config, Record, Seed, Time, Token};
use serde::Serialize;
use serde::de::DeserializeOwned;

use maker::Maker;

/// Bytes of frames and bodies: `Debug` hides them whole, a recording takes out the secret members that are in them.
const BYTES: [&str; 5] = [
    "Record::Input/InputRecord::Frame/1/FrameRecord::Binary",
    "Record::Input/InputRecord::Frame/1/FrameRecord::Text",
    "Record::Input/InputRecord::HttpDone/1/Result::Ok/body",
    "Record::Command/Command::Send/bytes",
    "Record::Command/Command::Http/request/body/HttpBody::Bytes",
];

/// The secrets of a value: marks that it holds and its `Debug` does not show, and where they stand.
fn secrets<T: Debug + Serialize>(value: &T, marks: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (debug, json) = (format!("{value:?}"), serde_json::to_string(value).unwrap());
    let hidden = marks.iter().filter(|(mark, _)| json.contains(*mark) && !debug.contains(*mark));
    hidden.map(|(mark, place)| (mark.clone(), place.clone())).collect()
}

/// Every value of a type that differs from all others by a variant somewhere.
fn every<T: DeserializeOwned>(mut see: impl FnMut(T, &BTreeMap<String, String>)) -> usize {
    let mut maker = Maker::default();
    for n in 1.. {
        assert!(n < 100_000, "there is no end to it");
        let value = maker.make().expect("every type of a record can be made");
        see(value, &maker.marks);
        if maker.is_done {
            return n;
        }
    }
    unreachable!("it is left through the return")
}

#[test]
fn no_secret_of_any_record_is_recorded() {
    let mut found = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    let made = every::<Record>(|record, marks| {
        let recorded = redacted_record(record.clone());
        let secrets = secrets(&record, marks);
        for (mark, place) in marks {
            kinds.insert(place.split('/').take(2).collect::<Vec<_>>().join("/"));
            let is_secret = secrets.contains_key(mark) && !BYTES.contains(&place.as_str());
            // A whole address is one text, and a token leaves one that stands in for it.
            assert_eq!(recorded.contains(mark), !is_secret, "{place}: {record:?}\n{recorded}");
            if is_secret {
                found.insert(place.clone());
            }
        }
    });
    assert!(made > 300, "{made}");
    for kind in ["Record::Call/call", "Record::Command/Command::Open", "Record::Event/Event::MessageAdded"] {
        assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }
    let expected = [
        "Record::Call/call/Call::SetPushRegistrationId/1",
        "Record::Call/call/Call::UpdateToken",
        "Record::Command/Command::Http/request/headers/0/1",
        "Record::Command/Command::Http/request/url",
        "Record::Event/Event::Answer/result/Result::Ok/Reply::MediaUrl",
        "Record::Event/Event::ContinuationToken",
    ];
    // A new one belongs here, once it is redacted.
    assert_eq!(found, expected.map(String::from).into());
}

#[test]
fn no_secret_of_a_configuration_is_in_a_header() {
    let mut found = BTreeSet::new();
    every::<Config>(|config, marks| {
        let secrets = secrets(&config, marks);
        let token = Token::new("a secret token").unwrap();
        let client = ClientHeader::new(&config, &token, &Seed::from_number(1), Time::ZERO);
        let header = Encoder::new().header(&Header::new("test", [client]));
        assert!(!header.contains("a secret token"), "{header}");
        for (mark, place) in marks {
            assert_eq!(header.contains(mark), !secrets.contains_key(mark), "{place}: {header}");
        }
        found.extend(secrets.into_values());
    });
    assert_eq!(found, ["continuation_token".to_owned()].into());
}

/// A text that should be a secret and is a plain text would be seen: what the check goes by is `Debug`.
#[test]
fn a_secret_is_told_from_a_text() {
    let mut maker = Maker::default();
    let value: (String, chat_proto::Secret) = maker.make().unwrap();
    let found = secrets(&value, &maker.marks);
    assert_eq!(found.into_values().collect::<Vec<_>>(), ["1"]);
}
