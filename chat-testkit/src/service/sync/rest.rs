//! The REST interface of Sync (spec 02 §1.4).

use chat_proto::Timestamp;
use serde_json::{Map, Value};

use super::entity::{Access, Entity, ItemKey, Kind, Writers};
use super::query::query;
use super::store::{NewEntity, Store, Written};
use crate::service::http::{Request, Response};
use crate::service::world::World;

/// What a session list says of itself when it is made (spec 03 §3.1).
const SESSION_PURPOSE: &str = "com.twilio.rtd.ipmsg";
/// Longest time to live, in seconds.
const MOST_TTL_S: i64 = 31_536_000;

/// What else the service has to do after a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// A Chat session was opened.
    SessionCreated(String),
    /// An item was pushed to a session list: a command.
    CommandPushed {
        list: String,
        index: u64,
    },
}

/// Everything one request needs.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) store: &'a mut Store,
    pub(crate) identity: &'a str,
    pub(crate) request: &'a Request,
}

/// Serves `/v3/…`; `path` is what follows the version and the service.
pub(crate) fn serve(mut call: Call<'_>, path: &[&str]) -> (Response, Effect) {
    let method = call.request.method.as_str();
    let Some(kind) = path.first().and_then(|word| Kind::from_collection(word)) else {
        return (Response::error(404, 20_404, "Not found"), Effect::None);
    };
    if let (&[_], "POST") = (path, method) {
        return call.create(kind);
    }
    let Some(id) = path.get(1) else { return (not_allowed(), Effect::None) };
    let sid = match call.entity(kind, id) {
        Ok(entity) => entity.sid.clone(),
        Err(response) => return (response, Effect::None),
    };
    match (path.get(2..).unwrap_or_default(), method) {
        ([], "GET") => (call.open(&sid), Effect::None),
        ([], "POST") => (call.update_root(kind, &sid), Effect::None),
        ([], "DELETE") => (call.remove_root(&sid), Effect::None),
        (["Context"], "GET") if kind == Kind::List => {
            (call.read(&sid, |entity| Response::ok(entity.context_descriptor())), Effect::None)
        }
        (["Items"], "GET") if kind != Kind::Document => (call.query(&sid), Effect::None),
        (["Items"], "POST") if kind != Kind::Document => call.add_item(kind, &sid),
        (["Items", key], _) if kind != Kind::Document => match ItemKey::parse(kind, key) {
            Some(key) => (call.item(kind, &sid, &key), Effect::None),
            None => (Response::error(404, kind.item_not_found(), "Item not found"), Effect::None),
        },
        _ => (not_allowed(), Effect::None),
    }
}

fn not_allowed() -> Response {
    Response::error(405, 20_004, "Method not allowed")
}

fn forbidden() -> Response {
    Response::error(403, 54_007, "Access forbidden for identity")
}

