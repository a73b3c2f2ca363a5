//! Starts that do not go well.

use std::time::Duration;

use chat_proto::{Cause, Token};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::Teller;

/// Nobody listens, the name does not resolve, the certificate is another's, nothing ever answers; then the service is
/// there.
pub(crate) fn unreachable() -> SessionFile {
    let mut it = Teller::starting(|stage| stage.reachable(false));
    let alice = it.alice;
    it.wait(2500);
    it.note(alice, "now the name does not resolve");
    it.unreachable_because(Cause::Failed("the name \"service.test\" does not resolve".into()));
    it.wait(6000);
    it.note(alice, "now somebody else answers, with a certificate that nobody trusts");
    it.unreachable_because(Cause::Untrusted("the certificate was made for another name".into()));
    it.wait(30_000);
    it.reachable(true);
    it.freeze(alice, true);
    it.wait(100_000);
    it.freeze(alice, false);
    it.wait(100_000);
    it.end()
}

/// The first token is refused, then an expired one, then a good one comes.
pub(crate) fn refused() -> SessionFile {
    let mut it = Teller::starting(|stage| {
        let deny = json!({ "identity": "alice", "code": 401, "errorCode": 20_101, "description": "Invalid Access Token" });
        stage.admin("deny", &deny).unwrap();
    });
    let alice = it.alice;
    it.wait(60_000);
    let expired = json!({ "identity": "alice", "code": 401, "errorCode": 20_104, "description": "Access Token expired" });
    it.say("deny", &expired);
    let token = Token::new(it.token("alice", Duration::from_mins(1))).unwrap();
    it.bad(alice, chat_proto::Call::UpdateToken(token));
    it.wait(60_000);
    it.say("deny", &json!({ "identity": "alice", "on": false }));
    let token = Token::new(it.token("alice", Duration::from_hours(1))).unwrap();
    it.good(alice, chat_proto::Call::UpdateToken(token));
    it.end()
}

/// The service puts the client off: with and without a wait of its own, with each kind of failure (spec 01 §4.4).
pub(crate) fn put_off() -> SessionFile {
    let mut it = Teller::starting(|stage| {
        let init = json!({ "method": "init" });
        for ms in [2000, 2000, 3000] {
            let body = json!({ "backoff_policy": { "reconnect_min_ms": ms, "reconnect_max_ms": 2 * ms } });
            let rule =
                json!({ "on": "twilsock", "match": init, "status": 429, "errorCode": 51_202, "body": body });
            stage.admin("fault", &rule).unwrap();
        }
        for effect in [
            json!({ "status": 429 }),
            json!({ "status": 500, "description": "no close frame follows this one" }),
            json!({ "status": 503 }),
            json!({ "noReply": true }),
            json!({ "drop": true }),
        ] {
            let mut rule = effect;
            rule["on"] = "twilsock".into();
            rule["match"] = init.clone();
            stage.admin("fault", &rule).unwrap();
        }
    });
    let alice = it.alice;
    it.note(alice, "429 with waits of 2, 2 and 3 s, 429 without, 500, 503, silence, a cut");
    it.wait(360_000);
    it.end()
}

/// Connected, but the session cannot be made: notifications are refused, the list fails, its map is not there yet.
pub(crate) fn no_session() -> SessionFile {
    let mut it = Teller::starting(|stage| {
        let context = json!({ "method": "put_notification_ctx" });
        for rule in [
            json!({ "on": "twilsock", "match": context, "status": 503 }),
            json!({ "on": "twilsock", "match": context, "noReply": true }),
            json!({ "on": "http", "match": { "method": "POST", "path": "/Lists$" }, "status": 503, "count": 6 }),
            json!({ "on": "http", "match": { "path": "alice.channels$" }, "status": 404, "code": 54_300 }),
            json!({ "on": "http", "match": { "path": "SyncList$" }, "status": 500, "count": 4 }),
        ] {
            stage.admin("fault", &rule).unwrap();
        }
    });
    let alice = it.alice;
    it.note(alice, "notifications are refused and then not answered; the session list, the map and the list of channels fail");
    it.wait(200_000);
    it.end()
}
