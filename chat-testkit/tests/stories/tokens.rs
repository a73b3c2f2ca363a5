//! Access tokens in every state of the connection (spec 01 §4.2).

use std::time::Duration;

use chat_proto::{Call, CallId, Token};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::Teller;

/// A new token each time: the one that is stored would change nothing.
fn fresh(it: &Teller) -> Call {
    Call::UpdateToken(Token::new(it.token("alice", Duration::from_hours(2))).unwrap())
}

/// What brings the connection into a state, and its name.
type Situation = (&'static str, fn(&mut Teller));

const SITUATIONS: [Situation; 10] = [
    ("opening a socket", |it| {
        let alice = it.alice;
        it.cut(alice);
        let opens = it.opens(alice).len();
        while it.opens(alice).len() == opens {
            it.wait(1);
        }
    }),
    ("initialising", |it| {
        let alice = it.alice;
        it.say("fault", &json!({ "on": "twilsock", "match": { "method": "init" }, "delayMs": 1000 }));
        it.cut(alice);
        it.wait(1300);
    }),
    ("connected", |_| {}),
    ("updating", |it| {
        let alice = it.alice;
        it.say("fault", &json!({ "on": "twilsock", "match": { "method": "update" }, "delayMs": 1000 }));
        let token = Token::new(it.token("alice", Duration::from_mins(59))).unwrap();
        it.start(alice, Call::UpdateToken(token)).unwrap();
        it.wait(50);
    }),
    ("retrying", |it| {
        let alice = it.alice;
        it.cut(alice);
        it.wait(100);
    }),
    ("closing after an expiry", |it| {
        it.admin("expireToken", &json!({ "close": false })).unwrap();
        it.say("close", &json!({ "code": 410, "errorCode": 51_207, "closeSocketAfterMs": 2000 }));
        it.wait(6);
    }),
    ("closing after an offload", |it| {
        it.say("close", &json!({ "code": 308, "closeSocketAfterMs": 2000 }));
        it.wait(6);
    }),
    ("disconnected", |it| {
        it.say("expireToken", &json!({}));
        it.wait(4000);
    }),
    ("denied", |it| {
        let alice = it.alice;
        let rule =
            json!({ "on": "twilsock", "match": { "method": "init" }, "status": 401, "errorCode": 20_101 });
        it.say("fault", &rule);
        it.cut(alice);
        it.wait(2000);
    }),
    ("unsupported", |it| {
        it.say("close", &json!({ "code": 417, "errorCode": 1 }));
        it.wait(1000);
    }),
];

/// A good token leads to `connected` from everywhere.
pub(crate) fn good() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let alice = it.alice;
    for (name, arrange) in SITUATIONS {
        it.note(alice, &format!("==== a good token while {name}"));
        arrange(&mut it);
        let token = fresh(&it);
        it.good(alice, token);
        it.wait(1500);
    }
    it.end()
}

/// A token that the service refuses is tried once, wherever it comes; a good one helps afterwards.
pub(crate) fn bad() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let alice = it.alice;
    for (name, arrange) in SITUATIONS {
        it.note(alice, &format!("==== a token that is refused while {name}"));
        arrange(&mut it);
        let token = it.token("alice", Duration::from_hours(3));
        it.admin("revoke", &json!({ "token": token, "code": 401, "errorCode": 20_101 })).unwrap();
        it.bad(alice, Call::UpdateToken(Token::new(token).unwrap()));
        it.wait(1000);
        let token = fresh(&it);
        it.good(alice, token);
        it.wait(1500);
    }
    it.end()
}

/// The warning comes when it should; nobody hears it, so the token expires; another is warned of twice.
pub(crate) fn warned() -> SessionFile {
    let mut it = Teller::new(json!({ "tokenWarnMs": 20_000 }));
    let alice = it.alice;
    let short = Token::new(it.token("alice", Duration::from_secs(40))).unwrap();
    it.note(alice, "a token of 40 s; the service warns 20 s before its end");
    it.good(alice, Call::UpdateToken(short));
    it.wait(60_000);
    it.note(alice, "one of 60 s, and the service warns twice of it");
    let short = Token::new(it.token("alice", Duration::from_mins(1))).unwrap();
    it.good(alice, Call::UpdateToken(short));
    it.wait(45_000);
    it.say("tokenAboutToExpire", &json!({}));
    it.wait(1000);
    let token = fresh(&it);
    it.good(alice, token);
    it.wait(1000);
    it.note(alice, "the service does not warn of the next one, of 40 s, so the client asks by its own clock");
    it.say("config", &json!({ "tokenTimers": false }));
    let short = Token::new(it.token("alice", Duration::from_secs(40))).unwrap();
    it.good(alice, Call::UpdateToken(short));
    it.wait(35_000);
    let token = fresh(&it);
    it.good(alice, token);
    it.wait(1500);
    for ((name, arrange), life) in SITUATIONS.into_iter().zip(LIVES) {
        warned_while(&mut it, name, arrange, life);
    }
    it.end()
}

