//! The real JavaScript SDK and our client in one channel, on one service: what one does, the other sees, and both see
//! the same.
//!
//! Without Node or network the tests are ignored, and say so; `CHAT_INTEROP=required` makes that a failure.

mod ours;
mod sdk;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use chat_smol::{Channel, CreateChannel, Direction, Event, Json};
use chat_testkit::interop::{Unavailable, Workshop, is_required};
use chat_testkit::serve::{ServeConfig, Server};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use ours::{Ours, same_members};
use sdk::Sdk;
use serde_json::{Value, json};
use smol::block_on;

type Shared = Arc<OnceLock<Result<Workshop, Unavailable>>>;
type Outcome = Result<(), String>;
type Test = fn(&Workshop) -> Outcome;

fn main() -> ExitCode {
    let shared = Shared::default();
    let tests: [(&str, Test); 2] =
        [("our_channel_and_the_sdk_comes", ours_first), ("the_sdks_channel_and_we_come", sdk_first)];
    let trials = tests.map(|(name, test)| with_node(&shared, name, test)).into();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    if let Some(Ok(workshop)) = Arc::into_inner(shared).and_then(OnceLock::into_inner)
        && !conclusion.has_failed()
    {
        workshop.remove();
    }
    conclusion.exit_code()
}

fn with_node(shared: &Shared, name: &str, test: Test) -> Trial {
    let shared = shared.clone();
    Trial::ignorable_test(name, move || {
        match shared.get_or_init(|| Workshop::open(Path::new(env!("CARGO_TARGET_TMPDIR")))) {
            Ok(workshop) => test(workshop).map(|()| Completion::Completed).map_err(Failed::from),
            Err(why) if why.may_be_ignored() && !is_required() => Ok(Completion::ignored_with(why)),
            Err(why) => Err(why.to_string().into()),
        }
    })
}

/// Our client is alice, the SDK is bob.
struct Pair {
    server: Server,
    sdk: Sdk,
    ours: Ours,
}

impl Pair {
    fn start(workshop: &Workshop) -> Result<Self, String> {
        let server = Server::start(ServeConfig::default()).map_err(|error| error.to_string())?;
        let sdk = Sdk::start(workshop, &server.url(), &token(&server, "bob")?)?;
        let ours = Ours::start(&server.url(), &token(&server, "alice")?)?;
        Ok(Self { server, sdk, ours })
    }

    /// Both list the same messages and members, and the same channel; and the messages are those of the service.
    fn agree(&mut self, channel: &Channel, texts: &[&str], members: usize) -> Outcome {
        let latest = channel.latest().ok_or("our client does not know the channel")?;
        same("channel", &ours::channel(&latest), &self.sdk.ask("channel", &json!({}))?)?;

        let page = block_on(channel.get_messages(100, None, Direction::Backwards)).map_err(text)?;
        let mine: Vec<Value> = page.items().iter().map(|message| ours::message(message)).collect();
        let held: Vec<Value> = channel.messages().iter().map(|message| ours::message(message)).collect();
        if mine != held || !mine.iter().map(|message| &message["body"]).eq(texts) {
            return Err(format!("we hold {held:?} and read {mine:?}, {texts:?} are wanted"));
        }
        same("messages", &mine.into(), &self.sdk.ask("messages", &json!({}))?)?;
        let stored = block_on(self.server.admin("messages", json!({ "channel": channel.sid })));
        let stored = stored.map_err(text)?;
        let bodies = |list: &Value, member: &str| -> Vec<Value> {
            list.as_array().into_iter().flatten().map(|message| message[member].clone()).collect()
        };
        let held = Value::from(held);
        if bodies(&stored, "text") != bodies(&held, "body") {
            return Err(format!("the service stores {stored}, we hold {held}"));
        }

        let mut mine: Vec<Value> = block_on(channel.get_members())
            .map_err(text)?
            .iter()
            .map(|member| ours::member(member))
            .collect();
        let mut theirs = self.sdk.ask("members", &json!({}))?.as_array().cloned().unwrap_or_default();
        for list in [&mut mine, &mut theirs] {
            list.sort_by_key(|member| member["identity"].to_string());
        }
        if mine.len() != members {
            return Err(format!("we see members {mine:?}, {members} are wanted"));
        }
        same("members", &mine.into(), &theirs.into())
    }

    fn end(self) -> Outcome {
        self.sdk.end()?;
        block_on(self.ours.client.shutdown());
        self.server.stop();
        Ok(())
    }
}

