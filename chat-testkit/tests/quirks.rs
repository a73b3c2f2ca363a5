//! What the client makes of the reference client's quirks: the decisions of spec 03 §22, each test named after its number.
//! Q8, Q9, Q13 and Q14 are about single records, Q21 to Q23 about payloads and media: they stand beside that code, in
//! chat-proto.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_proto::{
    Call, CallDeadline, CallError, ChannelSid, ChannelStatus, Config, ConnectionState, CreateChannel, Event,
    Fault, GetMessages, GetSubscribedChannels, MemberRef, Phase, PushChannel, Reply, Secret, Token,
};
use chat_testkit::service::{ContextEnrich, ServiceConfig};
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

fn stage() -> Stage {
    Stage::new(ServiceConfig::default())
}

fn enter(stage: &mut Stage, identity: &str) -> Who {
    let who = stage.enter(identity);
    stage.settle();
    who
}

fn named(name: &str) -> CreateChannel {
    CreateChannel {
        unique_name: Some(name.into()),
        friendly_name: Some(name.into()),
        ..CreateChannel::default()
    }
}

fn create(stage: &mut Stage, who: Who, options: CreateChannel) -> ChannelSid {
    match stage.ask(who, Call::CreateChannel(options)) {
        Ok(Reply::Channel(channel)) => channel.sid.clone(),
        other => panic!("{other:?}"),
    }
}

/// Does something that is answered with success.
fn must(stage: &mut Stage, who: Who, call: Call) -> Reply {
    let shown = format!("{call:?}");
    let answer = stage.ask(who, call);
    stage.settle();
    answer.unwrap_or_else(|error| panic!("{shown}: {error}"))
}

/// A channel that all of them have joined.
fn room(stage: &mut Stage, who: &[Who]) -> ChannelSid {
    let sid = create(stage, who[0], named("room"));
    must(stage, who[0], Call::Join(sid.clone()));
    for other in &who[1..] {
        must(stage, *other, Call::GetChannelBySid(sid.clone()));
        must(stage, *other, Call::Join(sid.clone()));
    }
    sid
}

fn fault(stage: &mut Stage, rule: &Value) -> u64 {
    stage.admin("fault", rule).unwrap()["id"].as_u64().unwrap()
}

/// How often a rule acted.
fn hits(stage: &mut Stage, id: u64) -> u64 {
    let faults = stage.admin("faults", &json!({})).unwrap();
    let rules = faults.as_array().or_else(|| faults["faults"].as_array()).unwrap();
    rules.iter().find(|rule| rule["id"] == id).unwrap()["hits"].as_u64().unwrap()
}

/// How many requests the service has had.
fn requests(stage: &mut Stage) -> u64 {
    stage.admin("state", &json!({})).unwrap()["stats"]["requests"].as_u64().unwrap()
}

fn faults(events: &[Event]) -> Vec<&Fault> {
    events
        .iter()
        .filter_map(|event| if let Event::Fault(fault) = event { Some(fault) } else { None })
        .collect()
}

/// How often each kind of event about this channel was told.
fn told(events: &[Event], of: &ChannelSid) -> BTreeMap<&'static str, usize> {
    let mut told = BTreeMap::new();
    for event in events {
        let (name, sid) = match event {
            Event::ChannelAdded(channel) => ("added", &channel.sid),
            Event::ChannelInvited(channel) => ("invited", &channel.sid),
            Event::ChannelJoined(channel) => ("joined", &channel.sid),
            Event::ChannelLeft(channel) => ("left", &channel.sid),
            Event::ChannelRemoved(channel) => ("removed", &channel.sid),
            Event::ChannelUpdated { channel, .. } => ("updated", &channel.sid),
            _ => continue,
        };
        if sid == of {
            *told.entry(name).or_default() += 1;
        }
    }
    told
}

#[test]
fn q01_one_context_and_no_flapping() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    let states: Vec<_> = stage
        .take_events(alice)
        .into_iter()
        .filter_map(|event| if let Event::ConnectionStateChanged(state) = event { Some(state) } else { None })
        .collect();
    assert_eq!(states, [ConnectionState::Connected]);
    let connections = stage.admin("connections", &json!({})).unwrap();
    let connections = connections.as_array().or_else(|| connections["connections"].as_array()).unwrap();
    let contexts = connections[0]["contexts"].as_array().unwrap();
    assert_eq!(contexts.len(), 1);
    assert_eq!(contexts[0]["types"].as_array().unwrap().len(), 5);
}

