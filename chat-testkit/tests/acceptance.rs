//! What the users of clients like this one suffered from most, each as a test of its name: a connection that is stuck or
//! lies, tokens that loop, messages that vanish or double, events that are missed, memory that grows.
//! (`thousand_clients_memory` is in a program of its own, for it counts the memory of the process.)

#[path = "acceptance/every_call.rs"]
mod every_call;
#[path = "stories_faults/people.rs"]
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat_proto::frame::{FrameLimits, decode};
use chat_proto::session::What;
use chat_proto::{
    Call, CallDeadline, CallError, ChannelStatus, Command, Config, ConnectionState, Event, GetMessages, Json,
    MemberRef, Network, PushChannel, Record, Reply, Secret, SendMedia, TokenWanted,
};
use chat_testkit::stage::{Stage, Who};
use chat_testkit::world::Rng;
use every_call::{About, every_call, kind};
use people::*;
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_hours(1);

/// Something bad, drawn by chance. Everything ends by itself or with [`heal`].
fn harm(stage: &mut Stage, rng: &mut Rng, who: Who) {
    let codes = [308, 401, 406, 410, 417, 500, 999];
    match rng.below(12) {
        0 | 1 => stage.cut(who),
        2 => stage.reachable(false),
        3 => stage.freeze(who, true),
        4 => stage.network(who, Network::Changed),
        5 => stage.network(who, Network::Offline),
        6 => {
            let code = codes[usize::try_from(rng.below(codes.len() as u64)).unwrap()];
            let closes = rng.below(2) == 0;
            admin(stage, "close", &json!({ "code": code, "errorCode": 1, "closeSocket": closes }));
        }
        7 => {
            admin(stage, "expireToken", &json!({}));
        }
        8 => {
            let status = [401, 403, 429, 500, 503][usize::try_from(rng.below(5)).unwrap()];
            let methods = ["init", "update", "put_notification_ctx"];
            fault(
                stage,
                &json!({ "on": "twilsock", "match": { "method": methods }, "count": 2, "status": status }),
            );
            stage.cut(who);
        }
        9 => fault(stage, &json!({ "on": "twilsock", "match": {}, "count": 2, "noReply": true })),
        10 => stage.sleep(Duration::from_millis(rng.below(8 * 3_600_000))),
        _ => fault(stage, &json!({ "on": "http", "match": {}, "count": 3, "status": 503 })),
    }
    stage.advance(Duration::from_millis(rng.below(40_000)));
}

fn heal(stage: &mut Stage, who: Who) {
    admin(stage, "faults/clear", &json!({}));
    stage.reachable(true);
    stage.freeze(who, false);
    stage.network(who, Network::Online);
}

/// Threads 1 to 7: from wherever trouble leads, a good network and a good token lead to `Connected`, soon.
#[test]
fn never_stuck() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let (mut stage, alice, channel) = in_channel();
        for _ in 0..=rng.below(6) {
            harm(&mut stage, &mut rng, alice);
        }
        heal(&mut stage, alice);
        let token = stage.token("alice", HOUR);
        let call = stage.start_by(alice, update(&token), CallDeadline::Never).unwrap();
        // The longest wait is for a dead socket to be noticed, or for a reply that does not come.
        stage.advance(Duration::from_secs(50));
        if stage.state(alice).connection() != ConnectionState::Connected {
            stage.advance(Duration::from_secs(40));
        }
        assert_eq!(stage.state(alice).connection(), ConnectionState::Connected, "seed {seed}");
        assert_eq!(stage.answer(alice, call), Some(Ok(Reply::Done)), "seed {seed}");
        stage.advance(Duration::from_mins(3));
        stage.take_all_events();
        works(&mut stage, alice, &channel, "alive");
    }
}

