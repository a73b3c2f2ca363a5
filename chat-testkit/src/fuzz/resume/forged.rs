use std::time::Duration;

use chat_proto::{Client, Command, Input, ResumeError, Saved, SavedChanges, Seed, Time, Token};
use serde_json::Value;

use super::super::hostile::{Rehearsal, change, config};
use super::super::script::Script;

/// A save that somebody changed is refused with an error, or makes a client that works: never a panic, never without
/// bounds.
pub(super) fn forged(script: &mut Script<'_>) {
    let rehearsal = Rehearsal::get();
    let (Some(scene), Some(token)) = (script.pick(&rehearsal.scenes), rehearsal.known.token.clone()) else {
        return;
    };
    let text = damaged(&scene.client.save(rehearsal.now).to_json(), script);
    live(token, rehearsal.now, Saved::from_json(&text));
}

/// The same for what changed since a save.
pub(super) fn forged_changes(script: &mut Script<'_>) {
    let rehearsal = Rehearsal::get();
    let (Some(first), Some(scene)) = (script.pick(&rehearsal.scenes), script.pick(&rehearsal.scenes)) else {
        return;
    };
    let Some(token) = rehearsal.known.token.clone() else { return };
    let (base, newer) = (first.client.save(rehearsal.now), scene.client.save(rehearsal.now));
    let text = damaged(&newer.changes_since(&base).to_json(), script);
    let changes = SavedChanges::from_json(&text).and_then(|changes| {
        let again = SavedChanges::from_json(changes.to_json().as_bytes());
        assert_eq!(again.as_ref(), Ok(&changes), "changes do not survive");
        assert!(!base.supersedes(&changes) || base.clone().with_changes(changes.clone()).is_err());
        base.with_changes(changes)
    });
    live(token, rehearsal.now, changes);
}

/// A text that was JSON, with some of it replaced, and sometimes cut off.
fn damaged(text: &str, script: &mut Script<'_>) -> Vec<u8> {
    let mut value: Value = serde_json::from_str(text).expect("a save is JSON");
    for _ in 0..=script.byte() % 4 {
        change(&mut value, script);
    }
    let mut text = value.to_string().into_bytes();
    if script.once_in(8) {
        text.truncate(script.below(text.len()));
    }
    text
}

/// Lives for a while, so that whatever was planted comes to bear.
fn live(token: Token, mut now: Time, saved: Result<Saved, ResumeError>) {
    let resumed = saved.and_then(|saved| Client::resume(config(), token, &Seed::from_number(9), now, saved));
    let mut client = match resumed {
        Ok(client) => client,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for _ in 0..30 {
        let mut sent = 0;
        while let Some(command) = client.poll_command() {
            sent += 1;
            assert!(sent < 10_000, "commands without end");
            if let Command::Open { link, .. } = command {
                client.handle(now, Input::Opened(link));
            }
        }
        while client.poll_event().is_some() {}
        let again = client.save(now);
        assert_eq!(Saved::from_json(again.to_json().as_bytes()).as_ref(), Ok(&again));
        let Some(deadline) = client.deadline() else { break };
        now = now.max(deadline.at) + Duration::from_millis(1);
        client.handle(now, Input::Tick);
    }
}