#[test]
fn q02_a_list_that_cannot_be_read_ends_the_calls_that_wait() {
    let mut stage = stage();
    let id = fault(
        &mut stage,
        &json!({ "on": "http", "match": { "path": "SyncList" }, "count": -1, "status": 500 }),
    );
    let alice = enter(&mut stage, "alice");
    let answer = stage.ask(alice, Call::GetChannelByUniqueName("general".into()));
    assert!(matches!(answer, Err(CallError::Rest { status: 500, .. })), "{answer:?}");
    assert!(hits(&mut stage, id) > 0);
    // And once the service has recovered, so has the client.
    stage.admin("faults/clear", &json!({})).unwrap();
    stage.advance(Duration::from_secs(20));
    assert!(matches!(
        stage.ask(alice, Call::GetSubscribedChannels(GetSubscribedChannels::default())),
        Ok(Reply::ChannelPage(_))
    ));
}

#[test]
fn q03_a_channel_without_a_document_is_dropped_with_a_warning() {
    let mut stage = stage();
    let seed =
        json!({ "channels": 2, "identity": "alice", "creator": "zoe", "prefix": "c", "type": "private" });
    stage.admin("seed", &seed).unwrap();
    let broken =
        json!({ "on": "http", "match": { "path": "/Documents/" }, "count": 1, "status": 404, "code": 54100 });
    fault(&mut stage, &broken);
    let alice = enter(&mut stage, "alice");
    let events = stage.take_events(alice);
    assert_eq!(stage.state(alice).channels().len(), 1);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::ChannelAdded(_))).count(), 1);
    let faults = faults(&events);
    assert!(matches!(faults[..], [Fault::NotLoaded { .. }]), "{faults:?}");
}

/// What may pass is no reason to drop a channel for good: it is known once the service has recovered (world 109).
#[test]
fn q03_a_channel_whose_document_is_throttled_is_read_again() {
    let mut stage = stage();
    stage.admin("seed", &json!({ "channels": 2, "identity": "alice", "prefix": "c" })).unwrap();
    let throttled =
        json!({ "on": "http", "match": { "path": "/Documents/" }, "count": -1, "twilsockStatus": 429 });
    let id = fault(&mut stage, &throttled);
    let alice = enter(&mut stage, "alice");
    stage.advance(Duration::from_secs(40));
    assert!(hits(&mut stage, id) > 2);
    assert!(stage.state(alice).channels().is_empty());
    let events = stage.take_events(alice);
    let told = faults(&events);
    assert!(told.len() > 2 && told.iter().all(|fault| matches!(fault, Fault::NotLoaded { .. })), "{told:?}");
    stage.admin("faults/clear", &json!({})).unwrap();
    stage.advance(Duration::from_mins(2));
    let joined = stage.take_events(alice);
    let joined = joined.iter().filter(|event| matches!(event, Event::ChannelJoined(_))).count();
    assert_eq!((joined, stage.state(alice).channels().len()), (2, 2));
}

#[test]
fn q04_typing_goes_to_the_fixed_path() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    let sid = room(&mut stage, &[alice]);
    let rule = json!({ "on": "http", "match": { "path": "^/v1/typing$", "method": "POST" }, "count": -1, "delayMs": 0 });
    let id = fault(&mut stage, &rule);
    must(&mut stage, alice, Call::Typing(sid));
    assert_eq!(hits(&mut stage, id), 1);
}

