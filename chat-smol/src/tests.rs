//! The driver against a scripted service, from the connection's first frame on; the client need not be ready for it.

mod cuts;
mod duties;
pub(crate) mod referee;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_proto::{CallDeadline, CallError, CallOptions, ConnectionState, Event, Network, RetryPolicy, Token};
use futures_lite::{FutureExt, StreamExt};
use serde_json::json;
use smol::block_on;
use smol::channel::{Receiver, Sender, unbounded};

use crate::support::duplex::{End, Way, Writes, duplex};
use crate::support::peer::Peer;
use crate::{
    CallFuture, Channel, Client, Config, Error, Events, Message, Options, Pages, Paginator, StreamItem,
    Transport,
};

/// Where the client connects to: each attempt arrives here.
struct Service {
    arrivals: Receiver<(End, Writes)>,
}

impl Service {
    /// The next connection, once its WebSocket is open.
    async fn accept(&self) -> (Peer<End>, Writes) {
        let (end, writes) = self.arrivals.recv().await.unwrap();
        (Peer::accept(end).await, writes)
    }
}

fn service(way: Way) -> (Service, Options) {
    service_with(way, |_| ())
}

fn service_with(way: Way, change: impl FnOnce(&mut Config)) -> (Service, Options) {
    let (arrive, arrivals): (Sender<(End, Writes)>, _) = unbounded();
    let mut config = Config::default();
    config.retry = retry();
    config.close_timeout = Duration::from_millis(200);
    change(&mut config);
    let options = Options::new().config(config).url("ws://service/").connect(move |_| {
        let (ours, theirs) = duplex(way, Way::default());
        let sent = arrive.try_send((theirs, ours.writes()));
        async move { sent.map(|()| Transport::plain(ours)) }
    });
    (Service { arrivals }, options)
}

/// Waits as little as possible.
fn retry() -> RetryPolicy {
    let mut retry = RetryPolicy::default();
    retry.min = Duration::from_millis(1);
    retry.max = Duration::from_millis(10);
    retry
}

fn start(options: Options) -> Client {
    let token = Token::new("TOKEN-1").unwrap();
    let client = Client::start(token, options.into_parts().ok().unwrap()).ok().unwrap();
    referee::remember(&client);
    client
}

/// Reads events until one passes.
async fn until(events: &mut Events, passes: impl Fn(&Event) -> bool) -> Event {
    loop {
        match events.next().await.expect("the client ended") {
            StreamItem::Event(event) if passes(&event) => return event,
            _ => {}
        }
    }
}

/// What does not end within ten seconds has failed, and so has a driver that did anything wrong.
fn run(test: impl Future<Output = ()>) {
    let late = async {
        smol::Timer::after(Duration::from_secs(10)).await;
        panic!("the test takes too long");
    };
    block_on(test.or(late));
    referee::assert_fair();
}

#[test]
fn acknowledgements_of_a_burst_leave_in_one_write() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let (mut peer, writes) = service.accept().await;
        peer.welcome().await;
        // Whatever the client asks for after `init` stays unanswered; what it asks has left once this is here.
        peer.expect("put_notification_ctx").await;
        let before = writes.count();
        peer.send((0..60).map(|i| (json!({ "method": "ping", "id": format!("PING-{i}") }), Vec::new())))
            .await;
        let (mut acknowledged, mut others) = (0, 0);
        while acknowledged < 60 {
            let frame = peer.next().await.unwrap();
            if frame.method() == "reply" {
                assert_eq!(frame.id(), format!("PING-{acknowledged}"));
                acknowledged += 1;
            } else {
                others += 1;
            }
        }
        let count = writes.count() - before;
        assert!(count <= 1 + others, "{count} writes for 60 acknowledgements and {others} other frames");
        drop(client);
    });
}

#[test]
fn reading_goes_on_while_the_service_does_not_read() {
    run(async {
        let (service, options) = service(Way { capacity: 2048, ..Way::default() });
        let client = start(options);
        let mut events = client.events();
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        // Their acknowledgements fill the way to the service many times over.
        let pings = (0..1000).map(|i| (json!({ "method": "ping", "id": format!("PING-{i}") }), Vec::new()));
        let faulty = (json!({ "method": "no_such_method", "id": "LAST" }), Vec::new());
        peer.send(pings.chain([faulty])).await;
        until(&mut events, |event| matches!(event, Event::Fault(_))).await;
        for i in 0..1000 {
            let frame = peer.expect("reply").await;
            assert_eq!(frame.id(), format!("PING-{i}"));
        }
        drop(client);
    });
}

/// The connection stands, but the WebSocket's handshake is not answered.
#[test]
fn a_service_that_never_opens_holds_nothing_up() {
    run(async {
        let (service, options) =
            service_with(Way::default(), |config| config.connect_timeout = Duration::from_millis(50));
        let client = start(options);
        let deadline = CallDeadline::After(Duration::from_millis(300));
        let asked = client.with(CallOptions { deadline }).get_user_descriptor("bob");
        let attempts = [service.arrivals.recv().await.unwrap(), service.arrivals.recv().await.unwrap()];
        let answer = asked.await;
        assert!(matches!(answer, Err(Error::Call(CallError::DeadlineExceeded(_)))), "{answer:?}");
        drop((attempts, client));
    });
}

