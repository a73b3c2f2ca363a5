//! A service that cannot be reached, over real sockets on the loopback: a name that nobody has, a certificate that nobody
//! signed, one of another name, and no TLS where TLS was asked for. Each is told clearly, and none is tried again faster
//! than the waits of spec 01 §3.8.

use std::error::Error as _;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chat_smol::{Client, Config, CreateError, Options};
use futures_lite::FutureExt;
use futures_rustls::TlsAcceptor;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use smol::block_on;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

#[path = "support/certificates.rs"]
mod certificates;

/// The first wait between attempts; the next ones double.
const FIRST_WAIT: Duration = Duration::from_millis(200);

fn options(url: String, patience: Duration) -> Options {
    let mut config = Config::default();
    config.retry.min = FIRST_WAIT;
    config.close_timeout = Duration::from_millis(200);
    Options::new().config(config).url(url).create_timeout(patience)
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

/// How creating a client fails where `serve` takes the connections, and when each of them came.
fn attempts<F: Future<Output = io::Result<()>>>(
    scheme: &str,
    patience: Duration,
    serve: impl Fn(TcpStream) -> F,
) -> (CreateError, Vec<Instant>) {
    let came = Arc::new(Mutex::new(Vec::new()));
    let error = block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                came.lock().unwrap().push(Instant::now());
                let _ = serve(stream).await;
            }
        };
        let create =
            Client::create("a.secret.token", options(format!("{scheme}://localhost:{port}/"), patience));
        create.or(server).await.unwrap_err()
    });
    let came = came.lock().unwrap().clone();
    (error, came)
}

/// Between two attempts there is at least the wait of the series, less its random part of 20 %.
#[track_caller]
fn not_hammered(came: &[Instant]) {
    let mut wait = FIRST_WAIT;
    for pair in came.windows(2) {
        let gap = pair[1].duration_since(pair[0]);
        // Clocks are read on both sides, so a millisecond is nothing.
        assert!(gap + Duration::from_millis(2) >= wait * 8 / 10, "{gap:?} is less than {wait:?} - 20 %");
        wait *= 2;
    }
}

#[test]
fn a_name_that_nobody_has() {
    // A resolver may take its time to know.
    for patience in [2, 10, 60].map(Duration::from_secs) {
        let options = options("wss://nothing.invalid/".into(), patience);
        let error = block_on(Client::create("a.secret.token", options)).unwrap_err();
        let CreateError::Timeout { last, .. } = &error else { panic!("{error:?}") };
        let Some(last) = last else { continue };
        assert!(!last.terminal, "a name may come into being");
        let text = chain(&error);
        assert!(text.contains("nothing.invalid") && !text.contains("secret"), "{text}");
        return;
    }
    panic!("the resolver does not answer");
}

/// A certificate that says `localhost`, signed by nobody but itself.
fn self_signed() -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let (_, elsewhere) = certificates::server("elsewhere.example");
    for (what, config) in
        [("self-signed", self_signed()), ("of another name, and signed by a stranger", elsewhere)]
    {
        let (error, came) = attempts("wss", Duration::from_secs(10), |stream| {
            let acceptor = TlsAcceptor::from(config.clone());
            async move { acceptor.accept(stream).await.map(drop) }
        });
        assert!(matches!(error, CreateError::Untrusted(_)), "{what}: {error:?}");
        assert_eq!(came.len(), 1, "{what}: trying again would not help");
        let text = chain(&error);
        assert!(text.contains("could not be verified") && !text.contains("secret"), "{what}: {text}");
    }
}

#[test]
fn plain_http_where_tls_was_expected() {
    let (error, came) = attempts("wss", Duration::from_millis(1700), |mut stream| async move {
        let mut hello = [0; 64];
        stream.read_exact(&mut hello).await?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await
    });
    let CreateError::Timeout { last: Some(last), .. } = &error else { panic!("{error:?}") };
    assert!(!last.terminal);
    let text = chain(&error);
    assert!(text.contains("localhost") && text.contains("does not speak TLS"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert!((2..=4).contains(&came.len()), "{} attempts in 1.7 s", came.len());
    not_hammered(&came);
}

#[test]
fn a_web_server_that_knows_no_web_socket() {
    let (error, came) = attempts("ws", Duration::from_millis(1700), |mut stream| async move {
        let mut request = [0; 64];
        stream.read_exact(&mut request).await?;
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await
    });
    let CreateError::Timeout { last: Some(_), .. } = &error else { panic!("{error:?}") };
    assert!(chain(&error).contains("404"), "{}", chain(&error));
    assert!((2..=4).contains(&came.len()), "{} attempts in 1.7 s", came.len());
    not_hammered(&came);
}

#[test]
fn a_service_that_hangs_up_at_once() {
    let (error, came) = attempts("ws", Duration::from_millis(1700), |stream| async move {
        drop(stream);
        Ok(())
    });
    let CreateError::Timeout { last: Some(_), .. } = &error else { panic!("{error:?}") };
    assert!((2..=4).contains(&came.len()), "{} attempts in 1.7 s", came.len());
    not_hammered(&came);
}
