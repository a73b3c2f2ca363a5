use std::fmt;
use std::ops::Deref;

use chat_proto::Call;

use super::{Bind, Channel, Take, User, sealed};
use crate::call::CallFuture;
use crate::client::Client;

/// An object of a directory's record: a copy that never changes.
macro_rules! descriptor {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            snapshot: chat_proto::$name,
            client: Client,
        }

        impl Deref for $name {
            type Target = chat_proto::$name;

            fn deref(&self) -> &Self::Target {
                &self.snapshot
            }
        }

        impl PartialEq for $name {
            /// Whether the records are equal.
            fn eq(&self, other: &Self) -> bool {
                self.snapshot == other.snapshot
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.snapshot.fmt(f)
            }
        }

        impl sealed::Sealed for chat_proto::$name {}

        impl Bind for chat_proto::$name {
            type Object = $name;

            fn bind(self, client: &Client) -> $name {
                $name { snapshot: self, client: client.clone() }
            }
        }

        impl sealed::Sealed for Box<chat_proto::$name> {}

        impl Bind for Box<chat_proto::$name> {
            type Object = $name;

            fn bind(self, client: &Client) -> $name {
                (*self).bind(client)
            }
        }
    )*};
}

descriptor! {
    /// A channel as a directory lists it (spec 04 §3).
    ChannelDescriptor;
    /// A person as a directory lists it (spec 04 §6).
    UserDescriptor;
}

impl ChannelDescriptor {
    /// The channel itself.
    pub fn get_channel(&self) -> CallFuture<Channel> {
        self.client.ask(Call::GetChannelBySid(self.sid.clone()), Take::take)
    }
}

impl UserDescriptor {
    /// Subscribes to the person.
    pub fn subscribe(&self) -> CallFuture<User> {
        self.client.ask(Call::GetUser(self.identity.clone()), Take::take)
    }
}
