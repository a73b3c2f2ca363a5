//! The public directory page by page, channels by SID and by unique name, own channels: the steps of `interop/s05.js`.
//! Steps that our types cannot express are left out.

use chat_proto::{Call, ChannelDescriptor, GetSubscribedChannels, Page, PageRef, Reply, SortingOrder};
use chat_testkit::stage::Who;
use serde_json::{Value, json};

use crate::scenario::{Scenario, channel, count, indexes, the_channel, unread};
use crate::view;

fn descriptors(reply: &Reply) -> Option<Value> {
    let Reply::ChannelDescriptors(page) = reply else { panic!("{reply:?}") };
    Some(view::page(page, view::descriptor))
}

fn sids(reply: &Reply) -> Option<Value> {
    Some(match reply {
        Reply::ChannelDescriptors(page) => view::list(page, "sids", |channel| channel.sid.as_str().into()),
        Reply::ChannelPage(page) => view::list(page, "sids", |channel| channel.sid.as_str().into()),
        reply => panic!("{reply:?}"),
    })
}

fn refs(reply: &Reply) -> (Option<PageRef>, Option<PageRef>) {
    match reply {
        Reply::ChannelDescriptors(page) => (page.next.clone(), page.prev.clone()),
        Reply::ChannelPage(page) => (page.next.clone(), page.prev.clone()),
        reply => panic!("{reply:?}"),
    }
}

/// Turns pages until there is none left in that direction.
fn turn(
    s: &mut Scenario,
    who: Who,
    method: &str,
    mut page: Reply,
    view: fn(&Reply) -> Option<Value>,
) -> Reply {
    loop {
        let (next, prev) = refs(&page);
        let Some(to) = (if method == "nextPage" { next } else { prev }) else { return page };
        page = s.result(who, method, Call::NextPage(to), view).unwrap();
    }
}

fn page_of(reply: Reply) -> Page<ChannelDescriptor> {
    let Reply::ChannelDescriptors(page) = reply else { panic!("{reply:?}") };
    page
}

#[test]
fn s05() {
    let mut s = Scenario::new("s05", json!({ "restPageSize": 5 }));
    s.admin("seed", json!({ "channels": 12, "identity": "zoe", "creator": "zoe", "prefix": "pub" }));
    s.admin(
        "seed",
        json!({
            "channels": 7, "identity": "alice", "creator": "zoe", "prefix": "mine", "type": "private", "messages": 2,
            "author": "alice",
        }),
    );
    let a = s.client("alice");
    s.settle();
    let joined = s.seen(a, "channelJoined");
    s.check("7 channels joined at start", joined == 7, Some(json!({ "n": joined })));

    s.step("public directory");
    let first = s.result(a, "getPublicChannelDescriptors", Call::GetPublicChannelDescriptors, descriptors);
    let last = turn(&mut s, a, "nextPage", first.unwrap(), sids);
    let page = page_of(turn(&mut s, a, "prevPage", last, sids));

    s.step("descriptor.getChannel");
    let by_descriptor = Call::GetChannelBySid(page.items[3].sid.clone());
    let ch = the_channel(s.result(a, "getChannel", by_descriptor.clone(), channel));
    s.settle();
    s.result(a, "getChannel again is the same object", by_descriptor, |reply| {
        let Reply::Channel(again) = reply else { panic!("{reply:?}") };
        Some((*again == ch).into())
    });
    s.step("getChannelBySid");
    s.result(a, "getChannelBySid", Call::GetChannelBySid(page.items[4].sid.clone()), channel);
    s.settle();
    let unknown = format!("CH{}", "f".repeat(32));
    s.result(a, "getChannelBySid(unknown)", Call::GetChannelBySid(unknown.as_str().into()), channel);
    s.result(a, "getChannelBySid()", Call::GetChannelBySid("".into()), channel);
    s.step("getChannelByUniqueName");
    let named = |name: &str| Call::GetChannelByUniqueName(name.into());
    s.result(a, "getChannelByUniqueName", named("pub-00007"), channel);
    s.settle();
    s.result(a, "getChannelByUniqueName(unknown)", named("no such name"), channel);
    s.result(a, "getChannelByUniqueName(joined private)", named("mine-00003"), channel);
    s.settle();

    s.step("user channels");
    let first = s.result(a, "getUserChannelDescriptors", Call::GetUserChannelDescriptors, descriptors);
    turn(&mut s, a, "nextPage", first.unwrap(), descriptors);
    s.step("subscribed channels (sync map)");
    let own = |page_size, order| Call::GetSubscribedChannels(GetSubscribedChannels { page_size, order });
    s.result(a, "getSubscribedChannels", own(50, SortingOrder::Ascending), sids);
    let first = s.result(a, "getSubscribedChannels(pageSize 3)", own(3, SortingOrder::Ascending), sids);
    let last = turn(&mut s, a, "nextPage", first.unwrap(), sids);
    turn(&mut s, a, "prevPage", last, sids);
    s.result(a, "getSubscribedChannels(desc)", own(3, SortingOrder::Descending), sids);
    s.step("counters of a joined channel");
    let local = s.stage.state(a).channels();
    let mine = local.iter().find(|channel| channel.unique_name.as_deref() == Some("mine-00002"));
    let mine = mine.unwrap().sid.clone();
    s.result(a, "getMessagesCount", Call::GetMessagesCount(mine.clone()), count);
    s.result(a, "getMembersCount", Call::GetMembersCount(mine.clone()), count);
    s.result(a, "getUnconsumedMessagesCount", Call::GetUnconsumedMessagesCount(mine.clone()), unread);
    let to_zero = Call::AdvanceLastConsumedMessageIndex(mine.clone(), 0);
    s.result(a, "advanceLastConsumedMessageIndex(0)", to_zero, unread);
    s.settle();
    s.sleep(5200);
    s.result(a, "getUnconsumedMessagesCount", Call::GetUnconsumedMessagesCount(mine), unread);
    let not_mine = Call::GetUnconsumedMessagesCount(ch.sid.clone());
    s.result(a, "getUnconsumedMessagesCount(not mine)", not_mine, unread);
    s.step("a public channel which is known, not joined");
    let newest = chat_proto::GetMessages::newest(ch.sid.clone());
    s.result(a, "getMessages", Call::GetMessages(newest), indexes);
    s.result(a, "getMembers", Call::GetMembers(ch.sid.clone()), |reply| {
        let Reply::Members(members) = reply else { panic!("{reply:?}") };
        Some(members.len().into())
    });
    s.finish();
}
