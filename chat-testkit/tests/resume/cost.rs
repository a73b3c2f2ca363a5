//! What a save costs.

use std::time::{Duration, Instant};

use chat_proto::{CallOptions, Client, Saved, SavedChanges, Seed, Time, Token};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::Stage;
use serde_json::{Value, json};

use crate::story::{channel, config, send};

/// A client with a large read model, made of the save of a small one.
fn large(channels: usize, messages: u64) -> Client {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter_with("alice", config());
    let room = channel(&mut stage, alice);
    stage.ask(alice, send(&room, "hello, this is a message of usual length")).unwrap();
    stage.settle();
    let mut saved: Value = serde_json::from_str(&stage.save(alice).to_json()).unwrap();
    let chat = &mut saved["chat"];
    let one = chat["channels"][0].to_string();
    let many = (0..channels).map(|number| {
        let name = room.as_str();
        let mut copy: Value = serde_json::from_str(&one.replace(name, &format!("CH{number:032}"))).unwrap();
        for (part, kind) in [("document", "ET"), ("list", "ES"), ("roster", "MP")] {
            copy[part]["Open"]["sid"] = format!("{kind}{number:032}").into();
        }
        let message = copy["messages"][0].clone();
        let all = (0..messages).map(|index| {
            let mut message = message.clone();
            message["index"] = index.into();
            message
        });
        copy["messages"] = all.collect();
        copy["order"] = json!(number);
        copy
    });
    chat["channels"] = many.collect();
    chat["next_order"] = json!(channels);
    let saved = Saved::from_json(saved.to_string().as_bytes()).unwrap();
    let token = Token::new(stage.token("alice", Duration::from_hours(1))).unwrap();
    Client::resume(config(), token, &Seed::from_number(1), Time::from_millis(1), saved).unwrap()
}

/// The shortest of ten.
fn best(work: &dyn Fn()) -> Duration {
    let times = (0..10).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    });
    times.min().unwrap()
}

/// A save shares the read model: it copies no message, so it stays far cheaper than its text, which the host may write
/// elsewhere. Run it with `--release --nocapture` for the figures in the docs of `Client::save`.
#[test]
fn a_save_shares_the_read_model() {
    fn is_send<T: Send + Sync + 'static>(_: &T) {}
    let client = large(if cfg!(debug_assertions) { 50 } else { 1000 }, 100);
    let now = Time::from_millis(2);
    let saved = client.save(now);
    is_send(&saved);
    let save = best(&|| drop(client.save(now)));
    let text = best(&|| drop(saved.to_json()));
    println!("save {save:?}, text {text:?}, {} bytes", saved.to_json().len());
    assert!(save < text, "save {save:?}, text {text:?}");
}

/// What changed is found without looking at what did not, and is as long as it is. For the figures as above.
#[test]
fn one_message_costs_a_few_kilobytes() {
    let mut client = large(if cfg!(debug_assertions) { 50 } else { 1000 }, 100);
    let now = Time::from_millis(2);
    let base = client.save(now);
    let room = client.state().channels()[7].sid.clone();
    client
        .call(now, send(&room, "hello, this is a message of usual length"), CallOptions::default())
        .unwrap();
    let newer = client.save(now);
    let begun = Instant::now();
    let changes = newer.changes_since(&base);
    let first = begun.elapsed();
    let compare = best(&|| drop(newer.changes_since(&base)));
    let text = best(&|| drop(changes.to_json()));
    let whole = best(&|| drop(newer.to_json()));
    let parts = (base.to_json(), changes.to_json());
    let read = best(&|| drop(Saved::from_json(parts.0.as_bytes()).unwrap()));
    let apply = || {
        let base = Saved::from_json(parts.0.as_bytes()).unwrap();
        base.with_changes(SavedChanges::from_json(parts.1.as_bytes()).unwrap()).unwrap()
    };
    let both = best(&|| drop(apply()));
    println!("whole {whole:?}, {} bytes", parts.0.len());
    println!("changes {compare:?} (the first {first:?}), text {text:?}, {} bytes", parts.1.len());
    println!("read {read:?}, with changes {both:?}");
    assert_eq!(apply(), newer);
    assert!(parts.1.len() < 6_000, "{} bytes: {}", parts.1.len(), parts.1);
    assert!((compare + text) * 10 < whole, "changes {compare:?} {text:?}, whole {whole:?}");
}
