//! A pair of connected byte streams in memory, whose other end may be slow, mean, or counted.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use smol::io::{AsyncRead, AsyncWrite};

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The most that one read or write takes.
    most: usize,
    closed: bool,
    writes: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// How one direction behaves.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// How much it holds until somebody reads.
    pub(crate) capacity: usize,
    /// The most that one read or write takes.
    pub(crate) most: usize,
}

impl Default for Way {
    fn default() -> Self {
        Self { capacity: 1 << 20, most: usize::MAX }
    }
}

/// One end. Dropping it ends both directions.
pub(crate) struct End {
    read: Arc<Mutex<Pipe>>,
    write: Arc<Mutex<Pipe>>,
}

/// Counts the writes of an end, wherever that end has gone.
#[derive(Clone)]
pub(crate) struct Writes(Arc<Mutex<Pipe>>);

impl Writes {
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

/// Two ends: what one writes the other reads, there over `there` and back over `back`.
pub(crate) fn duplex(there: Way, back: Way) -> (End, End) {
    let pipe = |way: Way| {
        let Way { capacity, most } = way;
        Arc::new(Mutex::new(Pipe { capacity, most, ..Pipe::default() }))
    };
    let (there, back) = (pipe(there), pipe(back));
    (End { read: back.clone(), write: there.clone() }, End { read: there, write: back })
}

impl End {
    pub(crate) fn writes(&self) -> Writes {
        Writes(self.write.clone())
    }
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.read.lock().unwrap();
        let count = to.len().min(pipe.most).min(pipe.bytes.len());
        if count == 0 && !to.is_empty() {
            if pipe.closed {
                return Poll::Ready(Ok(0));
            }
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, byte) in to.iter_mut().zip(pipe.bytes.drain(..count)) {
            *to = byte;
        }
        pipe.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.write.lock().unwrap();
        if pipe.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = from.len().min(pipe.most).min(pipe.capacity - pipe.bytes.len());
        if count == 0 && !from.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend(&from[..count]);
        pipe.writes += 1;
        pipe.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.write);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        close(&self.read);
        close(&self.write);
    }
}

fn close(pipe: &Mutex<Pipe>) {
    let mut pipe = pipe.lock().unwrap();
    pipe.closed = true;
    pipe.reader.take().into_iter().for_each(Waker::wake);
    pipe.writer.take().into_iter().for_each(Waker::wake);
}
