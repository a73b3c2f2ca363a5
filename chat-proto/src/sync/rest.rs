//! Requests of Sync: addresses, headers, bodies (spec 02 §1.1–1.4).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use super::order::Select;
use super::{Kind, Tag};
use crate::config::Metadata;
use crate::cx::Cx;
use crate::json::push_string;
use crate::twilsock::{Method, Owner, Request, RequestId, Retry, Url};

/// The collection of each kind (spec 02 §1.2).
fn collection(kind: Kind) -> &'static str {
    match kind {
        Kind::Document => "Documents",
        Kind::List => "Lists",
        Kind::Map => "Maps",
    }
}

/// `{base}/v3/Lists` and its likes; `None` when the configured base is no address.
fn collection_url(cx: &Cx, kind: Kind) -> Option<Url> {
    Url::parse(&format!("{}/v3/{}", cx.config.sync_base(), collection(kind)))
}

/// Where an object is read by its unique name or SID (E2, E7, E16).
pub(super) fn open_url(cx: &Cx, kind: Kind, name: &str, include_items: bool) -> Option<Url> {
    let url = collection_url(cx, kind)?.segment(name);
    Some(if include_items { url.param("Include", "items") } else { url })
}

/// Where lists are created (E6).
pub(super) fn create_url(cx: &Cx) -> Option<Url> {
    collection_url(cx, Kind::List)
}

/// Where pokes go (E26).
pub(super) fn subscriptions_url(cx: &Cx) -> Option<Url> {
    Url::parse(&format!("{}/v4/Subscriptions", cx.config.sync_base()))
}

/// Which items are read, in the order of the reference (spec 02 §5.1, §5.2).
pub(super) fn select_url(items: Url, kind: Kind, select: &Select) -> Url {
    let mut url = items;
    if let Some(from) = &select.from {
        url = url.param("From", from);
    }
    url = url.param("PageSize", &select.page_size.clamp(1, 100).to_string());
    if let Some(key) = &select.key {
        url = url.param(if kind == Kind::List { "Index" } else { "Key" }, key);
    }
    url.param("Order", if select.descending { "desc" } else { "asc" })
}

/// The page that a token leads to: the token goes alone (spec 02 §5.1).
pub(super) fn page_url(items: Url, token: &str) -> Url {
    items.param("PageToken", token)
}

/// `{"purpose":…,"context":…}` (spec 02 §1.10).
pub(super) fn create_body(purpose: &str, context: &str) -> String {
    let mut body = String::from("{\"purpose\":");
    push_string(&mut body, purpose);
    body.push_str(",\"context\":");
    body.push_str(context);
    body.push('}');
    body
}

/// `{"data":…}`
pub(super) fn push_body(data: &str) -> String {
    format!("{{\"data\":{data}}}")
}

/// Sends a read; twilsock repeats it where that helps.
pub(super) fn get(cx: &mut Cx, url: Url, tag: Tag) -> RequestId {
    request(cx, Method::Get, url, None, Retry::SyncRead, tag)
}

/// Sends a write; whoever asked hears of every failure.
pub(super) fn post(cx: &mut Cx, url: Url, body: String, tag: Tag) -> RequestId {
    request(cx, Method::Post, url, Some(body), Retry::Never, tag)
}

fn request(cx: &mut Cx, method: Method, url: Url, body: Option<String>, retry: Retry, tag: Tag) -> RequestId {
    // The order of these headers is that of the reference (recording s01).
    let headers = vec![
        ("Content-Type", "application/json".into()),
        ("Twilio-Sync-Client-Info", client_info(&cx.config.metadata)),
        ("Twilio-Request-Id", cx.ids.request_id()),
    ];
    cx.request(Owner::Sync(tag), Request { method, url, headers, content_type: None, body, retry })
}

/// What the client tells of itself with each request: JSON text inside a header (spec 02 §1.3). Unknown is `null`.
fn client_info(metadata: &Metadata) -> String {
    let (platform, platform_version) = match &metadata.environment {
        Some((name, version)) => (Some(&**name), Some(&**version)),
        None => (None, None),
    };
    let sdk = metadata.sdk.to_lowercase();
    let members = [
        ("sdk", Some(&*sdk)),
        ("sdkVer", Some(&*metadata.sdk_version)),
        ("os", metadata.os.as_deref()),
        ("osVer", metadata.os_version.as_deref()),
        ("pl", platform),
        ("plVer", platform_version),
    ];
    let mut text = String::with_capacity(96);
    for (i, (name, value)) in members.into_iter().enumerate() {
        text.push(if i == 0 { '{' } else { ',' });
        push_string(&mut text, name);
        text.push(':');
        match value {
            Some(value) => push_string(&mut text, value),
            None => text.push_str("null"),
        }
    }
    text.push('}');
    text
}
