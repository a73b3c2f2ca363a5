//! The offline service in a process of its own, as `chat-testkit serve` runs it, and its control interface.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chat_testkit::serve::{ServeConfig, Server};
use chat_testkit::service::ServiceConfig;
use serde_json::{Value, json};

use crate::Outcome;

/// How often the service is asked whether something has come about.
const LOOK: Duration = Duration::from_millis(20);

/// The role `serve`: serves until its standard input ends, which is when whoever started it does.
pub(crate) fn run() -> Outcome<()> {
    // The real service has a limit, which the SDK and our client meet alike.
    let service = ServiceConfig { max_subscriptions: usize::MAX, ..ServiceConfig::default() };
    let server = Server::start(ServeConfig::from(service))?;
    println!("{}", json!({ "port": server.port(), "adminPort": server.admin_port() }));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop();
    Ok(())
}

/// The process, seen from outside. Dropping it ends it.
pub(crate) struct Service {
    process: Child,
    port: u64,
    admin_port: u64,
}

impl Service {
    pub(crate) fn start() -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the service has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ports: Value = serde_json::from_str(&line)?;
        let port = |name: &str| ports[name].as_u64().ok_or_else(|| format!("no {name}: {line}"));
        Ok(Self { port: port("port")?, admin_port: port("adminPort")?, process })
    }

    pub(crate) fn port(&self) -> u64 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/v3/wsconnect", self.port)
    }

    /// A command of the control interface (`chat-testkit/CONTROL.md`).
    pub(crate) fn admin(&self, command: &str, arguments: &Value) -> Outcome<Value> {
        let body = arguments.to_string();
        let mut socket = TcpStream::connect(("127.0.0.1", u16::try_from(self.admin_port)?))?;
        socket.set_read_timeout(Some(Duration::from_mins(1)))?;
        let length = body.len();
        let request = format!(
            "POST /admin/{command} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer of the control interface")?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("{command}: {body}").into());
        }
        Ok(serde_json::from_str(body)?)
    }

    pub(crate) fn token(&self, identity: &str) -> Outcome<String> {
        let answer = self.admin("token", &json!({ "identity": identity }))?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Processor time of the service so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let figures = self.admin("cpu", &json!({}))?;
        let part = |name: &str| figures[name].as_u64().unwrap_or_default();
        Ok(Duration::from_millis(part("userMs") + part("systemMs")))
    }

    /// The newest connection of this identity, if there is one.
    pub(crate) fn connection(&self, identity: &str) -> Outcome<Option<Connection>> {
        let all = self.admin("connections", &json!({}))?;
        let all = all.as_array().ok_or("no list of connections")?;
        let own = all.iter().filter(|one| one["identity"] == identity);
        Ok(own.max_by_key(|one| one["conn"].as_u64()).map(|one| Connection {
            number: one["conn"].as_u64().unwrap_or_default(),
            subscriptions: one["subscriptions"].as_u64().unwrap_or_default(),
            unacked: one["unacked"].as_u64().unwrap_or_default(),
            received: one["stats"]["in"].as_u64().unwrap_or_default(),
            acks: one["stats"]["acks"].as_u64().unwrap_or_default(),
        }))
    }

    /// Waits until a connection of `identity` newer than `after` has so many subscriptions, all acknowledged.
    pub(crate) fn subscribed(
        &self,
        identity: &str,
        after: u64,
        count: u64,
        patience: Duration,
    ) -> Outcome<Connection> {
        let begun = Instant::now();
        loop {
            let seen = self.connection(identity)?;
            match &seen {
                Some(found) if found.number > after && found.subscriptions >= count && found.unacked == 0 => {
                    return Ok(*found);
                }
                _ if begun.elapsed() > patience => {
                    return Err(format!("{identity} has not {count} subscriptions: {seen:?}").into());
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A connection as the service sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) subscriptions: u64,
    unacked: u64,
    received: u64,
    acks: u64,
}

impl Connection {
    /// Messages of the client that were not acknowledgements.
    pub(crate) fn requests(&self) -> u64 {
        self.received.saturating_sub(self.acks)
    }
}

/// The error of a thing that somebody said.
pub(crate) fn said(text: impl Into<String>) -> Box<dyn Error> {
    text.into().into()
}
