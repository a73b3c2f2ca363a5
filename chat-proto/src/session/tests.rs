use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::{format, vec};

use proptest::prelude::*;

use super::*;
use crate::call::{Call, CallId, CallOptions};
use crate::command::{Command, FrameBytes};
use crate::event::{Event, Reply};
use crate::http::{HttpBody, HttpId, HttpMethod, HttpReply, HttpRequest};
use crate::input::LinkId;
use crate::push::PushChannel;
use crate::record::InputRecord;
use crate::secret::Secret;

/// {"exp":1700000000,"grants":{"identity":"alice"},"x":"hunter2-hunter2"}
const TOKEN: &str = concat!(
    "eyJhbGciOiJub25lIn0.",
    "eyJleHAiOjE3MDAwMDAwMDAsImdyYW50cyI6eyJpZGVudGl0eSI6ImFsaWNlIn0sIngiOiJodW50ZXIyLWh1bnRlcjIifQ.hunter2"
);

fn clean(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    star_out(&mut bytes);
    assert_eq!(bytes.len(), text.len());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn secrets_are_starred_out_at_every_depth() {
    let frame = concat!(
        r#"{"method":"init","token":"a.b.c","continuation_token":null,"x":"token"}"#,
        "\r\n",
        r#"{"headers":{"X-Twilio-Token" : "JWT-Ä"},"data":{"registration_id":"DEV"},"#,
        r#""inner":"{\"token\":\"deep\",\"keep\":1}","continuation_token_status":"kept"}"#,
    );
    for text in [clean(frame), clean(&serde_json::to_string(frame).unwrap())] {
        for secret in ["a.b.c", "JWT", "DEV", "deep"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let text = clean(frame);
    for kept in [r#""x":"token""#, r#"\"keep\":1"#, "null", r#""continuation_token_status":"kept""#] {
        assert!(text.contains(kept), "no {kept} in {text}");
    }
}

#[test]
fn odd_texts_are_starred_out_to_their_end() {
    assert_eq!(clean(r#"{"token":"a\"b\\","k":"v"}"#), r#"{"token":"******","k":"v"}"#);
    assert_eq!(clean(r#"{"token":"cut of"#), r#"{"token":"******"#);
    assert_eq!(clean(r#"{"token":""}"#), r#"{"token":""}"#);
    assert_eq!(clean(r#"["{\"token\":\"cut","k"]"#), r#"["{\"token\":\"***","k"]"#);
    assert_eq!(
        clean(r#"{"content_direct_temporary":"https://x/y?z"}"#),
        r#"{"content_direct_temporary":"https://*****"}"#
    );
    assert_eq!(clean(r#"{"token":7,"tokens":"kept"}"#), r#"{"token":7,"tokens":"kept"}"#);
}

#[test]
fn a_stand_in_says_the_same_and_opens_nothing() {
    let token = Token::new(TOKEN).unwrap();
    let stand_in = token_stand_in(&token);
    assert_eq!(stand_in.expose_secret().len(), TOKEN.len());
    assert_eq!(stand_in.claims(), token.claims());
    assert!(!stand_in.expose_secret().contains("hunter2"));
    assert!(!stand_in.expose_secret().contains("aHVudGVyM"));
    assert_eq!(token_stand_in(&stand_in), stand_in);
    let odd = Token::new("not a JWT").unwrap();
    assert_eq!(token_stand_in(&odd).expose_secret(), "*********");
}

#[test]
fn planted_secrets_reach_no_line() {
    let token = Token::new(TOKEN).unwrap();
    let config = Config { continuation_token: Some(Secret::new("hunter2")), ..Config::default() };
    let client = ClientHeader::new(&config, &token, &Seed::from_number(1), Time::ZERO);
    let mut encoder = Encoder::new();
    let mut lines = vec![encoder.header(&Header::new("test", [client]))];
    let json = br#"TWILSOCK {"token":"hunter2","http_request":{"headers":{"X-Twilio-Token":"hunter2"}}}"#;
    let odd = [json.as_slice(), &[0xff]].concat();
    let link = LinkId(1);
    let frame = |bytes: &[u8]| FrameRecord::Binary(bytes.to_owned());
    let what = [
        What::Record(Record::Input(InputRecord::Frame(link, frame(json)))),
        What::Record(Record::Input(InputRecord::Frame(link, frame(&odd)))),
        What::Record(Command::Send { link, bytes: FrameBytes::new(odd.clone()) }.into()),
        What::Record(Event::ContinuationToken(Secret::new("hunter2")).into()),
        What::Record(Record::Call {
            id: None,
            call: Call::UpdateToken(token.clone()).into(),
            options: CallOptions::default(),
            refused: None,
        }),
        What::Record(Record::Call {
            id: None,
            call: Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("hunter2")).into(),
            options: CallOptions::default(),
            refused: None,
        }),
        What::Record(Record::Input(InputRecord::HttpDone(HttpId(1), Ok(HttpReply::new(200, odd.clone()))))),
        What::Record(
            Command::Http {
                http: HttpId(1),
                request: HttpRequest {
                    method: HttpMethod::Get,
                    url: Secret::new("https://hunter2"),
                    headers: vec![("x".into(), Secret::new("hunter2"))],
                    body: HttpBody::Empty,
                    to: None,
                    max_body: 5,
                },
            }
            .into(),
        ),
        What::Record(
            Event::Answer { call: CallId(1), result: Ok(Reply::MediaUrl(Secret::new("https://hunter2"))) }
                .into(),
        ),
        What::Wire(Wire::FromClient(frame(json))),
        What::Wire(Wire::FromService(frame(&odd))),
    ];
    lines.extend(what.into_iter().map(|what| encoder.entry(Time::ZERO, 0, what)));
    use base64::Engine;
    for line in lines {
        assert!(!line.contains("hunter2"), "{line}");
        for shift in ["hunter2", "_hunter2", "__hunter2"] {
            // The middle of the text in base64, whatever stands before it.
            let whole = base64::prelude::BASE64_STANDARD.encode(shift);
            let inner = whole.get(4..8).unwrap();
            assert!(!line.contains(inner) || line.contains("\"seed\""), "{inner} in {line}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_of_a_secret_member_survives(
        secret in "[a-z\"\\\\ é]{1,12}x7", depth in 0_usize..4, before in "[\"\\\\a]{0,6}",
    ) {
        let value = serde_json::json!({ "a": before, "token": format!("{secret}"), "z": "kept" });
        let mut text = value.to_string();
        for _ in 0..depth {
            text = serde_json::to_string(&text).unwrap();
        }
        let mut cleaned = clean(&text);
        prop_assert_eq!(clean(&cleaned), cleaned.clone());
        for _ in 0..depth {
            cleaned = serde_json::from_str(&cleaned).unwrap();
        }
        let back: serde_json::Value = serde_json::from_str(&cleaned).unwrap();
        prop_assert!(back["token"].as_str().unwrap().chars().all(|c| c == '*'), "{}", back);
        prop_assert_eq!(&back["z"], "kept");
        prop_assert_eq!(&back["a"], before.as_str());
    }

    #[test]
    fn any_bytes_keep_their_length(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let length = bytes.len();
        star_out(&mut bytes);
        prop_assert_eq!(bytes.len(), length);
    }
}
