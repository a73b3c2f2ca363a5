//! A WebSocket proxy that any client can be pointed at: what passes goes on unchanged, and into a session file. A close
//! goes on with its code and its reason, and a cut as a cut.
//!
//! Each line is written at once and secrets are starred out before (law 10), so whenever the proxy is killed the file has
//! all that had passed. [`Proxy::stop`] adds the line that says that nothing is missing.

mod upstream;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_channel::Sender;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, accept_async_with_config};
use chat_proto::session::{Header, What, Wire};
use chat_proto::{FrameRecord, Time};
use futures_lite::{AsyncRead, AsyncWrite, StreamExt, future};
use smol::LocalExecutor;
use smol::net::{TcpListener, TcpStream};

use crate::session_file::{Writer, identity};
pub use upstream::Upstream;

/// How long a closing handshake may take.
const CLOSING: Duration = Duration::from_secs(2);

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    stop: Sender<()>,
    failed: async_channel::Receiver<()>,
    tape: Arc<Tape>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens, and records into a new file.
    ///
    /// # Errors
    /// The address is taken, or the file cannot be written.
    pub fn start(listen: SocketAddr, upstream: Upstream, out: &Path) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", out.display()));
        let listener = smol::block_on(TcpListener::bind(listen))
            .map_err(|error| io::Error::new(error.kind(), format!("{listen}: {error}")))?;
        let address = listener.local_addr()?;
        let file = File::create(out).map_err(named)?;
        let writer = Writer::new(file, &Header::new("chat-testkit record", [])).map_err(named)?;
        let (failing, failed) = async_channel::bounded(1);
        let state = State { writer: Some(writer), error: None };
        let tape = Arc::new(Tape { origin: Instant::now(), state: Mutex::new(state), failing });
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let theirs = tape.clone();
        let thread = thread::Builder::new().name("chat-testkit record".into()).spawn(move || {
            let executor = Rc::new(LocalExecutor::new());
            let accept = accept(listener, upstream, theirs, executor.clone());
            smol::block_on(executor.run(future::or(accept, async {
                let _ = stopped.recv().await;
            })));
        })?;
        Ok(Self { address, stop, failed, tape, thread: Some(thread) })
    }

    /// Where clients are to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the file cannot be written any more; otherwise for ever.
    pub async fn failed(&self) {
        let _ = self.failed.recv().await;
    }

    /// Cuts what is open and ends the file.
    ///
    /// # Errors
    /// A line could not be written.
    pub fn stop(mut self) -> io::Result<()> {
        self.join();
        self.tape.finish()
    }

    fn join(&mut self) {
        let _ = self.stop.try_send(());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.join();
    }
}

/// The file, and its clock.
#[derive(Debug)]
struct Tape {
    origin: Instant,
    state: Mutex<State>,
    failing: Sender<()>,
}

#[derive(Debug)]
struct State {
    writer: Option<Writer<File>>,
    error: Option<io::Error>,
}

impl Tape {
    fn write(&self, conn: usize, wire: Wire) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Time::ZERO + self.origin.elapsed();
        let result = state.writer.as_mut().map(|writer| writer.entry(at, conn, What::Wire(wire)));
        if let Some(Err(error)) = result {
            (state.writer, state.error) = (None, Some(error));
            let _ = self.failing.try_send(());
        }
    }

    fn finish(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.error.take(), state.writer.take()) {
            (Some(error), _) => Err(error),
            (None, Some(writer)) => writer.finish(),
            (None, None) => Ok(()),
        }
    }
}

/// A session's frames are at most 16 MiB; the proxy lets more pass than any client takes.
fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20))
}

async fn accept(
    listener: TcpListener,
    upstream: Upstream,
    tape: Arc<Tape>,
    executor: Rc<LocalExecutor<'static>>,
) {
    let upstream = Rc::new(upstream);
    let mut conn = 0;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Usually for want of file descriptors.
            smol::Timer::after(Duration::from_millis(50)).await;
            continue;
        };
        conn += 1;
        executor.spawn(connection(conn, stream, upstream.clone(), tape.clone())).detach();
    }
}

async fn connection(conn: usize, stream: TcpStream, upstream: Rc<Upstream>, tape: Arc<Tape>) {
    let _ = stream.set_nodelay(true);
    // The service first: a client that cannot reach it must not believe that it did.
    let service = match upstream.connect(config()).await {
        Ok(service) => service,
        Err(error) => {
            eprintln!("chat-testkit record: {}: {error}", upstream.url());
            return tape.write(conn, Wire::Unreachable(error.to_string().into()));
        }
    };
    let Ok(client) = accept_async_with_config(stream, Some(config())).await else { return };
    tape.write(conn, Wire::Opened);
    let (mut to_client, mut from_client) = client.split();
    let (mut to_service, mut from_service) = service.split();
    let out = pump(&mut from_client, &mut to_service, |frame| {
        if let FrameRecord::Binary(bytes) = &frame
            && let Some(name) = identity(bytes)
        {
            tape.write(conn, Wire::Identity(name));
        }
        tape.write(conn, Wire::FromClient(frame));
    });
    let back = pump(&mut from_service, &mut to_client, |frame| tape.write(conn, Wire::FromService(frame)));
    let end = future::or(out, back).await;
    tape.write(conn, Wire::Closed(Some(end.code())));
    // A cut stays one: both sockets are dropped, and nobody says goodbye.
    let End::Closed(frame) = end else { return };
    let client = close(&mut to_client, &mut from_client, frame.clone());
    let service = close(&mut to_service, &mut from_service, frame);
    let both = async { _ = future::zip(client, service).await };
    future::or(both, after(CLOSING)).await;
}

/// How a connection ended.
enum End {
    /// With a close frame, which may have a code and a reason.
    Closed(Option<CloseFrame>),
    /// Without one.
    Cut,
}

impl End {
    /// The codes 1005 and 1006 never stand in a frame: they say that there was no code, or no frame (RFC 6455 §7.4.1).
    fn code(&self) -> u16 {
        match self {
            Self::Closed(Some(frame)) => frame.code.into(),
            Self::Closed(None) => 1005,
            Self::Cut => 1006,
        }
    }
}

/// Carries messages one way until that way ends.
async fn pump<A, B>(
    from: &mut WebSocketReceiver<A>,
    to: &mut WebSocketSender<B>,
    mut record: impl FnMut(FrameRecord),
) -> End
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = from.next().await {
        match message {
            Message::Binary(ref bytes) => record(FrameRecord::Binary(bytes.to_vec())),
            Message::Text(ref text) => record(FrameRecord::Text(text.as_str().into())),
            Message::Close(frame) => return End::Closed(frame),
            // Each side answers its own pings.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        }
        if to.send(message).await.is_err() {
            // The other side is gone; how it went is read on the way back, if it said so.
            after(CLOSING).await;
            return End::Cut;
        }
    }
    End::Cut
}

/// Closes one side as the other was closed, and waits for its end; the one that closed has its close answered.
async fn close<S>(to: &mut WebSocketSender<S>, from: &mut WebSocketReceiver<S>, frame: Option<CloseFrame>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _ = to.close(frame).await;
    while let Some(Ok(_)) = from.next().await {}
}

async fn after(time: Duration) {
    smol::Timer::after(time).await;
}