/// How long the tokens live that are about to expire in the situations, in seconds: three quarters of it are the moment at
/// which a client asks by its own clock, and they fall into the state. 0: the service warns.
const LIVES: [u64; SITUATIONS.len()] = [2, 2, 0, 0, 1, 1, 1, 6, 3, 2];

fn warned_while(it: &mut Teller, name: &str, arrange: fn(&mut Teller), life: u64) {
    let alice = it.alice;
    // Tokens end with a second of the service's clock, which has the milliseconds of ours.
    let late = it.now().as_millis() % 1000;
    it.wait(1000 - late);
    let asked = it.now() + Duration::from_millis(life * 750);
    it.note(alice, &format!("==== the token is about to expire while {name}"));
    if life == 0 {
        arrange(it);
        it.say("tokenAboutToExpire", &json!({}));
    } else {
        let short = Token::new(it.token("alice", Duration::from_secs(life))).unwrap();
        it.good(alice, Call::UpdateToken(short));
        arrange(it);
        it.note(alice, "its host looks at the clock");
        it.tick_at(alice, asked);
    }
    it.wait(1000);
    let token = fresh(it);
    it.good(alice, token);
    it.wait(1500);
}

/// Other ways in which a token expires.
const EXPIRIES: [Situation; 2] = [
    ("on the way to `update`", |it| {
        let alice = it.alice;
        it.say(
            "fault",
            &json!({ "on": "twilsock", "match": { "method": "update" }, "status": 401, "errorCode": 20_104 }),
        );
        let token = Token::new(it.token("alice", Duration::from_mins(59))).unwrap();
        it.bad(alice, Call::UpdateToken(token));
    }),
    ("while offline", |it| {
        let alice = it.alice;
        it.reachable(false);
        it.cut(alice);
        it.admin("expireToken", &json!({ "close": false })).unwrap();
        it.wait(2000);
        it.reachable(true);
        let rule =
            json!({ "on": "twilsock", "match": { "method": "init" }, "status": 401, "errorCode": 20_104 });
        it.say("fault", &rule);
        it.wait(4000);
    }),
];

/// An expired token is told once and asked for once, wherever it expires; a good one helps.
pub(crate) fn expired() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let alice = it.alice;
    for (name, arrange) in SITUATIONS {
        it.note(alice, &format!("==== the token expires while {name}"));
        // The one that is in use, whatever happens meanwhile.
        let token = it.token("alice", Duration::from_hours(2));
        it.good(alice, Call::UpdateToken(Token::new(token.as_str()).unwrap()));
        arrange(&mut it);
        it.note(alice, "it expires, and the service closes what goes by it");
        it.admin("revoke", &json!({ "token": token, "code": 401, "errorCode": 20_104 })).unwrap();
        it.say("close", &json!({ "code": 410, "errorCode": 51_207 }));
        it.wait(3000);
        let token = fresh(&it);
        it.good(alice, token);
        it.wait(1500);
    }
    for (name, arrange) in EXPIRIES {
        it.note(alice, &format!("==== the token expires {name}"));
        arrange(&mut it);
        it.wait(1000);
        let token = fresh(&it);
        it.good(alice, token);
        it.wait(1500);
    }
    it.end()
}

/// Updates that fail: throttled, refused for no reason; and those that the next connection makes good: without an answer,
/// and cut in the middle.
pub(crate) fn updates_fail() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let alice = it.alice;
    let body = json!({ "backoff_policy": { "reconnect_min_ms": 3000 } });
    for mut rule in [json!({ "status": 429, "body": body }), json!({ "status": 500 })] {
        rule["on"] = "twilsock".into();
        rule["match"] = json!({ "method": "update" });
        it.say("fault", &rule);
        let token = fresh(&it);
        it.bad(alice, token);
        it.wait(5000);
    }
    let silence = json!({ "on": "twilsock", "match": { "method": "update" }, "noReply": true });
    it.say("fault", &silence);
    let token = fresh(&it);
    it.good(alice, token);
    it.wait(5000);
    it.say("fault", &silence);
    let token = fresh(&it);
    let racing: CallId = it.start(alice, token).unwrap();
    it.wait(500);
    it.cut(alice);
    it.answer(alice, racing).unwrap().unwrap();
    it.end()
}
