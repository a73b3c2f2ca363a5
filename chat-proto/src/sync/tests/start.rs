//! Opening, creating, closing; the first pokes; the sequences of spec 02 §2.12.

use serde_json::json;
use std::vec::Vec;

use super::rig::{DOCUMENT, LIST, MAP, Rig, list_item, map_item, root};
use crate::sync::{Fate, Kind, Order, Output, Tag};
use crate::twilsock::{Method, RequestError, Retry};

#[test]
fn requests_look_as_recorded() {
    let mut rig = Rig::online();
    let entity = rig.cx.entity_id();
    rig.order(Order::Open { entity, kind: Kind::Map, name: "a b.info".into(), include_items: true });
    let (tag, request) = rig.take();
    assert_eq!(tag, Tag::Open(entity));
    assert_eq!((request.method, request.retry), (Method::Get, Retry::SyncRead));
    assert_eq!((&*request.url.host, request.url.path.as_str()), ("sync", "/v3/Maps/a%20b.info"));
    assert_eq!(request.url.query, [("Include".into(), "items".into())]);
    assert_eq!(request.body, None);
    let headers: Vec<(&str, &str)> = request.headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let [("Content-Type", "application/json"), ("Twilio-Sync-Client-Info", info), ("Twilio-Request-Id", id)] =
        headers[..]
    else {
        panic!("{headers:?}")
    };
    assert_eq!(
        info,
        concat!(
            r#"{"sdk":"rust","sdkVer":""#,
            env!("CARGO_PKG_VERSION"),
            r#"","os":null,"osVer":null,"pl":null,"plVer":null}"#
        )
    );
    assert!(id.len() == 34 && id.starts_with("RQ") && id[2..].chars().all(|c| c.is_ascii_hexdigit()), "{id}");
}

