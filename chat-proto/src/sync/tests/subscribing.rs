//! Subscriptions: the rows of spec 02 §2.7 by name, the recommendations of §2.10, the table of §2.8.

use serde_json::json;
use std::fmt::Write;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::rig::{LIST, MAP, Rig, list_item, map_item};
use crate::sync::table::{Input, State, TABLE};
use crate::sync::{Kind, Order};
use crate::twilsock::{HttpReply, RequestError};

const STATES: [State; 7] = [
    State::Idle,
    State::Wanted,
    State::Establishing,
    State::Live,
    State::Rejected,
    State::Leaving,
    State::Cancelling,
];

#[test]
fn the_table_is_sound() {
    for (i, (state, input, next)) in TABLE.iter().enumerate() {
        assert!(
            !TABLE[..i].iter().any(|(s, n, _)| (s, n) == (state, input)),
            "{state:?} {input:?} stands twice"
        );
        assert_eq!(state.after(*input), Some(*next));
    }
    for state in STATES {
        // A new connection knows nothing of the old one: whoever is followed is wanted, all others are gone.
        let renewed = state.after(Input::Renewed).unwrap_or(state);
        assert!(matches!(renewed, State::Idle | State::Wanted), "{state:?}");
        // Whatever happened before, following and not following lead where they should.
        let followed = state.after(Input::Subscribe).unwrap_or(state);
        assert!(!matches!(followed, State::Idle | State::Leaving | State::Cancelling), "{state:?}");
        let left = state.after(Input::Unsubscribe).unwrap_or(state);
        assert!(matches!(left, State::Idle | State::Leaving | State::Cancelling), "{state:?}");
    }
}

#[test]
fn the_table_is_the_documented_one() {
    let mut text = String::from("| state | input | next state |\n|---|---|---|\n");
    for (state, input, next) in TABLE {
        writeln!(text, "| {state:?} | {input:?} | {next:?} |").unwrap();
    }
    assert_eq!(include_str!("../table.md"), text, "{text}");
}

// ---- §2.7, in its order

#[test]
fn subscribe_twice_is_one_subscription() {
    let mut rig = Rig::online();
    let by_sid = rig.open_live(Kind::List, LIST, 3);
    let by_name = rig.order_open(Kind::List, "name");
    rig.answer(200, &super::rig::root(LIST, 3));
    assert_eq!(rig.told(), ["Opened", "Subscribed"]);
    assert!(rig.wait().unwrap() > 1_000_000, "no poke is due");
    rig.live("list_item_added", &list_item(4, 0));
    let entities: Vec<_> = rig.outputs.drain(..).map(|output| output.entity().unwrap()).collect();
    assert_eq!(entities, [by_sid, by_name]);
    // The last one to leave cancels.
    rig.close(by_sid);
    rig.pass(200);
    assert!(rig.sent.is_empty());
    rig.live("list_item_added", &list_item(5, 1));
    assert_eq!(rig.outputs.drain(..).map(|output| output.entity().unwrap()).collect::<Vec<_>>(), [by_name]);
    rig.close(by_name);
    rig.pass(120);
    assert_eq!(rig.poke().action(), "cancel");
    rig.live("list_item_added", &list_item(6, 2));
    assert!(rig.told().is_empty(), "events after the close are nobody's");
}

#[test]
fn unsubscribe_of_a_wanted_object_sends_nothing() {
    let mut rig = Rig::online();
    let list = rig.open(Kind::List, LIST, 0);
    rig.close(list);
    assert_eq!((rig.wait(), rig.sent.len()), (None, 0));
}

#[test]
fn unsubscribe_while_establishing_cancels_at_once() {
    let mut rig = Rig::online();
    let list = rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let establish = rig.poke();
    rig.close(list);
    rig.pass(240);
    let cancel = rig.poke();
    assert_eq!((cancel.action(), cancel.objects()), ("cancel", Vec::from([format!("{LIST}:null")])));
    // The acknowledgement of the first is late, and ignored.
    rig.accept(&establish);
    rig.completed(LIST, establish.correlation_id, 0);
    rig.accept(&cancel);
    rig.ack("canceled", cancel.correlation_id, &json!({"object_sid": LIST, "object_type": "list"}));
    rig.pass(60_000);
    assert!(rig.sent.is_empty() && rig.told().is_empty());
}

