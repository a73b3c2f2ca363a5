//! Plain days: every call once, and the wrong ones.

use std::time::Duration;

use chat_proto::{
    Call, CallDeadline, CallOptions, ChannelSorting, Config, CreateChannel, Direction, GetMessages,
    GetSubscribedChannels, Json, MemberRef, MemberSid, NotificationLevel, Reply, SendMessage,
    SortingCriteria, SortingOrder,
};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::{Teller, message};

fn attributes(value: &serde_json::Value) -> Json {
    Json::from_value(value).unwrap()
}

pub(crate) fn channels() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.good(a, Call::UpdateFriendlyName(ch.clone(), Some("General".into())));
    it.good(a, Call::UpdateUniqueName(ch.clone(), Some("all".into())));
    it.good(a, Call::UpdateChannelAttributes(ch.clone(), attributes(&json!({ "topic": "tea" }))));
    it.good(a, Call::SetUserNotificationLevel(ch.clone(), NotificationLevel::Muted));
    it.settle();
    for n in 0..3 {
        it.good(a, message(&ch, &format!("message {n}")));
    }
    it.settle();
    it.good(a, Call::UpdateMessageBody(ch.clone(), 0, "message zero".into()));
    it.good(a, Call::UpdateMessageAttributes(ch.clone(), 1, attributes(&json!({ "seen": true }))));
    it.good(a, Call::RemoveMessage(ch.clone(), 2));
    it.good(a, Call::GetMessageMember(ch.clone(), 0));
    let page =
        GetMessages { channel: ch.clone(), page_size: 1, anchor: Some(0), direction: Direction::Forward };
    let Reply::MessagePage(page) = it.good(a, Call::GetMessages(page)) else { panic!("no page") };
    it.good(a, Call::NextPage(page.next.unwrap()));
    it.good(a, Call::GetMessagesCount(ch.clone()));
    it.good(a, Call::GetUnconsumedMessagesCount(ch.clone()));
    it.good(a, Call::UpdateLastConsumedMessageIndex(ch.clone(), Some(0)));
    it.good(a, Call::AdvanceLastConsumedMessageIndex(ch.clone(), 1));
    it.good(a, Call::SetAllMessagesConsumed(ch.clone()));
    it.good(a, Call::SetNoMessagesConsumed(ch.clone()));
    it.wait(6000);
    it.good(a, Call::GetAttributes(ch.clone()));
    it.good(a, Call::GetChannelBySid(ch.clone()));
    it.good(a, Call::GetChannelByUniqueName("all".into()));
    let sorting = ChannelSorting { criteria: SortingCriteria::FriendlyName, order: SortingOrder::Descending };
    it.good(a, Call::GetLocalChannels(Some(sorting)));
    it.good(a, Call::GetSubscribedChannels(GetSubscribedChannels::default()));
    it.good(a, Call::GetPublicChannelDescriptors);
    it.good(a, Call::GetUserChannelDescriptors);
    it.good(a, Call::Leave(ch.clone()));
    it.good(a, Call::DeleteChannel(ch));
    it.settle();
    it.good(a, Call::Shutdown { drain_until: None });
    it.end()
}

