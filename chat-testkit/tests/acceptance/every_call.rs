//! One call of each kind that there is, about things that exist as far as they do.

use std::collections::BTreeSet;

use chat_proto::{
    Call, ChannelSid, CreateChannel, GetSubscribedChannels, Identity, Json, MediaId, MediaSid, MemberRef,
    MemberSid, NotificationLevel, PageRef, PushChannel, Secret, SendMedia, Token,
};

use crate::people::*;

/// What the calls are about.
pub(crate) struct About {
    pub(crate) channel: ChannelSid,
    pub(crate) member: MemberSid,
    pub(crate) page: PageRef,
    pub(crate) token: String,
    pub(crate) media: MediaId,
    pub(crate) fetched: MediaSid,
}

/// One of each kind. [`Call::Shutdown`] comes last: it answers all others.
pub(crate) fn every_call(about: &About) -> Vec<Call> {
    let channel = || about.channel.clone();
    let member = || about.member.clone();
    let (alice, bob) = (|| Identity::from("alice"), || Identity::from("bob"));
    let json = || Json::from_value(&serde_json::json!({ "a": 1 })).unwrap();
    let calls = vec![
        Call::CreateChannel(CreateChannel::default()),
        Call::GetChannelBySid("CH404".into()),
        Call::GetChannelByUniqueName("nothing".into()),
        Call::GetLocalChannels(None),
        Call::GetSubscribedChannels(GetSubscribedChannels::default()),
        Call::GetPublicChannelDescriptors,
        Call::GetUserChannelDescriptors,
        Call::GetUser(bob()),
        Call::GetSubscribedUsers,
        Call::GetUserDescriptor(bob()),
        Call::NextPage(about.page.clone()),
        Call::Invite(channel(), bob()),
        Call::Add(channel(), bob()),
        Call::RemoveMember(channel(), MemberRef::Identity(bob())),
        message(&channel(), "hello"),
        Call::SendMedia(SendMedia {
            channel: channel(),
            media: about.media,
            content_type: "image/png".into(),
            filename: None,
            attributes: Json::default(),
        }),
        Call::GetMediaUrl(about.fetched.clone()),
        Call::DownloadMedia { media: about.fetched.clone(), to: MediaId(99) },
        Call::Typing(channel()),
        newest(&channel()),
        Call::GetMembers(channel()),
        Call::GetMember(channel(), MemberRef::Identity(alice())),
        Call::GetMembersCount(channel()),
        Call::GetMessagesCount(channel()),
        Call::GetUnconsumedMessagesCount(channel()),
        Call::GetUserDescriptors(channel()),
        Call::GetAttributes(channel()),
        Call::UpdateChannelAttributes(channel(), json()),
        Call::UpdateFriendlyName(channel(), Some("new".into())),
        Call::UpdateUniqueName(channel(), Some("new".into())),
        Call::SetUserNotificationLevel(channel(), NotificationLevel::Muted),
        Call::UpdateLastConsumedMessageIndex(channel(), Some(0)),
        Call::AdvanceLastConsumedMessageIndex(channel(), 1),
        Call::SetAllMessagesConsumed(channel()),
        Call::SetNoMessagesConsumed(channel()),
        Call::GetMemberUser(channel(), member()),
        Call::GetMemberUserDescriptor(channel(), member()),
        Call::UpdateMemberAttributes(channel(), member(), json()),
        Call::UpdateMessageBody(channel(), 0, "x".into()),
        Call::UpdateMessageAttributes(channel(), 0, json()),
        Call::RemoveMessage(channel(), 0),
        Call::GetMessageMember(channel(), 0),
        Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("hunter2")),
        Call::UnsetPushRegistrationId(PushChannel::Apn),
        Call::HandlePushNotification(Json::default()),
        Call::UnsubscribeUser(bob()),
        Call::UpdateUserAttributes(alice(), json()),
        Call::UpdateUserFriendlyName(alice(), Some("Al".into())),
        Call::Join(channel()),
        Call::Leave(channel()),
        Call::Decline(channel()),
        Call::UpdateToken(Token::new(about.token.as_str()).unwrap()),
        Call::DeleteChannel(channel()),
        shutdown(),
    ];
    assert_eq!(calls.iter().map(kind).collect::<BTreeSet<_>>(), kinds(), "a kind of call is missing here");
    calls
}

/// The name of the variant.
pub(crate) fn kind(call: &Call) -> String {
    let shown = format!("{call:?}");
    shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// All variants: serde lists them when it is given one that does not exist.
fn kinds() -> BTreeSet<String> {
    let error = serde_json::from_str::<Call>("{\"?\":null}").unwrap_err().to_string();
    let listed = error.split_once("expected ").map_or("", |(_, listed)| listed);
    let kinds: BTreeSet<String> = listed.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(kinds.len() > 50, "{error}");
    kinds
}
