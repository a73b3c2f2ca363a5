use std::collections::{BTreeMap, BTreeSet};

use chat_proto::{
    Call, CallDeadline, CallId, CallOptions, ChannelSid, ChannelSorting, CreateChannel, Direction, Event,
    GetMessages, GetSubscribedChannels, Identity, Json, MediaId, MediaSid, MemberRef, MemberSid,
    NotificationLevel, Page, PageRef, PushChannel, Reply, Secret, SendMedia, SendMessage, SortingCriteria,
    SortingOrder, State,
};

use super::PLANTED;
use super::rng::Rng;

/// Names that channels are created with and looked for: few, so that people meet.
const UNIQUE_NAMES: [&str; 3] = ["general", "random", "garden"];

/// An app that asks for all sorts of things, sensible ones more often than others.
#[derive(Debug, Clone)]
pub(super) struct App {
    identity: Identity,
    /// What this app signs with: its person's name, and that of the device where there are several.
    name: String,
    people: Vec<Identity>,
    /// Whether it sometimes waits without a deadline: not where the service may never answer.
    patient: bool,
    /// So that no two messages have the same text.
    said: u64,
    pages: Vec<PageRef>,
    pub(super) pending: BTreeSet<CallId>,
}

impl App {
    pub(super) fn new(identity: Identity, device: usize, people: Vec<Identity>, patient: bool) -> Self {
        let (pages, pending) = (Vec::new(), BTreeSet::new());
        let name = match device {
            0 => identity.to_string(),
            _ => format!("{identity} on device {device}"),
        };
        Self { identity, name, people, patient, said: 0, pages, pending }
    }

    /// Its client went on from a save in which these calls wait. What it said it said.
    pub(super) fn begin_again(&mut self, pending: BTreeSet<CallId>) {
        self.pending = pending;
    }

    /// What the app remembers of an event.
    pub(super) fn see(&mut self, event: &Event) {
        if let Event::Answer { call, result } = event {
            self.pending.remove(call);
            if let Ok(reply) = result {
                self.keep_pages(reply);
            }
        }
    }

    fn keep_pages(&mut self, reply: &Reply) {
        fn both<T>(page: &Page<T>) -> impl Iterator<Item = PageRef> {
            [&page.next, &page.prev].into_iter().flatten().cloned()
        }
        match reply {
            Reply::ChannelPage(page) => self.pages.extend(both(page)),
            Reply::ChannelDescriptors(page) => self.pages.extend(both(page)),
            Reply::MessagePage(page) => self.pages.extend(both(page)),
            Reply::UserDescriptors(page) => self.pages.extend(both(page)),
            _ => {}
        }
        let too_many = self.pages.len().saturating_sub(8);
        self.pages.drain(..too_many);
    }

