//! Every way to fail has one line and an exit code.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use crate::support::{file, program, run, service, token};

#[path = "../../../tests/support/certificates.rs"]
mod certificates;

#[test]
fn wrong_arguments() {
    for (arguments, part) in [
        (&["--frobnicate"][..], "--frobnicate"),
        (&["dance"], "dance"),
        (&["token"], "--identity"),
        (&["token", "--identity", " "], "a name is wanted"),
        (&["token", "--identity", "a", "--ttl", "0"], "--ttl"),
        (&["connect", "--timeout", "soon"], "give seconds"),
        (&["connect", "--timeout", "-1"], "-1"),
        (&["connect", "--timeout", "1e300"], "give seconds"),
        (&["connect", "--url"], "--url"),
        (&["connect", "--token", "a", "--token-file", "b"], "cannot be used with"),
    ] {
        run(&mut program(arguments), "").fails(2, part);
    }
}

#[test]
fn a_bad_url() {
    for (url, part) in [
        ("http://127.0.0.1/", "neither ws:// nor wss://"),
        ("wss://alice:hunter2@chat.example/", "credentials"),
        ("wss://", "not a URL"),
        ("127.0.0.1:8080", ""),
        ("", ""),
    ] {
        let run = run(program(&["connect", "--url", url]).env("CHAT_TOKEN", "x"), "");
        run.fails(2, part);
        assert!(run.err.contains("the address of the service") && !run.err.contains("hunter2"), "{run:?}");
    }
}

#[test]
fn no_token() {
    // Where nobody listens: if a token were found, it would go nowhere.
    let connect = |more: &[&str]| {
        program(&[&["connect", "--url", "ws://127.0.0.1:1/", "--timeout", "0.1"], more].concat())
    };
    run(&mut connect(&["--token-file", "no/such/file"]), "").fails(3, "no/such/file");
    run(&mut connect(&[]), "").fails(3, "no access token in standard input");
    run(&mut connect(&[]), "/channels\n").fails(3, "no access token (see --help)");
    run(&mut connect(&["--token-file", "-"]), "\nsecond line\n").fails(3, "no access token in");
    run(connect(&["--token-file", "-"]).env("CHAT_TOKEN", "x"), "").fails(3, "standard input");
    let long = vec![b'x'; 70_000];
    for content in [&b""[..], b" \n", b"two words\n", b"\xff\xfe\n", &long] {
        let path = file(content);
        let name = path.to_str().unwrap();
        run(&mut connect(&["--token-file", name]), "").fails(3, name);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let arguments = ["connect", "--url", &url, "--timeout", "0.3"];
    run(program(&arguments).env("CHAT_TOKEN", "a.secret.token"), "").fails(4, "cannot be reached");
}

#[test]
fn a_refused_token() {
    let server = service();
    let url = server.url();
    let run = run(&mut program(&["connect", "--url", &url, "--token-file", "-"]), "a.secret.token\n");
    run.fails(5, "the access token was refused: Invalid Access Token");
    assert!(!run.err.contains("secret"), "{run:?}");
}

#[test]
fn a_token_in_the_arguments_is_warned_of() {
    let server = service();
    let (url, token) = (server.url(), token(&server, "alice"));
    let run = run(&mut program(&["connect", "--url", &url, "--token", &token]), "/who\n");
    run.fails(0, "warning");
    assert!(run.out.contains("you are alice") && !run.err.contains(&token), "{run:?}");
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let (_, config) = certificates::server("127.0.0.1");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            // Ends with the client's alert.
            while tls.complete_io(&mut stream).is_ok() {}
        }
    });
    run(program(&["connect", "--url", &url]).env("CHAT_TOKEN", "x"), "").fails(6, "could not be verified");
}

#[test]
fn help_and_version_are_answers() {
    for (argument, part) in [("--help", "Exit codes:"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let run = run(&mut program(&[argument]), "");
        run.succeeds();
        assert!(run.out.contains(part), "{run:?}");
    }
    let run = run(&mut program(&["connect", "--help"]), "");
    run.succeeds();
    assert!(run.out.contains("CHAT_TOKEN") && run.out.contains("Examples:"), "{run:?}");
}
