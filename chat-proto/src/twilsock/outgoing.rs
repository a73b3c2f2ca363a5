//! Frames of this client, member by member in the order of the reference client (spec 01 §2).

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Request;
use crate::command::FrameBytes;
use crate::config::{CAPABILITIES, Metadata, PRODUCT};
use crate::frame;
use crate::plain::needs_no_escapes;

/// Version of the notification protocol in contexts (spec 01 §5.1).
const NOTIFICATION_PROTOCOL: u8 = 4;

/// Platform in notification contexts of a client without a browser (spec 01 §5.1).
const ENDPOINT_PLATFORM: &str = "web";

/// What `init` carries (spec 01 §2.3).
#[derive(Debug)]
pub(super) struct Init<'a> {
    pub(super) token: &'a str,
    pub(super) continuation_token: Option<&'a str>,
    pub(super) metadata: &'a Metadata,
    /// Registrations instead of a context. Profile A has none: it sends `put_notification_ctx`.
    pub(super) registrations: Option<&'a [Registration<'a>]>,
}

/// A registration for notifications inside `init` (spec 01 §5.2).
#[derive(Debug, Serialize)]
pub(super) struct Registration<'a> {
    pub(super) product: &'a str,
    pub(super) r#type: &'a str,
    pub(super) notification_protocol_version: u8,
    pub(super) message_types: &'a [&'a str],
}

pub(super) fn init(id: &str, init: &Init<'_>) -> FrameBytes {
    #[derive(Serialize)]
    struct Header<'a> {
        id: &'a str,
        method: &'static str,
        token: &'a str,
        continuation_token: Option<&'a str>,
        metadata: MetadataMembers<'a>,
        registrations: Option<&'a [Registration<'a>]>,
        tweaks: Option<()>,
        capabilities: [&'static str; 3],
        payload_size: usize,
    }
    let header = Header {
        id,
        method: "init",
        token: init.token,
        continuation_token: init.continuation_token,
        metadata: MetadataMembers(init.metadata),
        registrations: init.registrations,
        tweaks: None,
        capabilities: CAPABILITIES,
        payload_size: 0,
    };
    encode(&header, "")
}

/// New access token (spec 01 §2.5).
pub(super) fn update(id: &str, token: &str) -> FrameBytes {
    #[derive(Serialize)]
    struct Header<'a> {
        id: &'a str,
        method: &'static str,
        token: &'a str,
        payload_size: usize,
    }
    encode(&Header { id, method: "update", token, payload_size: 0 }, "")
}

/// A tunnelled HTTP request (spec 01 §2.6).
pub(super) fn message(id: &str, request: &Request) -> FrameBytes {
    #[derive(Serialize)]
    struct Header<'a> {
        id: &'a str,
        method: &'static str,
        active_grant: &'static str,
        payload_type: &'a str,
        http_request: HttpRequest<'a>,
        payload_size: usize,
    }
    #[derive(Serialize)]
    struct HttpRequest<'a> {
        host: &'a str,
        path: &'a str,
        method: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        params: Option<Params<'a>>,
        headers: Headers<'a>,
    }
    let payload = request.body.as_deref().unwrap_or_default();
    let query = &request.url.query;
    let header = Header {
        id,
        method: "message",
        active_grant: PRODUCT,
        payload_type: request.content_type.unwrap_or("application/json"),
        http_request: HttpRequest {
            host: &request.url.host,
            path: &request.url.path,
            method: request.method.name(),
            params: (!query.is_empty()).then_some(Params(query)),
            headers: Headers(request),
        },
        payload_size: payload.len(),
    };
    encode(&header, payload)
}

/// The acknowledgement that is owed for everything but a `reply` (spec 01 §2.11). One goes out for nearly every frame
/// that comes in, so it is put together from its fixed parts.
pub(super) fn ack(id: &str) -> FrameBytes {
    const MAGIC: &[u8] = b"TWILSOCK V3.0 ";
    const BEFORE: &[u8] = b"{\"id\":\"";
    const AFTER: &[u8] = b"\",\"method\":\"reply\",\"payload_type\":\"application/json\",\
        \"status\":{\"code\":200,\"status\":\"OK\"},\"payload_size\":0}";
    let quoted = if needs_no_escapes(id) { String::new() } else { json(&id) };
    let id = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or(id).as_bytes();
    let size = BEFORE.len().saturating_add(id.len()).saturating_add(AFTER.len());
    let mut digits = [0; 20];
    FrameBytes::concat(&[MAGIC, decimal(size, &mut digits), b"\r\n", BEFORE, id, AFTER, b"\r\n"])
}

/// The decimal digits of a number, at the end of `digits`.
fn decimal(number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let (mut rest, mut at) = (number, digits.len());
    for digit in digits.iter_mut().rev() {
        // A remainder of 10 fits.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        at -= 1;
        if rest == 0 {
            break;
        }
    }
    digits.get(at..).unwrap_or_default()
}