#[test]
fn a_cut_connection_is_opened_again() {
    run(async {
        let (service, options) = service(Way { capacity: 100, most: 11 });
        let client = start(options);
        let (mut peer, _) = service.accept().await;
        let first = peer.welcome().await;
        assert_eq!(first.header["token"], "TOKEN-1");
        assert_eq!(first.header["metadata"]["os"], std::env::consts::OS);
        drop(peer);
        let (mut peer, _) = service.accept().await;
        let second = peer.welcome().await;
        assert_eq!(second.header["continuation_token"], "CT-1");
        drop(client);
    });
}

#[test]
fn the_last_handle_takes_the_client_along() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        let (other, mut events) = (client.clone(), client.events());
        until(&mut events, |event| matches!(event, Event::ContinuationToken(_))).await;
        drop(client);
        peer.send([(json!({ "method": "ping", "id": "ALIVE" }), Vec::new())]).await;
        assert_eq!(peer.expect("reply").await.id(), "ALIVE");
        drop(other);
        while peer.next().await.is_some() {}
        while events.next().await.is_some() {}
        // The driver was dropped with all that it held: nobody can connect any more.
        assert!(service.arrivals.recv().await.is_err());
    });
}

#[test]
fn shutting_down_ends_calls_and_streams() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        let mut events = client.events();
        let pending = client.get_subscribed_channels();
        assert!(pending.id().is_some());
        client.shutdown().await;
        assert!(pending.await.is_err());
        while peer.next().await.is_some() {}
        while events.next().await.is_some() {}
        assert!(matches!(client.get_subscribed_channels().await, Err(Error::Ended | Error::Refused(_))));
        // Again is harmless.
        client.shutdown().await;
    });
}

#[test]
fn a_service_that_is_deaf_does_not_hold_up_the_shutdown() {
    run(async {
        let (service, options) = service(Way { capacity: 2048, ..Way::default() });
        let client = start(options);
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        peer.send((0..100).map(|i| (json!({ "method": "ping", "id": format!("PING-{i}") }), Vec::new())))
            .await;
        client.shutdown().await;
    });
}

#[test]
fn the_provider_is_asked_once_for_a_refused_token() {
    run(async {
        let (service, options) = service(Way::default());
        let asked = Arc::new(AtomicUsize::new(0));
        let (give, given) = unbounded::<String>();
        let options = options.token_provider({
            let asked = asked.clone();
            move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let given = given.clone();
                async move { given.recv().await }
            }
        });
        let client = start(options);
        let mut events = client.events();
        let (mut peer, _) = service.accept().await;
        peer.refuse().await;
        until(&mut events, |event| matches!(event, Event::TokenWanted { .. })).await;
        give.send("TOKEN-2".into()).await.unwrap();
        // On the same connection or a new one, as the core likes.
        let again = async {
            loop {
                match peer.next().await {
                    Some(frame) if frame.header["token"] == "TOKEN-2" => return,
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        };
        let anew = async {
            loop {
                let (mut peer, _) = service.accept().await;
                if peer.next().await.is_some_and(|frame| frame.header["token"] == "TOKEN-2") {
                    return;
                }
            }
        };
        again.or(anew).await;
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        drop(client);
    });
}

#[test]
fn the_state_is_told_and_kept() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let mut events = client.events();
        let (mut peer, _) = service.accept().await;
        assert_eq!(client.connection_state(), ConnectionState::Connecting);
        peer.welcome().await;
        let connected = Event::ConnectionStateChanged(ConnectionState::Connected);
        let told = async { drop(until(&mut events, |event| *event == connected).await) };
        told.or(peer.agree()).await;
        assert_eq!(client.connection_state(), ConnectionState::Connected);
        drop(client);
    });
}

#[test]
fn another_network_means_another_connection() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        client.network(Network::Changed);
        let (mut second, _) = service.accept().await;
        second.welcome().await;
        // The first was closed, not left behind.
        while peer.next().await.is_some() {}
        drop(client);
    });
}

#[test]
fn handles_may_go_to_any_thread() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Send + Sync>() {}
    is_sync::<Client>();
    is_sync::<Channel>();
    is_sync::<Paginator<Message>>();
    is_sync::<Options>();
    is_sync::<Error>();
    is_sync::<Events>();
    is_send::<CallFuture<Channel>>();
    is_send::<Pages<Message>>();
}

#[test]
fn tasks_run_where_the_app_wants_them() {
    run(async {
        let (service, options) = service(Way::default());
        let tasks = Arc::new(Mutex::new(Vec::new()));
        let client = start(options.spawn({
            let tasks = tasks.clone();
            move |task| tasks.lock().unwrap().push(task)
        }));
        let task = tasks.lock().unwrap().pop().unwrap();
        let script = async {
            let (mut peer, _) = service.accept().await;
            peer.welcome().await;
            drop(client);
            std::future::pending::<()>().await;
        };
        // The client's one task ends with the client.
        task.or(script).await;
    });
}

#[test]
fn an_executor_that_drops_the_task_ends_the_client() {
    run(async {
        let (_service, options) = service(Way::default());
        let client = start(options.spawn(drop));
        assert!(matches!(client.get_local_channels(None).await, Err(Error::Ended)));
        client.shutdown().await;
    });
}
