use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Texts that name something: cheap to clone, opaque (a prefix tells nothing for sure, capture fact 33).
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name with this text.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    )*};
}

names! {
    /// Names a channel: `CH` and 32 hex digits.
    ChannelSid;
    /// Names a message: `IM` and 32 hex digits. Within its channel a message goes by its index.
    MessageSid;
    /// Names a membership, one person in one channel: `MB` and 32 hex digits.
    MemberSid;
    /// Names a role: `RL` and 32 hex digits.
    RoleSid;
    /// Names a piece of media: `ME` and 32 hex digits.
    MediaSid;
    /// Names a person, in the words of the app's own tokens.
    Identity;
}
