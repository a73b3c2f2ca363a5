//! Chat's REST interface: directory, own channels, users (spec 03 §5.2, §5.3).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Channel, Chat, User};
use crate::service::http::{Request, Response};
use crate::service::sync::{ACCOUNT_SID, ItemKey, SERVICE_SID, Store};

/// Role of users of the service, as in the recordings.
const ROLE_USER: &str = "RLcccccccccccccccccccccccccccccccc";

/// What a request may look at.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    pub(crate) chat: &'a Chat,
    pub(crate) store: &'a Store,
    pub(crate) page_size: usize,
    pub(crate) identity: &'a str,
    pub(crate) request: &'a Request,
}

impl Directory<'_> {
    /// Serves `/v1/Services/IS…/…`; `path` is what follows the service.
    pub(crate) fn serve(&self, path: &[&str]) -> Response {
        if self.request.method != "GET" {
            return Response::error(405, 20_004, "Method not allowed");
        }
        match path {
            ["Channels"] => {
                let public: Vec<&Channel> = self.chat.channels_in_order().filter(|c| !c.private).collect();
                self.page("channels", &public, "previous_token", |channel| self.channel(channel))
            }
            ["Channels", id] => match self.chat.find_channel(id).filter(|c| c.visible_to(self.identity)) {
                Some(channel) => Response::ok(self.channel(channel)),
                None => Response::error(404, 50_300, "Channel not found"),
            },
            ["Users"] => self.users(),
            ["Users", identity] => match self.chat.users.get(*identity) {
                Some(user) => Response::ok(self.user(user)),
                None => Response::error(404, 50_200, "User not found"),
            },
            ["Users", user, what @ ("Channels" | "SyncList")] => self.own_channels(user, what),
            _ => Response::error(404, 20_404, "Not found"),
        }
    }

    fn users(&self) -> Response {
        let users: Vec<&User> = match self.request.param("ChannelSid") {
            None => self.chat.users_in_order().collect(),
            Some(sid) => match self.chat.channels.get(sid).filter(|c| c.visible_to(self.identity)) {
                None => return Response::error(404, 50_300, "Channel not found"),
                Some(channel) => {
                    channel.members.iter().filter_map(|(who, _)| self.chat.users.get(who)).collect()
                }
            },
        };
        // Users have another name for the token of the page before (spec 03 §5.2).
        self.page("users", &users, "prev_token", |user| self.user(user))
    }

    fn own_channels(&self, user: &str, what: &str) -> Response {
        let Some(me) = self.chat.users.get(self.identity).filter(|me| me.sid == user) else {
            return Response::error(403, 20_403, "Access forbidden");
        };
        let items = self.store.get(&me.my_channels).into_iter().flat_map(|map| &map.items);
        let mut rows: Vec<(&Channel, &Value)> = items
            .filter_map(|(key, item)| match key {
                ItemKey::Key(sid) => Some((self.chat.channels.get(sid)?, &item.data)),
                ItemKey::Index(_) => None,
            })
            .collect();
        if let Some(sid) = self.request.param("ChannelSid") {
            rows.retain(|(channel, _)| channel.sid == sid);
        }
        self.page("channels", &rows, "previous_token", |(channel, item)| match what {
            "SyncList" => sync_list_entry(channel, item),
            _ => self.own_channel(channel, item),
        })
    }

    fn channel_head(&self, channel: &Channel) -> Value {
        json!({
            "account_sid": ACCOUNT_SID,
            "service_sid": SERVICE_SID,
            "unique_name": channel.unique_name,
            "friendly_name": channel.friendly_name,
            "attributes": channel.attributes,
            "type": channel.type_word(),
            "created_by": channel.created_by,
            "date_created": channel.date_created,
            "date_updated": channel.date_updated,
            "messages_count": channel.count(self.store),
            "members_count": channel.members.len(),
        })
    }

    fn channel(&self, channel: &Channel) -> Value {
        let mut shown = json!({"sid": channel.sid});
        append(&mut shown, self.channel_head(channel));
        if let Some(item) = self.chat.own_item(self.store, self.identity, &channel.sid) {
            shown["status"] = item["status"].clone();
            shown["last_consumed_message_index"] = item["lastConsumedMessageIndex"].clone();
            shown["notification_level"] = item["notificationLevel"].clone();
        }
        shown
    }

    fn own_channel(&self, channel: &Channel, item: &Value) -> Value {
        let read = item["lastConsumedMessageIndex"].as_u64();
        let unread = read.map(|index| channel.count_after(self.store, Some(index)));
        let mut shown = self.channel_head(channel);
        append(
            &mut shown,
            json!({
                "channel_sid": channel.sid,
                "status": item["status"],
                "last_consumed_message_index": item["lastConsumedMessageIndex"],
                "unread_messages_count": unread,
                "notification_level": item["notificationLevel"],
            }),
        );
        shown
    }

    fn user(&self, user: &User) -> Value {
        json!({
            "sid": user.sid,
            "identity": user.identity,
            "friendly_name": user.value(self.store, "friendlyName"),
            "attributes": user.value(self.store, "attributes"),
            "is_online": user.online,
            "is_notifiable": user.notifiable,
            "role_sid": ROLE_USER,
            "service_sid": SERVICE_SID,
            "sync_unique_name": user.info_name(),
        })
    }

    /// One page of a collection; a token is the offset it begins at.
    fn page<T>(&self, key: &str, all: &[T], previous_name: &str, show: impl Fn(&T) -> Value) -> Response {
        let size = self.page_size.max(1);
        let offset = match self.request.param("PageToken") {
            None => 0,
            Some(token) => match read_token(token) {
                Some(offset) => offset,
                None => return Response::error(400, 20_001, "Invalid page token"),
            },
        };
        let shown: Vec<Value> = all.iter().skip(offset).take(size).map(show).collect();
        let next = (offset.saturating_add(size) < all.len()).then(|| make_token(offset + size));
        let previous = (offset > 0).then(|| make_token(offset.saturating_sub(size)));
        let mut meta = json!({
            "key": key,
            "page_size": size,
            "page": offset.div_ceil(size),
            "direct_token": true,
            "next_token": next,
        });
        meta[previous_name] = previous.into();
        Response::ok(json!({key: shown, "meta": meta}))
    }
}

fn sync_list_entry(channel: &Channel, item: &Value) -> Value {
    json!({
        "channel_sid": channel.sid,
        "status": item["status"],
        "channel": item["channel"],
        "messages": item["messages"],
        "roster": item["roster"],
        "last_consumed_message_index": item["lastConsumedMessageIndex"],
        "notification_level": item["notificationLevel"],
    })
}

fn append(to: &mut Value, more: Value) {
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more);
    }
}

fn make_token(offset: usize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json!({"o": offset}).to_string())
}

fn read_token(token: &str) -> Option<usize> {
    let json: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    usize::try_from(json.get("o")?.as_u64()?).ok()
}
