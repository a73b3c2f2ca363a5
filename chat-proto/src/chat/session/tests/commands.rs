use super::*;

const OK: &str = r#"{"status":200,"statusText":"OK","messageId":"5"}"#;

#[test]
fn nothing_leaves_before_the_list_stands_and_the_client_is_connected() {
    let mut rig = Rig::new();
    let list = rig.created();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    rig.open(list);
    assert_eq!(rig.pushes().len(), 0);
    assert_eq!(rig.session.phase(call(1)), Phase::Offline);
    rig.go_online();
    // Readiness is not needed.
    let push = rig.push();
    assert_eq!(push.entity, list);
    assert_eq!(rig.session.phase(call(1)), Phase::Sent);
    assert_eq!(rig.events(), []);
}

#[test]
fn an_answer_is_matched_by_its_id_whatever_came_before() {
    for overtakes in [false, true] {
        let (mut rig, list) = Rig::ready();
        rig.session.submit(&mut rig.cx, call(1), send("CH1", "hi"));
        let push = rig.push();
        if !overtakes {
            rig.tell(Output::Pushed { write: push.write, index: 0 });
        }
        rig.item(list, 0, &answered(&push.data, OK));
        if overtakes {
            rig.tell(Output::Pushed { write: push.write, index: 0 });
        }
        let (owner, result) = rig.answer();
        assert_eq!((owner, result.unwrap().message_id), (call(1), Some(5)));
        // Said again, it is nobody's.
        rig.item(list, 0, &answered(&push.data, OK));
        assert_eq!(rig.events(), []);
        assert!(rig.cx.timers.deadline().is_none(), "nothing is left to wait for");
    }
}