/// Thread 7: whatever happens, there is one socket, and attempts are few. The stage itself refuses a second socket.
#[test]
fn one_transport_at_a_time() {
    let (mut stage, alice, channel) = in_channel();
    stage.reachable(false);
    stage.cut(alice);
    for n in 0..1000_u64 {
        let token = stage.token("alice", HOUR + Duration::from_secs(n));
        stage.start(alice, update(&token)).ok();
        stage.advance(Duration::from_millis(20));
    }
    // Each new token may try at once, but only when the attempt before it is over.
    assert!(stage.opens(alice).len() <= 1002, "{}", stage.opens(alice).len());
    let opens = stage.opens(alice).len();
    stage.advance(Duration::from_mins(10));
    assert!(stage.opens(alice).len() < opens + 16);
    stage.reachable(true);
    stage.network(alice, Network::Online);
    for n in 0..50 {
        stage.network(alice, [Network::Changed, Network::Online, Network::Offline][n % 3]);
        stage.advance(Duration::from_millis(7));
    }
    stage.network(alice, Network::Online);
    stage.advance(Duration::from_secs(5));
    stage.take_all_events();
    works(&mut stage, alice, &channel, "alive");
}

/// Thread 10: however many reasons there are for another token, it is asked for once until one comes.
#[test]
fn token_single_flight() {
    let (mut stage, alice, channel) = in_channel();
    for round in 0..5 {
        admin(&mut stage, "tokenAboutToExpire", &json!({}));
        admin(&mut stage, "tokenAboutToExpire", &json!({}));
        stage.settle();
        admin(&mut stage, "expireToken", &json!({}));
        stage.advance(Duration::from_secs(30));
        stage.network(alice, Network::Changed);
        stage.advance(Duration::from_secs(30));
        let events = stage.take_events(alice);
        let asked = count(&events, |event| matches!(event, Event::TokenWanted { .. }));
        // Once because it is about to expire, and once more when it has: the first was not answered in time.
        assert!((1..=2).contains(&asked), "{round}: {asked}");
        let reasons = count(&events, |event| *event == Event::TokenWanted { reason: TokenWanted::Expiring });
        assert_eq!(reasons, 1, "{round}");
        let token = stage.token("alice", HOUR);
        assert_eq!(stage.ask(alice, update(&token)), Ok(Reply::Done), "{round}");
        stage.settle();
    }
    works(&mut stage, alice, &channel, "alive");
}

/// Threads 2 and 11: a refused token is not tried again, and an app that gives bad ones for ever is asked slowly.
#[test]
fn bad_token_no_loop() {
    let mut stage = Stage::new(service());
    admin(&mut stage, "deny", &json!({ "identity": "mallory" }));
    let mallory = stage.enter("mallory");
    let began = stage.now();
    let mut given = 0_u64;
    while stage.now().since(began) < HOUR {
        stage.advance(Duration::from_millis(100));
        let wanted = stage.take_events(mallory);
        if count(&wanted, |event| matches!(event, Event::TokenWanted { .. })) > 0 {
            given += 1;
            let token = stage.token("mallory", HOUR + Duration::from_secs(given));
            assert!(is_refused_token(&stage.ask(mallory, update(&token))));
        }
    }
    assert!((5..50).contains(&given), "asked {given} times in an hour");
    assert!(stage.opens(mallory).len() as u64 <= given + 1);
    assert_eq!(stage.state(mallory).connection(), ConnectionState::Denied);
}

/// The names under which the pushes of each text left, as the sockets had them.
fn command_ids(stage: &Stage) -> BTreeMap<String, Vec<String>> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in stage.session("a stage").entries {
        let What::Record(Record::Command(Command::Send { bytes, .. })) = &entry.what else { continue };
        let (_, payload) = decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
        let Ok(payload) = serde_json::from_slice::<Value>(payload) else { continue };
        let data = &payload["data"];
        if data["request"]["action"] == "sendMessage" {
            let text = data["request"]["text"].as_str().unwrap().to_owned();
            ids.entry(text).or_default().push(data["commandId"].as_str().unwrap().to_owned());
        }
    }
    ids
}

