//! The one task that owns the service: inputs and time go in, messages for the connections come out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_channel::{Receiver, Sender};
use chat_proto::Time;
use futures_lite::future;
use serde_json::{Value, json};
use smol::Timer;

use super::listener::{Outgoing, Peer};
use super::recorder::{Direction, Recorder};
use super::{ServeConfig, process};
use crate::service::{AdminError, ConnId, ExchangeId, MediaRequest, Service, ServiceInput, ServiceOutput};

/// The least time between two ticks: a deadline that does not move must not spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

pub(super) type AdminAnswer = Result<Value, AdminError>;

/// The answer of the media service to one request.
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// What reaches the engine.
pub(super) enum Work {
    Opened(ConnId, Peer),
    Frame(ConnId, Vec<u8>),
    Text(ConnId, String),
    Closed(ConnId),
    Http {
        method: String,
        path: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        answer: Sender<HttpAnswer>,
    },
    Admin {
        command: String,
        arguments: Value,
        answer: Sender<AdminAnswer>,
    },
    Stop,
}

/// Has a command of the control interface executed.
pub(super) async fn ask(work: Sender<Work>, command: String, arguments: Value) -> AdminAnswer {
    let (answer, answered) = async_channel::bounded(1);
    let ended = || AdminError::Failed("the service has ended".into());
    work.send(Work::Admin { command, arguments, answer }).await.map_err(|_| ended())?;
    answered.recv().await.map_err(|_| ended())?
}

/// The service, its clock and its connections.
pub(super) struct Engine {
    service: Service,
    origin: Instant,
    peers: BTreeMap<ConnId, Peer>,
    /// HTTP requests that are not answered yet.
    exchanges: BTreeMap<ExchangeId, Sender<HttpAnswer>>,
    last_exchange: u64,
    max_unread_bytes: usize,
    recorder: Option<Recorder>,
    /// Answers of commands that are not done yet, and when they are.
    held: Vec<(Time, Sender<AdminAnswer>, AdminAnswer)>,
}

