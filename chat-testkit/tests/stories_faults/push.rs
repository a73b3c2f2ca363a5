//! Push registrations and notifications.

use chat_proto::{
    Call, CallError, Event, Json, PushChannel, PushError, PushNotification, PushType, Reply, Secret,
};
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

use crate::people::*;

/// What a notification is taken for.
fn handled(stage: &mut Stage, who: Who, payload: &Value) -> Result<PushNotification, CallError> {
    stage.take_events(who);
    stage.ask(who, Call::HandlePushNotification(Json::from_value(payload).unwrap()))?;
    let told = stage.take_events(who).into_iter().find_map(|event| match event {
        Event::PushNotification(push) => Some(push),
        _ => None,
    });
    Ok(told.expect("an accepted notification is told"))
}

/// An index is a decimal number or nothing, a badge of 0 is 0 (it takes the number off the icon), and what is no
/// notification is an error with a type.
#[test]
fn sdk_defect_27_notifications_are_read_as_they_are() {
    let (mut stage, alice) = alone();
    let message = |index: Value| json!({ "data": { "twi_message_type": "twilio.channel.new_message", "channel_sid": "CH1", "message_index": index } });
    for (index, expected) in [
        (json!(5), Some(5)),
        (json!("5"), Some(5)),
        (json!(""), None),
        (json!(" 5 "), None),
        (json!("0x10"), None),
        (json!(true), None),
        (json!([]), None),
        (json!(-1), None),
        (json!(1.5), None),
    ] {
        let push = handled(&mut stage, alice, &message(index.clone())).unwrap();
        assert_eq!((push.push_type, push.message_index), (PushType::NewMessage, expected), "{index}");
    }
    let apns = json!({ "aps": { "alert": { "title": "", "body": "b" }, "badge": 0 },
        "twi_message_type": "twilio.channel.new_message", "channel_sid": "CH1" });
    let push = handled(&mut stage, alice, &apns).unwrap();
    assert_eq!((push.badge, push.title.as_deref(), push.body.as_deref()), (Some(0), None, Some("b")));

    for broken in [
        json!({ "aps": null, "twi_message_type": "twilio.channel.new_message" }),
        json!({ "data": null }),
        json!({ "data": {} }),
        json!({}),
        json!(null),
    ] {
        let refused = handled(&mut stage, alice, &broken);
        assert!(matches!(refused, Err(CallError::Push(_))), "{broken}: {refused:?}");
    }
    let refused = handled(&mut stage, alice, &json!({ "data": {} }));
    assert_eq!(refused, Err(CallError::Push(PushError::NoType)));
}

/// Setting is answered when the device is registered, removing when it is not any more; each is one request.
#[test]
fn sdk_defect_28_registrations_are_done_when_they_are_answered() {
    let (mut stage, alice) = alone();
    let registered =
        |stage: &mut Stage| admin(stage, "state", &json!({}))["registrations"].as_array().unwrap().len();
    let device = |text: &str| Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new(text));
    let before = stage.client(alice).stats().requests;
    // The registrar takes its time, and the answer waits for it.
    fault(
        &mut stage,
        &json!({ "on": "http", "match": { "host": "ers.us1.twilio.com" }, "delayMs": 2000, "process": true }),
    );
    let began = stage.now();
    assert_eq!(stage.ask(alice, device("a-device")), Ok(Reply::Done));
    assert!(stage.now().since(began).as_millis() >= 2000);
    assert_eq!(registered(&mut stage), 1);
    assert_eq!(stage.client(alice).stats().requests, before + 1);

    assert_eq!(stage.ask(alice, Call::UnsetPushRegistrationId(PushChannel::Fcm)), Ok(Reply::Done));
    assert_eq!(registered(&mut stage), 0);
    assert_eq!(stage.client(alice).stats().requests, before + 2, "one DELETE, and no POST before it");

    // A registrar that refuses is told to the one who asked.
    fault(
        &mut stage,
        &json!({ "on": "http", "match": { "host": "ers.us1.twilio.com" }, "status": 400, "code": 52_000 }),
    );
    let refused = stage.ask(alice, device("a-device"));
    assert!(matches!(refused, Err(CallError::Registrar { status: 400, .. })), "{refused:?}");
    assert_eq!(registered(&mut stage), 0);
}