fn token(server: &Server, identity: &str) -> Result<String, String> {
    let answer = block_on(server.admin("token", json!({ "identity": identity }))).map_err(text)?;
    answer["token"].as_str().map(str::to_owned).ok_or_else(|| "no token".into())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Whether the SDK's view equals ours, in all that ours has.
fn same(what: &str, ours: &Value, sdks: &Value) -> Outcome {
    let sdks = match (ours.as_array(), sdks.as_array()) {
        (Some(mine), Some(theirs)) if mine.len() == theirs.len() => {
            theirs.iter().zip(mine).map(|(theirs, mine)| same_members(theirs, mine)).collect()
        }
        _ => same_members(sdks, ours),
    };
    if *ours == sdks { Ok(()) } else { Err(format!("{what}: we see\n  {ours}\nand the SDK sees\n  {sdks}")) }
}

fn json_of(value: &Value) -> Json {
    Json::from_value(value).unwrap_or_default()
}

/// We create and invite, the SDK joins; then we do everything, and the SDK sees it.
fn ours_first(workshop: &Workshop) -> Outcome {
    let mut pair = Pair::start(workshop)?;
    let options = CreateChannel {
        friendly_name: Some("Ours".into()),
        unique_name: Some("ours".into()),
        attributes: json_of(&json!({ "topic": "tea" })),
        ..CreateChannel::default()
    };
    let channel = block_on(pair.ours.client.create_channel(options)).map_err(text)?;
    let channel = block_on(channel.join()).map_err(text)?;
    block_on(channel.invite("bob")).map_err(text)?;
    let invited = pair.sdk.until("channelInvited", |_| true)?;
    same("the invitation", &ours::channel(&channel), &invited["channel"])?;
    pair.sdk.ask("find", &json!({ "name": "ours" }))?;
    pair.sdk.ask("join", &json!({}))?;
    // Both have the channel's lists open from here on: whatever happens later comes as an event.
    pair.sdk.ask("messages", &json!({}))?;
    let joined = pair.ours.until("bob coming in", |event| match event {
        Event::MemberJoined(member) if member.identity == Some("bob".into()) => Some(member.clone()),
        _ => None,
    })?;
    pair.agree(&channel, &[], 2)?;
    if ours::member(&joined)["attributes"] != json!({}) {
        return Err(format!("bob came in with {joined:?}"));
    }

    let attributes = json!({ "mood": "good", "list": [1, 2.5, null, "ä"] });
    block_on(channel.send_message("Hello from Rust 🦀", json_of(&attributes))).map_err(text)?;
    let added = pair.sdk.until("messageAdded", |_| true)?;
    let mine = own_message(&mut pair.ours, 0)?;
    same("the message", &mine, &added["message"])?;
    block_on(channel.send_message("To be deleted", Json::default())).map_err(text)?;
    pair.sdk.until("messageAdded", |event| event["message"]["index"] == 1)?;

    let first = channel.messages().into_iter().next().ok_or("we hold no message")?;
    let edited = block_on(first.update_body("Hello again from Rust")).map_err(text)?;
    let updated = pair.sdk.until("messageUpdated", |_| true)?;
    same("the edit", &ours::message(&edited), &updated["message"])?;
    let changed = block_on(first.update_attributes(json_of(&json!({ "mood": "better" })))).map_err(text)?;
    let updated =
        pair.sdk.until("messageUpdated", |event| event["message"]["attributes"]["mood"] == "better")?;
    same("the new attributes", &ours::message(&changed), &updated["message"])?;

    block_on(channel.typing()).map_err(text)?;
    let typing = pair.sdk.until("typingStarted", |_| true)?;
    if typing["member"]["identity"] != "alice" {
        return Err(format!("somebody else types: {typing}"));
    }
    block_on(channel.send_message("I typed this", Json::default())).map_err(text)?;
    pair.sdk.until("typingEnded", |event| event["member"]["identity"] == "alice")?;

    let second = channel.messages().into_iter().nth(1).ok_or("we hold no second message")?;
    block_on(second.remove()).map_err(text)?;
    let removed = pair.sdk.until("messageRemoved", |_| true)?;
    same("the deleted message", &ours::message(&second), &removed["message"])?;

    let me = block_on(channel.get_member_by_identity("alice")).map_err(text)?;
    block_on(me.update_attributes(json_of(&json!({ "nick": "al" })))).map_err(text)?;
    pair.sdk.until("memberUpdated", |event| event["member"]["attributes"]["nick"] == "al")?;
    block_on(channel.update_attributes(json_of(&json!({ "topic": "coffee" })))).map_err(text)?;
    pair.sdk.until("channelUpdated", |event| event["channel"]["attributes"]["topic"] == "coffee")?;
    block_on(channel.update_friendly_name(Some("Still ours"))).map_err(text)?;
    pair.sdk.until("channelUpdated", |event| event["channel"]["friendlyName"] == "Still ours")?;
    pair.agree(&channel, &["Hello again from Rust", "I typed this"], 2)?;

    block_on(channel.leave()).map_err(text)?;
    let left = pair.sdk.until("memberLeft", |_| true)?;
    if left["member"]["identity"] != "alice" {
        return Err(format!("somebody else left: {left}"));
    }
    pair.end()
}

/// The SDK creates, we join; then the SDK does everything, and we see it.
fn sdk_first(workshop: &Workshop) -> Outcome {
    let mut pair = Pair::start(workshop)?;
    let options =
        json!({ "uniqueName": "theirs", "friendlyName": "Theirs", "attributes": { "topic": "tea" } });
    pair.sdk.ask("create", &options)?;
    pair.sdk.ask("join", &json!({}))?;
    pair.sdk.ask("send", &json!({ "text": "before you came", "attributes": {} }))?;
    let found = block_on(pair.ours.client.get_channel_by_unique_name("theirs")).map_err(text)?;
    let channel = block_on(found.join()).map_err(text)?;
    let joined = pair.sdk.until("memberJoined", |event| event["member"]["identity"] == "alice")?;
    pair.agree(&channel, &["before you came"], 2)?;
    let me = block_on(channel.get_member_by_identity("alice")).map_err(text)?;
    same("alice coming in", &ours::member(&me), &joined["member"])?;

    let attributes = json!({ "mood": "good", "list": [1, 2.5, null, "ä"] });
    pair.sdk.ask("send", &json!({ "text": "Hello from JavaScript 🦀", "attributes": attributes }))?;
    let seen = own_message(&mut pair.ours, 1)?;
    let theirs = pair.sdk.until("messageAdded", |event| event["message"]["index"] == 1)?;
    same("the message", &seen, &theirs["message"])?;

    let edited = pair.sdk.ask("edit", &json!({ "index": 1, "text": "Hello again" }))?;
    let seen = pair.ours.until("the edit", |event| match event {
        Event::MessageUpdated { message, .. } => Some(ours::message(message)),
        _ => None,
    })?;
    same("the edit", &seen, &edited)?;
    let edited = pair.sdk.ask("attributes", &json!({ "index": 1, "attributes": { "mood": "better" } }))?;
    let seen = pair.ours.until("the new attributes", |event| match event {
        Event::MessageUpdated { message, .. } => {
            Some(ours::message(message)).filter(|message| message["attributes"]["mood"] == "better")
        }
        _ => None,
    })?;
    same("the new attributes", &seen, &edited)?;

    pair.sdk.ask("typing", &json!({}))?;
    let typing = pair.ours.until("typing", |event| match event {
        Event::TypingStarted(member) => Some(ours::member(member)),
        _ => None,
    })?;
    if typing["identity"] != "bob" || typing["isTyping"] != true {
        return Err(format!("not bob types: {typing}"));
    }
    pair.sdk.ask("send", &json!({ "text": "I typed this", "attributes": {} }))?;
    pair.ours.until("the end of typing", |event| matches!(event, Event::TypingEnded(_)).then_some(()))?;

    pair.sdk.ask("delete", &json!({ "index": 0 }))?;
    let removed = pair.ours.until("the deletion", |event| match event {
        Event::MessageRemoved(message) => Some(message.index),
        _ => None,
    })?;
    if removed != 0 {
        return Err(format!("message {removed} was deleted, not 0"));
    }

    pair.sdk.ask("memberAttributes", &json!({ "attributes": { "nick": "bobby" } }))?;
    pair.ours.until("bob's attributes", |event| match event {
        Event::MemberUpdated { member, .. } => {
            (ours::member(member)["attributes"]["nick"] == "bobby").then_some(())
        }
        _ => None,
    })?;
    pair.sdk.ask("channelAttributes", &json!({ "attributes": { "topic": "coffee" } }))?;
    pair.ours.until("the channel's attributes", |event| match event {
        Event::ChannelUpdated { channel, .. } => {
            (ours::channel(channel)["attributes"]["topic"] == "coffee").then_some(())
        }
        _ => None,
    })?;
    pair.sdk.ask("rename", &json!({ "name": "Still theirs" }))?;
    pair.ours.until("the channel's name", |event| match event {
        Event::ChannelUpdated { channel, .. } => {
            (channel.friendly_name.as_deref() == Some("Still theirs")).then_some(())
        }
        _ => None,
    })?;
    pair.agree(&channel, &["Hello again", "I typed this"], 2)?;

    pair.sdk.ask("leave", &json!({}))?;
    pair.ours.until("bob leaving", |event| match event {
        Event::MemberLeft(member) if member.identity == Some("bob".into()) => Some(()),
        _ => None,
    })?;
    let members = block_on(channel.get_members()).map_err(text)?;
    if members.len() != 1 {
        return Err(format!("bob left, and still there are {members:?}"));
    }
    pair.end()
}

/// The message of an index, as its event shows it to us.
fn own_message(ours: &mut Ours, index: u64) -> Result<Value, String> {
    ours.until("the message", |event| match event {
        Event::MessageAdded(message) if message.index == index => Some(ours::message(message)),
        _ => None,
    })
}
