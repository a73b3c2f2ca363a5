//! The worked frames of spec 01 §1.7, out of the page itself.

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;
use serde_json::Value;

use super::super::outgoing::{self, Init, Registration};
use super::super::{Method, Request, Retry, Url, header};
use crate::config::Metadata;
use crate::frame::{self, FrameLimits};

const PAGE: &str = include_str!("../../../spec/01-twilsock.md");

/// The bytes of frame `name` of the page: line breaks are layout, `␍␊` is CRLF.
fn worked(name: &str) -> Vec<u8> {
    let (_, after) = PAGE.split_once(&std::format!("\n**{name}** ")).unwrap();
    let (_, after) = after.split_once("```frame\n").unwrap();
    let (listing, _) = after.split_once("```").unwrap();
    listing.replace('\n', "").replace("␍␊", "\r\n").into_bytes()
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).unwrap()
}

fn uuid(digit: char, second: char) -> String {
    let part = |n| digit.to_string().repeat(n);
    std::format!("{}-{}-4{}-8{}-{}", part(8), part(4), part(3), second.to_string().repeat(3), part(12))
}

fn id(digit: char) -> String {
    std::format!("TM{}", uuid(digit, digit))
}

#[test]
fn f1_first_init() {
    let metadata = Metadata::javascript_sdk();
    let init = Init { token: "JWT-A", continuation_token: None, metadata: &metadata, registrations: None };
    assert_eq!(text(outgoing::init(&id('1'), &init)), text(worked("F1")));
}

#[test]
fn f3_init_with_registrations() {
    let metadata = Metadata {
        os_version: Some("unknown".into()),
        twilsock_version: "0.12.2".into(),
        sdk_version: "6.0.0".into(),
        ..Metadata::javascript_sdk()
    };
    let registration = Registration {
        product: "ip_messaging",
        r#type: "ers",
        notification_protocol_version: 0,
        message_types: &[
            "twilio.ipmsg.typing_indicator",
            "twilio.sync.event",
            "com.twilio.rtd.cds.document",
            "com.twilio.rtd.cds.list",
            "com.twilio.rtd.cds.map",
        ],
    };
    let init = Init {
        token: "JWT-A",
        continuation_token: Some("CT-1"),
        metadata: &metadata,
        registrations: Some(&[registration]),
    };
    assert_eq!(text(outgoing::init(&id('2'), &init)), text(worked("F3")));
}

fn request(method: Method, url: &str) -> Request {
    Request {
        method,
        url: Url::parse(url).unwrap(),
        headers: Vec::new(),
        content_type: None,
        body: None,
        retry: Retry::Never,
    }
}

#[test]
fn f5_message() {
    let request = Request {
        headers: [("X-Note", "Zoë".into())].into(),
        content_type: Some("application/json"),
        body: Some("{\"data\":{\"body\":\"héllo ✓\"}}".into()),
        ..request(Method::Post, "https://cds.us1.twilio.com/v3/Lists/ES1/Items?PageSize=50")
    };
    assert_eq!(text(outgoing::message(&id('3'), &request)), text(worked("F5")));
    // The same when the stage above places the header itself.
    let headers = [("Content-Type", "application/json".into()), ("X-Note", "Zoë".into())].into();
    assert_eq!(text(outgoing::message(&id('3'), &Request { headers, ..request })), text(worked("F5")));
}

#[test]
fn a_message_without_query_headers_and_body() {
    let bytes = outgoing::message("TM1", &request(Method::Get, "http://aim/v1/x"));
    let (header, payload) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
    assert_eq!(
        header,
        "{\"id\":\"TM1\",\"method\":\"message\",\"active_grant\":\"ip_messaging\",\
         \"payload_type\":\"application/json\",\"http_request\":{\"host\":\"aim\",\"path\":\"/v1/x\",\
         \"method\":\"GET\",\"headers\":{}},\"payload_size\":0}"
    );
    assert_eq!(payload, b"");
}

