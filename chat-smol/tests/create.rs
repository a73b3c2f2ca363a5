//! How creating a client may fail, over real sockets on the loopback.

use std::error::Error as _;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_smol::{Client, Config, CreateError, Options, UrlError, tls_config_with_roots};
use futures_lite::FutureExt;
use futures_rustls::TlsAcceptor;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use smol::block_on;
use smol::net::TcpListener;

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/peer.rs"]
mod peer;

use peer::Peer;

/// Long enough for a connection on the loopback, short enough to wait for.
const PATIENCE: Duration = Duration::from_millis(1500);

fn options(url: String) -> Options {
    let mut config = Config::default();
    config.close_timeout = Duration::from_millis(200);
    Options::new().config(config).url(url).create_timeout(PATIENCE)
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Runs `server` for as long as `test` takes.
fn beside<T>(test: impl Future<Output = T>, server: impl Future<Output = io::Result<()>>) -> T {
    let server = async {
        let _ = server.await;
        std::future::pending().await
    };
    block_on(test.or(server))
}

/// The error with all that stands behind it.
fn chain(error: &CreateError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[test]
fn what_cannot_work_fails_at_once() {
    block_on(async {
        let error = Client::create(" ", Options::new()).await.unwrap_err();
        assert!(matches!(error, CreateError::BadToken(_)));
        let error = Client::create_with_provider(Options::new()).await.unwrap_err();
        assert!(matches!(error, CreateError::NoToken));
        let url = "wss://alice:hunter2@service.example/";
        let error = Client::create("token", Options::new().url(url)).await.unwrap_err();
        assert!(matches!(error, CreateError::BadUrl(UrlError::Credentials)));
        assert!(!chain(&error).contains("hunter2"));
    });
}

#[test]
fn an_address_that_nobody_listens_at() {
    block_on(async {
        let (listener, port) = listener().await;
        drop(listener);
        let error = Client::create("token", options(format!("ws://127.0.0.1:{port}/"))).await.unwrap_err();
        assert!(matches!(error, CreateError::Timeout { after: PATIENCE, last: Some(_) }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&format!("127.0.0.1:{port}")) && text.contains("refused"), "{text}");
    });
}

#[test]
fn a_service_that_is_silent() {
    let server = async {
        let (listener, port) = listener().await;
        let _open = listener.accept();
        let error = Client::create("token", options(format!("ws://127.0.0.1:{port}/"))).await.unwrap_err();
        assert!(matches!(error, CreateError::Timeout { .. }), "{error:?}");
    };
    block_on(server);
}

#[test]
fn a_refused_token_ends_it_with_the_reason() {
    let (listener, port) = block_on(listener());
    let server = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let mut peer = Peer::accept(stream).await;
            let init = peer.refuse().await;
            assert_eq!(init.header["token"], "a.secret.token");
            while peer.next().await.is_some() {}
        }
    };
    let create = Client::create("a.secret.token", options(format!("ws://127.0.0.1:{port}/")));
    let error = beside(create, server).unwrap_err();
    let CreateError::TokenRejected(Some(reason)) = &error else { panic!("{error:?}") };
    assert_eq!((reason.http_status, reason.error_code), (Some(401), Some(20101)));
    let text = format!("{error:?} {}", chain(&error));
    assert!(text.contains("Invalid Access Token") && !text.contains("secret"), "{text}");
}

#[test]
fn a_provider_that_fails_is_named() {
    let asked = Arc::new(AtomicUsize::new(0));
    let options = Options::new().create_timeout(Duration::from_millis(1)).token_provider({
        let asked = asked.clone();
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            async { Err::<String, _>(io::Error::other("the app's server is down")) }
        }
    });
    // However short the time is, the provider was asked; what it said is told if it came in time.
    let error = block_on(Client::create_with_provider(options)).unwrap_err();
    assert!(matches!(error, CreateError::Provider(_)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn the_first_token_may_come_from_the_provider() {
    let (listener, port) = block_on(listener());
    let (saw, seen) = smol::channel::unbounded();
    let server = async {
        let (stream, _) = listener.accept().await?;
        let mut peer = Peer::accept(stream).await;
        saw.send(peer.welcome().await.header["token"].clone()).await.unwrap();
        peer.agree().await;
        Ok(())
    };
    let options = options(format!("ws://127.0.0.1:{port}/"))
        .token_provider(|| async { io::Result::Ok("fresh".to_owned()) });
    let first = async {
        let create = async {
            let _ = Client::create_with_provider(options).await;
            std::future::pending().await
        };
        create.or(async { seen.recv().await.unwrap() }).await
    };
    assert_eq!(beside(first, server), "fresh");
}

/// Creates a client of `wss://localhost`, where a server of `config` listens, trusting `root`; gives why that failed, or
/// `None` where the service saw `init`.
fn secured(config: &Arc<ServerConfig>, root: CertificateDer<'static>) -> Option<CreateError> {
    let (listener, port) = block_on(listener());
    let (saw, seen) = smol::channel::unbounded();
    let server = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let Ok(stream) = TlsAcceptor::from(config.clone()).accept(stream).await else { continue };
            let mut peer = Peer::accept(stream).await;
            peer.welcome().await;
            saw.send(()).await.unwrap();
        }
    };
    let options = options(format!("wss://localhost:{port}/")).tls(tls_config_with_roots([root]).unwrap());
    let init = async {
        seen.recv().await.unwrap();
        None
    };
    let failure = async { Some(Client::create("token", options).await.unwrap_err()) };
    beside(init.or(failure), server)
}

#[test]
fn wrong_certificates_are_refused() {
    let (root, config) = certificates::server("localhost");
    assert!(secured(&config, root).is_none());

    let (other_root, other_host) = certificates::server("elsewhere.example");
    for (config, what) in [(other_host, "another host"), (config, "an unknown root")] {
        let error = secured(&config, other_root.clone());
        assert!(matches!(error, Some(CreateError::Untrusted(_))), "{what}: {error:?}");
    }
}
