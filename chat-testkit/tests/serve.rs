//! The service behind sockets: its ports, its control interface, its connections, its process.
#![cfg(feature = "serve")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use chat_testkit::scratch::Scratch;
use chat_testkit::serve::{ServeConfig, Server};
use futures_lite::future;
use serde_json::{Value, json};

/// Nothing here takes this long unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// A connection to the control interface that is used more than once, as the drivers' is.
struct Control(BufReader<TcpStream>);

impl Control {
    fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(BufReader::new(stream))
    }

    fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
        self.0.get_mut().write_all((head + body).as_bytes()).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn admin(&mut self, command: &str, arguments: &Value) -> (u16, Value) {
        self.request("POST", &format!("/admin/{command}"), &arguments.to_string())
    }
}

fn start() -> Server {
    Server::start(ServeConfig::default()).unwrap()
}

fn scratch() -> Scratch {
    Scratch::new("chat-testkit-serve").unwrap()
}

#[test]
fn the_control_interface_answers_on_one_connection() {
    let server = start();
    let mut control = Control::new(server.admin_port());
    assert_eq!(control.admin("config", &json!({})).1["maxPageSize"], 100);
    let (status, answer) = control.admin("no/such", &json!({}));
    assert_eq!((status, answer["error"].is_string()), (404, true), "{answer}");
    for (method, path, body, wanted) in [
        ("POST", "/admin/config", "{", 400),
        ("POST", "/admin/config", "[]", 400),
        ("POST", "/admin/record", "{}", 400),
        ("POST", "/config", "{}", 404),
        ("GET", "/admin/config", "", 405),
        ("POST", "/admin/config", "", 200),
    ] {
        let (status, answer) = control.request(method, path, body);
        assert_eq!(status, wanted, "{method} {path} {body}: {answer}");
        assert_eq!(answer["error"].is_string(), wanted != 200, "{answer}");
    }
    let (_, cpu) = control.admin("cpu", &json!({}));
    assert!(cpu["upMs"].is_u64(), "{cpu}");
    assert!(!cfg!(unix) || cpu["userMs"].is_i64() && cpu["maxRssKiB"].as_i64() > Some(1000), "{cpu}");
}

#[test]
fn settings_reach_the_service_and_commands_need_no_http() {
    let config =
        serde_json::from_value::<chat_testkit::service::ServiceConfig>(json!({ "maxPageSize": 7 })).unwrap();
    let server = Server::start(config.into()).unwrap();
    assert_eq!(server.url(), format!("ws://127.0.0.1:{}/v3/wsconnect", server.port()));
    let answer = smol::block_on(server.admin("config", json!({}))).unwrap();
    assert_eq!(answer["maxPageSize"], 7);
    assert_eq!(smol::block_on(server.admin("no/such", json!({}))).unwrap_err().status(), 404);
}

