//! The examples of chat-proto as people run them, each in a short conversation with the offline service.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chat_testkit::serve::{ServeConfig, Server};
use serde_json::json;

/// Where the build puts examples, and the arguments that make it put them there: those of this very test.
fn examples() -> (PathBuf, Vec<String>) {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let target = profile.parent().unwrap();
    let mut arguments = vec!["--target-dir".to_owned(), target.display().to_string()];
    if profile.file_name().is_some_and(|name| name == "release") {
        arguments.push("--release".to_owned());
    }
    (profile.join("examples"), arguments)
}

/// Builds the examples, as far as that is not done. Of the whole workspace: with the features of the test run, so that what
/// is built already counts.
fn build() -> PathBuf {
    let (folder, arguments) = examples();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--quiet", "--workspace", "--examples"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder
}

fn run(example: &str) -> Output {
    let server = Server::start(ServeConfig::default()).unwrap();
    let token = smol::block_on(server.admin("token", json!({ "identity": example }))).unwrap();
    let program = build().join(example).with_extension(std::env::consts::EXE_EXTENSION);
    let output =
        Command::new(program).arg(token["token"].as_str().unwrap()).arg(server.url()).output().unwrap();
    let channels = smol::block_on(server.admin("state", json!({}))).unwrap()["channels"].clone();
    assert_eq!(channels[0]["createdBy"], example);
    assert_eq!(channels[0]["messages"], 1);
    server.stop();
    output
}

fn converses(example: &str) {
    let output = run(example);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(out.contains("sent: MessageIndex(Some(0))"), "{out}");
    for event in ["ConnectionStateChanged(Connected)", "ChannelAdded", "ChannelJoined"] {
        assert!(out.contains(event), "no {event} in {out}");
    }
}

#[test]
fn blocking() {
    converses("blocking");
}

#[test]
fn tokio() {
    converses("tokio");
}

#[test]
fn wrong_arguments_end_them() {
    for example in ["blocking", "tokio"] {
        let output = Command::new(build().join(example)).output().unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage"));
    }
}
