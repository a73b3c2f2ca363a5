//! A public channel: create, join, send with attributes, page in both directions and at every edge, edit, delete,
//! counters, bad arguments: the steps of `interop/s02.js`. Steps that our types cannot express are left out.

use chat_proto::{
    Call, ChannelSid, CreateChannel, Direction, GetMessages, Json, NotificationLevel, Page, PageRef, Reply,
    SendMessage,
};
use chat_testkit::stage::Who;
use serde_json::json;

use crate::scenario::{
    Scenario, channel, count, index, indexes, member, members, message, messages, nothing, sid, unread,
};

fn attributes(value: &serde_json::Value) -> Json {
    Json::from_value(value).unwrap()
}

fn send(channel: &ChannelSid, body: Option<&str>, with: Json) -> Call {
    Call::SendMessage(SendMessage { channel: channel.clone(), body: body.map(Into::into), attributes: with })
}

fn page_of(channel: &ChannelSid, page_size: u32, anchor: Option<u64>, direction: Direction) -> Call {
    Call::GetMessages(GetMessages { channel: channel.clone(), page_size, anchor, direction })
}

/// Goes on with a page, forward or backward.
fn turn(
    s: &mut Scenario,
    who: Who,
    reply: &Option<Reply>,
    method: &str,
    way: fn(&Page<std::sync::Arc<chat_proto::Message>>) -> &Option<PageRef>,
) -> Option<Reply> {
    let Some(Reply::MessagePage(page)) = reply else { panic!("{reply:?}") };
    let Some(next) = way(page) else { panic!("{method}: there is no page") };
    s.result(who, method, Call::NextPage(next.clone()), indexes)
}

fn has(
    reply: &Option<Reply>,
    way: fn(&Page<std::sync::Arc<chat_proto::Message>>) -> &Option<PageRef>,
) -> bool {
    matches!(reply, Some(Reply::MessagePage(page)) if way(page).is_some())
}

