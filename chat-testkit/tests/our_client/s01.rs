//! Connect, ready, ping, online state, shutdown: the steps of `interop/s01.js`.

use chat_proto::{Call, GetSubscribedChannels, Reply};
use serde_json::{Value, json};

use crate::scenario::{Scenario, nothing};
use crate::view;

#[test]
fn s01() {
    let mut s = Scenario::new("s01", json!({}));
    s.step("create client");
    let alice = s.client("alice");
    s.settle();
    let state = s.stage.state(alice);
    let value = json!({
        "connectionState": view::connection(state.connection()), "reachabilityEnabled": state.reachability_enabled(),
        "user": view::user(state.user().unwrap()),
    });
    s.said(alice, "state", Some(value));
    s.result(
        alice,
        "getSubscribedChannels",
        Call::GetSubscribedChannels(GetSubscribedChannels::default()),
        |reply| {
            let Reply::ChannelPage(page) = reply else { panic!("{reply:?}") };
            Some(view::list(page, "sids", |channel| channel.sid.as_str().into()))
        },
    );
    let descriptors = |reply: &Reply| {
        let Reply::ChannelDescriptors(page) = reply else { panic!("{reply:?}") };
        Some(view::page(page, view::descriptor))
    };
    s.result(alice, "getUserChannelDescriptors", Call::GetUserChannelDescriptors, descriptors);
    s.result(alice, "getPublicChannelDescriptors", Call::GetPublicChannelDescriptors, descriptors);
    s.result(alice, "getLocalChannels", Call::GetLocalChannels(None), |reply| {
        let Reply::Channels(channels) = reply else { panic!("{reply:?}") };
        Some(channels.iter().map(|channel| Value::from(channel.sid.as_str())).collect())
    });

    s.step("server ping");
    s.admin("ping", json!({ "identity": "alice" }));
    s.settle();
    let service = s.admin("state", json!({}));
    s.check("connected", s.stage.state(alice).connection() == chat_proto::ConnectionState::Connected, None);
    s.check("server sees alice online", service["users"][0]["online"] == true, None);
    let unacked = service["connections"][0]["unacked"].clone();
    s.check("every server frame acknowledged", unacked == 0, Some(json!({ "unacked": unacked })));

    s.step("shutdown");
    s.result(alice, "shutdown", Call::Shutdown { drain_until: None }, nothing);
    s.settle();
    let service = s.admin("state", json!({}));
    s.check("server sees alice offline", service["users"][0]["online"] == false, None);
    s.finish();
}
