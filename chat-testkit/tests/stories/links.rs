//! What happens to sockets and tokens.

use std::time::Duration;

use chat_proto::{Call, Config, Network, Token};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::{Teller, message};

pub(crate) fn cut() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.cut(a);
    it.say("burst", &json!({ "channel": "general", "author": "bob", "count": 2 }));
    it.start(a, message(&ch, "written while offline")).unwrap();
    it.wait(3000);
    it.end()
}

pub(crate) fn half_open() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.freeze(a, true);
    it.start(a, message(&ch, "into the void")).unwrap();
    it.wait(1000);
    it.freeze(a, false);
    // The watchdog takes 45 s of silence.
    it.wait(80_000);
    it.end()
}

pub(crate) fn network_changes() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.network(a, Network::Changed);
    it.wait(2000);
    it.note(a, "into a tunnel");
    it.reachable(false);
    it.network(a, Network::Offline);
    it.start(a, message(&ch, "in the tunnel")).unwrap();
    it.wait(10_000);
    it.note(a, "out of the tunnel, in the middle of a wait");
    it.reachable(true);
    it.network(a, Network::Online);
    it.wait(2000);
    it.end()
}

pub(crate) fn restart() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.reachable(false);
    it.say("drop", &json!({ "graceful": true, "code": 1012 }));
    it.start(a, message(&ch, "is anybody there?")).unwrap();
    it.wait(6000);
    it.note(a, "the service is back, and forgot the session");
    it.reachable(true);
    it.admin("dropSession", &json!({ "identity": "alice" })).unwrap();
    it.wait(60_000);
    it.end()
}

pub(crate) fn offload() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.say(
        "close",
        &json!({ "identity": "alice", "code": 308, "description": "offload", "backoffMs": 3000 }),
    );
    it.wait(5000);
    it.good(a, message(&ch, "on the other machine"));
    it.end()
}

pub(crate) fn token_expires() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let a = it.alice;
    it.say("tokenAboutToExpire", &json!({ "identity": "alice" }));
    it.settle();
    let token = Token::new(it.token("alice", Duration::from_mins(10))).unwrap();
    it.good(a, Call::UpdateToken(token));
    it.settle();
    it.say("expireToken", &json!({ "identity": "alice" }));
    it.wait(3000);
    let token = Token::new(it.token("alice", Duration::from_hours(1))).unwrap();
    it.good(a, Call::UpdateToken(token));
    it.settle();
    it.good(a, message(&ch, "with the third token"));
    it.end()
}

pub(crate) fn token_refused() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let a = it.alice;
    it.say("deny", &json!({ "identity": "alice" }));
    it.cut(a);
    it.wait(3000);
    it.say("deny", &json!({ "identity": "alice", "on": false }));
    let token = Token::new(it.token("alice", Duration::from_hours(2))).unwrap();
    it.good(a, Call::UpdateToken(token));
    it.settle();
    let token = it.token("alice", Duration::from_mins(10));
    it.note(a, "the service refuses the next token");
    it.admin("revoke", &json!({ "token": token, "code": 401, "errorCode": 20101 })).unwrap();
    it.bad(a, Call::UpdateToken(Token::new(token).unwrap()));
    it.settle();
    let token = Token::new(it.token("alice", Duration::from_secs(7201))).unwrap();
    it.good(a, Call::UpdateToken(token));
    it.end()
}

/// The program ends without a word, and begins again with what it had saved.
pub(crate) fn crash() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let mut config = Config::default();
    config.write_ahead = true;
    let bob = it.enter_with("bob", config);
    it.settle();
    let ch = it.create("general");
    it.good(bob, Call::GetChannelBySid(ch.clone()));
    it.good(bob, Call::Join(ch.clone()));
    it.settle();
    it.start(bob, message(&ch, "sent just before the crash")).unwrap();
    it.wait(30);
    let saved = it.disk(bob).cloned().unwrap();
    it.note(bob, "bob's program crashes, and begins again with its newest save");
    it.crash(bob, saved).unwrap();
    it.wait(40_000);
    it.end()
}
