//! A client on paper: what a host keeps so that a crash costs nothing (design §4 "Crashing").

mod changes;
mod digest;
mod error;
mod steps;
mod told;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

pub use self::changes::SavedChanges;
use self::digest::Remembered;
pub use self::error::ResumeError;
pub(crate) use self::steps::{Never, Part, Step, apply, steps};
pub(crate) use self::told::{kept, outlives};
use crate::chat::SavedChat;
use crate::event::Event;
use crate::model::Identity;

/// The version of what is written; another one is refused.
pub(crate) const VERSION: u64 = 1;

/// Everything that a client knows and has to do, as [`Client::save`](crate::Client::save) gives it and
/// [`Client::resume`](crate::Client::resume) takes it: opaque, and JSON when it is serialized.
///
/// It holds who the user is, the read model, where the events of each object go on, the session, and the calls that are
/// not answered. It holds no secret: no access token, no continuation token; but what people wrote is in it. It does
/// not hold who types, answers of the directory, and the versions of single items: they come anew, and nothing is lost
/// by that. What the app has not taken from the event queue yet is in it and is told after the resume.
///
/// It is as long as the read model is large, which [`Limits`](crate::Limits) bounds. Who stores often stores what
/// [changed](Saved::changes_since) since a save that is stored.
#[derive(Clone)]
pub struct Saved {
    content: Box<Content>,
    /// What tells it from every other.
    digest: Remembered,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) version: u64,
    pub(crate) revision: u64,
    /// How often the client had been resumed.
    pub(crate) epoch: u64,
    /// Milliseconds since 1970, if the client knew the date.
    pub(crate) saved_at: Option<u64>,
    pub(crate) identity: Option<Identity>,
    /// Whether no session command left before a save that said so was stored.
    pub(crate) write_ahead: bool,
    /// What the app had not taken yet.
    pub(crate) told: Vec<Event>,
    pub(crate) chat: SavedChat,
}

impl Saved {
    pub(crate) fn new(content: Content) -> Self {
        Self { content: Box::new(content), digest: Remembered::default() }
    }

    pub(crate) fn into_content(self) -> Content {
        *self.content
    }

    /// Which state of the client this is: for [`Input::Stored`](crate::Input::Stored).
    pub fn revision(&self) -> u64 {
        self.content.revision
    }

    /// Whose it is; `None` when that was not known yet.
    pub fn identity(&self) -> Option<&Identity> {
        self.content.identity.as_ref()
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        // Maps have text or numbers as keys here, and that is all that could fail.
        serde_json::to_string(&self.content).unwrap_or_default()
    }

    /// From JSON text, wherever it comes from.
    ///
    /// # Errors
    /// It is of another version, or no save at all. Whether it can be true is for [`Client::resume`](crate::Client::resume)
    /// to say.
    pub fn from_json(text: &[u8]) -> Result<Self, ResumeError> {
        read(text).map(Self::new)
    }
}

/// Reads what this version wrote.
fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, ResumeError> {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
    }
    let malformed = |error: serde_json::Error| ResumeError::Malformed(error.to_string().into());
    let head: Head = serde_json::from_slice(text).map_err(malformed)?;
    if head.version != VERSION {
        return Err(ResumeError::OtherVersion { found: head.version });
    }
    serde_json::from_slice(text).map_err(malformed)
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Saved").field(&self.content).finish()
    }
}

impl PartialEq for Saved {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Serialize for Saved {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.content.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Saved {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(serde::de::Error::custom)
    }
}
