//! The control interface, and that the same history gives the same bytes.

use chat_proto::Time;
use chat_testkit::service::{Service, ServiceConfig};
use serde_json::{Value, json};

use crate::support::Stage;

fn status(stage: &mut Stage, command: &str, arguments: &Value) -> u16 {
    stage.service.admin(Time::from_millis(stage.now), command, arguments).unwrap_err().status()
}

#[test]
fn errors_have_their_statuses() {
    let mut stage = Stage::new(&json!({}));
    assert_eq!(status(&mut stage, "dance", &json!({})), 404);
    assert_eq!(status(&mut stage, "token", &json!({})), 400);
    assert_eq!(status(&mut stage, "token", &json!([1])), 400);
    assert_eq!(status(&mut stage, "config", &json!({"noSuchKey": 1})), 400);
    assert_eq!(status(&mut stage, "config", &json!({"maxPageSize": "x"})), 400);
    assert_eq!(status(&mut stage, "fault", &json!({"on": "nowhere"})), 400);
    assert_eq!(status(&mut stage, "fault", &json!({"on": "http", "match": {"path": "("}})), 400);
    assert_eq!(status(&mut stage, "messages", &json!({"channel": "nobody"})), 500);
    assert_eq!(status(&mut stage, "sync", &json!({"type": "map", "id": "nobody"})), 500);
    assert_eq!(status(&mut stage, "sync", &json!({"type": "cat", "id": "x"})), 400);
    assert_eq!(status(&mut stage, "close", &json!({})), 400);
}

#[test]
fn configuration_has_its_keys_and_defaults() {
    let config = serde_json::to_value(ServiceConfig::default()).unwrap();
    let expected = json!({
        "seed": "ref", "capabilities": ["client_update", "offline_storage", "telemetry.v1"], "trailingCrlf": true,
        "contextEnrich": "onSubscribe", "responseFirst": false, "reachabilityEnabled": true,
        "consumptionReportInterval": "PT5S", "httpCacheInterval": "PT5S", "userInfosToSubscribe": 100,
        "typingTimeout": 5, "maxBatchSize": 1000, "maxSubscriptions": 2000, "estimatedDeliveryMs": 10_000, "subscriptionTtlS": 86_400,
        "replayLimit": 0, "maxPageSize": 100, "restPageSize": 50, "maxAttributesBytes": 16_384,
        "maxMessageBytes": 32_768, "maxMediaBytes": 33_554_432, "mediaUrlTtlMs": 300_000, "creatorKeepsPrivate": false, "latencyMs": 0, "httpDelayMs": 0,
        "commandDelayMs": 0, "offlineDelayMs": 0, "pingIntervalMs": 0, "tokenTimers": true, "tokenWarnMs": 180_000,
    });
    assert_eq!(config, expected);
    let mut stage = Stage::new(&json!({}));
    let changed = stage.admin("config", json!({"typingTimeout": 2, "contextEnrich": 70}));
    assert_eq!((&changed["typingTimeout"], &changed["contextEnrich"]), (&json!(2), &json!(70)));
    assert_eq!(stage.service.config().typing_timeout, 2);
}

#[test]
fn reset_cuts_and_forgets() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    stage.admin("seed", json!({"channels": 2, "identity": "alice"}));
    stage.admin("reset", json!({}));
    assert_eq!(stage.closed, [(conn, None)]);
    let state = stage.admin("state", json!({}));
    for what in ["users", "channels", "sessions", "registrations", "connections", "faults"] {
        assert_eq!(state[what], json!([]), "{what}");
    }
    stage.connect("alice");
}

