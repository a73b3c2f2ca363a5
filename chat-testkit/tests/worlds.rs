//! Two hundred worlds with everything that can go wrong in them, and that it does.

use std::thread;

use chat_proto::Client;
use chat_testkit::laws;
use chat_testkit::session_file::{SessionFile, parse};
use chat_testkit::simulate::{Outcome, Simulation};
use chat_testkit::world::{Fault, Plan, World};

/// Small ones, for debug builds: with wishes, apps do half as much again. A release build runs many more, and longer ones
/// (`.ci/run`).
fn simulation() -> Simulation {
    Simulation { worlds: 200, steps: 25, ..Simulation::new(0) }
}

#[test]
fn no_law_is_broken_in_two_hundred_worlds_and_every_fault_happens() {
    let outcome = simulation().run::<Client>(|_, _| ());
    let Outcome { worlds, failure, mut tally, .. } = outcome;
    if let Some(failure) = failure {
        panic!("seed {}: {}\nin {:?}", failure.plan.seed, failure.trouble, failure.plan);
    }
    assert_eq!(worlds, 200);
    // In small worlds few crash with two saves behind them: some more, where hosts crash all the time.
    for seed in 0..4 {
        let mut plan = Plan { steps: 60, ..Plan::stormy(seed) };
        (plan.hosts.crashes, plan.hosts.saves) = (200, 300);
        let run = World::<Client>::new(plan).run().unwrap();
        laws::all(&run, seed).unwrap();
        tally.add(&run.tally);
    }
    let missing: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| tally.of(*fault) == 0).collect();
    assert!(missing.is_empty(), "these never happened: {missing:?} ({tally:?})");
}

/// The figure that the test above counts is not simply everything.
#[test]
fn nothing_goes_wrong_in_a_calm_world() {
    let run = World::<Client>::new(Plan::calm(4)).run().unwrap();
    // The sockets are cut once, at the end of the storm; slow messages overtake each other on two connections.
    let expected = [Fault::Cut, Fault::Reordered, Fault::SlowDisk];
    for fault in Fault::ALL.into_iter().filter(|fault| !expected.contains(fault)) {
        assert_eq!(run.tally.of(fault), 0, "{fault:?}");
    }
}

/// What `simulate` keeps of a failing world can be replayed: each life of each client does again what it did.
#[test]
fn a_world_with_crashes_replays_from_its_file() {
    let mut lives = 0;
    for seed in 0..12 {
        let run = World::<Client>::new(Plan::stormy(seed)).run().unwrap();
        lives += run.session.crashed.len();
        let text = SessionFile::from(&run.session).to_text();
        let read = parse(text.as_bytes()).unwrap();
        assert!(read.damage.is_none(), "{:?}", read.damage);
        let done = chat_testkit::replay::exact::<Client>(&read.session);
        assert!(done.is_ok_and(|done| done.outputs > 100), "seed {seed}");
    }
    assert!(lives > 0, "nobody crashed");
}

/// A host that is gone is gone: nothing goes into its client or comes out of it, whatever else befalls the host, and when
/// the storm is over every one has gone on.
#[test]
fn whoever_crashed_is_silent_and_lives_again() {
    let mut crashes = 0;
    for seed in 0..30 {
        let mut plan = Plan::stormy(seed);
        (plan.steps, plan.hosts.crashes, plan.hosts.suspends) = (120, 100, 60);
        let session = World::<Client>::new(plan).run().unwrap().session;
        let noted = |text: &str| session.notes.iter().filter(|note| note.text.starts_with(text)).count();
        for note in session.notes.iter().filter(|note| note.text.starts_with("crashes")) {
            crashes += 1;
            let later = session.entries[note.entries..].iter().find(|entry| entry.client == note.client);
            assert!(later.is_none(), "seed {seed}, after its crash: {later:?}");
        }
        assert_eq!(noted("crashes"), noted("begins again"), "seed {seed}");
    }
    assert!(crashes > 30, "{crashes}");
}

/// Whatever the number of threads: one seed is one world, with all that goes wrong in it.
#[test]
fn a_seed_is_a_world_in_any_thread() {
    let live = |seed| World::<Client>::new(Plan::stormy(seed)).run().unwrap();
    let there = thread::spawn(move || live(5)).join().unwrap();
    let here = live(5);
    assert_eq!(here.session, there.session);
    assert_eq!(here.tally, there.tally);
}
