//! The laws, in worlds drawn by chance; and for each law a client that is deliberately wrong, and caught.

#[path = "laws/wrong.rs"]
mod wrong;

use chat_proto::{Client, Config};
use chat_testkit::laws::{self, Violation};
use chat_testkit::world::{Core, Hosts, Plan, Run, Weather, World};
use proptest::prelude::*;

/// What breaks a law in this world, if anything does.
fn broken<C: Core>(plan: &Plan, law: fn(&Run<C>, u64) -> Result<(), Violation>) -> Option<Violation> {
    match World::<C>::new(plan.clone()).run() {
        Ok(run) => law(&run, plan.seed).err(),
        Err(violation) => Some(violation),
    }
}

fn assert_lawful(plan: &Plan) {
    if let Some(violation) = broken::<Client>(plan, laws::all) {
        panic!("{violation}\nin the world of {plan:?}");
    }
}

prop_compose! {
    fn plans()(
        seed in any::<u64>(),
        clients in 1_usize..4,
        rooms in 0_usize..3,
        steps in 5_usize..60,
        latency in (0_u64..50, 50_u64..3000),
        cuts in 0_u64..200,
        refused in 0_u64..400,
        half_open in 0_u64..600,
        (faults, events) in (0_u64..300, 0_u64..300),
        late_ticks in 0_u64..300,
        (extra_ticks, suspends, clock_back, stale) in (0_u64..200, 0_u64..30, 0_u64..100, 0_u64..200),
        slow_apps in any::<bool>(),
        events_limit in prop_oneof![Just(10_000_usize), 1_usize..30],
    ) -> Plan {
        let mut config = Config::default();
        config.limits.events = events_limit;
        Plan {
            config,
            clients,
            rooms,
            steps,
            weather: Weather { latency_ms: latency, cuts, refused, half_open, faults, events },
            hosts: Hosts { late_ticks, extra_ticks, suspends, clock_back, stale, slow_apps },
            ..Plan::stormy(seed)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_in_any_world(plan in plans()) {
        let violation = broken::<Client>(&plan, laws::all);
        prop_assert!(violation.is_none(), "{violation:?}");
    }
}

#[test]
fn the_laws_hold_in_calm_and_stormy_worlds() {
    for seed in 0..6 {
        assert_lawful(&Plan::calm(seed));
        assert_lawful(&Plan::stormy(seed));
    }
}

#[test]
fn one_seed_is_one_world() {
    let sessions: Vec<_> = (0..2).map(|_| World::<Client>::new(Plan::stormy(3)).run().unwrap()).collect();
    assert_eq!(sessions[0].session, sessions[1].session);
    assert_eq!(sessions[0].truth, sessions[1].truth);
    let other = World::<Client>::new(Plan::stormy(4)).run().unwrap();
    assert_ne!(sessions[0].session, other.session);
}

/// Whether some world shows what is wrong with this client, and that it is this law that it breaks.
fn caught<T: wrong::Twist>(law: u8, check: fn(&Run<wrong::Wrong<T>>, u64) -> Result<(), Violation>) {
    let caught = (0..20).find_map(|seed| broken(&Plan::stormy(seed), check));
    assert_eq!(caught.as_ref().map(|violation| violation.law), Some(law), "{caught:?}");
}

#[test]
fn law_1_catches_a_client_that_folds_events() {
    caught::<wrong::Folds>(1, |run, seed| laws::any_order::<wrong::Wrong<wrong::Folds>>(&run.session, seed));
}

#[test]
fn law_2_catches_a_client_that_catches_up() {
    caught::<wrong::CatchesUp>(2, |run, seed| {
        laws::ticks_are_harmless::<wrong::Wrong<wrong::CatchesUp>>(&run.session, seed)
    });
}

#[test]
fn law_2_catches_a_client_that_counts_ticks() {
    caught::<wrong::CountsTicks>(2, |run, seed| {
        laws::ticks_are_harmless::<wrong::Wrong<wrong::CountsTicks>>(&run.session, seed)
    });
}

#[test]
fn law_3_catches_a_gullible_client() {
    // In its own worlds it soon has two sockets; what a right client was told shows what is wrong about it.
    let caught = (0..20).find_map(|seed| {
        let session = World::<Client>::new(Plan::stormy(seed)).run().ok()?.session;
        laws::stale_is_silent::<wrong::Wrong<wrong::Gullible>>(&session, seed).err()
    });
    assert_eq!(caught.map(|violation| violation.law), Some(3));
}

#[test]
fn law_4_catches_a_client_that_oversleeps() {
    caught::<wrong::Oversleeps>(4, |run, seed| {
        laws::deadline_is_honest::<wrong::Wrong<wrong::Oversleeps>>(&run.session, seed)
    });
}

#[test]
fn law_4_catches_a_restless_client() {
    caught::<wrong::Restless>(4, |run, seed| {
        laws::deadline_is_honest::<wrong::Wrong<wrong::Restless>>(&run.session, seed)
    });
}

#[test]
fn law_5_catches_a_client_that_does_not_answer() {
    caught::<wrong::Mute>(5, |run, _| laws::answered_once(&run.session, run.healed));
}

#[test]
fn law_5_catches_a_client_that_answers_twice() {
    caught::<wrong::Stutters>(5, |run, _| laws::answered_once(&run.session, run.healed));
}

#[test]
fn law_6_catches_a_client_with_chance_of_its_own() {
    caught::<wrong::Gambles>(6, |run, _| laws::repeats_itself::<wrong::Wrong<wrong::Gambles>>(&run.session));
}

#[test]
fn law_8_catches_a_client_that_hoards() {
    caught::<wrong::Hoards>(8, |run, seed| {
        laws::stays_bounded::<wrong::Wrong<wrong::Hoards>>(&run.session, seed)
    });
}

#[test]
fn law_11_catches_a_client_that_loses_messages() {
    caught::<wrong::Loses>(11, |run, _| laws::nothing_lost(run));
}

#[test]
fn law_11_catches_a_client_that_repeats_messages() {
    caught::<wrong::Repeats>(11, |run, _| laws::nothing_lost(run));
}

#[test]
fn law_11_catches_a_client_that_reorders_messages() {
    caught::<wrong::Reorders>(11, |run, _| laws::nothing_lost(run));
}