impl Engine {
    pub(super) fn new(config: ServeConfig, recorder: Option<Recorder>) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let mut service = config.service;
        service.unix_at_origin = i64::try_from(unix).unwrap_or(i64::MAX);
        Self {
            service: Service::new(service, config.seed, Time::ZERO),
            origin: Instant::now(),
            peers: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            last_exchange: 0,
            max_unread_bytes: config.max_unread_bytes,
            recorder,
            held: Vec::new(),
        }
    }

    /// Serves until the work `Stop` or the command `shutdown`.
    pub(super) async fn run(mut self, inbox: Receiver<Work>) {
        loop {
            let held = self.held.iter().map(|(due, ..)| *due).min();
            let wait = self.service.deadline().into_iter().chain(held).min().map(|due| {
                let wait =
                    (self.origin + Duration::from_millis(due.as_millis())).duration_since(Instant::now());
                wait.max(SHORTEST_WAIT)
            });
            let tick = async {
                match wait {
                    Some(wait) => drop(Timer::after(wait).await),
                    None => future::pending().await,
                }
                None
            };
            let work = future::or(async { Some(inbox.recv().await.unwrap_or(Work::Stop)) }, tick).await;
            let now = self.now();
            // Also when work came first: a flood of it must not hold up what is due.
            if self.service.deadline().is_some_and(|due| due <= now) {
                self.service.handle(now, ServiceInput::Tick);
                self.perform(now);
            }
            self.release(now);
            match work {
                None => {}
                Some(Work::Stop) => break,
                Some(Work::Admin { command, arguments, answer }) => {
                    let result = self.admin(now, &command, &arguments);
                    // What the command sends is on its way before the command is answered.
                    self.perform(now);
                    if command == "reset" {
                        self.forsake();
                    }
                    match pending(&result) {
                        // The service does not wait, and says what is left to be done: we do.
                        Some(pending) => self.held.push((now + pending, answer, result)),
                        None => drop(answer.send(result).await),
                    }
                    if command == "shutdown" {
                        break;
                    }
                }
                Some(other) => self.take_in(now, other),
            }
            self.perform(now);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.origin.elapsed()
    }

    /// Gives the answers whose time has come, after what was due by then was done.
    fn release(&mut self, now: Time) {
        for (_, answer, result) in self.held.extract_if(.., |(due, ..)| *due <= now) {
            // Room for one, and nobody else answers; whoever asked may have gone.
            let _ = answer.try_send(result);
        }
    }

    /// What was to be done is forgotten: those who wait for it hear so.
    fn forsake(&mut self) {
        for (_, answer, _) in self.held.drain(..) {
            let _ = answer.try_send(Err(AdminError::Failed("reset before it was done".into())));
        }
    }

    fn take_in(&mut self, now: Time, work: Work) {
        match work {
            Work::Opened(conn, peer) => {
                self.peers.insert(conn, peer);
                self.record(|r| r.meta(now, conn, "open"));
                self.service.handle(now, ServiceInput::Opened(conn));
            }
            Work::Frame(conn, bytes) => {
                self.record(|r| r.message(now, conn, Direction::FromClient, &bytes));
                self.service.handle(now, ServiceInput::Frame(conn, &bytes));
            }
            Work::Text(conn, text) => {
                self.record(|r| r.message(now, conn, Direction::FromClient, text.as_bytes()));
                self.service.handle(now, ServiceInput::Text(conn, &text));
            }
            Work::Closed(conn) => {
                self.peers.remove(&conn);
                self.record(|r| r.meta(now, conn, "close"));
                self.service.handle(now, ServiceInput::Closed(conn));
            }
            Work::Http { method, path, headers, body, answer } => {
                // Whoever hung up is not waited for.
                self.exchanges.retain(|_, answer| !answer.is_closed());
                self.last_exchange += 1;
                let http = ExchangeId(self.last_exchange);
                self.exchanges.insert(http, answer);
                let request = MediaRequest { method: &method, path: &path, headers: &headers, body: &body };
                self.service.handle(now, ServiceInput::Http(http, request));
            }
            Work::Admin { .. } | Work::Stop => {}
        }
    }

    /// Hands the service's outputs to the connections.
    fn perform(&mut self, now: Time) {
        while let Some(output) = self.service.poll_output() {
            match output {
                ServiceOutput::Send { conn, bytes } => {
                    self.record(|r| r.message(now, conn, Direction::ToClient, &bytes));
                    self.send(conn, Outgoing::Binary(bytes));
                }
                ServiceOutput::SendText { conn, text } => {
                    self.record(|r| r.message(now, conn, Direction::ToClient, text.as_bytes()));
                    self.send(conn, Outgoing::Text(text));
                }
                ServiceOutput::HttpReply { http, status, headers, body } => {
                    if let Some(answer) = self.exchanges.remove(&http) {
                        let _ = answer.try_send(HttpAnswer { status, headers, body });
                    }
                }
                ServiceOutput::HttpCut { http } => drop(self.exchanges.remove(&http)),
                ServiceOutput::Close { conn, code } => {
                    self.send(conn, code.map_or(Outgoing::Cut, Outgoing::Close));
                }
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    fn send(&mut self, conn: ConnId, message: Outgoing) {
        // To the service a connection that it closed is gone; to us it is there until the socket says so.
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.unread_bytes() > self.max_unread_bytes {
            peer.cut();
        } else {
            peer.send(message);
        }
    }

    fn record(&mut self, write: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &mut self.recorder {
            write(recorder);
        }
    }

    /// Commands about the process are ours, the rest is the service's.
    fn admin(&mut self, now: Time, command: &str, arguments: &Value) -> AdminAnswer {
        match command {
            "shutdown" => Ok(json!({})),
            "cpu" => Ok(process::figures(self.origin.elapsed())),
            "record" => {
                let file = arguments.get("file").and_then(Value::as_str);
                let file = file.ok_or_else(|| AdminError::BadArgument("file: a path is wanted".into()))?;
                let path = PathBuf::from(file);
                let failed = |e| AdminError::Failed(format!("{file}: {e}"));
                let mut recorder = Recorder::create(&path).map_err(failed)?;
                for conn in self.peers.keys() {
                    recorder.meta(now, *conn, "open");
                }
                self.recorder = Some(recorder);
                Ok(json!({ "file": file }))
            }
            "record/stop" => {
                let frames = self.recorder.take().map_or(Ok(0), Recorder::finish);
                let frames =
                    frames.map_err(|e| AdminError::Failed(format!("the recording is incomplete: {e}")))?;
                Ok(json!({ "frames": frames }))
            }
            _ => self.service.admin(now, command, arguments),
        }
    }
}

/// How long from now a command goes on after its answer.
fn pending(answer: &AdminAnswer) -> Option<Duration> {
    let ms = answer.as_ref().ok()?.get("pendingMs")?.as_u64()?;
    (ms > 0).then(|| Duration::from_millis(ms))
}
