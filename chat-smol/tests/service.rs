//! The async client against the offline service, over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_smol::proto::CallOptions;
use chat_smol::{
    CallDeadline, CallError, Cancel, Channel, ChannelStatus, Client, Config, ConnectionState, CreateChannel,
    Direction, Error, Event, Events, Json, Options, StreamExt, StreamItem,
};
use chat_testkit::serve::{ServeConfig, Server};
use futures_lite::FutureExt;
use serde_json::json;
use smol::block_on;

/// A service of the test's own.
fn service() -> Server {
    Server::start(ServeConfig::default()).unwrap()
}

async fn token(server: &Server, identity: &str) -> String {
    let answer = server.admin("token", json!({ "identity": identity })).await.unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

fn options(server: &Server) -> Options {
    let mut config = Config::default();
    config.retry.min = Duration::from_millis(1);
    Options::new().config(config).url(server.url()).create_timeout(Duration::from_secs(10))
}

async fn client(server: &Server, identity: &str) -> Client {
    Client::create(token(server, identity).await, options(server)).await.unwrap()
}

fn named(name: &str) -> CreateChannel {
    CreateChannel {
        unique_name: Some(name.into()),
        friendly_name: Some(name.into()),
        is_private: false,
        attributes: Json::default(),
    }
}

/// Reads events until `find` finds something.
async fn until<T>(events: &mut Events, find: impl Fn(Event) -> Option<T>) -> T {
    loop {
        match events.next().await.expect("the client ended") {
            StreamItem::Event(event) => {
                if let Some(found) = find(event) {
                    return found;
                }
            }
            StreamItem::Lagged(_) => {}
        }
    }
}

/// Joins, and waits until the client was told that it did: the answer may come before.
async fn join(channel: &Channel) -> Channel {
    let mut events = channel.events();
    let joined = channel.join().await.unwrap();
    if joined.status != ChannelStatus::Joined {
        until(&mut events, |event| matches!(event, Event::ChannelJoined(_)).then_some(())).await;
    }
    channel.latest().unwrap()
}

/// What does not end within half a minute has failed.
fn run(test: impl Future<Output = ()>) {
    let late = async {
        smol::Timer::after(Duration::from_secs(30)).await;
        panic!("the test takes too long");
    };
    block_on(test.or(late));
}

#[test]
fn two_people_talk() {
    run(async {
        let server = service();
        let (alice, bob) = (client(&server, "alice").await, client(&server, "bob").await);
        assert_eq!(alice.identity().unwrap().as_str(), "alice");
        let mut bobs_events = bob.events();

        let channel = alice.create_channel(named("tea")).await.unwrap();
        let channel = join(&channel).await;
        channel.invite("bob").await.unwrap();
        let invited = until(&mut bobs_events, |event| match event {
            Event::ChannelInvited(channel) => Some(channel),
            _ => None,
        });
        let bobs = join(&bob.bind(invited.await)).await;
        assert_eq!(bobs.unique_name.as_deref(), Some("tea"));

        let index = channel.send_message("Hello!", Json::parse(r#"{"mood":"good"}"#).unwrap()).await.unwrap();
        assert_eq!(index, Some(0));
        let added = until(&mut bobs_events, |event| match event {
            Event::MessageAdded(message) => Some(message),
            _ => None,
        });
        let message = bob.bind(added.await);
        assert_eq!(message.body.as_deref(), Some("Hello!"));
        assert_eq!(message.get_member().await.unwrap().identity.as_ref().unwrap().as_str(), "alice");

        let mine = channel.get_messages(30, None, Direction::Backwards).await.unwrap().into_items().remove(0);
        mine.update_body("Hello, Bob!").await.unwrap();
        until(&mut bobs_events, |event| matches!(event, Event::MessageUpdated { .. }).then_some(())).await;
        assert_eq!(message.body.as_deref(), Some("Hello!"), "a snapshot does not change");
        assert_eq!(message.latest().unwrap().body.as_deref(), Some("Hello, Bob!"));
        assert_eq!(bobs.messages().len(), 1);

        let members = channel.get_members().await.unwrap();
        assert_eq!(members.len(), 2);
        mine.remove().await.unwrap();
        until(&mut bobs_events, |event| matches!(event, Event::MessageRemoved(_)).then_some(())).await;
        assert_eq!(message.latest(), None);

        alice.shutdown().await;
        bob.shutdown().await;
        server.stop();
    });
}

#[test]
fn pages_are_streams() {
    run(async {
        let server = service();
        let alice = client(&server, "alice").await;
        let channel = join(&alice.create_channel(named("log")).await.unwrap()).await;
        for i in 0..25 {
            channel.send_message(i.to_string(), Json::default()).await.unwrap();
        }
        let page = channel.get_messages(10, None, Direction::Backwards).await.unwrap();
        assert_eq!(page.items().len(), 10);
        assert!(page.has_prev_page() && !page.has_next_page());
        assert!(matches!(page.next_page().await, Err(Error::NoSuchPage)));
        let before = page.prev_page().await.unwrap();
        assert_eq!(before.items().last().unwrap().index, 14);

        let back: Vec<u64> =
            page.into_stream_backwards().map(|message| message.unwrap().index).collect().await;
        assert_eq!(back, (0..25).rev().collect::<Vec<_>>());
        let first = channel.get_messages(10, 0, Direction::Forward).await.unwrap();
        let forth: Vec<u64> = first.into_stream().map(|message| message.unwrap().index).collect().await;
        assert_eq!(forth, (0..25).collect::<Vec<_>>());
        alice.shutdown().await;
    });
}

#[test]
fn a_cut_heals_and_loses_nothing() {
    run(async {
        let server = service();
        let (alice, bob) = (client(&server, "alice").await, client(&server, "bob").await);
        let channel = join(&alice.create_channel(named("cut")).await.unwrap()).await;
        let bobs = join(&bob.get_channel_by_unique_name("cut").await.unwrap()).await;
        let (mut events, mut states) = (bobs.events(), bob.events());
        bobs.get_members().await.unwrap();

        server.admin("drop", json!({ "identity": "bob" })).await.unwrap();
        for i in 0..10 {
            channel.send_message(i.to_string(), Json::default()).await.unwrap();
        }
        for i in 0..10 {
            let index = until(&mut events, |event| match event {
                Event::MessageAdded(message) => Some(message.index),
                _ => None,
            });
            assert_eq!(index.await, i);
        }
        until(&mut states, |event| {
            (event == Event::ConnectionStateChanged(ConnectionState::Connecting)).then_some(())
        })
        .await;
        assert_eq!(bob.stats().connects, 2);
        alice.shutdown().await;
        bob.shutdown().await;
    });
}

#[test]
fn answers_do_not_wait_for_readers_of_events() {
    run(async {
        let server = service();
        let alice =
            Client::create(token(&server, "alice").await, options(&server).event_buffer(4)).await.unwrap();
        let mut events = alice.events();
        let mut last =
            alice.events_where(|event| matches!(event, Event::MessageAdded(message) if message.index == 49));
        let channel = join(&alice.create_channel(named("busy")).await.unwrap()).await;
        for i in 0..50 {
            channel.send_message(i.to_string(), Json::default()).await.unwrap();
        }
        last.next().await.unwrap();
        let first = events.next().await;
        assert!(matches!(first, Some(StreamItem::Lagged(count)) if count > 40), "{first:?}");
        assert_eq!(channel.messages().len(), 50);
        alice.shutdown().await;
    });
}

#[test]
fn the_state_may_be_read_from_anywhere() {
    run(async {
        let server = service();
        let alice = client(&server, "alice").await;
        let channel = alice.create_channel(named("state")).await.unwrap();
        let sid = channel.sid.clone();
        let elsewhere = std::thread::spawn({
            let alice = alice.clone();
            move || alice.local_channel(&sid).map(|channel| channel.friendly_name.clone())
        });
        assert_eq!(elsewhere.join().unwrap(), Some(Some("state".into())));
        assert_eq!(channel.latest().as_ref(), Some(&channel));
        alice.shutdown().await;
    });
}

#[test]
fn calls_may_be_given_up() {
    run(async {
        let server = service();
        let alice = client(&server, "alice").await;
        let channel = alice.create_channel(named("slow")).await.unwrap();
        // The service answers nothing more.
        server
            .admin("fault", json!({ "on": "http", "match": {}, "count": -1, "noReply": true }))
            .await
            .unwrap();
        let soon = CallOptions { deadline: CallDeadline::After(Duration::from_millis(50)) };
        let error = channel.with(soon).join().await.unwrap_err();
        let given_up =
            matches!(error.as_call_error(), Some(CallError::DeadlineExceeded(_) | CallError::Unknown(_)));
        assert!(given_up, "{error:?}");

        // Whether it could be withdrawn is for the core to say; the future ends accordingly.
        let call = alice.get_user_descriptor("bob");
        let id = call.id().unwrap();
        match call.cancel() {
            Cancel::Cancelled => {
                assert!(matches!(call.await, Err(Error::Call(CallError::Cancelled))));
            }
            Cancel::TooLate => drop(call),
        }
        assert_eq!(alice.cancel(id), Cancel::TooLate);
        alice.shutdown().await;
    });
}

#[test]
fn an_expired_token_is_replaced_by_the_provider() {
    run(async {
        let server = Arc::new(service());
        let asked = Arc::new(AtomicUsize::new(0));
        let options = options(&server).token_provider({
            let (server, asked) = (server.clone(), asked.clone());
            move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let server = server.clone();
                async move { Ok::<_, Error>(token(&server, "alice").await) }
            }
        });
        let alice = Client::create_with_provider(options).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let mut events = alice.events();
        server.admin("expireToken", json!({ "identity": "alice", "close": 410 })).await.unwrap();
        until(&mut events, |event| matches!(event, Event::TokenWanted { .. }).then_some(())).await;
        until(&mut events, |event| {
            (event == Event::ConnectionStateChanged(ConnectionState::Connected)).then_some(())
        })
        .await;
        alice.create_channel(named("again")).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        alice.shutdown().await;
    });
}
