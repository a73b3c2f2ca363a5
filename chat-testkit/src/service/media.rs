//! The media service (MCS): uploads, what is told of them, and their temporary addresses (spec 03 §18).
//!
//! It is plain HTTP beside the WebSocket. The host brings whole requests; see [`ServiceInput::Http`].

use std::collections::BTreeMap;
use std::fmt;

use chat_proto::Time;
use serde_json::{Value, json};

use super::faults::{Effect, Stage};
use super::http::{Request, Response};
use super::sync::{ACCOUNT_SID, SERVICE_SID};
use super::upstream::faulty;
use super::world::World;
use super::{Due, ExchangeId, MediaRequest, Service, ServiceOutput};

/// Where the temporary addresses lie.
const CONTENT: &str = "content";
/// How much all media may be together: an offline service is no archive.
const MOST_BYTES: usize = 512 << 20;

/// Media that were uploaded.
#[derive(Clone)]
pub(crate) struct Stored {
    sid: String,
    identity: String,
    content_type: String,
    filename: Option<String>,
    bytes: Vec<u8>,
    date: String,
    channel: Option<String>,
    message: Option<String>,
}

impl Stored {
    /// As a message tells of it (spec 03 §6.4).
    pub(crate) fn in_message(&self) -> Value {
        let mut media = json!({"sid": self.sid, "contentType": self.content_type, "size": self.bytes.len()});
        if let Some(filename) = &self.filename {
            media["filename"] = filename.as_str().into();
        }
        media
    }
}

/// All media, and the temporary addresses of them.
#[derive(Default)]
pub(crate) struct Media {
    all: BTreeMap<String, Stored>,
    total: usize,
    /// The last piece of each address, the media behind it and its end.
    tickets: BTreeMap<String, (String, Time)>,
}

/// Numbers only: the rest is temporary addresses, and other people's bytes.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Media({}, {} bytes)", self.all.len(), self.total)
    }
}

impl Media {
    /// Media that this identity uploaded.
    pub(crate) fn of(&self, sid: &str, identity: &str) -> Option<&Stored> {
        self.all.get(sid).filter(|stored| stored.identity == identity)
    }

    pub(crate) fn attach(&mut self, sid: &str, channel: &str, message: &str) {
        if let Some(stored) = self.all.get_mut(sid) {
            stored.channel = Some(channel.to_owned());
            stored.message = Some(message.to_owned());
        }
    }

    /// For the control interface.
    pub(crate) fn list(&self) -> Value {
        let shown = self.all.values().map(|stored| {
            json!({
                "sid": stored.sid,
                "identity": stored.identity,
                "contentType": stored.content_type,
                "filename": stored.filename,
                "size": stored.bytes.len(),
                "channel": stored.channel,
            })
        });
        shown.collect()
    }

    fn upload(&mut self, world: &mut World, identity: &str, request: &Request) -> Response {
        let size = request.body.len();
        if size > world.config.max_media_bytes {
            return Response::error(413, 20_413, "Media too large");
        }
        if self.total.saturating_add(size) > MOST_BYTES {
            return Response::error(507, 20_507, "The offline service is full");
        }
        let content_type = request.headers.get("content-type").filter(|kind| !kind.is_empty());
        let Some(content_type) = content_type.cloned() else {
            return Response::error(400, 20_001, "Content-Type is missing");
        };
        let stored = Stored {
            sid: world.ids.sid("ME"),
            identity: identity.to_owned(),
            content_type,
            filename: request.param("Filename").map(str::to_owned),
            bytes: request.body.clone(),
            date: world.clock.stamp(),
            channel: None,
            message: None,
        };
        self.total += size;
        let described = self.describe(world, &stored);
        self.all.insert(stored.sid.clone(), stored);
        Response::json(201, described)
    }

    /// Each description has an address of its own.
    fn describe(&mut self, world: &mut World, stored: &Stored) -> Value {
        let now = world.clock.now();
        self.tickets.retain(|_, (_, end)| *end > now);
        // It says what it is, so that a search for secrets finds it wherever it should not be (`.ci/secrets`).
        let ticket: String = "5ecret-".chars().chain(world.ids.hex("media ticket").chars().skip(7)).collect();
        let end = now + std::time::Duration::from_millis(world.config.media_url_ttl_ms);
        self.tickets.insert(ticket.clone(), (stored.sid.clone(), end));
        let base = &world.config.media_url;
        let url = format!("{base}/v1/Services/{SERVICE_SID}/Media/{}", stored.sid);
        json!({
            "sid": stored.sid,
            "account_sid": ACCOUNT_SID,
            "service_sid": SERVICE_SID,
            "channel_sid": stored.channel,
            "message_sid": stored.message,
            "date_created": stored.date,
            "date_updated": stored.date,
            "size": stored.bytes.len(),
            "content_type": stored.content_type,
            "filename": stored.filename,
            "author": stored.identity,
            "url": url,
            "links": {
                "content": format!("{url}/Content"),
                "content_direct_temporary": format!("{base}/{CONTENT}/{}/{ticket}", stored.sid),
            },
        })
    }

