//! WebSocket connections: each has a task that reads and one that writes.

use std::future::poll_fn;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, accept_async_with_config};
use futures_lite::{StreamExt, future};
use futures_sink::Sink;
use smol::net::{TcpListener, TcpStream};
use smol::{LocalExecutor, Timer};

use super::engine::Work;
use crate::service::ConnId;

/// A client that does not finish its handshake in this time is dropped.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a close or a cut may take: what was queued before it, and the client's side of the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Frames are small; the library's default of 128 KiB per connection is felt with a thousand of them.
const READ_BUFFER: usize = 8 << 10;
/// Longest message that is read.
const MAX_MESSAGE: usize = 16 << 20;
/// The wait after an `accept` that failed, usually for want of file descriptors.
pub(super) const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// What a connection is asked to write.
#[derive(Debug)]
pub(super) enum Outgoing {
    Binary(Vec<u8>),
    Text(String),
    Close(u16),
    Cut,
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Self::Binary(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
            Self::Close(_) | Self::Cut => 0,
        }
    }
}

/// The engine's end of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    queue: Sender<Outgoing>,
    /// Bytes that are queued and not yet taken by the socket.
    unread: Arc<AtomicUsize>,
    /// Told that the queue ends with a close or a cut.
    closing: Sender<()>,
    socket: TcpStream,
}

impl Peer {
    /// Queues a message. Never waits; the engine bounds the queue by [`unread_bytes`](Self::unread_bytes).
    pub(super) fn send(&self, message: Outgoing) {
        self.unread.fetch_add(message.len(), Ordering::Relaxed);
        if matches!(message, Outgoing::Close(_) | Outgoing::Cut) {
            let _ = self.closing.try_send(());
        }
        // Fails only when the connection's task is gone, and then the engine is about to hear of it.
        let _ = self.queue.try_send(message);
    }

    pub(super) fn unread_bytes(&self) -> usize {
        self.unread.load(Ordering::Relaxed)
    }

    /// Drops the socket now, with whatever waits for it.
    pub(super) fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Accepts connections until it is dropped; they live and end with it.
pub(super) async fn listen(listener: TcpListener, work: Sender<Work>) {
    let connections = LocalExecutor::new();
    connections
        .run(async {
            let mut last = 0;
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    Timer::after(ACCEPT_RETRY).await;
                    continue;
                };
                last += 1;
                connections.spawn(connection(ConnId(last), stream, work.clone())).detach();
            }
        })
        .await;
}

async fn connection(conn: ConnId, stream: TcpStream, work: Sender<Work>) {
    // Frames are small and each is waited for.
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let socket = stream.clone();
    let handshake = async { accept_async_with_config(stream, Some(config)).await.ok() };
    let Some(websocket) = future::or(handshake, timeout(HANDSHAKE_TIMEOUT)).await else { return };

    let (sender, receiver) = websocket.split();
    let (queue, queued) = async_channel::unbounded();
    let unread = Arc::new(AtomicUsize::new(0));
    let (closing, closed_by_us) = async_channel::bounded(1);
    let peer = Peer { queue, unread: unread.clone(), closing, socket: socket.clone() };
    if work.send(Work::Opened(conn, peer)).await.is_err() {
        return;
    }
    let read = read(conn, receiver, &work);
    let write = async {
        write(sender, queued, &unread, &socket).await;
        // The reader ends with the socket.
        future::pending::<()>().await;
    };
    // A client that does not read what is queued, or does not close its side, is not waited for.
    let deadline = async {
        let _ = closed_by_us.recv().await;
        Timer::after(CLOSE_TIMEOUT).await;
    };
    future::or(read, future::or(write, deadline)).await;
    let _ = socket.shutdown(Shutdown::Both);
    let _ = work.send(Work::Closed(conn)).await;
}

/// Reads until the socket ends or the engine does.
async fn read(conn: ConnId, mut receiver: WebSocketReceiver<TcpStream>, work: &Sender<Work>) {
    while let Some(Ok(message)) = receiver.next().await {
        let work_item = match message {
            Message::Binary(bytes) => Work::Frame(conn, bytes.into()),
            Message::Text(text) => Work::Text(conn, text.to_string()),
            // Pings and the closing handshake are answered inside the library.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => continue,
        };
        if work.send(work_item).await.is_err() {
            return;
        }
    }
}

/// Writes until it is told to close or the socket fails. What waits together is flushed together.
async fn write(
    mut sender: WebSocketSender<TcpStream>,
    queued: Receiver<Outgoing>,
    unread: &AtomicUsize,
    socket: &TcpStream,
) {
    loop {
        let waiting = queued.try_recv();
        if !matches!(waiting, Ok(Outgoing::Binary(_) | Outgoing::Text(_)))
            && poll_fn(|cx| Pin::new(&mut sender).poll_flush(cx)).await.is_err()
        {
            return;
        }
        let outgoing = match waiting {
            Ok(outgoing) => Ok(outgoing),
            Err(_) => queued.recv().await,
        };
        let Ok(outgoing) = outgoing else { return };
        let len = outgoing.len();
        let message = match outgoing {
            Outgoing::Binary(bytes) => Message::binary(bytes),
            Outgoing::Text(text) => Message::text(text),
            Outgoing::Close(code) => {
                let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
                let _ = sender.close(Some(frame)).await;
                return;
            }
            Outgoing::Cut => {
                let _ = socket.shutdown(Shutdown::Both);
                return;
            }
        };
        let taken = poll_fn(|cx| Pin::new(&mut sender).poll_ready(cx)).await;
        if taken.and_then(|()| Pin::new(&mut sender).start_send(message)).is_err() {
            return;
        }
        unread.fetch_sub(len, Ordering::Relaxed);
    }
}

async fn timeout<T>(after: Duration) -> Option<T> {
    Timer::after(after).await;
    None
}
