//! Law 11 of all that is no message: what clients hold, and what they tell. For each thing that is compared there is a
//! client that is wrong about it alone, and caught by nothing else.

use std::collections::{BTreeMap, BTreeSet};

use chat_proto::{ChannelSid, ChannelStatus, Client, User};
use chat_testkit::laws::{self, Violation};
use chat_testkit::world::{Core, Fault, Plan, Run, World};
use chat_testkit::wrong::{self, Twist, Wrong};

/// People with many wishes, and nothing goes wrong: what is wrong is the client.
fn wishful(seed: u64) -> Plan {
    let mut plan = Plan::calm(seed);
    plan.hosts.wishes = 1000;
    plan
}

type Law<C> = fn(&Run<C>) -> Result<(), Violation>;

/// Some world shows what is wrong with this client, in these words, and no other law shows it there.
fn only<T: Twist>(law: Law<Wrong<T>>, others: &[Law<Wrong<T>>], words: &str) {
    let caught = (0..60).find_map(|seed| {
        let run = World::<Wrong<T>>::new(wishful(seed)).run().ok()?;
        let violation = law(&run).err()?;
        others.iter().all(|other| other(&run).is_ok()).then_some(violation)
    });
    let caught = caught.expect("caught");
    assert!(caught.law == 11 && caught.what.contains(words), "{caught}");
}

fn answered<C: Core>(run: &Run<C>) -> Result<(), Violation> {
    laws::answered_once(&run.session, run.healed)
}

fn holds<T: Twist>(words: &str) {
    only::<T>(laws::ends_equal, &[laws::nothing_lost, laws::told_rightly, answered], words);
}

fn tells<T: Twist>(words: &str) {
    only::<T>(laws::told_rightly, &[laws::nothing_lost, laws::ends_equal, answered], words);
}

#[test]
fn nothing_is_wrong_with_a_right_client_and_all_wishes_come_true() {
    for seed in 0..12 {
        let run = World::<Client>::new(wishful(seed)).run().unwrap();
        laws::ends_equal(&run).and_then(|()| laws::told_rightly(&run)).unwrap();
        assert!(run.tally.of(Fault::Wish) > 50);
    }
}

/// Nobody cuts the sockets at the end: what the protocol shows of a lost subscription must be enough.
fn uncut(seed: u64) -> Plan {
    Plan { last_cut: false, ..wishful(seed) }
}

#[test]
fn a_subscription_that_the_service_cancels_is_made_again_at_once() {
    let canceled = |seed| {
        let mut plan = uncut(seed);
        plan.weather.canceled = 300;
        plan
    };
    let mut times = 0;
    for seed in 0..12 {
        let run = World::<Client>::new(canceled(seed)).run().unwrap();
        laws::ends_equal(&run).and_then(|()| laws::nothing_lost(&run)).unwrap();
        times += run.tally.of(Fault::SubscriptionCanceled);
    }
    assert!(times > 60, "{times}");
    let caught = (0..20).find_map(|seed| {
        laws::ends_equal(&World::<Wrong<wrong::IgnoresCancels>>::new(canceled(seed)).run().ok()?).err()
    });
    assert_eq!(caught.map(|violation| violation.law), Some(11));
}

/// Whoever does not say so is found out when the subscriptions end by themselves (spec 02 §2.9).
#[test]
fn a_deaf_subscription_is_made_again_at_its_end() {
    let deaf = |seed, ttl| {
        let mut plan = uncut(seed);
        (plan.weather.deaf, plan.service.subscription_ttl_s) = (300, ttl);
        plan
    };
    for seed in 0..12 {
        let run = World::<Client>::new(deaf(seed, 60)).run().unwrap();
        laws::ends_equal(&run).and_then(|()| laws::nothing_lost(&run)).unwrap();
    }
    let missed = |seed| laws::ends_equal(&World::<Client>::new(deaf(seed, 86_400)).run().ok()?).err();
    assert!((0..20).any(|seed| missed(seed).is_some()), "nobody was deaf");
}

