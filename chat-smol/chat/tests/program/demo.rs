//! The demonstration.

use crate::support::{program, run};

#[test]
fn a_conversation_is_shown_and_checked() {
    let run = run(&mut program(&[]), "");
    run.succeeds();
    for part in [
        "alice   > creates the channel",
        "bob     < invited to \"Tea\"",
        "bob     > joins",
        "alice   < bob came in",
        "bob     < alice: Helo Bob!",
        "alice   < bob is typing",
        "alice   < bob: Hello Alice!",
        "bob     < alice: Hello Bob!   [0] (edited)",
        "service > cuts both connections",
        "alice   < connection lost",
        "alice   < connected again",
        "bob     < connected again",
        "alice   < bob left",
    ] {
        assert!(run.out.contains(part), "no {part:?} in\n{}", run.out);
    }
    let last = run.out.lines().last().unwrap();
    let (events, rest) = last.split_once(' ').unwrap();
    assert!(events.parse::<u64>().unwrap() > 40, "{last}");
    assert_eq!(
        rest,
        "events and 8 messages were seen: the two sides and the service agree on every message."
    );
}

#[test]
fn nobody_needs_to_read_it() {
    let mut child = program(&[]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