pub(crate) fn people() -> SessionFile {
    let config = json!({ "typingTimeout": 1 });
    let (mut it, ch) = Teller::with_channel(config);
    let a = it.alice;
    let b = it.enter("bob");
    it.settle();
    it.good(a, Call::Invite(ch.clone(), "bob".into()));
    it.settle();
    it.good(b, Call::Decline(ch.clone()));
    it.settle();
    it.good(a, Call::Add(ch.clone(), "bob".into()));
    it.settle();
    let Reply::Members(members) = it.good(a, Call::GetMembers(ch.clone())) else { panic!("no members") };
    let bob: MemberSid =
        members.iter().find(|member| member.identity == Some("bob".into())).unwrap().sid.clone();
    it.good(a, Call::GetMember(ch.clone(), MemberRef::Identity("bob".into())));
    it.good(a, Call::GetMembersCount(ch.clone()));
    it.good(a, Call::GetUserDescriptors(ch.clone()));
    it.good(a, Call::GetUserDescriptor("bob".into()));
    it.good(a, Call::GetMemberUserDescriptor(ch.clone(), bob.clone()));
    it.good(a, Call::GetMemberUser(ch.clone(), bob.clone()));
    it.good(a, Call::GetUser("bob".into()));
    it.good(a, Call::GetSubscribedUsers);
    it.good(b, Call::UpdateUserFriendlyName("bob".into(), Some("Bob B.".into())));
    it.good(b, Call::UpdateUserAttributes("bob".into(), attributes(&json!({ "mood": "good" }))));
    it.good(
        b,
        Call::UpdateMemberAttributes(ch.clone(), bob.clone(), attributes(&json!({ "nick": "bobby" }))),
    );
    it.settle();
    it.good(b, Call::Typing(ch.clone()));
    it.wait(3000);
    it.good(b, message(&ch, "hello"));
    it.settle();
    it.good(a, Call::UnsubscribeUser("bob".into()));
    it.good(a, Call::RemoveMember(ch.clone(), MemberRef::Sid(bob)));
    it.settle();
    let private = CreateChannel { unique_name: Some("two".into()), is_private: true, ..Default::default() };
    let Reply::Channel(private) = it.good(a, Call::CreateChannel(private)) else { panic!("no channel") };
    it.good(a, Call::Join(private.sid.clone()));
    it.good(a, Call::Invite(private.sid.clone(), "bob".into()));
    it.settle();
    it.good(b, Call::Join(private.sid.clone()));
    it.settle();
    it.good(a, Call::DeleteChannel(private.sid.clone()));
    it.end()
}

pub(crate) fn wrong() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let nowhere = chat_proto::ChannelSid::new(format!("CH{:032x}", 7));
    it.bad(a, Call::UpdateMessageBody(nowhere.clone(), 0, "x".into()));
    it.bad(a, Call::Invite(ch.clone(), "".into()));
    it.bad(a, Call::GetMember(ch.clone(), MemberRef::Identity("nobody".into())));
    it.bad(a, Call::UpdateMessageBody(ch.clone(), 9, "x".into()));
    it.bad(a, Call::GetMessageMember(ch.clone(), 9));
    it.good(a, Call::UnsubscribeUser("stranger".into()));
    it.bad(a, Call::UpdateUserFriendlyName("stranger".into(), Some("x".into())));
    it.bad(a, Call::GetChannelBySid(nowhere));
    it.bad(a, Call::Add(ch.clone(), "alice".into()));
    let page = GetMessages { page_size: 0, ..GetMessages::newest(ch.clone()) };
    it.bad(a, Call::GetMessages(page));
    let attributes = attributes(&json!(["no object"]));
    it.bad(a, Call::SendMessage(SendMessage { channel: ch.clone(), body: None, attributes }));

    // Nothing is sent while offline, so it can be withdrawn, and pending calls add up.
    let mut config = Config::default();
    config.limits.pending_calls = 2;
    let b = it.enter_with("bob", config);
    it.reachable(false);
    it.settle();
    let first = it.start(b, Call::GetUserDescriptor("alice".into())).unwrap();
    it.cancel(b, first);
    it.start(b, Call::GetPublicChannelDescriptors).unwrap();
    let options = CallOptions { deadline: CallDeadline::After(Duration::from_secs(2)) };
    it.start_with(b, Call::GetUserChannelDescriptors, options).unwrap();
    assert!(it.start(b, Call::GetSubscribedChannels(GetSubscribedChannels::default())).is_err());
    it.wait(2500);
    it.good(b, Call::Shutdown { drain_until: None });
    assert!(it.start(b, Call::GetSubscribedChannels(GetSubscribedChannels::default())).is_err());
    it.cut(a);
    it.reachable(true);
    let never = CallOptions { deadline: CallDeadline::Never };
    it.start_with(a, Call::GetMembersCount(ch), never).unwrap();
    it.wait(5000);
    it.end()
}