/// Registers for notifications; it replaces the whole context (spec 01 §2.12, §5.1).
pub(super) fn put_notification_ctx(id: &str, context: &str, message_types: &[&str]) -> FrameBytes {
    #[derive(Serialize)]
    struct Header<'a> {
        method: &'static str,
        notification_ctx_id: &'a str,
        id: &'a str,
        payload_size: usize,
    }
    #[derive(Serialize)]
    struct Payload<'a> {
        product_id: &'static str,
        notification_protocol_version: u8,
        endpoint_platform: &'static str,
        message_types: &'a [&'a str],
    }
    let payload = json(&Payload {
        product_id: PRODUCT,
        notification_protocol_version: NOTIFICATION_PROTOCOL,
        endpoint_platform: ENDPOINT_PLATFORM,
        message_types,
    });
    let header = Header {
        method: "put_notification_ctx",
        notification_ctx_id: context,
        id,
        payload_size: payload.len(),
    };
    encode(&header, &payload)
}

/// Goodbye (spec 01 §2.13).
pub(super) fn close(id: &str) -> FrameBytes {
    #[derive(Serialize)]
    struct Header<'a> {
        id: &'a str,
        method: &'static str,
        payload_size: usize,
    }
    encode(&Header { id, method: "close", payload_size: 0 }, "")
}

pub(super) fn encode(header: &impl Serialize, payload: &str) -> FrameBytes {
    FrameBytes::new(frame::encode(&json(header), payload.as_bytes()))
}

/// None of these structs can fail to serialize: they hold texts and numbers, and the text is in memory.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `metadata`, in the order of the protocol.
struct MetadataMembers<'a>(&'a Metadata);

impl Serialize for MetadataMembers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ver", &of.twilsock_version)?;
        if let Some((name, version)) = &of.environment {
            map.serialize_entry("env", name)?;
            map.serialize_entry("envv", version)?;
        }
        if let Some(os) = &of.os {
            map.serialize_entry("os", os)?;
            // A known system of unknown version has a `null` here (F1).
            map.serialize_entry("osv", &of.os_version)?;
        } else if let Some(version) = &of.os_version {
            map.serialize_entry("osv", version)?;
        }
        if let Some(architecture) = &of.os_architecture {
            match whole_number(architecture) {
                Some(bits) => map.serialize_entry("osa", &bits)?,
                None => map.serialize_entry("osa", architecture)?,
            }
        }
        map.serialize_entry("type", "chat")?;
        map.serialize_entry("sdk", &of.sdk)?;
        map.serialize_entry("sdkv", &of.sdk_version)?;
        if let Some((name, version)) = &of.app {
            map.serialize_entry("app", name)?;
            map.serialize_entry("appv", version)?;
        }
        map.end()
    }
}

/// A text of digits as a number, unless that would change it.
fn whole_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Parameters; one that comes more than once becomes an array (spec 01 §2.6).
struct Params<'a>(&'a [(alloc::boxed::Box<str>, alloc::boxed::Box<str>)]);

impl Serialize for Params<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            if self.0.iter().take(at).any(|(earlier, _)| earlier == name) {
                continue;
            }
            let later =
                self.0.iter().skip(at + 1).filter(|(later, _)| later == name).map(|(_, value)| &**value);
            let values: Vec<&str> = core::iter::once(&**value).chain(later).collect();
            if values.len() == 1 {
                map.serialize_entry(&**name, value)?;
            } else {
                map.serialize_entry(&**name, &values)?;
            }
        }
        map.end()
    }
}

/// Headers in their order; `Content-Type` comes first where the request names one and did not place it itself.
struct Headers<'a>(&'a Request);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const CONTENT_TYPE: &str = "Content-Type";
        let mut map = serializer.serialize_map(None)?;
        if let Some(content_type) = self.0.content_type
            && !self.0.headers.iter().any(|(name, _)| *name == CONTENT_TYPE)
        {
            map.serialize_entry(CONTENT_TYPE, content_type)?;
        }
        for (name, value) in &self.0.headers {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template says what serde would.
    #[test]
    fn acknowledgements_are_json_whatever_the_id() {
        for id in ["TM05578d09-6d9f-7925-294b-2c99dba57745", "", "a\"b\\c\n\u{1}\u{7f}é😀", &"x".repeat(2000)]
        {
            let bytes = ack(id).into_vec();
            let (header, payload) = frame::decode(&bytes, frame::FrameLimits::default()).unwrap();
            let expected = serde_json::json!({
                "id": id, "method": "reply", "payload_type": "application/json",
                "status": { "code": 200, "status": "OK" }, "payload_size": 0,
            });
            assert_eq!(serde_json::from_str::<serde_json::Value>(header).unwrap(), expected);
            assert!(header.starts_with(&alloc::format!("{{\"id\":{},\"method\"", json(&id))));
            assert!(payload.is_empty());
            assert_eq!(bytes, frame::encode(header, b""));
        }
    }
}
