//! What the media service answers (spec 03 §18).

use alloc::boxed::Box;

use serde::Deserialize;

use crate::error::CallError;
use crate::http::HttpReply;
use crate::model::MediaSid;
use crate::secret::Secret;

/// The media as the service describes them.
pub(super) struct Record {
    pub(super) size: u64,
    /// Where they can be fetched for a while, without a token.
    pub(super) url: Secret,
}

#[derive(Deserialize)]
struct Uploaded {
    sid: Box<str>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    size: u64,
    links: Links,
}

#[derive(Deserialize)]
struct Links {
    content_direct_temporary: Box<str>,
}

/// The answer to an upload.
pub(super) fn uploaded(reply: &HttpReply) -> Result<MediaSid, CallError> {
    let body: Uploaded = read(reply)?;
    if body.sid.is_empty() {
        Err(bad_answer("the upload has no SID"))
    } else {
        Ok(MediaSid::from(&*body.sid))
    }
}

/// The answer to a question about media. An address must be one that `base`, the media service itself, could have too:
/// nothing without TLS where the service is asked with it.
pub(super) fn record(reply: &HttpReply, base: &str) -> Result<Record, CallError> {
    let body: Body = read(reply)?;
    let url = body.links.content_direct_temporary;
    if is_fetchable(&url, base) {
        Ok(Record { size: body.size, url: Secret::new(url) })
    } else {
        Err(bad_answer("the temporary address cannot be used"))
    }
}

/// The answer to the fetching itself, whose bytes are with the host.
pub(super) fn content(reply: &HttpReply) -> Result<(), CallError> {
    if reply.is_success() { Ok(()) } else { Err(refusal(reply)) }
}

/// The error text is our own: serde's would show pieces of a body that holds temporary addresses (law 10).
fn read<'a, T: Deserialize<'a>>(reply: &'a HttpReply) -> Result<T, CallError> {
    if !reply.is_success() {
        return Err(refusal(reply));
    }
    serde_json::from_slice(&reply.body)
        .map_err(|_| bad_answer("the media service did not describe the media"))
}

fn refusal(reply: &HttpReply) -> CallError {
    match CallError::rest(reply.status, &reply.body) {
        CallError::Rest { status: status @ 300..=399, code, .. } => CallError::Media {
            status,
            code,
            message: "the media service redirects, which is not followed".into(),
        },
        CallError::Rest { status, code, message } => CallError::Media { status, code, message },
        other => other,
    }
}

fn is_fetchable(url: &str, base: &str) -> bool {
    let plain = base.starts_with("http://");
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://").filter(|_| plain));
    let Some(rest) = rest else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !authority.is_empty() && !authority.contains('@') && url.bytes().all(|byte| byte.is_ascii_graphic())
}

fn bad_answer(text: &str) -> CallError {
    CallError::BadAnswer(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_good_addresses_are_fetched() {
        let https = "https://mcs.us1.twilio.com";
        assert!(is_fetchable("https://media.test/x?y=%20z", https));
        assert!(is_fetchable("http://127.0.0.1:80/x", "http://127.0.0.1:80"));
        for url in [
            "",
            "media",
            "http://media.test/x",
            "ftp://media.test/x",
            "https://",
            "https:///x",
            "https://a:b@media.test/x",
            "https://media.test/a b",
            "https://media.test/\r\nX: y",
            "https://m\u{e9}.test/",
        ] {
            assert!(!is_fetchable(url, https), "{url:?}");
        }
    }

    #[test]
    fn answers_are_read_or_refused() {
        let reply = |status, body: &str| HttpReply::new(status, body.as_bytes());
        assert_eq!(uploaded(&reply(201, r#"{"sid":"ME1"}"#)).unwrap().as_str(), "ME1");
        for (status, body) in [(201, r#"{"sid":""}"#), (201, "{}"), (201, "hunter2"), (200, "")] {
            let error = uploaded(&reply(status, body)).unwrap_err();
            assert!(matches!(&error, CallError::BadAnswer(text) if !text.contains("hunter2")), "{error:?}");
        }
        let error = uploaded(&reply(413, r#"{"code":7,"message":"too long"}"#)).unwrap_err();
        assert_eq!(error, CallError::Media { status: 413, code: 7, message: "too long".into() });
        let error = content(&reply(302, "")).unwrap_err();
        assert!(matches!(error, CallError::Media { status: 302, .. }));
        assert!(matches!(record(&reply(200, r#"{"links":{}}"#), "https://m"), Err(CallError::BadAnswer(_))));
    }
}
