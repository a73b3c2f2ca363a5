//! Media of the app's: where their bytes come from, where they go, and the names that the core knows them by.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_proto::{Json, MediaId, SendMedia};
use hyper::body::Bytes;
use smol::io::{AsyncRead, AsyncWrite, Cursor};
use smol::lock::Mutex as AsyncMutex;

/// Bytes to be read.
pub(crate) type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// A place for bytes. Only one request at a time writes to it.
pub(crate) type Sink = Arc<AsyncMutex<Pin<Box<dyn AsyncWrite + Send>>>>;

/// Media to send: [`Channel::send_media`](crate::Channel::send_media).
pub struct Upload {
    source: Source,
    content_type: Box<str>,
    filename: Option<Box<str>>,
}

impl Upload {
    /// These bytes, of this media type, such as `image/png`.
    pub fn bytes(bytes: impl Into<Vec<u8>>, content_type: impl Into<Box<str>>) -> Self {
        Self::new(Source::Bytes(Bytes::from(bytes.into())), content_type)
    }

    /// A file. It is read when the upload begins, and again if that must be repeated. Its name is not told, unless
    /// [`Upload::filename`] does.
    pub fn file(path: impl Into<PathBuf>, content_type: impl Into<Box<str>>) -> Self {
        Self::new(Source::File(path.into()), content_type)
    }

    /// Exactly `length` bytes of a reader. It can be read only once: an upload that breaks in the midst is not repeated.
    pub fn reader(
        reader: impl AsyncRead + Send + 'static,
        length: u64,
        content_type: impl Into<Box<str>>,
    ) -> Self {
        let once = Once { reader: Box::pin(reader), length };
        Self::new(Source::Reader(Arc::new(Mutex::new(Some(once)))), content_type)
    }

    fn new(source: Source, content_type: impl Into<Box<str>>) -> Self {
        Self { source, content_type: content_type.into(), filename: None }
    }

    /// A file name for the others to see.
    #[must_use]
    pub fn filename(mut self, filename: impl Into<Box<str>>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// The source, and the call once the source has a name.
    pub(crate) fn into_parts(
        self,
        channel: chat_proto::ChannelSid,
        attributes: Json,
    ) -> (Held, impl FnOnce(MediaId) -> SendMedia) {
        let Self { source, content_type, filename } = self;
        (Held::Source(source), move |media| SendMedia { channel, media, content_type, filename, attributes })
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("content_type", &self.content_type)
            .field("filename", &self.filename)
            .finish_non_exhaustive()
    }
}

pub(crate) struct Once {
    reader: Reader,
    length: u64,
}

/// Where bytes come from.
#[derive(Clone)]
pub(crate) enum Source {
    Bytes(Bytes),
    File(PathBuf),
    Reader(Arc<Mutex<Option<Once>>>),
}

impl Source {
    /// The bytes from their beginning, and how many they are.
    pub(crate) async fn open(self) -> io::Result<(Reader, u64)> {
        match self {
            Self::Bytes(bytes) => {
                let length = bytes.len() as u64;
                Ok((Box::pin(Cursor::new(bytes)), length))
            }
            Self::File(path) => {
                let file = smol::fs::File::open(path).await?;
                let length = file.metadata().await?.len();
                Ok((Box::pin(file), length))
            }
            Self::Reader(once) => {
                let once = once.lock().unwrap_or_else(PoisonError::into_inner).take();
                let once = once.ok_or_else(|| io::Error::other("a reader can be read only once"))?;
                Ok((once.reader, once.length))
            }
        }
    }
}

/// What the app gave for a call.
#[derive(Clone)]
pub(crate) enum Held {
    Source(Source),
    Sink(Sink),
}

impl Held {
    pub(crate) fn sink(writer: impl AsyncWrite + Send + 'static) -> Self {
        Self::Sink(Arc::new(AsyncMutex::new(Box::pin(writer))))
    }
}

/// Everything that the app gave for calls that are not answered yet.
#[derive(Default)]
pub(crate) struct MediaStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    all: HashMap<MediaId, Held>,
    last: u64,
}

impl MediaStore {
    pub(crate) fn add(&self, held: Held) -> MediaId {
        let mut inner = self.lock();
        inner.last += 1;
        let id = MediaId(inner.last);
        inner.all.insert(id, held);
        id
    }

    pub(crate) fn get(&self, id: MediaId) -> Option<Held> {
        self.lock().all.get(&id).cloned()
    }

    /// Dropped after the lock is released: a source of the app's may do anything when it goes.
    pub(crate) fn remove(&self, id: MediaId) {
        let held = self.lock().all.remove(&id);
        drop(held);
    }

    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut self.lock().all);
        drop(all);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
