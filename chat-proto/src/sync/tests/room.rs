//! More objects than the service takes on one connection (spec 02 §2.11).

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::json;

use super::rig::{Rig, list_item};
use crate::sync::{EntityId, Kind};

/// A service that takes so many objects on a connection.
struct Service {
    rig: Rig,
    limit: usize,
    subscribed: BTreeSet<String>,
    pokes: usize,
    refused: usize,
}

impl Service {
    fn with_objects(limit: usize, objects: usize) -> (Self, Vec<EntityId>) {
        let mut rig = Rig::online();
        let ids = (0..objects).map(|n| rig.open(Kind::List, &format!("ES{n:04}"), 0)).collect();
        (Self { rig, limit, subscribed: BTreeSet::new(), pokes: 0, refused: 0 }, ids)
    }

    /// Lets time pass, and answers.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 20 {
            self.rig.pass(50);
            while !self.rig.sent.is_empty() {
                self.answer();
            }
        }
    }

    fn answer(&mut self) {
        let poke = self.rig.poke();
        self.pokes += 1;
        let sids: Vec<String> = poke.body["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| object["object_sid"].as_str().unwrap().to_string())
            .collect();
        if poke.action() == "cancel" {
            self.rig.accept(&poke);
            for sid in sids {
                self.subscribed.remove(&sid);
                self.rig.ack("canceled", poke.correlation_id, &json!({ "object_sid": sid }));
            }
            return;
        }
        let new = sids.iter().filter(|sid| !self.subscribed.contains(*sid)).count();
        if self.subscribed.len() + new > self.limit {
            self.refused += 1;
            let body = r#"{"status":400,"code":54419,"message":"too many"}"#;
            self.rig.reply(poke.tag, Ok(crate::twilsock::HttpReply { status: 400, body: body.as_bytes() }));
            return;
        }
        self.rig.accept(&poke);
        for sid in sids {
            self.rig.completed(&sid, poke.correlation_id, 0);
            self.subscribed.insert(sid);
        }
    }

    fn told_refused(&mut self) -> Vec<String> {
        self.rig.told().into_iter().filter(|told| told.starts_with("Refused")).collect()
    }
}

#[test]
fn as_many_as_fit_are_followed_and_the_app_hears_of_the_others_once() {
    for (limit, objects) in [(2000, 2345), (37, 60), (130, 131), (1, 3), (0, 2), (100, 200)] {
        let (mut service, _) = Service::with_objects(limit, objects);
        service.pass(120);
        assert_eq!(service.subscribed.len(), limit, "of {objects}");
        // Those that were wanted first.
        assert_eq!(service.subscribed.last().cloned(), limit.checked_sub(1).map(|n| format!("ES{n:04}")));
        assert_eq!(service.told_refused().len(), objects - limit);
        assert!(service.refused <= 24, "{limit}: {} of {} pokes are in vain", service.refused, service.pokes);
        let pokes = service.pokes;
        service.pass(3600);
        assert_eq!(service.pokes, pokes, "it is known that no more fit");
        assert_eq!(service.told_refused(), Vec::<String>::new());
    }
}

#[test]
fn exactly_as_many_as_fit_are_no_trouble() {
    let (mut service, _) = Service::with_objects(200, 200);
    service.pass(10);
    assert_eq!((service.subscribed.len(), service.pokes, service.refused), (200, 2, 0));
}

#[test]
fn what_leaves_makes_room_for_what_was_left_out() {
    let (mut service, ids) = Service::with_objects(40, 50);
    service.pass(60);
    assert_eq!(service.told_refused().len(), 10);
    let pokes = service.pokes;
    for id in &ids[3..7] {
        service.rig.close(*id);
    }
    service.pass(10);
    assert_eq!(service.subscribed.len(), 40);
    assert!(service.subscribed.contains("ES0043") && !service.subscribed.contains("ES0044"));
    assert!(service.pokes - pokes <= 8, "{}", service.pokes - pokes);
    assert_eq!(service.told_refused(), Vec::<String>::new());
    // What is left out and closed is not asked for.
    let pokes = service.pokes;
    service.rig.close(ids[49]);
    service.pass(10);
    assert_eq!(service.pokes, pokes);
}

#[test]
fn what_stands_is_poked_again_when_all_is_full() {
    let (mut service, _) = Service::with_objects(5, 9);
    service.pass(60);
    service.rig.told();
    let mut event = list_item(2, 2);
    event["list_sid"] = json!("ES0000");
    service.rig.live("list_item_added", &event);
    let pokes = service.pokes;
    service.pass(2);
    assert!(service.pokes > pokes, "the gap is asked about");
    assert_eq!(service.rig.told()[..2], ["Skipped", r#"Added 2 {"v":2} New"#]);
}

#[test]
fn a_new_connection_finds_out_anew() {
    let (mut service, _) = Service::with_objects(5, 9);
    service.pass(60);
    service.limit = 7;
    service.subscribed.clear();
    service.rig.go_offline();
    service.rig.go_online();
    service.pass(60);
    assert_eq!(service.subscribed.len(), 7);
}