#[test]
fn s02() {
    let mut s = Scenario::new("s02", json!({ "httpCacheInterval": "PT1S" }));
    let a = s.client("alice");
    s.settle();

    s.step("create public channel");
    let options = CreateChannel {
        friendly_name: Some("General".into()),
        unique_name: Some("general".into()),
        attributes: attributes(&json!({ "topic": "all", "n": 1 })),
        ..CreateChannel::default()
    };
    let ch = sid(s.result(a, "createChannel", Call::CreateChannel(options), channel));
    s.settle();
    s.step("create with a unique name in use");
    let options = CreateChannel { unique_name: Some("general".into()), ..CreateChannel::default() };
    s.result(a, "createChannel", Call::CreateChannel(options), channel);
    s.step("invalid create arguments");
    for bad in ["null", "[1]"] {
        let options = CreateChannel { attributes: Json::parse(bad).unwrap(), ..CreateChannel::default() };
        s.result(a, "createChannel", Call::CreateChannel(options), channel);
    }
    s.step("send before join");
    s.result(a, "sendMessage", send(&ch, Some("too early"), Json::default()), index);
    s.step("join");
    s.result(a, "join", Call::Join(ch.clone()), channel);
    s.settle();
    s.step("join again");
    s.result(a, "join", Call::Join(ch.clone()), channel);
    s.result(a, "getMembers", Call::GetMembers(ch.clone()), members);

    s.step("send 3 messages with attributes");
    for i in 0..3 {
        let with = attributes(&json!({ "i": i, "nested": { "a": [1, "two", null] } }));
        s.result(a, "sendMessage", send(&ch, Some(&format!("hello {i} — zażółć 🎉")), with), index);
    }
    s.settle();
    s.result(a, "sendMessage", send(&ch, None, Json::default()), index);
    s.result(a, "sendMessage", send(&ch, Some("x"), Json::null()), index);
    s.result(a, "sendMessage", send(&ch, Some("x"), Json::parse("[1]").unwrap()), index);
    s.result(a, "sendMessage", send(&ch, Some(&"y".repeat(33_000)), Json::default()), index);
    s.result(a, "getMessages", Call::GetMessages(GetMessages::newest(ch.clone())), messages);

    s.step("more messages for paging");
    for i in 0..7 {
        s.stage.ask(a, send(&ch, Some(&format!("more {i}")), Json::default())).unwrap();
    }
    s.settle();
    s.step("page backwards from the end");
    let mut p = s.result(a, "getMessages(4)", page_of(&ch, 4, None, Direction::Backwards), indexes);
    while has(&p, |page| &page.prev) {
        p = turn(&mut s, a, &p, "prevPage", |page| &page.prev);
    }
    turn(&mut s, a, &p, "nextPage", |page| &page.next);
    s.step("page forward from 2");
    let mut p =
        s.result(a, "getMessages(3,2,forward)", page_of(&ch, 3, Some(2), Direction::Forward), indexes);
    while has(&p, |page| &page.next) {
        p = turn(&mut s, a, &p, "nextPage", |page| &page.next);
    }
    turn(&mut s, a, &p, "prevPage", |page| &page.prev);
    s.step("anchors");
    s.result(a, "getMessages(3,5)", page_of(&ch, 3, Some(5), Direction::default()), indexes);
    s.result(a, "getMessages(3,5,backwards)", page_of(&ch, 3, Some(5), Direction::Backwards), indexes);
    s.result(a, "getMessages(3,0)", page_of(&ch, 3, Some(0), Direction::default()), indexes);
    s.result(a, "getMessages(3,100,forward)", page_of(&ch, 3, Some(100), Direction::Forward), indexes);
    s.result(a, "getMessages(3,100,backwards)", page_of(&ch, 3, Some(100), Direction::Backwards), indexes);
    s.result(a, "getMessages(0)", page_of(&ch, 0, None, Direction::default()), indexes);

    s.step("edit a message");
    s.result(a, "updateBody", Call::UpdateMessageBody(ch.clone(), 0, "edited body".into()), message);
    s.settle();
    let edited = attributes(&json!({ "edited": true }));
    s.result(a, "updateAttributes", Call::UpdateMessageAttributes(ch.clone(), 0, edited), message);
    s.settle();
    s.result(
        a,
        "updateAttributes(null)",
        Call::UpdateMessageAttributes(ch.clone(), 0, Json::null()),
        message,
    );
    let first = s.stage.state(a).messages(&ch).find(|message| message.index == 0).unwrap().clone();
    s.said(a, "message", message(&Reply::Message(first)));
    s.step("delete a message");
    s.result(a, "remove", Call::RemoveMessage(ch.clone(), 1), message);
    s.settle();
    s.result(a, "remove again", Call::RemoveMessage(ch.clone(), 1), message);
    s.result(a, "getMessages", page_of(&ch, 4, Some(0), Direction::Forward), indexes);
    s.result(a, "getMember", Call::GetMessageMember(ch.clone(), 0), member);

    s.step("counters");
    s.sleep(1100);
    s.result(a, "getMessagesCount", Call::GetMessagesCount(ch.clone()), count);
    s.result(a, "getMembersCount", Call::GetMembersCount(ch.clone()), count);
    s.result(a, "getUnconsumedMessagesCount", Call::GetUnconsumedMessagesCount(ch.clone()), unread);
    s.step("counters are cached for httpCacheInterval");
    s.stage.ask(a, send(&ch, Some("one more"), Json::default())).unwrap();
    s.result(a, "getMessagesCount (cached)", Call::GetMessagesCount(ch.clone()), count);
    s.sleep(1200);
    s.result(a, "getMessagesCount (after 1.2 s)", Call::GetMessagesCount(ch.clone()), count);
    s.sleep(5100);
    s.result(a, "getMessagesCount (fresh)", Call::GetMessagesCount(ch.clone()), count);

    s.step("edit the channel");
    s.settle();
    let changed = attributes(&json!({ "topic": "changed" }));
    s.result(a, "updateAttributes", Call::UpdateChannelAttributes(ch.clone(), changed), channel);
    s.settle();
    s.result(
        a,
        "updateFriendlyName",
        Call::UpdateFriendlyName(ch.clone(), Some("General 2".into())),
        channel,
    );
    s.settle();
    s.result(
        a,
        "updateFriendlyName(same)",
        Call::UpdateFriendlyName(ch.clone(), Some("General 2".into())),
        channel,
    );
    s.result(a, "updateUniqueName", Call::UpdateUniqueName(ch.clone(), Some("general-2".into())), channel);
    s.settle();
    s.result(a, "updateUniqueName(null)", Call::UpdateUniqueName(ch.clone(), None), channel);
    s.settle();
    let muted = Call::SetUserNotificationLevel(ch.clone(), NotificationLevel::Muted);
    s.result(a, "setUserNotificationLevel", muted, nothing);
    s.settle();
    s.result(a, "getAttributes", Call::GetAttributes(ch.clone()), |reply| {
        let Reply::Attributes(json) = reply else { panic!("{reply:?}") };
        Some(json.to_value().unwrap())
    });

    s.step("consumption");
    s.result(a, "setAllMessagesConsumed", Call::SetAllMessagesConsumed(ch.clone()), unread);
    s.settle();

    s.step("leave");
    s.result(a, "leave", Call::Leave(ch.clone()), channel);
    s.settle();
    s.result(a, "leave again", Call::Leave(ch.clone()), channel);
    s.step("delete channel");
    s.result(a, "delete", Call::DeleteChannel(ch.clone()), nothing);
    s.settle();
    s.result(a, "getChannelBySid(deleted)", Call::GetChannelBySid(ch.clone()), channel);
    let service = s.admin("state", json!({}));
    s.check("channel gone", service["channels"].as_array().is_some_and(Vec::is_empty), None);
    let n = s.seen(a, "messageAdded");
    s.check("messageAdded 12 times", n == 12, Some(json!({ "n": n })));
    s.finish();
}
