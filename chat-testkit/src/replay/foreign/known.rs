//! What has to be known of a recording to read its requests.

use std::collections::HashMap;
use std::time::Duration;

use chat_proto::session::{What, Wire};
use chat_proto::{ChannelSid, FrameRecord, Identity, Time};
use serde_json::Value;

use super::Parts;
use crate::session_file::Entry;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which channel a message list belongs to.
    pub(super) lists: HashMap<String, ChannelSid>,
    /// Whose a map is, by its SID.
    pub(super) maps: HashMap<String, Identity>,
    /// What the map of a person is called.
    pub(super) infos: HashMap<String, String>,
    /// Which documents and maps were opened, and when.
    pub(super) opened: Vec<(Time, String)>,
    /// The own user, and when its map was first read, and what that map is called.
    own: Option<(Identity, Time, String)>,
}

impl Known {
    pub(super) fn of(identity: &str, entries: &[&Entry]) -> Self {
        let mut known = Self::default();
        let mut requests: HashMap<String, String> = HashMap::new();
        for entry in entries {
            match &entry.what {
                What::Wire(Wire::FromClient(FrameRecord::Binary(bytes))) => {
                    let Some(parts) = Parts::read(bytes) else { continue };
                    let path = parts.header["http_request"]["path"].as_str().unwrap_or_default();
                    let name = path.rsplit('/').next().unwrap_or_default();
                    known.opened.push((entry.at, name.to_owned()));
                    requests.insert(parts.id().to_owned(), path.to_owned());
                }
                What::Wire(Wire::FromService(FrameRecord::Binary(bytes))) => {
                    let Some(parts) = Parts::read(bytes).filter(|parts| parts.method() == "reply") else {
                        continue;
                    };
                    if let Some(path) = requests.get(parts.id()) {
                        known.learn_own(identity, entry.at, path, &parts.json());
                        known.learn(path, &parts.json());
                    }
                }
                _ => {}
            }
        }
        known
    }

    /// Remembers the map of the own user: the first of its kind that is read.
    fn learn_own(&mut self, identity: &str, at: Time, path: &str, body: &Value) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if self.own.is_none() && name.strip_suffix(".info").is_some() && body["sid"].is_string() {
            self.own = Some((Identity::new(identity), at, name.to_owned()));
        }
    }

    /// Remembers which list and which map are whose.
    fn learn(&mut self, path: &str, body: &Value) {
        let Some(sid) = body["sid"].as_str() else { return };
        let (before, name) = path.rsplit_once('/').unwrap_or_default();
        if let Some(channel) = name.strip_suffix(".messages") {
            self.lists.insert(sid.to_owned(), ChannelSid::new(channel));
        }
        if before.ends_with("/Users")
            && let Some(identity) = body["identity"].as_str()
        {
            self.infos.insert(identity.to_owned(), format!("{sid}.info"));
        }
        let whose = self.infos.iter().find(|(_, info)| *info == name).map(|(identity, _)| identity.as_str());
        if let Some(identity) = whose {
            self.maps.insert(sid.to_owned(), Identity::new(identity));
        }
    }

    /// The own user, if this reads its map once more.
    pub(super) fn own_again(&self, at: Time, name: &str) -> Option<Identity> {
        let (identity, first, own) = self.own.as_ref()?;
        (own == name && at > *first).then(|| identity.clone())
    }

    /// Whether an object is opened soon after a request, so that the one led to the other.
    pub(super) fn opens(&self, at: Time, name: &str) -> bool {
        self.opened.iter().any(|(then, opened)| opened == name && *then >= at && *then <= at + RIGHT_AFTER)
    }
}

/// How soon after an answer the reference client opens what it is about.
const RIGHT_AFTER: Duration = Duration::from_millis(300);
