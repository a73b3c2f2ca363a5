use std::ops::Deref;
use std::sync::Arc;

use chat_proto::{Call, Json, MemberRef};

use super::{Bind, Take, User, UserDescriptor, object};
use crate::call::CallFuture;
use crate::client::Client;

object! {
    /// One person in one channel (spec 04 §4).
    Member;
}

impl Member {
    /// The member as it is now; `None` when it left, or the channel is gone.
    pub fn latest(&self) -> Option<Self> {
        let member = self.client.with_state(|state| {
            state.members(&self.channel).into_iter().find(|member| member.sid == self.sid).cloned()
        });
        member.map(|member| member.bind(&self.client))
    }

    /// Subscribes to the person. Only members of type `chat` have one.
    pub fn get_user(&self) -> CallFuture<User> {
        self.client.ask(Call::GetMemberUser(self.channel.clone(), self.sid.clone()), Take::take)
    }

    /// The person as the directory lists it. Only members of type `chat` have one.
    pub fn get_user_descriptor(&self) -> CallFuture<UserDescriptor> {
        self.client.ask(Call::GetMemberUserDescriptor(self.channel.clone(), self.sid.clone()), Take::take)
    }

    /// Removes the member from the channel.
    pub fn remove(&self) -> CallFuture<()> {
        let member = MemberRef::Sid(self.sid.clone());
        self.client.ask(Call::RemoveMember(self.channel.clone(), member), Take::take)
    }

    /// Replaces the attributes.
    pub fn update_attributes(&self, attributes: Json) -> CallFuture<Self> {
        self.client
            .ask(Call::UpdateMemberAttributes(self.channel.clone(), self.sid.clone(), attributes), Self::take)
    }
}
