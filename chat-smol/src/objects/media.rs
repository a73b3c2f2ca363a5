use std::ops::Deref;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::{fmt, io};

use chat_proto::{Call, HttpFailure, MediaInfo, Secret};
use smol::io::AsyncWrite;

use super::Take;
use crate::call::CallFuture;
use crate::client::Client;
use crate::error::Error;
use crate::media::Held;

/// The media of a message (spec 04 §6): what is known of them, and the ways to their bytes.
#[derive(Clone)]
pub struct Media {
    info: MediaInfo,
    client: Client,
}

impl Media {
    pub(super) fn new(info: MediaInfo, client: Client) -> Self {
        Self { info, client }
    }

    /// The client that this belongs to.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A temporary address of the bytes, good for some minutes. Whoever has it can fetch them.
    pub fn get_content_url(&self) -> CallFuture<Secret> {
        self.client.ask(Call::GetMediaUrl(self.sid.clone()), Take::take)
    }

    /// Fetches the bytes into `writer`, which is closed at the end. [`Event::DownloadProgress`](crate::Event) tells how
    /// far it is. What breaks after bytes came is not repeated.
    pub fn download(&self, writer: impl AsyncWrite + Send + 'static) -> CallFuture<()> {
        let media = self.sid.clone();
        self.client.ask_with_media(
            Held::sink(writer),
            move |to| Call::DownloadMedia { media, to },
            Take::take,
        )
    }

    /// Fetches the bytes into a file, which is made, or emptied first.
    ///
    /// # Errors
    /// They cannot be fetched, or the file cannot be written: [`HttpFailure::Media`](crate::HttpFailure::Media) in
    /// [`CallError::Transfer`](crate::CallError::Transfer). What came before stays in the file.
    pub async fn download_to_file(&self, path: impl Into<PathBuf>) -> Result<(), Error> {
        let failed = |error: io::Error| {
            Error::Call(chat_proto::CallError::Transfer(HttpFailure::Media(error.to_string().into())))
        };
        let file = smol::fs::File::create(path.into()).await.map_err(failed)?;
        self.download(file).await
    }

    /// Fetches the bytes into memory, if they are not more than `limit`.
    ///
    /// # Errors
    /// They cannot be fetched, or are more: [`HttpFailure::Media`](crate::HttpFailure::Media) in
    /// [`CallError::Transfer`](crate::CallError::Transfer).
    pub async fn download_bytes(&self, limit: usize) -> Result<Vec<u8>, Error> {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        self.download(Memory { bytes: bytes.clone(), limit }).await?;
        let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut bytes))
    }
}

impl Deref for Media {
    type Target = MediaInfo;

    fn deref(&self) -> &MediaInfo {
        &self.info
    }
}

impl PartialEq for Media {
    /// Whether they are the same media.
    fn eq(&self, other: &Self) -> bool {
        self.info == other.info
    }
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.fmt(f)
    }
}

/// Bytes in memory, up to a limit.
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, more: &[u8]) -> Poll<io::Result<usize>> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len().saturating_add(more.len()) > self.limit {
            return Poll::Ready(Err(io::Error::other("the media are longer than the limit")));
        }
        bytes.extend_from_slice(more);
        Poll::Ready(Ok(more.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
