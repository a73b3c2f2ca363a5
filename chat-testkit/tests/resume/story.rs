//! What the tests here have in common: people in a channel, and what the service holds.

use std::time::Duration;

use chat_proto::{
    Call, CallError, CallId, ChannelSid, Config, CreateChannel, Event, Json, Message, Reply, SendMessage,
};
use chat_testkit::stage::{Stage, Who};
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use serde_json::{Value, json};

/// How many stories are drawn, and from what: always the same here, so that nobody meets a failure that is not his.
/// `CASES=20000 SEED=7 cargo test --release -p chat-testkit --test resume` draws more, and others.
pub(crate) fn drawn(cases: u32) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let asked = number("CASES").and_then(|cases| u32::try_from(cases).ok());
    ProptestConfig {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 500,
        rng_seed: RngSeed::Fixed(number("SEED").unwrap_or(1)),
        ..ProptestConfig::default()
    }
}

/// Short, so that stories do not wait; the offline service executes at once.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.late_execution = Duration::from_secs(2);
    config
}

pub(crate) fn write_ahead() -> Config {
    let mut config = config();
    config.write_ahead = true;
    config
}

pub(crate) fn send(channel: &ChannelSid, text: &str) -> Call {
    Call::SendMessage(SendMessage {
        channel: channel.clone(),
        body: Some(text.into()),
        attributes: Json::default(),
    })
}

/// A channel that this person made and joined.
pub(crate) fn channel(stage: &mut Stage, who: Who) -> ChannelSid {
    let create = CreateChannel { unique_name: Some("general".into()), ..CreateChannel::default() };
    let Ok(Reply::Channel(channel)) = stage.ask(who, Call::CreateChannel(create)) else { panic!() };
    stage.ask(who, Call::Join(channel.sid.clone())).unwrap();
    stage.settle();
    channel.sid.clone()
}

/// The texts of a channel as the service holds them, by index.
pub(crate) fn texts(stage: &mut Stage, channel: &ChannelSid) -> Vec<String> {
    let list = stage.admin("messages", &json!({ "channel": channel.as_str() })).unwrap();
    let list = list.get("messages").cloned().unwrap_or(list);
    let items = match list {
        Value::Array(items) => items,
        Value::Object(items) => items.into_iter().map(|(_, item)| item).collect(),
        _ => Vec::new(),
    };
    let mut texts: Vec<(u64, String)> = items
        .iter()
        .map(|item| (item["index"].as_u64().unwrap(), item["text"].as_str().unwrap_or_default().to_owned()))
        .collect();
    texts.sort();
    texts.into_iter().map(|(_, text)| text).collect()
}

/// What was answered to each call, in order.
pub(crate) fn answers(events: &[Event]) -> Vec<(CallId, Result<Reply, CallError>)> {
    let answer = |event: &Event| match event {
        Event::Answer { call, result } => Some((*call, result.clone())),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

/// The messages that were told as added, in order.
pub(crate) fn added(events: &[Event]) -> Vec<&Message> {
    let mut found = Vec::new();
    for event in events {
        if let Event::MessageAdded(message) = event {
            found.push(&**message);
        }
    }
    found
}

/// The texts that wait in the read model.
pub(crate) fn pending(stage: &Stage, who: Who, channel: &ChannelSid) -> Vec<String> {
    let messages = stage.state(who).pending_messages(channel);
    messages.map(|message| message.body.as_deref().unwrap_or_default().to_owned()).collect()
}
