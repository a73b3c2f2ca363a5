//! The referee: a good host passes, and a host of each bad kind is caught.

mod rig;

use std::mem::discriminant;

use chat_proto::{Client, Deadline, HttpId, LinkId, Time, Why};
use chat_testkit::referee::{Breach, HostCheck, Kind};
use chat_testkit::world::{Plan, World};

use rig::{Flaw, play};

/// Makes one kind of breach.
type Example = fn(LinkId) -> Kind;

/// What is wrong about a host that neither writes nor reads.
const NOTHING: &[Example] =
    &[|link| Kind::SendLost { link, messages: 0 }, |link| Kind::StoppedReading { link, messages: 0 }];

const EVERY_FLAW: [(Flaw, &[Example]); 29] = [
    (Flaw::KeepsCommands, &[|_| Kind::CommandsLeft { since: Time::ZERO }]),
    (Flaw::NeverTicks, &[|_| Kind::Overslept(Deadline { at: Time::ZERO, why: Why::Retry })]),
    (Flaw::TicksLate, &[|_| Kind::Overslept(Deadline { at: Time::ZERO, why: Why::Retry })]),
    (Flaw::ClockGoesBack, &[|_| Kind::ClockBackwards { from: Time::ZERO }]),
    (Flaw::IgnoresOpen, &[Kind::OpenUnanswered]),
    (Flaw::IgnoresClose, &[Kind::CloseUnanswered]),
    (Flaw::MakesUpLinks, &[Kind::NotAskedFor]),
    (Flaw::OpensTwice, &[Kind::OpenedTwice]),
    (Flaw::OpensClosed, &[Kind::OpenedAfterClosed]),
    (Flaw::ClosesTwice, &[Kind::ClosedTwice]),
    (Flaw::ReadsTooEarly, &[Kind::FrameBeforeOpened]),
    (Flaw::ReadsTooLate, &[Kind::FrameAfterClosed]),
    (Flaw::SwapsSends, &[Kind::SendOutOfOrder]),
    (Flaw::SendsToNewSocket, &[|link| Kind::SendOnWrongLink { link }]),
    (Flaw::SendsTwice, &[Kind::SendTwice]),
    (Flaw::LosesSends, &[|link| Kind::SendLost { link, messages: 0 }]),
    (Flaw::MakesUpSends, &[|_| Kind::SendNotAskedFor]),
    (Flaw::ReadsTwice, &[Kind::FrameMangled]),
    (Flaw::WritesBeforeReading, &[|link| Kind::StoppedReading { link, messages: 0 }]),
    (Flaw::SendsNothing, &[|link| Kind::SendLost { link, messages: 0 }]),
    (Flaw::ReadsNothing, &[|link| Kind::StoppedReading { link, messages: 0 }]),
    (Flaw::DoesNothing, NOTHING),
    (Flaw::DoesNothingAndHangsUp, NOTHING),
    (Flaw::IgnoresHttp, &[|_| Kind::HttpUnanswered(http())]),
    (Flaw::MakesUpHttp, &[|_| Kind::HttpNotAskedFor(http())]),
    (Flaw::AnswersHttpTwice, &[|_| Kind::HttpAfterDone(http())]),
    (Flaw::IgnoresSave, &[|_| Kind::SaveUnanswered { revision: 1 }]),
    (Flaw::StoresNothing, &[|_| Kind::StoredNotSaved { revision: 1 }]),
    (Flaw::StoresAnOlderOne, &[|_| Kind::StoredOutOfOrder { revision: 1 }]),
];

fn http() -> HttpId {
    serde_json::from_str("1").unwrap()
}

