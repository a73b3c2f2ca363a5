use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::name::{Name, NameText};

/// What all names have in common: they are opaque (a prefix tells nothing for sure, capture fact 33).
macro_rules! names {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    )*};
}

/// Names whose text is there to be borrowed: cheap to clone, most of them because the text is shared.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($text:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($text);

        impl $name {
            /// The name with this text.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(<$text>::from(text.as_ref()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
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

        names!($name);
    )*};
}

/// Names that a client holds by the thousand: kept in 24 bytes and without an allocation as long as they look like what
/// the service makes; any other text is kept as it is.
macro_rules! packed {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Name);

        impl $name {
            /// The name with this text.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Name::new(text.as_ref()))
            }

            /// The text. It is written out anew each time: names are compared without it.
            pub fn text(&self) -> NameText<'_> {
                self.0.text()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                *self.text() == *text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                *self == **text
            }
        }

        names!($name);
    )*};
}

texts! {
    /// Names a channel: `CH` and 32 hex digits.
    ChannelSid(Arc<str>);
    /// Names a role: `RL` and 32 hex digits.
    RoleSid(Arc<str>);
    /// Names a piece of media: `ME` and 32 hex digits.
    MediaSid(Arc<str>);
    /// Names a person, in the words of the app's own tokens. Up to 23 bytes are kept without an allocation.
    Identity(SmolStr);
}

packed! {
    /// Names a message: `IM` and 32 hex digits. Within its channel a message goes by its index.
    MessageSid;
    /// Names a membership, one person in one channel: `MB` and 32 hex digits.
    MemberSid;
    /// Names the Sync map that describes a person: `US`, 32 hex digits and `.info`, or `MP` and 32 hex digits.
    UserInfoName;
}
