//! The corpora of the fuzz targets, under plain `cargo test`, and what they were sown with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chat_testkit::fuzz;
use chat_testkit::session_file::{SessionFile, What, Wire, open, parse};
use chat_testkit::world::Rng;

const TARGETS: [&str; 6] = ["frames", "hostile_service", "journey", "push", "resume", "session_files"];

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

fn run(target: &str, least: usize, function: fn(&[u8])) {
    let folder = folder(target);
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("the corpus").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= least, "only {} files in {}", files.len(), folder.display());
    for file in files {
        // The name is seen when the function panics: the test captures it.
        println!("{}", file.display());
        function(&fs::read(file).unwrap());
    }
}

#[test]
fn frames() {
    run("frames", 40, fuzz::frames);
}

#[test]
fn hostile_service() {
    run("hostile_service", 40, fuzz::hostile_service);
}

#[test]
fn journey() {
    run("journey", 20, fuzz::journey);
}

#[test]
fn push() {
    run("push", 14, fuzz::push);
}

#[test]
fn resume() {
    run("resume", 20, fuzz::resume);
}

#[test]
fn session_files() {
    run("session_files", 20, fuzz::session_files);
}

/// Each target is one line that calls the function of its name, and has a corpus and a test here.
#[test]
fn targets_are_one_line_each() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let names = |of: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    let expected: BTreeSet<String> = TARGETS.map(String::from).into();
    assert_eq!(names(&targets), expected);
    assert_eq!(names(&folder("")), expected);
    for target in TARGETS {
        let text = fs::read_to_string(targets.join(target).with_extension("rs")).unwrap();
        let line = format!("libfuzzer_sys::fuzz_target!(|data: &[u8]| chat_testkit::fuzz::{target}(data));");
        assert_eq!(text.lines().collect::<Vec<_>>(), ["#![no_main]", &line]);
    }
}

/// One input alone: `FUZZ_INPUT=TARGET:PATH cargo test -p chat-testkit --test fuzz_corpus -- --ignored one_input`.
#[test]
#[ignore = "needs an input"]
fn one_input() {
    let input = std::env::var("FUZZ_INPUT").expect("TARGET:PATH");
    let (target, path) = input.split_once(':').expect("TARGET:PATH");
    let bytes = fs::read(path).expect("an input");
    match target {
        "frames" => fuzz::frames(&bytes),
        "hostile_service" => fuzz::hostile_service(&bytes),
        "journey" => fuzz::journey(&bytes),
        "push" => fuzz::push(&bytes),
        "resume" => fuzz::resume(&bytes),
        "session_files" => fuzz::session_files(&bytes),
        other => panic!("no target {other}"),
    }
}

// ---- sowing

/// Frames of the captures and recordings, from the service and to it.
fn frames_seen() -> Vec<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let captures = fs::read_to_string(tests.join("captures/frames.jsonl")).unwrap();
    let mut frames: Vec<Vec<u8>> = captures
        .lines()
        .filter_map(|line| {
            let capture: serde_json::Value = serde_json::from_str(line).unwrap();
            Some(capture["text"].as_str()?.as_bytes().to_vec())
        })
        .collect();
    for scenario in ["s01", "s02", "s03", "s05", "s06", "s11"] {
        let recording = open(&tests.join("recordings").join(scenario).join("frames.jsonl")).unwrap();
        for entry in recording.session.entries {
            if let What::Wire(Wire::FromService(frame) | Wire::FromClient(frame)) = &entry.what
                && let chat_proto::Frame::Binary(bytes) = frame.as_frame()
                && bytes.len() < 3000
            {
                frames.push(bytes.to_vec());
            }
        }
    }
    assert!(frames.len() > 200, "{}", frames.len());
    frames
}

