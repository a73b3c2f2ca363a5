//! One of the two: a client, and somebody who watches what reaches it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use chat_smol::{Client, Config, Options, StreamExt, StreamItem};
use chat_testkit::serve::Server;
use futures_lite::FutureExt;
use serde_json::{Value, json};
use smol::Timer;

use super::screen::Screen;
use super::seen::Seen;
use crate::exit::{Failure, chain};

/// How long anything may take. All is on this machine: what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Person {
    name: &'static str,
    client: Client,
    screen: Screen,
    seen: Arc<Mutex<Seen>>,
    /// Something new was booked.
    news: Receiver<()>,
}

impl Person {
    /// Connects, and watches from the first event on.
    pub(super) async fn connect(
        name: &'static str,
        server: &Server,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        let token = server.admin("token", json!({ "identity": name })).await.map_err(Failure::failed)?;
        let token = token.get("token").and_then(Value::as_str).unwrap_or_default();
        let client = Client::create(token, options(server))
            .await
            .map_err(|error| Failure::failed(format!("{name} cannot connect: {}", chain(&error))))?;
        let seen = Arc::default();
        let (tell, news) = async_channel::bounded(1);
        smol::spawn(watch(name, client.clone(), screen.clone(), Arc::clone(&seen), tell)).detach();
        let person = Self { name, client, screen: screen.clone(), seen, news };
        person.until("the connection", |seen| seen.connected).await?;
        Ok(person)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Says what this person does now.
    pub(super) async fn does(&self, what: &str) {
        self.screen.pause().await;
        self.screen.show(self.name, '>', what);
    }

    /// What was booked so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this person has seen something.
    pub(super) async fn until(&self, what: &str, happened: impl Fn(&Seen) -> bool) -> Result<(), Failure> {
        let wait = async {
            while !happened(&self.seen()) {
                if self.news.recv().await.is_err() {
                    return Err(Failure::failed(format!("{}'s client ended by itself", self.name)));
                }
            }
            Ok(())
        };
        let late = async {
            Timer::after(PATIENCE).await;
            Err(Failure::failed(format!("{} did not see {what} in time", self.name)))
        };
        wait.or(late).await
    }
}

fn options(server: &Server) -> Options {
    let mut config = Config::default();
    config.retry.min = Duration::from_millis(200);
    // The service in this process executes a request at once or never: there is no need to wait longer before a
    // message that was lost with its connection is sent again.
    config.late_execution = Duration::from_millis(500);
    Options::new().config(config).url(server.url()).create_timeout(PATIENCE)
}

async fn watch(name: &'static str, client: Client, screen: Screen, seen: Arc<Mutex<Seen>>, tell: Sender<()>) {
    let mut events = client.events();
    // The stream ends with the client; a handle here would keep it alive.
    drop(client);
    while let Some(item) = events.next().await {
        let shown = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match item {
                StreamItem::Event(event) => seen.book(name, &event),
                StreamItem::Lagged(lost) => {
                    seen.lagged += lost;
                    None
                }
            }
        };
        if let Some(shown) = shown {
            screen.show(name, '<', &shown);
        }
        // Full is as good: there is news already.
        let _ = tell.try_send(());
    }
}
