//! A client on paper: what a host keeps so that a crash costs nothing (design §4 "Crashing").

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize};

use crate::chat::SavedChat;
use crate::error::CallError;
use crate::event::{Event, Reply};
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
/// It is as long as the read model is large, which [`Limits`](crate::Limits) bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved(pub(crate) Box<Content>);

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

/// Why a client cannot be resumed from a save.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Another version of this library wrote it.
    #[error("version {found} of a save cannot be read: this is version {VERSION}")]
    OtherVersion {
        /// That of the save.
        found: u64,
    },
    /// It is not a save.
    #[error("it cannot be read: {0}")]
    Malformed(Box<str>),
    /// No client can have saved this.
    #[error("it cannot be true: {0}")]
    Inconsistent(&'static str),
    /// The access token is another person's.
    #[error("it is {saved}'s, and the access token {token}'s")]
    OtherIdentity {
        /// Whose save it is.
        saved: Identity,
        /// Whose token it is.
        token: Identity,
    },
    /// Nobody knows whose it is: the access token, or the save, does not tell.
    #[error("nobody knows whether it belongs to the owner of the access token")]
    NoIdentity,
    /// It holds more than [`Limits`](crate::Limits) allow.
    #[error("it holds {size} {what}, and {limit} are allowed")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        size: usize,
        /// The limit.
        limit: usize,
    },
}

impl Saved {
    /// Which state of the client this is: for [`Input::Stored`](crate::Input::Stored).
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// Whose it is; `None` when that was not known yet.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        // Maps have text or numbers as keys here, and that is all that could fail.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// From JSON text, wherever it comes from.
    ///
    /// # Errors
    /// It is of another version, or no save at all. Whether it can be true is for [`Client::resume`](crate::Client::resume)
    /// to say.
    pub fn from_json(text: &[u8]) -> Result<Self, ResumeError> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        let malformed = |error: serde_json::Error| ResumeError::Malformed(error.to_string().into());
        let head: Head = serde_json::from_slice(text).map_err(malformed)?;
        if head.version != VERSION {
            return Err(ResumeError::OtherVersion { found: head.version });
        }
        Ok(Self(serde_json::from_slice(text).map_err(malformed)?))
    }
}

impl Serialize for Saved {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Saved {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(serde::de::Error::custom)
    }
}

/// What a save keeps of an event that nobody took. A call whose answer may not be written down is owed one all the
/// same (law 5): its next life says that this one ended.
pub(crate) fn kept(event: &Event) -> Option<Event> {
    match event {
        Event::Answer { call, .. } if !outlives(event) => {
            Some(Event::Answer { call: *call, result: Err(CallError::ShutDown) })
        }
        _ => outlives(event).then(|| event.clone()),
    }
}

/// Whether an event that nobody took is still worth telling in the next life, and may be written down (law 10). Names
/// each event, so that a new one is not forgotten.
pub(crate) fn outlives(event: &Event) -> bool {
    match event {
        Event::Answer { result, .. } => result.as_ref().is_ok_and(is_plain) || result.is_err(),
        Event::ChannelAdded(_)
        | Event::ChannelInvited(_)
        | Event::ChannelJoined(_)
        | Event::ChannelLeft(_)
        | Event::ChannelRemoved(_)
        | Event::ChannelUpdated { .. }
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::MemberUpdated { .. }
        | Event::MessageAdded(_)
        | Event::MessageRemoved(_)
        | Event::MessageUpdated { .. }
        | Event::UserSubscribed(_)
        | Event::UserUnsubscribed(_)
        | Event::UserUpdated { .. }
        | Event::PushNotification(_)
        | Event::Fault(_) => true,
        // A secret; what belongs to a connection that is gone; and who types.
        Event::ContinuationToken(_)
        | Event::Ready
        | Event::ConnectionStateChanged(_)
        | Event::ConnectionError(_)
        | Event::TokenAboutToExpire
        | Event::TokenExpired
        | Event::TokenWanted { .. }
        | Event::UploadProgress { .. }
        | Event::DownloadProgress { .. }
        | Event::TypingStarted(_)
        | Event::TypingEnded(_) => false,
    }
}

/// Whether an answer holds no secret. Names each, so that a new one is not forgotten.
fn is_plain(reply: &Reply) -> bool {
    match reply {
        Reply::Done
        | Reply::Channel(_)
        | Reply::Channels(_)
        | Reply::ChannelPage(_)
        | Reply::ChannelDescriptors(_)
        | Reply::Member(_)
        | Reply::Members(_)
        | Reply::Message(_)
        | Reply::MessagePage(_)
        | Reply::MessageIndex(_)
        | Reply::User(_)
        | Reply::Users(_)
        | Reply::UserDescriptor(_)
        | Reply::UserDescriptors(_)
        | Reply::Count(_)
        | Reply::UnreadCount(_)
        | Reply::Attributes(_) => true,
        Reply::MediaUrl(_) => false,
    }
}
