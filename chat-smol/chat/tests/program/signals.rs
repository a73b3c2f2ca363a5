//! Ctrl-C, as the terminal sends it.
#![cfg(unix)]

use std::net::TcpListener;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{Running, admin, connect, program, service, wait_for};

fn send(running: &Running, signal: Signal) {
    kill(Pid::from_raw(running.child.id().try_into().unwrap()), signal).unwrap();
}

#[test]
fn the_service_hears_goodbye() {
    let server = service();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut alice = Running::start(&mut connect(&server, "alice"));
        alice.until("connected as alice");
        send(&alice, signal);
        let run = alice.end();
        assert_eq!((run.code, run.err.as_str()), (Some(code), ""), "{run:?}");
        // It said goodbye. The service may still have to see the end of the socket.
        let open = || admin(&server, "connections", json!({})).as_array().unwrap().clone();
        assert!(open().iter().all(|connection| connection["state"] == "closing"), "{:?}", open());
        wait_for("the end of the socket", || open().is_empty());
    }
}

#[test]
fn connecting_is_given_up() {
    // Takes the connection and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let alice = Running::start(program(&["connect", "--url", &url]).env("CHAT_TOKEN", "x"));
    let open = listener.accept().unwrap();
    send(&alice, Signal::SIGINT);
    let run = alice.end();
    assert_eq!((run.code, run.err.as_str()), (Some(130), ""), "{run:?}");
    drop(open);
}
