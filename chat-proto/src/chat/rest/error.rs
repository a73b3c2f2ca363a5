//! Failures of Chat REST in the words of [`CallError`].

use alloc::boxed::Box;

use serde::Deserialize;

use crate::error::{CallError, Phase};
use crate::twilsock::{HttpReply, RequestError};

/// The body of a good answer. A read that ended without one changed nothing, however it ended.
pub(super) fn body(result: Result<HttpReply<'_>, RequestError>) -> Result<&[u8], CallError> {
    match result {
        Ok(reply) if reply.is_success() => Ok(reply.body),
        Ok(reply) => Err(refusal(reply)),
        Err(RequestError::Refused { status, code, message }) => {
            Err(CallError::Transport { status, code, message })
        }
        Err(RequestError::Lost | RequestError::TimedOut) => Err(CallError::DeadlineExceeded(Phase::Sent)),
        Err(RequestError::ShutDown) => Err(CallError::ShutDown),
    }
}

fn refusal(reply: HttpReply<'_>) -> CallError {
    #[derive(Deserialize, Default)]
    struct Body {
        code: Option<i64>,
        message: Option<Box<str>>,
    }
    let body: Body = serde_json::from_slice(reply.body).unwrap_or_default();
    let message = body.message.unwrap_or_else(|| {
        let text = match reply.status {
            404 => "there is no such thing",
            429 => "too many requests",
            502..=504 => "the service cannot be reached",
            _ => "the service refused",
        };
        text.into()
    });
    CallError::Rest { status: reply.status, code: body.code.unwrap_or(0), message }
}