#[test]
fn subscribe_while_cancelling_establishes_again() {
    let mut rig = Rig::online();
    let list = rig.open_live(Kind::List, LIST, 0);
    rig.close(list);
    rig.pass(120);
    let cancel = rig.poke();
    rig.open(Kind::List, LIST, 4);
    rig.accept(&cancel);
    rig.ack("canceled", cancel.correlation_id, &json!({"object_sid": LIST}));
    rig.pass(240);
    let poke = rig.establish(LIST, 4);
    assert_eq!((poke.action(), poke.objects()), ("establish", Vec::from([format!("{LIST}:4")])));
    assert_eq!(rig.told(), ["Subscribed"]);
}

#[test]
fn poke_error_backs_off_and_success_calms() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    let mut nominal = 100;
    for error in [
        Some(RequestError::TimedOut),
        None,
        None,
        Some(RequestError::Lost),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    ] {
        let wait = rig.wait().unwrap();
        assert!((nominal..=(nominal + nominal / 5).min(120_000)).contains(&wait), "{nominal}: {wait}");
        rig.pass(wait);
        match error {
            Some(error) => rig.fail(error),
            None => rig.answer_text(429, r#"{"code":54009}"#),
        };
        nominal = (nominal * 2).min(120_000);
    }
    rig.pass(120_000);
    let poke = rig.poke();
    assert_eq!(poke.body["retried_requests"], 0, "a failed poke is no retry: it was never accepted");
    rig.accept(&poke);
    rig.open(Kind::Map, MAP, 0);
    assert!((100..=120).contains(&rig.wait().unwrap()));
}

#[test]
fn a_poke_that_the_service_cannot_take_goes_again_after_four_seconds() {
    for status in [502, 503, 504] {
        let mut rig = Rig::online();
        rig.open(Kind::List, LIST, 0);
        rig.pass(120);
        for nominal in [4000, 8000, 16_000, 32_000, 64_000, 120_000, 120_000] {
            rig.answer_text(status, "");
            // Another object does not hurry it.
            rig.open(Kind::Map, MAP, 0);
            let wait = rig.wait().unwrap();
            assert!((nominal..=(nominal + nominal / 5).min(120_000)).contains(&wait), "{nominal}: {wait}");
            rig.pass(wait);
        }
        let poke = rig.poke();
        assert_eq!(poke.objects().len(), 2);
        rig.accept(&poke);
    }
}

#[test]
fn poke_reply_without_an_object_is_a_failure() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    rig.answer_text(202, "");
    rig.pass(240);
    assert_eq!(rig.poke().action(), "establish");
}

#[test]
fn an_acknowledgement_may_come_before_the_reply() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.completed(LIST, poke.correlation_id, 0);
    assert_eq!(rig.told(), ["Subscribed"]);
    rig.accept(&poke);
    rig.pass(60_000);
    assert!(rig.sent.is_empty(), "no watchdog for what is acknowledged");
    assert!(rig.wait().unwrap() > 1_000_000);
}

