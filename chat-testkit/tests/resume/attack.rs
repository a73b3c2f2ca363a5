//! Saves that nobody should resume from, and what must not stand in one.

use std::time::Duration;

use chat_proto::{
    Call, Client, Config, Event, Input, MemberRef, Network, ResumeError, Saved, Seed, Time, Token,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use proptest::prelude::*;
use serde_json::Value;

use crate::story::{channel, config, drawn, send};

/// A save with something of everything: messages, members, people, calls at all stages.
fn rich() -> (Stage, Who, Saved) {
    let mut stage = Stage::new(ServiceConfig::default());
    let (alice, bob) = (stage.enter_with("alice", config()), stage.enter("bob"));
    let room = channel(&mut stage, alice);
    stage.ask(alice, Call::Add(room.clone(), "bob".into())).unwrap();
    stage.ask(alice, Call::GetUser("bob".into())).unwrap();
    stage.ask(alice, send(&room, "hello")).unwrap();
    stage.settle();
    stage.ask(bob, send(&room, "hello yourself")).unwrap();
    stage.settle();
    for call in [
        send(&room, "on its way"),
        Call::UpdateLastConsumedMessageIndex(room.clone(), Some(1)),
        Call::UpdateMessageBody(room.clone(), 0, "edited".into()),
        Call::GetMember(room.clone(), MemberRef::Identity("bob".into())),
        Call::Typing(room.clone()),
        Call::UpdateToken(Token::new(stage.token("alice", Duration::from_secs(77))).unwrap()),
    ] {
        stage.start(alice, call).unwrap();
    }
    stage.network(alice, Network::Offline);
    stage.start(alice, send(&room, "later")).unwrap();
    let saved = stage.save(alice);
    (stage, alice, saved)
}

pub(crate) fn token(identity: &str) -> Token {
    Token::new(Stage::new(ServiceConfig::default()).token(identity, Duration::from_hours(1))).unwrap()
}

pub(crate) fn resume(token: Token, config: Config, saved: Saved) -> Result<Client, ResumeError> {
    Client::resume(config, token, &Seed::from_number(9), Time::from_millis(5_000), saved)
}

#[test]
fn no_secret_stands_in_a_save_or_its_debug() {
    let mut stage = Stage::new(ServiceConfig::default());
    let mut with_continuation = config();
    with_continuation.continuation_token = Some(chat_proto::Secret::new("continuation-hunter2"));
    let alice = stage.enter_with("alice", with_continuation);
    stage.settle();
    let mut secrets = vec!["continuation-hunter2".to_owned()];
    for event in stage.take_events(alice) {
        if let Event::ContinuationToken(token) = event {
            secrets.push(token.expose_secret().to_owned());
        }
    }
    let planted = stage.token("alice", Duration::from_secs(4_242));
    secrets.push(planted.clone());
    stage.start(alice, Call::UpdateToken(Token::new(planted).unwrap())).unwrap();
    let saved = stage.save(alice);
    let (text, debug) = (saved.to_json(), format!("{saved:?}"));
    secrets.push(stage.token("alice", Duration::from_hours(24)));
    for secret in &secrets {
        let part = secret.split('.').nth(1).unwrap_or(secret);
        assert!(!text.contains(part) && !debug.contains(part), "{part}");
    }
    let (_, _, rich) = rich();
    for word in ["eyJ", "token\"", "continuation"] {
        assert!(!rich.to_json().contains(word), "{word}");
    }
}

#[test]
fn another_version_another_person_and_nonsense_are_refused() {
    let (_, _, saved) = rich();
    let mut other: Value = serde_json::from_str(&saved.to_json()).unwrap();
    other["version"] = 2.into();
    let refused = Saved::from_json(other.to_string().as_bytes());
    assert_eq!(refused, Err(ResumeError::OtherVersion { found: 2 }));
    assert!(serde_json::from_value::<Saved>(other).is_err());
    for text in ["", "{}", "[]", "null", "{\"version\":1}", "\u{1}"] {
        assert!(matches!(Saved::from_json(text.as_bytes()), Err(ResumeError::Malformed(_))), "{text}");
    }
    let refused = resume(token("mallory"), config(), saved.clone()).unwrap_err();
    assert!(matches!(refused, ResumeError::OtherIdentity { .. }), "{refused}");
    let opaque = Token::new("opaque").unwrap();
    assert_eq!(resume(opaque, config(), saved.clone()).unwrap_err(), ResumeError::NoIdentity);
    let mut small = config();
    small.limits.pending_calls = 2;
    let refused = resume(token("alice"), small, saved.clone()).unwrap_err();
    assert!(matches!(refused, ResumeError::TooLarge { what: "calls", limit: 2, .. }), "{refused}");
    let mut forged: Value = serde_json::from_str(&saved.to_json()).unwrap();
    forged["identity"] = "mallory".into();
    let forged = Saved::from_json(forged.to_string().as_bytes()).unwrap();
    let refused = resume(token("mallory"), config(), forged).unwrap_err();
    assert!(matches!(refused, ResumeError::Inconsistent(_)), "{refused}");
    assert!(resume(token("alice"), config(), saved).is_ok());
}

#[test]
fn a_lower_window_keeps_the_newest_messages() {
    let (stage, alice, saved) = rich();
    let mut small = config();
    small.limits.messages_per_channel = 1;
    let client = resume(token("alice"), small, saved).unwrap();
    let room = stage.state(alice).channels()[0].sid.clone();
    let held: Vec<u64> = client.state().messages(&room).map(|message| message.index).collect();
    assert_eq!(held, [1]);
}

/// Where in a JSON value something is changed.
fn places(value: &Value, at: &mut Vec<String>, path: &str) {
    at.push(path.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, at, &format!("{path}/{n}")));
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, at, &format!("{path}/{name}"));
            }
        }
        _ => {}
    }
}