#[test]
fn normal_start() {
    let mut rig = Rig::online();
    let a = rig.open(Kind::Map, MAP, 5);
    let b = rig.open(Kind::Map, "MP2", -1);
    assert!((80..=120).contains(&rig.wait().unwrap()));
    rig.pass(120);
    let poke = rig.poke();
    assert_eq!(poke.action(), "establish");
    assert_eq!(poke.objects(), ["MP1:5", "MP2:-1"]);
    assert!((1_100..=1_120).contains(&poke.correlation_id), "the clock at sending: {}", poke.correlation_id);
    rig.accept(&poke);
    rig.replay(poke.correlation_id, "map_item_updated", &map_item(6, "k"));
    rig.completed(MAP, poke.correlation_id, 6);
    rig.completed("MP2", poke.correlation_id, -1);
    assert_eq!(rig.outputs.iter().map(Output::entity).collect::<Vec<_>>(), [Some(a), Some(a), Some(b)]);
    assert_eq!(rig.told(), [r#"Updated k {"v":6} New"#, "Subscribed", "Subscribed"]);
    // Converged: only the time to live is left.
    assert!(rig.wait().unwrap() > 80_000_000);
    rig.live("map_item_added", &map_item(7, "l"));
    assert_eq!(rig.told(), [r#"Added l {"v":7} New"#]);
    assert!(rig.sent.is_empty());
}

#[test]
fn an_object_that_cannot_be_opened() {
    let mut rig = Rig::online();
    for (status, body, expected) in [
        (
            404,
            r#"{"status":404,"code":54300,"message":"Unique name not found"}"#,
            "Unique name not found (status 404, code 54300)",
        ),
        (403, "", "the service refused (status 403, code 0)"),
        (429, "{}", "too many requests (status 429, code 0)"),
        (200, "nonsense", "the answer of the service cannot be read: not JSON (line 1, column 2)"),
        (200, r#"{"sid":""}"#, "the answer of the service cannot be read: an object without a SID"),
        (200, "{}", "the answer of the service cannot be read: not of the expected shape (line 1, column 2)"),
    ] {
        rig.order_open(Kind::List, "x");
        rig.answer_text(status, body);
        assert_eq!(rig.told(), [std::format!("OpenFailed {expected}")]);
    }
    rig.order_open(Kind::List, "x");
    rig.fail(RequestError::ShutDown);
    rig.order_open(Kind::List, "");
    assert_eq!(
        rig.told(),
        ["OpenFailed the client was shut down", "OpenFailed there is no such object (status 404, code 0)"]
    );
    assert_eq!((rig.sent.len(), rig.wait()), (0, None));
}

#[test]
fn a_list_is_created_until_it_succeeds() {
    let mut rig = Rig::online();
    let entity = rig.cx.entity_id();
    rig.order(Order::CreateList {
        entity,
        purpose: "com.twilio.rtd.ipmsg",
        context: r#"{"type":"IpMsgSession"}"#.into(),
    });
    let request = rig.fail(RequestError::Lost);
    assert_eq!(request.url.path, "/v3/Lists");
    assert_eq!(
        request.body.unwrap(),
        r#"{"purpose":"com.twilio.rtd.ipmsg","context":{"type":"IpMsgSession"}}"#
    );
    assert_eq!(request.retry, Retry::Never);
    // At once: the transport knows when it can be sent.
    for (status, least, most) in
        [(503, 6_400, 9_600), (500, 12_800, 19_200), (429, 25_600, 38_400), (503, 48_000, 72_000)]
    {
        rig.answer_text(status, "");
        assert!((least..=most).contains(&rig.wait().unwrap()), "{status}: {:?}", rig.wait());
        rig.pass(most);
    }
    rig.fail(RequestError::TimedOut);
    rig.pass(72_000);
    rig.answer(201, &root(LIST, -1));
    assert!(matches!(rig.output(), Output::Opened { entity: opened, data: None, .. } if opened == entity));
    rig.pass(120);
    assert_eq!(rig.poke().objects(), ["ES1:-1"]);
}

#[test]
fn a_list_that_may_not_be_created() {
    let mut rig = Rig::online();
    let entity = rig.cx.entity_id();
    rig.order(Order::CreateList { entity, purpose: "p", context: "{}".into() });
    rig.answer_text(403, r#"{"code":54007,"message":"no"}"#);
    rig.order(Order::CreateList { entity, purpose: "p", context: "{}".into() });
    rig.fail(RequestError::Refused { status: 400, code: 1, message: "bad".into() });
    assert_eq!(
        rig.told(),
        ["OpenFailed no (status 403, code 54007)", "OpenFailed refused by the transport: 400 bad (code 1)"]
    );
}

#[test]
fn closing_while_opening_or_creating_leaves_nothing() {
    let mut rig = Rig::online();
    let opening = rig.order_open(Kind::List, "x");
    rig.close(opening);
    assert_eq!((rig.sent.len(), rig.forgotten.len()), (0, 1));
    let creating = rig.cx.entity_id();
    rig.order(Order::CreateList { entity: creating, purpose: "p", context: "{}".into() });
    rig.answer_text(503, "");
    rig.close(creating);
    assert_eq!(rig.wait(), None);
    rig.reply(Tag::Open(opening), Err(RequestError::Lost));
    assert_eq!((rig.told().len(), rig.cx.stats.stale), (0, 1));
}

#[test]
fn a_document_is_opened_with_its_value() {
    let mut rig = Rig::online();
    rig.order_open(Kind::Document, "CH1.channel");
    rig.answer(200, &root(DOCUMENT, 3));
    let Output::Opened { data: Some(data), .. } = rig.output() else { panic!() };
    assert_eq!(data.get(), r#"{"value":3}"#);
}

#[test]
fn a_push_is_answered_once() {
    let mut rig = Rig::online();
    let list = rig.open_live(Kind::List, LIST, -1);
    rig.push(list, r#"{"commandId":"c"}"#);
    // Its own echo overtakes the answer.
    rig.live("list_item_added", &list_item(0, 0));
    let request = rig.answer(201, &json!({"index": 0, "last_event_id": 0, "url": "x"}));
    assert_eq!(request.body.unwrap(), r#"{"data":{"commandId":"c"}}"#);
    assert_eq!(request.url.path, "/v3/Services/IS1/Things/ES1/Items");
    assert_eq!(rig.told(), [r#"Added 0 {"v":0} New"#, "Pushed 0"]);
    rig.live("list_item_added", &list_item(0, 0));
    assert_eq!((rig.told().len(), rig.cx.stats.duplicates), (0, 1));
}

/// Of an event that comes again everything but the first is a duplicate, whether it was told or waits.
#[test]
fn duplicates_are_counted_wherever_they_are_noticed() {
    let mut rig = Rig::online();
    rig.open_live(Kind::List, LIST, -1);
    for (id, duplicates) in [(0, 0), (0, 1), (1, 1), (0, 2), (4, 2), (4, 3), (1, 4), (4, 5)] {
        rig.live("list_item_added", &list_item(id, id.try_into().unwrap()));
        assert_eq!(rig.cx.stats.duplicates, duplicates, "{id}");
    }
    assert_eq!(rig.told(), [r#"Added 0 {"v":0} New"#, r#"Added 1 {"v":1} New"#]);
}

#[test]
fn fates_of_pushes() {
    type Case = (Result<(u16, &'static str), RequestError>, Result<u64, (Fate, &'static str)>);
    let cases: Vec<Case> = [
        (Ok((201, r#"{"index":"7"}"#)), Ok(7)),
        (
            Ok((429, r#"{"code":54009,"message":"slow"}"#)),
            Err((Fate::NotExecuted, "slow (status 429, code 54009)")),
        ),
        (
            Ok((404, r#"{"code":54150}"#)),
            Err((Fate::NotExecuted, "there is no such object (status 404, code 54150)")),
        ),
        (Ok((500, "")), Err((Fate::Unknown, "the service refused (status 500, code 0)"))),
        (Ok((503, "")), Err((Fate::Unknown, "the service refused (status 503, code 0)"))),
        (
            Ok((201, "{}")),
            Err((
                Fate::Unknown,
                "the answer of the service cannot be read: not of the expected shape (line 1, column 2)",
            )),
        ),
        (
            Err(RequestError::Lost),
            Err((Fate::Unknown, "whether it was executed is not known (waiting for the answer)")),
        ),
        (
            Err(RequestError::TimedOut),
            Err((Fate::Unknown, "whether it was executed is not known (waiting for the answer)")),
        ),
        (
            Err(RequestError::Refused { status: 401, code: 20104, message: "expired".into() }),
            Err((Fate::NotExecuted, "refused by the transport: 401 expired (code 20104)")),
        ),
        (Err(RequestError::ShutDown), Err((Fate::NotExecuted, "the client was shut down"))),
    ]
    .into();
    let mut rig = Rig::online();
    let list = rig.open_live(Kind::List, LIST, -1);
    for (answer, expected) in cases {
        rig.push(list, "1");
        match answer {
            Ok((status, body)) => rig.answer_text(status, body),
            Err(error) => rig.fail(error),
        };
        let expected = match expected {
            Ok(index) => std::format!("Pushed {index}"),
            Err((fate, error)) => std::format!("PushFailed {fate:?} {error}"),
        };
        assert_eq!(rig.told(), [expected]);
    }
    rig.close(list);
    rig.push(list, "1");
    assert_eq!(rig.told(), ["PushFailed NotExecuted there is no such object (status 404, code 54150)"]);
}
