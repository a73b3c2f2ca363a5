//! Every variant of what goes into a client and comes out of it stands in a snapshot.

use std::collections::BTreeSet;
use std::fs;

use chat_proto::session::{What, star_out};
use chat_proto::{
    Call, CallError, Cause, Command, ConnectionState, Event, Fault, FrameError, HttpFailure, InputRecord,
    Network, Phase, PushError, Record, RefusedReason, Reply, TokenWanted,
};
use chat_testkit::session_file::open;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::folder;

/// What no session reaches, each with the reason.
const MISSING: &[(&str, &str)] = &[];

// Three kinds of error are in no session, because what they refuse never was or became a client's:
// - `TokenError`: an empty text is no access token. No call and no client can be made with one.
// - `ResumeError`: a save that is refused makes no client, and a session is what happened to clients.
// - `JsonError`: a text that is no JSON becomes no `Json`, so no call has one.

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

/// The variants in a record, and those of the kinds inside of it.
fn collect(record: &Value, seen: &mut BTreeSet<String>) {
    let mut saw = |of: &str, value: &Value| {
        let (variant, inside) = name(value);
        seen.insert(format!("{of}::{variant}"));
        (variant, inside)
    };
    let (word, value) = saw("Record", record);
    match word.as_str() {
        "Input" => {
            let (variant, value) = saw("Input", &value);
            match variant.as_str() {
                "Closed" => drop(saw("Cause", &value[1])),
                "Network" => drop(saw("Network", &value)),
                "HttpDone" if value[1].get("Err").is_some() => drop(saw("HttpFailure", &value[1]["Err"])),
                _ => {}
            }
        }
        "Command" => drop(saw("Command", &value)),
        "Call" => {
            saw("Call", &value["call"]);
            if let Some(reason) = value.get("refused") {
                saw("RefusedReason", reason);
            }
        }
        "Event" => {
            let (variant, value) = saw("Event", &value);
            match variant.as_str() {
                "Answer" => {
                    let (kind, value) = name(&value["result"]);
                    if kind == "Ok" {
                        saw("Reply", &value);
                        return;
                    }
                    let (error, value) = saw("CallError", &value);
                    match error.as_str() {
                        "Push" => drop(saw("PushError", &value)),
                        "DeadlineExceeded" | "Unknown" => drop(saw("Phase", &value)),
                        "Transfer" => drop(saw("HttpFailure", &value)),
                        _ => {}
                    }
                }
                "Fault" => {
                    let (kind, value) = saw("Fault", &value);
                    if kind == "MalformedFrame" {
                        saw("FrameError", &value);
                    }
                }
                "TokenWanted" => drop(saw("TokenWanted", &value["reason"])),
                "ConnectionStateChanged" => drop(saw("ConnectionState", &value)),
                _ => {}
            }
        }
        _ => {}
    }
}

/// All that there is.
fn all() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.extend(variants::<Record>("Record"));
    all.extend(variants::<InputRecord>("Input"));
    all.extend(variants::<Cause>("Cause"));
    all.extend(variants::<Network>("Network"));
    all.extend(variants::<HttpFailure>("HttpFailure"));
    all.extend(variants::<Call>("Call"));
    all.extend(variants::<RefusedReason>("RefusedReason"));
    all.extend(variants::<Command>("Command"));
    all.extend(variants::<Event>("Event"));
    all.extend(variants::<TokenWanted>("TokenWanted"));
    all.extend(variants::<ConnectionState>("ConnectionState"));
    all.extend(variants::<Reply>("Reply"));
    all.extend(variants::<CallError>("CallError"));
    all.extend(variants::<PushError>("PushError"));
    all.extend(variants::<Phase>("Phase"));
    all.extend(variants::<Fault>("Fault"));
    all.extend(variants::<FrameError>("FrameError"));
    all
}

/// What stands in the sessions; each of them has a snapshot.
fn seen(without: &[&str]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|found| found != "jsonl") || without.contains(&&*name) {
            continue;
        }
        assert!(folder().join("snapshots").join(&name).with_extension("snap").exists(), "{name}");
        for entry in open(&path).unwrap().session.entries {
            if let What::Record(record) = entry.what {
                collect(&serde_json::to_value(record).unwrap(), &mut seen);
            }
        }
    }
    seen
}

#[test]
fn every_variant_stands_in_a_session() {
    let (all, seen) = (all(), seen(&[]));
    assert!(seen.is_subset(&all), "not a variant: {:?}", seen.difference(&all).collect::<Vec<_>>());
    let missing: Vec<&str> = all.difference(&seen).map(String::as_str).collect();
    let listed: Vec<&str> = MISSING.iter().map(|(name, _)| *name).collect();
    assert_eq!(missing, listed, "missing, and listed as missing");
}

/// The test above can fail: without the sessions that alone have something, it would be missed.
#[test]
fn what_stands_in_one_session_is_missed_without_it() {
    let all = all();
    for (without, expected) in [
        ("media", &["Call::DownloadMedia", "Event::DownloadProgress", "CallError::Media"][..]),
        ("push", &["Call::SetPushRegistrationId", "Event::PushNotification", "PushError::NoType"]),
        ("too_large", &["FrameError::TooLarge"]),
        ("wrong_calls", &["RefusedReason::TooManyCalls", "RefusedReason::ShutDown"]),
        ("crash", &["Input::Stored", "Command::Save"]),
        ("odd_objects", &["CallError::NotAUser", "CallError::NoMediaService"]),
    ] {
        let seen = seen(&[without]);
        for name in expected {
            assert!(
                all.contains(*name) && !seen.contains(*name),
                "{name} stands elsewhere than in {without}"
            );
        }
    }
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
