//! The recording proxy: what passes goes on as it came, however it ends, and the file has it whatever happens.
#![cfg(feature = "cli")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::{WebSocketStream, accept_async, client_async};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chat_testkit::proto::FrameRecord;
use chat_testkit::proto::session::{What, Wire};
use chat_testkit::record::{Proxy, Upstream};
use chat_testkit::scratch::Scratch;
use chat_testkit::serve::{ServeConfig, Server};
use chat_testkit::session_file::{SessionFile, open};
use chat_testkit::timeline::Timeline;
use futures_lite::{StreamExt, future};
use futures_rustls::TlsAcceptor;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use smol::net::{TcpListener, TcpStream};

/// Nothing here takes this long unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);

type WebSocket = WebSocketStream<TcpStream>;

fn scratch() -> Scratch {
    Scratch::new("chat-testkit-record").unwrap()
}

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let late = async {
        smol::Timer::after(LIMIT).await;
        panic!("{what} takes too long");
    };
    future::or(work, late).await
}

/// A service of the test's own, and the address of its WebSocket.
async fn listen() -> (TcpListener, Upstream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/v3/wsconnect", listener.local_addr().unwrap());
    (listener, url.parse().unwrap())
}

async fn connect(proxy: &Proxy) -> WebSocket {
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    client_async(format!("ws://{}/", proxy.address()), stream).await.unwrap().0
}

/// Both ends of a connection through the proxy: the client's and the service's.
async fn joined(proxy: &Proxy, listener: &TcpListener) -> (WebSocket, WebSocket) {
    let service = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
    in_time("connecting", future::zip(connect(proxy), service)).await
}

fn start(upstream: Upstream, out: &Path) -> Proxy {
    Proxy::start(([127, 0, 0, 1], 0).into(), upstream, out).unwrap()
}

fn read(path: &Path) -> SessionFile {
    let opened = open(path).unwrap();
    assert!(opened.damage.is_none(), "{:?}", opened.damage);
    opened.session
}

fn wires(session: &SessionFile) -> Vec<Wire> {
    let wire = |what: &What| match what {
        What::Wire(wire) => wire.clone(),
        other => panic!("{other:?}"),
    };
    session.entries.iter().map(|entry| wire(&entry.what)).collect()
}

/// Waits until the file has what it is to have: the proxy writes on its own thread.
fn until(path: &Path, has: impl Fn(&[Wire]) -> bool) -> Vec<Wire> {
    for _ in 0..1000 {
        let wires = wires(&open(path).unwrap().session);
        if has(&wires) {
            return wires;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{}", fs::read_to_string(path).unwrap());
}

/// How a side ended, as the other one sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Closed(Option<CloseFrame>),
    Cut,
}

async fn end_of(socket: &mut WebSocket) -> End {
    loop {
        match in_time("the end", socket.next()).await {
            Some(Ok(Message::Close(frame))) => return End::Closed(frame),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return End::Cut,
        }
    }
}

#[test]
fn what_ends_one_side_ends_the_other_in_the_same_way() {
    let enough = CloseFrame { code: 4001.into(), reason: "enough".into() };
    let ends = [(End::Cut, 1006), (End::Closed(None), 1005), (End::Closed(Some(enough)), 4001)];
    for ((end, code), by_client) in ends.into_iter().flat_map(|end| [(end.clone(), true), (end, false)]) {
        let what = format!("{end:?}, by the client: {by_client}");
        let folder = scratch();
        let out = folder.join("session.jsonl");
        smol::block_on(async {
            let (listener, upstream) = listen().await;
            let proxy = start(upstream, &out);
            let (client, service) = joined(&proxy, &listener).await;
            let (mut this, mut other) = if by_client { (client, service) } else { (service, client) };
            this.send(Message::text("last words")).await.unwrap();
            match end.clone() {
                End::Cut => drop(this),
                End::Closed(frame) => {
                    this.close(frame).await.unwrap();
                    // Both sides see an orderly end: this one has its close answered.
                    let answered = future::zip(end_of(&mut this), async {
                        assert_eq!(next(&mut other).await, Message::text("last words"), "{what}");
                        assert_eq!(end_of(&mut other).await, end, "{what}");
                        // A close is answered by reading on.
                        assert_eq!(end_of(&mut other).await, End::Cut);
                    });
                    let (answer, ()) = answered.await;
                    assert!(matches!(answer, End::Closed(_)), "{what}: {answer:?}");
                    let wires = until(&out, |wires| wires.len() == 3);
                    assert_eq!(wires[2], Wire::Closed(Some(code)), "{what}");
                    return;
                }
            }
            assert_eq!(next(&mut other).await, Message::text("last words"), "{what}");
            assert_eq!(end_of(&mut other).await, end, "{what}");
            let wires = until(&out, |wires| wires.len() == 3);
            assert_eq!(wires[2], Wire::Closed(Some(code)), "{what}");
        });
    }
}

async fn next(socket: &mut WebSocket) -> Message {
    in_time("a message", socket.next()).await.unwrap().unwrap()
}

#[test]
fn a_service_that_cannot_be_reached_stands_in_the_file() {
    let folder = scratch();
    let out = folder.join("session.jsonl");
    smol::block_on(async {
        let (listener, upstream) = listen().await;
        let address = listener.local_addr().unwrap();
        drop(listener);
        let proxy = start(upstream, &out);
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        let refused = in_time("the refusal", client_async("ws://proxy/", stream)).await;
        assert!(refused.is_err(), "a client must not believe that it is connected");
        let wires = until(&out, |wires| !wires.is_empty());
        let Wire::Unreachable(why) = &wires[0] else { panic!("{wires:?}") };
        assert!(why.to_lowercase().contains("refused"), "{why}");

        // And it goes on: the next one finds the service.
        let listener = TcpListener::bind(address).await.unwrap();
        let (mut client, mut service) = joined(&proxy, &listener).await;
        client.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(&mut service).await, Message::text("hello"));
        proxy.stop().unwrap();
    });
    let session = read(&out);
    assert!(session.ended);
    let conns: Vec<_> = session.entries.iter().map(|entry| entry.who).collect();
    assert_eq!(conns[..3], [1, 2, 2]);
    let told = Timeline::new(&session).to_string();
    assert!(told.contains("connection 1 does not reach the service: "), "{told}");
}

