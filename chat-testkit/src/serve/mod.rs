//! The offline service behind sockets: a WebSocket listener and the control interface, both on loopback.
//!
//! [`Server::start`] needs no runtime of the caller's: the server has a thread of its own, so a test that blocks does
//! not stall the service it talks to. One task owns the [`Service`](crate::service::Service) and the clock;
//! connections reach it by channels, and it never waits for one of them.

mod accept;
mod control;
mod engine;
mod listener;
mod media;
mod process;
mod recorder;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender};
use serde_json::Value;
use smol::LocalExecutor;
use smol::net::TcpListener;

use crate::service::{AdminError, ServiceConfig};
use engine::{Engine, Work};
use recorder::Recorder;

/// How many inputs may wait for the service before the sockets are no longer read.
const WORK_QUEUE: usize = 1024;

/// What a [`Server`] is started with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeConfig {
    /// Port of the WebSocket listener; 0 takes any that is free.
    pub port: u16,
    /// Port of the control interface; 0 takes any that is free.
    pub admin_port: u16,
    /// Port of the media service; 0 takes any that is free.
    pub media_port: u16,
    /// What temporary addresses of media begin with, when something else stands before that port: TLS, or a proxy.
    pub media_url: Option<String>,
    /// Settings of the service. `unix_at_origin` is set from the wall clock at the start.
    pub service: ServiceConfig,
    /// Seed of the identifiers that the service makes.
    pub seed: u64,
    /// Records every frame into this file from the start, as the command `record` does.
    pub record: Option<PathBuf>,
    /// A connection whose client leaves more than this many bytes unread is cut.
    pub max_unread_bytes: usize,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            port: 0,
            admin_port: 0,
            media_port: 0,
            media_url: None,
            service: ServiceConfig::default(),
            seed: 0,
            record: None,
            max_unread_bytes: 64 << 20,
        }
    }
}

impl From<ServiceConfig> for ServeConfig {
    fn from(service: ServiceConfig) -> Self {
        Self { service, ..Self::default() }
    }
}

/// A running service. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    port: u16,
    admin_port: u16,
    media_port: u16,
    work: Sender<Work>,
    /// Closed when the server's thread has ended.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds its ports on loopback and serves until [`stop`](Self::stop) or the command `shutdown`.
    ///
    /// # Errors
    /// A port is taken, or the file to record into cannot be written.
    pub fn start(config: ServeConfig) -> io::Result<Self> {
        let bind = |port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            smol::block_on(TcpListener::bind(address))
                .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
        };
        let (clients, control) = (bind(config.port)?, bind(config.admin_port)?);
        let (port, admin_port) = (clients.local_addr()?.port(), control.local_addr()?.port());
        let media = bind(config.media_port)?;
        let media_port = media.local_addr()?.port();
        let mut config = config;
        let local = || format!("http://127.0.0.1:{media_port}");
        config.service.media_url = config.media_url.take().unwrap_or_else(local);
        let recorder = config.record.as_deref().map(Recorder::create).transpose()?;

        let (work, inbox) = async_channel::bounded(WORK_QUEUE);
        let (end, ended) = async_channel::bounded(1);
        let to_engine = work.clone();
        let thread = thread::Builder::new().name("chat-testkit serve".into()).spawn(move || {
            // Dropped last: whoever waits for the end then finds the ports free.
            let _end = end;
            // Tasks that run when the engine ends are dropped with the executor, and their sockets with them.
            let executor = LocalExecutor::new();
            let engine = Engine::new(config, recorder);
            executor.spawn(control::listen(control, to_engine.clone())).detach();
            executor.spawn(media::listen(media, to_engine.clone())).detach();
            executor.spawn(listener::listen(clients, to_engine)).detach();
            smol::block_on(executor.run(engine.run(inbox)));
        })?;
        Ok(Self { port, admin_port, media_port, work, ended, thread: Some(thread) })
    }

    /// The port of the WebSocket listener.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of the media service.
    pub fn media_port(&self) -> u16 {
        self.media_port
    }

    /// Where media are: for [`Endpoints::media`](chat_proto::Endpoints::media).
    pub fn media_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.media_port)
    }

    /// The port of the control interface.
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/v3/wsconnect", self.port)
    }

    /// A command of the control interface, without HTTP.
    ///
    /// # Errors
    /// As the control interface has them; a server that has ended is [`AdminError::Failed`].
    pub fn admin(
        &self,
        command: &str,
        arguments: Value,
    ) -> impl Future<Output = Result<Value, AdminError>> + use<> {
        engine::ask(self.work.clone(), command.to_owned(), arguments)
    }

    /// Waits until the server has ended: by the command `shutdown`, as long as this handle is held.
    pub fn ended(&self) -> impl Future<Output = ()> + use<> {
        let ended = self.ended.clone();
        async move {
            // Nothing is ever sent: the channel only closes.
            let _ = ended.recv().await;
        }
    }

    /// Cuts every connection and frees the ports. Returns when that is done.
    ///
    /// # Panics
    /// The service has panicked: then this goes on with its panic, so that whoever embeds it hears of it.
    pub fn stop(mut self) {
        if let Err(panic) = self.end() {
            resume_unwind(panic);
        }
    }

    fn end(&mut self) -> thread::Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        // Fails when the server has ended by itself, which is as good.
        let _ = self.work.send_blocking(Work::Stop);
        thread.join()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A panic was printed when it happened; another one while dropping would abort.
        let _ = self.end();
    }
}
