//! What a service is told and what it says: the words between it and its host.

use std::fmt;

/// A WebSocket connection, as the host numbers them. A number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// An HTTP request to the media service and its answer, as the host numbers them. A number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u64);

/// A whole HTTP request to the media service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MediaRequest<'a> {
    /// In capitals.
    pub method: &'a str,
    /// With the query.
    pub path: &'a str,
    /// Names and values.
    pub headers: &'a [(String, String)],
    /// Empty when there is none.
    pub body: &'a [u8],
}

/// Headers hold tokens, and paths may be temporary addresses: neither is shown.
impl fmt::Debug for MediaRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes", self.method, self.body.len())
    }
}

/// What happened in the world.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    /// A complete HTTP request to the media service arrived.
    Http(ExchangeId, MediaRequest<'a>),
}

/// What the host is to do.
#[derive(Clone, PartialEq, Eq)]
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
    /// Answer an HTTP request.
    HttpReply {
        /// Which one.
        http: ExchangeId,
        /// The status.
        status: u16,
        /// Names and values, without the length.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Cut the connection of an HTTP request instead of answering it.
    HttpCut {
        /// Which one.
        http: ExchangeId,
    },
}

/// Frames hold tokens: only their sizes are shown.
impl fmt::Debug for ServiceInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => f.write_str("Tick"),
            Self::Opened(conn) => write!(f, "Opened({})", conn.0),
            Self::Frame(conn, bytes) => write!(f, "Frame({}, {} bytes)", conn.0, bytes.len()),
            Self::Text(conn, text) => write!(f, "Text({}, {} bytes)", conn.0, text.len()),
            Self::Closed(conn) => write!(f, "Closed({})", conn.0),
            Self::Http(http, request) => {
                write!(f, "Http({}, {} {} bytes)", http.0, request.method, request.body.len())
            }
        }
    }
}

/// Frames hold tokens: only their sizes are shown.
impl fmt::Debug for ServiceOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { conn, bytes } => write!(f, "Send({}, {} bytes)", conn.0, bytes.len()),
            Self::SendText { conn, text } => write!(f, "SendText({}, {} bytes)", conn.0, text.len()),
            Self::Close { conn, code } => write!(f, "Close({}, {code:?})", conn.0),
            Self::HttpReply { http, status, body, .. } => {
                write!(f, "HttpReply({}, {status}, {} bytes)", http.0, body.len())
            }
            Self::HttpCut { http } => write!(f, "HttpCut({})", http.0),
        }
    }
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
