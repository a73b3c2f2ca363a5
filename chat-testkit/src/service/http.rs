//! Requests that travel inside Twilsock `message` frames, and their answers (spec 01 §2.6, 02 §1.1).

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// What stays as it is in a path segment (spec 02 §1.1 R2).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Percent-encodes one segment of a path.
pub(crate) fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Undoes percent-encoding; what is no UTF-8 then becomes the replacement character.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A request as the client tunnelled it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Id of the frame that carries it: the answer repeats it.
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) method: String,
    /// As it came, still percent-encoded.
    pub(crate) path: String,
    /// The pieces of the path, decoded.
    pub(crate) segments: Vec<String>,
    /// The query, decoded; of a repeated name the last value.
    pub(crate) params: BTreeMap<String, String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads `http_request` of a frame's header; `None` when a part of it is missing.
    pub(crate) fn read(id: &str, header: &Value, body: &[u8]) -> Option<Self> {
        let http = header.get("http_request")?;
        let text = |name: &str| http.get(name).and_then(Value::as_str).map(str::to_owned);
        let path = text("path").filter(|path| path.starts_with('/'))?;
        // A client may put everything into the path, or send values as arrays (spec 01 §2.6).
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path.to_owned(), query.to_owned()),
            None => (path, String::new()),
        };
        let mut params: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (decode(k), decode(v)))
            .collect();
        for (name, value) in http.get("params").and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = last_text(value) {
                params.insert(decode(name), decode(&value));
            }
        }
        let headers = http.get("headers").and_then(Value::as_object);
        let headers = headers
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), last_text(value)?)))
            .collect();
        Some(Self {
            id: id.to_owned(),
            host: text("host")?,
            method: text("method")?,
            segments: path.split('/').skip(1).map(decode).collect(),
            path,
            params,
            headers,
            body: body.to_vec(),
        })
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// The body as JSON; null when there is none or it is something else.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The action of the session command that this request pushes, if it does.
    pub(crate) fn action(&self) -> Option<String> {
        if self.method != "POST" || self.segments.last().map(String::as_str) != Some("Items") {
            return None;
        }
        self.json().pointer("/data/request/action").and_then(Value::as_str).map(str::to_owned)
    }
}

fn last_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => all.last().and_then(last_text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// An answer of the service behind the transport.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

impl Response {
    pub(crate) const fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    pub(crate) fn with_header(mut self, name: &str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    /// An error with the body that the service gives errors (spec 02 §1.5).
    pub(crate) fn error(status: u16, code: u64, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(status, json!({"status": status, "code": code, "message": message, "more_info": ""}))
    }

    /// `http_headers` of the frame that carries this.
    pub(crate) fn http_headers(&self, request: &Request) -> Value {
        let mut headers = Map::new();
        headers.insert("server".into(), "chat-testkit".into());
        if let Some(id) = request.headers.get("twilio-request-id") {
            headers.insert("twilio-request-id".into(), id.as_str().into());
        }
        if self.body.is_some() {
            headers.insert("content-type".into(), "application/json".into());
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.as_str().into());
        }
        Value::Object(headers)
    }
}

/// The words of an HTTP status, as the service writes them: they become the SDK's error texts.
pub(crate) const fn status_text(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "CREATED",
        202 => "ACCEPTED",
        204 => "NO CONTENT",
        400 => "BAD REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT FOUND",
        405 => "METHOD NOT ALLOWED",
        409 => "CONFLICT",
        412 => "PRECONDITION FAILED",
        413 => "REQUEST ENTITY TOO LARGE",
        429 => "TOO MANY REQUESTS",
        500 => "INTERNAL SERVER ERROR",
        502 => "BAD GATEWAY",
        503 => "SERVICE UNAVAILABLE",
        504 => "GATEWAY TIMEOUT",
        _ => "UNKNOWN",
    }
}
