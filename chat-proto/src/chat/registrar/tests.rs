use alloc::format;

use super::*;
use crate::call::{Call, Cancel};
use crate::chat::rig::Rig;
use crate::config::Config;

const FCM: PushChannel = PushChannel::Fcm;
const SECOND: Duration = Duration::from_secs(1);

fn set(device: &str) -> Call {
    Call::SetPushRegistrationId(FCM, Secret::new(device))
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()).unwrap()
}

/// Registers the device `hunter2-d1` under `hunter2-r1`.
fn registered_rig() -> Rig {
    let mut rig = Rig::new(Config::default());
    let id = rig.call(set("hunter2-d1"));
    assert_eq!(rig.one_request().method, Method::Post);
    rig.push_replied(FCM, Ok((201, r#"{"id":"hunter2-r1"}"#)));
    assert_eq!(rig.answer(id), Some(Ok(Reply::Done)));
    rig
}

/// The frame of spec 01 §5.3 with all six types, answered when it is registered and not before.
#[test]
fn a_device_is_registered() {
    let mut rig = Rig::new(Config::default());
    let id = rig.call(set("d\"1"));
    let request = rig.one_request();
    assert_eq!(request.method, Method::Post);
    assert_eq!((&*request.url.host, &*request.url.path), ("ers.us1.twilio.com", "/v1/registrations"));
    assert_eq!(request.url.query, [("productId".into(), "ip_messaging".into())]);
    assert_eq!(header(&request, "Content-Type"), "application/json");
    assert_eq!(header(&request, "X-Twilio-Token"), "hunter2-1");
    assert_eq!(
        request.body.as_deref(),
        Some(concat!(
            r#"{"endpoint_platform":"web","channel_type":"fcm","version":"3","message_types":["#,
            r#""twilio.channel.new_message","twilio.channel.added_to_channel","twilio.channel.invited_to_channel","#,
            r#""twilio.channel.removed_from_channel","twilio.ipmsg.typing_indicator","twilio.channel.consumption_update"],"#,
            r#""data":{"registration_id":"d\"1"},"ttl":"PT24H"}"#
        ))
    );
    assert_eq!(rig.answer(id), None);
    assert_eq!(rig.chat.cancel(&mut rig.cx, id), Cancel::TooLate);
    rig.push_replied(FCM, Ok((201, r#"{"id":"r1"}"#)));
    assert_eq!(rig.answer(id), Some(Ok(Reply::Done)));
    // The same again is done already.
    let id = rig.call(set("d\"1"));
    assert_eq!((rig.requests(), rig.answer(id)), ([].into(), Some(Ok(Reply::Done))));
}

#[test]
fn settings_reach_the_registrar() {
    let mut config = Config::default();
    config.metadata.endpoint_platform = "é".repeat(200).into();
    config.region = Some("ie1".into());
    let mut rig = Rig::new(config);
    rig.call(Call::SetPushRegistrationId(PushChannel::Apn, Secret::new("d")));
    let request = rig.one_request();
    assert_eq!(&*request.url.host, "ers.ie1.twilio.com");
    let body = request.body.unwrap();
    assert!(body.contains(&format!(r#""{}""#, "é".repeat(128))), "{body}");
    assert!(body.contains(r#""channel_type":"apn","version":"4""#), "{body}");
    rig.cx.config.endpoints.push = Some("nowhere".into());
    let id = rig.call(set("d"));
    assert!(matches!(rig.answer(id), Some(Err(CallError::InvalidArgument { .. }))));
}

/// 05 G21: a changed device is removed, then the new one registered, and both are waited for.
#[test]
fn another_device_takes_the_place_of_the_first() {
    let mut rig = registered_rig();
    let id = rig.call(set("hunter2-d2"));
    let request = rig.one_request();
    assert_eq!((request.method, &*request.url.path), (Method::Delete, "/v1/registrations/hunter2-r1"));
    assert!(!format!("{request:?}").contains("hunter2"), "{request:?}");
    rig.push_replied(FCM, Ok((204, "")));
    assert_eq!(rig.answer(id), None);
    assert!(rig.one_request().body.unwrap().contains("hunter2-d2"));
    rig.push_replied(FCM, Ok((201, r#"{"id":"hunter2-r2"}"#)));
    assert_eq!(rig.answer(id), Some(Ok(Reply::Done)));
    assert!(!format!("{:?}", rig.chat).contains("hunter2"));
}

#[test]
fn q19_a_new_token_registers_again() {
    let mut rig = registered_rig();
    rig.token("hunter2-2");
    let request = rig.one_request();
    assert_eq!(request.method, Method::Post);
    assert_eq!(header(&request, "X-Twilio-Token"), "hunter2-2");
    rig.push_replied(FCM, Ok((201, r#"{"id":"hunter2-r1"}"#)));
    assert_eq!(rig.requests(), []);
    assert_eq!(rig.events(), []);
}

/// A registration ends after a day, and nothing else need ever register again: an app that stays connected with one token
/// would go silent.
#[test]
fn a_registration_is_renewed_in_time() {
    const HOUR: Duration = Duration::from_hours(1);
    let mut rig = registered_rig();
    for _ in 0..3 {
        rig.pass(11 * HOUR);
        assert_eq!(rig.requests(), []);
        rig.pass(HOUR);
        let request = rig.one_request();
        assert_eq!(request.method, Method::Post);
        assert!(request.body.unwrap().contains("hunter2-d1"));
        rig.push_replied(FCM, Ok((201, r#"{"id":"hunter2-r1"}"#)));
    }
    // A failure is repeated until it is renewed.
    rig.pass(12 * HOUR);
    rig.one_request();
    rig.push_replied(FCM, Ok((503, "")));
    rig.pass(Duration::from_secs(3));
    rig.one_request();
    rig.push_replied(FCM, Ok((201, r#"{"id":"hunter2-r1"}"#)));
    // Offline it waits for a connection.
    rig.offline();
    rig.chat.online = false;
    rig.pass(13 * HOUR);
    assert_eq!(rig.requests(), []);
    rig.online();
    assert_eq!(rig.one_request().method, Method::Post);
    rig.push_replied(FCM, Ok((201, r#"{"id":"hunter2-r1"}"#)));
    assert_eq!(rig.events(), []);
    // What is removed is not renewed.
    let id = rig.call(Call::UnsetPushRegistrationId(FCM));
    assert_eq!(rig.one_request().method, Method::Delete);
    rig.push_replied(FCM, Ok((204, "")));
    assert_eq!(rig.answer(id), Some(Ok(Reply::Done)));
    rig.pass(48 * HOUR);
    assert_eq!(rig.requests(), []);
}

#[test]
fn q20_removal_is_one_delete() {
    let mut rig = registered_rig();
    let id = rig.call(Call::UnsetPushRegistrationId(FCM));
    let request = rig.one_request();
    assert_eq!((request.method, request.body), (Method::Delete, None));
    assert_eq!(rig.answer(id), None);
    rig.push_replied(FCM, Ok((404, "")));
    assert_eq!(rig.answer(id), Some(Ok(Reply::Done)), "what is not there is removed");
    // Nothing is registered: nothing is sent.
    let id = rig.call(Call::UnsetPushRegistrationId(FCM));
    assert_eq!((rig.requests(), rig.answer(id)), ([].into(), Some(Ok(Reply::Done))));
    rig.token("hunter2-2");
    assert_eq!(rig.requests(), []);
}

/// Spec 01 §5.3: 2 s doubling to 120 s, ± 20 %, without end; a removal before does not change that.
#[test]
fn registration_is_tried_for_ever() {
    let mut rig = registered_rig();
    rig.call(set("d2"));
    rig.requests();
    rig.push_replied(FCM, Ok((204, "")));
    for attempt in 0..20 {
        assert_eq!(rig.one_request().method, Method::Post, "{attempt}");
        rig.push_replied(FCM, Ok((503, "")));
        let wait = (2_000_u64 << attempt.min(6)).min(120_000);
        rig.pass(Duration::from_millis(wait * 8 / 10 - 1));
        assert_eq!(rig.requests(), [], "{attempt}");
        rig.pass(Duration::from_millis(wait * 4 / 10 + 2));
    }
    assert_eq!(rig.one_request().method, Method::Post);
}

#[test]
fn removal_is_tried_three_times() {
    let mut rig = registered_rig();
    let id = rig.call(Call::UnsetPushRegistrationId(FCM));
    for _ in 0..3 {
        assert_eq!(rig.answer(id), None);
        assert_eq!(rig.one_request().method, Method::Delete);
        rig.push_replied(FCM, Ok((503, "")));
        rig.pass(SECOND * 5);
    }
    assert!(matches!(rig.answer(id), Some(Err(CallError::Registrar { status: 503, .. }))));
    rig.pass(SECOND * 1000);
    assert_eq!(rig.requests(), []);
    // A device that cannot be removed does not stand in the way of the next.
    let mut rig = registered_rig();
    rig.call(set("d2"));
    rig.requests();
    rig.push_replied(FCM, Ok((400, "")));
    assert_eq!(rig.one_request().method, Method::Post);
}

#[test]
fn a_refusal_is_final_until_something_changes() {
    let mut rig = Rig::new(Config::default());
    let id = rig.call(set("d1"));
    rig.requests();
    rig.push_replied(FCM, Ok((401, r#"{"code":20101,"message":"no"}"#)));
    let error = CallError::Registrar { status: 401, code: 20_101, message: "no".into() };
    assert_eq!(rig.answer(id), Some(Err(error)));
    rig.pass(SECOND * 1000);
    assert_eq!(rig.requests(), []);
    rig.token("hunter2-2");
    assert_eq!(rig.one_request().method, Method::Post);
    rig.push_replied(FCM, Ok((201, "{}")));
    rig.call(set("d1"));
    assert_eq!(rig.one_request().method, Method::Post, "an answer without an id registers nothing");
}

#[test]
fn a_lost_registration_is_found_again_before_it_is_removed() {
    let mut rig = Rig::new(Config::default());
    let first = rig.call(set("d1"));
    rig.requests();
    rig.offline();
    rig.push_replied(FCM, Err(RequestError::Lost));
    let second = rig.call(Call::UnsetPushRegistrationId(FCM));
    assert_eq!(rig.requests(), []);
    rig.online();
    assert!(rig.one_request().body.unwrap().contains("d1"));
    rig.push_replied(FCM, Ok((201, r#"{"id":"r1"}"#)));
    assert_eq!(rig.one_request().method, Method::Delete);
    rig.push_replied(FCM, Ok((204, "")));
    let events = rig.events();
    let answers: Vec<CallId> = events
        .iter()
        .filter_map(|event| match event {
            crate::event::Event::Answer { call, result: Ok(Reply::Done) } => Some(*call),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [first, second]);
}

#[test]
fn a_deadline_tells_whether_something_may_have_happened() {
    let mut rig = Rig::new(Config::default());
    let id = rig.call(set("d1"));
    rig.pass(SECOND * 30);
    assert_eq!(rig.answer(id), Some(Err(CallError::Unknown(Phase::Sent))));
    // It goes on all the same.
    rig.requests();
    rig.push_replied(FCM, Ok((503, "")));
    rig.pass(SECOND * 3);
    assert_eq!(rig.one_request().method, Method::Post);
}

#[test]
fn notifications_become_events() {
    use crate::event::Event;
    use crate::json::Json;
    use crate::push::{PushError, PushType};

    let mut rig = Rig::new(Config::default());
    let payload = Json::parse(r#"{"data":{"twi_message_type":"twilio.channel.new_message"}}"#).unwrap();
    let call = rig.call(Call::HandlePushNotification(payload));
    let events = rig.events();
    assert!(
        matches!(&events[..], [Event::PushNotification(push), Event::Answer { call: of, result: Ok(Reply::Done) }]
            if push.push_type == PushType::NewMessage && *of == call),
        "{events:?}"
    );
    let id = rig.call(Call::HandlePushNotification(Json::null()));
    assert_eq!(rig.answer(id), Some(Err(CallError::Push(PushError::Missing))));
    let id = rig.call(set(""));
    assert!(
        matches!(rig.answer(id), Some(Err(CallError::InvalidArgument { argument, .. })) if argument == "registration_id")
    );
}
