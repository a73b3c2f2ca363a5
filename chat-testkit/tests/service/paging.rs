//! Pages of items: every edge that the log of s02 shows, and the ones between.

use serde_json::{Value, json};

use crate::support::{Stage, path};

struct List {
    stage: Stage,
    conn: u64,
    items: String,
}

/// What the SDK makes of a page: keys, and whether there is a page after and before it in the query's order.
type Page = (Vec<u64>, bool, bool);

impl List {
    /// A list with indexes 0 to 10.
    fn new() -> Self {
        let mut stage = Stage::new(&json!({}));
        let conn = stage.connect("alice");
        let (_, list) = stage.http(conn, "POST", "/v3/Lists", json!({}));
        let items = path(&list["links"]["items"]);
        for n in 0..11 {
            stage.http(conn, "POST", &items, json!({"data": {"n": n}}));
        }
        Self { stage, conn, items }
    }

    fn get(&mut self, query: &str) -> (Page, Value) {
        let (status, body) =
            self.stage.http(self.conn, "GET", &format!("{}?{query}", self.items), Value::Null);
        assert_eq!(status, 200, "{query}: {body}");
        let keys =
            body["items"].as_array().unwrap().iter().map(|item| item["index"].as_u64().unwrap()).collect();
        let meta = &body["meta"];
        ((keys, !meta["next_token"].is_null(), !meta["previous_token"].is_null()), meta.clone())
    }

    fn follow(&mut self, meta: &Value, token: &str) -> (Page, Value) {
        let token = meta[token].as_str().unwrap().to_owned();
        self.get(&format!("PageToken={token}"))
    }
}

#[test]
fn backwards_from_the_end_and_forth_again() {
    let mut list = List::new();
    let (page, meta) = list.get("PageSize=4&Order=desc");
    assert_eq!(page, (vec![10, 9, 8, 7], true, false));
    let (page, meta) = list.follow(&meta, "next_token");
    assert_eq!(page, (vec![6, 5, 4, 3], true, true));
    let (page, meta) = list.follow(&meta, "next_token");
    assert_eq!(page, (vec![2, 1, 0], false, true));
    let (page, meta) = list.follow(&meta, "previous_token");
    assert_eq!(page, (vec![6, 5, 4, 3], true, true));
    assert_eq!(list.follow(&meta, "previous_token").0, (vec![10, 9, 8, 7], true, false));
}

#[test]
fn forward_from_an_anchor() {
    let mut list = List::new();
    let (page, meta) = list.get("From=2&PageSize=3&Order=asc");
    assert_eq!(page, (vec![2, 3, 4], true, true));
    let (_, meta) = list.follow(&meta, "next_token");
    let (page, meta) = list.follow(&meta, "next_token");
    assert_eq!(page, (vec![8, 9, 10], false, true));
    assert_eq!(list.follow(&meta, "previous_token").0, (vec![5, 6, 7], true, true));
}

#[test]
fn anchors_at_and_beyond_the_edges() {
    let mut list = List::new();
    for (query, expected) in [
        ("From=5&PageSize=3&Order=desc", (vec![5, 4, 3], true, true)),
        ("From=0&PageSize=3&Order=desc", (vec![0], false, true)),
        ("From=100&PageSize=3&Order=asc", (vec![], false, true)),
        ("From=100&PageSize=3&Order=desc", (vec![10, 9, 8], true, false)),
        ("From=10&PageSize=1&Order=asc", (vec![10], false, true)),
        ("From=5&Bounds=exclusive&PageSize=2&Order=asc", (vec![6, 7], true, true)),
        ("PageSize=11&Order=asc", ((0..11).collect(), false, false)),
        ("PageSize=30&Order=desc", ((0..11).rev().collect(), false, false)),
    ] {
        assert_eq!(list.get(query).0, expected, "{query}");
    }
    let (_, meta) = list.get("From=100&PageSize=3&Order=asc");
    assert_eq!(list.follow(&meta, "previous_token").0, (vec![8, 9, 10], false, true));
}

#[test]
fn one_item_or_an_empty_page() {
    let mut list = List::new();
    assert_eq!(list.get("Index=3").0, (vec![3], false, false));
    assert_eq!(list.get("Index=33").0, (vec![], false, false));
}

#[test]
fn a_token_survives_what_happens_to_the_items_around_it() {
    let mut list = List::new();
    let (_, meta) = list.get("PageSize=3&Order=asc");
    for index in [1, 2, 3, 4] {
        list.stage.http(list.conn, "DELETE", &format!("{}/{index}", list.items), Value::Null);
    }
    assert_eq!(list.follow(&meta, "next_token").0, (vec![5, 6, 7], true, true));
}

#[test]
fn sizes_are_clamped_and_rubbish_is_refused() {
    let mut list = List::new();
    list.stage.admin("config", json!({"maxPageSize": 2}));
    assert_eq!(list.get("PageSize=50&Order=asc").0.0, [0, 1]);
    assert_eq!(list.get("PageSize=0&Order=asc").0.0, [0]);
    for query in ["PageToken=rubbish", "PageToken=e30", "PageSize=x", "From=x"] {
        let (status, _) = list.stage.http(list.conn, "GET", &format!("{}?{query}", list.items), Value::Null);
        assert_eq!(status, 400, "{query}");
    }
}

#[test]
fn maps_are_in_the_order_of_their_keys() {
    let mut stage = Stage::new(&json!({}));
    let conn = stage.connect("alice");
    let (_, map) = stage.http(conn, "POST", "/v3/Maps", json!({}));
    let items = path(&map["links"]["items"]);
    for key in ["b", "a", "C", "10", "9"] {
        stage.http(conn, "PUT", &format!("{items}/{key}"), json!({"data": {}}));
    }
    let (_, page) = stage.http(conn, "GET", &format!("{items}?PageSize=3&Order=asc"), Value::Null);
    let keys =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|i| i["key"].clone()).collect::<Vec<_>>();
    assert_eq!(keys(&page), ["10", "9", "C"]);
    let token = page["meta"]["next_token"].as_str().unwrap();
    let (_, page) = stage.http(conn, "GET", &format!("{items}?PageToken={token}"), Value::Null);
    assert_eq!(keys(&page), ["a", "b"]);
    let (_, page) = stage.http(conn, "GET", &format!("{items}?PageSize=50&Key=a&Order=asc"), Value::Null);
    assert_eq!(keys(&page), ["a"]);
}