#[test]
fn refusals_and_malformed_answers_are_told_apart() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, CommandOwner::Report(7), join("CH1"));
    let push = rig.push();
    rig.item(list, 0, &answered(&push.data, r#"{"status":403,"statusText":"Not allowed"}"#));
    let refused = CallError::Session { code: 403, message: "Not allowed".into() };
    assert_eq!(rig.answer(), (CommandOwner::Report(7), Err(refused)));
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    rig.item(list, 1, &answered(&push.data, "null"));
    assert!(matches!(rig.answer(), (_, Err(CallError::BadAnswer(_)))));
}

#[test]
fn messages_of_a_channel_leave_one_by_one() {
    let (mut rig, list) = Rig::ready();
    for (number, command) in
        [send("CH1", "1"), send("CH1", "2"), send("CH2", "3"), join("CH1"), send("CH1", "4")]
            .into_iter()
            .enumerate()
    {
        rig.session.submit(&mut rig.cx, call(number as u64), command);
    }
    let first = rig.pushes();
    let left: Vec<bool> = (0..5).map(|n| rig.session.phase(call(n)) == Phase::Sent).collect();
    assert_eq!(left, [true, false, true, true, false]);
    assert_eq!(rig.session.phase(call(1)), Phase::Queued);
    rig.tell(Output::Pushed { write: first[0].write, index: 0 });
    assert_eq!(rig.pushes().len(), 0, "its place in the list is not its answer");
    rig.item(list, 0, &answered(&first[0].data, r#"{"status":500}"#));
    let second = rig.push();
    assert!(second.data.contains(r#""text":"2""#));
    // A withdrawn one lets the next one pass; one in flight cannot be withdrawn.
    assert_eq!(rig.session.withdraw(&mut rig.cx, call(1)), Withdrawn::TooLate);
    rig.session.submit(&mut rig.cx, call(5), send("CH1", "5"));
    assert_eq!(rig.session.withdraw(&mut rig.cx, call(4)), Withdrawn::Forgotten);
    rig.item(list, 1, &answered(&second.data, OK));
    assert!(rig.push().data.contains(r#""text":"5""#));
}

#[test]
fn a_refused_push_is_answered() {
    let (mut rig, _) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    rig.fail(&push, Fate::NotExecuted, sync_error(400, 54010));
    assert_eq!(rig.answer(), (call(1), Err(sync_error(400, 54010))));
}

#[test]
fn throttled_commands_are_pushed_again_in_order() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), send("CH1", "1"));
    rig.session.submit(&mut rig.cx, call(2), send("CH1", "2"));
    let mut push = rig.push();
    for expected in [1, 2, 4_u64] {
        rig.fail(&push, Fate::NotExecuted, sync_error(429, 54009));
        assert_eq!(rig.session.phase(call(1)), Phase::Queued);
        assert_eq!(rig.pushes().len(), 0);
        let wait = rig.jump();
        assert!(
            wait >= Duration::from_millis(800 * expected) && wait <= Duration::from_millis(1200 * expected)
        );
        let again = rig.push();
        assert_eq!(again.data, push.data);
        push = again;
    }
    rig.item(list, 0, &answered(&push.data, OK));
    assert!(rig.push().data.contains(r#""text":"2""#));
}

#[test]
fn a_throttled_command_may_be_withdrawn() {
    let (mut rig, _) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    rig.fail(&push, Fate::NotExecuted, sync_error(429, 0));
    assert_eq!(rig.session.withdraw(&mut rig.cx, call(1)), Withdrawn::Forgotten);
    assert!(rig.cx.timers.deadline().is_none());
    assert_eq!(rig.events(), []);
}

#[test]
fn throttling_is_an_answer_where_the_app_wants_it_so() {
    let (mut rig, _) = Rig::ready();
    rig.cx.config.retry_when_throttled = false;
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    rig.fail(&push, Fate::NotExecuted, sync_error(429, 54009));
    assert_eq!(rig.answer(), (call(1), Err(sync_error(429, 54009))));
}

/// A command whose push was cut off, with two items before it in the list; the client is connected again.
fn in_doubt() -> (Rig, EntityId, Pushed, QueryId) {
    let (mut rig, list) = Rig::ready();
    rig.item(list, 1, "{}");
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    rig.go_offline();
    rig.fail(&push, Fate::Unknown, CallError::Unknown(Phase::Sent));
    assert_eq!(rig.orders(), [], "there is no looking while offline");
    assert!(rig.cx.timers.deadline().is_none());
    assert_eq!(rig.session.phase(call(1)), Phase::Sent);
    rig.go_online();
    let (query, select) = rig.query();
    assert_eq!((select.from, select.descending, select.key), (None, true, None));
    (rig, list, push, query)
}

#[test]
fn a_command_in_doubt_is_found_with_its_answer() {
    let (mut rig, _, push, query) = in_doubt();
    rig.page(query, [item(3, "{}"), item(2, &answered(&push.data, OK))].into(), Some("more"));
    assert_eq!(rig.answer().1.unwrap().message_id, Some(5));
    assert_eq!(rig.orders(), [], "what was known before is not read");
}

#[test]
fn a_command_in_doubt_is_found_without_its_answer() {
    let (mut rig, list, push, query) = in_doubt();
    rig.page(query, [item(2, &push.data)].into(), None);
    assert_eq!((rig.events(), rig.orders()), (Vec::new(), Vec::new()));
    rig.pass(rig.cx.config.late_execution * 3);
    assert_eq!(rig.pushes().len(), 0, "it stands there, so it is not pushed again");
    rig.item(list, 2, &answered(&push.data, OK));
    assert!(rig.answer().1.is_ok());
}

#[test]
fn a_search_pages_down_to_what_was_known() {
    let (mut rig, _, push, query) = in_doubt();
    rig.page(query, [item(9, "{}"), item(8, "{}")].into(), Some("a"));
    let [Order::Page { query, ref token, .. }] = rig.orders()[..] else { panic!() };
    assert_eq!(token, "a");
    rig.page(query, [item(5, "{}"), item(3, "{}")].into(), Some("b"));
    let [Order::Page { query, .. }] = rig.orders()[..] else { panic!() };
    rig.page(query, [item(2, &push.data), item(1, "{}")].into(), Some("c"));
    assert_eq!(rig.orders(), []);
}

#[test]
fn a_command_that_is_not_found_is_pushed_again_only_when_it_cannot_be_executed_any_more() {
    let (mut rig, list, push, query) = in_doubt();
    let late = rig.cx.config.late_execution;
    rig.page(query, [item(1, "{}")].into(), None);
    assert_eq!(rig.orders(), []);
    assert_eq!(rig.jump(), late);
    let (query, _) = rig.query();
    rig.page(query, [item(1, "{}")].into(), None);
    let again = rig.push();
    assert_eq!((&again.data, again.entity), (&push.data, list), "the same commandId");
    rig.item(list, 2, &answered(&again.data, OK));
    assert!(rig.answer().1.is_ok());
}

#[test]
fn a_command_that_is_executed_late_is_not_pushed_again() {
    let (mut rig, _, push, query) = in_doubt();
    rig.page(query, Vec::new(), None);
    rig.jump();
    let (query, _) = rig.query();
    rig.page(query, [item(2, &answered(&push.data, OK))].into(), None);
    assert!(rig.answer().1.is_ok());
    assert_eq!(rig.orders(), []);
}

#[test]
fn a_search_that_fails_proves_nothing() {
    let (mut rig, _, _, mut query) = in_doubt();
    let mut waits = Vec::new();
    for _ in 0..8 {
        rig.tell(Output::QueryFailed { query, error: sync_error(503, 0) });
        waits.push(rig.jump().as_secs());
        (query, _) = rig.query();
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 120, 120, 120]);
    rig.page(query, Vec::new(), None);
    assert_eq!(rig.pushes().len(), 1);
}

#[test]
fn a_search_is_cut_off_with_the_link_and_begun_again() {
    let (mut rig, _, _, query) = in_doubt();
    rig.go_offline();
    assert_eq!(rig.orders(), [Order::Forget { query }]);
    rig.pass(rig.cx.config.late_execution);
    assert_eq!(rig.orders(), []);
    rig.go_online();
    let (query, _) = rig.query();
    rig.page(query, Vec::new(), None);
    assert_eq!(rig.pushes().len(), 1);
}

#[test]
fn a_service_that_leads_in_circles_proves_nothing() {
    let (mut rig, _, _, query) = in_doubt();
    rig.pass(rig.cx.config.late_execution);
    rig.page(query, [item(9, "{}"), item(8, "{}")].into(), Some("a"));
    let [Order::Page { query, .. }] = rig.orders()[..] else { panic!() };
    rig.page(query, [item(9, "{}"), item(8, "{}")].into(), Some("a"));
    assert_eq!(rig.orders(), []);
    assert_eq!(rig.jump(), Duration::from_secs(5));
    let (mut query, _) = rig.query();
    let mut pages = 0;
    loop {
        rig.page(query, Vec::new(), Some("a"));
        pages += 1;
        match rig.orders()[..] {
            [Order::Page { query: next, .. }] => query = next,
            ref other => break assert_eq!(other, []),
        }
    }
    assert_eq!(pages, 200);
}

#[test]
fn a_lost_answer_is_looked_up_ever_more_rarely() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    assert!(rig.cx.timers.deadline().is_none(), "a push has an end of its own");
    rig.tell(Output::Pushed { write: push.write, index: 7 });
    for expected in [5, 5, 10, 20] {
        assert_eq!(rig.jump(), Duration::from_secs(expected));
        let (query, select) = rig.query();
        assert_eq!((select.from.as_deref(), select.page_size), (Some("7"), 1));
        rig.page(query, [item(7, &push.data)].into(), Some("more"));
    }
    rig.jump();
    let (query, _) = rig.query();
    rig.page(query, [item(7, &answered(&push.data, OK))].into(), None);
    assert!(rig.answer().1.is_ok());
    assert!(rig.cx.timers.deadline().is_none());
    let _ = list;
}

#[test]
fn one_search_serves_all_who_wait() {
    let (mut rig, list) = Rig::ready();
    for number in 0..3 {
        rig.session.submit(&mut rig.cx, call(number), join("CH1"));
    }
    let pushes = rig.pushes();
    for (push, index) in pushes.iter().zip([4, 6, 9]) {
        rig.tell(Output::Pushed { write: push.write, index });
    }
    // The subscription stands again: answers that were not replayed are looked up.
    rig.tell(Output::Subscribed { entity: list });
    let (query, select) = rig.query();
    assert_eq!((select.from.as_deref(), select.page_size), (Some("9"), 6));
    let page = pushes.iter().zip([4, 6, 9]).rev().map(|(push, index)| item(index, &answered(&push.data, OK)));
    rig.page(query, page.collect(), None);
    assert_eq!(rig.events().len(), 3);
}

#[test]
fn an_echo_proves_that_a_push_arrived() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    rig.item(list, 0, &push.data);
    rig.fail(&push, Fate::Unknown, CallError::Unknown(Phase::Sent));
    assert_eq!((rig.orders(), rig.events()), (Vec::new(), Vec::new()));
    rig.item(list, 0, &answered(&push.data, OK));
    assert!(rig.answer().1.is_ok());
}

#[test]
fn a_list_that_is_gone_is_replaced_once_for_each_command() {
    for code in [54007, 54150] {
        let (mut rig, list) = Rig::ready();
        rig.session.submit(&mut rig.cx, call(1), send("CH1", "1"));
        rig.session.submit(&mut rig.cx, call(2), send("CH1", "2"));
        let push = rig.push();
        rig.fail(&push, Fate::NotExecuted, sync_error(404, code));
        let orders = rig.orders();
        let [Order::Close { entity }, Order::CreateList { entity: next, .. }] = orders[..] else {
            panic!("{orders:?}")
        };
        assert_eq!(entity, list);
        rig.open(next);
        let again = rig.push();
        assert_eq!((again.entity, command_id(&again.data)), (next, command_id(&push.data)));
        rig.fail(&again, Fate::NotExecuted, sync_error(404, code));
        assert_eq!(rig.answer(), (call(1), Err(sync_error(404, code))));
        assert!(rig.push().data.contains(r#""text":"2""#));
    }
}

#[test]
fn what_stood_in_a_vanished_list_is_unknown_and_the_rest_moves() {
    let (mut rig, list) = Rig::ready();
    for number in 0..5 {
        rig.session.submit(&mut rig.cx, call(number), join("CH1"));
    }
    let pushes = rig.pushes();
    rig.tell(Output::Pushed { write: pushes[0].write, index: 0 });
    rig.tell(Output::Removed { entity: list });
    let unknown = || Err(CallError::Unknown(Phase::Sent));
    assert_eq!(rig.answer(), (call(0), unknown()));
    let next = rig.created();
    rig.open(next);
    rig.orders();
    // On their way when it vanished: one was refused, one is unknown, one arrived, and of one nothing is heard.
    rig.fail(&pushes[1], Fate::NotExecuted, sync_error(404, 54150));
    let moved = rig.push();
    assert_eq!((moved.entity, command_id(&moved.data)), (next, command_id(&pushes[1].data)));
    rig.fail(&pushes[2], Fate::Unknown, CallError::Unknown(Phase::Sent));
    assert_eq!(rig.answer(), (call(2), unknown()));
    rig.tell(Output::Pushed { write: pushes[3].write, index: 1 });
    assert_eq!(rig.answer(), (call(3), unknown()));
    rig.tell(Output::Context { entity: next, data: raw(FULL) });
    rig.jump();
    assert_eq!(rig.answer(), (call(4), unknown()));
}

#[test]
fn a_given_up_list_is_followed_while_something_is_on_its_way_there() {
    let (mut rig, list) = Rig::ready();
    for number in 0..3 {
        rig.session.submit(&mut rig.cx, call(number), join("CH1"));
    }
    let pushes = rig.pushes();
    rig.fail(&pushes[0], Fate::NotExecuted, sync_error(403, 54007));
    rig.created();
    rig.item(list, 0, &answered(&pushes[1].data, OK));
    assert_eq!(rig.answer().0, call(1));
    assert_eq!(rig.orders(), []);
    assert!(rig.session.abandon(&mut rig.cx, call(2)));
    assert_eq!(rig.orders(), [Order::Close { entity: list }]);
}

#[test]
fn a_command_in_doubt_is_unknown_when_its_list_is_gone() {
    let (mut rig, _, _, query) = in_doubt();
    rig.tell(Output::QueryFailed { query, error: sync_error(404, 54150) });
    assert_eq!(rig.answer(), (call(1), Err(CallError::Unknown(Phase::Sent))));
    assert!(matches!(rig.orders()[..], [Order::Close { .. }, Order::CreateList { .. }]));
}

#[test]
fn an_abandoned_command_is_not_answered() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), send("CH1", "1"));
    rig.session.submit(&mut rig.cx, call(2), send("CH1", "2"));
    rig.session.submit(&mut rig.cx, call(3), send("CH1", "3"));
    let push = rig.push();
    assert!(!rig.session.abandon(&mut rig.cx, call(2)), "it had not left");
    assert!(rig.session.abandon(&mut rig.cx, call(1)));
    assert!(!rig.session.abandon(&mut rig.cx, call(1)), "it is not known any more");
    let next = rig.push();
    assert!(next.data.contains(r#""text":"3""#));
    rig.tell(Output::Pushed { write: push.write, index: 0 });
    rig.item(list, 0, &answered(&push.data, OK));
    assert_eq!(rig.events(), []);
}

#[test]
fn strange_items_are_nothing_of_ours() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let push = rig.push();
    for data in ["null", "[]", r#"{"commandId":"other","response":{"status":200}}"#, r#"{"response":{}}"#] {
        rig.item(list, 0, data);
    }
    let item = Item {
        key: Key::Name("x".into()),
        data: raw(&answered(&push.data, OK)),
        freshness: Freshness::New,
        event: None,
    };
    rig.tell(Output::Item { entity: list, change: Change::Added, item });
    rig.item(list, u64::MAX, "{}");
    assert_eq!(rig.events(), []);
}

/// What is on its way when a save is made can stand anywhere from where the list ended when it left, also below what came
/// since: the next life has to look that far down. What waits cannot stand below what is known.
#[test]
fn a_save_says_from_where_a_command_can_stand() {
    let (mut rig, list) = Rig::ready();
    rig.session.submit(&mut rig.cx, call(1), send("CH1", "on its way"));
    let first = rig.push();
    rig.session.submit(&mut rig.cx, call(2), join("CH2"));
    let second = rig.push();
    rig.session.submit(&mut rig.cx, call(3), send("CH1", "waits for its turn"));
    rig.item(list, 6, &answered(&second.data, OK));
    let places = |rig: &Rig| {
        let saved = serde_json::to_value(rig.session.save(|_| None)).unwrap();
        let commands = saved["outbox"]["commands"].as_array().unwrap().clone();
        commands.iter().map(|command| command["place"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(places(&rig), [serde_json::json!({"From": 0}), serde_json::json!({"From": 7})]);
    // Of unknown fate it can stand there still; its answer to the push says where it stands.
    rig.fail(&first, Fate::Unknown, CallError::Unknown(Phase::Sent));
    assert_eq!(places(&rig)[0], serde_json::json!({"From": 0}));
    rig.item(list, 2, &first.data);
    assert_eq!(places(&rig)[0], serde_json::json!({"At": 2}));
}

/// After a crash all messages of a channel are in doubt. None is found, and they leave one by one all the same.
#[test]
fn after_a_crash_messages_of_a_channel_leave_one_by_one() {
    let (mut rig, _) = Rig::ready();
    for number in 1..=3 {
        rig.session.submit(&mut rig.cx, call(number), send("CH1", &format!("{number}")));
    }
    rig.push();
    let follow = crate::sync::Follow {
        kind: crate::sync::Kind::List,
        sid: "ES1".into(),
        name: "ES1".into(),
        cursor: 0,
        items: None,
        context: None,
    };
    let saved = rig.session.save(|_| Some(follow.clone()));
    let late_execution = rig.cx.config.late_execution;
    let (session, list) = Session::resume(&mut rig.cx, saved, false);
    rig.session = session;
    let (list, _) = list.unwrap();
    rig.orders();
    rig.go_online();
    let mut pushes = Vec::new();
    for _ in 0..3 {
        for order in rig.orders() {
            match order {
                Order::Query { query, .. } => rig.page(query, Vec::new(), None),
                Order::Push { data, .. } => pushes.push(data),
                _ => {}
            }
        }
        rig.pass(late_execution);
    }
    assert_eq!(pushes.len(), 1, "{pushes:?}");
    assert!(pushes[0].contains(r#""text":"1""#));
    rig.item(list, 0, &answered(&pushes[0], OK));
    let next = rig.push();
    assert!(next.data.contains(r#""text":"2""#), "{}", next.data);
}