#[test]
fn q05_the_context_may_come_by_answer_or_by_event() {
    for context_enrich in [
        ContextEnrich::Immediate,
        ContextEnrich::OnSubscribe,
        ContextEnrich::After(1),
        ContextEnrich::After(900),
    ] {
        let mut stage = Stage::new(ServiceConfig { context_enrich, ..ServiceConfig::default() });
        let alice = stage.enter("alice");
        stage.advance(Duration::from_secs(10));
        assert!(stage.state(alice).is_ready(), "{context_enrich:?}");
    }
    // The event is lost: the answer has it.
    let mut stage =
        Stage::new(ServiceConfig { context_enrich: ContextEnrich::Immediate, ..ServiceConfig::default() });
    let lost =
        json!({ "on": "event", "match": { "eventType": "list_context_updated" }, "count": -1, "op": "drop" });
    fault(&mut stage, &lost);
    let alice = stage.enter("alice");
    stage.advance(Duration::from_secs(10));
    assert!(stage.state(alice).is_ready());
}

#[test]
fn q06_calls_have_deadlines() {
    let mut stage = stage();
    let mut config = Config::default();
    config.call_timeout = Duration::from_secs(7);
    let alice = stage.enter_with("alice", config);
    stage.settle();
    let sid = create(&mut stage, alice, named("slow"));
    fault(&mut stage, &json!({ "on": "command", "match": {}, "count": -1, "noReply": true }));
    let begun = stage.now();
    let answer = stage.ask(alice, Call::Join(sid));
    assert!(matches!(answer, Err(CallError::Unknown(Phase::Sent))), "{answer:?}");
    assert_eq!(stage.now().since(begun), Duration::from_secs(7));
}

#[test]
fn q07_users_and_channels_name_the_page_before_differently() {
    let mut stage = Stage::new(ServiceConfig { rest_page_size: 2, ..ServiceConfig::default() });
    let alice = enter(&mut stage, "alice");
    let seed = json!({ "channels": 3, "identity": "zoe", "creator": "zoe", "prefix": "p" });
    stage.admin("seed", &seed).unwrap();
    let sid = room(&mut stage, &[alice]);
    for person in ["bob", "carol"] {
        must(&mut stage, alice, Call::Add(sid.clone(), person.into()));
    }
    let users = |reply| if let Reply::UserDescriptors(page) = reply { page } else { panic!("{reply:?}") };
    let first = users(must(&mut stage, alice, Call::GetUserDescriptors(sid)));
    let second = users(must(&mut stage, alice, Call::NextPage(first.next.clone().unwrap())));
    assert_eq!((first.items.len(), second.items.len()), (2, 1));
    let back = users(must(&mut stage, alice, Call::NextPage(second.prev.unwrap())));
    assert_eq!(back, first);

    let channels =
        |reply| if let Reply::ChannelDescriptors(page) = reply { page } else { panic!("{reply:?}") };
    let first = channels(must(&mut stage, alice, Call::GetPublicChannelDescriptors));
    let second = channels(must(&mut stage, alice, Call::NextPage(first.next.clone().unwrap())));
    let back = channels(must(&mut stage, alice, Call::NextPage(second.prev.unwrap())));
    assert_eq!(back, first);
}

/// An event of the own map of channels: this item of it changes.
fn own_item(stage: &mut Stage, identity: &str, channel: &ChannelSid, data: &Value) {
    let map = format!("{identity}.channels");
    let stored = stage.admin("sync", &json!({ "type": "map", "id": map })).unwrap();
    let event = json!({
        "event_type": "map_item_updated", "event_protocol_version": 4, "strictly_ordered": false,
        "event": {
            "id": stored["last_event_id"].as_i64().unwrap() + 1, "map_sid": stored["sid"], "item_key": channel.as_str(),
            "item_data": data, "item_revision": "ff", "date_created": "2023-11-14T22:13:20.000Z",
        },
    });
    let notify = json!({ "identity": identity, "messageType": "com.twilio.rtd.cds.map", "payload": event });
    stage.admin("notify", &notify).unwrap();
    stage.settle();
}

#[test]
fn q10_who_does_not_participate_any_more_has_left() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    let sid = room(&mut stage, &[alice]);
    stage.take_events(alice);
    own_item(&mut stage, "alice", &sid, &json!({ "status": "notParticipating" }));
    assert_eq!(told(&stage.take_events(alice), &sid), BTreeMap::from([("left", 1)]));
    assert_eq!(stage.state(alice).channel(&sid).unwrap().status, ChannelStatus::Known);
}

