//! Objects: a snapshot of the core's, with the client that can act on it.
//!
//! Each derefs to its snapshot, which never changes; `latest` gives the newest.

mod channel;
mod descriptor;
mod media;
mod member;
mod message;
mod paginator;
mod take;
mod user;

pub use channel::Channel;
pub use descriptor::{ChannelDescriptor, UserDescriptor};
pub use media::Media;
pub use member::Member;
pub use message::Message;
pub use paginator::{PageItem, Pages, Paginator};
pub(crate) use take::Take;
pub use user::User;

use crate::client::Client;

/// A snapshot that [`Client::bind`] makes an object of.
pub trait Bind: sealed::Sealed {
    /// The object.
    type Object;
    #[doc(hidden)]
    fn bind(self, client: &Client) -> Self::Object;
}

mod sealed {
    pub trait Sealed {}
}

/// An object of a shared snapshot: what all of them have in common.
macro_rules! object {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            snapshot: Arc<chat_proto::$name>,
            client: Client,
        }

        impl $name {
            /// The snapshot itself, as events carry it.
            pub fn snapshot(&self) -> &Arc<chat_proto::$name> {
                &self.snapshot
            }

            /// The client that this belongs to.
            pub fn client(&self) -> &Client {
                &self.client
            }

            /// The same object, whose calls have other options.
            #[must_use]
            pub fn with(&self, options: chat_proto::CallOptions) -> Self {
                Self { snapshot: self.snapshot.clone(), client: self.client.with(options) }
            }
        }

        impl Deref for $name {
            type Target = chat_proto::$name;

            fn deref(&self) -> &Self::Target {
                &self.snapshot
            }
        }

        impl PartialEq for $name {
            /// Whether the snapshots are equal.
            fn eq(&self, other: &Self) -> bool {
                self.snapshot == other.snapshot
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.snapshot.fmt(f)
            }
        }

        impl super::sealed::Sealed for Arc<chat_proto::$name> {}

        impl super::Bind for Arc<chat_proto::$name> {
            type Object = $name;

            fn bind(self, client: &Client) -> $name {
                $name { snapshot: self, client: client.clone() }
            }
        }
    )*};
}
use object;
