use chat_proto::{Json, PushError, PushNotification, parse_push_notification};
use serde_json::Value;

use super::plain;

/// Push payloads: what is read of one is what a plain reading finds in it, and survives being kept.
///
/// # Panics
///
/// When that does not hold.
pub fn push(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let plain = plain::read(data);
    let json = match Json::parse(text) {
        Ok(json) => json,
        Err(error) => {
            assert!(plain.is_none(), "serde_json reads it, and we do not: {error}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(Json::parse(json.as_str()).as_ref(), Ok(&json), "a JSON value does not survive");
    let read = parse_push_notification(&json);
    if let Ok(notification) = &read {
        let kept = serde_json::to_string(notification).expect("it can be kept");
        let again: PushNotification = serde_json::from_str(&kept).expect("what was kept can be read");
        assert_eq!(&again, notification, "it does not survive being kept");
    }
    if let Some(plain) = plain {
        agrees(&plain, &read);
    }
}

fn agrees(plain: &Value, read: &Result<PushNotification, PushError>) {
    // `aps` wins where both are there (spec 03 §17.2).
    let (shown, data) = match (plain.get("aps"), plain.get("data")) {
        (Some(aps), _) => (aps, plain),
        (None, Some(data)) => (data, data),
        (None, None) => {
            let expected = if plain.is_null() { PushError::Missing } else { PushError::NotChat };
            return assert_eq!(*read, Err(expected));
        }
    };
    let is_apns = plain.get("aps").is_some();
    let text = |of: &Value, name: &str| {
        of.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let push_type = text(data, "twi_message_type");
    let alert = shown.get("alert").filter(|alert| alert.is_string() || alert.is_object());
    let is_whole = shown.is_object() && (!is_apns || alert.is_some());
    let Ok(read) = read else {
        return assert!(push_type.is_none() || !is_whole, "{read:?} of a whole payload");
    };
    assert!(is_whole, "{read:?} of a payload that is not whole");
    assert_eq!(Some(read.push_type.as_str()), push_type.as_deref());
    let same = |ours: Option<&str>, plain: Option<String>| assert_eq!(ours, plain.as_deref());
    same(read.channel_sid.as_ref().map(chat_proto::ChannelSid::as_str), text(data, "channel_sid"));
    same(read.message_sid.as_ref().map(chat_proto::MessageSid::text).as_deref(), text(data, "message_sid"));
    let index = data.get("message_index").and_then(|index| match index {
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        index => index.as_u64(),
    });
    assert_eq!(read.message_index, index);
    if is_apns {
        same(read.sound.as_deref(), text(shown, "sound"));
        same(read.action.as_deref(), text(shown, "category"));
        assert_eq!(read.badge, shown.get("badge").and_then(Value::as_u64));
        let alert = alert.unwrap_or(&Value::Null);
        let whole = alert.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        same(read.title.as_deref(), text(alert, "title"));
        same(read.body.as_deref(), whole.or_else(|| text(alert, "body")));
    } else {
        same(read.sound.as_deref(), text(data, "twi_sound"));
        same(read.action.as_deref(), text(data, "twi_action"));
        same(read.title.as_deref(), text(data, "twi_title"));
        same(read.body.as_deref(), text(data, "twi_body"));
        assert_eq!(read.badge, None);
    }
}
