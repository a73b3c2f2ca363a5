//! Two people: invite, decline, accept, chat, typing, read horizon, member attributes, permissions, add, leave: the steps
//! of `interop/s03.js`. Steps that our types cannot express are left out.

use chat_proto::{
    Call, ChannelSid, CreateChannel, GetMessages, Identity, Json, MemberRef, MemberSid, Message, Reply,
    SendMessage,
};
use chat_testkit::stage::Who;
use serde_json::{Value, json};

use crate::scenario::{Scenario, channel, index, member, members, message, nothing, sid, unread};
use chat_testkit::compare::view;

fn send(channel: &ChannelSid, body: &str, with: &Value) -> Call {
    let attributes = Json::from_value(with).unwrap();
    Call::SendMessage(SendMessage { channel: channel.clone(), body: Some(body.into()), attributes })
}

fn bob() -> MemberRef {
    MemberRef::Identity("bob".into())
}

fn member_sid(s: &mut Scenario, who: Who, channel: &ChannelSid, identity: &str) -> MemberSid {
    let by = MemberRef::Identity(Identity::from(identity));
    match s.stage.ask(who, Call::GetMember(channel.clone(), by)) {
        Ok(Reply::Member(member)) => member.sid.clone(),
        other => panic!("{other:?}"),
    }
}

fn message_of(s: &mut Scenario, who: Who, channel: &ChannelSid, author: &str) -> std::sync::Arc<Message> {
    let newest = GetMessages { page_size: 10, ..GetMessages::newest(channel.clone()) };
    let Ok(Reply::MessagePage(page)) = s.stage.ask(who, Call::GetMessages(newest)) else {
        panic!("no messages")
    };
    page.items.into_iter().find(|message| message.author == Some(author.into())).unwrap()
}

fn requests(s: &mut Scenario) -> u64 {
    s.admin("state", json!({}))["stats"]["requests"].as_u64().unwrap()
}

