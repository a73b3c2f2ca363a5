//! One socket's life, as something to poll.
//!
//! Reading and writing are two polls of one task: neither waits for the other, and a message is either in the queue or
//! handed to the socket whole, so nothing is ever half sent by a future that somebody dropped.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};
use chat_proto::{Cause, LinkId};
use futures_core::Stream;
use futures_sink::Sink;
use smol::Timer;

use super::connect::{Dialer, Socket, cause};

/// How much may wait to be written, beside what the socket holds. A service that takes nothing for so long is gone.
const QUEUE_BYTES: usize = 32 << 20;

/// How many messages there is always room for.
const KEPT: usize = 16;

type Opening = Pin<Box<dyn Future<Output = Result<Socket, Cause>> + Send>>;

/// What comes out of a link. After `Closed` nothing more does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    Opened,
    Binary(Bytes),
    Text(Utf8Bytes),
    Closed(Cause),
}

enum Phase {
    Opening(Opening),
    Open(Box<Socket>),
    /// Whatever waited is written, then the close frame, then the other side's is awaited: no longer than the timer.
    Closing {
        socket: Box<Socket>,
        asked: bool,
        timer: Timer,
    },
    /// `Closed` is about to be told, or was.
    Ended(Option<Cause>),
}

pub(crate) struct Link {
    id: LinkId,
    phase: Phase,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// Something was handed to the socket since it was last flushed to the end.
    dirty: bool,
}

impl Link {
    pub(crate) fn open(id: LinkId, dialer: Dialer, url: Box<str>) -> Self {
        let phase = Phase::Opening(Box::pin(dialer.open(url)));
        Self { id, phase, queue: VecDeque::new(), queued: 0, dirty: false }
    }

    pub(crate) fn id(&self) -> LinkId {
        self.id
    }

    /// Whether `Closed` is about to be told.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(Some(_)))
    }

    /// Queues a message; the next [`Link::poll_write`] writes it.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) {
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        self.queued = self.queued.saturating_add(bytes.len());
        self.queue.push_back(bytes.into());
        if self.queued > QUEUE_BYTES {
            self.end(Cause::Failed("the service takes nothing".into()));
        }
    }

    /// Begins to close; what takes longer than `within` is cut off.
    pub(crate) fn close(&mut self, within: Duration) {
        match std::mem::replace(&mut self.phase, Phase::Ended(None)) {
            Phase::Opening(_) => self.end(Cause::Local),
            Phase::Open(socket) => {
                self.phase = Phase::Closing { socket, asked: false, timer: Timer::after(within) };
            }
            other => self.phase = other,
        }
    }

    /// The next thing that happened. Pending once nothing waits, and for ever after `Closed`.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        loop {
            match &mut self.phase {
                Phase::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(socket) => {
                        self.phase = Phase::Open(Box::new(socket));
                        return Poll::Ready(LinkEvent::Opened);
                    }
                    Err(cause) => self.end(cause),
                },
                Phase::Open(socket) => match ready!(Pin::new(&mut **socket).poll_next(cx)) {
                    Some(Ok(Message::Binary(bytes))) => return Poll::Ready(LinkEvent::Binary(bytes)),
                    Some(Ok(Message::Text(text))) => return Poll::Ready(LinkEvent::Text(text)),
                    Some(Ok(Message::Close(frame))) => {
                        // The answer to it is queued in the socket; one try to get it out is enough.
                        let _ = Pin::new(&mut **socket).poll_flush(cx);
                        self.end(Cause::Remote(frame.map(|frame| frame.code.into())));
                    }
                    // Pings are answered by the socket itself.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => self.end(cause(&error)),
                    None => self.end(Cause::Remote(None)),
                },
                Phase::Closing { socket, timer, .. } => {
                    if Pin::new(timer).poll(cx).is_ready() {
                        self.end(Cause::Local);
                        continue;
                    }
                    match ready!(Pin::new(&mut **socket).poll_next(cx)) {
                        // Nobody waits for messages any more.
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => self.end(Cause::Local),
                    }
                }
                Phase::Ended(cause) => match cause.take() {
                    Some(cause) => return Poll::Ready(LinkEvent::Closed(cause)),
                    None => return Poll::Pending,
                },
            }
        }
    }

    /// Hands what waits to the socket and flushes once. An error shows in the next [`Link::poll_read`].
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (socket, asked) = match &mut self.phase {
            Phase::Open(socket) => (socket, None),
            Phase::Closing { socket, asked, .. } => (socket, Some(asked)),
            Phase::Opening(_) | Phase::Ended(_) => return Poll::Ready(()),
        };
        let mut socket = Pin::new(&mut **socket);
        let written = loop {
            let Some(message) = self.queue.front() else {
                self.queue.shrink_to(KEPT);
                break Poll::Ready(Ok(()));
            };
            // Ready without a flush as long as the socket takes what it is given.
            match socket.as_mut().poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                other => break other,
            }
            self.dirty = true;
            self.queued = self.queued.saturating_sub(message.len());
            let message = self.queue.pop_front().unwrap_or_default();
            if let Err(error) = socket.as_mut().start_send(Message::Binary(message)) {
                break Poll::Ready(Err(error));
            }
        };
        let written = match (written, asked) {
            (Poll::Ready(Ok(())), Some(asked)) if !*asked => {
                *asked = true;
                self.dirty = true;
                Poll::Ready(socket.as_mut().start_send(Message::Close(None)))
            }
            (written, _) => written,
        };
        let written = match written {
            Poll::Ready(Ok(())) if self.dirty => socket.as_mut().poll_flush(cx),
            written => written,
        };
        match written {
            Poll::Ready(Ok(())) => self.dirty = false,
            Poll::Ready(Err(error)) => self.end(cause(&error)),
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// Drops the socket; the cause is told by the next [`Link::poll_read`].
    fn end(&mut self, cause: Cause) {
        let cause = if matches!(self.phase, Phase::Closing { .. }) { Cause::Local } else { cause };
        self.phase = Phase::Ended(Some(cause));
        self.queue.clear();
        self.queued = 0;
    }
}
