//! Scripted faults: each stage, each effect.

use chat_proto::Time;
use serde_json::{Value, json};

use crate::support::{Stage, path};

/// A connection that hears of a map; the path of its items.
fn watched_map(stage: &mut Stage) -> (u64, String) {
    let conn = stage.connect("alice");
    let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({"unique_name": "m"}));
    stage.poke(conn, 3, json!([{"object_sid": map["sid"], "object_type": "map", "last_event_id": -1}]));
    (conn, path(&map["links"]["items"]))
}

fn put(stage: &mut Stage, conn: u64, items: &str, n: u64) -> (u64, Value) {
    stage.http(conn, "PUT", &format!("{items}/k"), json!({"data": {"n": n}}))
}

#[test]
fn init_is_refused_with_a_backoff_so_often_and_no_more() {
    let mut stage = Stage::new(&json!({}));
    let body = json!({"backoff_policy": {"reconnect_min_ms": 2000, "reconnect_max_ms": 5000}});
    let rule = json!({"on": "twilsock", "match": {"method": "init", "identity": "alice"}, "count": 2, "skip": 1, "status": 429, "errorCode": 51_202, "body": body});
    assert_eq!(stage.admin("fault", rule)["id"], 1);
    let token = stage.token("alice");
    let mut codes = Vec::new();
    for _ in 0..4 {
        let conn = stage.open();
        let reply = stage.init(conn, &token);
        codes.push(reply.header["status"]["code"].as_u64().unwrap());
        if reply.header["status"]["code"] == 429 {
            assert_eq!(reply.payload, body);
            assert_eq!(reply.header["status"]["status"], "TOO_MANY_REQUESTS");
        }
    }
    assert_eq!(codes, [200, 429, 429, 200]);
    assert_eq!(stage.admin("faults", json!({}))[0]["hits"], 2);
}

#[test]
fn the_transport_can_be_mute_late_or_cut() {
    let mut stage = Stage::new(&json!({}));
    let token = stage.token("alice");
    let init = json!({"method": "init", "token": token, "capabilities": []});
    let fault = |stage: &mut Stage, effect: Value| {
        let mut rule = json!({"on": "twilsock", "match": {"method": "init"}});
        rule.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
        stage.admin("fault", rule);
        let conn = stage.open();
        (conn, stage.send(conn, init.clone(), ""))
    };
    let (conn, id) = fault(&mut stage, json!({"noReply": true}));
    stage.wait(60_000);
    assert!(stage.reply(conn, &id).is_none());
    let (conn, id) = fault(&mut stage, json!({"delayMs": 500}));
    stage.wait(499);
    assert!(stage.reply(conn, &id).is_none());
    stage.wait(1);
    assert!(stage.reply(conn, &id).is_some());
    let (conn, _) = fault(&mut stage, json!({"drop": true}));
    assert_eq!(stage.closed, [(conn, None)]);
}

