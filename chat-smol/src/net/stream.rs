//! Byte streams: what WebSocket is spoken over.

use std::fmt;

use smol::io::{AsyncRead, AsyncWrite};

/// Anything that bytes go in and out of.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for S {}

pub(super) type BoxedStream = Box<dyn ByteStream>;

pub(super) fn boxed(stream: impl ByteStream) -> BoxedStream {
    Box::new(stream)
}

/// What a connector of the app's own gives: a byte stream, and whether it is secured already.
pub struct Transport {
    pub(super) stream: BoxedStream,
    pub(super) secured: bool,
}

impl Transport {
    /// A stream to the host. Where the address says `wss`, TLS is put on it: right for proxies.
    pub fn plain(stream: impl ByteStream) -> Self {
        Self { stream: boxed(stream), secured: false }
    }

    /// A stream on which WebSocket can be spoken as it is, because the app has done the TLS itself.
    pub fn secured(stream: impl ByteStream) -> Self {
        Self { stream: boxed(stream), secured: true }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("secured", &self.secured).finish_non_exhaustive()
    }
}
