use super::*;

fn parse(text: &str) -> Result<PushNotification, PushError> {
    parse_push_notification(&Json::parse(text).unwrap())
}

/// Capture push-fcm-1: a real notification of a new message, as logged by an app. The plugin that logged it had taken
/// `data` apart; here it is inside again.
const CAPTURED: &str = r#"{"data":{"channel_id":"CH296f4a24749d4347a2bf7b4a4754ecb4","message_id":"IM31b349972c644c3184b11ee4dba44169","author":"xxxx.xxxxxx@xxxx.xxx","message_index":"49","messageType":"data","message_sid":"IM31b349972c644c3184b11ee4dba44169","twi_message_type":"twilio.channel.new_message","id":"2","ttl":"86400","from":"000000000000","channel_sid":"CH296f4a24749d4347a2bf7b4a4754ecb4","sent_time":"1602006755024","twi_message_id":"RU4e75224af4dc01b8ae1bc150f74bc6c3","twi_body":"13_chat_therapist_16;xxxx.xxxxxx@xxxx.xxx: Quiubo ","channel_title":"13_chat_therapist_16","show_notification":"false"}}"#;

#[test]
fn the_captured_notification_is_read() {
    let push = parse(CAPTURED).unwrap();
    assert_eq!(push.push_type, PushType::NewMessage);
    assert_eq!(push.channel_sid, Some("CH296f4a24749d4347a2bf7b4a4754ecb4".into()));
    assert_eq!(push.message_sid, Some("IM31b349972c644c3184b11ee4dba44169".into()));
    assert_eq!(push.message_index, Some(49));
    assert_eq!(push.body.as_deref(), Some("13_chat_therapist_16;xxxx.xxxxxx@xxxx.xxx: Quiubo "));
    assert_eq!((push.title, push.sound, push.action, push.badge), (None, None, None, None));
}

/// Capture facts 43 and 44: pushes of other products in the same handler. Their types are not checked (spec 04 §6), and
/// nothing of Chat is found in them.
#[test]
fn pushes_of_other_products_name_no_channel() {
    for kind in ["twilio.conversations.new_message", "data"] {
        let text = alloc::format!(
            r#"{{"data":{{"twi_message_type":"{kind}","conversation_sid":"CH1","message_index":"x"}}}}"#
        );
        let push = parse(&text).unwrap();
        assert_eq!(push.push_type, PushType::Other(kind.into()));
        assert_eq!((push.channel_sid, push.message_index), (None, None));
    }
}

#[test]
fn apns_is_read_from_both_levels() {
    let push = parse(
        r#"{"aps":{"alert":{"title":"t","body":"b"},"sound":"s","badge":0,"category":"c"},
            "twi_message_type":"twilio.channel.added_to_channel","channel_sid":"CH1","message_index":7,
            "data":{"twi_message_type":"twilio.channel.new_message","channel_sid":"CH2"}}"#,
    )
    .unwrap();
    assert_eq!(push.push_type, PushType::AddedToChannel);
    assert_eq!((push.title.as_deref(), push.body.as_deref()), (Some("t"), Some("b")));
    assert_eq!((push.sound.as_deref(), push.action.as_deref(), push.badge), (Some("s"), Some("c"), Some(0)));
    assert_eq!((push.channel_sid, push.message_index), (Some("CH1".into()), Some(7)));

    let push =
        parse(r#"{"aps":{"alert":"b"},"twi_message_type":"twilio.channel.removed_from_channel"}"#).unwrap();
    assert_eq!((push.title, push.body.as_deref(), push.badge), (None, Some("b"), None));
}

