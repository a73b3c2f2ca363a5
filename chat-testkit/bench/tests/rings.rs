//! The rings do what they are said to do: a figure of frames that a client threw away would be worth nothing.

use std::collections::BTreeMap;

use chat_bench::frames::Kind;
use chat_bench::ring::{Place, Ring, SLICE, Work};
use chat_proto::Event;

/// What the client told of a few slices, by the name of the event.
fn told(kind: Kind) -> (BTreeMap<String, usize>, Ring) {
    let mut ring = Ring::new(kind, &Place::new(20, 50, 10));
    let mut told = BTreeMap::new();
    for _ in 0..4 {
        ring.run_with(&mut |event: Event| {
            let name = format!("{event:?}");
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
            *told.entry(name).or_insert(0) += 1;
        });
        ring.fill(SLICE);
    }
    (told, ring)
}

#[test]
fn every_frame_is_told() {
    for (kind, name) in [
        (Kind::Message, "MessageAdded"),
        (Kind::Roster, "MemberUpdated"),
        (Kind::Document, "ChannelUpdated"),
        (Kind::Typing, "TypingStarted"),
        (Kind::Reply, "Answer"),
    ] {
        let (told, mut ring) = told(kind);
        assert_eq!(told, BTreeMap::from([(name.to_owned(), 4 * SLICE)]), "{kind:?}");
        assert_eq!(ring.place.client().stats().duplicates, 0);
        assert_eq!(ring.place.client().stats().stale, 0);
    }
}

#[test]
fn the_mix_is_told_as_well() {
    let (mut told, mut ring) = told(Kind::Mix);
    // Whoever types and then sends has ended to type.
    told.remove("TypingEnded");
    assert_eq!(told.values().sum::<usize>(), 4 * SLICE, "{told:?}");
    assert_eq!(ring.place.client().stats().duplicates, 0);
}

#[test]
fn what_is_known_is_told_to_nobody() {
    let (told, mut ring) = told(Kind::Stale);
    assert_eq!(told, BTreeMap::new());
    assert_eq!(ring.place.client().stats().duplicates, 4 * SLICE as u64);
    let (told, mut ring) = self::told(Kind::Unknown);
    assert_eq!(told, BTreeMap::new());
    assert_eq!(ring.place.client().stats().duplicates, 0);
    assert_eq!(ring.run(Work::Core), SLICE, "each is acknowledged, and that is all");
}