/// Small session files: the header of each session of the tests, and one line of each kind that is in it.
fn small_sessions() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut known = BTreeSet::new();
    for path in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions")).unwrap() {
        let path = path.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "jsonl") {
            continue;
        }
        let session = open(&path).unwrap().session;
        let SessionFile { header, entries, .. } = &session;
        // `Debug` of a record without what is in its parts: its kind.
        let kind = |what: &What| {
            let text: String = format!("{what:?}").chars().filter(|c| !c.is_ascii_digit()).collect();
            text.split(['{', '"']).next().unwrap_or_default().chars().take(60).collect::<String>()
        };
        let new: Vec<_> = entries.iter().filter(|entry| known.insert(kind(&entry.what))).collect();
        for (n, part) in new.chunks(8).enumerate() {
            let entries = part.iter().map(|entry| (entry.at, entry.who, entry.what.clone()));
            let text = SessionFile::new(header.clone(), entries).to_text();
            assert!(parse(text.as_bytes()).unwrap().damage.is_none());
            found.insert(format!("{}-{n}", path.file_stem().unwrap().to_string_lossy()), text);
        }
        // And its beginning, which can be replayed.
        let whole = session.to_text();
        let begins: Vec<&str> = whole.lines().take(12).collect();
        found.insert(
            format!("{}-begins", path.file_stem().unwrap().to_string_lossy()),
            begins.join("\n") + "\n",
        );
    }
    found
}

const PUSHES: [&str; 14] = [
    r#"{"aps":{"alert":"hi","badge":2,"sound":"default","category":"c"},"twi_message_type":"twilio.channel.new_message","channel_sid":"CH1","message_sid":"IM1","message_index":7}"#,
    r#"{"aps":{"alert":{"title":"t","body":"b"},"badge":0},"twi_message_type":"twilio.channel.added_to_channel","channel_sid":"CH1"}"#,
    r#"{"data":{"twi_message_type":"twilio.channel.new_message","twi_title":"t","twi_body":"b","twi_sound":"s","twi_action":"a","channel_sid":"CH1","message_sid":"IM1","message_index":"49"}}"#,
    r#"{"data":{"twi_message_type":"twilio.channel.invited_to_channel","twi_body":"","message_index":"x"}}"#,
    r#"{"data":{"twi_message_type":"twilio.channel.removed_from_channel","message_index":-1}}"#,
    r#"{"aps":{},"data":{"twi_message_type":"other"}}"#,
    r#"{"aps":{"alert":null},"twi_message_type":"x"}"#,
    r#"{"aps":[],"twi_message_type":"x"}"#,
    r#"{"data":"x"}"#,
    r#"{"data":{}}"#,
    "null",
    "[]",
    "{}",
    r#"{"aps":{"alert":"a","badge":1e400},"twi_message_type":7}"#,
];

/// Sows the corpora: run it, then `cargo +nightly fuzz cmin TARGET` for each.
#[test]
#[ignore = "writes files"]
fn sow() {
    let write = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder(target)).unwrap();
        fs::write(folder(target).join(format!("seed-{name}")), bytes).unwrap();
    };
    for (n, frame) in frames_seen().iter().enumerate() {
        write("frames", &n.to_string(), frame);
        // Moment 2 of the story, any bytes, as they are.
        let length = u16::try_from(frame.len()).unwrap().to_be_bytes();
        let raw = [&[2, 15, 0][..], &length, frame].concat();
        write("hostile_service", &format!("frame-{n}"), &raw);
    }
    for (name, text) in small_sessions() {
        write("session_files", &name, text.as_bytes());
    }
    for (n, payload) in PUSHES.iter().enumerate() {
        write("push", &n.to_string(), payload.as_bytes());
    }
    for seed in 0..80 {
        let mut rng = Rng::new(seed);
        let length = usize::try_from(rng.range(50, 500)).unwrap();
        let bytes = rng.bytes(length);
        for target in ["hostile_service", "journey", "resume"] {
            write(target, &format!("chance-{seed}"), &bytes);
        }
    }
}
