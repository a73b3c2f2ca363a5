//! Sessions, commands, typing, read horizons.

use serde_json::{Value, json};

use crate::support::{Stage, path};

/// Somebody with a session.
struct Person {
    conn: u64,
    items: String,
}

fn person(stage: &mut Stage, identity: &str) -> Person {
    let conn = stage.connect(identity);
    let items = stage.session(conn);
    Person { conn, items }
}

impl Person {
    fn give(&self, stage: &mut Stage, action: &str, params: Value) -> Value {
        stage.command(self.conn, &self.items, action, params)
    }

    fn create(&self, stage: &mut Stage, kind: &str) -> String {
        let response = self.give(stage, "createChannel", json!({"type": kind, "attributes": "{}"}));
        response["channelSid"].as_str().unwrap().to_owned()
    }

    /// Hears of an object from now on.
    fn watch(&self, stage: &mut Stage, collection: &str, name: &str) {
        let (status, root) = stage.http(self.conn, "GET", &format!("/v3/{collection}/{name}"), Value::Null);
        assert_eq!(status, 200, "{name}: {root}");
        let kind = match collection {
            "Documents" => "document",
            "Lists" => "list",
            _ => "map",
        };
        let entry =
            json!({"object_sid": root["sid"], "object_type": kind, "last_event_id": root["last_event_id"]});
        let events = stage.poke(self.conn, 3, json!([entry]));
        assert_eq!(events.last().unwrap().0, "subscription_established");
    }

    /// What happened to others' objects, without the session list's own events.
    fn heard(&self, stage: &mut Stage) -> Vec<String> {
        let events = stage.events(self.conn).into_iter();
        events
            .filter(|(_, payload)| !payload["event"]["item_data"]["commandId"].is_string())
            .map(|(event_type, _)| event_type)
            .collect()
    }
}

#[test]
fn the_context_is_bare_at_first_and_complete_with_event_0() {
    let mut stage = Stage::new(&json!({"httpCacheInterval": "PT9S"}));
    let conn = stage.connect("alice");
    let body =
        json!({"purpose": "com.twilio.rtd.ipmsg", "context": {"type": "IpMsgSession", "apiVersion": "3"}});
    let (_, list) = stage.http(conn, "POST", "/v3/Lists", body);
    assert!(list["sid"].as_str().unwrap().starts_with("SH"));
    let context = path(&list["links"]["context"]);
    let (_, bare) = stage.http(conn, "GET", &context, Value::Null);
    assert_eq!((&bare["last_event_id"], bare["data"].get("identity")), (&json!(-1), None));
    let entry = json!({"object_sid": list["sid"], "object_type": "list", "last_event_id": -1});
    let events = stage.poke(conn, 3, json!([entry]));
    assert_eq!(events[0].1["event"]["last_event_id"], -1);
    let event = &events[1].1["event"];
    assert_eq!((&event["id"], &event["list_revision"]), (&json!(0), &json!("1")));
    let data = &event["context_data"];
    assert_eq!((&data["identity"], &data["myChannels"]), (&json!("alice"), &json!("alice.channels")));
    assert_eq!((&data["apiVersion"], &data["httpCacheInterval"]), (&json!("3"), &json!("PT9S")));
    for link in ["publicChannelsUrl", "myChannelsUrl", "syncListUrl", "usersUrl"] {
        let url = data["links"][link].as_str().unwrap();
        assert_eq!(stage.http(conn, "GET", url, Value::Null).0, 200, "{link}");
    }
    let info = format!("/v3/Maps/{}?Include=items", data["userInfo"].as_str().unwrap());
    let (_, info) = stage.http(conn, "GET", &info, Value::Null);
    let keys: Vec<&Value> = info["items"].as_array().unwrap().iter().map(|item| &item["key"]).collect();
    assert_eq!(keys, ["attributes", "friendlyName", "reachability"]);
}