/// Threads 16 to 19: a message whose fate was in doubt stands once, under the id that it was given at first.
#[test]
fn resend_same_id() {
    let mut again = 0;
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let (mut stage, alice, channel) = in_channel();
        let trouble = [
            json!({ "noReply": true }),
            json!({ "noReply": true, "process": true }),
            json!({ "status": 503 }),
            json!({ "status": 504, "process": true }),
            json!({ "drop": true }),
            json!({ "drop": true, "process": true }),
            json!({ "delayMs": 20_000 }),
        ];
        let mut texts = Vec::new();
        let mut calls = Vec::new();
        for n in 0..6 {
            let mut rule = json!({ "on": "http", "match": { "action": "sendMessage" } });
            let effect = &trouble[usize::try_from(rng.below(trouble.len() as u64)).unwrap()];
            rule.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
            fault(&mut stage, &rule);
            texts.push(format!("message {n}"));
            let call = message(&channel, &texts[n]);
            calls.push(stage.start_by(alice, call, CallDeadline::Never).unwrap());
            stage.advance(Duration::from_millis(rng.below(3000)));
            if rng.below(3) == 0 {
                stage.cut(alice);
            }
        }
        for call in calls {
            let answer = stage.answer(alice, call);
            assert!(matches!(answer, Some(Ok(Reply::MessageIndex(_)))), "seed {seed}: {answer:?}");
        }
        stage.advance(Duration::from_mins(3));
        assert_eq!(stored(&mut stage, &channel), texts, "seed {seed}: once each, in order");
        assert_eq!(added(&stage.take_events(alice)), texts, "seed {seed}");
        let ids = command_ids(&stage);
        assert!(ids.keys().eq(texts.iter()), "seed {seed}: {ids:?}");
        let all: BTreeSet<&String> = ids.values().flatten().collect();
        assert_eq!(all.len(), texts.len(), "seed {seed}: one id for each text: {ids:?}");
        for (text, ids) in &ids {
            assert!(ids.iter().all(|id| *id == ids[0]), "seed {seed}: {text}: {ids:?}");
        }
        again += ids.values().map(|ids| ids.len() - 1).sum::<usize>();
    }
    assert!(again > 40, "too few were sent again to show anything: {again}");
}

/// Threads 20 and 31: after bursts under lost, doubled, late and swapped events nothing is missing.
#[test]
fn no_holes_after_settle() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let (mut stage, alice, channel) = in_channel();
        for _ in 0..20 {
            let ops = [
                json!({ "op": "drop" }),
                json!({ "op": "dup" }),
                json!({ "op": "delay", "delayMs": 700 }),
                json!({ "op": "swap" }),
            ];
            // Live events only: a service that says that it replayed all and did not cannot be seen through.
            let live = ["com.twilio.rtd.cds.document", "com.twilio.rtd.cds.list", "com.twilio.rtd.cds.map"];
            let facts = json!({ "identity": "alice", "messageType": live });
            let mut rule = json!({ "on": "event", "match": facts, "skip": rng.below(6) });
            let op = &ops[usize::try_from(rng.below(4)).unwrap()];
            rule.as_object_mut().unwrap().extend(op.as_object().unwrap().clone());
            fault(&mut stage, &rule);
            for _ in 0..=rng.below(4) {
                post(&mut stage, &channel, "burst");
            }
            stage.advance(Duration::from_millis(rng.below(300)));
            if rng.below(8) == 0 {
                stage.cut(alice);
            }
        }
        admin(&mut stage, "faults/clear", &json!({}));
        stage.advance(Duration::from_secs(30));
        // What was lost last shows at the next event.
        post(&mut stage, &channel, "last");
        stage.advance(Duration::from_mins(2));
        let told: Vec<u64> = stage
            .take_events(alice)
            .iter()
            .filter_map(|event| match event {
                Event::MessageAdded(message) => Some(message.index),
                _ => None,
            })
            .collect();
        let all: Vec<u64> = (0..stored(&mut stage, &channel).len() as u64).collect();
        assert_eq!(told, all, "seed {seed}");
        assert_eq!(held(&stage, alice, &channel).len(), all.len(), "seed {seed}");
    }
}

