//! A session of this adapter, recorded from inside and by a proxy in the middle.

use std::fs;
use std::path::Path;
use std::time::Duration;

use chat_smol::proto::Client as Core;
use chat_smol::{Client, CreateChannel, CreateError, Json, Options};
use chat_testkit::record::Proxy;
use chat_testkit::replay::{exact, foreign};
use chat_testkit::scratch::Scratch;
use chat_testkit::serve::{ServeConfig, Server};
use chat_testkit::session_file::{SessionFile, open};
use chat_testkit::timeline::Timeline;
use serde_json::json;

fn read(path: &Path) -> SessionFile {
    let opened = open(path).unwrap();
    assert!(opened.damage.is_none(), "{:?}", opened.damage);
    opened.session
}

#[test]
fn a_recorded_session_repeats_itself() {
    let server = Server::start(ServeConfig::default()).unwrap();
    let folder = Scratch::new("chat-smol-record").unwrap();
    let (inside, wire) = (folder.join("inside.jsonl"), folder.join("wire.jsonl"));
    let proxy = Proxy::start(([127, 0, 0, 1], 0).into(), server.url().parse().unwrap(), &wire).unwrap();
    let url = format!("ws://{}/v3/wsconnect", proxy.address());
    let token = smol::block_on(async {
        let answer = server.admin("token", json!({ "identity": "alice" })).await.unwrap();
        let token = answer["token"].as_str().unwrap().to_owned();
        let options = Options::new().url(url).record(&inside);
        let client = Client::create(token.as_str(), options).await.unwrap();
        let options = CreateChannel { unique_name: Some("general".into()), ..Default::default() };
        let channel = client.create_channel(options).await.unwrap();
        channel.join().await.unwrap();
        let index = channel.send_message("hello", Json::empty_object()).await.unwrap();
        assert_eq!(index, Some(0));
        // A crash now would leave all this in the files.
        assert!(read(&wire).entries.len() > 30);
        assert!(fs::read_to_string(&inside).unwrap().contains("hello"));
        client.shutdown().await;
        drop(channel);
        drop(client);
        token
    });
    // The driver lets go of the client a moment after it was shut down.
    for _ in 0..200 {
        if read(&inside).ended {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    proxy.stop().unwrap();
    server.stop();

    let session = read(&inside);
    assert!(session.ended);
    exact::<Core>(&session).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    let seen = read(&wire);
    assert!(seen.ended && seen.is_wire());
    let people = foreign(&seen);
    assert_eq!(people.len(), 1);
    assert_eq!(people[0].identity, "alice");
    let told = Timeline::new(people[0].session.as_ref().unwrap()).to_string();
    // The jitter is another, so what comes of timers may differ, and a read of the client's own may be taken for a call
    // when it comes late; what was asked for is answered.
    assert!(told.contains("(SendMessage): MessageIndex 0"), "{told}");

    let secret = token.split('.').nth(1).unwrap();
    for path in [&inside, &wire] {
        assert!(!fs::read_to_string(path).unwrap().contains(secret), "{}", path.display());
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let options = Options::new().url("ws://127.0.0.1:1/x").record("/no/such/folder/file");
    let error = smol::block_on(Client::create("a.b.c", options)).err().unwrap();
    assert!(matches!(error, CreateError::Record(_)), "{error}");
}