fn shown(breaches: &[Breach]) -> String {
    breaches.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_host_passes() {
    let check = play(None);
    assert_eq!(shown(check.breaches()), "");
    // And it was a test: sockets were cut and closed, and much was said.
    assert!(check.stats().connects >= 3, "{:?}", check.stats());
}

#[test]
fn a_host_of_each_bad_kind_is_caught() {
    for (flaw, kinds) in EVERY_FLAW {
        let check = play(Some(flaw));
        let breaches = check.breaches();
        assert!(!breaches.is_empty(), "{flaw:?} is not noticed");
        for (place, kind) in kinds.iter().enumerate() {
            let Some(link) = check.links().next() else { panic!("it opens a link") };
            let kind = discriminant(&kind(link));
            let found = breaches.iter().any(|breach| discriminant(&breach.kind) == kind);
            assert!(found, "{flaw:?}, kind {place} is not among\n{}", shown(breaches));
        }
    }
}

#[test]
fn every_kind_of_breach_has_a_host_that_commits_it() {
    let check = play(None);
    let Some(link) = check.links().next() else { panic!("it opens a link") };
    let caught: Vec<_> =
        EVERY_FLAW.iter().flat_map(|(_, kinds)| *kinds).map(|kind| kind(link).name()).collect();
    for name in Kind::NAMES {
        assert!(caught.contains(name), "no host here commits {name}");
    }
}

/// A flaw is called by its name, not by everything that follows from it: what is neither expected nor a consequence that
/// this list admits would lead people astray.
#[test]
fn flaws_of_one_moment_are_called_by_their_names_alone() {
    for (flaw, kinds) in EVERY_FLAW {
        let follows = matches!(flaw, Flaw::KeepsCommands | Flaw::SwapsSends | Flaw::SendsToNewSocket);
        if follows {
            continue;
        }
        let check = play(Some(flaw));
        let Some(link) = check.links().next() else { panic!("it opens a link") };
        for breach in check.breaches() {
            let known = kinds.iter().any(|kind| discriminant(&kind(link)) == discriminant(&breach.kind));
            assert!(known, "{flaw:?} is called\n{}", shown(check.breaches()));
        }
    }
}

#[test]
fn the_simulator_is_a_good_host_in_calm_worlds() {
    for seed in 0..4 {
        let run = World::<HostCheck<Client>>::new(Plan::calm(seed)).run().unwrap();
        for client in run.clients {
            assert_eq!(shown(client.breaches()), "", "seed {seed}");
        }
    }
}

#[test]
fn the_simulator_is_a_bad_host_where_it_is_to_be_one() {
    let mut breaches = Vec::new();
    for seed in 1..=6 {
        let mut plan = Plan::calm(seed);
        plan.hosts.clock_back = 300;
        plan.hosts.stale = 500;
        plan.hosts.suspends = 100;
        plan.weather.cuts = 400;
        let run = World::<HostCheck<Client>>::new(plan).run().unwrap();
        breaches.extend(run.clients.iter().flat_map(|client| client.breaches().to_vec()));
    }
    let has = |wanted: fn(&Kind) -> bool| breaches.iter().any(|breach| wanted(&breach.kind));
    assert!(has(|kind| matches!(kind, Kind::ClockBackwards { .. })), "{}", shown(&breaches));
    assert!(has(|kind| matches!(kind, Kind::Overslept(_))), "{}", shown(&breaches));
    let twice = |kind: &Kind| {
        matches!(kind, Kind::ClosedTwice(_) | Kind::FrameAfterClosed(_) | Kind::OpenedAfterClosed(_))
    };
    assert!(has(twice), "{}", shown(&breaches));
}

#[test]
fn breaches_are_bounded_and_say_what_was_expected() {
    let mut check = play(None);
    let link = check.links().next().unwrap();
    for _ in 0..1500 {
        check.handle(Time::from_millis(1 << 40), chat_proto::Input::Opened(link));
    }
    assert_eq!(check.breaches().len(), 1000);
    assert!(check.more_breaches() >= 500);
    let text = check.breaches().last().unwrap().to_string();
    assert!(
        text.ends_with(
            "link 1 is opened after it was closed; expected: nothing is told of a link after its Closed"
        ),
        "{text}"
    );
}