#[test]
fn seeding_and_bursting() {
    let mut stage = Stage::new(&json!({}));
    let seeded = stage.admin(
        "seed",
        json!({"channels": 3, "identity": "alice", "also": ["bob"], "messages": 2, "author": "bob", "list": true}),
    );
    let sids = seeded["channels"].as_array().unwrap().clone();
    assert_eq!(sids.len(), 3);
    let state = stage.admin("state", json!({}));
    let channel = &state["channels"][2];
    assert_eq!(
        (&channel["uniqueName"], &channel["friendlyName"]),
        (&json!("seed-00002"), &json!("seed 00002"))
    );
    assert_eq!((&channel["createdBy"], &channel["messages"]), (&json!("seeder"), &json!(2)));
    assert_eq!(channel["members"].as_array().unwrap().len(), 2);

    let answer =
        stage.admin("burst", json!({"channel": "seed-00000", "count": 10, "author": "alice", "size": 20}));
    assert_eq!(answer, json!({"posted": 10, "pendingMs": 0}));
    let messages = stage.admin("messages", json!({"channel": sids[0]}));
    let last = &messages[11];
    assert_eq!((&last["index"], &last["attributes"]), (&json!(11), &json!(r#"{"b":1}"#)));
    assert_eq!(last["text"], "burst 9.............");

    let slow =
        json!({"channel": "seed-00001", "count": 5, "author": "alice", "rate": 10, "lastMessage": "end"});
    assert_eq!(stage.admin("burst", slow)["pendingMs"], 400);
    let count = |stage: &mut Stage| {
        stage.admin("messages", json!({"channel": "seed-00001"})).as_array().unwrap().len()
    };
    assert_eq!(count(&mut stage), 3);
    stage.wait(250);
    assert_eq!(count(&mut stage), 5);
    stage.wait(150);
    assert_eq!(count(&mut stage), 7);
    let document = stage
        .admin("sync", json!({"type": "document", "id": format!("{}.channel", sids[1].as_str().unwrap())}));
    assert_eq!(document["data"]["lastMessage"]["index"], 6);
}

/// Neither the document nor those who watch it learn of the messages of a burst that shows none.
#[test]
fn a_burst_shows_its_last_message_each_time_at_the_end_or_never() {
    for (show, shown) in [("each", vec![0, 1, 2]), ("end", vec![2]), ("none", vec![])] {
        let mut stage = Stage::new(&json!({}));
        let conn = stage.connect("alice");
        stage.admin("seed", json!({"channels": 1, "identity": "alice"}));
        let sid = stage.admin("state", json!({}))["channels"][0]["sid"].as_str().unwrap().to_owned();
        let document = json!({"type": "document", "id": format!("{sid}.channel")});
        let seen = stage.admin("sync", document.clone());
        let entry = json!({"object_sid": seen["sid"], "object_type": "document", "last_event_id": seen["last_event_id"]});
        assert_eq!(stage.poke(conn, 3, json!([entry])).len(), 1);
        stage.admin("burst", json!({"channel": sid, "count": 3, "author": "alice", "lastMessage": show}));
        let told = stage.events(conn);
        let told: Vec<_> =
            told.iter().map(|(_, p)| &p["event"]["document_data"]["lastMessage"]["index"]).collect();
        assert_eq!(told, shown, "{show}");
        let last = stage.admin("sync", document)["data"]["lastMessage"]["index"].clone();
        assert_eq!(last, shown.last().map_or(Value::Null, |last| json!(last)), "{show}");
        assert_eq!(stage.admin("messages", json!({"channel": sid})).as_array().unwrap().len(), 3, "{show}");
    }
    let mut stage = Stage::new(&json!({}));
    stage.admin("seed", json!({"channels": 1, "identity": "alice"}));
    let wrong = json!({"channel": "seed-00000", "count": 1, "author": "alice", "lastMessage": "nome"});
    assert_eq!(status(&mut stage, "burst", &wrong), 400);
}

#[test]
fn seeded_channels_have_unique_names_unless_they_are_to_have_none() {
    let mut stage = Stage::new(&json!({}));
    let seed = json!({"channels": 2, "identity": "alice", "unique": false, "prefix": "room"});
    // Without names nothing stands in the way of as many again.
    stage.admin("seed", seed.clone());
    stage.admin("seed", seed);
    let named = json!({"channels": 1, "identity": "alice", "prefix": "room"});
    stage.admin("seed", named.clone());
    assert_eq!(status(&mut stage, "seed", &named), 500);
    let state = stage.admin("state", json!({}));
    let names = |what: &str| {
        state["channels"].as_array().unwrap().iter().map(|channel| channel[what].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        names("uniqueName"),
        [json!(null), json!(null), json!(null), json!(null), json!("room-00000")]
    );
    assert_eq!(names("friendlyName"), ["room 00000", "room 00001", "room 00000", "room 00001", "room 00000"]);
}

#[test]
fn connections_count_what_passes() {
    let mut stage = Stage::new(&json!({}));
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    let stats = |stage: &mut Stage, conn: u64| {
        let all = stage.admin("connections", json!({}));
        all.as_array().unwrap().iter().find(|one| one["conn"] == conn).unwrap()["stats"].clone()
    };
    // `init`, the notification context, and their answers.
    assert_eq!(stats(&mut stage, alice), json!({"in": 2, "out": 2, "acks": 0, "pings": 0}));
    for _ in 0..3 {
        stage.admin("ping", json!({"identity": "alice"}));
    }
    assert_eq!(stats(&mut stage, alice), json!({"in": 2, "out": 5, "acks": 0, "pings": 3}));
    let ping = stage.received(alice).pop().unwrap().header;
    assert_eq!(ping["method"], "ping");
    stage.send(
        alice,
        json!({"method": "reply", "id": ping["id"], "status": {"code": 200, "status": "OK"}}),
        "",
    );
    assert_eq!(stats(&mut stage, alice), json!({"in": 3, "out": 5, "acks": 1, "pings": 3}));
    assert_eq!(stats(&mut stage, bob), json!({"in": 2, "out": 2, "acks": 0, "pings": 0}));
}

#[test]
fn closing_with_a_frame_carries_the_backoff() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    stage.admin(
        "close",
        json!({"identity": "alice", "code": 308, "backoffMs": 2500, "closeSocketAfterMs": 10}),
    );
    let close = stage.received(conn).remove(0);
    assert_eq!((&close.header["method"], &close.header["status"]["code"]), (&json!("close"), &json!(308)));
    assert_eq!(close.payload["backoff_policy"]["reconnect_min_ms"], 2500);
    stage.wait(10);
    assert_eq!(stage.closed, [(conn, Some(1000))]);
}

#[test]
fn an_expired_token_is_closed_and_refused() {
    let mut stage = Stage::new(&json!({}));
    let (token, conn) = (stage.token("alice"), stage.open());
    stage.init(conn, &token);
    stage.admin("expireToken", json!({"identity": "alice"}));
    assert_eq!(stage.received(conn)[0].header["status"]["code"], 410);
    let conn = stage.open();
    assert_eq!(stage.init(conn, &token).header["status"]["errorCode"], 20_104);
}

#[test]
fn a_session_can_be_lost() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let items = stage.session(conn);
    stage.admin("dropSession", json!({"identity": "alice", "silent": true}));
    assert!(stage.received(conn).is_empty());
    let body = json!({"data": {"request": {"action": "createChannel"}, "commandId": "x"}});
    let (status, error) = stage.http(conn, "POST", &items, body);
    assert_eq!((status, &error["code"]), (404, &json!(54_150)));
    stage.session(conn);
    stage.received(conn);
    stage.admin("dropSession", json!({"identity": "alice"}));
    assert_eq!(stage.event_types(conn), ["list_removed"]);
}

#[test]
fn any_frame_can_be_sent() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    stage.admin("frame", json!({"header": {"method": "odd", "id": "TM1"}, "payload": {"a": 1}}));
    let odd = stage.received(conn).remove(0);
    assert_eq!((&odd.header["method"], &odd.header["payload_size"]), (&json!("odd"), &json!(7)));
    assert_eq!(odd.payload, json!({"a": 1}));
    assert_eq!(stage.admin("connections", json!({}))[0]["unacked"], 1);
}

/// A history with everything in it that draws ids or dates.
fn history(seed: &str) -> Vec<Vec<u8>> {
    let mut stage = Stage::new(&json!({"seed": seed, "pingIntervalMs": 700, "latencyMs": 3}));
    stage.admin("seed", json!({"channels": 3, "identity": "alice", "messages": 2}));
    let (token, conn) = (stage.token("alice"), stage.open());
    stage.send(conn, json!({"method": "init", "token": token, "capabilities": ["client_update"]}), "");
    stage.wait(1000);
    stage.ask(conn, "POST", "/v3/Lists", &json!({}), r#"{"purpose":"com.twilio.rtd.ipmsg","context":{}}"#);
    stage.wait(1000);
    stage.ask(conn, "GET", "/v3/Maps/alice.channels?Include=items", &json!({}), "");
    stage.wait(1000);
    stage.sent
}

#[test]
fn the_same_history_gives_the_same_bytes() {
    let first = history("ref");
    assert!(first.len() > 5);
    assert_eq!(first, history("ref"));
    assert_ne!(first, history("other"));
}

#[test]
fn ids_differ_between_seeds() {
    let user = |seed: u64| {
        let mut service = Service::new(ServiceConfig::default(), seed, Time::ZERO);
        service.admin(Time::ZERO, "user", &json!({"identity": "alice"})).unwrap()["sid"].clone()
    };
    assert_eq!(user(0), "US250727f59b7dc69856d87c6260fba733", "the recordings' own");
    assert_ne!(user(1), user(0));
    assert_ne!(user(1), user(2));
}
