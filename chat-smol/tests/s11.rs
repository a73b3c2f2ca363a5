//! The order of local channels: the steps of the JavaScript SDK's driver `interop/s11.js`, whose log ours is compared with.
//!
//! The SDK sorts names as people of a language do, and so does [`Collation`]; the core sorts them by code point. Hence this
//! story is told here and not with the others, in chat-testkit.

#![allow(unreachable_pub, clippy::pedantic, reason = "modules shared with other stories")]

use chat_proto::{Call, Channel, ChannelSorting, Event, Reply, SortingCriteria, SortingOrder};
use chat_smol::Collation;
use serde_json::{Value, json};

#[path = "../../chat-testkit/tests/our_client/errors.rs"]
mod errors;
#[path = "../../chat-testkit/tests/our_client/scenario.rs"]
#[allow(dead_code, reason = "shared with other stories")]
mod scenario;
#[path = "../../chat-testkit/tests/our_client/view.rs"]
#[allow(dead_code, reason = "shared with other stories")]
mod view;

use scenario::Scenario;

/// Where the expected logs and the list of differences are.
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../chat-testkit/tests");

/// Names whose order by byte, by locale and by case differs: unique name, friendly name, how many messages.
const CHANNELS: [(Option<&str>, Option<&str>, usize); 11] = [
    (Some("delta"), Some("Zulu"), 2),
    (Some("Alpha"), Some("alpha"), 0),
    (Some("alpha"), Some("Alpha"), 1),
    (None, Some("no unique"), 3),
    (Some("éclair"), Some("eclair"), 1),
    (Some("zeta"), None, 0),
    (Some("10"), Some("ten"), 1),
    (Some("9"), Some("nine"), 1),
    (Some("a-b"), Some("ä umlaut"), 0),
    (Some("ab"), Some("az"), 1),
    (None, None, 0),
];

fn tag(channel: &Channel) -> Value {
    channel.attributes.to_value::<Value>().unwrap()["i"].clone()
}

fn as_owner(s: &mut Scenario, action: &str, params: Value) -> Value {
    s.admin("command", json!({ "identity": "owner", "action": action, "params": params }))
}

#[test]
fn s11() {
    let mut s = Scenario::new("s11", json!({}));
    let mut sids = Vec::new();
    for (i, (unique, friendly, _)) in CHANNELS.into_iter().enumerate() {
        let params = json!({
            "friendlyName": friendly, "uniqueName": unique, "type": "private", "attributes": json!({ "i": i }).to_string(),
        });
        let sid = as_owner(&mut s, "createChannel", params)["channelSid"].clone();
        as_owner(&mut s, "joinChannelV2", json!({ "channelSid": sid }));
        as_owner(&mut s, "addMemberV2", json!({ "channelSid": sid, "username": "alice" }));
        sids.push(sid);
    }
    for k in [3, 0, 2, 6, 4, 9, 7] {
        for j in 0..CHANNELS[k].2 {
            let params = json!({ "channelSid": sids[k], "text": format!("m{j}"), "attributes": "{}" });
            as_owner(&mut s, "sendMessage", params);
            s.sleep(3);
        }
    }
    let alice = s.client("alice");
    s.settle();
    assert_eq!(s.seen(alice, "channelJoined"), CHANNELS.len());

    let mut by_tag: Vec<_> = s.stage.state(alice).channels().into_iter().cloned().collect();
    by_tag.sort_by_key(|channel| tag(channel).as_u64());
    let names = by_tag.iter().map(|channel| {
        let mut line = json!({ "i": tag(channel), "uniqueName": channel.unique_name, "friendlyName": channel.friendly_name });
        if let Some(last) = channel.last_message.and_then(|last| last.index) {
            line["last"] = last.into();
        }
        line
    });
    let names = names.collect();
    s.said(alice, "channels by i", Some(names));

    let collation = Collation::new("en-US").unwrap();
    for (name, criteria) in [
        ("lastMessage", SortingCriteria::LastMessage),
        ("uniqueName", SortingCriteria::UniqueName),
        ("friendlyName", SortingCriteria::FriendlyName),
    ] {
        for (word, order) in [
            ("undefined", SortingOrder::default()),
            ("ascending", SortingOrder::Ascending),
            ("descending", SortingOrder::Descending),
        ] {
            let mut channels: Vec<_> = s.stage.state(alice).channels().into_iter().cloned().collect();
            collation.sort(&mut channels, ChannelSorting { criteria, order });
            let tags = channels.iter().map(|channel| tag(channel)).collect();
            s.said(alice, &format!("getLocalChannels({name},{word})"), Some(tags));
        }
    }
    s.result(alice, "getLocalChannels()", Call::GetLocalChannels(None), |reply| {
        let Reply::Channels(channels) = reply else { panic!("{reply:?}") };
        Some(channels.iter().map(|channel| tag(channel)).collect())
    });
    assert!(!s.stage.take_events(alice).iter().any(|event| matches!(event, Event::Fault(_))));
    s.finish();
}
