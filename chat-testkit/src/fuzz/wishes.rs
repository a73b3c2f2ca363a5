//! Calls out of a script: any method, mostly about things that exist.

use std::time::Duration;

use chat_proto::{
    Call, CallDeadline, CallOptions, ChannelSid, ChannelSorting, CreateChannel, Direction, GetMessages,
    GetSubscribedChannels, Identity, MediaId, MediaSid, MemberRef, MemberSid, NotificationLevel, PageRef,
    PushChannel, Secret, SendMedia, SendMessage, SortingCriteria, SortingOrder, State, Time, Token,
};

use super::script::Script;

/// What an app knows beside the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) media: Vec<MediaSid>,
    pub(super) pages: Vec<PageRef>,
    /// A good token, if there is one.
    pub(super) token: Option<Token>,
    /// A registration id: a secret.
    pub(super) registration: &'static str,
}

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", ""];

pub(super) fn options(script: &mut Script<'_>) -> CallOptions {
    let deadline = match script.byte() % 8 {
        6 => CallDeadline::Never,
        7 => CallDeadline::After(Duration::from_millis(u64::from(script.byte()) * 100)),
        _ => CallDeadline::WhileConnected,
    };
    CallOptions { deadline }
}

pub(super) fn call(script: &mut Script<'_>, state: &State, known: &Known) -> Call {
    let kind = script.byte() % 56;
    let channels = state.channels();
    let sid = script.pick(&channels).map(|channel| channel.sid.clone());
    let channel = sid.unwrap_or_else(|| ChannelSid::new("CH0"));
    let person = Identity::new(script.pick(&PEOPLE).copied().unwrap_or("bob"));
    let mut members = state.members(&channel).iter().map(|member| member.sid.clone()).collect::<Vec<_>>();
    members.push(MemberSid::new("MB0"));
    let member = script.pick(&members).cloned().unwrap_or_else(|| MemberSid::new("MB0"));
    let index = u64::from(script.byte());
    match kind {
        0..=9 => Call::SendMessage(SendMessage {
            channel,
            body: (kind != 9).then(|| script.text(12).into()),
            attributes: script.json(),
        }),
        10 => Call::CreateChannel(CreateChannel {
            friendly_name: Some(script.text(4).into()),
            unique_name: script.once_in(2).then(|| script.text(3).into()),
            is_private: script.once_in(3),
            attributes: script.json(),
        }),
        11 => Call::GetChannelBySid(channel),
        12 => Call::GetChannelByUniqueName(script.text(8).into()),
        13 => Call::GetLocalChannels(Some(ChannelSorting {
            criteria: SortingCriteria::LastMessage,
            order: SortingOrder::Descending,
        })),
        14 => Call::GetSubscribedChannels(GetSubscribedChannels {
            page_size: u32::from(script.byte()),
            order: SortingOrder::Ascending,
        }),
        15 => Call::GetPublicChannelDescriptors,
        16 => Call::GetUserChannelDescriptors,
        17 => Call::GetUser(person),
        18 => Call::GetSubscribedUsers,
        19 => Call::GetUserDescriptor(person),
        20 => match script.pick(&known.pages) {
            Some(page) => Call::NextPage(page.clone()),
            None => Call::GetUserDescriptors(channel),
        },
        21 => Call::UpdateToken(match known.token.clone().filter(|_| !script.once_in(3)) {
            Some(token) => token,
            None => Token::new("no.token.").expect("it is not empty"),
        }),
        22 => Call::Join(channel),
        23 => Call::Leave(channel),
        24 => Call::Decline(channel),
        25 => Call::DeleteChannel(channel),
        26 => Call::Invite(channel, person),
        27 => Call::Add(channel, person),
        28 => Call::RemoveMember(channel, MemberRef::Identity(person)),
        29 => Call::RemoveMember(channel, MemberRef::Sid(member)),
        30 => Call::Typing(channel),
        31 | 32 => Call::GetMessages(GetMessages {
            channel,
            page_size: u32::from(script.byte() % 8),
            anchor: script.once_in(2).then_some(index),
            direction: if script.once_in(2) { Direction::Forward } else { Direction::Backwards },
        }),
        33 => Call::GetMembers(channel),
        34 => Call::GetMember(channel, MemberRef::Identity(person)),
        35 => Call::GetMembersCount(channel),
        36 => Call::GetMessagesCount(channel),
        37 => Call::GetUnconsumedMessagesCount(channel),
        38 => Call::GetAttributes(channel),
        39 => Call::UpdateChannelAttributes(channel, script.json()),
        40 => Call::UpdateFriendlyName(channel, Some(script.text(6).into())),
        41 => Call::UpdateUniqueName(channel, Some(script.text(6).into())),
        42 => Call::SetUserNotificationLevel(channel, NotificationLevel::Muted),
        43 => Call::UpdateLastConsumedMessageIndex(channel, Some(index)),
        44 => Call::SetAllMessagesConsumed(channel),
        45 => Call::GetMemberUser(channel, member),
        46 => Call::UpdateMemberAttributes(channel, member, script.json()),
        47 => Call::UpdateMessageBody(channel, index % 8, script.text(12).into()),
        48 => Call::UpdateMessageAttributes(channel, index % 8, script.json()),
        49 => Call::RemoveMessage(channel, index % 8),
        50 => Call::GetMessageMember(channel, index % 8),
        51 => Call::SendMedia(SendMedia {
            channel,
            media: MediaId(1),
            content_type: "image/png".into(),
            filename: Some(script.text(6).into()),
            attributes: script.json(),
        }),
        52 => {
            let media = script.pick(&known.media).cloned().unwrap_or_else(|| MediaSid::new("ME0"));
            if script.once_in(2) {
                Call::GetMediaUrl(media)
            } else {
                Call::DownloadMedia { media, to: MediaId(2) }
            }
        }
        53 => {
            let channel = script.pick(&PushChannel::ALL).copied().unwrap_or(PushChannel::Fcm);
            if script.once_in(3) {
                Call::UnsetPushRegistrationId(channel)
            } else {
                Call::SetPushRegistrationId(channel, Secret::new(known.registration))
            }
        }
        54 => Call::HandlePushNotification(script.json()),
        _ => match script.byte() {
            // At most three quarters of an hour: whoever drains for ever may wait for ever.
            0 => Call::Shutdown { drain_until: Some(Time::from_millis(u64::from(script.byte()) * 10_000)) },
            1 => Call::Shutdown { drain_until: None },
            2..=80 => Call::UpdateUserAttributes(person, script.json()),
            81..=160 => Call::UpdateUserFriendlyName(person, Some(script.text(6).into())),
            _ => Call::UnsubscribeUser(person),
        },
    }
}
