//! The control interface: `POST /admin/<command>` with a JSON object, answered by one.

use std::cell::Cell;
use std::convert::Infallible;

use async_channel::Sender;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use smol::net::{TcpListener, TcpStream};
use smol_hyper::rt::FuturesIo;

use super::accept;
use super::engine::{Work, ask};
use crate::service::AdminError;

/// Longest body of a command.
const MAX_BODY: usize = 16 << 20;
const PREFIX: &str = "/admin/";

/// Serves until it is dropped.
pub(super) async fn listen(listener: TcpListener, work: Sender<Work>) {
    accept::each(listener, |stream| connection(stream, work.clone())).await;
}

async fn connection(stream: TcpStream, work: Sender<Work>) {
    let _ = stream.set_nodelay(true);
    let shutdown = Cell::new(false);
    let service = service_fn(|request| {
        let (work, shutdown) = (&work, &shutdown);
        async move { Ok::<_, Infallible>(respond(request, work, shutdown).await) }
    });
    // An error here is the other side's: it went away or spoke no HTTP, and has been answered if that was possible.
    let _ = http1::Builder::new().serve_connection(FuturesIo::new(stream), service).await;
    if shutdown.get() {
        // Only now, so that the answer is out before the process ends.
        let _ = work.send(Work::Stop).await;
    }
}

async fn respond(
    request: Request<Incoming>,
    work: &Sender<Work>,
    shutdown: &Cell<bool>,
) -> Response<Full<Bytes>> {
    let (status, body) = match execute(request, work, shutdown).await {
        Ok(answer) => (StatusCode::OK, answer),
        Err((status, error)) => (status, json!({ "error": error })),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if shutdown.get() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn execute(
    request: Request<Incoming>,
    work: &Sender<Work>,
    shutdown: &Cell<bool>,
) -> Result<Value, (StatusCode, String)> {
    let Some(command) = request.uri().path().strip_prefix(PREFIX).map(str::to_owned) else {
        return Err((StatusCode::NOT_FOUND, format!("the control interface is at {PREFIX}<command>")));
    };
    if request.method() != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "commands are sent with POST".into()));
    }
    let bad = |error: String| (StatusCode::BAD_REQUEST, error);
    let body = Limited::new(request.into_body(), MAX_BODY)
        .collect()
        .await
        .map_err(|e| bad(e.to_string()))?
        .to_bytes();
    let arguments = if body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&body).map_err(|e| bad(format!("the body is not JSON: {e}")))?
    };
    if !arguments.is_object() {
        return Err(bad("the body is to be a JSON object".into()));
    }
    if command == "shutdown" {
        shutdown.set(true);
        return Ok(json!({}));
    }
    ask(work.clone(), command, arguments).await.map_err(|error| (status_of(&error), error.to_string()))
}

fn status_of(error: &AdminError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