#[test]
fn q11_the_last_status_counts_and_is_told_once() {
    let mut stage = stage();
    let (alice, bob) = (enter(&mut stage, "alice"), enter(&mut stage, "bob"));
    let sid = room(&mut stage, &[alice]);
    let slow = json!({ "on": "http", "match": { "path": "/Documents/", "identity": "bob" }, "count": -1, "delayMs": 2000 });
    fault(&mut stage, &slow);
    for call in [Call::Invite(sid.clone(), "bob".into()), Call::Add(sid.clone(), "bob".into())] {
        stage.ask(alice, call).unwrap();
        stage.advance(Duration::from_millis(100));
    }
    stage.advance(Duration::from_secs(5));
    let told = told(&stage.take_events(bob), &sid);
    assert_eq!(
        (told.get("added"), told.get("joined"), told.get("invited")),
        (Some(&1), Some(&1), None),
        "{told:?}"
    );
    assert_eq!(stage.state(bob).channel(&sid).unwrap().status, ChannelStatus::Joined);
}

#[test]
fn q12_an_old_answer_of_the_directory_does_not_bring_old_names_back() {
    let mut stage = stage();
    let (alice, bob) = (enter(&mut stage, "alice"), enter(&mut stage, "bob"));
    let sid = room(&mut stage, &[alice]);
    must(&mut stage, bob, Call::GetChannelBySid(sid.clone()));
    stage.advance(Duration::from_mins(1));
    must(&mut stage, alice, Call::UpdateFriendlyName(sid.clone(), Some("new".into())));
    let old = json!({
        "sid": sid.as_str(), "unique_name": "room", "friendly_name": "room", "attributes": "{}", "type": "public",
        "created_by": "alice", "date_created": "2023-11-14T22:13:00.000Z", "date_updated": "2023-11-14T22:13:21.000Z",
        "channel": format!("{sid}.channel"), "members_count": 1, "messages_count": 0,
    });
    let rule = json!({ "on": "http", "match": { "path": "/room$", "identity": "bob" }, "count": -1, "status": 200, "body": old });
    let id = fault(&mut stage, &rule);
    stage.take_events(bob);
    let Reply::Channel(channel) = must(&mut stage, bob, Call::GetChannelByUniqueName("room".into())) else {
        panic!()
    };
    assert_eq!(hits(&mut stage, id), 1);
    assert_eq!(channel.friendly_name.as_deref(), Some("new"));
    assert_eq!(told(&stage.take_events(bob), &sid), BTreeMap::new());
}

#[test]
fn q15_who_left_meanwhile_is_gone_after_coming_back() {
    let mut stage = stage();
    let (alice, bob, carol) =
        (enter(&mut stage, "alice"), enter(&mut stage, "bob"), enter(&mut stage, "carol"));
    let sid = room(&mut stage, &[alice, bob, carol]);
    assert_eq!(stage.state(bob).members(&sid).len(), 3);
    must(&mut stage, bob, Call::Leave(sid.clone()));
    must(&mut stage, carol, Call::Leave(sid.clone()));
    stage.take_events(bob);
    must(&mut stage, bob, Call::Join(sid.clone()));
    let mut members: Vec<_> = stage
        .state(bob)
        .members(&sid)
        .iter()
        .map(|member| member.identity.clone().unwrap().to_string())
        .collect();
    members.sort();
    assert_eq!(members, ["alice", "bob"]);
    // Whoever was still shown while bob was away is told to be gone.
    let gone: Vec<_> = stage
        .take_events(bob)
        .into_iter()
        .filter_map(
            |event| if let Event::MemberLeft(member) = event { member.identity.clone() } else { None },
        )
        .collect();
    assert!(gone.iter().any(|identity| identity.as_str() == "carol"), "{gone:?}");
}

