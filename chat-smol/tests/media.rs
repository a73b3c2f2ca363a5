//! Media and push against the offline service, over real sockets.

#[path = "support/certificates.rs"]
mod certificates;

use std::sync::Arc;
use std::time::Duration;

use chat_smol::{
    CallError, Cancel, Channel, Client, Config, CreateChannel, CreateError, Error, Event, HttpFailure, Json,
    Media, Options, PushChannel, PushType, StreamExt, StreamItem, Upload, UrlError,
};
use chat_testkit::scratch::Scratch;
use chat_testkit::serve::{ServeConfig, Server};
use futures_lite::future::try_zip;
use futures_lite::{AsyncReadExt, FutureExt, io};
use futures_rustls::TlsAcceptor;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use smol::block_on;
use smol::net::{TcpListener, TcpStream};

async fn client(server: &Server, identity: &str, options: impl FnOnce(Config) -> Options) -> Client {
    let answer = server.admin("token", json!({ "identity": identity })).await.unwrap();
    let token = answer["token"].as_str().unwrap().to_owned();
    let mut config = Config::default();
    config.retry.min = Duration::from_millis(1);
    config.endpoints.twilsock = Some(server.url().into());
    config.endpoints.media = Some(server.media_url().into());
    Client::create(token, options(config)).await.unwrap()
}

/// A client in a channel of its own.
async fn in_channel(server: &Server) -> (Client, Channel) {
    in_channel_with(server, |config| Options::new().config(config)).await
}

async fn in_channel_with(server: &Server, options: impl FnOnce(Config) -> Options) -> (Client, Channel) {
    let client = client(server, "alice", options).await;
    let options = CreateChannel { unique_name: Some("pictures".into()), ..CreateChannel::default() };
    let channel = client.create_channel(options).await.unwrap();
    channel.join().await.unwrap();
    channel.get_members().await.unwrap();
    (client, channel)
}

/// The media of the newest message.
async fn newest(channel: &Channel) -> Media {
    let page = channel.get_messages(1, None, chat_smol::Direction::Backwards).await.unwrap();
    page.items()[0].media().unwrap()
}

/// Bytes that are not all alike.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n * 31 % 251).unwrap()).collect()
}

async fn fault(server: &Server, mut rule: Value) {
    rule["on"] = "http".into();
    server.admin("fault", rule).await.unwrap();
}

/// What does not end within a minute has failed.
fn run(test: impl Future<Output = ()>) {
    let late = async {
        smol::Timer::after(Duration::from_mins(1)).await;
        panic!("the test takes too long");
    };
    block_on(test.or(late));
}

fn start() -> Server {
    Server::start(ServeConfig::default()).unwrap()
}

#[test]
fn a_picture_goes_there_and_back() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        let mut events = alice.events();
        let picture = noise(3 << 20);
        let sending = channel.send_media(
            Upload::bytes(picture.clone(), "image/png").filename("cat & dog.png"),
            Json::parse(r#"{"mood":"good"}"#).unwrap(),
        );
        let id = sending.id().unwrap();
        assert_eq!(sending.await.unwrap(), Some(0));
        let mut sent = Vec::new();
        while sent.last() != Some(&(picture.len() as u64)) {
            if let Some(StreamItem::Event(Event::UploadProgress { call, sent: bytes })) = events.next().await
            {
                assert_eq!(call, id);
                sent.push(bytes);
            }
        }
        assert!(sent.is_sorted() && sent[0] <= 64 << 10, "{sent:?}");

        let media = newest(&channel).await;
        assert_eq!((&*media.content_type, media.size), ("image/png", 3 << 20));
        assert_eq!(media.filename.as_deref(), Some("cat & dog.png"));
        assert_eq!(media.download_bytes(picture.len()).await.unwrap(), picture);
        let error = media.download_bytes(1000).await.unwrap_err();
        assert!(
            matches!(error.as_call_error(), Some(CallError::Transfer(HttpFailure::Media(_)))),
            "{error:?}"
        );
        let url = media.get_content_url().await.unwrap();
        assert!(url.expose_secret().starts_with(&server.media_url()));
        alice.shutdown().await;
        server.stop();
    });
}

