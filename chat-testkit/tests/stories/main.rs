//! Sessions of our own: the stories that made the files of `tests/sessions`, and the snapshots of their timelines.
//!
//! The files are recordings and stay as they are while the client does the same. When it is meant to do something else:
//!
//! ```text
//! CHAT_RECORD_SESSIONS=1 cargo test -p chat-testkit --test stories record
//! INSTA_UPDATE=always cargo test -p chat-testkit --test stories sessions    # and read what changed
//! ```

mod calls;
mod coverage;
mod delays;
mod events;
mod failures;
mod frames;
mod links;
mod media;
mod modes;
mod service;
mod starts;
mod streams;
mod teller;
mod tokens;
mod wire;

use std::fs;
use std::path::PathBuf;

use chat_testkit::session_file::SessionFile;

chat_testkit::snapshot_sessions!("tests/sessions");

/// Name and making of a session.
type Story = (&'static str, fn() -> SessionFile);

/// One for each failure that a client must stand, and two for plain days. `FAULTS.md` says which tells of what.
const STORIES: [Story; 48] = [
    ("channels", calls::channels),
    ("people", calls::people),
    ("wrong_calls", calls::wrong),
    ("cut", links::cut),
    ("half_open", links::half_open),
    ("network_changes", links::network_changes),
    ("restart", links::restart),
    ("crash", links::crash),
    ("offload", links::offload),
    ("token_expires", links::token_expires),
    ("token_refused", links::token_refused),
    ("throttled", failures::throttled),
    ("fails_before_execution", failures::before_execution),
    ("fails_after_execution", failures::after_execution),
    ("answers_late_and_lost", failures::late_and_lost),
    ("deadlines", failures::deadlines),
    ("broken_objects", failures::broken_objects),
    ("odd_objects", failures::odd_objects),
    ("events_lost_doubled_swapped", events::lost_doubled_swapped),
    ("interrupted_replay", events::interrupted_replay),
    ("garbage", frames::garbage),
    ("too_large", frames::too_large),
    ("media", media::media),
    ("media_fails", media::media_fails),
    ("push", media::push),
    ("start_unreachable", starts::unreachable),
    ("start_refused", starts::refused),
    ("start_put_off", starts::put_off),
    ("start_without_session", starts::no_session),
    ("token_in_every_state", tokens::good),
    ("token_refused_in_every_state", tokens::bad),
    ("token_expires_in_every_state", tokens::expired),
    ("token_warned", tokens::warned),
    ("token_updates_fail", tokens::updates_fail),
    ("close_codes", service::close_codes),
    ("long_outage", service::long_outage),
    ("sleep_and_clocks", service::sleep_and_clocks),
    ("silent_slow_flooding", service::silent_slow_flooding),
    ("subscriptions_in_trouble", streams::subscriptions),
    ("subscriptions_end", streams::subscriptions_end),
    ("reads_fail", streams::reads),
    ("session_gone", streams::session_gone),
    ("events_overtake", streams::overtaking),
    ("slow_app", delays::slow_app),
    ("overtaken", delays::overtaken),
    ("acks_late", delays::acks_late),
    ("late_execution", delays::late_execution),
    ("on_the_wire", wire::seen_from_outside),
];

/// Whoever looks for a failure finds its session in the table, and every session is one of something.
#[test]
fn the_table_of_faults_names_every_session() {
    let table = fs::read_to_string(folder().join("../../FAULTS.md")).unwrap();
    for (name, _) in STORIES {
        assert!(table.contains(&format!("`{name}`")), "{name} is not in FAULTS.md");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sessions")
}

#[test]
fn record() {
    let recording = std::env::var_os("CHAT_RECORD_SESSIONS").is_some();
    for (name, story) in STORIES {
        println!("{name}");
        let text = story().to_text();
        let path = folder().join(name).with_extension("jsonl");
        if recording {
            fs::write(&path, &text).unwrap();
        }
        // A story that leads nowhere would be no witness.
        assert!(text.lines().count() > 20, "{name}: {} lines", text.lines().count());
        assert!(path.exists(), "{name} is not recorded");
    }
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let recorded = files.filter(|path| path.extension().is_some_and(|found| found == "jsonl")).count();
    assert_eq!(recorded, STORIES.len(), "a file without a story");
}