#[test]
fn stopping_frees_the_ports() {
    let server = start();
    let (port, admin_port) = (server.port(), server.admin_port());
    let taken = Server::start({
        let mut config = ServeConfig::default();
        config.port = port;
        config
    });
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let answer = server.admin("config", json!({}));
    server.stop();
    assert_eq!(smol::block_on(answer).unwrap_err().status(), 500);
    for port in [port, admin_port] {
        TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}

#[test]
fn shutdown_is_answered_before_the_end() {
    let server = start();
    let mut control = Control::new(server.admin_port());
    assert_eq!(control.admin("shutdown", &json!({})), (200, json!({})));
    smol::block_on(server.ended());
    assert!(TcpStream::connect(("127.0.0.1", server.admin_port())).is_err());
}

/// The service only says how long the rest of a burst takes: it is the host that waits.
#[test]
fn a_slow_burst_is_answered_when_all_is_stored() {
    let server = start();
    let mut control = Control::new(server.admin_port());
    control.admin("seed", &json!({ "channels": 1, "identity": "alice" }));
    let count = |control: &mut Control| {
        control.admin("messages", &json!({ "channel": "seed-00000" })).1.as_array().unwrap().len()
    };
    let burst = |rate: u64| json!({ "channel": "seed-00000", "count": 4, "author": "alice", "rate": rate });
    let begun = Instant::now();
    let (status, answer) = control.admin("burst", &burst(10));
    assert_eq!((status, &answer["posted"]), (200, &json!(4)));
    assert_eq!(count(&mut control), 4);
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    // As fast as possible is at once.
    control.admin("burst", &burst(0));
    assert_eq!(count(&mut control), 8);

    // Others are served meanwhile, and whoever waits for what is forgotten hears so.
    let waiting = server.admin("burst", burst(1));
    let others = async {
        loop {
            let messages = server.admin("messages", json!({ "channel": "seed-00000" })).await.unwrap();
            if messages.as_array().unwrap().len() > 8 {
                break;
            }
        }
        server.admin("reset", json!({})).await.unwrap();
    };
    let begun = Instant::now();
    let (answer, ()) = smol::block_on(future::zip(waiting, others));
    let error = answer.unwrap_err();
    assert_eq!((error.status(), error.to_string().contains("reset")), (500, true), "{error}");
    assert!(begun.elapsed() < Duration::from_millis(2900), "{:?}", begun.elapsed());
}

mod connections {
    use super::*;
    use async_tungstenite::client_async;
    use async_tungstenite::tungstenite::Message;
    use futures_lite::StreamExt;

    type WebSocket = async_tungstenite::WebSocketStream<smol::net::TcpStream>;

    async fn open(server: &Server) -> WebSocket {
        let stream = smol::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        client_async(server.url(), stream).await.unwrap().0
    }

    /// The next message; `None` is the end, with or without an error.
    async fn next(socket: &mut WebSocket) -> Option<Message> {
        let timeout = async {
            smol::Timer::after(LIMIT).await;
            panic!("nothing came");
        };
        future::or(async { socket.next().await.and_then(Result::ok) }, timeout).await
    }

    /// Waits until the service knows of `count` connections.
    async fn connected(server: &Server, count: usize) {
        for _ in 0..1000 {
            let list = server.admin("connections", json!({})).await.unwrap();
            let list = list.as_array().or_else(|| list.get("connections")?.as_array()).unwrap().len();
            if list == count {
                return;
            }
            smol::Timer::after(Duration::from_millis(5)).await;
        }
        panic!("not {count} connections");
    }

    #[test]
    fn raw_messages_arrive_as_what_they_are() {
        let server = start();
        smol::block_on(async {
            let mut socket = open(&server).await;
            connected(&server, 1).await;
            server.admin("rawFrame", json!({ "text": "one", "binary": true })).await.unwrap();
            server.admin("rawFrame", json!({ "text": "two", "binary": false })).await.unwrap();
            assert_eq!(next(&mut socket).await, Some(Message::binary("one")));
            assert_eq!(next(&mut socket).await, Some(Message::text("two")));
        });
    }

    #[test]
    fn a_cut_has_no_close_frame_and_a_close_has_its_code() {
        let server = start();
        smol::block_on(async {
            let mut socket = open(&server).await;
            connected(&server, 1).await;
            server.admin("drop", json!({})).await.unwrap();
            assert_eq!(next(&mut socket).await, None);
            connected(&server, 0).await;

            let mut socket = open(&server).await;
            connected(&server, 1).await;
            server.admin("drop", json!({ "graceful": true, "code": 4001 })).await.unwrap();
            let Some(Message::Close(Some(frame))) = next(&mut socket).await else { panic!("no close frame") };
            assert_eq!(u16::from(frame.code), 4001);
            assert_eq!(next(&mut socket).await, None);
            connected(&server, 0).await;
        });
    }

    #[test]
    fn a_client_that_goes_away_is_forgotten() {
        let server = start();
        smol::block_on(async {
            let (first, mut second) = (open(&server).await, open(&server).await);
            connected(&server, 2).await;
            drop(first);
            connected(&server, 1).await;
            second.close(None).await.unwrap();
            connected(&server, 0).await;
        });
    }

    #[test]
    fn a_client_that_does_not_read_is_cut_and_holds_up_nobody() {
        let mut config = ServeConfig::default();
        config.max_unread_bytes = 4 << 20;
        let server = Server::start(config).unwrap();
        smol::block_on(async {
            let mut deaf = open(&server).await;
            connected(&server, 1).await;
            let mut other = open(&server).await;
            connected(&server, 2).await;
            let big = "x".repeat(1 << 20);
            // More than the limit and than what the system's buffers of the connection can hold.
            for _ in 0..64 {
                server.admin("rawFrame", json!({ "conn": 1, "text": big, "binary": true })).await.unwrap();
            }
            connected(&server, 1).await;
            server.admin("rawFrame", json!({ "conn": 2, "text": "hello", "binary": true })).await.unwrap();
            assert_eq!(next(&mut other).await, Some(Message::binary("hello")));
            let mut read = 0;
            while next(&mut deaf).await.is_some() {
                read += 1;
            }
            assert!(read < 64, "{read} messages were kept for it");
        });
    }

    #[test]
    fn a_recording_has_every_message_and_no_token() {
        let (server, folder) = (start(), scratch());
        let file = folder.join("recording.jsonl");
        let records = smol::block_on(async {
            server.admin("record", json!({ "file": file })).await.unwrap();
            let mut socket = open(&server).await;
            // {"grants":{"identity":"alice"}}
            let header =
                r#"{"method":"init","id":"TM1","token":"e30.eyJncmFudHMiOnsiaWRlbnRpdHkiOiJhbGljZSJ9fQ."}"#;
            let init = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len());
            socket.send(Message::binary(init.into_bytes())).await.unwrap();
            socket.send(Message::binary(vec![0xff, 0x00])).await.unwrap();
            while fs::read_to_string(&file).unwrap().matches("c2s").count() < 2 {
                smol::Timer::after(Duration::from_millis(5)).await;
            }
            let frames = server.admin("record/stop", json!({})).await.unwrap();
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("e30."), "{text}");
            let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let counted = records.iter().filter(|record| record["dir"] != "meta").count();
            assert_eq!(frames, json!({ "frames": counted }));
            records
        });
        let of = |dir: &str| records.iter().filter(|r| r["dir"] == dir && r["conn"] == 1).collect::<Vec<_>>();
        assert_eq!([&of("meta")[0]["text"], &of("meta")[1]["text"]], ["open", "identity alice"]);
        assert!(of("c2s")[0]["text"].as_str().unwrap().starts_with("TWILSOCK V3.0 8"));
        assert_eq!(of("c2s")[1]["base64"], "/wA=");
        assert!(!of("s2c").is_empty(), "the init is answered");
    }
}