/// Thread 21: an app that begins to listen late hears everything.
#[test]
fn late_listener_sees_all() {
    let mut stage = Stage::new(service());
    admin(&mut stage, "seed", &json!({ "channels": 3, "identity": "alice", "messages": 2 }));
    let alice = stage.enter("alice");
    stage.neglect(alice, true);
    stage.settle();
    let channel = stage.state(alice).channels()[0].sid.clone();
    post(&mut stage, &channel, "hello");
    stage.advance(Duration::from_mins(10));
    stage.neglect(alice, false);
    let events = stage.take_events(alice);
    let told = |word: &str| words(&events).iter().filter(|of| **of == word).count();
    assert_eq!(
        (told("Ready"), told("ChannelAdded"), told("ChannelJoined"), told("MessageAdded")),
        (1, 3, 3, 1)
    );
}

/// Thread 22: joining and leaving in quick succession ends as the last word says, and events arrive.
#[test]
fn join_leave_storm() {
    for seed in 0..25 {
        let mut rng = Rng::new(seed);
        let (mut stage, alice, channel) = in_channel();
        let bob = stage.enter("bob");
        stage.settle();
        join(&mut stage, bob, &channel);
        let mut calls = Vec::new();
        for n in 0..40 {
            let call = if n % 2 == 0 { Call::Leave(channel.clone()) } else { Call::Join(channel.clone()) };
            if rng.below(2) == 0 {
                calls.push(stage.start(bob, call).unwrap());
            } else {
                let result = stage.ask(bob, call);
                assert!(!matches!(result, Err(CallError::Unknown(_))), "seed {seed}: {result:?}");
            }
            stage.advance(Duration::from_millis(rng.below(20)));
            if rng.below(15) == 0 {
                stage.cut(bob);
            }
        }
        for call in calls {
            assert!(stage.answer(bob, call).is_some(), "seed {seed}");
        }
        stage.advance(Duration::from_mins(1));
        if stage.state(bob).channel(&channel).map(|channel| channel.status) != Some(ChannelStatus::Joined) {
            assert!(stage.ask(bob, Call::Join(channel.clone())).is_ok(), "seed {seed}");
        }
        stage.settle();
        stage.take_all_events();
        post(&mut stage, &channel, "are you there?");
        stage.settle();
        assert_eq!(added(&stage.take_events(bob)), ["are you there?"], "seed {seed}");
        assert_eq!(added(&stage.take_events(alice)), ["are you there?"], "seed {seed}");
        let member = Call::GetMember(channel.clone(), MemberRef::Identity("bob".into()));
        assert!(stage.ask(alice, member).is_ok(), "seed {seed}");
        let members = stage.state(alice).members(&channel);
        assert_eq!(members.len(), 2, "seed {seed}: {members:?}");
    }
}

/// Thread 13: a client is who it is. Another identity's token does not make it somebody else.
#[test]
fn identity_fixed() {
    let (mut stage, alice, channel) = in_channel();
    let other = stage.token("bob", HOUR);
    let answer = stage.ask(alice, update(&other));
    assert!(matches!(answer, Err(CallError::InvalidArgument { .. })), "{answer:?}");
    assert_eq!(stage.state(alice).identity().map(chat_proto::Identity::as_str), Some("alice"));
    stage.cut(alice);
    stage.advance(Duration::from_secs(5));
    works(&mut stage, alice, &channel, "still alice");
    let connections = admin(&mut stage, "connections", &json!({}));
    assert_eq!(connections[0]["identity"], json!("alice"));
    // And two in one process have nothing to do with each other.
    let bob = stage.enter("bob");
    stage.settle();
    assert_eq!(stage.state(bob).identity().map(chat_proto::Identity::as_str), Some("bob"));
    assert_eq!(stage.state(alice).identity().map(chat_proto::Identity::as_str), Some("alice"));
}

