//! The media service: plain HTTP on a port of its own.

use std::io;

use async_channel::Sender;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use smol::net::{TcpListener, TcpStream};
use smol_hyper::rt::FuturesIo;

use super::accept;
use super::engine::{HttpAnswer, Work};

/// Longest body that is read; the service has a limit of its own below it.
const MAX_BODY: usize = 256 << 20;

/// Serves until it is dropped.
pub(super) async fn listen(listener: TcpListener, work: Sender<Work>) {
    accept::each(listener, |stream| connection(stream, work.clone())).await;
}

async fn connection(stream: TcpStream, work: Sender<Work>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, work.clone()));
    // An error here is the other side's, or a connection that is cut because that was asked for.
    let _ = http1::Builder::new().serve_connection(FuturesIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, work: Sender<Work>) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let headers = headers.collect();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(response);
        }
        Err(error) => return Err(io::Error::other(error)),
    };
    let cut = || io::Error::other("the connection is cut");
    let (answer, answered) = async_channel::bounded(1);
    let method = parts.method.as_str().to_owned();
    work.send(Work::Http { method, path, headers, body, answer }).await.map_err(|_| cut())?;
    let HttpAnswer { status, headers, body } = answered.recv().await.map_err(|_| cut())?;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}