#[test]
fn the_context_can_be_early_or_late() {
    let body = json!({"purpose": "com.twilio.rtd.ipmsg", "context": {}});
    let mut stage = Stage::new(&json!({"contextEnrich": "immediate"}));
    let conn = stage.connect("alice");
    let (_, list) = stage.http(conn, "POST", "/v3/Lists", body.clone());
    assert_eq!(list["last_event_id"], -1, "the answer is that of the list's creation");
    let entry = json!({"object_sid": list["sid"], "object_type": "list", "last_event_id": -1});
    let events = stage.poke(conn, 3, json!([entry]));
    assert_eq!(events[0].0, "list_context_updated");

    let mut stage = Stage::new(&json!({"contextEnrich": 500}));
    let conn = stage.connect("alice");
    let (_, list) = stage.http(conn, "POST", "/v3/Lists", body);
    let entry = json!({"object_sid": list["sid"], "object_type": "list", "last_event_id": -1});
    assert_eq!(stage.poke(conn, 3, json!([entry])).len(), 1);
    stage.wait(500);
    assert_eq!(stage.event_types(conn), ["list_context_updated"]);
}

#[test]
fn a_message_is_in_the_list_then_in_the_document_then_answered() {
    let mut stage = Stage::new(&json!({}));
    let alice = person(&mut stage, "alice");
    let sid = alice.create(&mut stage, "public");
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    for (collection, what) in [("Documents", "channel"), ("Lists", "messages"), ("Maps", "roster")] {
        alice.watch(&mut stage, collection, &format!("{sid}.{what}"));
    }
    let response =
        alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": "hi", "attributes": "{}"}));
    assert_eq!((&response["status"], &response["messageId"]), (&json!(200), &json!("0")));
    let events = stage.event_types(alice.conn);
    assert_eq!(events, ["list_item_added", "list_item_added", "document_updated", "list_item_updated"]);
}

#[test]
fn a_response_can_come_before_what_it_did() {
    let mut stage = Stage::new(&json!({"responseFirst": true}));
    let alice = person(&mut stage, "alice");
    let sid = alice.create(&mut stage, "public");
    alice.watch(&mut stage, "Maps", "alice.channels");
    stage.received(alice.conn);
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    assert_eq!(stage.event_types(alice.conn), ["list_item_added", "list_item_updated", "map_item_added"]);
}

#[test]
fn the_same_command_twice_is_executed_twice() {
    let mut stage = Stage::new(&json!({}));
    let alice = person(&mut stage, "alice");
    let sid = alice.create(&mut stage, "public");
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    // `give` uses one and the same `commandId` for everything.
    for index in ["0", "1"] {
        let response = alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": "hi"}));
        assert_eq!(response["messageId"], index);
    }
    assert_eq!(stage.admin("messages", json!({"channel": sid})).as_array().unwrap().len(), 2);
}

#[test]
fn refusals_have_the_texts_of_the_logs() {
    let mut stage = Stage::new(&json!({"maxMessageBytes": 10, "maxAttributesBytes": 20}));
    let (alice, bob) = (person(&mut stage, "alice"), person(&mut stage, "bob"));
    let sid = alice.create(&mut stage, "public");
    let secret = alice.create(&mut stage, "private");
    alice.give(&mut stage, "editUniqueName", json!({"channelSid": sid, "uniqueName": "general"}));
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    alice.give(&mut stage, "inviteMember", json!({"channelSid": sid, "username": "bob"}));
    let message = alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": "hi"}));
    assert_eq!(message["status"], 200);
    let cases = [
        (
            &alice,
            "createChannel",
            json!({"uniqueName": "general"}),
            409,
            "Channel with provided unique name already exists",
        ),
        (&alice, "joinChannelV2", json!({"channelSid": sid}), 409, "Member already exists"),
        (
            &alice,
            "addMemberV2",
            json!({"channelSid": sid, "username": "alice"}),
            409,
            "Member already exists",
        ),
        (&alice, "inviteMember", json!({"channelSid": sid, "username": "bob"}), 409, "Invite already exists"),
        (
            &alice,
            "sendMessage",
            json!({"channelSid": sid, "text": "12345678901"}),
            413,
            "Message body too long",
        ),
        (
            &alice,
            "sendMessage",
            json!({"channelSid": sid, "text": "x", "attributes": "x".repeat(9)}),
            400,
            "Attributes not valid",
        ),
        (
            &alice,
            "editAttributes",
            json!({"channelSid": sid, "attributes": format!("\"{}\"", "x".repeat(20))}),
            413,
            "Attributes too long",
        ),
        (&alice, "deleteMessage", json!({"channelSid": sid, "messageIdx": "7"}), 404, "Message not found"),
        (
            &alice,
            "editNotificationLevel",
            json!({"channelSid": sid, "notificationLevel": "loud"}),
            400,
            "Notification level not valid",
        ),
        (&alice, "removeMember", json!({"channelSid": sid, "username": "zoe"}), 404, "Member not found"),
        (
            &alice,
            "editUserAttributes",
            json!({"username": "bob", "attributes": "{}"}),
            403,
            "User unauthorized for command",
        ),
        (&alice, "sendMessage", json!({"text": "x"}), 400, "Malformed command"),
        (&alice, "dance", json!({}), 400, "Unknown command"),
        (&bob, "sendMessage", json!({"channelSid": sid, "text": "x"}), 403, "User not member of channel"),
        (&bob, "leaveChannel", json!({"channelSid": sid}), 403, "User not member of channel"),
        (&bob, "destroyChannel", json!({"channelSid": sid}), 403, "User unauthorized for command"),
        (&bob, "joinChannelV2", json!({"channelSid": secret}), 404, "Channel not found"),
        (&bob, "joinChannelV2", json!({"channelSid": "CH0"}), 404, "Channel not found"),
    ];
    for (who, action, params, status, text) in cases {
        let response = who.give(&mut stage, action, params.clone());
        assert_eq!(
            (&response["status"], &response["statusText"]),
            (&json!(status), &json!(text)),
            "{action} {params}"
        );
    }
}

