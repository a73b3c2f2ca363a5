//! Documents, lists and maps over REST.

use serde_json::{Value, json};

use crate::support::{Stage, path};

#[test]
fn numbers_and_revisions_are_those_of_the_service() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (status, document) =
        stage.http(conn, "POST", "/v3/Documents", json!({"unique_name": "d", "data": {"a": 1}}));
    assert_eq!((status, &document["last_event_id"], &document["revision"]), (201, &json!(0), &json!("0")));
    assert!(document.get("data").is_none(), "a write is answered without data");
    let url = path(&document["url"]);
    let (_, document) = stage.http(conn, "POST", &url, json!({"data": {"a": 2}}));
    assert_eq!((&document["last_event_id"], &document["revision"]), (&json!(1), &json!("1")));
    assert_eq!(stage.http(conn, "GET", "/v3/Documents/d", Value::Null).1["data"], json!({"a": 2}));

    let (_, list) = stage.http(conn, "POST", "/v3/Lists", json!({"unique_name": "l"}));
    assert_eq!((&list["last_event_id"], &list["revision"]), (&json!(-1), &json!("0")));
    let items = path(&list["links"]["items"]);
    for index in 0..12 {
        let (status, item) = stage.http(conn, "POST", &items, json!({"data": {"n": index}}));
        assert_eq!((status, &item["index"], &item["last_event_id"]), (201, &json!(index), &json!(index)));
        assert_eq!(item["revision"], format!("{index:x}"));
    }
    let (_, list) = stage.http(conn, "GET", "/v3/Lists/l", Value::Null);
    assert_eq!((&list["last_event_id"], &list["revision"]), (&json!(11), &json!("c")));
}

#[test]
fn a_removed_item_is_answered_with_the_removal_and_its_index_is_not_used_again() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (_, list) = stage.http(conn, "POST", "/v3/Lists", json!({}));
    let items = path(&list["links"]["items"]);
    stage.http(conn, "POST", &items, json!({"data": 1}));
    let (status, removed) = stage.http(conn, "DELETE", &format!("{items}/0"), Value::Null);
    assert_eq!((status, &removed["last_event_id"]), (200, &json!(1)));
    assert_eq!(stage.http(conn, "DELETE", &format!("{items}/0"), Value::Null).1["code"], 54_151);
    assert_eq!(stage.http(conn, "POST", &items, json!({"data": 2})).1["index"], 1);
}

#[test]
fn if_match_guards_writes() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({"unique_name": "m"}));
    let item = format!("{}/k", path(&map["links"]["items"]));
    let mut put = |revision: &str, n: u64| {
        let headers = json!({"If-Match": revision});
        stage.http_with(conn, "PUT", &item, &headers, json!({"data": {"n": n}}))
    };
    assert_eq!(put("-1", 1).0, 201);
    assert_eq!((put("-1", 2).0, put("-1", 2).1["code"].clone()), (412, json!(54_205)));
    assert_eq!(put("0", 3).0, 200);
    assert_eq!(put("0", 4).0, 412);
    assert_eq!(put("\"1\"", 5).0, 200, "quoted revisions count too");
    assert_eq!(stage.http(conn, "GET", &item, Value::Null).1["data"], json!({"n": 5}));
    let (_, document) = stage.http(conn, "POST", "/v3/Documents", json!({}));
    let url = path(&document["url"]);
    let (status, error) = stage.http_with(conn, "POST", &url, &json!({"If-Match": "7"}), json!({"data": {}}));
    assert_eq!((status, &error["code"]), (412, &json!(54_103)));
}