#[test]
fn q16_a_look_up_waits_for_the_roster() {
    let mut stage = stage();
    let (alice, bob) = (enter(&mut stage, "alice"), enter(&mut stage, "bob"));
    let sid = room(&mut stage, &[alice]);
    must(&mut stage, bob, Call::GetChannelBySid(sid.clone()));
    // Whoever takes no part may not read it, and is told so.
    let by = |identity: &str| MemberRef::Identity(identity.into());
    let answer = stage.ask(bob, Call::GetMember(sid.clone(), by("alice")));
    assert!(matches!(answer, Err(CallError::Sync { status: 403, .. })), "{answer:?}");
    let slow = json!({ "on": "http", "match": { "path": "/Maps/", "identity": "bob" }, "count": -1, "delayMs": 1500 });
    fault(&mut stage, &slow);
    stage.ask(bob, Call::Join(sid.clone())).unwrap();
    let Ok(Reply::Member(member)) = stage.ask(bob, Call::GetMember(sid.clone(), by("alice"))) else {
        panic!()
    };
    let by_sid = stage.ask(bob, Call::GetMember(sid, MemberRef::Sid(member.sid.clone())));
    assert_eq!(by_sid, Ok(Reply::Member(member)));
}

#[test]
fn q17_one_person_is_fetched_once() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    enter(&mut stage, "bob");
    stage.take_events(alice);
    let watch = json!({ "on": "http", "match": { "path": "/bob$|/Maps/", "identity": "alice" }, "count": -1, "delayMs": 50 });
    let id = fault(&mut stage, &watch);
    let first = stage.start(alice, Call::GetUser("bob".into())).unwrap();
    let second = stage.start(alice, Call::GetUser("bob".into())).unwrap();
    let (first, second) = (stage.answer(alice, first).unwrap(), stage.answer(alice, second).unwrap());
    stage.settle();
    assert!(first.is_ok());
    assert_eq!(first, second);
    assert_eq!(hits(&mut stage, id), 2, "one look-up and one map");
    let subscribed =
        |event: &&Event| matches!(event, Event::UserSubscribed(user) if user.identity.as_str() == "bob");
    assert_eq!(stage.take_events(alice).iter().filter(subscribed).count(), 1);
}

#[test]
fn q18_typing_of_a_known_channel_asks_nobody() {
    let mut stage = stage();
    let (alice, bob) = (enter(&mut stage, "alice"), enter(&mut stage, "bob"));
    let sid = room(&mut stage, &[alice, bob]);
    must(&mut stage, alice, Call::GetMessages(GetMessages::newest(sid.clone())));
    stage.take_events(alice);
    let before = requests(&mut stage);
    stage.admin("typing", &json!({ "identity": "bob", "channel": sid.as_str() })).unwrap();
    stage.settle();
    assert!(stage.take_events(alice).iter().any(|event| matches!(event, Event::TypingStarted(_))));
    assert_eq!(requests(&mut stage), before);
}

/// World 15139: a notification that was late, or comes before the own user is told to be a member again.
#[test]
fn nobody_types_in_a_channel_that_was_left() {
    let mut stage = stage();
    let (alice, bob) = (enter(&mut stage, "alice"), enter(&mut stage, "bob"));
    let sid = room(&mut stage, &[alice, bob]);
    must(&mut stage, alice, Call::GetMembers(sid.clone()));
    let types = |stage: &mut Stage| {
        stage.take_events(alice);
        let payload = json!({ "channel_sid": sid, "identity": "bob", "typing_timeout": 5 }).to_string();
        let indicator = json!({ "identity": "alice", "messageType": "twilio.ipmsg.typing_indicator", "payload": payload });
        stage.admin("notify", &indicator).unwrap();
        stage.settle();
        stage.take_events(alice).iter().any(|event| matches!(event, Event::TypingStarted(_)))
    };
    assert!(types(&mut stage));
    stage.advance(Duration::from_mins(1));
    must(&mut stage, alice, Call::Leave(sid.clone()));
    stage.settle();
    assert!(!types(&mut stage));
    must(&mut stage, alice, Call::Join(sid.clone()));
    stage.settle();
    assert!(types(&mut stage));
}

/// Found by the journey fuzzer: with its stream the answer to what had been asked of it was forgotten, and the call
/// waited for ever.
#[test]
fn a_page_that_was_asked_for_before_leaving_is_answered() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    let sid = room(&mut stage, &[alice]);
    let slow =
        json!({ "on": "http", "match": { "path": "Items", "method": "GET" }, "count": 1, "delayMs": 5_000 });
    fault(&mut stage, &slow);
    let newest = Call::GetMessages(GetMessages::newest(sid.clone()));
    let page = stage.start_by(alice, newest, CallDeadline::Never).unwrap();
    must(&mut stage, alice, Call::Leave(sid.clone()));
    assert_eq!(stage.answer(alice, page), Some(Err(CallError::UnknownChannel(sid))));
}

