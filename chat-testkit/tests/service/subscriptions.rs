//! Pokes, acknowledgements, replay, live events.

use chat_testkit::service::{ConnId, ServiceInput};
use serde_json::{Value, json};

use crate::support::{Stage, path};

struct Map {
    stage: Stage,
    conn: u64,
    sid: String,
    items: String,
}

impl Map {
    fn new(config: &Value) -> Self {
        let mut stage = Stage::new(config);
        let conn = stage.connect("alice");
        let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({"unique_name": "m"}));
        let (sid, items) = (map["sid"].as_str().unwrap().to_owned(), path(&map["links"]["items"]));
        Self { stage, conn, sid, items }
    }

    fn put(&mut self, n: u64) {
        self.stage.http(self.conn, "PUT", &format!("{}/k", self.items), json!({"data": {"n": n}}));
    }

    fn entry(&self, seen: impl Into<Value>) -> Value {
        json!({"object_sid": self.sid, "object_type": "map", "last_event_id": seen.into()})
    }

    fn poke(&mut self, version: u64, seen: impl Into<Value>) -> Vec<(String, Value)> {
        let entry = self.entry(seen);
        self.stage.poke(self.conn, version, json!([entry]))
    }
}

fn ids(events: &[(String, Value)]) -> Vec<i64> {
    events.iter().filter_map(|(_, payload)| payload["event"]["id"].as_i64()).collect()
}

#[test]
fn replay_comes_before_its_acknowledgement_and_carries_the_correlation() {
    let mut map = Map::new(&json!({}));
    for n in 0..4 {
        map.put(n);
    }
    let events = map.poke(3, 1);
    assert_eq!(ids(&events), [2, 3]);
    let (event_type, replayed) = &events[0];
    assert_eq!(
        (event_type.as_str(), &replayed["correlation_id"]),
        ("map_item_updated", &json!(1_700_000_000_123_u64))
    );
    let (event_type, ack) = &events[2];
    assert_eq!(event_type, "subscription_established");
    assert_eq!(
        ack["event"],
        json!({"object_sid": map.sid, "object_type": "map", "replay_status": "completed", "last_event_id": 3})
    );
    map.put(9);
    let (_, live) = map.stage.events(map.conn).remove(0);
    assert!(live.get("correlation_id").is_none(), "a live event has no correlation at all");
    assert_eq!(live["event"]["item_data"], json!({"n": 9}));
}

#[test]
fn a_client_that_saw_nothing_gets_everything() {
    let mut map = Map::new(&json!({}));
    map.put(0);
    map.put(1);
    assert_eq!(ids(&map.poke(3, Value::Null)), [0, 1]);
    assert_eq!(ids(&map.poke(3, -1)), [0, 1]);
    assert_eq!(ids(&map.poke(3, 1)), Vec::<i64>::new());
}

#[test]
fn after_a_cut_only_the_gap_is_told() {
    let mut map = Map::new(&json!({}));
    map.poke(3, -1);
    map.put(0);
    assert_eq!(map.stage.event_types(map.conn), ["map_item_added"]);
    let other = map.stage.connect("bob");
    map.stage.admin("drop", json!({"identity": "alice"}));
    assert_eq!(map.stage.closed, [(map.conn, None)]);
    for n in 1..3 {
        map.stage.http(other, "PUT", &format!("{}/k", map.items), json!({"data": {"n": n}}));
    }
    assert!(map.stage.received(map.conn).is_empty(), "subscriptions die with their connection");
    map.conn = map.stage.connect("alice");
    let events = map.poke(3, 0);
    assert_eq!(ids(&events), [1, 2]);
    assert_eq!(events[2].1["event"]["replay_status"], "completed");
}

#[test]
fn a_long_replay_is_interrupted_and_goes_on_from_there() {
    let mut map = Map::new(&json!({"replayLimit": 2}));
    for n in 0..5 {
        map.put(n);
    }
    let events = map.poke(3, -1);
    assert_eq!(ids(&events), [0, 1]);
    assert_eq!(events[2].1["event"]["replay_status"], "interrupted");
    assert_eq!(events[2].1["event"]["last_event_id"], 1);
    assert_eq!(ids(&map.poke(3, 1)), [2, 3]);
    let events = map.poke(3, 3);
    assert_eq!(ids(&events), [4]);
    assert_eq!(events[1].1["event"]["replay_status"], "completed");
}

#[test]
fn version_4_acknowledges_in_one_notification() {
    let mut map = Map::new(&json!({}));
    map.put(0);
    let (_, list) = map.stage.http(map.conn, "POST", "/v3/Lists", json!({}));
    let list = json!({"object_sid": list["sid"], "object_type": "list", "last_event_id": -1});
    let missing = json!({"object_sid": "ET00000000000000000000000000000000", "object_type": "document", "last_event_id": 0});
    let requests = json!([map.entry(-1), list, missing]);
    let events = map.stage.poke(map.conn, 4, requests);
    let types: Vec<&str> = events.iter().map(|(event_type, _)| event_type.as_str()).collect();
    assert_eq!(types, ["map_item_added", "subscription_established", "subscription_failed"]);
    assert_eq!(events[0].1["event_protocol_version"], 4);
    assert_eq!(events[1].1["events"].as_array().unwrap().len(), 2);
    let error = &events[2].1["events"][0]["error"];
    assert_eq!(error, &json!({"status": 404, "code": 54_100, "message": "Document not found"}));
}