/// A root of its own in PEM, and a service behind TLS that it vouches for.
fn behind_tls(to: u16) -> (String, u16, smol::Task<()>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        BASE64_STANDARD.encode(certificate.der())
    );
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = smol::block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = smol::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(tls) = acceptor.accept(stream).await else { continue };
            let plain = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let (from, into) = smol::io::split(tls);
            let there = smol::io::copy(from, plain.clone());
            let back = smol::io::copy(plain, into);
            smol::spawn(async { _ = future::or(there, back).await }).detach();
        }
    });
    (pem, port, task)
}

/// A frame of the client's, `init` with a token of alice's: {"grants":{"identity":"alice"}}
fn init() -> Message {
    let header = r#"{"method":"init","id":"TM1","token":"e30.eyJncmFudHMiOnsiaWRlbnRpdHkiOiJhbGljZSJ9fQ."}"#;
    Message::binary(format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len()).into_bytes())
}

fn text_of(message: &Message) -> String {
    String::from_utf8(message.clone().into_data().into()).unwrap()
}

#[test]
fn an_upstream_behind_tls_must_be_vouched_for() {
    let server = Server::start(ServeConfig::default()).unwrap();
    let (pem, port, _terminator) = behind_tls(server.port());
    let upstream: Upstream = format!("wss://localhost:{port}/v3/wsconnect").parse().unwrap();
    for garbage in ["", "hello", "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"] {
        assert!(upstream.clone().trust(garbage.as_bytes()).is_err(), "{garbage}");
    }
    let folder = scratch();
    let (stranger, out) = (folder.join("stranger.jsonl"), folder.join("trusted.jsonl"));
    smol::block_on(async {
        let proxy = start(upstream.clone(), &stranger);
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(in_time("the refusal", client_async("ws://proxy/", stream)).await.is_err());
        let wires = until(&stranger, |wires| !wires.is_empty());
        let Wire::Unreachable(why) = &wires[0] else { panic!("{wires:?}") };
        assert!(why.contains("certificate"), "{why}");

        let proxy = start(upstream.trust(pem.as_bytes()).unwrap(), &out);
        let mut client = in_time("connecting", connect(&proxy)).await;
        client.send(init()).await.unwrap();
        let welcome = text_of(&next(&mut client).await);
        assert!(welcome.contains("continuation_token"), "{welcome}");
        proxy.stop().unwrap();
    });
    let wires = wires(&read(&out));
    assert!(wires.contains(&Wire::Identity("alice".into())), "{wires:?}");
    assert!(wires.iter().any(|wire| matches!(wire, Wire::FromService(_))), "{wires:?}");
}

