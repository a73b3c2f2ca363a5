//! `chat connect` against the offline service.

use serde_json::json;

use crate::support::{Running, admin, connect, file, program, run, service, token};

#[test]
fn a_script_is_done_line_by_line() {
    let server = service();
    let script = "/create tea\nHello, world\n//slash\n\n/edit 0 Hello, all\n/delete 1\n/invite bob\n/members\n/history\n/who\n/typing\n";
    let alice = run(&mut connect(&server, "alice"), script);
    alice.succeeds();
    // Each line without the time that stands before it.
    let lines: Vec<&str> = alice
        .out
        .lines()
        .map(|line| if line.as_bytes().get(2) == Some(&b':') { line[8..].trim_start() } else { line })
        .collect();
    assert_eq!(
        lines,
        [
            "connected as alice; /help lists the commands",
            "tea          --- you are in",
            "you talk in tea now",
            "tea          [0] alice: Hello, world",
            "tea          [1] alice: /slash",
            "tea          [0] alice: Hello, all (edited)",
            "tea          --- message [1] was deleted",
            "alice",
            "tea          [0] alice: Hello, all",
            "you are alice, connected, talking in tea",
        ]
    );

    // The token comes first, the commands follow it.
    let script = format!("{}\n/channels\n/join tea\nHi\n/members\n/leave\n", token(&server, "bob"));
    let bob = run(&mut program(&["connect", "--url", &server.url()]), &script);
    bob.succeeds();
    for part in ["tea              ", "--- you are in", "[2] bob: Hi", "--- you are out"] {
        assert!(bob.out.contains(part), "no {part:?} in\n{}", bob.out);
    }
    let stored = admin(&server, "messages", json!({ "channel": "tea" }));
    let texts: Vec<_> = stored.as_array().unwrap().iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["Hello, all", "Hi"]);
}

#[test]
fn two_people_at_once() {
    let server = service();
    let mut alice = Running::start(&mut connect(&server, "alice"));
    alice.types("/create tea");
    alice.until("you talk in tea now");
    alice.types("/invite bob");
    let mut bob = Running::start(&mut connect(&server, "bob"));
    bob.until("connected as bob");
    bob.types("/join tea");
    bob.until("you talk in tea now");
    alice.until("bob came in");
    bob.types("/typing");
    alice.until("bob is typing");
    bob.types("What others write does not move the cursor: \x1b[2J");
    assert!(alice.until("[0] bob: What").contains("\u{fffd}[2J"));

    // The line is typed while there is no connection.
    admin(&server, "drop", json!({}));
    alice.until("connection lost");
    alice.types("after the cut");
    bob.until("[1] alice: after the cut");
    alice.until("[1] alice: after the cut");
    bob.types("/leave");
    alice.until("bob left");
    for person in [&mut alice, &mut bob] {
        person.types("/quit");
    }
    assert_eq!((alice.end().code, bob.end().code), (Some(0), Some(0)));
}

#[test]
fn what_fails_in_a_script_counts() {
    let server = service();
    for (script, part) in [
        ("hello\n", "you are in no channel"),
        ("/dance\n", "no command /dance"),
        ("/join nowhere\n", "nowhere"),
        ("/create tea\n/edit 7 x\n", "no message 7"),
        ("/join tea\n/delete 0 0\n", "usage: /delete INDEX"),
    ] {
        run(&mut connect(&server, "alice"), script).fails(1, part);
    }
    let mut long = "x".repeat(100_000);
    long.push_str("\n/who\n");
    let run = run(&mut connect(&server, "alice"), &long);
    run.fails(1, "is not sent");
    assert!(run.out.contains("you are alice"), "{run:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let server = service();
    let mut command = connect(&server, "alice");
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn an_expired_token_is_read_again_from_its_file() {
    let server = service();
    let path = file(token(&server, "alice"));
    let url = server.url();
    let mut command = program(&["connect", "--url", &url, "--token-file", path.to_str().unwrap()]);
    let mut alice = Running::start(&mut command);
    alice.until("connected as alice");
    std::fs::write(&path, token(&server, "alice")).unwrap();
    admin(&server, "expireToken", json!({ "identity": "alice" }));
    alice.until("--- connected");
    alice.types("/create again");
    alice.until("you talk in again now");
    // This time the file holds nothing newer.
    admin(&server, "expireToken", json!({ "identity": "alice" }));
    alice.end().fails(5, "not accepted any more: a new one is needed");
    std::fs::remove_file(path).unwrap();
}
