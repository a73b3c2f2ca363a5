//! Media and push.

use chat_proto::{
    Call, CallDeadline, CallOptions, ChannelSid, HttpFailure, Json, MediaId, MediaSid, PushChannel, Reply,
    Secret, SendMedia,
};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::Teller;

fn picture(channel: &ChannelSid, media: MediaId) -> Call {
    Call::SendMedia(SendMedia {
        channel: channel.clone(),
        media,
        content_type: "image/png".into(),
        filename: Some("picture.png".into()),
        attributes: Json::default(),
    })
}

pub(crate) fn media() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let bytes = it.give_media(a, vec![7; 150_000]);
    it.good(a, picture(&ch, bytes));
    it.settle();
    let Some(Reply::MessagePage(page)) =
        Some(it.good(a, Call::GetMessages(chat_proto::GetMessages::newest(ch.clone()))))
    else {
        panic!("no messages")
    };
    let sid: MediaSid = page.items[0].media.as_ref().unwrap().sid.clone();
    it.good(a, Call::GetMediaUrl(sid.clone()));
    let to = MediaId(99);
    it.good(a, Call::DownloadMedia { media: sid.clone(), to });
    it.bad(a, Call::GetMediaUrl(MediaSid::new(format!("ME{:032x}", 7))));
    let gone = MediaId(1234);
    it.bad(a, picture(&ch, gone));
    let again = it.give_media(a, vec![8; 150_000]);
    let id = it.start(a, picture(&ch, again)).unwrap();
    it.wait(2);
    it.cancel(a, id);
    it.end()
}

/// Each way in which a transfer fails; what may help is done again.
pub(crate) fn media_fails() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    let patient = CallOptions { deadline: CallDeadline::Never };
    let failures = [
        Some(HttpFailure::Untrusted("the certificate was made for another name".into())),
        Some(HttpFailure::TooLarge),
        Some(HttpFailure::Media("the file is gone".into())),
        None,
    ];
    for failure in failures {
        let bytes = it.give_media(a, vec![7; 1000]);
        // Three attempts, where another one may help.
        let count = if failure.is_none() { 3 } else { 1 };
        for _ in 0..count {
            it.fail_transfer(a, failure.clone());
        }
        let id = it.start_with(a, picture(&ch, bytes), patient).unwrap();
        it.answer(a, id).unwrap().unwrap_err();
    }
    it.note(a, "the next connection breaks, the one after it does not");
    it.fail_transfer(a, Some(HttpFailure::Failed("connection reset".into())));
    let bytes = it.give_media(a, vec![7; 1000]);
    it.good(a, picture(&ch, bytes));
    it.end()
}

pub(crate) fn push() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let a = it.alice;
    let device = |text: &str| Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new(text));
    it.good(a, device("the-first-device"));
    it.settle();
    it.good(a, device("the-second-device"));
    it.settle();
    let payload = json!({ "data": { "twi_message_type": "twilio.channel.new_message", "twi_message_title": "general",
        "twi_message_body": "hello", "channel_sid": format!("CH{:032x}", 1), "message_index": 1 } });
    let _ = it.ask(a, Call::HandlePushNotification(Json::from_value(&payload).unwrap()));
    for broken in [json!(null), json!({}), json!({ "data": {} }), json!({ "data": null })] {
        it.bad(a, Call::HandlePushNotification(Json::from_value(&broken).unwrap()));
    }
    it.good(a, Call::UnsetPushRegistrationId(PushChannel::Fcm));
    it.settle();
    it.say("fault", &json!({ "on": "http", "match": { "host": "ers.us1.twilio.com" }, "status": 400, "code": 52000, "message": "no", "count": -1 }));
    let _ = it.start(a, device("the-third-device")).unwrap();
    it.wait(30_000);
    it.end()
}