#[test]
fn errors_have_the_codes_of_the_service() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    stage.http(conn, "POST", "/v3/Maps", json!({"unique_name": "taken"}));
    let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({}));
    let items = path(&map["links"]["items"]);
    let sid = |prefix: &str| format!("{prefix}{}", "0".repeat(32));
    let long = "x".repeat(321);
    let cases = [
        ("GET", "/v3/Documents/nobody".to_owned(), Value::Null, 404, 54_300),
        ("GET", format!("/v3/Documents/{}", sid("ET")), Value::Null, 404, 54_100),
        ("GET", format!("/v3/Lists/{}", sid("ES")), Value::Null, 404, 54_150),
        ("GET", format!("/v3/Maps/{}", sid("MP")), Value::Null, 404, 54_200),
        ("POST", "/v3/Maps".to_owned(), json!({"unique_name": "taken"}), 409, 54_301),
        ("POST", "/v3/Maps".to_owned(), json!({"unique_name": ""}), 400, 54_302),
        ("POST", "/v3/Maps".to_owned(), json!({"unique_name": long}), 400, 54_302),
        ("POST", "/v3/Maps".to_owned(), json!({"unique_name": sid("CH")}), 400, 54_302),
        ("POST", "/v3/Maps".to_owned(), json!({"ttl": -1}), 400, 54_011),
        ("POST", "/v3/Maps".to_owned(), json!({"ttl": 31_536_001}), 400, 54_011),
        ("POST", items.clone(), json!({"key": "", "data": 1}), 400, 54_209),
        ("GET", format!("{items}/k"), Value::Null, 404, 54_201),
        ("PUT", format!("{items}/k"), json!({}), 400, 54_010),
        ("GET", "/v3/Maps/nobody.channels".to_owned(), Value::Null, 404, 54_300),
    ];
    for (method, url, body, status, code) in cases {
        let (got, error) = stage.http(conn, method, &url, body);
        assert_eq!(
            (got, &error["code"], &error["status"]),
            (status, &json!(code), &json!(status)),
            "{method} {url}"
        );
    }
    stage.http(conn, "POST", &items, json!({"key": "k", "data": 1}));
    assert_eq!(stage.http(conn, "POST", &items, json!({"key": "k", "data": 1})).1["code"], 54_208);
}

#[test]
fn what_belongs_to_others_is_forbidden() {
    let mut stage = Stage::new(&json!({}));
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    assert_eq!(stage.http(alice, "GET", "/v3/Maps/alice.channels", Value::Null).0, 200);
    let (status, error) = stage.http(bob, "GET", "/v3/Maps/alice.channels", Value::Null);
    assert_eq!((status, &error["code"]), (403, &json!(54_007)));
    let (_, map) = stage.http(alice, "GET", "/v3/Maps/alice.channels", Value::Null);
    let item = format!("{}/CH1", path(&map["links"]["items"]));
    assert_eq!(
        stage.http(alice, "PUT", &item, json!({"data": {}})).0,
        403,
        "Chat's own objects are read only"
    );
}

#[test]
fn names_are_decoded_and_items_with_odd_keys_are_found_by_their_urls() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("zoë/x y");
    assert_eq!(stage.http(conn, "GET", "/v3/Maps/zo%C3%AB%2Fx%20y.channels", Value::Null).0, 200);
    let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({}));
    let items = path(&map["links"]["items"]);
    let (_, item) = stage.http(conn, "POST", &items, json!({"key": "a/b c?", "data": 1}));
    let url = path(&item["url"]);
    assert!(url.ends_with("/a%2Fb%20c%3F"), "{url}");
    assert_eq!(stage.http(conn, "GET", &url, Value::Null).1["data"], 1);
}

#[test]
fn a_time_to_live_becomes_a_date() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (_, list) = stage.http(conn, "POST", "/v3/Lists", json!({"ttl": 60}));
    assert_eq!(list["date_expires"], "2023-11-14T22:14:20.000Z");
    let url = path(&list["url"]);
    assert_eq!(stage.http(conn, "POST", &url, json!({"ttl": 0})).1["date_expires"], Value::Null);
    let items = path(&list["links"]["items"]);
    stage.http(conn, "POST", &items, json!({"data": 1, "ttl": 1}));
    stage.http(conn, "POST", &items, json!({"data": 2}));
    stage.wait(1001);
    let count = |body: Value| body["items"].as_array().unwrap().len();
    assert_eq!(count(stage.http(conn, "GET", &format!("{items}?HideExpired=true"), Value::Null).1), 1);
    assert_eq!(count(stage.http(conn, "GET", &items, Value::Null).1), 2);
}