#[test]
fn interrupted_pokes_again_with_the_advanced_cursor() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    for id in 1..=3 {
        rig.replay(poke.correlation_id, "list_item_added", &list_item(id, id.unsigned_abs()));
    }
    rig.interrupted(LIST, poke.correlation_id);
    rig.pass(120);
    let again = rig.poke();
    assert_eq!(
        (again.objects(), &again.body["retried_requests"]),
        (Vec::from([format!("{LIST}:3")]), &json!(0))
    );
    assert_eq!(rig.told(), [r#"Added 1 {"v":1} New"#, r#"Added 2 {"v":2} New"#, r#"Added 3 {"v":3} New"#]);
}

/// The first finding of seed 7162.
#[test]
fn an_interrupted_replay_that_lacks_events_is_doubted_like_any_other() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 4);
    let lacking = |rig: &mut Rig| {
        rig.pass(120);
        let poke = rig.poke();
        assert_eq!(poke.objects(), [format!("{LIST}:4")]);
        rig.accept(&poke);
        rig.replay(poke.correlation_id, "list_item_added", &list_item(6, 6));
        rig.interrupted(LIST, poke.correlation_id);
        assert_eq!(rig.told(), Vec::<String>::new());
    };
    lacking(&mut rig);
    // One of which nothing comes tells nothing either way.
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    rig.interrupted(LIST, poke.correlation_id);
    lacking(&mut rig);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    rig.replay(poke.correlation_id, "list_item_added", &list_item(5, 5));
    rig.interrupted(LIST, poke.correlation_id);
    assert_eq!(rig.told(), [r#"Added 5 {"v":5} New"#, r#"Added 6 {"v":6} New"#]);
    // The next gap is doubted as often as the first; ids need not be dense, so it is accepted then.
    for round in 0..3 {
        assert_eq!(rig.told(), Vec::<String>::new(), "{round}");
        rig.pass(120);
        let poke = rig.poke();
        assert_eq!(poke.objects(), [format!("{LIST}:6")]);
        rig.accept(&poke);
        rig.replay(poke.correlation_id, "list_item_added", &list_item(9, 9));
        rig.interrupted(LIST, poke.correlation_id);
    }
    assert_eq!(rig.told(), ["Skipped", r#"Added 9 {"v":9} New"#]);
}

#[test]
fn established_with_another_status_waits_for_the_watchdog() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    rig.ack("established", poke.correlation_id, &json!({"object_sid": LIST, "replay_status": "odd"}));
    rig.ack("established", poke.correlation_id, &json!({"object_sid": LIST}));
    rig.pass(9_000);
    assert!(rig.sent.is_empty());
    rig.pass(1_500);
    assert_eq!(rig.poke().body["retried_requests"], 1);
}

#[test]
fn established_of_another_poke_is_late() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    rig.completed(LIST, poke.correlation_id + 1, 9);
    rig.completed(LIST, poke.correlation_id - 1, 9);
    rig.completed("ES-unknown", poke.correlation_id, 9);
    // Q7: no id at all matches nothing.
    rig.notify_text(
        "twilio.sync.event",
        r#"{"event_type":"subscription_established","correlation_id":null,"event":{"object_sid":"ES1","replay_status":"completed","last_event_id":9}}"#,
    );
    assert!(rig.told().is_empty());
    rig.completed(LIST, poke.correlation_id, 0);
    rig.completed(LIST, poke.correlation_id, 0);
    assert_eq!(rig.told(), ["Subscribed"]);
}

#[test]
fn canceled_by_the_service_is_poked_again() {
    // Q6
    let mut rig = Rig::online();
    rig.open_live(Kind::List, LIST, 0);
    rig.notify_text(
        "twilio.sync.event",
        r#"{"event_type":"subscription_canceled","event":{"object_sid":"ES1"}}"#,
    );
    rig.pass(120);
    rig.establish(LIST, 0);
    assert_eq!(rig.told(), ["Subscribed"]);
    // With the id of some other poke it is ignored.
    rig.ack("canceled", 1, &json!({"object_sid": LIST}));
    rig.pass(1_000);
    assert!(rig.sent.is_empty());
}

#[test]
fn failed_with_404_is_a_removal() {
    let mut rig = Rig::online();
    let list = rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    rig.ack(
        "failed",
        poke.correlation_id,
        &json!({"object_sid": LIST, "error": {"status": 404, "code": 54150, "message": "gone"}}),
    );
    assert_eq!(rig.told(), ["Removed"]);
    rig.live("list_item_added", &list_item(1, 1));
    rig.close(list);
    rig.pass(60_000);
    assert!(rig.sent.is_empty() && rig.told().is_empty());
}

#[test]
fn failed_otherwise_is_told_once_and_tried_again_with_a_new_connection() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    let refuse = |rig: &mut Rig, code: i64| {
        rig.pass(120);
        let poke = rig.poke();
        rig.accept(&poke);
        let error = json!({"status": 403, "code": code, "message": "Access forbidden"});
        rig.ack("failed", poke.correlation_id, &json!({"object_sid": LIST, "error": error}));
        rig.pass(60_000);
        assert!(rig.sent.is_empty());
        rig.told()
    };
    assert_eq!(refuse(&mut rig, 54007), ["Refused ES1: Access forbidden (status 403, code 54007)"]);
    rig.go_offline();
    rig.go_online();
    assert!(refuse(&mut rig, 54007).is_empty(), "nothing new");
    rig.go_online();
    assert_eq!(refuse(&mut rig, 54008), ["Refused ES1: Access forbidden (status 403, code 54008)"]);
    rig.go_online();
    rig.pass(120);
    rig.establish(LIST, 0);
    assert_eq!(rig.told(), ["Subscribed"]);
}

#[test]
fn failed_for_a_passing_reason_is_tried_again() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.open(Kind::Map, MAP, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    for (sid, status) in [(LIST, 429), (MAP, 403)] {
        let error = json!({"status": status, "code": 54009, "message": "no"});
        rig.ack("failed", poke.correlation_id, &json!({"object_sid": sid, "error": error}));
    }
    assert_eq!(rig.told().len(), 2);
    rig.pass(60_120);
    assert_eq!(rig.establish(LIST, 0).objects(), [format!("{LIST}:0")], "but not what is forbidden");
    assert_eq!(rig.told(), ["Subscribed"]);
    assert!(rig.wait().unwrap() > 1_000_000);
}

