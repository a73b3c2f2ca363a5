//! Every variant of what goes into a client and comes out of it stands in a snapshot.

use std::collections::BTreeSet;
use std::fs;

use chat_proto::session::{What, star_out};
use chat_proto::{Call, CallError, Command, Event, Fault, FrameError, InputRecord, Record, Reply};
use chat_testkit::session_file::open;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::folder;

/// What no story reaches, each with the reason.
const MISSING: &[(&str, &str)] = &[
    ("CallError::NoMediaService", "the stage's clients always know one"),
    ("CallError::NotAUser", "the offline service has no members of another type than `chat`"),
    (
        "FrameError::BadPayload",
        "kept for payloads with a type of their own; JSON ones are `Fault::Unreadable`",
    ),
];

/// The variants of an enum, as serde names them: it lists them when it is given one that does not exist.
fn variants<T: DeserializeOwned>(of: &str) -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>("{\"?\":null}") else { panic!("{of} takes anything") };
    let error = error.to_string();
    let listed = error.split_once("expected ").map_or("", |(_, listed)| listed);
    let names: BTreeSet<String> =
        listed.split('`').skip(1).step_by(2).map(|name| format!("{of}::{name}")).collect();
    assert!(names.len() > 1, "{of}: {error}");
    names
}

/// The name of a variant, and what is in it.
fn name(value: &Value) -> (String, Value) {
    match value {
        Value::String(name) => (name.clone(), Value::Null),
        Value::Object(members) => {
            let (name, value) = members.iter().next().unwrap();
            (name.clone(), value.clone())
        }
        other => panic!("no variant: {other}"),
    }
}

fn collect(record: &Value, seen: &mut BTreeSet<String>) {
    let (word, value) = name(record);
    seen.insert(format!("Record::{word}"));
    match word.as_str() {
        "Input" | "Command" => {
            let (variant, _) = name(&value);
            seen.insert(format!("{word}::{variant}"));
        }
        "Call" => drop(seen.insert(format!("Call::{}", name(&value["call"]).0))),
        "Event" => {
            let (variant, value) = name(&value);
            seen.insert(format!("Event::{variant}"));
            match variant.as_str() {
                "Answer" => {
                    let (kind, value) = name(&value["result"]);
                    let of = if kind == "Ok" { "Reply" } else { "CallError" };
                    seen.insert(format!("{of}::{}", name(&value).0));
                }
                "Fault" => {
                    let (kind, value) = name(&value);
                    seen.insert(format!("Fault::{kind}"));
                    if kind == "MalformedFrame" {
                        seen.insert(format!("FrameError::{}", name(&value).0));
                    }
                }
                _ => {}
            }
        }
        _ => {}
    }
}

#[test]
fn every_variant_stands_in_a_session() {
    let mut all = BTreeSet::new();
    all.extend(variants::<Record>("Record"));
    all.extend(variants::<InputRecord>("Input"));
    all.extend(variants::<Call>("Call"));
    all.extend(variants::<Command>("Command"));
    all.extend(variants::<Event>("Event"));
    all.extend(variants::<Reply>("Reply"));
    all.extend(variants::<CallError>("CallError"));
    all.extend(variants::<Fault>("Fault"));
    all.extend(variants::<FrameError>("FrameError"));
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|found| found != "jsonl") {
            continue;
        }
        for entry in open(&path).unwrap().session.entries {
            if let What::Record(record) = entry.what {
                collect(&serde_json::to_value(record).unwrap(), &mut seen);
            }
        }
    }
    assert!(seen.is_subset(&all), "not a variant: {:?}", seen.difference(&all).collect::<Vec<_>>());
    let missing: Vec<&String> = all.difference(&seen).collect();
    let listed: Vec<String> = MISSING.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(missing, listed.iter().collect::<Vec<_>>(), "missing, and listed as missing");
}

#[test]
fn no_file_holds_a_secret() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        let mut starred = bytes.clone();
        star_out(&mut starred);
        assert!(starred == bytes, "{}", path.display());
        assert!(!String::from_utf8_lossy(&bytes).contains("eyJ0eXAiOiJKV1Q"), "{}", path.display());
    }
}
