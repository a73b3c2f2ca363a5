//! What changed from one save to a later one: so that what is stored often is small.

use alloc::boxed::Box;
use alloc::string::String;

use serde::{Deserialize, Deserializer, Serialize};

use super::digest::digest;
use super::{Content, ResumeError, Saved, VERSION, read};
use crate::chat::ChatLists;

/// What changed from one save, which is called its base, to a newer one: [`Saved::changes_since`] makes it, and
/// [`Saved::with_changes`] makes the newer one of the base and it. Opaque, and JSON when it is serialized.
///
/// It is as long as what is new: a few kilobytes for a message, however large the read model is. What is under way (calls
/// that are not answered, events that nobody took) is in it as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedChanges(Box<Changes>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Changes {
    version: u64,
    base: Base,
    /// The newer save, but for the long lists in it.
    rest: Content,
    lists: ChatLists,
}

/// Which save is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Base {
    epoch: u64,
    revision: u64,
    /// Of its text: many saves are of the same revision, and a client that was resumed twice from one save
    /// makes different ones of the same epoch.
    digest: u64,
}

impl Saved {
    /// What changed from `base` to this: `base.with_changes(newer.changes_since(&base))` is `newer`.
    ///
    /// Any two saves will do, but only what they share costs nothing: take a base of the same client, in this process,
    /// or the one that it was resumed from. For 1000 channels with 100 messages each this took 0.3 ms on a busy machine;
    /// the first time that a base is used it takes as long as to write out the base, which is told from other saves by
    /// its text.
    #[must_use]
    pub fn changes_since(&self, base: &Self) -> SavedChanges {
        let (rest, lists) = (&self.content, &base.content);
        let lists = rest.chat.lists_since(&lists.chat);
        let rest = Content {
            version: VERSION,
            identity: rest.identity.clone(),
            told: rest.told.clone(),
            chat: rest.chat.without_lists(),
            ..**rest
        };
        SavedChanges(Box::new(Changes { version: VERSION, base: base.name(), rest, lists }))
    }

    /// The save that the changes lead to.
    ///
    /// # Errors
    /// They are of another base ([`ResumeError::OtherBase`]; see [`Saved::supersedes`]), or no client can have made them.
    /// Whether the save can be true is for [`Client::resume`](crate::Client::resume) to say.
    pub fn with_changes(self, changes: SavedChanges) -> Result<Self, ResumeError> {
        let Changes { base, rest, lists, .. } = *changes.0;
        if base != self.name() {
            let (wanted, found) = (base.revision, self.revision());
            return Err(ResumeError::OtherBase { wanted, found });
        }
        let mut content = Content { version: VERSION, ..rest };
        content.chat = content.chat.with_lists(self.content.chat, lists)?;
        Ok(Self::new(content))
    }

    /// Whether the changes may be thrown away: they are of another base than this, and this save is of the same revision
    /// as theirs or a later one.
    ///
    /// A host that stores a new base over the old one, with changes of the old one beside it, may crash before it has
    /// replaced these as well. What they lead to is older than the new base then, and this says so: every session
    /// command that is in them is in the base, or was done with. Changes that are of another base and *newer* are a
    /// sign that the base was lost, or is not the one that was stored last: [`Saved::with_changes`] refuses them.
    #[must_use]
    pub fn supersedes(&self, changes: &SavedChanges) -> bool {
        let Changes { base, rest, .. } = &*changes.0;
        let this = &self.content;
        // Cheapest first: the name is made of all that is in the save.
        (rest.epoch, rest.revision) <= (this.epoch, this.revision) && *base != self.name()
    }

    fn name(&self) -> Base {
        let Content { epoch, revision, .. } = *self.content;
        Base { epoch, revision, digest: self.digest.get_or(|| digest(&self.to_json())) }
    }
}

impl SavedChanges {
    /// Which state of the client they lead to: for [`Input::Stored`](crate::Input::Stored) when they are stored, and the
    /// base is.
    pub fn revision(&self) -> u64 {
        self.0.rest.revision
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        // As for a save.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// From JSON text, wherever it comes from.
    ///
    /// # Errors
    /// They are of another version, or no changes at all.
    pub fn from_json(text: &[u8]) -> Result<Self, ResumeError> {
        read(text).map(|changes| Self(Box::new(changes)))
    }
}

impl Serialize for SavedChanges {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SavedChanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(serde::de::Error::custom)
    }
}
