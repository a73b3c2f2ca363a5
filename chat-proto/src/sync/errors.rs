//! From failed answers to errors of calls (spec 02 §6.2). Status and code are kept; missing texts are ours.

use alloc::boxed::Box;

use super::de::problem;
use super::envelope::ErrorBody;
use super::output::Fate;
use crate::error::{CallError, Phase};
use crate::twilsock::{HttpReply, RequestError};

/// An answer with another status than 2xx.
pub(super) fn refused(reply: HttpReply<'_>) -> CallError {
    let body: Option<ErrorBody<'_>> = serde_json::from_slice(reply.body).ok();
    let code = body.as_ref().and_then(|body| body.code).unwrap_or(0);
    let message = body.and_then(|body| body.message);
    sync_error(reply.status, code, message.as_ref().map(|text| &*text.0))
}

/// An error of a status and a code, with a text of ours where the service gave none.
pub(super) fn sync_error(status: u16, code: i64, message: Option<&str>) -> CallError {
    let default = match status {
        404 => "there is no such object",
        429 => "too many requests",
        _ => "the service refused",
    };
    let message = message.filter(|text| !text.is_empty()).unwrap_or(default).into();
    CallError::Sync { status, code, message }
}

/// A read that had no HTTP answer.
pub(super) fn unanswered_read(error: RequestError) -> CallError {
    match error {
        RequestError::Lost | RequestError::TimedOut => CallError::DeadlineExceeded(Phase::Sent),
        RequestError::Refused { status, code, message } => CallError::Transport { status, code, message },
        RequestError::ShutDown => CallError::ShutDown,
    }
}

/// A write without a good answer: what became of it, and what to say.
pub(super) fn failed_write(result: Result<HttpReply<'_>, RequestError>) -> (Fate, CallError) {
    match result {
        // A gateway may give up on what goes on behind it; only 4xx says that nothing was done.
        Ok(reply) if (400..500).contains(&reply.status) => (Fate::NotExecuted, refused(reply)),
        Ok(reply) => (Fate::Unknown, refused(reply)),
        Err(RequestError::Lost | RequestError::TimedOut) => (Fate::Unknown, CallError::Unknown(Phase::Sent)),
        Err(error) => (Fate::NotExecuted, unanswered_read(error)),
    }
}

/// A good status with a body that cannot be read.
pub(super) fn unreadable(error: &serde_json::Error) -> CallError {
    CallError::BadAnswer(problem(error))
}

/// Why an answer is not what was asked for.
pub(super) fn bad_answer(problem: &str) -> CallError {
    CallError::BadAnswer(Box::from(problem))
}