/// Found by the journey fuzzer: the events were lost, and so was each replay of them.
#[test]
fn what_every_replay_leaves_out_is_read() {
    let mut stage = stage();
    let (alice, bob) = (enter(&mut stage, "alice"), enter(&mut stage, "bob"));
    let sid = room(&mut stage, &[alice, bob]);
    must(&mut stage, alice, Call::GetMembers(sid.clone()));
    must(&mut stage, alice, Call::GetUser("bob".into()));
    stage.take_events(alice);
    // Of the own channels, of the roster, and of a person.
    let gone =
        json!({ "on": "event", "match": { "eventType": "map_item_removed" }, "op": "drop", "count": -1 });
    let changed = json!({ "on": "event", "match": { "eventType": "map_item_updated", "identity": "alice" }, "op": "drop", "count": -1 });
    for rule in [&gone, &changed] {
        fault(&mut stage, rule);
    }
    must(&mut stage, bob, Call::UpdateUserFriendlyName("bob".into(), Some("Bobby".into())));
    must(&mut stage, alice, Call::RemoveMember(sid.clone(), MemberRef::Identity("bob".into())));
    // The next connection shows that something is missing, and says thrice that there is nothing.
    for who in [alice, bob] {
        stage.cut(who);
    }
    stage.advance(Duration::from_mins(2));
    stage.settle();
    stage.admin("faults/clear", &json!({})).unwrap();
    let left = stage
        .take_events(bob)
        .iter()
        .any(|event| matches!(event, Event::ChannelLeft(channel) if channel.sid == sid));
    assert!(left, "bob is told that he was removed");
    assert_eq!(stage.state(bob).channel(&sid).unwrap().status, ChannelStatus::Known);
    let members: Vec<_> =
        stage.state(alice).members(&sid).iter().map(|member| member.identity.clone()).collect();
    assert_eq!(members, [Some("alice".into())]);
    let known = stage.state(alice).users().find(|user| user.identity == "bob".into()).unwrap();
    assert_eq!(known.friendly_name, Some("Bobby".into()));
}

/// The devices that the service would push to, by the ids of their registrations.
fn registrations(stage: &mut Stage) -> Vec<String> {
    let service = stage.admin("state", &json!({})).unwrap();
    service["registrations"].as_array().unwrap().iter().map(|device| device["id"].to_string()).collect()
}

#[test]
fn q19_a_new_token_takes_the_registration_along() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    must(&mut stage, alice, Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("device")));
    assert_eq!(registrations(&mut stage).len(), 1);
    let watch = json!({ "on": "http", "match": { "path": "registrations", "method": "POST" }, "count": -1, "delayMs": 0 });
    let id = fault(&mut stage, &watch);
    stage.advance(Duration::from_secs(5));
    let token = Token::new(stage.token("alice", Duration::from_hours(2))).unwrap();
    must(&mut stage, alice, Call::UpdateToken(token));
    assert_eq!(hits(&mut stage, id), 1, "registered anew, with the new token");
    assert_eq!(registrations(&mut stage).len(), 1, "and not twice");
}

#[test]
fn q20_giving_up_a_registration_is_one_request() {
    let mut stage = stage();
    let alice = enter(&mut stage, "alice");
    must(&mut stage, alice, Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("device")));
    let watch = |method: &str| json!({ "on": "http", "match": { "path": "registrations", "method": method }, "count": -1, "delayMs": 0 });
    let (post, delete) = (fault(&mut stage, &watch("POST")), fault(&mut stage, &watch("DELETE")));
    must(&mut stage, alice, Call::UnsetPushRegistrationId(PushChannel::Fcm));
    assert_eq!((hits(&mut stage, post), hits(&mut stage, delete)), (0, 1));
    assert_eq!(registrations(&mut stage), Vec::<String>::new());
}
