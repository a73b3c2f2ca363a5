//! What an app may set (spec 04 §1.4), each seen to work.

use std::time::Duration;

use chat_proto::{
    Call, CallError, ChannelSid, Client, Command, Config, CreateChannel, Event, GetMessages, Json,
    PushChannel, Reply, Secret, Seed, SendMessage, Time, Token, UnreadCount,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

fn enter(stage: &mut Stage, identity: &str, config: Config) -> Who {
    let who = stage.enter_with(identity, config);
    stage.settle();
    who
}

fn room(stage: &mut Stage, who: Who) -> ChannelSid {
    let Ok(Reply::Channel(channel)) = stage.ask(who, Call::CreateChannel(CreateChannel::default())) else {
        panic!()
    };
    stage.ask(who, Call::Join(channel.sid.clone())).unwrap();
    stage.settle();
    channel.sid.clone()
}

fn say(stage: &mut Stage, who: Who, channel: &ChannelSid) {
    let message =
        SendMessage { channel: channel.clone(), body: Some("hello".into()), attributes: Json::default() };
    stage.ask(who, Call::SendMessage(message)).unwrap();
    stage.settle();
}

/// Lets the service count the requests that match, for ever.
fn watch(stage: &mut Stage, facts: &Value) -> u64 {
    let rule = json!({ "on": "http", "match": facts, "count": -1, "delayMs": 0 });
    stage.admin("fault", &rule).unwrap()["id"].as_u64().unwrap()
}

fn hits(stage: &mut Stage, id: u64) -> u64 {
    let faults = stage.admin("faults", &json!({})).unwrap();
    faults.as_array().unwrap().iter().find(|rule| rule["id"] == id).unwrap()["hits"].as_u64().unwrap()
}

/// Where a client of this configuration connects to.
fn dialled(config: Config) -> String {
    let token = Token::new("token").unwrap();
    let mut client = Client::new(config, token, &Seed::from_number(1), Time::ZERO);
    match client.poll_command() {
        Some(Command::Open { url, .. }) => url.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn regions_and_endpoints_lead_elsewhere() {
    assert_eq!(dialled(Config::default()), "wss://tsock.us1.twilio.com/v3/wsconnect");
    assert_eq!(dialled(config(|c| c.region = Some("au1".into()))), "wss://tsock.au1.twilio.com/v3/wsconnect");
    let own = config(|c| c.endpoints.twilsock = Some("wss://proxy.example/ws".into()));
    assert_eq!(dialled(own), "wss://proxy.example/ws");

    for (config, chat, sync) in [
        (Config::default(), "aim.twilio.com", "cds.us1.twilio.com"),
        (config(|c| c.region = Some("au1".into())), "aim.au1.twilio.com", "cds.au1.twilio.com"),
        (
            config(|c| c.endpoints.chat = Some("https://chat.example".into())),
            "chat.example",
            "cds.us1.twilio.com",
        ),
        (
            config(|c| c.endpoints.sync = Some("https://sync.example/".into())),
            "aim.twilio.com",
            "sync.example",
        ),
    ] {
        let mut stage = Stage::new(ServiceConfig::default());
        let (to_chat, to_sync) = (
            watch(&mut stage, &json!({ "host": chat })),
            watch(&mut stage, &json!({ "host": sync, "path": "/v3/Maps" })),
        );
        let alice = enter(&mut stage, "alice", config);
        let before = hits(&mut stage, to_chat);
        stage.ask(alice, Call::GetPublicChannelDescriptors).unwrap();
        assert_eq!(hits(&mut stage, to_chat), before + 1, "{chat}");
        assert!(hits(&mut stage, to_sync) > 0, "{sync}");
        let sid = room(&mut stage, alice);
        let before = hits(&mut stage, to_chat);
        stage.ask(alice, Call::Typing(sid)).unwrap();
        assert_eq!(hits(&mut stage, to_chat), before + 1, "typing goes to {chat}");
    }
}

#[test]
fn answers_are_kept_as_long_as_the_app_says() {
    for (interval, asked) in [(None, 1), (Some(Duration::from_millis(50)), 3)] {
        let mut stage = Stage::new(ServiceConfig::default());
        let alice = enter(&mut stage, "alice", config(|c| c.http_cache_interval = interval));
        let id = watch(&mut stage, &json!({ "path": "/Channels$" }));
        for _ in 0..3 {
            stage.ask(alice, Call::GetPublicChannelDescriptors).unwrap();
            stage.advance(Duration::from_millis(100));
        }
        assert_eq!(hits(&mut stage, id), asked, "{interval:?}");
    }
}

#[test]
fn the_read_horizon_is_reported_as_often_as_the_app_says() {
    for (interval, longest) in [(None, 5_100), (Some(Duration::from_millis(500)), 600)] {
        let mut stage = Stage::new(ServiceConfig::default());
        let alice = enter(&mut stage, "alice", config(|c| c.consumption_report_interval = interval));
        let sid = room(&mut stage, alice);
        for _ in 0..3 {
            say(&mut stage, alice, &sid);
        }
        stage.advance(Duration::from_secs(10));
        let first = stage.ask(alice, Call::UpdateLastConsumedMessageIndex(sid.clone(), Some(0)));
        assert_eq!(first, Ok(Reply::UnreadCount(UnreadCount::Known(2))));
        let begun = stage.now();
        let second = stage.ask(alice, Call::AdvanceLastConsumedMessageIndex(sid, 2));
        assert_eq!(second, Ok(Reply::UnreadCount(UnreadCount::Known(0))));
        let took = stage.now().since(begun);
        assert!(took <= Duration::from_millis(longest), "{took:?}");
        assert!(took >= Duration::from_millis(longest) / 3, "{took:?}");
    }
}

#[test]
fn as_many_people_are_subscribed_as_the_app_says() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = enter(&mut stage, "alice", config(|c| c.user_infos_to_subscribe = Some(2)));
    for person in ["u1", "u2", "u3"] {
        stage.admin("user", &json!({ "identity": person, "friendlyName": person })).unwrap();
        stage.ask(alice, Call::GetUser(person.into())).unwrap();
    }
    let Ok(Reply::Users(users)) = stage.ask(alice, Call::GetSubscribedUsers) else { panic!() };
    let names: Vec<_> = users.iter().map(|user| user.identity.as_str()).collect();
    assert_eq!(names, ["alice", "u2", "u3"]);
}

#[test]
fn typing_ends_when_the_app_says() {
    for (timeout, after) in [(None, 6), (Some(Duration::from_secs(1)), 2)] {
        let mut stage = Stage::new(ServiceConfig::default());
        let alice = enter(&mut stage, "alice", config(|c| c.typing_timeout = timeout));
        let sid = room(&mut stage, alice);
        let bob = enter(&mut stage, "bob", Config::default());
        stage.ask(bob, Call::GetChannelBySid(sid.clone())).unwrap();
        stage.ask(bob, Call::Join(sid.clone())).unwrap();
        stage.settle();
        stage.ask(bob, Call::Typing(sid.clone())).unwrap();
        stage.settle();
        let typing = |stage: &Stage| stage.state(alice).members(&sid).iter().any(|member| member.is_typing);
        assert!(typing(&stage));
        stage.advance(Duration::from_secs(after).checked_sub(Duration::from_millis(600)).unwrap());
        assert!(typing(&stage), "{timeout:?}: ended too early");
        stage.advance(Duration::from_millis(700));
        assert!(!typing(&stage), "{timeout:?}: still typing");
        assert!(stage.take_events(alice).iter().any(|event| matches!(event, Event::TypingEnded(_))));
    }
}

#[test]
fn reads_are_repeated_as_the_app_says() {
    for (change, sent, ms) in [
        ((|_| {}) as fn(&mut Config), 3, 3_000),
        (|c| c.read_retry.attempts = 1, 1, 0),
        (
            |c| {
                c.read_retry.attempts = 5;
                c.read_retry.min = Duration::from_millis(100);
                c.read_retry.max = Duration::from_millis(150);
            },
            5,
            550,
        ),
        (|c| c.retry_when_throttled = false, 1, 0),
    ] {
        let mut stage = Stage::new(ServiceConfig::default());
        let alice = enter(&mut stage, "alice", config(change));
        let rule = json!({ "on": "http", "match": { "path": "/Channels$" }, "count": -1, "status": 429 });
        let id = stage.admin("fault", &rule).unwrap()["id"].as_u64().unwrap();
        let begun = stage.now();
        let answer = stage.ask(alice, Call::GetPublicChannelDescriptors);
        assert!(matches!(answer, Err(CallError::Rest { status: 429, .. })), "{answer:?}");
        assert_eq!(hits(&mut stage, id), sent);
        let took = stage.now().since(begun).as_millis();
        assert!((ms..ms + 200).contains(&took), "{took} ms for {sent} attempts");
    }
}

#[test]
fn the_service_hears_what_the_client_is() {
    // The frame itself is compared byte by byte in chat-proto; here: the service takes whatever the app says of itself.
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = enter(
        &mut stage,
        "alice",
        config(|c| {
            c.metadata.app = Some(("tea".into(), "1".into()));
            c.continuation_token = Some(Secret::new("from an earlier life"));
        }),
    );
    assert!(stage.state(alice).is_ready());
    let told = stage.take_events(alice);
    assert!(told.iter().any(|event| matches!(event, Event::ContinuationToken(_))), "{told:?}");
    let sid = room(&mut stage, alice);
    assert!(stage.ask(alice, Call::GetMessages(GetMessages::newest(sid))).is_ok());
}

#[test]
fn what_the_wait_is_between_attempts() {
    for (ms, within) in [(100, 500), (2_000, 3_000)] {
        let mut stage = Stage::new(ServiceConfig::default());
        stage.reachable(false);
        let alice = stage.enter_with(
            "alice",
            config(|c| {
                c.retry.min = Duration::from_millis(ms);
                c.retry.max = Duration::from_millis(ms);
                c.retry.randomness_percent = 0;
            }),
        );
        stage.advance(Duration::from_millis(ms / 2));
        stage.reachable(true);
        stage.advance(Duration::from_millis(ms / 2 - 20));
        assert!(!stage.state(alice).is_ready(), "tried before the wait was over");
        stage.advance(Duration::from_millis(within));
        assert!(stage.state(alice).is_ready());
    }
}

#[test]
fn the_registrar_may_be_elsewhere() {
    for (config, registrar) in [
        (Config::default(), "ers.us1.twilio.com"),
        (config(|c| c.region = Some("au1".into())), "ers.au1.twilio.com"),
        (config(|c| c.endpoints.push = Some("https://push.example/v1/registrations".into())), "push.example"),
    ] {
        let mut stage = Stage::new(ServiceConfig::default());
        let id = watch(&mut stage, &json!({ "host": registrar, "method": "POST" }));
        let alice = enter(&mut stage, "alice", config);
        stage.start(alice, Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("device"))).unwrap();
        stage.settle();
        assert_eq!(hits(&mut stage, id), 1, "{registrar}");
    }
}