/// Which kinds of objects some client has wrong.
fn wrong_kinds(run: &Run<Client>) -> BTreeSet<&'static str> {
    let mut wrong = BTreeSet::new();
    for client in &run.clients {
        let state = client.state();
        for channel in state.channels() {
            let Some(stored) = run.truth.channels.get(&channel.sid) else { continue };
            let names = (channel.friendly_name.as_deref(), channel.unique_name.as_deref());
            if names != (stored.friendly_name.as_deref(), stored.unique_name.as_deref()) {
                wrong.insert("documents");
            }
            let held: BTreeSet<_> =
                state.members(&channel.sid).iter().map(|member| member.sid.clone()).collect();
            if channel.status == ChannelStatus::Joined && !held.iter().eq(stored.members.keys()) {
                wrong.insert("rosters");
            }
        }
        let own = &run.truth.people[state.identity().unwrap()].own;
        let joined = |sid: &ChannelSid| state.channel(sid).map(|channel| channel.status);
        if own.iter().any(|(sid, own)| joined(sid) != Some(own.status)) {
            wrong.insert("own channels");
        }
        let stored = |user: &User| run.truth.people[&user.identity].friendly_name.clone();
        if state.users().any(|user| user.friendly_name.as_deref() != stored(user).as_deref()) {
            wrong.insert("people");
        }
    }
    wrong
}

/// In the end nobody hears of what becomes of channels, rosters, own channels and people, and no socket is lost, in the
/// storm or after it: the next event of each object shows that, and all is made good.
#[test]
fn a_missed_event_of_any_object_is_made_good_at_its_next_one() {
    let deafened = |seed, last_word| Plan { last_word, silence: 20, steps: 40, ..uncut(seed) };
    let mut missed: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..30 {
        // Without the next event it would not be: the world has what it should show.
        let run = World::<Client>::new(deafened(seed, false)).run().unwrap();
        assert!(laws::ends_equal(&run).is_err(), "{seed}: nobody missed anything");
        for kind in wrong_kinds(&run) {
            *missed.entry(kind).or_default() += 1;
        }
        let run = World::<Client>::new(deafened(seed, true)).run().unwrap();
        let cuts = [Fault::Cut, Fault::CutOneWay].map(|fault| run.tally.of(fault));
        assert!(cuts == [0, 0] && run.tally.of(Fault::EventLost) > 0, "{seed}: {cuts:?}");
        laws::ends_equal(&run)
            .and_then(|()| laws::nothing_lost(&run))
            .and_then(|()| laws::told_rightly(&run))
            .and_then(|()| answered(&run))
            .unwrap_or_else(|violation| panic!("{seed}: {violation}"));
        assert_eq!(wrong_kinds(&run), BTreeSet::new(), "{seed}");
    }
    assert!(missed.len() == 4 && missed.values().all(|worlds| *worlds >= 5), "{missed:?}");
}

macro_rules! caught {
    ($($test:ident: $how:ident $twist:ident $words:literal;)*) => {$(
        #[test]
        fn $test() {
            $how::<wrong::$twist>($words);
        }
    )*};
}

caught! {
    documents_are_compared: holds ForgetsNames "the unique name";
    notification_levels_are_compared: holds HearsNoLevel "the notification level";
    the_own_read_horizon_is_compared: holds OverlooksOwnReading "the read horizon";
    read_horizons_of_others_are_compared: holds OverlooksReading "the read horizon";
    rosters_are_compared: holds KeepsMembers "among the members, who left";
    own_channels_are_compared: holds KeepsChannels "the own user's status";
    people_are_compared: holds ForgetsPeople "the friendly name";
    presence_is_compared: holds OverlooksPresence "whether online";

    channels_are_told: tells HidesChannels "which was not added";
    changes_of_channels_are_told: tells HidesChannelUpdates "was told to be";
    leaving_is_told: tells HidesLeaving "to be Joined";
    removed_channels_are_told: tells HidesRemoval "removed";
    members_who_come_are_told: tells HidesMembers "";
    changes_of_members_are_told: tells HidesMemberUpdates "was told, and it is";
    members_who_leave_are_told: tells HidesMembersLeaving "is gone, and nobody said so";
    edits_are_told: tells HidesEdits "was told, and it is";
    deletions_are_told: tells HidesDeletions "is gone, and was never removed";
    changes_of_people_are_told: tells HidesPeopleUpdates "were told";
    who_is_followed_no_more_is_told: tells HidesUnsubscribing "is subscribed twice";

    channels_are_joined_once: tells JoinsTwice "was that already";
    members_join_once: tells MembersJoinTwice "twice";
    members_leave_once: tells MembersLeaveTwice "who left";
    messages_are_deleted_once: tells DeletesTwice "was never there";
    people_are_followed_once: tells FollowsTwice "is subscribed twice";
    channels_are_added_first: tells Hurries "which was not added";
    the_last_edit_is_told_last: tells TellsOldEdits "was told, and it is";
}