/// Places, what is put there, and whether a list is doubled instead.
pub(crate) type Forgery = Vec<(prop::sample::Index, Value, bool)>;

pub(crate) fn forgery() -> impl Strategy<Value = Forgery> {
    proptest::collection::vec((any::<prop::sample::Index>(), evil(), any::<bool>()), 1..4)
}

/// A JSON text that somebody has changed.
pub(crate) fn forged(text: &str, forgery: Forgery) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    for (place, evil, double) in forgery {
        let mut at = Vec::new();
        places(&value, &mut at, "");
        let path: &String = place.get(&at);
        let Some(target) = value.pointer_mut(path) else { continue };
        match target {
            Value::Array(items) if double => items.extend(items.clone()),
            target => *target = evil,
        }
    }
    value
}

fn evil() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Bool(true)),
        Just(0.into()),
        Just(u64::MAX.into()),
        Just((u64::MAX / 2 - 1).into()),
        Just(i64::MIN.into()),
        Just((-1).into()),
        Just(Value::from(1e300)),
        Just("".into()),
        Just("\u{0}\"}\r\n".into()),
        Just(Value::Array(Vec::new())),
        Just(Value::Object(serde_json::Map::new())),
    ]
}

/// Lives for a while, so that whatever was planted comes to bear.
pub(crate) fn live(mut client: Client) {
    let mut now = Time::from_millis(5_000);
    for _ in 0..50 {
        let mut sent = 0;
        while let Some(command) = client.poll_command() {
            sent += 1;
            assert!(sent < 10_000);
            if let chat_proto::Command::Open { link, .. } = command {
                client.handle(now, Input::Opened(link));
            }
        }
        while client.poll_event().is_some() {}
        let _ = client.save(now).to_json();
        let Some(deadline) = client.deadline() else { break };
        now = now.max(deadline.at) + Duration::from_millis(1);
        client.handle(now, Input::Tick);
    }
}

proptest! {
    #![proptest_config(drawn(300))]

    /// A forged save is refused with an error or makes a client that works: never a panic, never without bounds.
    #[test]
    fn forged_saves_do_no_harm(forgery in forgery()) {
        thread_local!(static RICH: String = rich().2.to_json());
        let value = forged(&RICH.with(Clone::clone), forgery);
        if let Ok(saved) = Saved::from_json(value.to_string().as_bytes())
            && let Ok(client) = resume(token("alice"), config(), saved)
        {
            live(client);
        }
    }

    #[test]
    fn cut_saves_are_refused(share in 0.0..1.0) {
        thread_local!(static RICH: String = rich().2.to_json());
        let text = RICH.with(Clone::clone);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a length")]
        let end = (text.len() as f64 * share) as usize;
        prop_assert!(Saved::from_json(&text.as_bytes()[..end]).is_err());
    }
}
