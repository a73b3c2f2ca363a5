//! The offline service: a model of the service's side of Twilsock, Sync and Chat, without input or output of its own.
//!
//! It has no clock and no entropy: the same seed and the same inputs give the same outputs. Frames go in through
//! [`Service::handle`], what it sends comes out of [`Service::poll_output`], and [`Service::admin`] is its control
//! interface.

mod config;

use std::collections::VecDeque;

use chat_proto::Time;
use serde_json::Value;

pub use config::{ContextEnrich, ServiceConfig};

/// A WebSocket connection, as the host numbers them. A number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What happened in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceInput<'a> {
    /// Time passed.
    Tick,
    /// A client's WebSocket is open.
    Opened(ConnId),
    /// A complete binary message arrived.
    Frame(ConnId, &'a [u8]),
    /// A complete text message arrived.
    Text(ConnId, &'a str),
    /// The WebSocket is gone, whoever closed it.
    Closed(ConnId),
}

/// What the host is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceOutput {
    /// Send a binary message.
    Send {
        /// To whom.
        conn: ConnId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Send a text message (only asked for by tests that send rubbish).
    SendText {
        /// To whom.
        conn: ConnId,
        /// The message.
        text: String,
    },
    /// Close a WebSocket. The host reports [`ServiceInput::Closed`] when it is gone; to the service it is gone already.
    Close {
        /// Which one.
        conn: ConnId,
        /// The code of a WebSocket close frame; `None` cuts the connection at once, without one.
        code: Option<u16>,
    },
}

/// Why a command of the control interface was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// HTTP 400: an argument is missing or malformed.
    #[error("{0}")]
    BadArgument(String),
    /// HTTP 404: there is no such command.
    #[error("no such command: {0}")]
    NoSuchCommand(String),
    /// HTTP 500: the command was refused by the service itself.
    #[error("{0}")]
    Failed(String),
}

impl AdminError {
    /// The HTTP status that this error is told with.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadArgument(_) => 400,
            Self::NoSuchCommand(_) => 404,
            Self::Failed(_) => 500,
        }
    }
}

/// The service.
#[derive(Debug)]
pub struct Service {
    config: ServiceConfig,
    now: Time,
    outputs: VecDeque<ServiceOutput>,
}

impl Service {
    /// An empty service.
    pub fn new(config: ServiceConfig, _seed: u64, now: Time) -> Self {
        Self { config, now, outputs: VecDeque::new() }
    }

    /// Takes in what happened; the answers wait in [`poll_output`](Self::poll_output).
    pub fn handle(&mut self, now: Time, _input: ServiceInput<'_>) {
        self.now = self.now.max(now);
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<ServiceOutput> {
        self.outputs.pop_front()
    }

    /// When [`ServiceInput::Tick`] is wanted next.
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// A command of the control interface: its name and its arguments, a JSON object.
    pub fn admin(&mut self, now: Time, command: &str, _arguments: &Value) -> Result<Value, AdminError> {
        self.now = self.now.max(now);
        match command {
            "config" => serde_json::to_value(&self.config).map_err(|e| AdminError::Failed(e.to_string())),
            _ => Err(AdminError::NoSuchCommand(command.into())),
        }
    }
}
