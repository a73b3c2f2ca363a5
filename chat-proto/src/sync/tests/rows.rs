//! What each event does in each state of a subscription, as it is seen from outside: a row of the table that is lost or
//! wrong shows here.

use std::fmt::Write as _;
use std::format;
use std::string::String;
use std::vec::Vec;

use serde_json::{Value, json};

use super::rig::{LIST, Poke, Rig};
use crate::sync::table::State;
use crate::sync::{EntityId, Kind};

const PAGE: &str = include_str!("rows.md");

struct Subject {
    rig: Rig,
    entity: EntityId,
    /// The poke that is under way.
    poke: Option<Poke>,
}

/// Each way from outside that leads to a state.
const STATES: [(State, fn() -> Subject); 6] = [
    (State::Wanted, wanted),
    (State::Establishing, || wanted().poked()),
    (State::Live, live),
    (State::Rejected, || {
        let mut subject = wanted().poked();
        subject.acknowledge("failed", &json!({"object_sid": LIST, "error": {"status": 403, "code": 54007}}));
        subject.poke = None;
        subject
    }),
    (State::Leaving, leaving),
    (State::Cancelling, || leaving().poked()),
];

/// All that can happen, by name.
type Events = [(&'static str, fn(&mut Subject)); 13];

const EVENTS: Events = [
    ("the app follows it", |subject| {
        subject.entity = subject.rig.open(Kind::List, LIST, 0);
    }),
    ("the app leaves it", |subject| subject.rig.close(subject.entity)),
    ("time for a poke", |subject| subject.rig.pass(120)),
    ("the poke fails", |subject| {
        if let Some(poke) = &subject.poke {
            subject.rig.reply(poke.tag, Err(crate::twilsock::RequestError::TimedOut));
        }
    }),
    ("silence", |subject| {
        if let Some(poke) = &subject.poke {
            subject.rig.accept(poke);
            subject.rig.pass(10_000);
        }
    }),
    ("established, completed", |subject| {
        subject.acknowledge(
            "established",
            &json!({"object_sid": LIST, "replay_status": "completed", "last_event_id": 0}),
        );
    }),
    ("established, interrupted", |subject| {
        subject.acknowledge("established", &json!({"object_sid": LIST, "replay_status": "interrupted"}));
    }),
    ("failed", |subject| {
        subject.acknowledge("failed", &json!({"object_sid": LIST, "error": {"status": 403, "code": 54007}}));
    }),
    ("canceled", |subject| subject.acknowledge("canceled", &json!({"object_sid": LIST}))),
    ("failed, of another poke", |subject| {
        let refused = json!({"object_sid": LIST, "error": {"status": 403, "code": 54007}});
        subject.rig.ack("failed", 77, &refused);
    }),
    ("canceled, of no poke", |subject| {
        let canceled = r#"{"event_type":"subscription_canceled","event":{"object_sid":"ES1"}}"#;
        subject.rig.notify_text("twilio.sync.event", canceled);
    }),
    ("events are missing", |subject| {
        subject.rig.live("list_item_added", &super::rig::list_item(2, 2));
        subject.rig.pass(120);
    }),
    ("a new connection", |subject| {
        subject.rig.go_offline();
        subject.rig.go_online();
    }),
];

fn wanted() -> Subject {
    let mut rig = Rig::online();
    let entity = rig.open(Kind::List, LIST, 0);
    Subject { rig, entity, poke: None }
}

fn live() -> Subject {
    let mut rig = Rig::online();
    let entity = rig.open_live(Kind::List, LIST, 0);
    Subject { rig, entity, poke: None }
}

fn leaving() -> Subject {
    let mut subject = live();
    subject.rig.close(subject.entity);
    subject
}

impl Subject {
    fn poked(mut self) -> Self {
        self.rig.pass(120);
        self.poke = Some(self.rig.poke());
        self
    }

    fn acknowledge(&mut self, what: &str, event: &Value) {
        if let Some(poke) = &self.poke {
            self.rig.accept(poke);
            self.rig.ack(what, poke.correlation_id, event);
        }
    }

    fn state(&self) -> State {
        self.rig.sync.subscriptions.state(LIST)
    }

    /// What was told and asked for since the last look.
    fn seen(&mut self) -> String {
        let mut seen: Vec<String> = self.rig.told();
        while !self.rig.sent.is_empty() {
            let poke = self.rig.poke();
            seen.push(format!("poke: {}", poke.action()));
            self.poke = Some(poke);
        }
        if seen.is_empty() { "-".into() } else { seen.join(", ") }
    }
}

#[test]
fn what_is_seen_of_every_row_is_on_the_page() {
    let mut page =
        String::from("| State | Event | Next | Seen | In the next second |\n|---|---|---|---|---|\n");
    for (state, prepare) in STATES {
        let mut untouched = prepare();
        untouched.rig.told();
        untouched.rig.pass(1_000);
        let usual = untouched.seen();
        for (event, happen) in EVENTS {
            let mut subject = prepare();
            assert_eq!(subject.state(), state);
            subject.rig.told();
            happen(&mut subject);
            let (next, seen) = (subject.state(), subject.seen());
            subject.rig.pass(1_000);
            let later = subject.seen();
            // What changes nothing is not listed.
            if next != state || seen != "-" || later != usual {
                writeln!(page, "| {state:?} | {event} | {next:?} | {seen} | {later} |").unwrap();
            }
        }
    }
    assert!(PAGE.contains(&page), "put this into rows.md, if it is right:\n{page}");
}

/// The service took it, and its word on it is lost with the connection. (A poke that was not answered fails with it, which
/// leads to the same by another way.)
#[test]
fn a_cancellation_that_was_taken_is_forgotten_with_its_connection() {
    let mut subject = leaving().poked();
    if let Some(poke) = &subject.poke {
        subject.rig.accept(poke);
    }
    assert_eq!(subject.state(), State::Cancelling);
    subject.rig.go_offline();
    subject.rig.go_online();
    assert_eq!(subject.state(), State::Idle);
    subject.rig.pass(1_000);
    assert_eq!(subject.seen(), "-");
}
