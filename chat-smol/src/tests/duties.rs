//! The duties of a host beyond sockets, with the referee before the core: HTTP requests and saves, against the offline
//! service.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_proto::{HttpFailure, HttpId, Input};
use chat_testkit::referee::Kind;
use chat_testkit::serve::{ServeConfig, Server};
use futures_lite::FutureExt;
use serde_json::json;
use smol::{Timer, block_on};

use super::{referee, retry};
use crate::storage::{Storage, StorageFuture};
use crate::{Client, Config, CreateChannel, Direction, Error, Json, Media, Network, Options, Upload};

/// What does not end within a minute has failed: real sockets and disks, on a machine that may have other things to do.
fn patiently(test: impl Future<Output = ()>) {
    let late = async {
        Timer::after(Duration::from_mins(1)).await;
        panic!("the test takes too long");
    };
    block_on(test.or(late));
}

/// A client of alice's that the referee watches.
async fn alice(server: &Server, options: impl FnOnce(Options) -> Options) -> Client {
    let token = server.admin("token", json!({ "identity": "alice" })).await.unwrap();
    let mut config = Config::default();
    config.retry = retry();
    config.endpoints.twilsock = Some(server.url().into());
    config.endpoints.media = Some(server.media_url().into());
    let token = token["token"].as_str().unwrap();
    let client = Client::create(token, options(Options::new().config(config))).await.unwrap();
    referee::remember(&client);
    client
}

fn kinds(client: &Client) -> Vec<Kind> {
    client.shared().with_referee(|door| door.breaches().iter().map(|breach| breach.kind.clone()).collect())
}

#[test]
fn uploads_and_downloads_are_made_answered_once_and_given_up_when_asked() {
    patiently(async {
        let server = Server::start(ServeConfig::default()).unwrap();
        let alice = alice(&server, |options| options).await;
        let channel = alice.create_channel(CreateChannel::default()).await.unwrap();
        channel.join().await.unwrap();
        let picture: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let upload = || Upload::bytes(picture.clone(), "image/png");
        channel.send_media(upload(), Json::default()).await.unwrap();
        let page = channel.get_messages(1, None, Direction::Backwards).await.unwrap();
        let media: Media = page.items()[0].media().unwrap();
        assert_eq!(media.download_bytes(picture.len()).await.unwrap(), picture);

        // One that fails, and one that is given up on its way.
        server
            .admin("fault", json!({ "on": "http", "match": { "host": "mcs" }, "status": 403 }))
            .await
            .unwrap();
        assert!(channel.send_media(upload(), Json::default()).await.is_err());
        server
            .admin("fault", json!({ "on": "http", "match": { "host": "mcs" }, "noReply": true }))
            .await
            .unwrap();
        let sending = channel.send_media(upload(), Json::default());
        let id = sending.id().unwrap();
        Timer::after(Duration::from_millis(50)).await;
        alice.cancel(id);
        assert!(matches!(sending.await, Err(Error::Call(_))));

        assert_eq!(kinds(&alice), [], "the host did what it should");
        // It was watched: the first request is known, and done; the hundredth was never asked for.
        let again = |number: &str| {
            let http: HttpId = serde_json::from_str(number).unwrap();
            alice.shared().handle(Input::HttpDone(http, Err(HttpFailure::Failed("again".into()))));
            http
        };
        let (first, hundredth) = (again("1"), again("100"));
        assert_eq!(kinds(&alice), [Kind::HttpAfterDone(first), Kind::HttpNotAskedFor(hundredth)]);
        referee::forget();
        alice.shutdown().await;
        server.stop();
    });
}

/// A disk that takes its time and fails each third time.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    times: usize,
    save: Option<Vec<u8>>,
}

impl Disk {
    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Storage for Disk {
    fn load(&self) -> StorageFuture<Option<Vec<u8>>> {
        let save = self.with(|kept| kept.save.clone());
        Box::pin(async move { Ok(save) })
    }

    fn store(&self, save: Vec<u8>) -> StorageFuture<()> {
        let disk = self.clone();
        Box::pin(async move {
            Timer::after(Duration::from_millis(20)).await;
            disk.with(|kept| {
                kept.times += 1;
                if kept.times.is_multiple_of(3) {
                    return Err("the disk is full".into());
                }
                kept.save = Some(save);
                Ok(())
            })
        })
    }
}

#[test]
fn what_is_told_to_be_stored_is_stored_and_in_its_order() {
    patiently(async {
        let server = Server::start(ServeConfig::default()).unwrap();
        let disk = Disk::default();
        let alice = alice(&server, |options| options.storage(disk.clone())).await;
        let channel = alice.create_channel(CreateChannel::default()).await.unwrap();
        channel.join().await.unwrap();
        // Each of them has to be stored before it leaves.
        for number in 0..6 {
            assert_eq!(
                channel.send_message(format!("message {number}"), Json::default()).await.unwrap(),
                Some(number)
            );
            if number == 2 {
                alice.network(Network::Changed);
            }
        }
        let times = disk.with(|kept| kept.times);
        assert!(times >= 8, "{times} saves for eight calls");
        assert!(disk.with(|kept| kept.save.is_some()));

        assert_eq!(kinds(&alice), [], "the host did what it should");
        // It was watched: nobody has made this save, and that one is an old one.
        alice.shared().handle(Input::Stored { revision: u64::MAX });
        alice.shared().handle(Input::Stored { revision: 0 });
        let told = [Kind::StoredNotSaved { revision: u64::MAX }, Kind::StoredOutOfOrder { revision: 0 }];
        assert_eq!(kinds(&alice), told);
        referee::forget();
        alice.shutdown().await;
        server.stop();
    });
}