/// Threads 3 and 26: a client may go at any moment, and the next one of the same person starts well.
#[test]
fn drop_anywhere() {
    let mut fates = BTreeSet::new();
    // A start takes 180 ms, and then the message goes out.
    for ms in (0..240).step_by(2) {
        let (mut stage, alice, channel) = in_channel();
        let gone = stage.enter("alice");
        stage.advance(Duration::from_millis(ms));
        stage.start(gone, message(&channel, "from one who goes")).unwrap();
        // One in three goes in good order, the others without a word.
        let shuts_down = ms % 3 == 0;
        if shuts_down {
            stage.start(gone, shutdown()).unwrap();
        }
        stage.advance(Duration::from_millis(ms * 7 % 40));
        stage.vanish(gone);
        let next = stage.enter("alice");
        stage.settle();
        assert!(stage.state(next).is_ready(), "{ms} ms");
        let before = added(&stage.take_events(alice));
        stage.take_all_events();
        works(&mut stage, next, &channel, "alive");
        stage.advance(Duration::from_mins(3));
        // The message that was on its way stands once or not at all, and who stayed was told just that.
        let stands = stored(&mut stage, &channel);
        let expected = if stands.len() == 2 { vec!["from one who goes", "alive"] } else { vec!["alive"] };
        assert_eq!(stands, expected, "{ms} ms");
        assert_eq!([before, added(&stage.take_events(alice))].concat(), expected, "{ms} ms");
        let fate = (shuts_down, expected.len() == 2);
        fates.insert(fate);
    }
    for fate in [(false, false), (false, true), (true, false)] {
        assert!(fates.contains(&fate), "nobody goes like that (shut down, message stands): {fate:?}");
    }
}

/// Alice in a channel with a message and a picture in it, and what calls may be about there.
fn about_everything() -> (Stage, Who, About) {
    let (mut stage, alice, channel) = in_channel();
    works(&mut stage, alice, &channel, "first");
    let given = stage.give_media(alice, vec![7; 1000]);
    let picture = Call::SendMedia(SendMedia {
        channel: channel.clone(),
        media: given,
        content_type: "image/png".into(),
        filename: None,
        attributes: Json::default(),
    });
    stage.ask(alice, picture).unwrap();
    stage.ask(alice, Call::SetPushRegistrationId(PushChannel::Apn, Secret::new("hunter2"))).unwrap();
    let Ok(Reply::MessagePage(page)) = stage.ask(alice, newest(&channel)) else { panic!("no page") };
    let fetched = page.items[1].media.as_ref().unwrap().sid.clone();
    let small = Call::GetMessages(GetMessages { page_size: 1, ..GetMessages::newest(channel.clone()) });
    let Ok(Reply::MessagePage(page)) = stage.ask(alice, small) else { panic!("no page") };
    let about = About {
        member: stage.state(alice).members(&channel)[0].sid.clone(),
        page: page.prev.clone().unwrap(),
        token: stage.token("alice", HOUR),
        media: stage.give_media(alice, vec![8; 1000]),
        channel,
        fetched,
    };
    stage.settle();
    stage.take_all_events();
    (stage, alice, about)
}

