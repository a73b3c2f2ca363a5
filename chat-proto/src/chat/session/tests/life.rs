use super::*;

#[test]
fn the_list_is_ordered_at_once() {
    let mut rig = Rig::new();
    let Some(Order::CreateList { purpose, context, .. }) = rig.cx.orders.pop_front() else { panic!() };
    assert_eq!(purpose, "com.twilio.rtd.ipmsg");
    assert!(context.contains("IpMsgSession"));
}

#[test]
fn the_context_is_asked_for_once_and_either_way_makes_ready() {
    for by_event in [false, true] {
        let mut rig = Rig::new();
        rig.go_online();
        let list = rig.created();
        rig.open(list);
        let orders = rig.orders();
        assert!(matches!(orders[..], [Order::Context { entity, .. }] if entity == list), "{orders:?}");
        if by_event {
            rig.tell(Output::Context { entity: list, data: raw("{}") });
            assert_eq!(rig.events(), []);
        }
        rig.tell(Output::Context { entity: list, data: raw(FULL) });
        rig.tell(Output::Context { entity: list, data: raw(FULL) });
        let events = rig.events();
        let [SessionEvent::Ready(context)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(context.identity.as_str(), "alice");
        assert!(rig.cx.timers.deadline().is_none());
    }
}

#[test]
fn later_contexts_are_told_when_they_differ() {
    let (mut rig, list) = Rig::ready();
    rig.tell(Output::Context { entity: list, data: raw(&FULL.replace("US1", "US2")) });
    rig.tell(Output::Context { entity: list, data: raw("{}") });
    rig.tell(Output::Context { entity: list, data: raw(&FULL.replace("US1", "US2")) });
    let events = rig.events();
    assert!(
        matches!(&events[..], [SessionEvent::ContextChanged(c)] if &*c.user_info == "US2.info"),
        "{events:?}"
    );
}

#[test]
fn an_incomplete_context_is_asked_for_again() {
    let mut rig = Rig::new();
    rig.go_online();
    let list = rig.created();
    rig.open(list);
    rig.orders();
    for _ in 0..3 {
        rig.tell(Output::Context { entity: list, data: raw(r#"{"type":"IpMsgSession"}"#) });
        assert!(rig.jump() >= Duration::from_secs(3));
        assert!(matches!(rig.orders()[..], [Order::Context { entity, .. }] if entity == list));
    }
    rig.tell(Output::Context { entity: list, data: raw(FULL) });
    assert!(matches!(rig.events()[..], [SessionEvent::Ready(_)]));
}

#[test]
fn a_malformed_context_is_a_fault_and_nothing_more() {
    let mut rig = Rig::new();
    rig.go_online();
    let list = rig.created();
    rig.open(list);
    for bad in ["7".into(), FULL.replace(r#""alice""#, "{}")] {
        rig.tell(Output::Context { entity: list, data: raw(&bad) });
        let events = rig.events();
        assert!(matches!(&events[..], [SessionEvent::Fault(Fault::Unreadable { .. })]), "{events:?}");
    }
    rig.tell(Output::Context { entity: list, data: raw(FULL) });
    assert!(matches!(rig.events()[..], [SessionEvent::Ready(_)]));
}

#[test]
fn a_context_that_cannot_be_read_is_told_once_and_asked_for_again() {
    let mut rig = Rig::new();
    rig.go_online();
    let list = rig.created();
    rig.open(list);
    for expected in [1, 0, 0] {
        let [Order::Context { query, .. }] = rig.orders()[..] else { panic!() };
        rig.tell(Output::QueryFailed { query, error: sync_error(500, 0) });
        assert_eq!(rig.events().len(), expected);
        rig.jump();
    }
}

#[test]
fn a_refused_list_is_told_once_and_created_again() {
    let mut rig = Rig::new();
    rig.go_online();
    rig.session.submit(&mut rig.cx, call(1), join("CH1"));
    let mut list = rig.created();
    for attempt in 0..4_u32 {
        rig.tell(Output::OpenFailed { entity: list, error: sync_error(403, 54007) });
        let faults = rig.events();
        assert_eq!(faults.len(), usize::from(attempt == 0), "{faults:?}");
        let wait = rig.jump().as_millis();
        let expected = 1000 << attempt;
        assert!((expected * 8 / 10..=expected * 12 / 10).contains(&wait), "{wait}");
        list = rig.created();
    }
    assert_eq!(rig.session.phase(call(1)), Phase::Offline);
    rig.open(list);
    assert_eq!(rig.session.phase(call(1)), Phase::Sent);
    assert_eq!(rig.pushes().len(), 1);
}

#[test]
fn a_refused_list_waits_for_the_connection() {
    let mut rig = Rig::new();
    rig.go_online();
    let list = rig.created();
    rig.tell(Output::OpenFailed { entity: list, error: CallError::Unknown(Phase::Sent) });
    rig.go_offline();
    assert!(rig.cx.timers.deadline().is_none());
    assert_eq!(rig.orders(), []);
    assert_eq!(rig.events(), []);
    rig.go_online();
    rig.created();
}

#[test]
fn after_the_shutdown_no_list_is_created() {
    let mut rig = Rig::new();
    let list = rig.created();
    rig.tell(Output::OpenFailed { entity: list, error: CallError::ShutDown });
    rig.go_online();
    assert_eq!((rig.orders(), rig.events()), (Vec::new(), Vec::new()));
    assert!(rig.cx.timers.deadline().is_none());
}

#[test]
fn a_removed_list_is_replaced_and_its_context_told_if_it_differs() {
    let (mut rig, list) = Rig::ready();
    rig.tell(Output::Removed { entity: list });
    let next = rig.created();
    rig.open(next);
    rig.tell(Output::Context { entity: next, data: raw(FULL) });
    assert_eq!(rig.events(), []);
    rig.orders();
    rig.tell(Output::Removed { entity: next });
    let third = rig.created();
    rig.open(third);
    rig.tell(Output::Context { entity: third, data: raw(&FULL.replace("US1", "US2")) });
    assert!(matches!(rig.events()[..], [SessionEvent::ContextChanged(_)]));
}

#[test]
fn lists_that_keep_vanishing_are_created_ever_slower() {
    let (mut rig, mut list) = Rig::ready();
    let mut waits = Vec::new();
    for _ in 0..5 {
        rig.tell(Output::Removed { entity: list });
        if rig.cx.orders.is_empty() {
            waits.push(rig.jump().as_millis());
        }
        list = rig.created();
        rig.open(list);
        rig.orders();
    }
    assert_eq!(waits.len(), 4, "only the first comes at once");
    assert!(waits[3] > 3 * waits[0], "{waits:?}");
}

#[test]
fn a_refused_subscription_is_a_fault() {
    let (mut rig, list) = Rig::ready();
    rig.tell(Output::SubscriptionRefused { entity: list, name: "SH1".into(), error: sync_error(403, 54007) });
    let events = rig.events();
    assert!(
        matches!(&events[..], [SessionEvent::Fault(Fault::SubscriptionRefused { code: 54007, .. })]),
        "{events:?}"
    );
}

#[test]
fn what_belongs_to_others_is_handed_back() {
    let (mut rig, _) = Rig::ready();
    let (entity, query) = (EntityId(999), QueryId(999));
    let others = [
        Output::Opened { entity, data: None, items: Vec::new() },
        Output::OpenFailed { entity, error: CallError::ShutDown },
        Output::Subscribed { entity },
        Output::SubscriptionRefused { entity, name: "x".into(), error: CallError::ShutDown },
        Output::Removed { entity },
        Output::Document { entity, data: raw("{}") },
        Output::Context { entity, data: raw("{}") },
        Output::Item { entity, change: Change::Added, item: item(0, "{}") },
        Output::Page { query, items: Vec::new(), next: None, previous: None },
        Output::QueryFailed { query, error: CallError::ShutDown },
    ];
    for output in others {
        let text = format!("{output:?}");
        assert_eq!(rig.session.sync(&mut rig.cx, output).map(|output| format!("{output:?}")), Some(text));
    }
    assert_eq!((rig.orders(), rig.events()), (Vec::new(), Vec::new()));
}
