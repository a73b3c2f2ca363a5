//! Posting into a channel's message list (spec 03 §6.4).

use serde_json::{Value, json};

use super::Chat;
use crate::service::sync::{ItemKey, Store};
use crate::service::world::World;

/// What is posted.
#[derive(Debug)]
pub(crate) struct NewMessage<'a> {
    pub(crate) author: &'a str,
    /// Null for a message without text.
    pub(crate) text: Value,
    /// JSON text.
    pub(crate) attributes: &'a str,
    /// Present in a media message.
    pub(crate) media: Option<Value>,
}

/// A message that was posted.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) index: u64,
    pub(crate) sid: String,
}

impl Chat {
    /// Adds a message; with `show` the channel's document tells of it as the newest one.
    pub(crate) fn post(
        &mut self,
        world: &mut World,
        store: &mut Store,
        channel: &str,
        message: NewMessage<'_>,
        show: bool,
    ) -> Option<Posted> {
        let channel = self.channels.get_mut(channel)?;
        let sid = world.ids.sid("IM");
        let date = world.clock.stamp();
        let mut item = json!({
            "sid": sid,
            "author": message.author,
            "text": message.text,
            "timestamp": date,
            "dateUpdated": date,
            "lastUpdatedBy": null,
            "attributes": message.attributes,
            "type": if message.media.is_some() { "media" } else { "text" },
        });
        if let Some(media) = message.media {
            item["media"] = media;
        }
        item["memberSid"] = channel.member_sid(message.author).into();
        let index = store.push_item(world, &channel.messages, item, message.author)?;
        channel.last_message = Some(json!({"index": index, "timestamp": date}));
        if show {
            channel.publish(world, store, message.author);
        }
        Some(Posted { index, sid })
    }

    /// Removes a message. Its index is never used again; a last message moves back (spec 03 §4.2).
    pub(crate) fn delete_message(
        &mut self,
        world: &mut World,
        store: &mut Store,
        channel: &str,
        index: u64,
        by: &str,
    ) {
        let Some(channel) = self.channels.get_mut(channel) else { return };
        store.remove_item(world, &channel.messages, &ItemKey::Index(index), by);
        let was_last =
            channel.last_message.as_ref().and_then(|last| last.get("index")) == Some(&index.into());
        if !was_last {
            return;
        }
        let newest = store.get(&channel.messages).and_then(|list| list.items.last_key_value());
        channel.last_message = Some(match newest {
            Some((key, item)) => json!({"index": key.to_json(), "timestamp": item.data.get("timestamp")}),
            None => Value::Null,
        });
        channel.publish(world, store, by);
    }
}
