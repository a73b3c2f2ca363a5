//! Saves in two parts: a base, and what changed since.

use std::time::Duration;

use chat_proto::{Call, Client, Identity, MemberRef, Network, ResumeError, Saved, SavedChanges, Token};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who, read_in_parts};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::attack::{forged, forgery, live, resume, token};
use crate::story::{channel, config, drawn, pending, send, texts, write_ahead};

/// A story with two people in two channels, and saves of all its moments.
fn told(seed: u64) -> (Stage, Who, Vec<Saved>) {
    let mut config = config();
    config.limits.messages_per_channel = 6;
    let mut stage = Stage::new(ServiceConfig::default());
    let (alice, bob) = (stage.enter_with("alice", config), stage.enter("bob"));
    let mut saves = vec![stage.save(alice)];
    let room = channel(&mut stage, alice);
    let other = chat_proto::CreateChannel { unique_name: Some("other".into()), ..Default::default() };
    stage.ask(bob, Call::CreateChannel(other)).unwrap();
    stage.settle();
    let other = stage.state(bob).channels()[0].sid.clone();
    saves.push(stage.save(alice));
    stage.ask(alice, Call::Add(room.clone(), "bob".into())).unwrap();
    let mut rng = chat_testkit::world::Rng::new(seed);
    for n in 0..24 {
        let newest = stage.state(alice).messages(&room).next_back().map_or(0, |message| message.index);
        let call = match rng.below(14) {
            0..=3 => (alice, send(&room, &n.to_string())),
            4 => (bob, send(&room, &n.to_string())),
            5 => (bob, Call::UpdateMessageBody(room.clone(), newest, "edited".into())),
            6 => (alice, Call::RemoveMessage(room.clone(), rng.below(newest + 1))),
            7 => (alice, Call::Join(other.clone())),
            8 => (alice, Call::Leave(other.clone())),
            9 => (bob, Call::Join(room.clone())),
            10 => (bob, Call::Leave(room.clone())),
            11 => (alice, Call::GetUser("bob".into())),
            12 => (alice, Call::GetMember(room.clone(), MemberRef::Identity("bob".into()))),
            _ => (alice, Call::UpdateLastConsumedMessageIndex(room.clone(), Some(newest))),
        };
        let _ = stage.start(call.0, call.1);
        match rng.below(8) {
            0 => stage.network(alice, Network::Offline),
            1..=3 => stage.network(alice, Network::Online),
            4 => stage.settle(),
            5 => drop(stage.take_events(alice)),
            _ => stage.advance(Duration::from_millis(rng.below(30))),
        }
        saves.push(stage.save(alice));
    }
    (stage, alice, saves)
}

proptest! {
    #![proptest_config(drawn(24))]

    /// From any save to any other, forwards and backwards, with and without text between.
    #[test]
    fn changes_lead_from_any_save_to_any(seed in any::<u64>()) {
        let (_, _, saves) = told(seed);
        for (n, newer) in saves.iter().enumerate() {
            for base in saves.iter().skip(n % 3).step_by(3) {
                let changes = newer.changes_since(base);
                prop_assert_eq!(changes.revision(), newer.revision());
                let made = base.clone().with_changes(changes).unwrap();
                prop_assert_eq!(&made, newer);
                prop_assert_eq!(made.to_json(), newer.to_json());
                prop_assert_eq!(&read_in_parts(base, newer).unwrap(), newer);
            }
        }
    }

    /// Forged changes are refused with an error, or make a save that does no harm.
    #[test]
    fn forged_changes_do_no_harm(forgery in forgery()) {
        thread_local!(static PARTS: (Saved, String) = {
            let (_, _, saves) = told(3);
            let base = saves[8].clone();
            let changes = saves.last().unwrap().changes_since(&base).to_json();
            (base, changes)
        });
        let (base, text) = PARTS.with(Clone::clone);
        let value = forged(&text, forgery);
        if let Ok(changes) = SavedChanges::from_json(value.to_string().as_bytes())
            && let Ok(saved) = base.with_changes(changes)
            && let Ok(client) = resume(token("alice"), config(), saved)
        {
            live(client);
        }
    }

    #[test]
    fn cut_changes_are_refused(share in 0.0..1.0) {
        thread_local!(static TEXT: String = {
            let (_, _, saves) = told(4);
            saves[12].changes_since(&saves[4]).to_json()
        });
        let text = TEXT.with(Clone::clone);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a length")]
        let end = (text.len() as f64 * share) as usize;
        prop_assert!(SavedChanges::from_json(&text.as_bytes()[..end]).is_err());
    }
}

#[test]
fn changes_of_another_base_are_refused() {
    let (_, _, saves) = told(1);
    let (base, newer) = (&saves[4], &saves[20]);
    let changes = newer.changes_since(base);
    for other in saves.iter().filter(|other| *other != base) {
        let refused = other.clone().with_changes(changes.clone()).unwrap_err();
        // Without write-ahead all are of one revision: it is the content that tells them apart.
        assert_eq!(refused, ResumeError::OtherBase { wanted: 0, found: 0 });
    }
    assert!(base.clone().with_changes(changes).is_ok());
}