#[test]
fn who_left_hears_of_it_and_of_nothing_after_it() {
    let mut stage = Stage::new(&json!({}));
    let (alice, bob) = (person(&mut stage, "alice"), person(&mut stage, "bob"));
    let sid = alice.create(&mut stage, "private");
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    alice.give(&mut stage, "addMemberV2", json!({"channelSid": sid, "username": "bob"}));
    for (collection, what) in [("Lists", "messages"), ("Maps", "roster"), ("Documents", "channel")] {
        bob.watch(&mut stage, collection, &format!("{sid}.{what}"));
    }
    bob.watch(&mut stage, "Maps", "bob.channels");
    bob.give(&mut stage, "leaveChannel", json!({"channelSid": sid}));
    assert_eq!(bob.heard(&mut stage), ["map_item_removed", "map_item_removed"]);
    alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": "private now"}));
    assert_eq!(bob.heard(&mut stage), Vec::<String>::new());
    for what in ["Documents", "Lists", "Maps"] {
        let name = format!(
            "/v3/{what}/{sid}.{}",
            if what == "Documents" {
                "channel"
            } else if what == "Lists" {
                "messages"
            } else {
                "roster"
            }
        );
        assert_eq!(stage.http(bob.conn, "GET", &name, Value::Null).1["code"], 54_007, "{name}");
    }
}

#[test]
fn private_channels_are_known_to_their_people_only() {
    let mut stage = Stage::new(&json!({}));
    let (alice, bob) = (person(&mut stage, "alice"), person(&mut stage, "bob"));
    let sid = alice.create(&mut stage, "private");
    let services = "/v1/Services/IS00000000000000000000000000000001";
    let url = format!("{services}/Channels/{sid}");
    assert_eq!(stage.http(alice.conn, "GET", &url, Value::Null).1["status"], "known");
    assert_eq!(stage.http(bob.conn, "GET", &url, Value::Null).1["code"], 50_300);
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    alice.give(&mut stage, "inviteMember", json!({"channelSid": sid, "username": "bob"}));
    assert_eq!(stage.http(bob.conn, "GET", &url, Value::Null).1["status"], "invited");
    assert_eq!(
        stage.http(bob.conn, "GET", &format!("{services}/Channels"), Value::Null).1["channels"],
        json!([])
    );
    assert_eq!(stage.http(bob.conn, "GET", &format!("/v3/Documents/{sid}.channel"), Value::Null).0, 200);
    bob.give(&mut stage, "declineInvitation", json!({"channelSid": sid}));
    assert_eq!(stage.http(bob.conn, "GET", &format!("/v3/Documents/{sid}.channel"), Value::Null).0, 403);
}

