//! One HTTP request: sent once, over a connection of its own, with no redirect followed. Patience and repetition are the
//! core's.

use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chat_proto::{Cause, HttpFailure, HttpReply, HttpRequest};
use futures_lite::{AsyncWriteExt, future};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, RETRY_AFTER};
use hyper::{Request, Response, Uri};
use smol_hyper::rt::FuturesIo;

use super::connect::Dialer;
use super::url::Target;
use crate::media::{Reader, Sink, Source};

/// What is read of a source at once.
const CHUNK: usize = 64 << 10;

/// Whom the bytes that moved are told to: their number in all, and whether that must not be kept back.
pub(crate) type Report = Box<dyn FnMut(u64, bool) + Send>;

/// Where a request's bytes come from and where those of its answer go.
pub(crate) struct Ends {
    pub(crate) source: Option<Source>,
    pub(crate) sink: Option<Sink>,
}

/// Makes a request. Dropping the future gives it up.
pub(crate) async fn exchange(
    dialer: Dialer,
    request: HttpRequest,
    ends: Ends,
    mut report: Report,
) -> Result<HttpReply, HttpFailure> {
    let url = request.url.expose_secret();
    let target = Target::parse_http(url).map_err(|error| refused(&error))?;
    let uri: Uri = url.parse().map_err(|_| refused(&"the address cannot be read"))?;
    let stream = dialer.stream(&target).await.map_err(|cause| match cause {
        Cause::Untrusted(text) => HttpFailure::Untrusted(text),
        other => failed(&other),
    })?;
    let upload = ends.source.is_some();
    // Opened last, so that a source that can be read only once is not spent on a connection that fails.
    let (reader, length) = match ends.source {
        Some(source) => source.open().await.map_err(|error| broken(&error))?,
        None => (Box::pin(futures_lite::io::empty()) as Reader, 0),
    };
    let mut tell: Report = Box::new(|_, _| {});
    if upload {
        std::mem::swap(&mut tell, &mut report);
    }
    let trouble = Trouble::default();
    let body = Outgoing { reader, left: length, sent: 0, chunk: Vec::new(), tell, trouble: trouble.clone() };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut head = Request::builder().method(request.method.as_str()).uri(path).header(CONNECTION, "close");
    if let Some(authority) = uri.authority() {
        head = head.header(HOST, authority.as_str());
    }
    for (name, value) in &request.headers {
        head = head.header(&**name, value.expose_secret());
    }
    let message = head.body(body).map_err(|_| refused(&"a header cannot be sent"))?;

    let (mut sender, connection) =
        http1::handshake(FuturesIo::new(stream)).await.map_err(|error| failed(&error))?;
    let talk = async {
        let response = sender.send_request(message).await.map_err(|error| trouble.or(&error))?;
        receive(response, ends.sink.as_ref(), request.max_body, report).await
    };
    // The connection moves the bytes; whatever ends it shows in the talk.
    let carry = async {
        let _ = connection.await;
        future::pending().await
    };
    future::or(talk, carry).await
}

async fn receive(
    response: Response<Incoming>,
    sink: Option<&Sink>,
    max_body: usize,
    mut report: Report,
) -> Result<HttpReply, HttpFailure> {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut incoming = response.into_body();
    let mut kept = Vec::new();
    match sink.filter(|_| status.is_success()) {
        None => {
            while let Some(bytes) = next(&mut incoming).await? {
                if kept.len().saturating_add(bytes.len()) > max_body {
                    return Err(HttpFailure::TooLarge);
                }
                kept.extend_from_slice(&bytes);
            }
        }
        Some(sink) => {
            let mut to = sink.lock().await;
            let mut received = 0_u64;
            while let Some(bytes) = next(&mut incoming).await.inspect_err(|_| report(received, true))? {
                received = received.saturating_add(bytes.len() as u64);
                // Told before they are written: what may have been written must be known.
                report(received, false);
                to.write_all(&bytes).await.map_err(|error| broken(&error))?;
            }
            report(received, true);
            to.close().await.map_err(|error| broken(&error))?;
        }
    }
    let reply = HttpReply::new(status.as_u16(), kept);
    Ok(reply.with_retry_after(retry_after.map(Duration::from_secs)))
}

/// The next bytes of a body.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, HttpFailure> {
    while let Some(frame) = incoming.frame().await {
        // Trailers are nobody's business.
        if let Ok(bytes) = frame.map_err(|error| failed(&error))?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// What went wrong with a source: the error that a connection makes of it does not tell.
#[derive(Clone, Default)]
struct Trouble(Arc<Mutex<Option<Box<str>>>>);

impl Trouble {
    fn set(&self, error: &io::Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string().into());
    }

    fn or(&self, error: &hyper::Error) -> HttpFailure {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        text.map_or_else(|| failed(error), HttpFailure::Media)
    }
}

/// The body of a request, read as it is sent.
struct Outgoing {
    reader: Reader,
    left: u64,
    sent: u64,
    chunk: Vec<u8>,
    tell: Report,
    trouble: Trouble,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        if body.left == 0 {
            return Poll::Ready(None);
        }
        body.chunk.resize(usize::try_from(body.left).unwrap_or(CHUNK).min(CHUNK), 0);
        let read = match ready!(body.reader.as_mut().poll_read(cx, &mut body.chunk)) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than was said")),
            other => other,
        };
        Poll::Ready(Some(match read {
            Ok(count) => {
                body.left = body.left.saturating_sub(count as u64);
                body.sent = body.sent.saturating_add(count as u64);
                (body.tell)(body.sent, body.left == 0);
                Ok(Frame::data(Bytes::copy_from_slice(body.chunk.get(..count).unwrap_or_default())))
            }
            Err(error) => {
                body.trouble.set(&error);
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// None of these texts holds an address or a header.
fn failed(error: &impl Display) -> HttpFailure {
    HttpFailure::Failed(error.to_string().into())
}

fn refused(error: &impl Display) -> HttpFailure {
    HttpFailure::Refused(error.to_string().into())
}

fn broken(error: &io::Error) -> HttpFailure {
    HttpFailure::Media(error.to_string().into())
}
