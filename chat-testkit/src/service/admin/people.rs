//! Commands that act as somebody, or fill the service with people, channels and messages.

use std::time::Duration;

use chat_proto::Time;
use serde_json::{Map, Value, json};

use super::{Arguments, Outcome, flag, missing, number, text};
use crate::service::chat::channels::NewChannel;
use crate::service::chat::messages::NewMessage;
use crate::service::chat::{Actor, SYSTEM, execute};
use crate::service::{AdminError, Due, Service};

pub(super) fn command(service: &mut Service, arguments: &Arguments) -> Outcome {
    let (identity, action) = (text(arguments, "identity")?, text(arguments, "action")?);
    let none = Map::new();
    let params = arguments.get("params").and_then(Value::as_object).unwrap_or(&none);
    let (world, store, chat) = (&mut service.world, &mut service.store, &mut service.chat);
    chat.user(world, store, identity);
    Ok(execute(&mut Actor { world, store, chat, identity }, action, params))
}

pub(super) fn typing(service: &mut Service, arguments: &Arguments) -> Outcome {
    let (identity, channel) = (text(arguments, "identity")?, text(arguments, "channel")?);
    let typing = service.chat.typing(&service.world.config, identity, channel);
    let typing = typing.ok_or_else(|| AdminError::Failed(format!("{identity} is not in {channel}")))?;
    service.tell_typing(&typing);
    Ok(json!({"ok": true}))
}

pub(super) fn user(service: &mut Service, arguments: &Arguments) -> Outcome {
    let identity = text(arguments, "identity")?;
    let (world, store, chat) = (&mut service.world, &mut service.store, &mut service.chat);
    let sid = chat.user(world, store, identity).sid.clone();
    for key in ["friendlyName", "attributes"] {
        let Some(value) = arguments.get(key) else { continue };
        // Attributes are a text that holds JSON; an object is meant as one.
        let value = match value {
            Value::Object(_) | Value::Array(_) if key == "attributes" => value.to_string().into(),
            value => value.clone(),
        };
        chat.set_user_value(world, store, identity, key, &value, identity);
    }
    let flag = |name: &str| arguments.get(name).and_then(Value::as_bool);
    chat.set_reachability(world, store, identity, flag("online"), flag("notifiable"));
    Ok(json!({"sid": sid, "identity": identity}))
}

pub(super) fn drop_session(service: &mut Service, arguments: &Arguments) -> Outcome {
    let identity = text(arguments, "identity")?;
    let lists: Vec<String> = service
        .chat
        .sessions
        .values()
        .filter(|session| session.identity == identity)
        .map(|session| session.list.clone())
        .collect();
    for list in &lists {
        service.chat.sessions.remove(list);
        if flag(arguments, "silent", false) {
            service.store.forget(list);
        } else {
            service.store.remove(&mut service.world, list, SYSTEM);
        }
    }
    Ok(json!({"dropped": lists.len()}))
}

pub(super) fn seed(service: &mut Service, arguments: &Arguments) -> Outcome {
    let count = number(arguments, "channels").ok_or_else(|| missing("channels"))?;
    let identity = text(arguments, "identity")?;
    let given = |name: &str| arguments.get(name).and_then(Value::as_str);
    let also =
        arguments.get("also").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let members: Vec<&str> = [identity].into_iter().chain(also).collect();
    let (creator, prefix) = (given("creator").unwrap_or("seeder"), given("prefix").unwrap_or("seed"));
    let author = given("author").unwrap_or(identity);
    let (world, store, chat) = (&mut service.world, &mut service.store, &mut service.chat);
    chat.user(world, store, creator);
    let mut sids = Vec::new();
    for n in 0..count {
        let unique_name = format!("{prefix}-{n:05}");
        if chat.find_channel(&unique_name).is_some() {
            return Err(AdminError::Failed(format!("there is a channel {unique_name} already")));
        }
        let attributes = match arguments.get("attributes") {
            None => json!({"n": n}).to_string(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let new = NewChannel {
            unique_name: flag(arguments, "unique", true).then_some(&unique_name),
            friendly_name: format!("{prefix} {n:05}").into(),
            private: given("type") == Some("private"),
            attributes: &attributes,
            by: creator,
        };
        let sid = chat.create_channel(world, store, new);
        for member in &members {
            chat.add_member(world, store, &sid, member, SYSTEM);
        }
        for k in 0..number(arguments, "messages").unwrap_or(0) {
            let text = format!("message {k}").into();
            chat.post(world, store, &sid, NewMessage { author, text, attributes: "{}", media: None }, true);
        }
        sids.push(sid);
    }
    Ok(if flag(arguments, "list", false) { json!({"channels": sids}) } else { json!({"channels": count}) })
}

/// When a burst shows its newest message in the channel's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Each,
    End,
    None,
}

/// The rest of a burst of messages.
#[derive(Debug)]
pub(in crate::service) struct Post {
    channel: String,
    author: String,
    show: Show,
    size: usize,
    next: u64,
    count: u64,
    /// Messages in a second; 0 is all at once.
    rate: u64,
    began: Time,
}

impl Post {
    fn due(&self, k: u64) -> Time {
        self.began + Duration::from_millis(k.saturating_mul(1000).checked_div(self.rate).unwrap_or(0))
    }
}

/// Posts many messages. With a `rate` they are posted over `pendingMs` from now: the host answers after that time.
pub(super) fn burst(service: &mut Service, arguments: &Arguments) -> Outcome {
    let (id, author) = (text(arguments, "channel")?, text(arguments, "author")?);
    let count = number(arguments, "count").ok_or_else(|| missing("count"))?;
    let channel = service.chat.find_channel(id).map(|channel| channel.sid.clone());
    let channel = channel.ok_or_else(|| AdminError::Failed(format!("no such channel: {id}")))?;
    let show = match arguments.get("lastMessage").and_then(Value::as_str) {
        None | Some("each") => Show::Each,
        Some("end") => Show::End,
        Some("none") => Show::None,
        Some(other) => return Err(AdminError::BadArgument(format!("lastMessage cannot be {other}"))),
    };
    let post = Post {
        channel,
        author: author.to_owned(),
        show,
        size: number(arguments, "size").and_then(|size| usize::try_from(size).ok()).unwrap_or(0),
        next: 0,
        count,
        rate: number(arguments, "rate").unwrap_or(0),
        began: service.world.clock.now(),
    };
    let pending = if count == 0 { Duration::ZERO } else { post.due(count - 1).since(post.began) };
    service.post_burst(post);
    Ok(json!({"posted": count, "pendingMs": u64::try_from(pending.as_millis()).unwrap_or(u64::MAX)}))
}

impl Service {
    /// Posts what is due of a burst, and comes back for the rest.
    pub(in crate::service) fn post_burst(&mut self, mut post: Post) {
        let now = self.world.clock.now();
        while post.next < post.count {
            if post.due(post.next) > now {
                self.agenda.at(post.due(post.next), Due::Post(post));
                return;
            }
            let mut text = format!("burst {}", post.next);
            let missing = post.size.saturating_sub(text.len());
            text.extend(std::iter::repeat_n('.', missing));
            post.next += 1;
            let show = match post.show {
                Show::Each => true,
                Show::End => post.next == post.count,
                Show::None => false,
            };
            let message =
                NewMessage { author: &post.author, text: text.into(), attributes: r#"{"b":1}"#, media: None };
            self.chat.post(&mut self.world, &mut self.store, &post.channel, message, show);
            self.tell_changes();
        }
    }
}