    /// A message with a text that no other message has.
    pub(super) fn message(&mut self, channel: ChannelSid) -> SendMessage {
        self.said += 1;
        let attributes = if self.said.is_multiple_of(4) { r#"{"n":[1,2,{"k":"é"}]}"# } else { "{}" };
        SendMessage {
            channel,
            body: Some(format!("{} says {}", self.name, self.said).into()),
            attributes: Json::parse(attributes).unwrap_or_default(),
        }
    }

    /// Something about media. Bytes to send go to `disk`.
    pub(super) fn about_media(
        &mut self,
        rng: &mut Rng,
        state: &State,
        disk: &mut BTreeMap<MediaId, Vec<u8>>,
    ) -> Option<Call> {
        let known: Vec<ChannelSid> = state.channels().iter().map(|channel| channel.sid.clone()).collect();
        let channel = rng.pick(&known)?.clone();
        let media: Vec<MediaSid> = state
            .messages(&channel)
            .filter_map(|message| Some(message.media.as_ref()?.sid.clone()))
            .collect();
        let place = MediaId(disk.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        Some(match (rng.below(4), rng.pick(&media).cloned()) {
            (0, Some(media)) => Call::GetMediaUrl(media),
            (1, Some(media)) => Call::DownloadMedia { media, to: place },
            _ => {
                self.said += 1;
                let length = usize::try_from(rng.below(3000)).unwrap_or(0);
                disk.insert(place, rng.bytes(length));
                Call::SendMedia(SendMedia {
                    channel,
                    media: place,
                    content_type: "image/png".into(),
                    filename: Some(format!("{} shows {}", self.name, self.said).into()),
                    attributes: Json::default(),
                })
            }
        })
    }

    /// Something about push notifications.
    pub(super) fn about_push(&mut self, rng: &mut Rng) -> Call {
        let kind = *rng.pick(&PushChannel::ALL).unwrap_or(&PushChannel::Fcm);
        match rng.below(4) {
            0 => Call::UnsetPushRegistrationId(kind),
            1 => {
                let payload =
                    r#"{"data":{"twi_message_type":"twilio.channel.new_message","twi_body":"hello"}}"#;
                Call::HandlePushNotification(Json::parse(payload).unwrap_or_default())
            }
            _ => {
                let device = format!("{PLANTED}-device-{}-{}", rng.below(3), self.name);
                Call::SetPushRegistrationId(kind, Secret::new(device))
            }
        }
    }

    /// The next thing to ask for.
    pub(super) fn call(&mut self, rng: &mut Rng, state: &State) -> (Call, CallOptions) {
        let deadline = match rng.below(20) {
            0 => CallDeadline::After(std::time::Duration::from_millis(rng.range(0, 20_000))),
            // Nothing but an answer ends these: a call that hangs shows (law 5).
            1..10 if self.patient => CallDeadline::Never,
            _ => CallDeadline::WhileConnected,
        };
        let options = CallOptions { deadline };
        let known: Vec<ChannelSid> = state.channels().iter().map(|channel| channel.sid.clone()).collect();
        let call = match rng.pick(&known) {
            Some(channel) if !rng.per_mille(150) => self.about_channel(rng, state, channel.clone()),
            _ => self.about_client(rng),
        };
        (call, options)
    }

    fn about_client(&mut self, rng: &mut Rng) -> Call {
        let name = rng.pick(&UNIQUE_NAMES).copied().unwrap_or_default();
        let person = self.person(rng);
        match rng.below(12) {
            0 | 1 => Call::CreateChannel(CreateChannel {
                friendly_name: Some(name.to_uppercase().into()),
                unique_name: Some(name.into()),
                is_private: rng.per_mille(200),
                attributes: Json::default(),
            }),
            2 | 3 => Call::GetChannelByUniqueName(name.into()),
            4 => Call::GetLocalChannels(Some(ChannelSorting {
                criteria: SortingCriteria::FriendlyName,
                order: SortingOrder::Descending,
            })),
            5 => Call::GetSubscribedChannels(GetSubscribedChannels::default()),
            6 => Call::GetPublicChannelDescriptors,
            7 => Call::GetUser(person),
            8 => Call::GetUserDescriptor(person),
            9 => Call::GetChannelBySid(ChannelSid::new(format!("CH{:032x}", rng.below(3)))),
            10 => match rng.pick(&self.pages) {
                Some(page) => Call::NextPage(page.clone()),
                None => Call::GetUserChannelDescriptors,
            },
            _ => Call::GetSubscribedUsers,
        }
    }

    fn about_channel(&mut self, rng: &mut Rng, state: &State, channel: ChannelSid) -> Call {
        let person = self.person(rng);
        let members: Vec<MemberSid> =
            state.members(&channel).iter().map(|member| member.sid.clone()).collect();
        let member = rng.pick(&members).cloned().unwrap_or_else(|| MemberSid::new("MB0"));
        let messages: Vec<u64> = state.messages(&channel).map(|message| message.index).collect();
        let index = rng.pick(&messages).copied().unwrap_or(7);
        let attributes = Json::parse(&format!(r#"{{"mood":{}}}"#, rng.below(5))).unwrap_or_default();
        match rng.below(48) {
            0..=15 => Call::SendMessage(self.message(channel)),
            16..=19 => Call::Join(channel),
            20 => Call::Leave(channel),
            21 => Call::Decline(channel),
            22 | 23 => Call::Invite(channel, person),
            24 | 25 => Call::Add(channel, person),
            26 => Call::RemoveMember(channel, MemberRef::Identity(person)),
            27 => Call::Typing(channel),
            28 | 29 => Call::GetMessages(GetMessages {
                channel,
                page_size: u32::try_from(rng.below(5)).unwrap_or(1),
                anchor: rng.per_mille(500).then_some(index),
                direction: if rng.per_mille(500) { Direction::Forward } else { Direction::Backwards },
            }),
            30 => Call::GetMembers(channel),
            31 => Call::GetMember(channel, MemberRef::Sid(member)),
            32 => Call::GetMessagesCount(channel),
            33 => Call::GetUnconsumedMessagesCount(channel),
            34 => Call::UpdateChannelAttributes(channel, attributes),
            35 => Call::UpdateFriendlyName(channel, Some(format!("room {}", rng.below(9)).into())),
            36 => Call::SetUserNotificationLevel(channel, NotificationLevel::Muted),
            37 => Call::UpdateLastConsumedMessageIndex(channel, Some(index)),
            38 => Call::SetAllMessagesConsumed(channel),
            39 => Call::UpdateMemberAttributes(channel, member, attributes),
            40..=42 => Call::UpdateMessageBody(channel, index, format!("edited {}", rng.below(100)).into()),
            43 => Call::UpdateMessageAttributes(channel, index, attributes),
            44 | 45 => Call::RemoveMessage(channel, index),
            46 => Call::GetMessageMember(channel, index),
            _ if rng.per_mille(100) => Call::DeleteChannel(channel),
            _ => Call::GetMemberUser(channel, member),
        }
    }

    fn person(&self, rng: &mut Rng) -> Identity {
        rng.pick(&self.people).cloned().unwrap_or_else(|| self.identity.clone())
    }
}
