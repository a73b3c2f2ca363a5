//! HTTP requests under way: a task for each, so that slow sources and sinks of the app's do not hold up the socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_proto::{HttpBody, HttpFailure, HttpId, HttpRequest, Input};
use futures_channel::oneshot;
use futures_lite::FutureExt;

use crate::media::{Held, Source};
use crate::net::Dialer;
use crate::net::http::{Ends, Report, exchange};
use crate::shared::Shared;
use crate::spawn::Spawn;

/// How often progress is told: often enough for a bar to move smoothly, and not for each packet.
const PACE: Duration = Duration::from_millis(100);

pub(crate) struct Transfers {
    spawn: Spawn,
    dialer: Dialer,
    /// Dropping one gives its request up.
    running: BTreeMap<HttpId, oneshot::Sender<()>>,
}

impl Transfers {
    pub(crate) fn new(spawn: Spawn, dialer: Dialer) -> Self {
        Self { spawn, dialer, running: BTreeMap::new() }
    }

    pub(crate) fn start(&mut self, shared: &Arc<Shared>, http: HttpId, request: HttpRequest) {
        self.running.retain(|_, stop| !stop.is_canceled());
        let (stop, stopped) = oneshot::channel::<()>();
        self.running.insert(http, stop);
        let (shared, dialer) = (shared.clone(), self.dialer.clone());
        (self.spawn)(Box::pin(async move {
            let work = async {
                let ends = ends(&shared, &request)?;
                let report = report(shared.clone(), http);
                exchange(dialer, request, ends, report).await
            };
            let given_up = async {
                // Nothing is ever sent: the other end is dropped.
                let _ = stopped.await;
                None
            };
            if let Some(result) = async { Some(work.await) }.or(given_up).await {
                shared.handle(Input::HttpDone(http, result));
            }
        }));
    }

    pub(crate) fn cancel(&mut self, http: HttpId) {
        self.running.remove(&http);
    }
}

/// What the app gave for this request.
fn ends(shared: &Shared, request: &HttpRequest) -> Result<Ends, HttpFailure> {
    let gone = || HttpFailure::Refused("there are no such media".into());
    let source = match &request.body {
        HttpBody::Empty => None,
        HttpBody::Bytes(bytes) => Some(Source::Bytes(bytes.clone().into())),
        HttpBody::Media(id) => match shared.media.get(*id) {
            Some(Held::Source(source)) => Some(source),
            _ => return Err(gone()),
        },
        _ => return Err(HttpFailure::Refused("this version does not know such a body".into())),
    };
    let sink = match request.to {
        None => None,
        Some(id) => match shared.media.get(id) {
            Some(Held::Sink(sink)) => Some(sink),
            _ => return Err(gone()),
        },
    };
    Ok(Ends { source, sink })
}

/// Tells the core of the first bytes at once, of more now and then, and of the last.
fn report(shared: Arc<Shared>, http: HttpId) -> Report {
    let mut last: Option<Instant> = None;
    Box::new(move |bytes, is_last| {
        if bytes > 0 && (is_last || last.is_none_or(|last| last.elapsed() >= PACE)) {
            last = Some(Instant::now());
            shared.handle(Input::HttpProgress(http, bytes));
        }
    })
}
