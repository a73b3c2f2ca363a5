//! The simulator as a library and as a command.

use chat_proto::{Client, Input, Record, Time};
use chat_testkit::simulate::{Outcome, Simulation, Trouble};
use chat_testkit::world::World;
use chat_testkit::wrong::{self, Mute, Twist, Wrong};

/// One that panics after a while.
#[derive(Debug, Clone, Default)]
struct Panics;

impl Twist for Panics {
    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        client.handle(now, input);
        assert!(client.stats().connects < 2, "it does not like to connect");
    }
}

fn simulation(jobs: usize) -> Simulation {
    Simulation { worlds: 12, steps: 30, jobs, ..Simulation::new(1) }
}

#[test]
fn worlds_pass_and_are_counted() {
    let told = std::sync::atomic::AtomicU64::new(0);
    let outcome = Simulation { worlds: 4, ..simulation(2) }.run::<Client>(|worlds, _| {
        told.fetch_max(worlds, std::sync::atomic::Ordering::SeqCst);
    });
    let Outcome { worlds, steps, records, failure, .. } = outcome;
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!((worlds, steps, told.into_inner()), (4, 120, 4));
    assert!(records > 400, "{records}");
}

#[test]
fn the_first_world_that_fails_is_told_and_fails_again() {
    let failures: Vec<_> = [1, 3]
        .into_iter()
        .map(|jobs| simulation(jobs).run::<Wrong<Mute>>(|_, _| ()).failure.expect("a mute client is caught"))
        .collect();
    assert_eq!(failures[0].plan.seed, failures[1].plan.seed);
    assert_eq!(failures[0].trouble, failures[1].trouble);
    assert_eq!(failures[0].session, failures[1].session);
    assert!(matches!(&failures[0].trouble, Trouble::Law(violation) if violation.law == 5));
    // From its seed alone.
    let alone = Simulation { seed: failures[0].plan.seed, worlds: 1, ..simulation(1) };
    let again = alone.run::<Wrong<Mute>>(|_, _| ()).failure.unwrap();
    assert_eq!(again.trouble, failures[0].trouble);
    assert!(alone.run::<Client>(|_, _| ()).failure.is_none());
}

#[test]
fn a_panic_has_a_seed_too() {
    let failure = simulation(2).run::<Wrong<Panics>>(|_, _| ()).failure.expect("some world connects twice");
    assert_eq!(failure.trouble, Trouble::Panic("it does not like to connect".into()));
    let session = failure.session.expect("what happened until then");
    let last = session.entries.last().map(|entry| &entry.record);
    assert!(matches!(last, Some(Record::Input(_) | Record::Call { .. })), "{last:?}");
}

#[test]
fn a_world_that_breaks_a_law_while_it_runs_keeps_its_session() {
    let failures = (0..20).filter_map(|seed| {
        World::<Wrong<wrong::Restless>>::new(chat_testkit::world::Plan::stormy(seed)).run_or_keep().err()
    });
    let (violation, session) = *failures.into_iter().next().expect("a restless client spins");
    assert_eq!(violation.law, 4);
    assert!(!session.entries.is_empty());
}

#[cfg(feature = "cli")]
mod command {
    use std::process::{Command, Output};

    fn simulate(arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_chat-testkit")).arg("simulate").args(arguments).output().unwrap()
    }

    #[test]
    fn it_tells_what_it_did_and_is_quiet_in_a_pipe() {
        let output =
            simulate(&["--seed", "5", "--worlds", "3", "--clients", "2", "--steps", "20", "--jobs", "2"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        assert!(text.starts_with("3 worlds passed, 60 steps, "), "{text}");
        assert!(text.trim_end().ends_with(" steps/s"), "{text}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }

    #[test]
    fn nonsense_is_refused() {
        for arguments in [&["--clients", "0"][..], &["--worlds", "many"], &["--jobs", "0"]] {
            let output = simulate(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        }
    }
}