#[test]
fn repeated_parameters_become_an_array() {
    let bytes = outgoing::message("TM1", &request(Method::Get, "https://h/p?a=1&b=x%20y&a=2&c=d=e&f"));
    let (header, _) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
    // Unlike the reference client nothing after a second `=` is lost, nor a name without a value (spec 01 §8 #16).
    assert!(header.contains(r#""params":{"a":["1","2"],"b":"x%20y","c":"d=e","f":""}"#), "{header}");
}

#[test]
fn f9_acknowledgement() {
    assert_eq!(text(outgoing::ack("TMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), text(worked("F9")));
}

#[test]
fn f14_update() {
    assert_eq!(text(outgoing::update(&id('5'), "JWT-B")), text(worked("F14")));
}

#[test]
fn f15_put_notification_ctx() {
    let types = [
        "twilio.sync.event",
        "com.twilio.rtd.cds.document",
        "com.twilio.rtd.cds.list",
        "com.twilio.rtd.cds.map",
    ];
    let context = "c0c0c0c0-c0c0-4c0c-8c0c-c0c0c0c0c0c0";
    assert_eq!(text(outgoing::put_notification_ctx(&id('7'), context, &types)), text(worked("F15")));
}

#[test]
fn f16_telemetry() {
    // Never sent by this client (spec 01 §6); the frame form must carry it all the same.
    #[derive(Serialize)]
    struct Header {
        id: String,
        method: &'static str,
        events: [Event; 1],
        payload_size: usize,
    }
    #[derive(Serialize)]
    struct Event {
        start: i64,
        end: i64,
        title: &'static str,
        details: &'static str,
    }
    let event = Event { start: -63, end: 0, title: "Establish WebSocket connection", details: "" };
    let header = Header { id: id('9'), method: "telemetry.v1", events: [event], payload_size: 0 };
    assert_eq!(text(outgoing::encode(&header, "")), text(worked("F16")));
}

#[test]
fn f17_close() {
    assert_eq!(text(outgoing::close(&id('6'))), text(worked("F17")));
}

/// Every frame of the service, with and without the final CRLF, and with garbage behind.
#[test]
fn frames_of_the_service_are_read_whatever_follows_them() {
    for name in ["F2", "F4", "F6", "F7", "F8", "F10", "F11", "F12", "F13"] {
        let listed = worked(name);
        let (plain_header, plain_payload) = frame::decode(&listed, FrameLimits::default()).unwrap();
        let header: Value = serde_json::from_str(plain_header).unwrap();
        assert_eq!(header["payload_size"], plain_payload.len(), "{name}");
        if !plain_payload.is_empty() {
            serde_json::from_slice::<Value>(plain_payload).unwrap();
        }
        let bare = listed.strip_suffix(b"\r\n").unwrap().to_vec();
        let garbage = [bare.as_slice(), b"\r\nTWILSOCK \0\xff{{"].concat();
        for bytes in [bare, garbage] {
            let again = frame::decode(&bytes, FrameLimits::default()).unwrap();
            assert_eq!(again, (plain_header, plain_payload), "{name}");
        }
    }
}

#[test]
fn the_fields_of_the_service_are_read() {
    let read = |name: &str, check: &dyn Fn(header::Header<'_>, &[u8])| {
        let bytes = worked(name);
        let (header, payload) = frame::decode(&bytes, FrameLimits::default()).unwrap();
        check(header::parse(header).unwrap(), payload);
    };
    read("F2", &|header, _| {
        assert_eq!((&*header.method, &*header.id), ("reply", &*id('1')));
        assert!(header.status().is_success());
        assert_eq!(header.continuation_token.as_deref(), Some("CT-1"));
    });
    read("F6", &|header, payload| {
        assert_eq!(header.http_status(), 201);
        assert_eq!(payload, "{\"index\":0,\"revision\":\"ré0\"}".as_bytes());
    });
    read("F7", &|header, payload| {
        let status = header.status();
        assert_eq!((status.code, status.error_code), (429, Some(51202)));
        assert_eq!(&*status.message, "Too many requests");
        assert_eq!(header::backoff_policy(payload), Some(2000));
    });
    read("F8", &|header, payload| {
        assert_eq!(header.message_type.as_deref(), Some("twilio.ipmsg.typing_indicator"));
        assert!(matches!(header.message_type, Some(std::borrow::Cow::Borrowed(_))), "not copied");
        assert_eq!(payload.len(), 57);
    });
    read("F10", &|header, _| {
        assert_eq!(header.client_update_type.as_deref(), Some("token_about_to_expire"));
    });
    read("F12", &|header, payload| {
        assert_eq!(&*header.status().message, "OFFLOAD");
        assert_eq!(header::backoff_policy(payload), Some(2500));
    });
    read("F13", &|header, _| assert_eq!(header.status().error_code, Some(51207)));
}

#[test]
fn a_backoff_policy_must_be_a_sane_number() {
    let policy = |value: &str| {
        header::backoff_policy(
            std::format!("{{\"backoff_policy\":{{\"reconnect_min_ms\":{value}}}}}").as_bytes(),
        )
    };
    assert_eq!(policy("2000"), Some(2000));
    assert_eq!(policy("2000.7"), Some(2000));
    for nothing in ["0", "-5", "\"2000\"", "null", "[]"] {
        assert_eq!(policy(nothing), None, "{nothing}");
    }
    assert_eq!(policy("1e300"), Some(3_600_000), "no server can silence a client for ever");
    assert_eq!(header::backoff_policy(b"{}"), None);
    assert_eq!(header::backoff_policy(b"\xff"), None);
}

#[test]
fn metadata_tells_what_is_known() {
    let own = Metadata { app: Some(("shop".into(), "1.2".into())), ..Metadata::default() };
    let init = Init { token: "T", continuation_token: None, metadata: &own, registrations: None };
    let bytes = outgoing::init("TM1", &init);
    let (header, _) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = std::format!(
        r#""metadata":{{"ver":"{version}","type":"chat","sdk":"rust","sdkv":"{version}","app":"shop","appv":"1.2"}}"#
    );
    assert!(header.contains(&expected), "{header}");
    for (architecture, written) in [("64", "64"), ("x86_64", "\"x86_64\""), ("007", "\"007\""), ("", "\"\"")]
    {
        let own = Metadata { os_architecture: Some(architecture.into()), ..Metadata::default() };
        let init = Init { token: "T", continuation_token: None, metadata: &own, registrations: None };
        assert!(
            text(outgoing::init("TM1", &init)).contains(&std::format!("\"osa\":{written}")),
            "{architecture}"
        );
    }
}