impl Call<'_> {
    /// The object, when it is there and this identity may see it.
    fn entity(&self, kind: Kind, id: &str) -> Result<&Entity, Response> {
        let Some(entity) = self.store.find(kind, id) else {
            let (code, message) = kind.not_found();
            return Err(if looks_like_sid(id) {
                Response::error(404, code, message)
            } else if self.store.was_there(kind, id) {
                // Log s02, last step: the name of a removed channel's document.
                Response::error(404, code, format!("Sync {} {id} not found", kind.word()))
            } else {
                Response::error(404, 54_300, "Unique name not found")
            });
        };
        if entity.access.allows(self.identity) { Ok(entity) } else { Err(forbidden()) }
    }

    fn read(&self, sid: &str, show: impl FnOnce(&Entity) -> Response) -> Response {
        self.store.get(sid).map_or_else(|| Response::error(404, 20_404, "Not found"), show)
    }

    fn writable(&self, sid: &str) -> bool {
        self.store.get(sid).is_some_and(|entity| entity.writers == Writers::Readers)
    }

    fn create(&mut self, kind: Kind) -> (Response, Effect) {
        let body = self.request.json();
        let name = body.get("unique_name").and_then(Value::as_str);
        if let Some(name) = name {
            if name.is_empty() || name.chars().count() > 320 || looks_like_sid(name) {
                return (Response::error(400, 54_302, "Invalid unique name"), Effect::None);
            }
            if self.store.find(kind, name).is_some() {
                return (Response::error(409, 54_301, "Unique name already exists"), Effect::None);
            }
        }
        let expires = match Expiry::read(self.world, &body) {
            Ok(expires) => expires,
            Err(response) => return (response, Effect::None),
        };
        let session =
            kind == Kind::List && body.get("purpose").and_then(Value::as_str) == Some(SESSION_PURPOSE);
        let data = body.get(if kind == Kind::Document { "data" } else { "context" }).cloned();
        let new = NewEntity {
            kind,
            unique_name: name,
            by: self.identity,
            data: data.unwrap_or_else(|| Value::Object(Map::new())),
            access: if session { Access::only(&[self.identity]) } else { Access::Everyone },
            writers: Writers::Readers,
        };
        // Session lists have a prefix of their own (spec 02 §1.5).
        let sid = self.world.ids.sid(if session { "SH" } else { kind.prefix() });
        let sid = self.store.create_with_sid(self.world, sid, new);
        self.store.edit(&sid, |entity| {
            entity.session = session;
            expires.apply(&mut entity.date_expires);
        });
        let response = self.read(&sid, |entity| Response::json(201, entity.descriptor(false)));
        (response, if session { Effect::SessionCreated(sid) } else { Effect::None })
    }

    fn open(&self, sid: &str) -> Response {
        let with_items = self.request.param("Include") == Some("items");
        self.read(sid, |entity| {
            let mut root = entity.descriptor(true);
            if with_items && entity.kind == Kind::Map {
                root["items"] =
                    entity.items.iter().map(|(key, item)| entity.item_descriptor(key, item, true)).collect();
            }
            Response::ok(root).with_header("etag", format!("\"{}\"", entity.revision()))
        })
    }

    fn update_root(&mut self, kind: Kind, sid: &str) -> Response {
        if !self.writable(sid) {
            return forbidden();
        }
        let body = self.request.json();
        let expires = match Expiry::read(self.world, &body) {
            Ok(expires) => expires,
            Err(response) => return response,
        };
        let data = body.get("data").filter(|_| kind == Kind::Document);
        if data.is_none() && expires == Expiry::Untouched {
            return Response::error(400, 54_010, "No parameters given");
        }
        let revision = self.store.get(sid).map(Entity::revision);
        if let Err(response) = self.if_match(kind, revision.as_deref()) {
            return response;
        }
        self.store.edit(sid, |entity| expires.apply(&mut entity.date_expires));
        if let Some(data) = data {
            self.store.set_document(self.world, sid, data.clone(), self.identity);
        }
        self.read(sid, |entity| Response::ok(entity.descriptor(false)))
    }

    fn remove_root(&mut self, sid: &str) -> Response {
        if !self.writable(sid) {
            return forbidden();
        }
        self.store.remove(self.world, sid, self.identity);
        Response::empty(204)
    }

    fn query(&mut self, sid: &str) -> Response {
        let now = Timestamp::from_unix_millis(self.world.clock.unix_millis()).to_string();
        let most = self.world.config.max_page_size;
        self.read(sid, |entity| query(entity, self.request, most, &now))
    }

    /// `POST …/Items`: the end of a list, or a key of a map that must be new.
    fn add_item(&mut self, kind: Kind, sid: &str) -> (Response, Effect) {
        if !self.writable(sid) {
            return (forbidden(), Effect::None);
        }
        let body = self.request.json();
        let (data, expires) = match (body.get("data"), Expiry::read(self.world, &body)) {
            (_, Err(response)) => return (response, Effect::None),
            (None, _) => return (Response::error(400, 54_010, "No parameters given"), Effect::None),
            (Some(data), Ok(expires)) => (data.clone(), expires),
        };
        let key = if kind == Kind::List {
            match self.store.push_item(self.world, sid, data, self.identity) {
                Some(index) => ItemKey::Index(index),
                None => return (Response::error(404, 54_150, "List not found"), Effect::None),
            }
        } else {
            let key = body.get("key").and_then(Value::as_str).unwrap_or_default();
            if key.is_empty() || key.chars().count() > 256 {
                return (Response::error(400, 54_209, "Invalid or empty map key"), Effect::None);
            }
            let key = ItemKey::Key(key.to_owned());
            if self.store.data(sid, &key).is_some() {
                return (Response::error(409, 54_208, "An Item with this key already exists"), Effect::None);
            }
            self.store.put_item(self.world, sid, key.clone(), data, self.identity);
            key
        };
        self.set_expiry(sid, &key, expires);
        let response = self.show_item(201, sid, &key);
        let effect = match (&key, self.store.get(sid).is_some_and(|entity| entity.session)) {
            (ItemKey::Index(index), true) => Effect::CommandPushed { list: sid.to_owned(), index: *index },
            _ => Effect::None,
        };
        (response, effect)
    }

    fn item(&mut self, kind: Kind, sid: &str, key: &ItemKey) -> Response {
        let method = self.request.method.as_str();
        let there = self.store.get(sid).and_then(|entity| entity.items.get(key));
        let revision = there.map(|item| format!("{:x}", item.last_event_id));
        let missing = || Response::error(404, kind.item_not_found(), "Item not found");
        match (method, &revision) {
            ("GET", Some(_)) => {
                return self.read(sid, |entity| match entity.items.get(key) {
                    Some(item) => Response::ok(entity.item_descriptor(key, item, true)),
                    None => missing(),
                });
            }
            ("GET" | "POST" | "DELETE", None) => return missing(),
            ("PUT" | "POST" | "DELETE", _) => {}
            _ => return not_allowed(),
        }
        if !self.writable(sid) {
            return forbidden();
        }
        if method == "PUT" && kind == Kind::List && revision.is_none() {
            return missing();
        }
        if let Err(response) = self.if_match(kind, revision.as_deref()) {
            return response;
        }
        if method == "DELETE" {
            // The answer has a body: `last_event_id` and date of the removal are read (spec 02 E13).
            let removed = self.store.remove_item(self.world, sid, key, self.identity);
            return self.read(sid, |entity| match removed {
                Some(mut item) => {
                    item.last_event_id = entity.last_event_id;
                    item.date_updated.clone_from(&entity.date_updated);
                    Response::ok(entity.item_descriptor(key, &item, false))
                }
                None => missing(),
            });
        }
        let body = self.request.json();
        let expires = match Expiry::read(self.world, &body) {
            Ok(expires) => expires,
            Err(response) => return response,
        };
        let status = match body.get("data") {
            Some(data) => {
                match self.store.put_item(self.world, sid, key.clone(), data.clone(), self.identity) {
                    Some(Written::Added) => 201,
                    _ => 200,
                }
            }
            None if expires != Expiry::Untouched && revision.is_some() => 200,
            None => return Response::error(400, 54_010, "No parameters given"),
        };
        self.set_expiry(sid, key, expires);
        self.show_item(status, sid, key)
    }

    fn show_item(&self, status: u16, sid: &str, key: &ItemKey) -> Response {
        self.read(sid, |entity| match entity.items.get(key) {
            Some(item) => Response::json(status, entity.item_descriptor(key, item, false))
                .with_header("etag", format!("\"{:x}\"", item.last_event_id)),
            None => Response::error(404, entity.kind.item_not_found(), "Item not found"),
        })
    }

    fn set_expiry(&mut self, sid: &str, key: &ItemKey, expires: Expiry) {
        self.store.edit(sid, |entity| {
            if let Some(item) = entity.items.get_mut(key) {
                expires.apply(&mut item.date_expires);
            }
        });
    }

    /// Checks `If-Match`, quoted or bare; `-1` asks for "not there yet" (spec 02 §1.9).
    fn if_match(&self, kind: Kind, revision: Option<&str>) -> Result<(), Response> {
        let Some(wanted) = self.request.headers.get("if-match") else { return Ok(()) };
        let wanted = wanted.trim_matches('"');
        let matches = match revision {
            None => wanted == "-1",
            Some(revision) => wanted == revision,
        };
        let what = match kind {
            Kind::Document => "Document",
            Kind::List => "List Item",
            Kind::Map => "Map Item",
        };
        let message = format!("The revision of the {what} does not match the expected revision");
        if matches { Ok(()) } else { Err(Response::error(412, kind.mismatch(), message)) }
    }
}

/// What a body says about the end of a thing's life.
#[derive(Debug, PartialEq, Eq)]
enum Expiry {
    Untouched,
    Never,
    At(String),
}

impl Expiry {
    /// `ttl` of a body, in seconds; 0 is for ever.
    fn read(world: &World, body: &Value) -> Result<Self, Response> {
        let Some(ttl) = body.get("ttl").filter(|ttl| !ttl.is_null()) else { return Ok(Self::Untouched) };
        match ttl.as_i64() {
            Some(0) => Ok(Self::Never),
            Some(ttl @ 1..=MOST_TTL_S) => {
                let date = world.clock.unix_millis().saturating_add(ttl * 1000);
                Ok(Self::At(Timestamp::from_unix_millis(date).to_string()))
            }
            _ => Err(Response::error(400, 54_011, "Invalid TTL")),
        }
    }

    fn apply(self, to: &mut Option<String>) {
        match self {
            Self::Untouched => {}
            Self::Never => *to = None,
            Self::At(date) => *to = Some(date),
        }
    }
}

/// Two capitals and 32 hexadecimal digits: no name may look so (spec 02 §1.7).
pub(crate) fn looks_like_sid(text: &str) -> bool {
    text.len() == 34
        && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
        && text.bytes().skip(2).all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
