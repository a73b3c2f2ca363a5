//! Reading ahead: few large reads, and no buffer for sockets that are idle.
//!
//! The WebSocket library keeps its read buffer for ever, so that one is small; read by read it would cost several system
//! calls for each frame. So each read takes all that waits, into a buffer that the clients of a thread share, and what
//! the library does not take at once is kept until it does.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use smol::io::{AsyncRead, AsyncWrite};

/// What is read at once.
const AHEAD: usize = 32 << 10;

thread_local! {
    /// Where a read goes to; empty until the first one, and while one is under way.
    static SHARED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(super) struct ReadAhead<S> {
    stream: S,
    /// What was read and not taken yet, beginning at `taken`.
    rest: Box<[u8]>,
    taken: usize,
}

impl<S> ReadAhead<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, rest: Box::default(), taken: 0 }
    }
}

/// Copies as much as there is room for: how much that is.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    from.iter().zip(to).map(|(from, to)| *to = *from).count()
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(rest) = this.rest.get(this.taken..).filter(|rest| !rest.is_empty()) {
            let count = copy(rest, buf);
            this.taken += count;
            if this.taken == this.rest.len() {
                (this.rest, this.taken) = (Box::default(), 0);
            }
            return Poll::Ready(Ok(count));
        }
        let mut shared = SHARED.take();
        shared.resize(AHEAD, 0);
        let read = Pin::new(&mut this.stream).poll_read(cx, &mut shared);
        let read = read.map_ok(|read| {
            let read = shared.get(..read).unwrap_or_default();
            let count = copy(read, buf);
            this.rest = read.get(count..).unwrap_or_default().into();
            count
        });
        SHARED.set(shared);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::io::{AsyncReadExt, Cursor};

    /// Gives at most `most` bytes a read, and counts the reads.
    struct Source {
        bytes: Cursor<Vec<u8>>,
        most: usize,
        reads: usize,
    }

    impl AsyncRead for Source {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.reads += 1;
            let most = self.most.min(buf.len());
            Pin::new(&mut self.bytes).poll_read(cx, &mut buf[..most])
        }
    }

    fn source(len: usize, most: usize) -> (Vec<u8>, ReadAhead<Source>) {
        let bytes: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let source = Source { bytes: Cursor::new(bytes.clone()), most, reads: 0 };
        (bytes, ReadAhead::new(source))
    }

    #[test]
    fn nothing_is_lost_whatever_the_pieces() {
        for (most, piece) in [(1, 7), (100, 100), (1000, 64), (usize::MAX, 2048), (40_000, 1)] {
            let (bytes, mut stream) = source(100_000, most);
            let mut seen = Vec::new();
            let mut buf = vec![0; piece];
            smol::block_on(async {
                loop {
                    match stream.read(&mut buf).await.unwrap() {
                        0 => break,
                        count => seen.extend_from_slice(&buf[..count]),
                    }
                }
            });
            assert_eq!(seen, bytes, "{most} {piece}");
        }
    }

    #[test]
    fn much_is_read_in_few_reads_and_little_needs_no_buffer() {
        let (_, mut stream) = source(1 << 20, usize::MAX);
        let mut buf = [0; 2048];
        smol::block_on(async { while stream.read(&mut buf).await.unwrap() > 0 {} });
        assert!(stream.stream.reads < 40, "{} reads", stream.stream.reads);
        assert!(stream.rest.is_empty());

        let (_, mut stream) = source(10_000, 1000);
        smol::block_on(async {
            while stream.read(&mut buf).await.unwrap() > 0 {
                assert!(stream.rest.is_empty());
            }
        });
    }
}
