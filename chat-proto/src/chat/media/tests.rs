use core::time::Duration;

use alloc::format;

use super::*;
use crate::call::Cancel;
use crate::chat::rig::Rig;
use crate::config::Config;
use crate::error::Phase;
use crate::http::HttpMethod;
use crate::json::Json;

const RECORD: &str =
    r#"{"sid":"ME1","size":9,"links":{"content_direct_temporary":"https://media.test/hunter2?x=1"}}"#;
const SECOND: Duration = Duration::from_secs(1);

fn rig() -> Rig {
    Rig::new(Config::default())
}

fn upload(filename: Option<&str>) -> Call {
    Call::SendMedia(SendMedia {
        channel: "CH1".into(),
        media: MediaId(7),
        content_type: "image/png".into(),
        filename: filename.map(Into::into),
        attributes: Json::empty_object(),
    })
}

fn download() -> Call {
    Call::DownloadMedia { media: "ME1".into(), to: MediaId(8) }
}

fn broke() -> Result<HttpReply, HttpFailure> {
    Err(HttpFailure::Failed("reset".into()))
}

#[test]
fn media_are_uploaded_before_their_message() {
    let mut rig = rig();
    let id = rig.call(upload(Some("a b.png")));
    let (http, request) = rig.one_http();
    assert_eq!(request.method, HttpMethod::Post);
    assert_eq!(
        request.url.expose_secret(),
        "https://mcs.us1.twilio.com/v1/Services/IS1/Media?Filename=a%20b.png"
    );
    assert_eq!(Rig::header(&request, "X-Twilio-Token"), Some("hunter2-1"));
    assert_eq!(Rig::header(&request, "Content-Type"), Some("image/png"));
    assert_eq!((request.body, request.to), (HttpBody::Media(MediaId(7)), None));
    rig.progress(http, 4);
    rig.progress(http, 4);
    rig.progress(http, 9);
    let told = [4, 9].map(|sent| Event::UploadProgress { call: id, sent });
    assert_eq!(rig.events(), told);
    rig.replied(http, 201, r#"{"sid":"ME1"}"#);
    // Now it is a session command that waits for the session list.
    assert_eq!(rig.chat.calls.get(id).map(|pending| pending.wait.clone()), Some(Wait::Command));
    assert_eq!(rig.chat.cancel(&mut rig.cx, id), Cancel::Cancelled);
    assert_eq!(rig.answer(id), Some(Err(CallError::Cancelled)));
    assert_eq!(rig.http().1, []);
}

/// Q22: whatever the content type is, the bytes go as they are: the core never sees them.
#[test]
fn q22_json_media_are_bytes_like_any_other() {
    let mut rig = rig();
    let Call::SendMedia(mut send) = upload(None) else { unreachable!() };
    send.content_type = "application/json".into();
    rig.call(Call::SendMedia(send));
    let (_, request) = rig.one_http();
    assert_eq!(request.body, HttpBody::Media(MediaId(7)));
    assert_eq!(Rig::header(&request, "Content-Type"), Some("application/json"));
}

#[test]
fn an_upload_is_cancelled_with_its_request() {
    let mut rig = rig();
    let id = rig.call(upload(None));
    let (http, _) = rig.one_http();
    assert_eq!(rig.chat.cancel(&mut rig.cx, id), Cancel::Cancelled);
    assert_eq!(rig.http().1, [http]);
    assert_eq!(rig.answer(id), Some(Err(CallError::Cancelled)));
    // What comes now is stale.
    rig.replied(http, 201, r#"{"sid":"ME1"}"#);
    rig.progress(http, 1);
    assert_eq!((rig.cx.stats.stale, rig.events().len()), (2, 0));
    assert_eq!(rig.cx.timers.armed(crate::chat::Timer::HttpIdle(id)), None);
}

#[test]
fn uploads_that_may_have_failed_are_repeated() {
    let mut rig = rig();
    let id = rig.call(upload(None));
    let (first, request) = rig.one_http();
    rig.progress(first, 5);
    rig.done(first, broke());
    rig.pass(SECOND);
    let (second, again) = rig.one_http();
    assert_eq!(again, request);
    rig.replied(second, 503, "");
    rig.pass(SECOND);
    assert_eq!(rig.http().0, [], "the second wait is longer");
    rig.pass(SECOND);
    let (third, _) = rig.one_http();
    rig.replied(third, 502, r#"{"code":5,"message":"no"}"#);
    let error = CallError::Media { status: 502, code: 5, message: "no".into() };
    assert_eq!(rig.answer(id), Some(Err(error)));
    assert_eq!(rig.cx.stats.http_requests, 3);
}

#[test]
fn what_will_not_get_better_is_not_repeated() {
    let failures = [
        HttpFailure::Untrusted("x".into()),
        HttpFailure::TooLarge,
        HttpFailure::Media("x".into()),
        HttpFailure::Refused("x".into()),
    ];
    for failure in failures {
        let mut rig = rig();
        let id = rig.call(upload(None));
        let (http, _) = rig.one_http();
        rig.done(http, Err(failure.clone()));
        assert_eq!(rig.answer(id), Some(Err(CallError::Transfer(failure))));
    }
    for status in [100, 204, 302, 400, 401, 403, 404, 413, 500] {
        let mut rig = rig();
        let id = rig.call(upload(None));
        let (http, _) = rig.one_http();
        rig.replied(http, status, "");
        assert!(matches!(rig.answer(id), Some(Err(_))), "{status}");
    }
}

#[test]
fn a_request_in_which_nothing_moves_is_given_up() {
    let mut rig = rig();
    let config = &mut rig.cx.config;
    (config.reply_timeout, config.call_timeout) = (SECOND * 10, SECOND * 100);
    let id = rig.call(upload(None));
    let (http, _) = rig.one_http();
    rig.pass(SECOND * 9);
    rig.progress(http, 1);
    rig.pass(SECOND * 9);
    assert_eq!(rig.http().1, [], "something moved");
    // Saying the same again is not moving.
    rig.progress(http, 1);
    rig.pass(SECOND);
    assert_eq!(rig.http().1, [http]);
    rig.pass(SECOND * 60);
    assert_eq!(rig.http().0.len(), 2);
    assert_eq!(rig.answer(id), Some(Err(CallError::Transfer(HttpFailure::TimedOut))));
}

#[test]
fn a_call_may_take_as_long_as_something_moves() {
    let mut rig = rig();
    let id = rig.call(upload(None));
    let (http, _) = rig.one_http();
    for n in 1..20 {
        rig.pass(SECOND * 20);
        rig.progress(http, n);
    }
    assert_eq!(rig.answer(id), None);
    rig.pass(SECOND * 30);
    let late = CallError::DeadlineExceeded(Phase::Sent);
    assert_eq!(rig.answer(id), Some(Err(late)));
    assert_eq!(rig.http().1, [http]);
    assert_eq!(rig.cx.timers.armed(crate::chat::Timer::HttpAgain(id)), None);
}

#[test]
fn offline_nothing_leaves_and_nothing_counts() {
    let mut rig = rig();
    rig.offline();
    let id = rig.call(upload(None));
    assert_eq!(rig.http().0, []);
    rig.online();
    for _ in 0..5 {
        let (http, _) = rig.one_http();
        rig.offline();
        rig.done(http, broke());
        rig.pass(SECOND * 60);
        assert_eq!((rig.http().0.len(), rig.answer(id)), (0, None));
        rig.online();
    }
    let (http, _) = rig.one_http();
    rig.replied(http, 201, r#"{"sid":"ME1"}"#);
    assert_eq!(rig.chat.calls.get(id).map(|pending| pending.wait.clone()), Some(Wait::Command));
}

#[test]
fn only_so_many_at_once_and_in_order() {
    let mut config = Config::default();
    config.limits.http_in_flight = 2;
    let mut rig = Rig::new(config);
    let urls = |made: &[(HttpId, HttpRequest)]| -> Vec<String> {
        made.iter()
            .map(|(_, request)| request.url.expose_secret().rsplit('/').next().unwrap().into())
            .collect()
    };
    let ids: Vec<CallId> =
        (0..5).map(|n| rig.call(Call::GetMediaUrl(format!("ME{n}").as_str().into()))).collect();
    let (made, _) = rig.http();
    assert_eq!(urls(&made), ["ME0", "ME1"]);
    rig.replied(made[1].0, 200, RECORD);
    let (next, _) = rig.http();
    assert_eq!(urls(&next), ["ME2"]);
    // A place that is given up is taken at once.
    assert_eq!(rig.chat.cancel(&mut rig.cx, ids[3]), Cancel::Cancelled);
    assert_eq!(rig.chat.cancel(&mut rig.cx, ids[0]), Cancel::Cancelled);
    let (next, cancelled) = rig.http();
    assert_eq!((urls(&next), cancelled), (vec_of("ME4"), [made[0].0].into()));
}

fn vec_of(text: &str) -> Vec<String> {
    [text.into()].into()
}

/// Q23 and spec 03 §18: one read of the description, which goes again after 429 and 502 to 504.
#[test]
fn q23_the_temporary_address_is_read_once_and_again_where_it_helps() {
    let mut rig = rig();
    let id = rig.call(Call::GetMediaUrl("ME1".into()));
    let (http, request) = rig.one_http();
    assert_eq!(request.method, HttpMethod::Get);
    assert_eq!(request.url.expose_secret(), "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1");
    assert_eq!(Rig::header(&request, "X-Twilio-Token"), Some("hunter2-1"));
    let throttled = HttpReply::new(429, "").with_retry_after(Some(SECOND * 3));
    rig.done(http, Ok(throttled));
    rig.pass(SECOND * 2);
    assert_eq!(rig.http().0, []);
    rig.pass(SECOND);
    let (http, _) = rig.one_http();
    rig.replied(http, 200, RECORD);
    let Some(Ok(reply)) = rig.answer(id) else { panic!() };
    assert!(!format!("{reply:?}").contains("hunter2"));
    assert_eq!(reply, Reply::MediaUrl(Secret::new("https://media.test/hunter2?x=1")));

    rig.cx.config.retry_when_throttled = false;
    let id = rig.call(Call::GetMediaUrl("ME1".into()));
    let (http, _) = rig.one_http();
    rig.replied(http, 429, "");
    assert!(matches!(rig.answer(id), Some(Err(CallError::Media { status: 429, .. }))));
}

#[test]
fn media_are_fetched_without_the_token() {
    let mut rig = rig();
    let id = rig.call(download());
    let (http, _) = rig.one_http();
    rig.progress(http, 3);
    assert_eq!(rig.events(), [], "the description is not the media");
    rig.replied(http, 200, RECORD);
    let (http, request) = rig.one_http();
    assert_eq!(request.url.expose_secret(), "https://media.test/hunter2?x=1");
    assert_eq!((request.headers.len(), request.to), (0, Some(MediaId(8))));
    rig.progress(http, 9);
    assert_eq!(rig.events(), [Event::DownloadProgress { call: id, received: 9, size: 9 }]);
    rig.replied(http, 200, "");
    assert_eq!(rig.answer(id), Some(Ok(Reply::Done)));
}

#[test]
fn a_download_goes_again_only_before_its_first_byte() {
    let mut rig = rig();
    let id = rig.call(download());
    let (http, _) = rig.one_http();
    rig.replied(http, 200, RECORD);
    let (http, _) = rig.one_http();
    rig.done(http, broke());
    rig.pass(SECOND);
    let (http, _) = rig.one_http();
    rig.progress(http, 1);
    rig.done(http, broke());
    let error = CallError::Transfer(HttpFailure::Failed("reset".into()));
    assert_eq!(rig.answer(id), Some(Err(error)));
}

#[test]
fn an_address_that_ended_is_asked_for_once_more() {
    let mut rig = rig();
    let id = rig.call(download());
    for (status, body) in [(200, RECORD), (403, ""), (200, RECORD)] {
        let (http, _) = rig.one_http();
        rig.replied(http, status, body);
    }
    let (http, request) = rig.one_http();
    assert_eq!(request.to, Some(MediaId(8)));
    rig.replied(http, 403, "");
    assert!(matches!(rig.answer(id), Some(Err(CallError::Media { status: 403, .. }))));
}

#[test]
fn an_answer_up_to_the_limit_is_taken_and_one_byte_more_is_not() {
    for (limit, fits) in [(RECORD.len(), true), (RECORD.len() - 1, false), (8, false)] {
        let mut config = Config::default();
        config.limits.http_body_bytes = limit;
        let mut rig = Rig::new(config);
        let id = rig.call(Call::GetMediaUrl("ME1".into()));
        let (http, request) = rig.one_http();
        assert_eq!(request.max_body, limit);
        rig.replied(http, 200, RECORD);
        let answer = rig.answer(id);
        if fits {
            assert!(matches!(answer, Some(Ok(Reply::MediaUrl(_)))), "{answer:?}");
        } else {
            assert_eq!(answer, Some(Err(CallError::Transfer(HttpFailure::TooLarge))));
        }
    }
}

#[test]
fn without_a_media_service_there_is_a_typed_error() {
    let mut rig = rig();
    if let Some(context) = &mut rig.chat.context {
        context.links.media_service = None;
    }
    for call in [upload(None), Call::GetMediaUrl("ME1".into())] {
        let id = rig.call(call);
        assert_eq!(rig.answer(id), Some(Err(CallError::NoMediaService)));
    }
}

#[test]
fn bad_arguments_are_named() {
    let change = |change: fn(&mut SendMedia)| {
        let Call::SendMedia(mut send) = upload(None) else { unreachable!() };
        change(&mut send);
        Call::SendMedia(send)
    };
    for (call, wrong) in [
        (change(|send| send.content_type = "".into()), "content_type"),
        (change(|send| send.content_type = "a\r\nX: y".into()), "content_type"),
        (change(|send| send.filename = Some("".into())), "filename"),
        (change(|send| send.attributes = Json::null()), "attributes"),
        (Call::GetMediaUrl("".into()), "media"),
        (Call::DownloadMedia { media: "".into(), to: MediaId(1) }, "media"),
    ] {
        let mut rig = rig();
        let id = rig.call(call);
        let answer = rig.answer(id);
        assert!(
            matches!(&answer, Some(Err(CallError::InvalidArgument { argument, .. })) if argument == wrong),
            "{answer:?}"
        );
        assert_eq!(rig.http().0, []);
    }
}