#[test]
fn failed_after_the_close_ends_it() {
    let mut rig = Rig::online();
    let list = rig.open_live(Kind::List, LIST, 0);
    rig.close(list);
    rig.pass(120);
    let cancel = rig.poke();
    rig.accept(&cancel);
    rig.ack("failed", 77, &json!({"object_sid": LIST, "error": {"status": 404}}));
    assert!(rig.wait().unwrap() > 1_000_000, "the watchdog of the cancellation is off");
    assert!(rig.told().is_empty());
}

#[test]
fn silence_pokes_again_and_notifications_extend_the_window() {
    // Q9
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.accept(&poke);
    rig.pass(9_000);
    rig.replay(poke.correlation_id, "list_item_added", &list_item(1, 1));
    rig.pass(9_900);
    assert!(rig.sent.is_empty());
    rig.pass(300);
    let again = rig.poke();
    assert_eq!(
        (again.objects(), &again.body["retried_requests"]),
        (Vec::from([format!("{LIST}:1")]), &json!(1))
    );
    // The old poke is replaced: what still comes for it is late.
    rig.completed(LIST, poke.correlation_id, 1);
    assert_eq!(rig.told(), [r#"Added 1 {"v":1} New"#]);
}

#[test]
fn a_cancellation_that_nobody_acknowledges_is_forgotten() {
    // D6
    let mut rig = Rig::online();
    let list = rig.open_live(Kind::List, LIST, 0);
    rig.close(list);
    rig.pass(120);
    let cancel = rig.poke();
    rig.accept(&cancel);
    rig.pass(60_000);
    assert!(rig.sent.is_empty());
    assert!(rig.wait().unwrap() > 1_000_000);
}

#[test]
fn reconnect_pokes_everything_once_with_current_cursors() {
    let mut rig = Rig::online();
    rig.open_live(Kind::List, LIST, 0);
    let map = rig.open_live(Kind::Map, MAP, 5);
    rig.open_live(Kind::Map, "MP2", 5);
    rig.live("list_item_added", &list_item(1, 1));
    rig.close(map);
    rig.go_offline();
    rig.pass(100_000);
    assert_eq!((rig.wait(), rig.sent.len()), (None, 0), "nothing is done or waited for while offline");
    rig.go_online();
    rig.pass(120);
    let poke = rig.poke();
    assert_eq!(
        (poke.action(), poke.objects()),
        ("establish", Vec::from([format!("{LIST}:1"), "MP2:5".into()]))
    );
    assert_eq!(poke.body.get("reason"), None);
    assert!(rig.sent.is_empty(), "what was left is not cancelled: the service forgot it");
}

#[test]
fn ttl_pokes_everything_with_a_reason() {
    let mut rig = Rig::online();
    rig.open_live(Kind::List, LIST, 0);
    rig.told();
    rig.pass(86_400_200);
    let poke = rig.poke();
    assert_eq!(poke.body["reason"], "ttl");
    rig.accept(&poke);
    rig.completed(LIST, poke.correlation_id, 0);
    assert_eq!(rig.told(), ["Subscribed"]);
    rig.open(Kind::Map, MAP, 0);
    rig.pass(120);
    assert_eq!(rig.poke().body.get("reason"), None);
}

#[test]
fn objects_wait_while_offline() {
    let mut rig = Rig::new();
    rig.open(Kind::List, LIST, 0);
    assert_eq!(rig.wait(), None);
    rig.go_online();
    rig.pass(120);
    assert_eq!(rig.poke().objects(), [format!("{LIST}:0")]);
}

// ---- §2.10

#[test]
fn q1_a_new_object_does_not_wait_for_the_acknowledgements_of_others() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let poke = rig.poke();
    rig.open(Kind::Map, MAP, 0);
    rig.accept(&poke);
    rig.pass(240);
    assert_eq!(rig.poke().objects(), [format!("{MAP}:0")]);
}

#[test]
fn q2_all_batches_leave_at_once() {
    let mut rig = Rig::online();
    for i in 0..250 {
        rig.open(Kind::Map, &format!("MP{i}"), 0);
    }
    // Opening took no time here.
    rig.pass(120);
    let sizes: Vec<usize> = (0..3).map(|_| rig.poke().objects().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert!(rig.sent.is_empty());
}

#[test]
fn q3_an_old_error_does_not_touch_a_newer_poke() {
    let mut rig = Rig::online();
    let list = rig.open(Kind::List, LIST, 0);
    rig.pass(120);
    let old = rig.poke();
    rig.close(list);
    rig.open(Kind::List, LIST, 0);
    rig.pass(240);
    let new = rig.poke();
    rig.reply(old.tag, Err(RequestError::TimedOut));
    rig.accept(&new);
    rig.completed(LIST, new.correlation_id, 0);
    assert_eq!(rig.told(), ["Subscribed"]);
}

#[test]
fn q4_correlation_ids_never_repeat() {
    let mut rig = Rig::online();
    for i in 0..150 {
        rig.open(Kind::Map, &format!("MP{i}"), 0);
    }
    rig.pass(120);
    let (a, b) = (rig.poke().correlation_id, rig.poke().correlation_id);
    assert_eq!(b, a + 1);
}

#[test]
fn q8_notifications_that_say_nothing_are_ignored() {
    let mut rig = Rig::online();
    rig.open_live(Kind::List, LIST, 0);
    for text in [
        "{}",
        r#"{"event":{"list_sid":"ES1","id":1}}"#,
        r#"{"event_type":"list_item_added"}"#,
        r#"{"event_type":"list_item_added","event":{}}"#,
        r#"{"event_type":"list_item_added","event":{"list_sid":"ES1"}}"#,
        r#"{"event_type":"list_item_added","event":{"list_sid":"ES1","id":1}}"#,
        r#"{"event_type":"map_item_added","event":{"map_sid":"ES1","id":1,"item_key":"k","item_data":{}}}"#,
        r#"{"event_type":"stream_message_published","event":{"stream_sid":"TO1"}}"#,
        r#"{"event_type":"subscription_odd","event":{"object_sid":"ES1"}}"#,
        r#"{"event_type":"list_item_added","events":[],"event":{"list_sid":"ES1","id":1,"item_index":1}}"#,
    ] {
        rig.notify_text("com.twilio.rtd.cds.list", text);
        assert!(rig.told().is_empty(), "{text}");
    }
    rig.notify_text("twilio.ipmsg.typing_indicator", "nonsense");
    assert!(rig.events().is_empty());
    for text in [
        "",
        "nonsense",
        "[]",
        r#"{"event_type":5}"#,
        r#"{"event_type":"list_removed","event":{"list_sid":{}}}"#,
    ] {
        rig.notify_text("com.twilio.rtd.cds.list", text);
        assert_eq!(rig.events().len(), 1, "a fault for {text}");
    }
    rig.live("list_item_added", &list_item(1, 1));
    assert_eq!(rig.told().len(), 1, "and the session goes on");
}

#[test]
fn both_envelopes_are_read() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, 0);
    rig.open(Kind::Map, MAP, 0);
    rig.pass(120);
    let poke = rig.poke();
    let ack = |sid: &str| json!({"object_sid": sid, "replay_status": "completed", "last_event_id": 0});
    rig.notify(
        "twilio.sync.event",
        &json!({"event_type": "subscription_established", "correlation_id": poke.correlation_id, "event_protocol_version": 4,
            "events": [ack(LIST), ack(MAP)]}),
    );
    assert_eq!(rig.told(), ["Subscribed", "Subscribed"]);
    rig.notify(
        "com.twilio.rtd.cds.map",
        &json!({"event_type": "map_item_added", "event_protocol_version": 4, "events": [map_item(1, "a"), map_item(2, "b\"")]}),
    );
    assert_eq!(rig.told(), [r#"Added a {"v":1} New"#, r#"Added b" {"v":2} New"#]);
}

#[test]
fn a_hostile_service_cannot_make_it_overflow() {
    let mut rig = Rig::online();
    rig.open(Kind::List, LIST, i64::MIN);
    rig.open(Kind::Map, MAP, i64::MAX);
    rig.pass(120);
    let (tag, _) = rig.take();
    let body = r#"{"estimated_delivery_in_ms":1e308,"max_batch_size":1e308,"ttl_in_s":1e308}"#;
    rig.reply(tag, Ok(HttpReply { status: 202, body: body.as_bytes() }));
    let crate::sync::Tag::Poke(correlation_id) = tag else { panic!() };
    for id in [i64::MAX, i64::MIN, -1, i64::MAX - 1] {
        rig.live("list_item_added", &list_item(id, u64::MAX));
        rig.live("map_item_removed", &map_item(id, "k"));
        rig.completed(LIST, correlation_id, id);
        rig.completed(MAP, u64::MAX, id);
        rig.interrupted(MAP, correlation_id);
    }
    rig.pass(1_000_000);
    let order = Order::Close { entity: rig.cx.entity_id() };
    rig.order(order);
    let told: Vec<String> = rig.told();
    assert!(told.len() < 20, "{told:?}");
}
