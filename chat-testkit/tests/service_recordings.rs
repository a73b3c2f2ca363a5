//! The offline service answers what the real SDK asked in the recordings, with the same members in every reply.
//!
//! The client's frames of each recording go in, in order and at their times. SIDs that differ are learnt by laying a
//! recorded reply beside ours. Values may differ (dates, numbering: the service counts events from -1, the recordings
//! from 0); statuses and the names of members may not.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use chat_proto::Time;
use chat_proto::frame::{self, FrameLimits};
use chat_testkit::service::{ConnId, Service, ServiceConfig, ServiceInput, ServiceOutput};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Line {
    t_ms: f64,
    conn: u64,
    dir: String,
    text: String,
}

/// A frame, taken apart; a payload that is no JSON is a text.
fn read(bytes: &[u8]) -> (Value, Value) {
    let (header, payload) = frame::decode(bytes, FrameLimits::default()).unwrap();
    let payload = serde_json::from_slice(payload).unwrap_or_else(|_| String::from_utf8_lossy(payload).into());
    (serde_json::from_str(header).unwrap(), payload)
}

struct Replay {
    service: Service,
    /// What the recording calls a thing, and what the service calls it.
    names: BTreeMap<String, String>,
    /// Our replies by the id of the frame that they answer.
    replies: BTreeMap<String, (Value, Value)>,
    /// Notifications of ours, by connection.
    notices: BTreeMap<u64, Vec<(Value, Value)>>,
}

impl Replay {
    fn take(&mut self) {
        while let Some(output) = self.service.poll_output() {
            let ServiceOutput::Send { conn, bytes } = output else { continue };
            let (header, payload) = read(&bytes);
            if header["method"] == "reply" {
                self.replies.insert(header["id"].as_str().unwrap().to_owned(), (header, payload));
            } else {
                self.notices.entry(conn.0).or_default().push((header, payload));
            }
        }
    }

    /// Learns names from two values that say the same, and says where they differ in kind.
    fn compare(&mut self, at: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
        match (theirs, ours) {
            (Value::Object(theirs), Value::Object(ours)) => {
                let keys =
                    |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
                if keys(theirs) != keys(ours) {
                    differences.push(format!("{at}: {:?} became {:?}", keys(theirs), keys(ours)));
                }
                for (key, value) in theirs {
                    if let Some(other) = ours.get(key) {
                        self.compare(&format!("{at}.{key}"), value, other, differences);
                    }
                }
            }
            (Value::Array(theirs), Value::Array(ours)) => {
                if theirs.len() != ours.len() {
                    differences.push(format!("{at}: {} entries became {}", theirs.len(), ours.len()));
                }
                for (n, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                    self.compare(&format!("{at}[{n}]"), theirs, ours, differences);
                }
            }
            (Value::String(theirs), Value::String(ours)) => {
                let field = at.rsplit('.').next().unwrap_or_default();
                let token = field.ends_with("_token");
                if theirs != ours && (token || looks_like_name(field)) {
                    self.names.insert(theirs.clone(), ours.clone());
                }
            }
            (theirs, ours) => {
                if std::mem::discriminant(theirs) != std::mem::discriminant(ours) {
                    differences.push(format!("{at}: {theirs} became {ours}"));
                }
            }
        }
    }

    /// Longest names first: a SID may be part of an URL.
    fn translate(&self, text: &str) -> String {
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort_by_key(|(theirs, _)| std::cmp::Reverse(theirs.len()));
        let mut text = text.to_owned();
        for (n, (theirs, _)) in names.iter().enumerate() {
            text = text.replace(theirs.as_str(), &format!("\u{1}{n}\u{2}"));
        }
        for (n, (_, ours)) in names.iter().enumerate() {
            text = text.replace(&format!("\u{1}{n}\u{2}"), ours);
        }
        text
    }
}

fn looks_like_name(field: &str) -> bool {
    matches!(
        field,
        "sid" | "userInfo" | "myChannels" | "sync_unique_name" | "channelSid" | "memberSid" | "id" | "key"
    ) || field.ends_with("_sid")
        || field.ends_with("SyncList")
}