/// Spec 03 §17.2: what is falsy there is nothing here, except the badge of 0 that takes the number away.
#[test]
fn empty_members_are_nothing() {
    let push = parse(
        r#"{"aps":{"alert":{"title":"","body":""},"sound":"","category":null,"badge":null},
            "twi_message_type":"t","channel_sid":"","message_sid":null,"other":{"a":[1]}}"#,
    )
    .unwrap();
    assert_eq!(push, PushNotification { push_type: PushType::Other("t".into()), ..nothing() });
    let push = parse(r#"{"aps":{"alert":""},"twi_message_type":"t"}"#).unwrap();
    assert_eq!(push, PushNotification { push_type: PushType::Other("t".into()), ..nothing() });
    // Critical alerts of APNS have an object for their sound, and a badge is a number.
    let push = parse(
        r#"{"aps":{"alert":"x","sound":{"critical":1,"name":"s"},"badge":"3"},"twi_message_type":"t"}"#,
    )
    .unwrap();
    assert_eq!((push.body.as_deref(), push.sound, push.badge), (Some("x"), None, None));
    let push = parse(
        r#"{"data":{"twi_message_type":"t","twi_title":"","twi_body":null,"twi_sound":"","twi_action":7,"badge":5}}"#,
    )
    .unwrap();
    assert_eq!(push, PushNotification { push_type: PushType::Other("t".into()), ..nothing() });
}

fn nothing() -> PushNotification {
    chat_data("", &Map::new())
}

/// FCM and GCM look alike: what is shown stands in `data`, and there is no badge.
#[test]
fn fcm_and_gcm_are_read_from_data() {
    let push = parse(
        r#"{"data":{"twi_message_type":"twilio.channel.invited_to_channel","twi_title":"t","twi_body":"b",
            "twi_sound":"s","twi_action":"a","channel_sid":"CH1","badge":9},"notification":{"title":"no"}}"#,
    )
    .unwrap();
    assert_eq!(push.push_type, PushType::InvitedToChannel);
    assert_eq!((push.title.as_deref(), push.body.as_deref()), (Some("t"), Some("b")));
    assert_eq!((push.sound.as_deref(), push.action.as_deref(), push.badge), (Some("s"), Some("a"), None));
    assert_eq!((push.channel_sid, push.message_sid), (Some("CH1".into()), None));
}

#[test]
fn q21_what_is_no_notification_has_a_typed_error() {
    let malformed = |member: &'static str| PushError::Malformed { member: member.into() };
    for (text, error) in [
        ("null", PushError::Missing),
        ("{}", PushError::NotChat),
        ("[]", PushError::NotChat),
        ("7", PushError::NotChat),
        (r#""aps""#, PushError::NotChat),
        (r#"{"aps":{"alert":"x"}}"#, PushError::NoType),
        (r#"{"aps":null}"#, PushError::NoType),
        (r#"{"aps":{"alert":"x"},"twi_message_type":""}"#, PushError::NoType),
        (r#"{"aps":{"alert":"x"},"data":{"twi_message_type":"t"}}"#, PushError::NoType),
        (r#"{"aps":null,"twi_message_type":"t"}"#, malformed("aps")),
        (r#"{"aps":{},"twi_message_type":"t"}"#, malformed("aps.alert")),
        (r#"{"aps":{"alert":7},"twi_message_type":"t"}"#, malformed("aps.alert")),
        (r#"{"data":null}"#, malformed("data")),
        (r#"{"data":{}}"#, PushError::NoType),
        (r#"{"data":{"twi_message_type":7}}"#, PushError::NoType),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

#[test]
fn an_index_is_a_decimal_number_or_none() {
    for (value, index) in [
        ("0", Some(0)),
        (r#""49""#, Some(49)),
        (r#""""#, None),
        (r#"" 5 ""#, None),
        (r#""0x10""#, None),
        (r#""+5""#, None),
        ("true", None),
        ("[]", None),
        ("-1", None),
        ("1.5", None),
        (r#""99999999999999999999""#, None),
    ] {
        let text = alloc::format!(
            r#"{{"data":{{"twi_message_type":"twilio.channel.new_message","channel_sid":"","message_index":{value}}}}}"#
        );
        let push = parse(&text).unwrap();
        assert_eq!((push.message_index, push.channel_sid), (index, None), "{value}");
    }
}
