//! A call that is under way.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use chat_proto::{CallId, Cancel, Reply};

use crate::client::Client;
use crate::error::Error;
use crate::shared::Answer;

/// The answer to a call, to be awaited.
///
/// The call is under way whether this is polled or not, and dropping it does not withdraw the call:
/// [`CallFuture::cancel`] does.
#[must_use = "a call may fail: await its answer"]
pub struct CallFuture<T> {
    client: Client,
    step: Step,
    take: fn(&Client, Reply) -> Option<T>,
}

enum Step {
    Waiting(CallId, Answer),
    Failed(Error),
    Done,
}

impl<T> CallFuture<T> {
    pub(crate) fn new(
        client: Client,
        accepted: Result<(CallId, Answer), Error>,
        take: fn(&Client, Reply) -> Option<T>,
    ) -> Self {
        let step = match accepted {
            Ok((id, answer)) => Step::Waiting(id, answer),
            Err(error) => Step::Failed(error),
        };
        Self { client, step, take }
    }

    /// The call's name, for [`Client::cancel`] from elsewhere; `None` when it was not accepted, or is answered.
    pub fn id(&self) -> Option<CallId> {
        match &self.step {
            Step::Waiting(id, _) => Some(*id),
            Step::Failed(_) | Step::Done => None,
        }
    }

    /// Withdraws the call, if that is still possible. The answer comes either way.
    pub fn cancel(&self) -> Cancel {
        self.id().map_or(Cancel::TooLate, |id| self.client.cancel(id))
    }
}

impl<T> Future for CallFuture<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let call = self.get_mut();
        let result = match &mut call.step {
            Step::Waiting(_, answer) => match Pin::new(answer).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(Ok(reply))) => (call.take)(&call.client, reply).ok_or(Error::UnexpectedReply),
                Poll::Ready(Ok(Err(error))) => Err(Error::Call(error)),
                Poll::Ready(Err(_)) => Err(Error::Ended),
            },
            Step::Failed(_) => match std::mem::replace(&mut call.step, Step::Done) {
                Step::Failed(error) => Err(error),
                Step::Waiting(..) | Step::Done => return Poll::Pending,
            },
            // Polled again after its end: it has nothing more to say.
            Step::Done => return Poll::Pending,
        };
        call.step = Step::Done;
        Poll::Ready(result)
    }
}

impl<T> fmt::Debug for CallFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture").field("id", &self.id()).finish_non_exhaustive()
    }
}