/// The program; it does not outlive its test, however that ends.
struct Recorder(Child);

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, when it listens, and where.
fn record(upstream: &str, out: &Path) -> (Recorder, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chat-testkit"))
        .args(["record", "--upstream", upstream, "--out"])
        .arg(out)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    (Recorder(child), line["url"].as_str().unwrap().to_owned())
}

async fn connect_to(url: &str) -> WebSocket {
    let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    in_time("connecting", client_async(url, stream)).await.unwrap().0
}

#[cfg(unix)]
#[test]
fn the_program_says_where_it_listens_and_ends_its_file_when_told_to() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let server = Server::start(ServeConfig::default()).unwrap();
    let folder = scratch();
    let out = folder.join("session.jsonl");
    let (mut recorder, url) = record(&server.url(), &out);
    smol::block_on(async {
        let mut client = connect_to(&url).await;
        client.send(init()).await.unwrap();
        assert!(text_of(&next(&mut client).await).contains("continuation_token"));
        let pinged = server.admin("ping", json!({})).await.unwrap();
        assert_eq!(pinged["pinged"], 1);
        assert!(text_of(&next(&mut client).await).contains("ping"));
        kill(Pid::from_raw(recorder.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(end_of(&mut client).await, End::Cut);
    });
    assert_eq!(recorder.0.wait().unwrap().code(), Some(0));
    let session = read(&out);
    assert!(session.ended);
    let kinds: Vec<_> = wires(&session);
    assert!(
        matches!(
            kinds[..],
            [
                Wire::Opened,
                Wire::Identity(_),
                Wire::FromClient(_),
                Wire::FromService(_),
                Wire::FromService(_),
                ..
            ]
        ),
        "{kinds:?}"
    );
    assert!(!fs::read_to_string(&out).unwrap().contains("eyJncmFudHMi"), "the token is in the file");
    let replayed = Command::new(env!("CARGO_BIN_EXE_chat-testkit")).arg("replay").arg(&out).output().unwrap();
    let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert_eq!((replayed.status.code(), said.contains("alice")), (Some(0), true), "{said}");
}

/// `kill -9`: what any of the two sides has seen stands in the file.
#[test]
fn a_recorder_that_is_killed_leaves_all_that_passed() {
    let folder = scratch();
    let out = folder.join("session.jsonl");
    let (listener, upstream) = smol::block_on(listen());
    let (mut recorder, url) = record(upstream.url(), &out);
    smol::block_on(async {
        let accept = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
        let (mut client, mut service) = future::zip(connect_to(&url), accept).await;
        for number in 0..200 {
            client.send(Message::binary(format!("question {number}").into_bytes())).await.unwrap();
            assert_eq!(text_of(&next(&mut service).await), format!("question {number}"));
            service.send(Message::text(format!("answer {number}"))).await.unwrap();
            assert_eq!(text_of(&next(&mut client).await), format!("answer {number}"));
        }
        recorder.0.kill().unwrap();
        recorder.0.wait().unwrap();
        assert_eq!(end_of(&mut client).await, End::Cut);
        assert_eq!(end_of(&mut service).await, End::Cut);
    });
    let session = read(&out);
    assert!(!session.ended, "it does not say that nothing is missing");
    let mut expected = vec![Wire::Opened];
    for number in 0..200 {
        expected.push(Wire::FromClient(FrameRecord::Binary(format!("question {number}").into_bytes())));
        expected.push(Wire::FromService(FrameRecord::Text(format!("answer {number}").into())));
    }
    assert_eq!(wires(&session), expected);
}

#[test]
fn what_the_program_cannot_trust_is_named() {
    let folder = scratch();
    let pem = folder.join("no.pem");
    fs::write(&pem, "hello").unwrap();
    let out = folder.join("never.jsonl");
    for (trust, wanted) in [(pem.as_path(), "no certificate"), (Path::new("no/such/file"), "no/such/file: ")]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_chat-testkit"))
            .args(["record", "--upstream", "wss://localhost/", "--trust"])
            .arg(trust)
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(wanted) && error.lines().count() == 1, "{error}");
    }
    assert!(!out.exists());
}