#[test]
fn requests_fail_undone_or_done() {
    let mut stage = Stage::new(&json!({}));
    let (conn, items) = watched_map(&mut stage);
    let rule = |effect: Value| {
        let mut rule = json!({"on": "http", "match": {"method": "PUT", "path": "/Items/k$"}});
        rule.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
        rule
    };
    let value = |stage: &mut Stage| {
        let (status, item) = stage.http(conn, "GET", &format!("{items}/k"), Value::Null);
        if status == 200 { item["data"]["n"].clone() } else { Value::Null }
    };
    stage.admin(
        "fault",
        rule(json!({"status": 503, "code": 50_000, "message": "later", "headers": {"retry-after": "3"}})),
    );
    let id = stage.ask(conn, "PUT", &format!("{items}/k"), &json!({}), r#"{"data":{"n":1}}"#);
    let reply = stage.reply(conn, &id).unwrap();
    assert_eq!(reply.header["http_status"]["code"], 503);
    assert_eq!((&reply.payload["code"], &reply.payload["message"]), (&json!(50_000), &json!("later")));
    assert_eq!(reply.header["http_headers"]["retry-after"], "3");
    assert_eq!(value(&mut stage), Value::Null, "nothing was done");
    stage.admin("fault", rule(json!({"status": 504, "process": true})));
    assert_eq!(put(&mut stage, conn, &items, 2).0, 504);
    assert_eq!(value(&mut stage), 2, "it was done all the same");
    stage.admin("fault", rule(json!({"noReply": true, "process": true})));
    let id = stage.ask(conn, "PUT", &format!("{items}/k"), &json!({}), r#"{"data":{"n":3}}"#);
    stage.wait(60_000);
    assert!(stage.reply(conn, &id).is_none());
    assert_eq!(value(&mut stage), 3);
    stage.admin("fault", rule(json!({"delayMs": 300})));
    let id = stage.ask(conn, "PUT", &format!("{items}/k"), &json!({}), r#"{"data":{"n":4}}"#);
    assert_eq!(value(&mut stage), 3, "late is also done late");
    stage.wait(300);
    assert!(stage.reply(conn, &id).is_some());
    assert_eq!(value(&mut stage), 4);
    stage.admin("fault", rule(json!({"delayMs": 300, "process": true})));
    let id = stage.ask(conn, "PUT", &format!("{items}/k"), &json!({}), r#"{"data":{"n":5}}"#);
    assert_eq!(value(&mut stage), 5, "done at once");
    assert!(stage.reply(conn, &id).is_none(), "answered late");
    stage.wait(300);
    assert!(stage.reply(conn, &id).is_some());
    stage.admin(
        "fault",
        rule(json!({"twilsockStatus": 429, "errorCode": 51_202, "description": "slow down"})),
    );
    let id = stage.ask(conn, "PUT", &format!("{items}/k"), &json!({}), r#"{"data":{"n":6}}"#);
    let header = stage.reply(conn, &id).unwrap().header;
    assert_eq!((&header["status"]["code"], header.get("http_status")), (&json!(429), None));
    stage.admin("fault", rule(json!({"drop": true, "process": true})));
    stage.ask(conn, "PUT", &format!("{items}/k"), &json!({}), r#"{"data":{"n":7}}"#);
    assert_eq!(stage.closed, [(conn, None)]);
    let stored = stage.admin("sync", json!({"type": "map", "id": "m", "items": true}));
    assert_eq!(stored["items"][0]["data"]["n"], 7);
}

#[test]
fn commands_fail_late_mute_or_executed() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let items = stage.session(conn);
    let create = |stage: &mut Stage| stage.command(conn, &items, "createChannel", json!({"type": "public"}));
    let channels = |stage: &mut Stage| stage.admin("state", json!({}))["channels"].as_array().unwrap().len();
    let facts = json!({"action": ["joinChannelV2", "createChannel"], "identity": "alice"});
    stage.admin("fault", json!({"on": "command", "match": facts, "status": 500, "statusText": "no"}));
    assert_eq!(create(&mut stage), json!({"status": 500, "statusText": "no"}));
    assert_eq!(channels(&mut stage), 0);
    stage.admin(
        "fault",
        json!({"on": "command", "match": facts, "status": 500, "statusText": "no", "process": true}),
    );
    assert_eq!(create(&mut stage)["status"], 500);
    assert_eq!(channels(&mut stage), 1);
    stage.admin("fault", json!({"on": "command", "match": facts, "noReply": true}));
    assert_eq!(create(&mut stage), Value::Null);
    assert_eq!(channels(&mut stage), 1);
    stage.admin("fault", json!({"on": "command", "match": facts, "delayMs": 700}));
    assert_eq!(create(&mut stage), Value::Null);
    stage.wait(699);
    assert_eq!(channels(&mut stage), 1);
    stage.wait(1);
    assert_eq!(channels(&mut stage), 2);
    assert_eq!(stage.event_types(conn).last().unwrap(), "list_item_updated");
    assert_eq!(create(&mut stage)["status"], 200);
}

#[test]
fn a_pushed_command_can_be_lost_on_its_way_in() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let items = stage.session(conn);
    stage.admin(
        "fault",
        json!({"on": "http", "match": {"action": "createChannel"}, "status": 404, "code": 54_150}),
    );
    let body = json!({"data": {"request": {"action": "createChannel"}, "commandId": "x"}});
    assert_eq!(stage.http(conn, "POST", &items, body.clone()).1["code"], 54_150);
    assert_eq!(stage.http(conn, "POST", &items, body).0, 201);
}

#[test]
fn events_are_dropped_doubled_delayed_and_swapped() {
    let mut stage = Stage::new(&json!({}));
    let (conn, items) = watched_map(&mut stage);
    let fault = |stage: &mut Stage, op: Value| {
        let mut rule = json!({"on": "event", "match": {"entity": "m", "type": "map", "eventType": ["map_item_added", "map_item_updated"]}});
        rule.as_object_mut().unwrap().extend(op.as_object().unwrap().clone());
        stage.admin("fault", rule);
    };
    let ids = |stage: &mut Stage| {
        let events = stage.events(conn);
        events.iter().map(|(_, payload)| payload["event"]["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    fault(&mut stage, json!({"op": "drop"}));
    put(&mut stage, conn, &items, 0);
    put(&mut stage, conn, &items, 1);
    assert_eq!(ids(&mut stage), [1]);
    fault(&mut stage, json!({"op": "dup"}));
    put(&mut stage, conn, &items, 2);
    assert_eq!(ids(&mut stage), [2, 2]);
    fault(&mut stage, json!({"op": "delay", "delayMs": 100}));
    put(&mut stage, conn, &items, 3);
    put(&mut stage, conn, &items, 4);
    assert_eq!(ids(&mut stage), [4]);
    stage.wait(100);
    assert_eq!(ids(&mut stage), [3]);
    fault(&mut stage, json!({"op": "swap"}));
    put(&mut stage, conn, &items, 5);
    assert_eq!(ids(&mut stage), Vec::<i64>::new());
    put(&mut stage, conn, &items, 6);
    assert_eq!(ids(&mut stage), [6, 5]);
}

#[test]
fn acknowledgements_are_events_too() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({}));
    stage.admin(
        "fault",
        json!({"on": "event", "match": {"eventType": "subscription_established"}, "op": "drop"}),
    );
    let entry = json!([{"object_sid": map["sid"], "object_type": "map", "last_event_id": -1}]);
    assert!(stage.poke(conn, 3, entry.clone()).is_empty());
    assert_eq!(stage.poke(conn, 3, entry).len(), 1);
}

#[test]
fn rules_go_away_one_by_one_or_all() {
    let mut stage = Stage::new(&json!({}));
    for _ in 0..3 {
        stage.admin("fault", json!({"on": "http", "match": {}, "count": -1, "status": 500}));
    }
    let conn = stage.connect("alice");
    for _ in 0..5 {
        assert_eq!(stage.http(conn, "GET", "/v3/Maps/x", Value::Null).0, 500);
    }
    stage.admin("faults/clear", json!({"id": 1}));
    let rules = stage.admin("faults", json!({}));
    assert_eq!(
        (&rules[0]["id"], &rules[0]["hits"], rules.as_array().unwrap().len()),
        (&json!(2), &json!(0), 2)
    );
    stage.admin("faults/clear", json!({}));
    assert_eq!(stage.http(conn, "GET", "/v3/Maps/x", Value::Null).0, 404);
}

#[test]
fn a_late_poke_of_a_lost_connection_subscribes_nobody() {
    let mut stage = Stage::new(&json!({}));
    let (conn, items) = watched_map(&mut stage);
    stage.admin("fault", json!({"on": "http", "match": {"path": "Subscriptions"}, "delayMs": 100}));
    let map = stage.admin("sync", json!({"type": "map", "id": "m"}));
    let entry = json!({"object_sid": map["sid"], "object_type": "map", "last_event_id": -1});
    let body =
        json!({"event_protocol_version": 3, "action": "establish", "correlation_id": 1, "requests": [entry]});
    stage.ask(conn, "POST", "/v4/Subscriptions", &json!({}), &body.to_string());
    stage.admin("drop", json!({}));
    stage.wait(100);
    let other = stage.connect("bob");
    put(&mut stage, other, &items, 1);
    assert_eq!(stage.admin("state", json!({}))["stats"]["droppedNoContext"], 0);
    assert!(stage.received(conn).is_empty());
}

/// What is misspelt, or could never act, would make a test pass that tests nothing.
#[test]
fn rules_that_could_not_act_are_refused_by_name() {
    let mut stage = Stage::new(&json!({}));
    let cases = [
        (json!({"on": "http", "match": {"action": "x"}, "staus": 500}), "\"staus\" is no effect of http"),
        (json!({"on": "http", "match": {"acton": "x"}, "status": 500}), "\"acton\" is no fact of http"),
        (
            json!({"on": "twilsock", "match": {"action": "x"}, "drop": true}),
            "\"action\" is no fact of twilsock",
        ),
        (json!({"on": "twilsock", "op": "drop"}), "\"op\" is no effect of twilsock"),
        (
            json!({"on": "command", "status": 500, "statustext": "x"}),
            "\"statustext\" is no effect of command",
        ),
        (json!({"on": "command", "match": {"path": "x"}, "status": 500}), "\"path\" is no fact of command"),
        (json!({"on": "command", "drop": true}), "\"drop\" is no effect of command"),
        (json!({"on": "event", "match": {}}), "it does nothing; effects of event: op, delayMs"),
        (json!({"on": "event", "drop": true}), "\"drop\" is no effect of event"),
        (
            json!({"on": "event", "match": {"event_type": "x"}, "op": "drop"}),
            "\"event_type\" is no fact of event",
        ),
        (json!({"on": "event", "op": "delay"}), "does nothing without delayMs"),
        (json!({"on": "event", "op": "drpo"}), "drpo"),
        (json!({"on": "http", "match": {}}), "it does nothing; effects of http: drop, twilsockStatus, "),
        (json!({"on": "http", "noReply": false}), "it does nothing"),
        (json!({"on": "http", "process": true}), "it does nothing"),
        (
            json!({"on": "http", "drop": true, "errorCode": 1}),
            "\"errorCode\" does nothing without twilsockStatus",
        ),
        (json!({"on": "http", "noReply": true, "headers": {}}), "\"headers\" does nothing without status"),
        (json!({"on": "twilsock", "drop": true, "body": {}}), "\"body\" does nothing without status"),
        (json!({"on": "http", "match": {"method": 5}, "status": 500}), "\"method\" is to be a text"),
        (json!({"on": "http", "match": {"method": []}, "status": 500}), "\"method\" is to be a text"),
        (json!({"on": "http", "match": "POST", "status": 500}), "a map"),
        (json!({"on": "http", "status": 500, "count": 0}), "\"count\": 0 never acts"),
        (json!({"on": "http", "status": 500, "counts": 2}), "\"counts\" is no effect of http"),
        (json!({"on": "http", "match": {"path": ["x", "("]}, "status": 500}), "unclosed group"),
    ];
    for (rule, wanted) in cases {
        let now = Time::from_millis(stage.now);
        let error = stage.service.admin(now, "fault", &rule).unwrap_err();
        assert_eq!(error.status(), 400, "{rule}");
        assert!(error.to_string().contains(wanted), "{rule}: {error}");
    }
    assert_eq!(stage.admin("faults", json!({})), json!([]));
    // What is shown can be given again, to the word.
    let rule =
        json!({"on": "http", "match": {"path": "x"}, "status": 500, "process": true, "count": 3, "skip": 1});
    let shown = stage.admin("fault", rule);
    let again = stage.admin("fault", shown.clone());
    assert_eq!((&again["id"], &again["count"], &again["skip"]), (&json!(2), &json!(3), &json!(1)));
}

#[test]
fn a_list_of_paths_means_any_of_these_patterns() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let rule =
        json!({"on": "http", "match": {"path": ["^/v3/Lists", "Maps/x$"]}, "status": 500, "count": -1});
    stage.admin("fault", rule);
    let status = |stage: &mut Stage, path: &str| stage.http(conn, "GET", path, Value::Null).0;
    assert_eq!(status(&mut stage, "/v3/Lists/x"), 500);
    assert_eq!(status(&mut stage, "/v3/Maps/x"), 500);
    assert_eq!(status(&mut stage, "/v3/Maps/y"), 404);
}
