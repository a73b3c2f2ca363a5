use std::ops::Deref;
use std::sync::Arc;

use chat_proto::{
    Call, Direction, Event, GetMessages, Identity, Json, MemberRef, MemberSid, NotificationLevel,
    SendMessage, UnreadCount,
};

use super::{Bind, Member, Message, Paginator, Take, UserDescriptor, object};
use crate::call::CallFuture;
use crate::client::Client;
use crate::events::Events;
use crate::media::Upload;

object! {
    /// A channel that the client knows (spec 04 §2).
    Channel;
}

impl Channel {
    /// The channel as it is now; `None` when it is gone.
    pub fn latest(&self) -> Option<Self> {
        let channel = self.client.with_state(|state| state.channel(&self.sid).cloned());
        channel.map(|channel| channel.bind(&self.client))
    }

    /// The events of this channel, its members and its messages, from now on.
    pub fn events(&self) -> Events {
        let sid = self.sid.clone();
        self.client.events_where(move |event| match event {
            Event::ChannelAdded(channel)
            | Event::ChannelInvited(channel)
            | Event::ChannelJoined(channel)
            | Event::ChannelLeft(channel)
            | Event::ChannelRemoved(channel)
            | Event::ChannelUpdated { channel, .. } => channel.sid == sid,
            Event::MemberJoined(member)
            | Event::MemberLeft(member)
            | Event::MemberUpdated { member, .. }
            | Event::TypingStarted(member)
            | Event::TypingEnded(member) => member.channel == sid,
            Event::MessageAdded(message)
            | Event::MessageRemoved(message)
            | Event::MessageUpdated { message, .. } => message.channel == sid,
            _ => false,
        })
    }

    /// The messages that the client holds, by index: a window at the newest, without asking the service.
    pub fn messages(&self) -> Vec<Message> {
        let messages: Vec<_> = self.client.with_state(|state| state.messages(&self.sid).cloned().collect());
        messages.into_iter().map(|message| message.bind(&self.client)).collect()
    }

    /// The members as far as they are known, without asking the service.
    pub fn members(&self) -> Vec<Member> {
        let members: Vec<_> =
            self.client.with_state(|state| state.members(&self.sid).into_iter().cloned().collect());
        members.into_iter().map(|member| member.bind(&self.client)).collect()
    }

    // ---- taking part

    /// Joins. Fails with [`CallError::Session`](crate::CallError::Session) where the own user may not, as do all that
    /// change something.
    pub fn join(&self) -> CallFuture<Self> {
        self.client.ask(Call::Join(self.sid.clone()), Self::take)
    }

    /// Leaves. Sends nothing when the own user is not a member.
    pub fn leave(&self) -> CallFuture<Self> {
        self.client.ask(Call::Leave(self.sid.clone()), Self::take)
    }

    /// Refuses an invitation.
    pub fn decline(&self) -> CallFuture<Self> {
        self.client.ask(Call::Decline(self.sid.clone()), Self::take)
    }

    /// Destroys the channel, and gives it as it was.
    pub fn delete(&self) -> CallFuture<Self> {
        self.client.ask(Call::DeleteChannel(self.sid.clone()), Self::take)
    }

    /// Invites a person.
    pub fn invite(&self, identity: impl Into<Identity>) -> CallFuture<()> {
        self.client.ask(Call::Invite(self.sid.clone(), identity.into()), Take::take)
    }

    /// Adds a person.
    pub fn add(&self, identity: impl Into<Identity>) -> CallFuture<()> {
        self.client.ask(Call::Add(self.sid.clone(), identity.into()), Take::take)
    }

    /// Removes a person. [`Member::remove`] goes by membership instead.
    pub fn remove_member(&self, identity: impl Into<Identity>) -> CallFuture<()> {
        let member = MemberRef::Identity(identity.into());
        self.client.ask(Call::RemoveMember(self.sid.clone(), member), Take::take)
    }

    // ---- messages

    /// Sends a text, and gives the index of the new message, where the service tells it. `attributes` is an object:
    /// `Json::default()` for none. Messages of one channel leave in the order of the calls, also those that wait for a
    /// connection; each stands in the channel once, whatever the network does.
    pub fn send_message(&self, body: impl Into<Box<str>>, attributes: Json) -> CallFuture<Option<u64>> {
        self.send(Some(body.into()), attributes)
    }

    /// Sends a message of attributes alone.
    pub fn send_attributes(&self, attributes: Json) -> CallFuture<Option<u64>> {
        self.send(None, attributes)
    }

    fn send(&self, body: Option<Box<str>>, attributes: Json) -> CallFuture<Option<u64>> {
        let message = SendMessage { channel: self.sid.clone(), body, attributes };
        self.client.ask(Call::SendMessage(message), Take::take)
    }

    /// Uploads media, then sends a message with them, and gives its index where the service tells it. It can be cancelled
    /// until the message leaves; [`Event::UploadProgress`] tells how far the upload is. A text that is sent meanwhile comes
    /// before it.
    pub fn send_media(&self, upload: Upload, attributes: Json) -> CallFuture<Option<u64>> {
        let (held, call) = upload.into_parts(self.sid.clone(), attributes);
        self.client.ask_with_media(held, |media| Call::SendMedia(call(media)), Take::take)
    }

