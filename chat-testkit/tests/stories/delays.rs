//! What comes later than it should: apps that are slow, messages that are overtaken, acknowledgements, executions.

use std::time::Duration;

use chat_proto::{Call, CallDeadline, CallOptions, Config};
use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::{Teller, message};

/// The app lets its events wait, more of them than there is room for; then it takes them all.
pub(crate) fn slow_app() -> SessionFile {
    let mut config = Config::default();
    config.limits.events = 8;
    let (mut it, ch) = Teller::with_channel_and(config);
    let alice = it.alice;
    it.note(alice, "the app takes no events from here on; there is room for eight");
    it.neglect(alice, true);
    it.say("burst", &json!({ "channel": "general", "author": "bob", "count": 12 }));
    it.wait(1000);
    it.start(alice, message(&ch, "asked without looking")).unwrap();
    it.wait(5000);
    it.note(alice, "the app takes its events");
    it.neglect(alice, false);
    it.wait(3000);
    it.good(alice, message(&ch, "in time again"));
    it.end()
}

/// Two people write at once, and one of them is far away: what left first comes second, on both ways.
pub(crate) fn overtaken() -> SessionFile {
    let (mut it, ch) = Teller::with_channel(json!({}));
    let alice = it.alice;
    let bob = it.enter("bob");
    it.settle();
    it.good(bob, Call::GetChannelBySid(ch.clone()));
    it.good(bob, Call::Join(ch.clone()));
    it.settle();
    it.note(bob, "bob is far away: 200 ms each way");
    it.lag(bob, Duration::from_millis(200));
    it.start(bob, message(&ch, "bob wrote first")).unwrap();
    it.wait(50);
    it.start(alice, message(&ch, "alice overtook him")).unwrap();
    it.wait(170);
    it.note(alice, "alice has heard of bob's message, and bob has not");
    it.start(alice, message(&ch, "an answer to a message whose author does not know of it")).unwrap();
    it.wait(2000);
    it.end()
}

/// Acknowledgements of subscriptions come late, once so late that the client has asked again (spec 02 §2.7).
pub(crate) fn acks_late() -> SessionFile {
    let mut it = Teller::new(json!({ "estimatedDeliveryMs": 5000 }));
    let alice = it.alice;
    for (name, late) in [("late", 3000), ("later than the service estimated", 9000)] {
        it.note(alice, &format!("==== acknowledgements are {name}"));
        let acks = json!({ "eventType": "subscription_established" });
        it.say("fault", &json!({ "on": "event", "match": acks, "op": "delay", "delayMs": late, "count": 3 }));
        let channel = it.create(&format!("{late}"));
        it.good(alice, Call::Join(channel.clone()));
        it.wait(1000);
        it.note(alice, "bob writes before any of it is acknowledged");
        it.admin("burst", &json!({ "channel": channel.as_str(), "author": "bob", "count": 2 })).unwrap();
        it.wait(30_000);
        it.good(alice, message(&channel, "heard"));
        it.settle();
    }
    it.end()
}

/// The service executes a request long after it left: after the client gave the answer up and before it may send it again,
/// after the app was told that nobody knows, and after the socket is gone. It stands in the channel once each time.
pub(crate) fn late_execution() -> SessionFile {
    let mut config = Config::default();
    config.reply_timeout = Duration::from_secs(8);
    let (mut it, ch) = Teller::with_channel_and(config);
    let alice = it.alice;
    it.note(alice, "the client waits 8 s for an answer");
    let late = json!({ "on": "http", "match": { "action": "sendMessage" }, "delayMs": 20_000 });
    let within = |seconds| CallOptions { deadline: CallDeadline::After(Duration::from_secs(seconds)) };
    it.say("fault", &late);
    it.start_with(alice, message(&ch, "executed before the client may send it again"), within(120)).unwrap();
    it.wait(60_000);
    it.say("fault", &late);
    it.start_with(alice, message(&ch, "executed when its caller had given up"), within(12)).unwrap();
    it.wait(60_000);
    it.say("fault", &late);
    it.start_with(alice, message(&ch, "executed when its socket was gone"), within(120)).unwrap();
    it.wait(1000);
    it.cut(alice);
    it.wait(60_000);
    let stored = it.admin("messages", &json!({ "channel": ch.as_str() })).unwrap();
    let texts: Vec<_> = stored.as_array().unwrap().iter().map(|message| message["text"].clone()).collect();
    it.note(alice, &format!("the service has {}", json!(texts)));
    it.end()
}
