//! A service that closes, is away for long, is silent, slow, or says too much; and clocks.

use std::time::Duration;

use chat_proto::{Call, CallDeadline, CallOptions, GetMessages, Token};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::{Teller, message};

/// The close codes of spec 01 §2.9. Where the client stays away, a token brings it back.
pub(crate) fn close_codes() -> SessionFile {
    let mut it = Teller::new(json!({}));
    let alice = it.alice;
    let reconnecting = [
        json!({ "code": 308 }),
        json!({ "code": 308, "backoffMs": 2500, "closeSocket": false }),
        json!({ "code": 503, "backoffMs": 60_000, "description": "of an unknown code the wait does not count" }),
    ];
    for close in reconnecting {
        it.say("close", &close);
        it.wait(8000);
    }
    it.note(alice, "and while the connection is being made");
    it.say("fault", &json!({ "on": "twilsock", "match": { "method": "init" }, "delayMs": 1000 }));
    it.cut(alice);
    it.wait(1500);
    it.say("close", &json!({ "code": 308, "backoffMs": 2500 }));
    it.wait(5000);
    for (code, error_code) in
        [(401, 20_101), (401, 20_104), (410, 51_207), (308, 51_232), (406, 51_214), (417, 51_215)]
    {
        it.say("close", &json!({ "code": code, "errorCode": error_code }));
        it.wait(5000);
        let token = Token::new(it.token("alice", Duration::from_hours(1))).unwrap();
        it.good(alice, Call::UpdateToken(token));
        it.wait(1000);
    }
    it.say("close", &json!({ "code": 417, "errorCode": 1 }));
    it.wait(1000);
    it.good(alice, Call::Shutdown { drain_until: None });
    it.end()
}

/// Ten minutes without a service: 1, 2, 4 … 120 s, each ± 20 % (spec 01 §3.8).
pub(crate) fn long_outage() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let alice = it.alice;
    it.reachable(false);
    it.cut(alice);
    let patient = CallOptions { deadline: CallDeadline::Never };
    it.start_with(alice, message(&ch, "for later"), patient).unwrap();
    it.wait(600_000);
    it.note(alice, "the service is back");
    it.reachable(true);
    it.wait(150_000);
    it.end()
}

/// A laptop sleeps for eight hours, and its clock jumps.
pub(crate) fn sleep_and_clocks() -> SessionFile {
    let (mut it, _) = Teller::with_channel(json!({}));
    let alice = it.alice;
    it.reachable(false);
    it.cut(alice);
    it.wait(2000);
    it.note(alice, "the computer sleeps for eight hours between two attempts");
    it.sleep(Duration::from_hours(8));
    it.reachable(true);
    it.wait(5000);
    it.note(alice, "the clock is two hours behind for a moment");
    let now = it.now();
    it.tick_at(alice, chat_proto::Time::from_millis(now.as_millis() - 7_200_000));
    it.wait(1000);
    it.note(alice, "the clock jumps a minute ahead: as if nothing was heard for so long");
    let now = it.now();
    it.tick_at(alice, now + Duration::from_mins(1));
    it.wait(70_000);
    it.end()
}

/// The service takes everything and answers nothing but pings; then it is slow; then it floods.
pub(crate) fn silent_slow_flooding() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let alice = it.alice;
    it.say("fault", &json!({ "on": "http", "match": {}, "count": -1, "noReply": true }));
    for call in [
        message(&ch, "is anybody there?"),
        Call::GetMessages(GetMessages::newest(ch.clone())),
        Call::GetMessagesCount(ch.clone()),
        Call::Typing(ch.clone()),
    ] {
        it.start(alice, call).unwrap();
    }
    let hasty = CallOptions { deadline: CallDeadline::After(Duration::from_secs(2)) };
    it.start_with(alice, message(&ch, "behind the first one, and in a hurry"), hasty).unwrap();
    it.wait(70_000);
    it.say("faults/clear", &json!({}));
    it.say("config", &json!({ "latencyMs": 4000, "httpDelayMs": 5000, "commandDelayMs": 6000 }));
    it.good(alice, message(&ch, "slow"));
    it.say("config", &json!({ "latencyMs": 0, "httpDelayMs": 0, "commandDelayMs": 0 }));
    it.settle();
    it.note(alice, "twenty messages in one moment");
    it.say("burst", &json!({ "channel": "general", "author": "bob", "count": 20 }));
    it.wait(3000);
    it.end()
}