#[cfg(feature = "cli")]
mod program {
    use super::*;
    use std::process::{Child, Command, Output, Stdio};

    fn program() -> Command {
        Command::new(env!("CARGO_BIN_EXE_chat-testkit"))
    }

    /// The program, and the line that it printed first.
    fn serve(arguments: &[&str]) -> (Child, Value) {
        let mut child = program().arg("serve").args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (child, serde_json::from_str(&line).unwrap())
    }

    fn port(line: &Value, name: &str) -> u16 {
        line[name].as_u64().unwrap().try_into().unwrap()
    }

    #[test]
    fn it_prints_its_ports_and_ends_by_command() {
        let (mut child, line) = serve(&["--config", r#"{"typingTimeout": 9}"#]);
        assert_eq!(line["pid"], child.id());
        assert!(TcpStream::connect(("127.0.0.1", port(&line, "port"))).is_ok());
        let mut control = Control::new(port(&line, "adminPort"));
        assert_eq!(control.admin("config", &json!({})).1["typingTimeout"], 9);
        control.admin("shutdown", &json!({}));
        assert!(child.wait().unwrap().success());
    }

    #[cfg(unix)]
    #[test]
    fn it_ends_well_by_signal() {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;

        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let (mut child, _) = serve(&[]);
            kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
            assert!(child.wait().unwrap().success(), "{signal}");
        }
    }

    #[test]
    fn it_ends_with_the_process_that_started_it() {
        if cfg!(not(unix)) {
            return;
        }
        // The shell ends and leaves the service behind.
        let mut shell = Command::new("sh")
            .args(["-c", r#""$0" serve --with-parent & sleep 1"#, env!("CARGO_BIN_EXE_chat-testkit")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert!(TcpStream::connect(("127.0.0.1", port(&line, "port"))).is_ok());
        shell.wait().unwrap();
        // The end of the output is the end of the service: it holds the other end of the pipe.
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        let server = start();
        let address = format!("127.0.0.1:{}", server.port());
        let (taken, folder) = (address.rsplit(':').next().unwrap(), scratch());
        let text = folder.join("no-session");
        fs::write(&text, "hello").unwrap();
        let page = text.display().to_string();
        for (arguments, named) in [
            (&["serve", "--port", taken][..], &*address),
            (&["record", "--listen", &address, "--upstream", "ws://localhost/", "--out", "unused"], &address),
            (&["inspect", &page], &format!("{page}: line 1: this is no session file")),
            (&["inspect", "no/such/file"], "chat-testkit: no/such/file: "),
        ] {
            let output = program().args(arguments).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
            assert!(error.contains(named) && error.lines().count() == 1, "{arguments:?}: {error}");
        }
        server.stop();
    }

    #[test]
    fn wrong_arguments_get_one_clear_error() {
        let fails = |arguments: &[&str], wanted: &str| {
            let Output { status, stderr, stdout } = program().arg("serve").args(arguments).output().unwrap();
            let said = String::from_utf8(stderr).unwrap();
            assert!(!status.success() && stdout.is_empty() && said.contains(wanted), "{arguments:?}: {said}");
        };
        fails(&["--port", "70000"], "70000");
        fails(&["--config", "{"], "EOF");
        fails(&["--config", r#"{"maxPageSise":1}"#], "maxPageSise");
        fails(&["--record", "/no/such/folder/file"], "/no/such/folder/file: ");
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        fails(&["--port", &taken.local_addr().unwrap().port().to_string()], "in use");
    }
}
