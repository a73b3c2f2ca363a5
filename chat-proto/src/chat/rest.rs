//! Reads of Chat REST: cached for a while, and never the same one twice at once (spec 03 §5.1).

use alloc::sync::Arc;
use core::time::Duration;

use crate::cx::Cx;
use crate::error::CallError;
use crate::twilsock::{HttpReply, RequestError, Url};

/// Names a read for whoever asked for it, and a request on its way: the tag is `Tag::Rest(RestId)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RestId(u64);

/// A read ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestEvent {
    /// Which, as [`Rest::get`] named it.
    pub(crate) id: RestId,
    /// The body of a successful answer.
    pub(crate) result: Result<Arc<[u8]>, CallError>,
}

/// The reads under way and the answers kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rest {}

impl Rest {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How long answers may be kept; zero, as at the beginning, keeps none.
    pub(crate) fn set_lifetime(&mut self, _lifetime: Duration) {}

    /// Reads `url`. The answer comes through [`Rest::poll`], also when it was kept.
    pub(crate) fn get(&mut self, cx: &mut Cx, _url: Url) -> RestId {
        RestId(cx.next_id())
    }

    /// Nobody waits for this read any more.
    pub(crate) fn forget(&mut self, _cx: &mut Cx, _id: RestId) {}

    /// Takes the answer to a request with tag `Tag::Rest(tag)`.
    pub(crate) fn reply(&mut self, _cx: &mut Cx, _tag: RestId, _result: Result<HttpReply<'_>, RequestError>) {}

    pub(crate) fn poll(&mut self) -> Option<RestEvent> {
        None
    }
}