#[test]
fn files_and_readers_are_streamed() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        let bytes = noise(200_000);
        let folder = Scratch::new("chat-smol-media").unwrap();
        std::fs::write(folder.join("from"), &bytes).unwrap();

        let upload = Upload::file(folder.join("from"), "text/plain");
        channel.send_media(upload, Json::default()).await.unwrap();
        newest(&channel).await.download_to_file(folder.join("to")).await.unwrap();
        assert_eq!(std::fs::read(folder.join("to")).unwrap(), bytes);

        // Of a reader just as much is read as was said.
        let reader = io::repeat(7).take(1_000_000);
        channel.send_media(Upload::reader(reader, 100_001, "x/y"), Json::default()).await.unwrap();
        assert_eq!(newest(&channel).await.download_bytes(100_001).await.unwrap(), vec![7; 100_001]);

        let nothing = channel.send_media(Upload::bytes([], "x/empty"), Json::default()).await.unwrap();
        assert_eq!(nothing, Some(2));
        assert!(newest(&channel).await.download_bytes(0).await.unwrap().is_empty());

        let missing = Upload::file(folder.join("missing"), "x/y");
        let short = Upload::reader(io::Cursor::new([1, 2, 3]), 4, "x/y");
        for upload in [missing, short] {
            let error = channel.send_media(upload, Json::default()).await.unwrap_err();
            assert!(
                matches!(error.as_call_error(), Some(CallError::Transfer(HttpFailure::Media(_)))),
                "{error:?}"
            );
        }
        alice.shutdown().await;
    });
}

#[test]
fn transfers_in_trouble_go_again() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        fault(
            &server,
            json!({ "match": { "host": "mcs", "method": "POST" }, "drop": true, "process": true }),
        )
        .await;
        let bytes = noise(100_000);
        let index = channel.send_media(Upload::bytes(bytes.clone(), "x/y"), Json::default()).await.unwrap();
        assert_eq!(index, Some(0));
        fault(&server, json!({ "match": { "host": "mcs", "method": "GET" }, "status": 503 })).await;
        assert_eq!(newest(&channel).await.download_bytes(100_000).await.unwrap(), bytes);
        // What can be read only once is not sent twice.
        fault(&server, json!({ "match": { "host": "mcs", "method": "POST" }, "drop": true })).await;
        let once = Upload::reader(io::Cursor::new(bytes), 100_000, "x/y");
        let error = channel.send_media(once, Json::default()).await.unwrap_err();
        assert!(
            matches!(error.as_call_error(), Some(CallError::Transfer(HttpFailure::Media(_)))),
            "{error:?}"
        );
        alice.shutdown().await;
    });
}

#[test]
fn an_upload_may_be_cancelled() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        let mut events = alice.events();
        fault(&server, json!({ "match": { "host": "mcs" }, "noReply": true })).await;
        let sending = channel.send_media(Upload::bytes(noise(1000), "x/y"), Json::default());
        while !matches!(events.next().await, Some(StreamItem::Event(Event::UploadProgress { .. }))) {}
        assert_eq!(sending.cancel(), Cancel::Cancelled);
        assert!(matches!(sending.await, Err(Error::Call(CallError::Cancelled))));
        // A source that never gives anything is given up as well.
        let sending = channel.send_media(Upload::reader(Never, 5, "x/y"), Json::default());
        smol::Timer::after(Duration::from_millis(50)).await;
        assert_eq!(sending.cancel(), Cancel::Cancelled);
        alice.shutdown().await;
    });
}

struct Never;

impl io::AsyncRead for Never {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut [u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Pending
    }
}

#[test]
fn redirects_are_not_followed() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        let elsewhere = format!("{}/elsewhere", server.media_url());
        fault(
            &server,
            json!({ "match": { "host": "mcs" }, "status": 307, "headers": { "location": elsewhere } }),
        )
        .await;
        let error = channel.send_media(Upload::bytes([1], "x/y"), Json::default()).await.unwrap_err();
        let refused = matches!(error.as_call_error(), Some(CallError::Media { status: 307, .. }));
        assert!(refused, "{error:?}");
        alice.shutdown().await;
    });
}

