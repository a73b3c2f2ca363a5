use core::fmt;
use core::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of update reasons: what of a thing changed. `T` is one of the enumerations beside it.
pub struct Reasons<T> {
    bits: u16,
    kind: PhantomData<fn() -> T>,
}

/// An enumeration that [`Reasons`] can hold.
pub(crate) trait Reason: Copy + 'static {
    /// All of them, in the order in which they are listed.
    const ALL: &'static [Self];
    fn bit(self) -> u16;
}

#[allow(private_bounds, reason = "the enumerations are fixed: `Reason` is not for others to implement")]
impl<T: Reason> Reasons<T> {
    /// Nothing.
    pub const fn empty() -> Self {
        Self { bits: 0, kind: PhantomData }
    }

    /// Adds `reason`.
    pub fn insert(&mut self, reason: T) {
        self.bits |= reason.bit();
    }

    /// Whether `reason` is among them.
    pub fn contains(self, reason: T) -> bool {
        self.bits & reason.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The reasons, in the order of their enumeration.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::ALL.iter().copied().filter(move |reason| self.contains(*reason))
    }
}

impl<T> Clone for Reasons<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reasons<T> {}

impl<T> PartialEq for Reasons<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<T> Eq for Reasons<T> {}

impl<T: Reason + fmt::Debug> fmt::Debug for Reasons<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Reason> FromIterator<T> for Reasons<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        let mut reasons = Self::empty();
        iter.into_iter().for_each(|reason| reasons.insert(reason));
        reasons
    }
}

impl<T: Reason + Serialize> Serialize for Reasons<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for reason in self.iter() {
            seq.serialize_element(&reason)?;
        }
        seq.end()
    }
}

impl<'de, T: Reason + Deserialize<'de>> Deserialize<'de> for Reasons<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Set<T>(PhantomData<T>);
        impl<'de, T: Reason + Deserialize<'de>> Visitor<'de> for Set<T> {
            type Value = Reasons<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of update reasons")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut reasons = Reasons::empty();
                while let Some(reason) = seq.next_element()? {
                    reasons.insert(reason);
                }
                Ok(reasons)
            }
        }
        deserializer.deserialize_seq(Set(PhantomData))
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl Reason for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn bit(self) -> u16 {
                1 << (self as u16)
            }
        }
    )*};
}

reasons! {
    /// What of a channel changed (spec 03 §8.1).
    ChannelReason {
        /// The app's own data.
        Attributes,
        /// The creator.
        CreatedBy,
        /// The date of creation.
        DateCreated,
        /// The date of the last change.
        DateUpdated,
        /// The name for people.
        FriendlyName,
        /// The own read horizon.
        LastConsumedMessageIndex,
        /// The newest message.
        LastMessage,
        /// How loudly the own user wants to be told.
        NotificationLevel,
        /// The name itself (never seen from the real service).
        Sid,
        /// The life cycle of a conversation.
        State,
        /// How the own user stands to it.
        Status,
        /// Who may find it.
        Type,
        /// The name for programs.
        UniqueName,
    }
    /// What of a message changed (spec 03 §8.2).
    MessageReason {
        /// The text.
        Body,
        /// Who changed it last.
        LastUpdatedBy,
        /// The author.
        Author,
        /// The date of the last change.
        DateUpdated,
        /// The date of sending.
        Timestamp,
        /// The app's own data.
        Attributes,
    }
    /// What of a member changed (spec 03 §8.3).
    MemberReason {
        /// The app's own data.
        Attributes,
        /// The date of the last change.
        DateUpdated,
        /// The date of joining.
        DateCreated,
        /// The role.
        RoleSid,
        /// The read horizon.
        LastConsumedMessageIndex,
        /// When the read horizon was reported.
        LastConsumptionTimestamp,
    }
    /// What of a user changed (spec 03 §8.4).
    UserReason {
        /// The name for people.
        FriendlyName,
        /// The app's own data.
        Attributes,
        /// Whether the person is connected.
        Online,
        /// Whether the person can be reached by push.
        Notifiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_list_in_their_own_order() {
        let reasons: Reasons<UserReason> = [UserReason::Notifiable, UserReason::Online].into_iter().collect();
        let text = serde_json::to_string(&reasons).unwrap();
        assert_eq!(text, r#"["online","notifiable"]"#);
        assert_eq!(serde_json::from_str::<Reasons<UserReason>>(&text).unwrap(), reasons);
        assert!(!reasons.contains(UserReason::FriendlyName));
    }
}
