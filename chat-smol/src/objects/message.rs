use std::ops::Deref;
use std::sync::Arc;

use chat_proto::{Call, Json};

use super::{Bind, Media, Member, Take, object};
use crate::call::CallFuture;
use crate::client::Client;

object! {
    /// A message (spec 04 §5).
    Message;
}

impl Message {
    /// The message as it is now; `None` when it was deleted, or is older than what the client holds.
    pub fn latest(&self) -> Option<Self> {
        let message = self.client.with_state(|state| {
            state.messages(&self.channel).rev().find(|message| message.index == self.index).cloned()
        });
        message.map(|message| message.bind(&self.client))
    }

    /// The media that come with it, if it is a media message.
    pub fn media(&self) -> Option<Media> {
        self.snapshot.media.clone().map(|info| Media::new(info, self.client.clone()))
    }

    /// Changes the text.
    pub fn update_body(&self, body: impl Into<Box<str>>) -> CallFuture<Self> {
        self.client.ask(Call::UpdateMessageBody(self.channel.clone(), self.index, body.into()), Self::take)
    }

    /// Replaces the attributes.
    pub fn update_attributes(&self, attributes: Json) -> CallFuture<Self> {
        self.client
            .ask(Call::UpdateMessageAttributes(self.channel.clone(), self.index, attributes), Self::take)
    }

    /// Deletes the message, and gives it as it was.
    pub fn remove(&self) -> CallFuture<Self> {
        self.client.ask(Call::RemoveMessage(self.channel.clone(), self.index), Self::take)
    }

    /// The member who sent it; fails with [`CallError::UnknownMember`](crate::CallError::UnknownMember) when nobody of that
    /// name is in the channel any more (spec 03 §9.3).
    pub fn get_member(&self) -> CallFuture<Member> {
        self.client.ask(Call::GetMessageMember(self.channel.clone(), self.index), Take::take)
    }
}