/// Replays one recording; gives everything that differs in kind.
fn replay(scenario: &str, config: &Value, prepare: &[(&str, Value)]) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(scenario);
    let lines = fs::read_to_string(folder.join("frames.jsonl")).unwrap();
    let lines: Vec<Line> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut config: ServiceConfig = serde_json::from_value(config.clone()).unwrap();
    // Before the tokens of the recordings end.
    config.unix_at_origin = 1_795_347_400_000;
    let mut replay = Replay {
        service: Service::new(config, 0, Time::ZERO),
        names: BTreeMap::new(),
        replies: BTreeMap::new(),
        notices: BTreeMap::new(),
    };
    for (command, arguments) in prepare {
        replay.service.admin(Time::ZERO, command, arguments).unwrap();
    }
    let mut differences = Vec::new();
    let mut answered = 0;
    for line in lines {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "times of a recording are small"
        )]
        let now = Time::from_millis(line.t_ms as u64);
        let conn = ConnId(line.conn);
        match (line.dir.as_str(), line.text.as_str()) {
            ("meta", "open") => replay.service.handle(now, ServiceInput::Opened(conn)),
            ("meta", _) => replay.service.handle(now, ServiceInput::Closed(conn)),
            ("c2s", text) => {
                let (header, payload) = frame::decode(text.as_bytes(), FrameLimits::default()).unwrap();
                let payload = replay.translate(std::str::from_utf8(payload).unwrap());
                let mut header: Value = serde_json::from_str(&replay.translate(header)).unwrap();
                header["payload_size"] = payload.len().into();
                let bytes = frame::encode(&header.to_string(), payload.as_bytes());
                replay.service.handle(now, ServiceInput::Frame(conn, &bytes));
            }
            ("s2c", text) => {
                let (header, payload) = read(text.as_bytes());
                let at = format!("{scenario} {} {}", line.t_ms, header["method"].as_str().unwrap());
                let ours = if header["method"] == "reply" {
                    replay.replies.remove(header["id"].as_str().unwrap())
                } else {
                    let notices = replay.notices.entry(line.conn).or_default();
                    (!notices.is_empty()).then(|| notices.remove(0))
                };
                match ours {
                    None if header["method"] == "ping" => {}
                    None => differences.push(format!("{at}: nothing came")),
                    Some((our_header, our_payload)) => {
                        answered += 1;
                        for status in ["status", "http_status", "message_type"] {
                            if header[status] != our_header[status] {
                                let (theirs, ours) = (&header[status], &our_header[status]);
                                differences.push(format!("{at}: {status} {theirs} became {ours}"));
                            }
                        }
                        replay.compare(&at, &payload, &our_payload, &mut differences);
                    }
                }
            }
            other => panic!("{other:?}"),
        }
        replay.take();
    }
    assert!(answered > 20, "{scenario}: only {answered} frames were compared");
    let left: usize = replay.notices.values().map(Vec::len).sum();
    if left > 0 {
        differences.push(format!("{scenario}: {left} notifications too many"));
    }
    differences
}

#[test]
fn s01_connect_and_ready() {
    assert_eq!(replay("s01", &json!({}), &[]), Vec::<String>::new());
}

#[test]
fn s02_channel_messages_and_paging() {
    assert_eq!(replay("s02", &json!({"httpCacheInterval": "PT1S"}), &[]), Vec::<String>::new());
}

#[test]
fn s03_two_people() {
    let config =
        json!({"typingTimeout": 1, "httpCacheInterval": "PT1S", "consumptionReportInterval": "PT1S"});
    assert_eq!(replay("s03", &config, &[]), Vec::<String>::new());
}

#[test]
fn s05_directory() {
    let seeds = [
        ("seed", json!({"channels": 12, "identity": "zoe", "creator": "zoe", "prefix": "pub"})),
        (
            "seed",
            json!({"channels": 7, "identity": "alice", "creator": "zoe", "prefix": "mine", "type": "private", "messages": 2, "author": "alice"}),
        ),
    ];
    assert_eq!(replay("s05", &json!({"restPageSize": 5}), &seeds), Vec::<String>::new());
}

/// The comparison can fail: a service without the seeded channels is found out.
#[test]
fn a_service_that_lacks_something_is_found_out() {
    let differences = replay("s05", &json!({"restPageSize": 5}), &[]);
    assert!(differences.iter().any(|line| line.contains("entries became")), "{differences:?}");
    assert!(differences.iter().any(|line| line.contains("nothing came")), "{differences:?}");
}
