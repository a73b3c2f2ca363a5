//! Proxies: a scripted one on the loopback that is asked with `CONNECT` and leads to the offline service.

use std::io;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use chat_smol::{Client, Config, CreateError, Options, Proxy};
use chat_testkit::serve::{ServeConfig, Server};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt};
use serde_json::json;
use smol::block_on;
use smol::net::{TcpListener, TcpStream};

/// Nobody resolves this name but the proxy.
const URL: &str = "ws://service.invalid:4711/v3/wsconnect";

async fn bind() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// What the client asked, up to the empty line.
async fn request(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    let mut byte = [0];
    while !request.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        request.push(byte[0].into());
    }
    request
}

/// Leads the first that asks to the service, and gives what it asked.
async fn lead(listener: TcpListener, service: u16) -> String {
    let (mut near, _) = listener.accept().await.unwrap();
    let asked = request(&mut near).await;
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, service)).await.unwrap();
    near.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n").await.unwrap();
    let there = smol::spawn(smol::io::copy(near.clone(), far.clone()));
    let back = smol::spawn(smol::io::copy(far, near));
    there.detach();
    back.detach();
    asked
}

fn options() -> Options {
    let mut config = Config::default();
    config.close_timeout = Duration::from_millis(200);
    Options::new().config(config).url(URL).create_timeout(Duration::from_secs(10))
}

fn service() -> (Server, String) {
    let server = Server::start(ServeConfig::default()).unwrap();
    let token = block_on(server.admin("token", json!({ "identity": "alice" }))).unwrap();
    (server, token["token"].as_str().unwrap().to_owned())
}

#[test]
fn a_proxy_with_credentials_leads_to_the_service() {
    block_on(async {
        let (server, token) = service();
        let (listener, port) = bind().await;
        let proxy = Proxy::parse(&format!("http://alice:open%20sesame@127.0.0.1:{port}")).unwrap();
        let asked = smol::spawn(lead(listener, server.port()));
        let client = Client::create(token, options().proxy(proxy)).await.unwrap();
        assert_eq!(client.identity().unwrap().as_str(), "alice");
        let expected = "CONNECT service.invalid:4711 HTTP/1.1\r\nHost: service.invalid:4711\r\n\
                        Proxy-Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n\r\n";
        assert_eq!(asked.await, expected);
        client.shutdown().await;
    });
}

#[test]
fn a_refusal_is_told_without_credentials() {
    for (answer, told) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy refuses: HTTP 407"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "the proxy does not speak HTTP"),
        ("HTTP/1.1 200", "unexpected end of file"),
    ] {
        block_on(async {
            let (listener, port) = bind().await;
            let refuse = async {
                loop {
                    let (mut stream, _) = listener.accept().await?;
                    request(&mut stream).await;
                    stream.write_all(answer.as_bytes()).await?;
                }
            };
            let proxy = Proxy::parse(&format!("http://alice:sesame@127.0.0.1:{port}")).unwrap();
            let options = options().proxy(proxy).create_timeout(Duration::from_millis(500));
            let shown = format!("{options:?}");
            let create = async { io::Result::Ok(Client::create("token", options).await.unwrap_err()) };
            let error: CreateError = create.or(refuse).await.unwrap();
            assert!(error.to_string().contains(told), "{error}");
            let all = format!("{shown} {error} {error:?}");
            assert!(!all.contains("sesame") && !all.contains("YWxpY2U6"), "{all}");
        });
    }
}

/// The variable that tells this very program that it is the inner one.
const INNER: &str = "CHAT_SMOL_TEST_TOKEN";

#[test]
fn the_environment_names_the_proxy() {
    if let Ok(token) = std::env::var(INNER) {
        return block_on(async {
            let client = Client::create(token, options()).await.unwrap();
            client.shutdown().await;
        });
    }
    for variable in ["ALL_PROXY", "all_proxy", "http_proxy"] {
        block_on(async {
            let (server, token) = service();
            let (listener, port) = bind().await;
            let asked = smol::spawn(lead(listener, server.port()));
            let mut inner = Command::new(std::env::current_exe().unwrap());
            inner.args(["--exact", "the_environment_names_the_proxy"]);
            for other in ["ALL_PROXY", "all_proxy", "http_proxy", "NO_PROXY", "no_proxy"] {
                inner.env_remove(other);
            }
            inner.env(variable, format!("http://127.0.0.1:{port}")).env(INNER, token);
            let inner = smol::unblock(move || inner.output()).await.unwrap();
            assert!(inner.status.success(), "{variable}: {}", String::from_utf8_lossy(&inner.stdout));
            assert!(asked.await.starts_with("CONNECT service.invalid:4711 "));
        });
    }
}

#[test]
fn no_proxy_may_be_asked_for() {
    block_on(async {
        // What the address names is not there, and no proxy is asked: the name is resolved here.
        let error =
            Client::create("token", options().proxy(None).create_timeout(Duration::from_millis(300))).await;
        assert!(matches!(error, Err(CreateError::Timeout { .. })), "{error:?}");
    });
}
