//! What most stories need: people in a channel, and words for what they were told.
#![allow(dead_code, reason = "shared by several test programs, and none needs all of it")]

use std::time::Duration;

use chat_proto::{
    Call, CallError, ChannelSid, Config, ConnectionError, ConnectionState, CreateChannel, Event, Fault,
    GetMessages, Json, Reply, SendMessage, Time, Token,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

/// The service as it is: it pings, so silence means something.
pub(crate) fn service() -> ServiceConfig {
    ServiceConfig { ping_interval_ms: 20_000, ..ServiceConfig::default() }
}

/// Alice alone, connected and ready.
pub(crate) fn alone() -> (Stage, Who) {
    alone_with(service(), Config::default())
}

pub(crate) fn alone_with(service: ServiceConfig, config: Config) -> (Stage, Who) {
    let mut stage = Stage::new(service);
    let alice = stage.enter_with("alice", config);
    stage.settle();
    assert!(stage.state(alice).is_ready());
    (stage, alice)
}

/// Alice in a channel of hers; what she was told so far is taken.
pub(crate) fn in_channel() -> (Stage, Who, ChannelSid) {
    in_channel_with(service(), Config::default())
}

pub(crate) fn in_channel_with(service: ServiceConfig, config: Config) -> (Stage, Who, ChannelSid) {
    let (mut stage, alice) = alone_with(service, config);
    let channel = create(&mut stage, alice, "room");
    join(&mut stage, alice, &channel);
    stage.settle();
    stage.take_all_events();
    (stage, alice, channel)
}

pub(crate) fn create(stage: &mut Stage, who: Who, name: &str) -> ChannelSid {
    let options = CreateChannel { unique_name: Some(name.into()), ..CreateChannel::default() };
    match stage.ask(who, Call::CreateChannel(options)) {
        Ok(Reply::Channel(channel)) => channel.sid.clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn join(stage: &mut Stage, who: Who, channel: &ChannelSid) {
    stage.ask(who, Call::GetChannelBySid(channel.clone())).unwrap();
    stage.ask(who, Call::Join(channel.clone())).unwrap();
}

pub(crate) fn message(channel: &ChannelSid, text: &str) -> Call {
    Call::SendMessage(SendMessage {
        channel: channel.clone(),
        body: Some(text.into()),
        attributes: Json::default(),
    })
}

pub(crate) fn newest(channel: &ChannelSid) -> Call {
    Call::GetMessages(GetMessages::newest(channel.clone()))
}

pub(crate) fn update(token: &str) -> Call {
    Call::UpdateToken(Token::new(token).unwrap())
}

pub(crate) fn shutdown() -> Call {
    Call::Shutdown { drain_until: None }
}

/// The service posts a message of alice's at once, without any client.
pub(crate) fn post(stage: &mut Stage, channel: &ChannelSid, text: &str) {
    let params = json!({ "channelSid": channel.as_str(), "text": text, "attributes": "{}" });
    admin(stage, "command", &json!({ "identity": "alice", "action": "sendMessage", "params": params }));
}

pub(crate) fn admin(stage: &mut Stage, command: &str, arguments: &Value) -> Value {
    stage.admin(command, arguments).unwrap_or_else(|error| panic!("{command}: {error}"))
}

pub(crate) fn fault(stage: &mut Stage, rule: &Value) {
    admin(stage, "fault", rule);
}

/// What the channel really holds.
pub(crate) fn stored(stage: &mut Stage, channel: &ChannelSid) -> Vec<String> {
    let messages = admin(stage, "messages", &json!({ "channel": channel.as_str() }));
    let messages = messages.as_array().unwrap().clone();
    messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What the client holds of the channel.
pub(crate) fn held(stage: &Stage, who: Who, channel: &ChannelSid) -> Vec<String> {
    let messages = stage.state(who).messages(channel);
    messages.map(|message| message.body.as_deref().unwrap_or_default().to_owned()).collect()
}

pub(crate) fn added(events: &[Event]) -> Vec<String> {
    let added = |event: &Event| match event {
        Event::MessageAdded(message) => Some(message.body.as_deref().unwrap_or_default().to_owned()),
        _ => None,
    };
    events.iter().filter_map(added).collect()
}

pub(crate) fn states(events: &[Event]) -> Vec<ConnectionState> {
    let state = |event: &Event| match event {
        Event::ConnectionStateChanged(state) => Some(*state),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

pub(crate) fn errors(events: &[Event]) -> Vec<ConnectionError> {
    let error = |event: &Event| match event {
        Event::ConnectionError(error) => Some(error.clone()),
        _ => None,
    };
    events.iter().filter_map(error).collect()
}

pub(crate) fn faults(events: &[Event]) -> Vec<Fault> {
    let fault = |event: &Event| match event {
        Event::Fault(fault) => Some(fault.clone()),
        _ => None,
    };
    events.iter().filter_map(fault).collect()
}

pub(crate) fn count(events: &[Event], wanted: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| wanted(event)).count()
}

/// The events as short words, for stories about their order.
pub(crate) fn words(events: &[Event]) -> Vec<&'static str> {
    let word = |event: &Event| match event {
        Event::Answer { .. } => "Answer",
        Event::Ready => "Ready",
        Event::ConnectionStateChanged(_) => "ConnectionStateChanged",
        Event::ChannelAdded(_) => "ChannelAdded",
        Event::ChannelJoined(_) => "ChannelJoined",
        Event::ChannelInvited(_) => "ChannelInvited",
        Event::ChannelLeft(_) => "ChannelLeft",
        Event::ChannelRemoved(_) => "ChannelRemoved",
        Event::ChannelUpdated { .. } => "ChannelUpdated",
        Event::MemberJoined(_) => "MemberJoined",
        Event::MemberLeft(_) => "MemberLeft",
        Event::MessageAdded(_) => "MessageAdded",
        Event::MessageUpdated { .. } => "MessageUpdated",
        Event::MessageRemoved(_) => "MessageRemoved",
        Event::UserSubscribed(_) => "UserSubscribed",
        Event::UserUpdated { .. } => "UserUpdated",
        _ => "other",
    };
    events.iter().map(word).collect()
}

/// Lets time pass until this is so.
pub(crate) fn wait(stage: &mut Stage, most: Duration, mut so: impl FnMut(&mut Stage) -> bool) {
    let until = stage.now() + most;
    while !so(stage) {
        assert!(stage.now() < until, "not so after {most:?}");
        stage.advance(Duration::from_millis(1));
    }
}

pub(crate) fn wait_for(stage: &mut Stage, who: Who, wanted: ConnectionState, most: Duration) {
    wait(stage, most, |stage| stage.state(who).connection() == wanted);
}

/// Whether the wait between two moments is `wanted` ± 20 %, as spec 01 §3.8 has it, or up to `late` longer.
#[track_caller]
pub(crate) fn about(from: Time, to: Time, wanted_ms: u64, late_ms: u64) {
    let waited = u64::try_from(to.since(from).as_millis()).unwrap();
    let range = wanted_ms * 8 / 10..=wanted_ms * 12 / 10 + late_ms;
    assert!(range.contains(&waited), "{waited} ms are not {wanted_ms} ms ± 20 %");
}

/// Everything works: a message is sent, stored once, and told.
#[track_caller]
pub(crate) fn works(stage: &mut Stage, who: Who, channel: &ChannelSid, text: &str) {
    let answer = stage.ask(who, message(channel, text));
    assert!(matches!(answer, Ok(Reply::MessageIndex(Some(_)))), "{answer:?}");
    stage.settle();
    assert_eq!(stored(stage, channel).iter().filter(|stored| *stored == text).count(), 1);
    assert_eq!(added(&stage.take_events(who)).iter().filter(|added| *added == text).count(), 1);
}

pub(crate) fn is_refused_token(result: &Result<Reply, CallError>) -> bool {
    matches!(result, Err(CallError::TokenRejected { .. }))
}