#[test]
fn a_destroyed_channel_leaves_nothing_behind() {
    let mut stage = Stage::new(&json!({}));
    let alice = person(&mut stage, "alice");
    let response = alice.give(&mut stage, "createChannel", json!({"uniqueName": "x", "type": "public"}));
    let sid = response["channelSid"].as_str().unwrap().to_owned();
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    alice.watch(&mut stage, "Documents", &format!("{sid}.channel"));
    alice.watch(&mut stage, "Maps", "alice.channels");
    alice.give(&mut stage, "destroyChannel", json!({"channelSid": sid}));
    assert_eq!(alice.heard(&mut stage), ["map_item_removed", "document_removed"]);
    assert_eq!(stage.admin("state", json!({}))["channels"], json!([]));
    let (status, error) = stage.http(alice.conn, "GET", &format!("/v3/Documents/{sid}.channel"), Value::Null);
    assert_eq!((status, &error["code"]), (404, &json!(54_100)));
    assert_eq!(error["message"], format!("Sync document {sid}.channel not found"));
    assert_eq!(
        alice.give(&mut stage, "createChannel", json!({"uniqueName": "x"}))["status"],
        200,
        "the name is free"
    );
}

#[test]
fn deleting_the_last_message_moves_it_back() {
    let mut stage = Stage::new(&json!({}));
    let alice = person(&mut stage, "alice");
    let sid = alice.create(&mut stage, "public");
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    for text in ["a", "b", "c"] {
        alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": text}));
    }
    let last =
        |stage: &mut Stage| stage.admin("state", json!({}))["channels"][0]["lastMessage"]["index"].clone();
    assert_eq!(last(&mut stage), 2);
    alice.give(&mut stage, "deleteMessage", json!({"channelSid": sid, "messageIdx": 1}));
    assert_eq!(last(&mut stage), 2);
    alice.give(&mut stage, "deleteMessage", json!({"channelSid": sid, "messageIdx": "2"}));
    assert_eq!(last(&mut stage), 0);
    alice.give(&mut stage, "deleteMessage", json!({"channelSid": sid, "messageIdx": "0"}));
    assert_eq!(last(&mut stage), Value::Null);
    let response = alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": "d"}));
    assert_eq!(response["messageId"], "3", "an index is never used twice");
}

#[test]
fn typing_reaches_every_connection_but_those_of_the_one_who_types() {
    let mut stage = Stage::new(&json!({"typingTimeout": 3}));
    let (alice, bob, other) = (person(&mut stage, "alice"), person(&mut stage, "bob"), stage.connect("bob"));
    let second = stage.connect("alice");
    let sid = alice.create(&mut stage, "public");
    for who in [&alice, &bob] {
        who.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    }
    for conn in [alice.conn, bob.conn, other, second] {
        stage.received(conn);
    }
    let id = stage.ask(bob.conn, "POST", "/v1/typing", &json!({}), &format!("ChannelSid={sid}"));
    assert_eq!(stage.reply(bob.conn, &id).unwrap().payload, json!({"typing_timeout": 3}));
    for conn in [alice.conn, second] {
        let frames = stage.received(conn);
        assert_eq!(frames[0].header["message_type"], "twilio.ipmsg.typing_indicator");
        assert_eq!(frames[0].payload, json!({"channel_sid": sid, "identity": "bob", "typing_timeout": 4}));
    }
    assert!(stage.received(other).is_empty() && stage.received(bob.conn).is_empty());
}

#[test]
fn read_horizons_count_what_lies_beyond_them() {
    let mut stage = Stage::new(&json!({}));
    let alice = person(&mut stage, "alice");
    let sid = alice.create(&mut stage, "public");
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    for _ in 0..4 {
        alice.give(&mut stage, "sendMessage", json!({"channelSid": sid, "text": "x"}));
    }
    alice.give(&mut stage, "deleteMessage", json!({"channelSid": sid, "messageIdx": "2"}));
    for (index, unread) in [(json!(1), 1), (json!(3), 0), (json!(0), 2), (Value::Null, 3)] {
        let report = json!({"report": [{"channelSid": sid, "messageIdx": index}, {"channelSid": "CH0", "messageIdx": 1}]});
        let response = alice.give(&mut stage, "consumptionReportV2", report);
        assert_eq!(response["report"][0]["unreadMessagesCount"], unread, "{index}");
        assert_eq!(response["report"][1]["unreadMessagesCount"], Value::Null);
    }
}

