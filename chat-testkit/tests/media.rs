//! Media and push, told as stories: the core against the offline service, without sockets.

use std::time::Duration;

use chat_proto::{
    Call, CallError, Cancel, ChannelSid, CreateChannel, Event, HttpFailure, Json, MediaId, Message,
    MessageType, PushChannel, Reply, Secret, SendMedia, SendMessage,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

const PICTURE: &[u8] = &[0x89, b'P', b'N', b'G', 0, 255, 1, 2, 3];

/// A service with two people in one channel.
fn two() -> (Stage, Who, Who, ChannelSid) {
    let mut stage = Stage::new(ServiceConfig::default());
    let (alice, bob) = (stage.enter("alice"), stage.enter("bob"));
    stage.settle();
    let create = CreateChannel { unique_name: Some("pictures".into()), ..CreateChannel::default() };
    let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(create)) else { panic!() };
    let sid = channel.sid.clone();
    stage.ask(alice, Call::Join(sid.clone())).unwrap();
    stage.ask(alice, Call::Add(sid.clone(), "bob".into())).unwrap();
    stage.settle();
    stage.take_all_events();
    (stage, alice, bob, sid)
}

fn picture(channel: &ChannelSid, media: MediaId) -> SendMedia {
    SendMedia {
        channel: channel.clone(),
        media,
        content_type: "image/png".into(),
        filename: Some("cat & dog.png".into()),
        attributes: Json::parse(r#"{"mood":"good"}"#).unwrap(),
    }
}

fn messages(stage: &Stage, who: Who, channel: &ChannelSid) -> Vec<Message> {
    stage.state(who).messages(channel).map(|message| (**message).clone()).collect()
}

fn fault(stage: &mut Stage, fault: &Value) {
    stage.admin("fault", fault).unwrap();
}

#[test]
fn a_picture_is_sent_seen_and_fetched() {
    let (mut stage, alice, bob, channel) = two();
    let given = stage.give_media(alice, PICTURE);
    let call = stage.start(alice, Call::SendMedia(picture(&channel, given))).unwrap();
    assert_eq!(stage.answer(alice, call), Some(Ok(Reply::MessageIndex(Some(0)))));
    stage.settle();
    let events = stage.take_events(alice);
    let sent = PICTURE.len() as u64;
    assert!(events.contains(&Event::UploadProgress { call, sent }), "{events:?}");

    let message = messages(&stage, bob, &channel).remove(0);
    assert_eq!((message.message_type, message.body), (MessageType::Media, None));
    assert_eq!(message.attributes, Json::parse(r#"{"mood":"good"}"#).unwrap());
    let media = message.media.unwrap();
    assert_eq!((&*media.content_type, media.size), ("image/png", sent));
    assert_eq!(media.filename.as_deref(), Some("cat & dog.png"));

    let to = MediaId(77);
    let call = stage.start(bob, Call::DownloadMedia { media: media.sid.clone(), to }).unwrap();
    assert_eq!(stage.answer(bob, call), Some(Ok(Reply::Done)));
    assert_eq!(stage.media(bob, to), Some(PICTURE));
    let progress = Event::DownloadProgress { call, received: sent, size: sent };
    assert!(stage.take_events(bob).contains(&progress));

    let Ok(Reply::MediaUrl(url)) = stage.ask(bob, Call::GetMediaUrl(media.sid)) else { panic!() };
    assert!(url.expose_secret().starts_with("http://media.test/content/"));
}

/// As a text does, a picture stands among the messages or on its way, at any moment, and never both.
#[test]
fn a_picture_on_its_way_is_shown() {
    let (mut stage, alice, _, channel) = two();
    // A picture of the same person, type and name that another device sends is not taken for it.
    let twin = stage.enter("alice");
    stage.settle();
    let (given, other) = (stage.give_media(alice, PICTURE), stage.give_media(twin, PICTURE));
    let slow = json!({"on": "http", "match": {"host": "mcs"}, "delayMs": 60, "count": 1});
    fault(&mut stage, &slow);
    let call = stage.start(alice, Call::SendMedia(picture(&channel, given))).unwrap();
    let shown = |stage: &Stage| stage.state(alice).pending_messages(&channel).cloned().collect::<Vec<_>>();
    let first = shown(&stage).remove(0);
    assert_eq!((first.call, first.body.as_deref()), (call, None));
    let media = first.media.as_ref().unwrap();
    assert_eq!((media.media, &*media.content_type, media.sid.as_ref()), (given, "image/png", None));
    stage.start(twin, Call::SendMedia(picture(&channel, other))).unwrap();
    let mut uploaded = false;
    for _ in 0..400 {
        stage.advance(Duration::from_millis(1));
        let (waiting, stands) = (shown(&stage), messages(&stage, alice, &channel));
        uploaded |= waiting.iter().any(|one| one.media.as_ref().is_some_and(|media| media.sid.is_some()));
        let mine = stands.iter().filter(|message| message.index == 1).count();
        assert_eq!(waiting.len() + mine, 1, "{waiting:?} {stands:?}");
    }
    assert!(uploaded && shown(&stage).is_empty());
    assert_eq!(stage.answer(alice, call), Some(Ok(Reply::MessageIndex(Some(1)))));
    // One that comes to nothing shows no more.
    let failed = stage.ask(alice, Call::SendMedia(picture(&channel, MediaId(99))));
    assert!(failed.is_err() && shown(&stage).is_empty(), "{failed:?}");
}

#[test]
fn texts_that_are_sent_meanwhile_come_first() {
    let (mut stage, alice, bob, channel) = two();
    let given = stage.give_media(alice, PICTURE);
    let media = stage.start(alice, Call::SendMedia(picture(&channel, given))).unwrap();
    let text = SendMessage {
        channel: channel.clone(),
        body: Some("wait for it".into()),
        attributes: Json::default(),
    };
    let text = stage.start(alice, Call::SendMessage(text)).unwrap();
    assert_eq!(stage.answer(alice, media), Some(Ok(Reply::MessageIndex(Some(1)))));
    assert_eq!(stage.answer(alice, text), Some(Ok(Reply::MessageIndex(Some(0)))));
    stage.settle();
    let kinds: Vec<MessageType> =
        messages(&stage, bob, &channel).iter().map(|message| message.message_type).collect();
    assert_eq!(kinds, [MessageType::Text, MessageType::Media]);
}

/// Whatever becomes of the upload, there is one message or none.
#[test]
fn an_upload_in_trouble_makes_one_message() {
    let troubles = [
        json!({"status": 503, "count": 2}),
        json!({"status": 503, "count": 2, "process": true}),
        json!({"drop": true, "count": 2, "process": true}),
        json!({"drop": true, "count": 1}),
        json!({"delayMs": 20_000, "count": 1}),
    ];
    for trouble in troubles {
        let (mut stage, alice, bob, channel) = two();
        let mut rule = json!({"on": "http", "match": {"host": "mcs", "method": "POST"}});
        rule.as_object_mut().unwrap().extend(trouble.as_object().unwrap().clone());
        fault(&mut stage, &rule);
        let given = stage.give_media(alice, PICTURE);
        let answer = stage.ask(alice, Call::SendMedia(picture(&channel, given)));
        assert_eq!(answer, Ok(Reply::MessageIndex(Some(0))), "{trouble}");
        stage.advance(Duration::from_mins(2));
        assert_eq!(messages(&stage, bob, &channel).len(), 1, "{trouble}");
    }
}

#[test]
fn an_upload_that_fails_for_good_makes_no_message() {
    let (mut stage, alice, bob, channel) = two();
    fault(&mut stage, &json!({"on": "http", "match": {"host": "mcs"}, "drop": true, "count": 3}));
    let given = stage.give_media(alice, PICTURE);
    let answer = stage.ask(alice, Call::SendMedia(picture(&channel, given)));
    assert_eq!(answer, Err(CallError::Transfer(HttpFailure::Failed("cut".into()))));
    stage.admin("config", &json!({"maxMediaBytes": 4})).unwrap();
    let answer = stage.ask(alice, Call::SendMedia(picture(&channel, given)));
    assert!(matches!(answer, Err(CallError::Media { status: 413, .. })), "{answer:?}");
    let answer = stage.ask(alice, Call::SendMedia(picture(&channel, MediaId(99))));
    assert!(matches!(answer, Err(CallError::Transfer(HttpFailure::Refused(_)))), "{answer:?}");
    stage.settle();
    assert_eq!(messages(&stage, bob, &channel), []);
}

#[test]
fn an_upload_may_be_cancelled() {
    let (mut stage, alice, bob, channel) = two();
    let given = stage.give_media(alice, PICTURE);
    let send = picture(&channel, given);
    let call = stage.start(alice, Call::SendMedia(send)).unwrap();
    assert_eq!(stage.cancel(alice, call), Cancel::Cancelled);
    assert_eq!(stage.answer(alice, call), Some(Err(CallError::Cancelled)));
    stage.settle();
    assert_eq!(messages(&stage, bob, &channel), []);
}

#[test]
fn a_cut_link_does_not_lose_a_picture() {
    let (mut stage, alice, bob, channel) = two();
    stage.reachable(false);
    stage.cut(alice);
    let given = stage.give_media(alice, PICTURE);
    let call = stage.start(alice, Call::SendMedia(picture(&channel, given))).unwrap();
    stage.advance(Duration::from_mins(5));
    stage.reachable(true);
    assert_eq!(stage.answer(alice, call), Some(Ok(Reply::MessageIndex(Some(0)))));
    // Bob's socket went in the silence too, and comes back in its own time.
    stage.advance(Duration::from_mins(5));
    assert_eq!(messages(&stage, bob, &channel).len(), 1);
}

#[test]
fn a_temporary_address_ends_and_is_renewed() {
    let (mut stage, alice, _, channel) = two();
    let given = stage.give_media(alice, PICTURE);
    stage.ask(alice, Call::SendMedia(picture(&channel, given))).unwrap();
    stage.settle();
    let sid = messages(&stage, alice, &channel).remove(0).media.unwrap().sid;
    // The content is asked for after its address has ended, once.
    fault(&mut stage, &json!({"on": "http", "match": {"path": "^/content/"}, "status": 403, "count": 1}));
    let to = MediaId(50);
    assert_eq!(stage.ask(alice, Call::DownloadMedia { media: sid.clone(), to }), Ok(Reply::Done));
    assert_eq!(stage.media(alice, to), Some(PICTURE));
    stage.admin("config", &json!({"mediaUrlTtlMs": 0})).unwrap();
    let answer = stage.ask(alice, Call::DownloadMedia { media: sid, to });
    assert!(matches!(answer, Err(CallError::Media { status: 403, .. })), "{answer:?}");
}

#[test]
fn media_are_not_for_strangers() {
    let (mut stage, alice, _, channel) = two();
    let given = stage.give_media(alice, PICTURE);
    stage.ask(alice, Call::SendMedia(picture(&channel, given))).unwrap();
    let answer = stage.ask(alice, Call::GetMediaUrl("ME404".into()));
    assert!(matches!(answer, Err(CallError::Media { status: 404, .. })), "{answer:?}");
    stage.admin("deny", &json!({"identity": "alice"})).unwrap();
    let sid = messages(&stage, alice, &channel).remove(0).media.unwrap().sid;
    let answer = stage.ask(alice, Call::GetMediaUrl(sid));
    assert!(matches!(answer, Err(CallError::Media { status: 401 | 403, .. })), "{answer:?}");
}

fn registrations(stage: &mut Stage) -> Vec<String> {
    let shown = stage.admin("state", &json!({})).unwrap();
    let all = shown["registrations"].as_array().unwrap().iter();
    all.map(|one| format!("{} {}", one["identity"].as_str().unwrap(), one["channelType"].as_str().unwrap()))
        .collect()
}

#[test]
fn devices_are_registered_and_removed() {
    let (mut stage, alice, ..) = two();
    let set = |channel, id: &str| Call::SetPushRegistrationId(channel, Secret::new(id));
    assert_eq!(stage.ask(alice, set(PushChannel::Fcm, "d1")), Ok(Reply::Done));
    assert_eq!(stage.ask(alice, set(PushChannel::Apn, "d2")), Ok(Reply::Done));
    assert_eq!(registrations(&mut stage).len(), 2);
    // Another device takes the place of the first.
    assert_eq!(stage.ask(alice, set(PushChannel::Fcm, "d3")), Ok(Reply::Done));
    let mut all = registrations(&mut stage);
    all.sort();
    assert_eq!(all, ["alice apn", "alice fcm"]);
    assert_eq!(stage.ask(alice, Call::UnsetPushRegistrationId(PushChannel::Fcm)), Ok(Reply::Done));
    assert_eq!(registrations(&mut stage), ["alice apn"]);
}

/// 05 G21: the registrar is asked again after 2 s ± 20 %, and the call waits.
#[test]
fn a_busy_registrar_is_asked_again() {
    let (mut stage, alice, ..) = two();
    fault(&mut stage, &json!({"on": "http", "match": {"path": "registrations"}, "status": 503, "count": 1}));
    let begun = stage.now();
    let set = Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("d1"));
    assert_eq!(stage.ask(alice, set), Ok(Reply::Done));
    let took = stage.now().since(begun).as_millis();
    assert!((1_600..2_500).contains(&took), "{took}");
    assert_eq!(registrations(&mut stage), ["alice fcm"]);
}

#[test]
fn a_new_token_registers_the_device_again() {
    let (mut stage, alice, ..) = two();
    stage.ask(alice, Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("d1"))).unwrap();
    let before = stage.admin("state", &json!({})).unwrap()["stats"]["requests"].as_u64().unwrap();
    let token = chat_proto::Token::new(stage.token("alice", Duration::from_hours(2))).unwrap();
    stage.ask(alice, Call::UpdateToken(token)).unwrap();
    stage.settle();
    let after = stage.admin("state", &json!({})).unwrap()["stats"]["requests"].as_u64().unwrap();
    assert_eq!((registrations(&mut stage).len(), after - before), (1, 1));
}
