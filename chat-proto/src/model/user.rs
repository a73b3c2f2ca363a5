use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::json::Json;

/// A person, as it was at one moment (spec 04 §6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Names the person.
    pub identity: Identity,
    /// The person's name for people.
    pub friendly_name: Option<Arc<str>>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// Whether the person is connected; `None` where the service does not tell.
    pub online: Option<bool>,
    /// Whether the person can be reached by push; `None` where the service does not tell.
    pub notifiable: Option<bool>,
    /// Whether changes arrive: `false` for a person who was given up (spec 03 §11.2).
    pub is_subscribed: bool,
}

/// A person as a directory lists it: a copy that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserDescriptor {
    /// Names the person.
    pub identity: Identity,
    /// The person's name for people.
    pub friendly_name: Option<Arc<str>>,
    /// Whatever the app keeps there.
    pub attributes: Json,
    /// Whether the person is connected; `None` where the service does not tell.
    pub online: Option<bool>,
    /// Whether the person can be reached by push; `None` where the service does not tell.
    pub notifiable: Option<bool>,
    /// Name of the Sync map that describes the person.
    pub sync_unique_name: Option<Arc<str>>,
}