#[test]
fn reachability_follows_connections_and_devices() {
    let mut stage = Stage::new(&json!({"offlineDelayMs": 100}));
    let (alice, bob) = (person(&mut stage, "alice"), person(&mut stage, "bob"));
    let services = "/v1/Services/IS00000000000000000000000000000001";
    let (_, user) = stage.http(alice.conn, "GET", &format!("{services}/Users/bob"), Value::Null);
    alice.watch(&mut stage, "Maps", user["sync_unique_name"].as_str().unwrap());
    let seen = |stage: &mut Stage| {
        let events = stage.events(alice.conn);
        events.last().map(|(_, payload)| payload["event"]["item_data"].clone())
    };
    let body = json!({"channel_type": "fcm", "message_types": [], "data": {"registration_id": "device"}});
    let (status, registration) =
        stage.http(bob.conn, "POST", "/v1/registrations?productId=ip_messaging", body);
    assert_eq!(status, 201);
    assert_eq!(seen(&mut stage), Some(json!({"online": true, "notifiable": true})));
    let url = format!("/v1/registrations/{}?productId=ip_messaging", registration["id"].as_str().unwrap());
    assert_eq!(stage.http(bob.conn, "DELETE", &url, Value::Null).0, 204);
    assert_eq!(seen(&mut stage), Some(json!({"online": true, "notifiable": false})));
    stage.admin("drop", json!({"identity": "bob"}));
    assert_eq!(seen(&mut stage), None, "a quick return is not noticed");
    stage.wait(100);
    assert_eq!(seen(&mut stage), Some(json!({"online": false, "notifiable": false})));
}

#[test]
fn an_edit_has_a_date_of_its_own_however_fast_it_comes() {
    let mut stage = Stage::new(&json!({}));
    let alice = person(&mut stage, "alice");
    let sid = alice.create(&mut stage, "public");
    let document = format!("/v3/Documents/{sid}.channel");
    let mut dates = Vec::new();
    for n in 0..3 {
        alice.give(&mut stage, "editFriendlyName", json!({"channelSid": sid, "friendlyName": n.to_string()}));
        let (_, document) = stage.http(alice.conn, "GET", &document, Value::Null);
        dates.push(document["data"]["dateUpdated"].as_str().unwrap().to_owned());
    }
    assert!(dates.windows(2).all(|pair| pair[0] < pair[1]), "{dates:?}");
}

/// Somebody's own channels, as the service has them: name and status.
fn own(stage: &mut Stage, identity: &str) -> Value {
    let state = stage.admin("state", json!({}));
    let users = state["users"].as_array().unwrap();
    users.iter().find(|user| user["identity"] == identity).unwrap()["myChannels"].clone()
}

#[test]
fn the_creator_of_a_private_channel_keeps_it_if_so_set() {
    for keeps in [false, true] {
        let mut stage = Stage::new(&json!({"creatorKeepsPrivate": keeps}));
        let (alice, bob) = (person(&mut stage, "alice"), person(&mut stage, "bob"));
        let (secret, open) = (alice.create(&mut stage, "private"), alice.create(&mut stage, "public"));
        for sid in [&secret, &open] {
            alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
            alice.give(&mut stage, "addMemberV2", json!({"channelSid": sid, "username": "bob"}));
            for person in [&alice, &bob] {
                let left = person.give(&mut stage, "leaveChannel", json!({"channelSid": sid}));
                assert_eq!(left["status"], 200);
            }
        }
        // Only the creator's, and only the private one.
        let kept = if keeps { json!([{"channel": secret, "status": "known"}]) } else { json!([]) };
        assert_eq!(own(&mut stage, "alice"), kept);
        assert_eq!(own(&mut stage, "bob"), json!([]));
    }
}

#[test]
fn the_state_shows_who_is_invited() {
    let mut stage = Stage::new(&json!({}));
    let (alice, bob) = (person(&mut stage, "alice"), person(&mut stage, "bob"));
    let sid = alice.create(&mut stage, "private");
    alice.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}));
    let invites = |stage: &mut Stage| stage.admin("state", json!({}))["channels"][0]["invites"].clone();
    assert_eq!(invites(&mut stage), json!([]));
    for who in ["zoe", "bob"] {
        let invited = alice.give(&mut stage, "inviteMember", json!({"channelSid": sid, "username": who}));
        assert_eq!(invited["status"], 200);
    }
    assert_eq!(invites(&mut stage), json!(["bob", "zoe"]));
    assert_eq!(own(&mut stage, "bob"), json!([{"channel": sid, "status": "invited"}]));
    assert_eq!(bob.give(&mut stage, "joinChannelV2", json!({"channelSid": sid}))["status"], 200);
    assert_eq!(invites(&mut stage), json!(["zoe"]));
}