#[test]
fn changes_of_another_version_and_nonsense_are_refused() {
    let (_, _, saves) = told(2);
    let text = saves[9].changes_since(&saves[3]).to_json();
    let mut other: Value = serde_json::from_str(&text).unwrap();
    other["version"] = 2.into();
    let refused = SavedChanges::from_json(other.to_string().as_bytes());
    assert_eq!(refused, Err(ResumeError::OtherVersion { found: 2 }));
    assert!(serde_json::from_value::<SavedChanges>(other).is_err());
    let whole = saves[3].to_json();
    for text in ["", "{}", "[]", "null", "{\"version\":1}", "\u{1}", &whole] {
        assert!(matches!(SavedChanges::from_json(text.as_bytes()), Err(ResumeError::Malformed(_))), "{text}");
    }
    assert!(matches!(Saved::from_json(text.as_bytes()), Err(ResumeError::Malformed(_))));
    let mut beyond: Value = serde_json::from_str(&text).unwrap();
    beyond["lists"]["users"] = json!([{ "Keep": [0, u64::MAX] }]);
    let beyond = SavedChanges::from_json(beyond.to_string().as_bytes()).unwrap();
    assert!(matches!(saves[3].clone().with_changes(beyond), Err(ResumeError::Inconsistent(_))));
}

/// What a crash leaves between storing a new base and storing its first changes, and what it never leaves.
#[test]
fn a_base_supersedes_what_is_older_and_nothing_else() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", write_ahead());
    let room = channel(&mut stage, alice);
    let mut saves = Vec::new();
    for n in 0..4 {
        stage.ask(alice, send(&room, &n.to_string())).unwrap();
        saves.push(stage.save(alice));
    }
    let [first, second, third, fourth] = &saves[..] else { panic!() };
    let changes = second.changes_since(first);
    assert!(third.supersedes(&changes) && fourth.supersedes(&changes) && second.supersedes(&changes));
    assert!(!first.supersedes(&changes), "they are its own");
    let newest = fourth.changes_since(third);
    for base in [first, second] {
        assert!(!base.supersedes(&newest), "they have what it has not");
        assert!(matches!(base.clone().with_changes(newest.clone()), Err(ResumeError::OtherBase { .. })));
    }
    // The next life's saves are newer than all of this one's.
    stage.crash(alice, second.clone()).unwrap();
    assert!(stage.save(alice).supersedes(&newest));
    assert!(!second.supersedes(&stage.save(alice).changes_since(third)));
}

/// What a host does that writes the base once, and then only what changed: the life after a crash shares what it was
/// resumed from, so that its changes are small from the beginning.
#[test]
fn a_resumed_client_goes_on_from_the_base_of_the_life_before() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", write_ahead());
    let room = channel(&mut stage, alice);
    for n in 0..100 {
        stage.ask(alice, send(&room, &format!("the message with the number {n}"))).unwrap();
    }
    stage.settle();
    stage.take_events(alice);
    let text = stage.save(alice).to_json();
    let base = Saved::from_json(text.as_bytes()).unwrap();
    let mut changes = SavedChanges::from_json(base.changes_since(&base).to_json().as_bytes()).unwrap();
    for n in 0..5 {
        stage.crash(alice, base.clone().with_changes(changes).unwrap()).unwrap();
        stage.ask(alice, send(&room, &format!("after {n}"))).unwrap();
        stage.settle();
        stage.take_events(alice);
        let made = stage.disk(alice).unwrap().changes_since(&base).to_json();
        assert!(made.len() < text.len() / 5 + 500 * (n + 1), "life {n}: {} of {}", made.len(), text.len());
        changes = SavedChanges::from_json(made.as_bytes()).unwrap();
    }
    assert_eq!(texts(&mut stage, &room).len(), 105);
    assert_eq!(pending(&stage, alice, &room), [""; 0]);
}

#[test]
fn no_secret_stands_in_changes_or_their_debug() {
    let mut stage = Stage::new(ServiceConfig::default());
    let mut with_continuation = config();
    with_continuation.continuation_token = Some(chat_proto::Secret::new("continuation-hunter2"));
    let alice = stage.enter_with("alice", with_continuation);
    let base = stage.save(alice);
    stage.settle();
    let planted = stage.token("alice", Duration::from_secs(4_242));
    stage.start(alice, Call::UpdateToken(Token::new(planted.clone()).unwrap())).unwrap();
    let changes = stage.save(alice).changes_since(&base);
    let (text, debug) = (changes.to_json(), format!("{changes:?}"));
    for secret in ["continuation-hunter2", planted.split('.').nth(1).unwrap()] {
        assert!(!text.contains(secret) && !debug.contains(secret), "{secret}");
    }
    assert!(!text.contains("eyJ"));
}

/// Nobody's changes make somebody else's save.
#[test]
fn changes_that_name_another_person_do_not_resume() {
    let (_, _, saves) = told(6);
    let (base, newer) = (&saves[5], &saves[15]);
    let mut forged: Value = serde_json::from_str(&newer.changes_since(base).to_json()).unwrap();
    forged["rest"]["identity"] = "mallory".into();
    let forged = SavedChanges::from_json(forged.to_string().as_bytes()).unwrap();
    let made = base.clone().with_changes(forged).unwrap();
    assert_eq!(made.identity(), Some(&Identity::new("mallory")));
    let refused: Result<Client, ResumeError> = resume(token("mallory"), config(), made);
    assert!(matches!(refused, Err(ResumeError::Inconsistent(_))), "{refused:?}");
}