    /// A page of messages: `page_size` of them (30 is usual, the service caps it at 100), beginning with the index
    /// `anchor`, or with the newest backwards and the oldest forwards.
    pub fn get_messages(
        &self,
        page_size: u32,
        anchor: impl Into<Option<u64>>,
        direction: Direction,
    ) -> CallFuture<Paginator<Message>> {
        let get = GetMessages { channel: self.sid.clone(), page_size, anchor: anchor.into(), direction };
        self.client.ask(Call::GetMessages(get), Paginator::take)
    }

    /// How many messages the directory counts. It lags behind (spec 03 §14).
    pub fn get_messages_count(&self) -> CallFuture<u64> {
        self.client.ask(Call::GetMessagesCount(self.sid.clone()), Take::take)
    }

    /// Tells the others that the own user types. Sends nothing when it did a moment ago: call it at each key (spec 03
    /// §12.1).
    pub fn typing(&self) -> CallFuture<()> {
        self.client.ask(Call::Typing(self.sid.clone()), Take::take)
    }

    // ---- members

    /// The members, in the order in which they were seen.
    pub fn get_members(&self) -> CallFuture<Vec<Member>> {
        self.client.ask(Call::GetMembers(self.sid.clone()), Take::take)
    }

    /// A member by membership.
    pub fn get_member_by_sid(&self, sid: impl Into<MemberSid>) -> CallFuture<Member> {
        self.client.ask(Call::GetMember(self.sid.clone(), MemberRef::Sid(sid.into())), Take::take)
    }

    /// A member by person.
    pub fn get_member_by_identity(&self, identity: impl Into<Identity>) -> CallFuture<Member> {
        self.client.ask(Call::GetMember(self.sid.clone(), MemberRef::Identity(identity.into())), Take::take)
    }

    /// How many members the directory counts. It lags behind.
    pub fn get_members_count(&self) -> CallFuture<u64> {
        self.client.ask(Call::GetMembersCount(self.sid.clone()), Take::take)
    }

    /// The users of the channel as the directory lists them.
    pub fn get_user_descriptors(&self) -> CallFuture<Paginator<UserDescriptor>> {
        self.client.ask(Call::GetUserDescriptors(self.sid.clone()), Paginator::take)
    }

    // ---- the read horizon

    /// How many messages are newer than the own read horizon; unknown until that was set once (spec 03 §14).
    pub fn get_unconsumed_messages_count(&self) -> CallFuture<UnreadCount> {
        self.client.ask(Call::GetUnconsumedMessagesCount(self.sid.clone()), Take::take)
    }

    /// Moves the own read horizon to this index, which then counts as read, also backwards; `None` is "nothing read". It is
    /// reported every few seconds, and the answer comes with the report (spec 03 §13).
    pub fn update_last_consumed_message_index(
        &self,
        index: impl Into<Option<u64>>,
    ) -> CallFuture<UnreadCount> {
        self.client.ask(Call::UpdateLastConsumedMessageIndex(self.sid.clone(), index.into()), Take::take)
    }

    /// Moves the own read horizon to this index, forward only.
    pub fn advance_last_consumed_message_index(&self, index: u64) -> CallFuture<UnreadCount> {
        self.client.ask(Call::AdvanceLastConsumedMessageIndex(self.sid.clone(), index), Take::take)
    }

    /// Moves the own read horizon to the newest message.
    pub fn set_all_messages_consumed(&self) -> CallFuture<UnreadCount> {
        self.client.ask(Call::SetAllMessagesConsumed(self.sid.clone()), Take::take)
    }

    /// Takes the own read horizon back.
    pub fn set_no_messages_consumed(&self) -> CallFuture<UnreadCount> {
        self.client.ask(Call::SetNoMessagesConsumed(self.sid.clone()), Take::take)
    }

    // ---- what the channel is

    /// The attributes, once the channel's document is loaded.
    pub fn get_attributes(&self) -> CallFuture<Json> {
        self.client.ask(Call::GetAttributes(self.sid.clone()), Take::take)
    }

    /// Replaces the attributes.
    pub fn update_attributes(&self, attributes: Json) -> CallFuture<Self> {
        self.client.ask(Call::UpdateChannelAttributes(self.sid.clone(), attributes), Self::take)
    }

    /// Changes the name for people; `None` takes it away. Sends nothing when it is the same.
    pub fn update_friendly_name(&self, name: Option<&str>) -> CallFuture<Self> {
        self.client.ask(Call::UpdateFriendlyName(self.sid.clone(), name.map(Into::into)), Self::take)
    }

    /// Changes the name for programs; `None` takes it away. Sends nothing when it is the same. One that another channel has
    /// is refused with [`CallError::Session`](crate::CallError::Session).
    pub fn update_unique_name(&self, name: Option<&str>) -> CallFuture<Self> {
        self.client.ask(Call::UpdateUniqueName(self.sid.clone(), name.map(Into::into)), Self::take)
    }

    /// Sets how loudly the own user wants to be told.
    pub fn set_user_notification_level(&self, level: NotificationLevel) -> CallFuture<()> {
        self.client.ask(Call::SetUserNotificationLevel(self.sid.clone(), level), Take::take)
    }
}