/// A server whose media service is reached over TLS, and the address of that.
async fn secured(config: Arc<ServerConfig>) -> (Server, String) {
    let listener = TcpListener::bind(("localhost", 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let mut settings = ServeConfig::default();
    settings.media_url = Some(url.clone());
    let server = Server::start(settings).unwrap();
    let inside = server.media_port();
    smol::spawn(async move {
        while let Ok((outer, _)) = listener.accept().await {
            let acceptor = TlsAcceptor::from(config.clone());
            smol::spawn(async move {
                let (from_client, to_client) = io::split(acceptor.accept(outer).await?);
                let inner = TcpStream::connect(("127.0.0.1", inside)).await?;
                try_zip(io::copy(from_client, inner.clone()), io::copy(inner, to_client)).await
            })
            .detach();
        }
    })
    .detach();
    (server, url)
}

/// In a channel, with media at `url`, trusting `root`.
async fn trusting(server: &Server, url: &str, root: CertificateDer<'static>) -> (Client, Channel) {
    let tls = chat_smol::tls_config_with_roots([root]).unwrap();
    in_channel_with(server, |config| Options::new().config(config).media_url(url).tls(tls)).await
}

#[test]
fn media_go_over_tls() {
    run(async {
        let (root, config) = certificates::server("localhost");
        let (server, url) = secured(config).await;
        let (alice, channel) = trusting(&server, &url, root).await;
        let picture = noise(200_000);
        let sent = channel.send_media(Upload::bytes(picture.clone(), "image/png"), Json::default()).await;
        assert_eq!(sent.unwrap(), Some(0));
        let media = newest(&channel).await;
        assert_eq!(media.download_bytes(picture.len()).await.unwrap(), picture);
        assert!(media.get_content_url().await.unwrap().expose_secret().starts_with(&url));
        alice.shutdown().await;
        server.stop();
    });
}

/// A media service that cannot prove who it is gets nothing, neither the token nor the bytes.
#[test]
fn media_of_the_wrong_certificate_are_refused() {
    run(async {
        let (_, config) = certificates::server("localhost");
        let (other_root, other_host) = certificates::server("elsewhere.example");
        for (config, trusted, what) in
            [(config, other_root.clone(), "an unknown root"), (other_host, other_root, "another host")]
        {
            let (server, url) = secured(config).await;
            let (alice, channel) = trusting(&server, &url, trusted).await;
            let error = channel.send_media(Upload::bytes([1], "x/y"), Json::default()).await.unwrap_err();
            let refused =
                matches!(error.as_call_error(), Some(CallError::Transfer(HttpFailure::Untrusted(_))));
            assert!(refused, "{what}: {error:?}");
            alice.shutdown().await;
            server.stop();
        }
    });
}

/// They would end in logs, and in the hands of whoever is asked.
#[test]
fn addresses_of_media_with_credentials_are_refused() {
    run(async {
        let server = start();
        let options = Options::new().url(server.url()).media_url("https://user:hunter2@media.test/");
        let error = Client::create("TOKEN", options).await.unwrap_err();
        assert!(matches!(error, CreateError::BadUrl(UrlError::Credentials)), "{error:?}");

        let mut settings = ServeConfig::default();
        settings.media_url = Some("http://user:hunter2@127.0.0.1:9".into());
        let tempting = Server::start(settings).unwrap();
        let (alice, channel) = in_channel(&tempting).await;
        channel.send_media(Upload::bytes([1], "x/y"), Json::default()).await.unwrap();
        let error = newest(&channel).await.download_bytes(10).await.unwrap_err();
        let refused = matches!(error.as_call_error(), Some(CallError::BadAnswer(_)));
        assert!(refused && !format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        alice.shutdown().await;
        server.stop();
    });
}

#[test]
fn an_answer_that_is_too_long_is_cut_off() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        let long = "x".repeat(2 << 20);
        fault(&server, json!({ "match": { "host": "mcs" }, "status": 400, "body": { "message": long } }))
            .await;
        let error = channel.send_media(Upload::bytes([1], "x/y"), Json::default()).await.unwrap_err();
        let cut = matches!(error.as_call_error(), Some(CallError::Transfer(HttpFailure::TooLarge)));
        assert!(cut, "{error:?}");
        alice.shutdown().await;
    });
}

#[test]
fn the_end_of_a_client_ends_its_transfers() {
    run(async {
        let server = start();
        let (alice, channel) = in_channel(&server).await;
        fault(&server, json!({ "match": { "host": "mcs" }, "noReply": true })).await;
        let (gone, dropped) = async_dropped();
        let sending = channel.send_media(Upload::reader(gone, 5, "x/y"), Json::default());
        alice.shutdown().await;
        assert!(matches!(sending.await, Err(Error::Call(CallError::ShutDown) | Error::Ended)));
        dropped.await;
    });
}

/// A source that never gives anything, and a future that ends when it is dropped.
fn async_dropped() -> (Held, impl Future<Output = ()>) {
    let (to, from) = futures_channel::oneshot::channel::<()>();
    (Held { _to: to }, async move {
        let _ = from.await;
    })
}

struct Held {
    _to: futures_channel::oneshot::Sender<()>,
}

impl io::AsyncRead for Held {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut [u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Pending
    }
}

#[test]
fn devices_are_registered_and_told() {
    run(async {
        let server = start();
        let alice = client(&server, "alice", |config| Options::new().config(config)).await;
        let mut events = alice.events();
        alice.set_push_registration_id(PushChannel::Fcm, "device").await.unwrap();
        let state = server.admin("state", json!({})).await.unwrap();
        assert_eq!(state["registrations"][0]["channelType"], "fcm");
        alice.unset_push_registration_id(PushChannel::Fcm).await.unwrap();
        let state = server.admin("state", json!({})).await.unwrap();
        assert_eq!(state["registrations"], json!([]));

        let payload = Json::parse(r#"{"data":{"twi_message_type":"twilio.channel.new_message"}}"#).unwrap();
        let parsed = Client::parse_push_notification(&payload).unwrap();
        assert_eq!(parsed.push_type, PushType::NewMessage);
        alice.handle_push_notification(payload).await.unwrap();
        while events.next().await != Some(StreamItem::Event(Event::PushNotification(parsed.clone()))) {}
        alice.shutdown().await;
    });
}
