//! Chat sessions: a Sync list each, with a context that the service completes (spec 03 §3).

use serde_json::{Value, json};

use super::{Chat, SYSTEM};
use crate::service::sync::{SERVICE_SID, Store};
use crate::service::world::World;

/// A session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) list: String,
    pub(crate) identity: String,
    /// Whether its context is complete.
    pub(crate) enriched: bool,
    /// How many commands came.
    pub(crate) commands: u64,
}

impl Chat {
    pub(crate) fn open_session(&mut self, world: &mut World, store: &mut Store, list: &str, identity: &str) {
        self.user(world, store, identity);
        let session =
            Session { list: list.to_owned(), identity: identity.to_owned(), enriched: false, commands: 0 };
        self.sessions.insert(list.to_owned(), session);
    }

    /// Completes a session's context, once. With this event, whose id is 0, the client is ready (spec 03 §3.3).
    pub(crate) fn enrich(&mut self, world: &mut World, store: &mut Store, list: &str) {
        let Some(session) = self.sessions.get_mut(list).filter(|session| !session.enriched) else { return };
        session.enriched = true;
        let identity = session.identity.clone();
        let user = self.user(world, store, &identity).clone();
        let (service, sid, config) = (format!("/v1/Services/{SERVICE_SID}"), &user.sid, &world.config);
        let added = json!({
            "identity": identity,
            "userInfo": user.info_name(),
            "myChannels": user.my_channels_name(),
            "channels": format!("{SERVICE_SID}.channels"),
            "reachabilityEnabled": config.reachability_enabled,
            "consumptionReportInterval": config.consumption_report_interval,
            "httpCacheInterval": config.http_cache_interval,
            "userInfosToSubscribe": config.user_infos_to_subscribe,
            "links": {
                "publicChannelsUrl": format!("{service}/Channels"),
                "myChannelsUrl": format!("{service}/Users/{sid}/Channels"),
                "typingUrl": "/v1/typing",
                "syncListUrl": format!("{service}/Users/{sid}/SyncList"),
                "usersUrl": format!("{service}/Users"),
                "mediaServiceUrl": format!("{service}/Media"),
            },
        });
        let mut context = store.get(list).and_then(|list| list.data.as_object()).cloned().unwrap_or_default();
        if let Value::Object(added) = added {
            context.extend(added);
        }
        store.set_context(world, list, Value::Object(context), SYSTEM);
    }
}
