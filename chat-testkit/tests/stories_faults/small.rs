//! Small things.

use std::time::Duration;

use chat_proto::{
    Call, CallError, ChannelSorting, CreateChannel, Direction, GetMessages, Reply, SortingCriteria,
    SortingOrder, UnreadCount,
};
use chat_testkit::stage::{Stage, Who};
use serde_json::json;

use crate::people::*;

/// What changes nothing sends nothing, and is still answered.
#[test]
fn sdk_defect_23_what_changes_nothing_is_answered_without_a_request() {
    let (mut stage, alice, channel) = in_channel();
    stage.ask(alice, Call::UpdateFriendlyName(channel.clone(), Some("Room".into()))).unwrap();
    stage.settle();
    let requests = stage.client(alice).stats().requests;
    let same = Call::UpdateFriendlyName(channel.clone(), Some("Room".into()));
    assert!(matches!(stage.ask(alice, same), Ok(Reply::Channel(_))));
    assert!(matches!(
        stage.ask(alice, Call::UpdateUniqueName(channel, Some("room".into()))),
        Ok(Reply::Channel(_))
    ));
    assert_eq!(stage.client(alice).stats().requests, requests);
}

/// Read horizons are reported at once and then once in each interval, the last word of it.
#[test]
fn sdk_defect_24_read_horizons_are_merged() {
    let (mut stage, alice, channel) = in_channel();
    for n in 0..8 {
        post(&mut stage, &channel, &format!("{n}"));
    }
    stage.settle();
    let before = stage.client(alice).stats().requests;
    let mut calls = Vec::new();
    for index in 0..8 {
        calls
            .push(stage.start(alice, Call::AdvanceLastConsumedMessageIndex(channel.clone(), index)).unwrap());
        stage.advance(Duration::from_millis(100));
    }
    for call in calls {
        assert!(matches!(stage.answer(alice, call), Some(Ok(Reply::UnreadCount(_)))));
    }
    stage.settle();
    assert_eq!(stage.client(alice).stats().requests, before + 2, "the first, and one for the rest");
    let consumed =
        stage.state(alice).channel(&channel).and_then(|channel| channel.last_consumed_message_index);
    assert_eq!(consumed, Some(7));
}

/// A horizon below the last one moves nothing back: the one that holds is reported again, as it is on the wire, and the
/// answer is about that.
#[test]
fn sdk_defect_24_advancing_below_the_horizon_moves_nothing() {
    let (mut stage, alice, channel) = in_channel();
    for n in 0..8 {
        post(&mut stage, &channel, &format!("{n}"));
    }
    let advance = |index| Call::AdvanceLastConsumedMessageIndex(channel.clone(), index);
    stage.ask(alice, advance(5)).unwrap();
    let horizons = |stage: &mut Stage| {
        let own = json!({ "type": "map", "id": "alice.channels", "items": true });
        let own = admin(stage, "sync", &own)["items"][0]["data"]["lastConsumedMessageIndex"].as_u64();
        (stage.state(alice).channel(&channel).unwrap().last_consumed_message_index, own)
    };
    for index in [3, 0, 5] {
        stage.advance(Duration::from_mins(1));
        let requests = stage.client(alice).stats().requests;
        let answer = stage.ask(alice, advance(index));
        assert_eq!(answer, Ok(Reply::UnreadCount(UnreadCount::Known(2))), "{index}");
        assert_eq!(stage.client(alice).stats().requests, requests + 1, "{index}");
        assert_eq!(horizons(&mut stage), (Some(5), Some(5)), "{index}");
    }
    // Only the other call goes back.
    stage.advance(Duration::from_mins(1));
    stage.ask(alice, Call::UpdateLastConsumedMessageIndex(channel.clone(), Some(3))).unwrap();
    stage.settle();
    assert_eq!(horizons(&mut stage), (Some(3), Some(3)));
}

fn order(stage: &mut Stage, who: Who, criteria: SortingCriteria, order: SortingOrder) -> Vec<String> {
    let call = Call::GetLocalChannels(Some(ChannelSorting { criteria, order }));
    let Ok(Reply::Channels(channels)) = stage.ask(who, call) else { panic!() };
    channels.iter().map(|channel| channel.friendly_name.as_deref().unwrap_or_default().to_owned()).collect()
}

/// Channels with the key stand in opposite orders, those without it last in both, equal ones as they were.
#[test]
fn sdk_defect_26_sorting_is_an_order() {
    let (mut stage, alice) = alone();
    for name in ["b", "", "a", "B", "10", "9"] {
        let friendly_name = Some(name).filter(|name| !name.is_empty()).map(Into::into);
        let options = CreateChannel { friendly_name, ..CreateChannel::default() };
        stage.ask(alice, Call::CreateChannel(options)).unwrap();
    }
    let name = SortingCriteria::FriendlyName;
    assert_eq!(order(&mut stage, alice, name, SortingOrder::Ascending), ["10", "9", "B", "a", "b", ""]);
    assert_eq!(order(&mut stage, alice, name, SortingOrder::Descending), ["b", "a", "B", "9", "10", ""]);
    // None has a message: equal, so they stay in the order of being known, both ways.
    let known = ["b", "", "a", "B", "10", "9"];
    let last = SortingCriteria::LastMessage;
    assert_eq!(order(&mut stage, alice, last, SortingOrder::Ascending), known);
    assert_eq!(order(&mut stage, alice, last, SortingOrder::Descending), known);
}

/// A page of nothing is refused by name; a channel that is known is not asked for.
#[test]
fn sdk_defect_29_no_page_of_nothing_and_no_idle_request() {
    let (mut stage, alice, channel) = in_channel();
    let none =
        GetMessages { channel: channel.clone(), page_size: 0, anchor: None, direction: Direction::Backwards };
    let answer = stage.ask(alice, Call::GetMessages(none));
    assert!(matches!(answer, Err(CallError::InvalidArgument { .. })), "{answer:?}");
    let requests = stage.client(alice).stats().requests;
    assert!(matches!(stage.ask(alice, Call::GetChannelBySid(channel)), Ok(Reply::Channel(_))));
    assert_eq!(stage.client(alice).stats().requests, requests);
}
