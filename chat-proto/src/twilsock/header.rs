//! Headers of the service, read once into borrowed fields (spec 01 §2).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::FrameError;
use crate::frame::{parse_header, payload_size as payload_size_of};
use crate::plain::{self, once};

/// Longest text of the service that is repeated in an event.
const TEXT: usize = 300;

/// Longest backoff that a server may impose. Not the protocol's: one bad number must not silence a client for ever.
const MAX_BACKOFF_MS: f64 = 3_600_000.0;

/// A header that can be acted on: it has an id.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) id: Cow<'a, str>,
    /// Empty where the service gave none.
    pub(super) method: Cow<'a, str>,
    pub(super) payload_size: u64,
    status: Option<&'a str>,
    http_status: Option<&'a str>,
    pub(super) continuation_token: Option<Cow<'a, str>>,
    pub(super) message_type: Option<Cow<'a, str>>,
    pub(super) client_update_type: Option<Cow<'a, str>>,
}

/// A header that cannot.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) error: FrameError,
    /// Id of an acknowledgement that is owed all the same.
    pub(super) owed: Option<String>,
}

/// Serde borrows a `Cow` only where it is not inside an `Option`, hence the shell.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    payload_size: Option<i64>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    http_status: Option<&'a RawValue>,
    #[serde(borrow)]
    continuation_token: Option<Text<'a>>,
    #[serde(borrow)]
    message_type: Option<Text<'a>>,
    #[serde(borrow)]
    client_update_type: Option<Text<'a>>,
}

/// What is enough to know that an acknowledgement is owed.
#[derive(Deserialize)]
struct Least<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
}

/// Reads a header with nothing unusual in it; `None` leaves it to serde.
fn plain_header(text: &str) -> Option<Header<'_>> {
    let (mut id, mut method, mut payload_size) = (None, None, None);
    let (mut status, mut http_status) = (None, None);
    let (mut continuation_token, mut message_type, mut client_update_type) = (None, None, None);
    plain::object(text, |value, name| {
        let text = match name {
            "id" => &mut id,
            "method" => &mut method,
            "continuation_token" => &mut continuation_token,
            "message_type" => &mut message_type,
            "client_update_type" => &mut client_update_type,
            "payload_size" => return once(&mut payload_size, value.integer()?),
            "status" => return once(&mut status, value.raw()?),
            "http_status" => return once(&mut http_status, value.raw()?),
            _ => return value.skip(),
        };
        once(text, value.text()?)
    })?;
    Some(Header {
        id: id?.into(),
        method: method.unwrap_or_default().into(),
        payload_size: payload_size_of(payload_size),
        status,
        http_status,
        continuation_token: continuation_token.map(Cow::Borrowed),
        message_type: message_type.map(Cow::Borrowed),
        client_update_type: client_update_type.map(Cow::Borrowed),
    })
}

/// Reads a header.
pub(super) fn parse(text: &str) -> Result<Header<'_>, Unreadable> {
    match plain_header(text) {
        Some(header) => Ok(header),
        None => parse_with_care(text),
    }
}

/// Reads any header, and tells what is wrong with it.
fn parse_with_care(text: &str) -> Result<Header<'_>, Unreadable> {
    let fields: Fields<'_> = parse_header(text).map_err(|error| {
        // Some member is not what it should be; id and method may be good.
        let least = parse_header::<Least<'_>>(text).ok();
        let least = least.filter(|least| least.method.as_ref().is_none_or(|method| method.0 != "reply"));
        Unreadable { error, owed: least.and_then(|least| least.id).map(|id| id.0.into_owned()) }
    })?;
    let Some(Text(id)) = fields.id else {
        return Err(Unreadable { error: FrameError::BadHeader("it has no id".into()), owed: None });
    };
    Ok(Header {
        id,
        method: fields.method.map(|text| text.0).unwrap_or_default(),
        payload_size: payload_size_of(fields.payload_size),
        status: fields.status.map(RawValue::get),
        http_status: fields.http_status.map(RawValue::get),
        continuation_token: fields.continuation_token.map(|text| text.0),
        message_type: fields.message_type.map(|text| text.0),
        client_update_type: fields.client_update_type.map(|text| text.0),
    })
}

impl Header<'_> {
    /// Outcome of the transport. One that is missing or unreadable is a failure of code 0.
    pub(super) fn status(&self) -> Status {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields<'a> {
            code: i64,
            #[serde(borrow)]
            status: Option<Text<'a>>,
            #[serde(borrow)]
            description: Option<Text<'a>>,
            #[serde(rename = "errorCode")]
            error_code: Option<i64>,
        }
        let fields: Option<Fields<'_>> = self.status.and_then(|raw| serde_json::from_str(raw).ok());
        let fields = fields.unwrap_or_default();
        let code = u16::try_from(fields.code).unwrap_or(0);
        let message = match fields.description.or(fields.status) {
            Some(text) => short(&text.0),
            None => format!("status {code}").into(),
        };
        Status { code, message, error_code: fields.error_code }
    }

    /// Outcome of the tunnelled request. A missing one is a plain success (spec 01 §8 #21), an unreadable one is 0.
    pub(super) fn http_status(&self) -> u16 {
        #[derive(Deserialize)]
        struct Code {
            code: u16,
        }
        match self.http_status {
            None => 200,
            Some(raw) => serde_json::from_str(raw).map_or(0, |status: Code| status.code),
        }
    }
}

/// A `status` object (spec 01 §2.10). Decisions go by the numbers alone: the words have changed over the years
/// (captures report, fact 15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: u16,
    /// The service's description, else its status word.
    pub(super) message: Box<str>,
    pub(super) error_code: Option<i64>,
}

impl Status {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// `backoff_policy.reconnect_min_ms` of a payload. It must be a number; 0 is none (spec 01 §3.8).
pub(super) fn backoff_policy(payload: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Payload {
        backoff_policy: Policy,
    }
    #[derive(Deserialize)]
    struct Policy {
        reconnect_min_ms: f64,
    }
    let payload: Payload = serde_json::from_slice(payload).ok()?;
    let ms = payload.backoff_policy.reconnect_min_ms;
    // The cast is of a number between 1 and the maximum.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
    let whole = ms.clamp(0.0, MAX_BACKOFF_MS) as u64;
    Some(whole).filter(|ms| *ms > 0)
}

/// The beginning of a text of the service, so that events stay small.
pub(super) fn short(text: &str) -> Box<str> {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
        None => text.into(),
    }
}
