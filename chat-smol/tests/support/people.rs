//! People at the offline service, over real sockets.

use std::time::Duration;

use chat_smol::{
    Channel, ChannelStatus, Client, Config, CreateChannel, Event, Events, Options, StreamExt, StreamItem,
};
use chat_testkit::serve::{ServeConfig, Server};
use chat_testkit::service::ServiceConfig;
use futures_lite::FutureExt;
use serde_json::{Value, json};
use smol::block_on;

/// A service with these settings.
pub(crate) fn service(settings: Value) -> Server {
    let settings: ServiceConfig = serde_json::from_value(settings).unwrap();
    Server::start(ServeConfig::from(settings)).unwrap()
}

pub(crate) async fn token(server: &Server, identity: &str) -> String {
    let answer = server.admin("token", json!({ "identity": identity })).await.unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

pub(crate) async fn client(server: &Server, identity: &str) -> Client {
    let mut config = Config::default();
    config.retry.min = Duration::from_millis(1);
    // What is asked again is asked again.
    config.http_cache_interval = Some(Duration::from_millis(1));
    config.consumption_report_interval = Some(Duration::from_millis(20));
    let options = Options::new().config(config).url(server.url()).create_timeout(Duration::from_secs(10));
    Client::create(token(server, identity).await, options).await.unwrap()
}

pub(crate) fn named(name: &str) -> CreateChannel {
    CreateChannel {
        unique_name: Some(name.into()),
        friendly_name: Some(name.into()),
        ..CreateChannel::default()
    }
}

/// Reads events until `find` finds something.
pub(crate) async fn until<T>(events: &mut Events, find: impl Fn(Event) -> Option<T>) -> T {
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

/// Reads events until there is this one.
macro_rules! told {
    ($events:expr, $pattern:pat $(if $condition:expr)? => $value:expr) => {
        $crate::people::until(&mut $events, |event| match event {
            $pattern $(if $condition)? => Some($value),
            _ => None,
        })
        .await
    };
    ($events:expr, $pattern:pat $(if $condition:expr)?) => {
        $crate::people::told!($events, $pattern $(if $condition)? => ())
    };
}
pub(crate) use told;

/// Joins, and waits until the client was told that it did: the answer may come before.
pub(crate) async fn join(channel: &Channel) -> Channel {
    let mut events = channel.events();
    if channel.join().await.unwrap().status != ChannelStatus::Joined {
        told!(events, Event::ChannelJoined(_));
    }
    channel.get_members().await.unwrap();
    channel.latest().unwrap()
}

/// What does not end within half a minute has failed.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let late = async {
        smol::Timer::after(Duration::from_secs(30)).await;
        panic!("the test takes too long");
    };
    block_on(test.or(late));
}