#[test]
fn forbidden_objects_cannot_be_subscribed() {
    let mut stage = Stage::new(&json!({}));
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    let (_, map) = stage.http(alice, "GET", "/v3/Maps/alice.channels", Value::Null);
    let events =
        stage.poke(bob, 3, json!([{"object_sid": map["sid"], "object_type": "map", "last_event_id": -1}]));
    assert_eq!(events[0].1["event"]["error"]["code"], 54_007);
}

#[test]
fn cancelling_ends_events_and_is_acknowledged_for_the_unknown_too() {
    let mut map = Map::new(&json!({}));
    map.poke(3, -1);
    let unknown = json!({"object_sid": "MP00000000000000000000000000000000", "object_type": "map"});
    let body = json!({"event_protocol_version": 3, "action": "cancel", "correlation_id": 5, "requests": [map.entry(0), unknown]});
    assert_eq!(map.stage.http(map.conn, "POST", "/v4/Subscriptions", body).0, 202);
    assert_eq!(map.stage.event_types(map.conn), ["subscription_canceled", "subscription_canceled"]);
    map.put(1);
    assert!(map.stage.received(map.conn).is_empty());
}

#[test]
fn a_second_poke_replaces_the_first() {
    let mut map = Map::new(&json!({}));
    map.poke(3, -1);
    map.poke(4, -1);
    map.put(0);
    let events = map.stage.events(map.conn);
    assert_eq!(events.len(), 1, "one subscription, one event");
    assert_eq!(events[0].1["event_protocol_version"], 4);
}

#[test]
fn a_removed_object_says_so_and_then_is_not_there() {
    let mut map = Map::new(&json!({}));
    map.poke(3, -1);
    let url = format!("/v3/Maps/{}", map.sid);
    assert_eq!(map.stage.http(map.conn, "DELETE", &url, Value::Null).0, 204);
    assert_eq!(map.stage.event_types(map.conn), ["map_removed"]);
    let events = map.poke(3, 0);
    assert_eq!(events[0].1["event"]["error"]["code"], 54_200);
}

#[test]
fn malformed_pokes_are_refused() {
    let mut map = Map::new(&json!({}));
    for body in
        [json!({}), json!({"action": "establish"}), json!({"action": "dance", "requests": []}), json!([1])]
    {
        assert_eq!(map.stage.http(map.conn, "POST", "/v4/Subscriptions", body).0, 400);
    }
    let many: Vec<Value> = (0..2001).map(|_| map.entry(0)).collect();
    let body = json!({"action": "establish", "requests": many});
    assert_eq!(map.stage.http(map.conn, "POST", "/v4/Subscriptions", body).1["code"], 54_419);
}

#[test]
fn the_writer_hears_its_own_write_before_its_answer() {
    let mut map = Map::new(&json!({}));
    map.poke(3, -1);
    map.stage.ask(map.conn, "PUT", &format!("{}/k", map.items), &json!({}), r#"{"data":1}"#);
    let methods: Vec<Value> =
        map.stage.received(map.conn).into_iter().map(|f| f.header["method"].clone()).collect();
    assert_eq!(methods, ["notification", "reply"]);
    map.stage.handle(ServiceInput::Closed(ConnId(map.conn)));
    assert_eq!(map.stage.admin("connections", json!({})), json!([]));
}

/// Spec 02 §6.4: one poke too many is refused as a whole, and another connection has its own count.
#[test]
fn a_connection_has_so_many_subscriptions_and_no_more() {
    let mut stage = Stage::new(&json!({"maxSubscriptions": 3}));
    let conn = stage.connect("alice");
    let entries: Vec<Value> = (0..4)
        .map(|_| {
            let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({}));
            json!({"object_sid": map["sid"], "object_type": "map", "last_event_id": -1})
        })
        .collect();
    let poke = |stage: &mut Stage, conn, action: &str, entries: &[Value]| {
        let body =
            json!({"event_protocol_version": 3, "action": action, "correlation_id": 1, "requests": entries});
        stage.http(conn, "POST", "/v4/Subscriptions", body)
    };
    let count = |stage: &mut Stage| {
        let all = stage.admin("connections", json!({}));
        all.as_array().unwrap().iter().map(|one| one["subscriptions"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(poke(&mut stage, conn, "establish", &entries[..2]).0, 202);
    let (status, error) = poke(&mut stage, conn, "establish", &entries[2..]);
    assert_eq!((status, &error["code"]), (400, &json!(54_419)));
    assert_eq!(count(&mut stage), [2]);
    // What it has already counts once.
    assert_eq!(poke(&mut stage, conn, "establish", &entries[..3]).0, 202);
    assert_eq!(poke(&mut stage, conn, "establish", &entries[3..]).0, 400);
    let other = stage.connect("bob");
    assert_eq!(poke(&mut stage, other, "establish", &entries[..3]).0, 202);
    assert_eq!(poke(&mut stage, conn, "cancel", &entries[..1]).0, 202);
    assert_eq!(poke(&mut stage, conn, "establish", &entries[3..]).0, 202);
    assert_eq!(count(&mut stage), [3, 3]);
}
