//! From an address to an open WebSocket: TCP, through a proxy or not, or the app's own stream; then TLS, then the upgrade.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Error as WsError;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use chat_proto::Cause;
use rustls::ClientConfig;

use super::ahead::ReadAhead;
use super::proxy::Proxies;
use super::stream::{BoxedStream, Transport, boxed};
use super::url::Target;
use super::{tcp, tls};
use crate::error::BoxError;

/// What the WebSocket takes of a stream at once. The default of 128 KiB is touched for every socket, which counts where a
/// process holds thousands. The handshake's buffer of 4 KiB goes on as the read buffer. It is kept for ever, and made
/// twice as large when a frame and what was taken together do not fit: so little is taken, and [`ReadAhead`] sees to it
/// that this costs no system calls.
const READ_BUFFER: usize = 512;
/// How many bytes of a turn's messages are gathered before they are written, also without a flush: the buffer keeps the
/// room that it once took.
const WRITE_BUFFER: usize = 16 << 10;

pub(super) type Socket = WebSocketStream<ReadAhead<BoxedStream>>;

type Connecting = Pin<Box<dyn Future<Output = Result<Transport, BoxError>> + Send>>;

/// A connector of the app's own.
pub(crate) type UserConnect = Arc<dyn Fn(Target) -> Connecting + Send + Sync>;

/// Opens sockets.
#[derive(Clone)]
pub(crate) struct Dialer {
    tls: Arc<ClientConfig>,
    connect: Option<UserConnect>,
    proxies: Proxies,
    max_message: usize,
}

impl Dialer {
    /// `frame_bytes` is the core's limit.
    pub(crate) fn new(
        tls: Arc<ClientConfig>,
        connect: Option<UserConnect>,
        proxies: Proxies,
        frame_bytes: usize,
    ) -> Self {
        // A frame above the core's limit is the core's to refuse: it says so and keeps the socket. Only what is far
        // above it ends the socket here.
        Self { tls, connect, proxies, max_message: frame_bytes.saturating_mul(2) }
    }

    /// Opens a socket to `url`. Without a deadline: the core has one, and closes what takes too long.
    pub(super) async fn open(self, url: Box<str>) -> Result<Socket, Cause> {
        let target = Target::parse(&url).map_err(|error| failed(&error))?;
        let max_message = self.max_message;
        let stream = self.stream(&target).await?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let upgrade = async_tungstenite::client_async_with_config(
            target.url.as_str(),
            ReadAhead::new(stream),
            Some(config),
        );
        let (socket, _) = upgrade.await.map_err(|error| cause(&error))?;
        Ok(socket)
    }

    /// Opens a stream to `target`, with TLS where that is asked for. Without a deadline, as above.
    pub(super) async fn stream(self, target: &Target) -> Result<BoxedStream, Cause> {
        let transport = match &self.connect {
            Some(connect) => {
                connect(target.clone()).await.map_err(|error| match error.downcast::<io::Error>() {
                    Ok(error) => io_cause(&error),
                    Err(error) => failed(&error),
                })?
            }
            None => self.dial(target).await?,
        };
        if target.secure && !transport.secured {
            let secured = tls::secure(transport.stream, &target.host, self.tls).await;
            Ok(boxed(secured.map_err(|error| tls_cause(target, &error))?))
        } else {
            Ok(transport.stream)
        }
    }

    /// A connection of our own to the host, or to the proxy that stands before it.
    async fn dial(&self, target: &Target) -> Result<Transport, Cause> {
        let proxy = self
            .proxies
            .of(target)
            .map_err(|error| failed(&format_args!("the proxy cannot be used: {error}")))?;
        let (host, port) = match &proxy {
            Some(proxy) => (&*proxy.host, proxy.port),
            None => (&*target.host, target.port),
        };
        let said = |error: io::Error| failed(&format_args!("cannot connect to {host}:{port}: {error}"));
        let mut stream = tcp::connect(host, port).await.map_err(said)?;
        if let Some(proxy) = &proxy {
            proxy.tunnel(&mut stream, target).await.map_err(said)?;
        }
        Ok(Transport::plain(stream))
    }
}

fn failed(error: &impl ToString) -> Cause {
    Cause::Failed(error.to_string().into())
}

fn io_cause(error: &io::Error) -> Cause {
    if tls::is_untrusted(error) { Cause::Untrusted(error.to_string().into()) } else { failed(error) }
}

/// Why there is no TLS with `target`.
fn tls_cause(target: &Target, error: &io::Error) -> Cause {
    if tls::is_untrusted(error) {
        return Cause::Untrusted(error.to_string().into());
    }
    let Target { host, port, .. } = target;
    if tls::is_plain(error) {
        failed(&format_args!("no secure connection to {host}:{port}: what answers there does not speak TLS"))
    } else {
        failed(&format_args!("no secure connection to {host}:{port}: {error}"))
    }
}

/// An error of a socket in words for people. None of them shows what was sent, or the address's path.
pub(super) fn cause(error: &WsError) -> Cause {
    match error {
        WsError::Io(error) => io_cause(error),
        WsError::ConnectionClosed | WsError::AlreadyClosed => Cause::Remote(None),
        WsError::Http(response) => {
            let status = response.status();
            let hint = if status.is_redirection() { " (redirects are not followed)" } else { "" };
            failed(&format_args!("HTTP {status} instead of a WebSocket{hint}"))
        }
        error => failed(error),
    }
}