    /// The bytes behind a temporary address: whoever has it may fetch them.
    fn content(&self, now: Time, sid: &str, ticket: &str) -> Option<&Stored> {
        let (of, _) = self.tickets.get(ticket).filter(|(of, end)| of == sid && *end > now)?;
        self.all.get(of)
    }
}

/// What goes back: JSON, or the bytes of media and their type.
enum Answer {
    Json(Response),
    Bytes(String, Vec<u8>),
}

impl Service {
    pub(super) fn on_media(&mut self, http: ExchangeId, request: &MediaRequest<'_>) {
        let request = read(request);
        let facts = [
            ("method", Some(request.method.as_str())),
            ("path", Some(request.path.as_str())),
            ("host", Some(request.host.as_str())),
        ];
        let fault = self.faults.hit(Stage::Http, &facts).unwrap_or_default();
        let spared = fault.status.is_none() && !fault.no_reply && !fault.drop;
        let answer = (fault.process || spared).then(|| self.serve_media(&request));
        self.tell_changes();
        let late = fault.delay_ms.unwrap_or(0);
        if fault.drop {
            self.put_out(ServiceOutput::HttpCut { http }, late);
        } else if !fault.no_reply {
            self.put_out(reply(http, &fault, answer), late);
        }
    }

    fn put_out(&mut self, output: ServiceOutput, late_ms: u64) {
        let config = &self.world.config;
        match late_ms + config.latency_ms + config.http_delay_ms {
            0 => self.outputs.push_back(output),
            ms => self.agenda.after_ms(self.world.clock.now(), ms, Due::Output(output)),
        }
    }

    fn serve_media(&mut self, request: &Request) -> Answer {
        self.stats.requests += 1;
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        if let ("GET", [CONTENT, sid, ticket]) = (request.method.as_str(), segments.as_slice()) {
            return match self.chat.media.content(self.world.clock.now(), sid, ticket) {
                Some(stored) => Answer::Bytes(stored.content_type.clone(), stored.bytes.clone()),
                None => Answer::Json(Response::error(403, 20_403, "The address has expired")),
            };
        }
        let token = request.headers.get("x-twilio-token").map_or("", String::as_str);
        let identity = match self.tokens.check(token, self.world.clock.unix_millis()) {
            Ok(claims) => claims.identity,
            Err(refused) => {
                let text = refused.description.unwrap_or(refused.status);
                return Answer::Json(Response::error(refused.code, refused.error_code.unwrap_or(0), text));
            }
        };
        let response = match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["v1", "Services", SERVICE_SID, "Media"]) => {
                self.chat.media.upload(&mut self.world, &identity, request)
            }
            ("GET", ["v1", "Services", SERVICE_SID, "Media", sid]) => match self.visible(sid, &identity) {
                Some(stored) => Response::ok(self.chat.media.describe(&mut self.world, &stored)),
                None => Response::error(404, 20_404, "Media not found"),
            },
            _ => Response::error(404, 20_404, "Not found"),
        };
        Answer::Json(response)
    }

    /// Media that this identity uploaded, or that stand in a channel that it may know of.
    fn visible(&self, sid: &str, identity: &str) -> Option<Stored> {
        let stored = self.chat.media.all.get(sid)?;
        let channel = stored.channel.as_ref().and_then(|sid| self.chat.channels.get(sid));
        let visible = stored.identity == identity || channel.is_some_and(|c| c.visible_to(identity));
        visible.then(|| stored.clone())
    }
}

fn read(request: &MediaRequest<'_>) -> Request {
    let headers = request.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    let http = json!({
        "host": "mcs",
        "method": request.method,
        "path": request.path,
        "headers": Value::Object(headers.collect()),
    });
    // A path without a slash is none; what it is asked for is not found then.
    let nothing = json!({"host": "mcs", "method": request.method, "path": "/"});
    let read = |http: &Value| Request::read("", &json!({"http_request": http}), request.body);
    read(&http).or_else(|| read(&nothing)).unwrap_or_else(|| unreachable!("it has all that it needs"))
}

fn reply(http: ExchangeId, fault: &Effect, answer: Option<Answer>) -> ServiceOutput {
    let response = match answer {
        Some(Answer::Bytes(kind, body)) if fault.status.is_none() => {
            let headers = vec![("content-type".to_owned(), kind)];
            return ServiceOutput::HttpReply { http, status: 200, headers, body };
        }
        Some(Answer::Json(response)) if fault.status.is_none() => response,
        _ => faulty(fault),
    };
    let mut headers = response.headers;
    let body = response.body.map(|body| body.to_string().into_bytes());
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    ServiceOutput::HttpReply { http, status: response.status, headers, body: body.unwrap_or_default() }
}
