use std::time::Duration;

use chat_proto::{Client, Command, Input, Saved, Seed};
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
    let text = scene.client.save(rehearsal.now).to_json();
    let mut value: Value = serde_json::from_str(&text).expect("a save is JSON");
    for _ in 0..=script.byte() % 4 {
        change(&mut value, script);
    }
    let mut text = value.to_string().into_bytes();
    if script.once_in(8) {
        text.truncate(script.below(text.len()));
    }
    let mut now = rehearsal.now;
    let resumed = Saved::from_json(&text)
        .and_then(|saved| Client::resume(config(), token, &Seed::from_number(9), now, saved));
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
