use std::ops::Deref;
use std::sync::Arc;

use chat_proto::{Call, Json};

use super::{Bind, Take, object};
use crate::call::CallFuture;
use crate::client::Client;

object! {
    /// A person whose changes arrive (spec 04 §6).
    User;
}

impl User {
    /// The person as it is now; `None` when it is not subscribed any more.
    pub fn latest(&self) -> Option<Self> {
        let user = self
            .client
            .with_state(|state| state.users().find(|user| user.identity == self.identity).cloned());
        user.map(|user| user.bind(&self.client))
    }

    /// Gives up the subscription.
    pub fn unsubscribe(&self) -> CallFuture<()> {
        self.client.ask(Call::UnsubscribeUser(self.identity.clone()), Take::take)
    }

    /// Replaces the attributes.
    pub fn update_attributes(&self, attributes: Json) -> CallFuture<Self> {
        self.client.ask(Call::UpdateUserAttributes(self.identity.clone(), attributes), Self::take)
    }

    /// Changes the name for people.
    pub fn update_friendly_name(&self, name: Option<&str>) -> CallFuture<Self> {
        self.client.ask(Call::UpdateUserFriendlyName(self.identity.clone(), name.map(Into::into)), Self::take)
    }
}
