//! What each event does in each state, as it is seen from outside. The table of the states says what is meant to happen
//! and this page what does: a row that is lost or wrong shows here.

use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use serde_json::json;

use super::super::*;
use super::rig::{Rig, Sent, ok, status};
use crate::command::Command;
use crate::frame::{self, FrameLimits};

const PAGE: &str = include_str!("rows.md");

/// A client that was cut off three times, so that its next wait is of 8 s, and what it waits an answer for.
struct Subject {
    rig: Rig,
    awaited: Option<Sent>,
}

/// Each way from outside that leads to a state.
const STATES: [(State, fn() -> Subject); 11] = [
    (State::Disconnected, || closed_by_the_service(410, true)),
    (State::Connecting, connecting),
    (State::Initialising, initialising),
    (State::Connected, connected),
    (State::Updating, || {
        let mut subject = connected();
        subject.rig.update_token(1, "T1");
        subject.awaited = Some(subject.rig.one("update"));
        subject
    }),
    (State::Retrying, || {
        let mut subject = connecting();
        subject.rig.drop_link(Cause::Remote(None));
        subject
    }),
    (State::Rejected, || {
        let mut subject = initialising();
        subject.answer(403);
        subject
    }),
    (State::Disconnecting, || {
        let mut subject = connected();
        subject.rig.shut_down(1);
        subject
    }),
    (State::WaitSocketClosed, || closed_by_the_service(410, false)),
    (State::WaitOffloadSocketClosed, || closed_by_the_service(308, false)),
    (State::Unsupported, || closed_by_the_service(406, true)),
];

type Happens = fn(&mut Subject);

/// All that can happen.
const EVENTS: [(&str, Happens); 18] = [
    ("a new token", |subject| subject.rig.update_token(2, "T2")),
    ("a shutdown", |subject| subject.rig.shut_down(2)),
    ("the socket opens", |subject| subject.rig.open()),
    ("the socket ends", |subject| subject.rig.drop_link(Cause::Remote(None))),
    ("time", |subject| {
        if let Some(due) = subject.rig.cx.timers.deadline() {
            subject.rig.advance(due.at.since(subject.rig.cx.now));
        }
    }),
    ("silence", |subject| {
        if let Some(due) = subject.rig.cx.timers.armed(Timer::Watchdog) {
            subject.rig.advance(due.since(subject.rig.cx.now));
        }
    }),
    ("answer 200", |subject| subject.answer(200)),
    ("answer 401", |subject| subject.answer(401)),
    ("answer 429", |subject| subject.answer(429)),
    ("answer 500", |subject| subject.answer(500)),
    ("close 308", |subject| subject.rig.serve_close(status(308), "")),
    ("close 308, 51232", |subject| subject.rig.serve_close(json!({"code": 308, "errorCode": 51232}), "")),
    ("close 406", |subject| subject.rig.serve_close(status(406), "")),
    ("close 410", |subject| subject.rig.serve_close(status(410), "")),
    ("gibberish", |subject| {
        for _ in 0..subject.rig.cx.config.limits.malformed_frames {
            subject.rig.bytes(b"gibberish");
        }
    }),
    ("a network", |subject| subject.rig.network(Network::Online)),
    ("no network", |subject| subject.rig.network(Network::Offline)),
    ("another network", |subject| subject.rig.network(Network::Changed)),
];

fn connecting() -> Subject {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.drop_link(Cause::Remote(None));
        rig.to_deadline();
        rig.expect_open();
    }
    // Waits for the connection.
    rig.submit("/waits", Retry::Never);
    Subject { rig, awaited: None }
}

fn initialising() -> Subject {
    let mut subject = connecting();
    subject.rig.open();
    subject.awaited = Some(subject.rig.one("init"));
    subject
}

fn connected() -> Subject {
    let mut subject = connecting();
    subject.rig.go_online();
    Subject { rig: subject.rig, awaited: None }
}

fn closed_by_the_service(code: u16, socket_too: bool) -> Subject {
    let mut subject = initialising();
    subject.rig.serve_close(status(code), "");
    if socket_too {
        subject.rig.drop_link(Cause::Remote(None));
    }
    subject
}

impl Subject {
    fn answer(&mut self, code: u16) {
        let status = if code == 200 { ok() } else { status(code) };
        if let Some(sent) = self.awaited.take() {
            self.rig.answer(&sent, status, "");
        }
    }

    /// The commands and events since the last look, and where it stands.
    fn seen(&mut self) -> String {
        let commands = self.rig.commands().into_iter().map(|command| match command {
            Command::Open { .. } => "open".into(),
            Command::Close { .. } => "shut".into(),
            Command::Send { bytes, .. } => {
                let (header, _) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
                let header: serde_json::Value = serde_json::from_str(header).unwrap();
                header["method"].as_str().unwrap().into()
            }
            other => format!("{other:?}"),
        });
        let mut seen: Vec<String> = commands.collect();
        let told = |text: String| text.split([' ', '(', '{']).next().unwrap_or_default().into();
        seen.extend(self.rig.events().into_iter().map(|event| told(format!("{event:?}"))));
        seen.extend(self.rig.notices().into_iter().map(|notice| match notice {
            Notice::StateChanged(state) => format!("{state:?}").to_lowercase(),
            other => told(format!("{other:?}")),
        }));
        if seen.is_empty() { "-".into() } else { seen.join(", ") }
    }

    /// In seconds, how long it waits before the next attempt: now, or when this one fails.
    fn next_wait(&mut self) -> String {
        if self.rig.cx.timers.armed(Timer::Retry).is_none() {
            self.rig.drop_link(Cause::Remote(None));
        }
        let Some(due) = self.rig.cx.timers.armed(Timer::Retry) else { return "-".into() };
        let wait = due.since(self.rig.cx.now);
        for nominal in [1, 2, 4, 8, 16, 32] {
            let nominal = Duration::from_secs(nominal);
            if (nominal * 4 / 5..=nominal * 6 / 5).contains(&wait) {
                return format!("{} s", nominal.as_secs());
            }
        }
        format!("{wait:?}")
    }
}

#[test]
fn what_is_seen_of_every_row_is_on_the_page() {
    let mut page = String::from("| State | Event | Seen | Next wait |\n|---|---|---|---|\n");
    for (state, prepare) in STATES {
        for (event, happen) in EVENTS {
            let mut subject = prepare();
            assert_eq!(subject.rig.stage.state, state);
            let mut untouched = prepare();
            let (_, _) = (subject.seen(), untouched.seen());
            happen(&mut subject);
            let seen = subject.seen();
            let (wait, before) = (subject.next_wait(), untouched.next_wait());
            // What changes nothing is not listed.
            if seen != "-" || wait != before {
                page += &format!("| {state:?} | {event} | {seen} | {wait} |\n");
            }
        }
    }
    assert!(PAGE.contains(&page), "put this into rows.md, if it is right:\n{page}");
}

/// With the usual times an `update` that is not answered is given up before the silence is noticed.
#[test]
fn silence_is_noticed_while_a_token_is_updated() {
    let watchdog = Some(Duration::from_secs(10));
    let mut rig = Rig::connected_with(crate::Config { watchdog, ..crate::Config::default() });
    rig.update_token(1, "T1");
    rig.one("update");
    rig.advance(Duration::from_secs(10));
    rig.one("close");
    rig.expect_close();
    assert_eq!(rig.notices(), [Notice::StateChanged(ConnectionState::Connecting), Notice::Offline]);
    let wait = rig.to_deadline();
    assert!((Duration::from_millis(800)..=Duration::from_millis(1200)).contains(&wait), "{wait:?}");
    rig.expect_open();
}
