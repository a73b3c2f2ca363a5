//! A WebSocket proxy that any client can be pointed at: what passes goes on unchanged, and into a session file.
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
            return;
        }
    };
    let Ok(client) = accept_async_with_config(stream, Some(config())).await else { return };
    tape.write(conn, Wire::Opened);
    let (mut to_client, from_client) = client.split();
    let (mut to_service, from_service) = service.split();
    let out = async {
        let code = pump(from_client, &mut to_service, |frame| {
            if let FrameRecord::Binary(bytes) = &frame
                && let Some(name) = identity(bytes)
            {
                tape.write(conn, Wire::Identity(name));
            }
            tape.write(conn, Wire::FromClient(frame));
        });
        code.await
    };
    let back = pump(from_service, &mut to_client, |frame| tape.write(conn, Wire::FromService(frame)));
    let code = future::or(out, back).await;
    tape.write(conn, Wire::Closed(code));
    // Both sides are told with the same code; whoever closed knows already.
    let close = code.map(|code| CloseFrame { code: code.into(), reason: "".into() });
    let both = async {
        let _ = to_client.close(close.clone()).await;
        let _ = to_service.close(close).await;
    };
    future::or(both, async {
        smol::Timer::after(Duration::from_secs(2)).await;
    })
    .await;
}

/// Carries messages one way until that way ends; the code that it was closed with.
async fn pump<A, B>(
    mut from: WebSocketReceiver<A>,
    to: &mut WebSocketSender<B>,
    mut record: impl FnMut(FrameRecord),
) -> Option<u16>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = from.next().await {
        match &message {
            Message::Binary(bytes) => record(FrameRecord::Binary(bytes.to_vec())),
            Message::Text(text) => record(FrameRecord::Text(text.as_str().into())),
            Message::Close(frame) => return frame.as_ref().map(|frame| frame.code.into()),
            // Each side answers its own pings.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        }
        if to.send(message).await.is_err() {
            return None;
        }
    }
    None
}
