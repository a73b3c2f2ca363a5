use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::config::Config;
use crate::seed::Seed;
use crate::twilsock::Submit;

fn cx() -> Cx {
    let (ids, jitter) = Seed::from_number(1).split();
    Cx::new(Config::default(), ids, jitter, Time::ZERO)
}

fn url(path: &str) -> Url {
    Url::parse(&format!("https://aim.twilio.com{path}")).unwrap()
}

/// Tags of the requests that left since the last look.
fn sent(cx: &mut Cx) -> Vec<RestId> {
    let submits = cx.submits.drain(..);
    let tags = submits.filter_map(|submit| match submit {
        Submit::Request { owner: Owner::Chat(Tag::Rest(tag)), request, .. } => {
            assert_eq!((request.method, request.retry, request.body), (Method::Get, Retry::ChatRead, None));
            Some(tag)
        }
        _ => None,
    });
    tags.collect()
}

#[expect(clippy::unnecessary_wraps, reason = "what `reply` takes")]
fn good(body: &[u8]) -> Result<HttpReply<'_>, RequestError> {
    Ok(HttpReply { status: 200, body })
}

#[test]
fn the_same_read_is_never_under_way_twice() {
    let (mut cx, mut rest) = (cx(), Rest::new());
    let ids = [
        rest.get(&mut cx, url("/a?x=1")),
        rest.get(&mut cx, url("/a?x=1")),
        rest.get(&mut cx, url("/a?x=2")),
    ];
    let tags = sent(&mut cx);
    assert_eq!(tags, [ids[0], ids[2]]);
    rest.reply(&mut cx, tags[0], good(b"one"));
    let answers: Vec<_> =
        core::iter::from_fn(|| rest.poll()).map(|event| (event.id, event.result.unwrap())).collect();
    assert_eq!(answers, [(ids[0], Arc::from(*b"one")), (ids[1], Arc::from(*b"one"))]);
    // No lifetime yet: the next one asks again.
    rest.get(&mut cx, url("/a?x=1"));
    assert_eq!(sent(&mut cx).len(), 1);
}

#[test]
fn good_answers_are_kept_for_their_lifetime() {
    let (mut cx, mut rest) = (cx(), Rest::new());
    rest.set_lifetime(Duration::from_secs(5));
    rest.get(&mut cx, url("/a"));
    let tag = sent(&mut cx)[0];
    rest.reply(&mut cx, tag, good(b"one"));
    rest.poll().unwrap();
    cx.now = Time::from_millis(5000);
    let id = rest.get(&mut cx, url("/a"));
    assert_eq!(sent(&mut cx), []);
    assert_eq!(rest.poll(), Some(RestEvent { id, result: Ok(Arc::from(*b"one")) }));
    cx.now = Time::from_millis(5001);
    rest.get(&mut cx, url("/a"));
    assert_eq!(sent(&mut cx).len(), 1);
    rest.set_lifetime(Duration::ZERO);
    cx.now = Time::from_millis(4000);
    rest.get(&mut cx, url("/b"));
    assert_eq!(sent(&mut cx).len(), 1);
}

#[test]
fn bad_answers_are_typed_and_not_kept() {
    let (mut cx, mut rest) = (cx(), Rest::new());
    rest.set_lifetime(Duration::from_secs(5));
    let refused = CallError::Rest { status: 404, code: 50300, message: "Channel not found".into() };
    let cases = [
        (
            Ok(HttpReply {
                status: 404,
                body: br#"{"status":404,"code":50300,"message":"Channel not found"}"#,
            }),
            refused,
        ),
        (
            Ok(HttpReply { status: 429, body: b"<html>" }),
            CallError::Rest { status: 429, code: 0, message: "too many requests".into() },
        ),
        (Err(RequestError::Lost), CallError::DeadlineExceeded(crate::error::Phase::Sent)),
        (Err(RequestError::TimedOut), CallError::DeadlineExceeded(crate::error::Phase::Sent)),
        (
            Err(RequestError::Refused { status: 400, code: 1, message: "no".into() }),
            CallError::Transport { status: 400, code: 1, message: "no".into() },
        ),
        (Err(RequestError::ShutDown), CallError::ShutDown),
    ];
    for (reply, error) in cases {
        let id = rest.get(&mut cx, url("/a"));
        assert_eq!(sent(&mut cx), [id]);
        rest.reply(&mut cx, id, reply);
        assert_eq!(rest.poll(), Some(RestEvent { id, result: Err(error) }));
    }
}

#[test]
fn forgotten_reads_are_not_answered() {
    let (mut cx, mut rest) = (cx(), Rest::new());
    let (first, second) = (rest.get(&mut cx, url("/a")), rest.get(&mut cx, url("/a")));
    rest.forget(&mut cx, first);
    assert_eq!(sent(&mut cx), [first]);
    rest.reply(&mut cx, first, good(b"one"));
    assert_eq!(rest.poll().map(|event| event.id), Some(second));
    assert_eq!(rest.poll(), None);

    let alone = rest.get(&mut cx, url("/b"));
    cx.submits.clear();
    rest.forget(&mut cx, alone);
    assert!(matches!(cx.submits.pop_front(), Some(Submit::Forget(_))));
    rest.reply(&mut cx, alone, good(b"late"));
    assert_eq!((rest.poll(), cx.stats.stale), (None, 1));
}

#[test]
fn the_cache_is_bounded() {
    let (mut cx, mut rest) = (cx(), Rest::new());
    cx.config.limits.cached_answers = 3;
    rest.set_lifetime(Duration::from_mins(1));
    for n in 0..10 {
        let id = rest.get(&mut cx, url(&format!("/{n}")));
        rest.reply(&mut cx, id, good(b"x"));
    }
    assert_eq!(rest.kept.len(), 3);
    sent(&mut cx);
    for n in 6..10 {
        rest.get(&mut cx, url(&format!("/{n}")));
    }
    assert_eq!(sent(&mut cx).len(), 1, "the newest three are kept");
}