#[test]
fn s03() {
    let config =
        json!({ "typingTimeout": 1, "httpCacheInterval": "PT1S", "consumptionReportInterval": "PT1S" });
    let mut s = Scenario::new("s03", config);
    let a = s.client("alice");
    s.settle();
    let b = s.client("bob");
    s.settle();

    s.step("alice creates, joins, invites bob");
    let options = CreateChannel {
        friendly_name: Some("Pair".into()),
        unique_name: Some("pair".into()),
        ..CreateChannel::default()
    };
    let ch = sid(s.result(a, "createChannel", Call::CreateChannel(options), channel));
    s.result(a, "join", Call::Join(ch.clone()), nothing);
    s.settle();
    s.result(a, "invite", Call::Invite(ch.clone(), "bob".into()), nothing);
    s.settle();
    s.result(a, "invite again", Call::Invite(ch.clone(), "bob".into()), nothing);
    s.result(a, "invite()", Call::Invite(ch.clone(), "".into()), nothing);

    s.step("bob sees and declines");
    let local = s.stage.state(b).channels()[0].clone();
    s.said(b, "localChannel", Some(view::channel(&local)));
    s.result(b, "decline", Call::Decline(ch.clone()), channel);
    s.settle();
    s.step("invited again, bob accepts");
    s.result(a, "invite", Call::Invite(ch.clone(), "bob".into()), nothing);
    s.settle();
    s.result(b, "getChannelBySid", Call::GetChannelBySid(ch.clone()), channel);
    s.result(b, "join", Call::Join(ch.clone()), channel);
    s.settle();
    s.result(a, "getMembers", Call::GetMembers(ch.clone()), members);
    s.result(b, "getMembers", Call::GetMembers(ch.clone()), members);
    s.result(a, "getMemberByIdentity", Call::GetMember(ch.clone(), bob()), member);
    let nobody = MemberRef::Identity("nobody".into());
    s.result(a, "getMemberByIdentity(x)", Call::GetMember(ch.clone(), nobody), member);

    s.step("chat");
    s.result(a, "sendMessage", send(&ch, "hi bob", &json!({})), index);
    s.settle();
    s.result(b, "sendMessage", send(&ch, "hi alice", &json!({ "mood": "good" })), index);
    s.settle();
    s.result(a, "sendMessage", send(&ch, "bye", &json!({})), index);
    s.settle();

    s.step("typing, ended by timeout");
    s.result(b, "typing", Call::Typing(ch.clone()), nothing);
    for _ in 0..250 {
        if s.seen(a, "typingEnded") >= 1 {
            break;
        }
        s.sleep(20);
    }
    s.step("typing twice within the timeout sends one request");
    let before = requests(&mut s);
    s.result(b, "typing", Call::Typing(ch.clone()), nothing);
    s.result(b, "typing", Call::Typing(ch.clone()), nothing);
    let sent = requests(&mut s) - before;
    s.check("one typing request", sent == 1, Some(json!({ "requests": sent })));
    s.settle();
    s.step("typing ended by a message");
    s.result(b, "sendMessage", send(&ch, "I typed this", &json!({})), index);
    s.settle();

    s.step("consumption horizon");
    s.result(b, "getUnconsumedMessagesCount", Call::GetUnconsumedMessagesCount(ch.clone()), unread);
    let to_one = Call::UpdateLastConsumedMessageIndex(ch.clone(), Some(1));
    s.result(b, "updateLastConsumedMessageIndex(1)", to_one, unread);
    s.settle();
    s.sleep(1200);
    s.result(b, "getUnconsumedMessagesCount", Call::GetUnconsumedMessagesCount(ch.clone()), unread);
    let advance = |to| Call::AdvanceLastConsumedMessageIndex(ch.clone(), to);
    s.result(b, "advance(0) keeps 1", advance(0), unread);
    s.settle();
    s.sleep(1200);
    s.step("two reports within the interval are coalesced");
    let first = s.stage.start(b, advance(2)).unwrap();
    s.sleep(20);
    let second = s.stage.start(b, advance(3)).unwrap();
    s.sleep(20);
    let third = s.stage.start(b, advance(3)).unwrap();
    s.end(b, "advance(2)", first, unread);
    s.end(b, "advance(3)", second, unread);
    s.end(b, "advance(3) again", third, unread);
    s.settle();
    s.sleep(1200);
    s.result(b, "setNoMessagesConsumed", Call::SetNoMessagesConsumed(ch.clone()), unread);
    s.settle();
    s.sleep(1200);
    s.result(b, "setAllMessagesConsumed", Call::SetAllMessagesConsumed(ch.clone()), unread);
    s.settle();

    s.step("member attributes");
    let bm = member_sid(&mut s, b, &ch, "bob");
    let nick = Json::from_value(&json!({ "nick": "bobby" })).unwrap();
    s.result(
        b,
        "member.updateAttributes",
        Call::UpdateMemberAttributes(ch.clone(), bm.clone(), nick),
        member,
    );
    s.settle();
    let am = member_sid(&mut s, b, &ch, "alice");
    let other = Json::from_value(&json!({ "x": 1 })).unwrap();
    s.result(b, "other member's attributes", Call::UpdateMemberAttributes(ch.clone(), am, other), member);

    s.step("bob edits a message of alice");
    let theirs = message_of(&mut s, b, &ch, "alice").index;
    s.result(b, "updateBody", Call::UpdateMessageBody(ch.clone(), theirs, "hacked".into()), message);
    s.step("alice (creator) edits a message of bob");
    let his = message_of(&mut s, a, &ch, "bob").index;
    s.result(a, "updateBody", Call::UpdateMessageBody(ch.clone(), his, "moderated".into()), message);
    s.settle();

    s.step("add a third user by identity");
    s.result(a, "add", Call::Add(ch.clone(), "carol".into()), nothing);
    s.settle();
    s.result(a, "add again", Call::Add(ch.clone(), "carol".into()), nothing);
    s.result(a, "getUserDescriptors", Call::GetUserDescriptors(ch.clone()), |reply| {
        let Reply::UserDescriptors(page) = reply else { panic!("{reply:?}") };
        Some(view::page(page, view::user_descriptor))
    });
    s.result(a, "member.getUserDescriptor", Call::GetMemberUserDescriptor(ch.clone(), bm), |reply| {
        let Reply::UserDescriptor(user) = reply else { panic!("{reply:?}") };
        Some(view::user_descriptor(user))
    });

    s.step("bob leaves");
    s.result(b, "leave", Call::Leave(ch.clone()), channel);
    s.settle();
    s.result(a, "getMembers", Call::GetMembers(ch.clone()), members);
    s.result(b, "sendMessage after leave", send(&ch, "still here?", &json!({})), index);
    s.step("alice writes; bob must not see it");
    let seen = s.seen(b, "messageAdded");
    s.result(a, "sendMessage", send(&ch, "private now", &json!({})), index);
    s.settle();
    let still = s.seen(b, "messageAdded");
    s.check("bob saw nothing after leaving", still == seen, None);
    let typing = (s.seen(a, "typingStarted"), s.seen(a, "typingEnded"));
    s.check("alice saw typing", typing == (2, 2), None);
    s.finish();
}
