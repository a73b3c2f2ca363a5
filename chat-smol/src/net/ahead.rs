//! Reading ahead: few large reads while much comes, and no buffer while nothing does.
//!
//! The WebSocket library keeps its read buffer for ever, so that one is small; read by read it would cost a system call
//! for each frame or two of a burst. A read that fills it means that more waits: then a large one goes ahead, into a
//! buffer that lives until it is emptied.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use smol::io::{AsyncRead, AsyncWrite};

/// What is read at once while much comes.
const AHEAD: usize = 32 << 10;

pub(super) struct ReadAhead<S> {
    stream: S,
    /// What was read ahead, and how much of it was taken.
    ahead: Vec<u8>,
    taken: usize,
    /// The last read left no room: more waits, probably.
    busy: bool,
}

impl<S> ReadAhead<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new(), taken: 0, busy: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.ahead.is_empty() {
            if !this.busy {
                let read = ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
                this.busy = read == buf.len() && read > 0;
                return Poll::Ready(Ok(read));
            }
            let mut ahead = vec![0; AHEAD];
            let read = match Pin::new(&mut this.stream).poll_read(cx, &mut ahead) {
                Poll::Ready(Ok(read)) => read,
                other => {
                    this.busy = false;
                    return other;
                }
            };
            this.busy = read == AHEAD;
            ahead.truncate(read);
            (this.ahead, this.taken) = (ahead, 0);
        }
        let rest = this.ahead.get(this.taken..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        let (from, to) = (rest.get(..count).unwrap_or_default(), buf.get_mut(..count).unwrap_or_default());
        to.copy_from_slice(from);
        this.taken += count;
        if this.taken >= this.ahead.len() {
            this.ahead = Vec::new();
        }
        Poll::Ready(Ok(count))
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
        assert_eq!(stream.ahead.capacity(), 0);

        let (_, mut stream) = source(10_000, 1000);
        smol::block_on(async {
            while stream.read(&mut buf).await.unwrap() > 0 {
                assert_eq!(stream.ahead.capacity(), 0);
            }
        });
    }
}