/// Something bad that stays, and its name.
type Trouble = (&'static str, fn(&mut Stage, Who));

/// What may be wrong while calls are made.
const TROUBLES: [Trouble; 7] = [
    ("no request is answered", |stage, _| {
        fault(stage, &json!({ "on": "http", "match": {}, "count": -1, "noReply": true }));
    }),
    ("no command is answered", |stage, _| {
        fault(stage, &json!({ "on": "command", "match": {}, "count": -1, "noReply": true }));
    }),
    ("the socket is half open", |stage, alice| stage.freeze(alice, true)),
    ("every request is answered 503", |stage, _| {
        fault(stage, &json!({ "on": "http", "match": {}, "count": -1, "status": 503 }));
    }),
    ("every request costs the socket", |stage, _| {
        fault(stage, &json!({ "on": "http", "match": {}, "count": -1, "drop": true }));
    }),
    ("the media host stalls", |stage, alice| (0..50).for_each(|_| stage.fail_transfer(alice, None))),
    ("the service cannot be reached", |stage, alice| {
        stage.reachable(false);
        stage.cut(alice);
    }),
];

/// Threads 16 to 18: every kind of call is answered in time, whatever the service does or does not do.
#[test]
fn deadline_everywhere() {
    let within = Duration::from_secs(20);
    let mut at_hand: BTreeMap<String, usize> = BTreeMap::new();
    for (trouble, begins) in TROUBLES {
        // All at once, so that they are in each other's way.
        let (mut stage, alice, about) = about_everything();
        begins(&mut stage, alice);
        let mut calls = every_call(&about);
        let last = calls.pop().unwrap();
        let began = stage.now();
        let started: Vec<_> = calls
            .into_iter()
            .map(|call| {
                let name = kind(&call);
                (stage.start_by(alice, call, CallDeadline::After(within)).unwrap(), name)
            })
            .collect();
        stage.advance(within);
        let events = stage.take_events(alice);
        for (id, name) in &started {
            let answers = |event: &&Event| matches!(event, Event::Answer { call, .. } if call == id);
            assert_eq!(events.iter().filter(answers).count(), 1, "{trouble}: {name}");
        }
        // Shutting down has a deadline too, and what is pending is answered before it.
        let until = stage.now() + Duration::from_secs(5);
        let pending = stage.start_by(alice, message(&about.channel, "late"), CallDeadline::Never).unwrap();
        assert_eq!(kind(&last), "Shutdown");
        let last = Call::Shutdown { drain_until: Some(until) };
        let last = stage.start_by(alice, last, CallDeadline::After(within)).unwrap();
        stage.advance(within);
        let events = stage.take_events(alice);
        for id in [pending, last] {
            let answered = count(&events, |event| matches!(event, Event::Answer { call, .. } if *call == id));
            assert_eq!(answered, 1, "{trouble}: {id}");
        }
        assert!(stage.client(alice).has_ended(), "{trouble}");
        assert!(stage.now().since(began) <= within * 2);

        // And each alone, so that none is answered because of another.
        for n in 0..=started.len() {
            let (mut stage, alice, about) = about_everything();
            begins(&mut stage, alice);
            let call = every_call(&about).swap_remove(n);
            let name = kind(&call);
            let id = stage.start_by(alice, call, CallDeadline::After(within)).unwrap();
            stage.advance(within);
            let events = stage.take_events(alice);
            let mut answers = events.iter().filter_map(|event| match event {
                Event::Answer { call, result } if *call == id => Some(result),
                _ => None,
            });
            let answer = answers.next().unwrap_or_else(|| panic!("{trouble}: {name} alone is not answered"));
            assert_eq!(answers.next(), None, "{trouble}: {name} alone");
            if !matches!(answer, Err(CallError::DeadlineExceeded(_) | CallError::Unknown(_))) {
                *at_hand.entry(name).or_default() += 1;
            }
        }
    }
    // What some trouble kept from being answered met its deadline; nothing else was at hand, or needs nobody.
    at_hand.retain(|_, troubles| *troubles == TROUBLES.len());
    let need_nobody = [
        "GetAttributes",
        "GetLocalChannels",
        "GetMember",
        "GetMemberUser",
        "GetMembers",
        "GetMessageMember",
        "GetSubscribedUsers",
        "HandlePushNotification",
        "Shutdown",
        "UnsubscribeUser",
    ];
    assert!(at_hand.keys().eq(need_nobody), "{at_hand:?}");
    // And a client that was never connected has deadlines if the app wants them.
    let (_, _, about) = about_everything();
    let mut stage = Stage::new(service());
    stage.reachable(false);
    let alice = stage.enter_with("alice", Config::default());
    for call in every_call(&about) {
        let name = kind(&call);
        let id = stage.start_by(alice, call, CallDeadline::After(Duration::from_secs(1))).unwrap();
        stage.advance(Duration::from_secs(1));
        let events = stage.take_events(alice);
        let answered = count(&events, |event| matches!(event, Event::Answer { call, .. } if *call == id));
        assert_eq!(answered, 1, "{name}");
    }
}
