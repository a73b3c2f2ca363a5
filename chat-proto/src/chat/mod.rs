//! Chat: what the objects of Sync mean to people (spec 03).

use crate::call::{Call, CallId, CallOptions, Cancel, RefusedReason};
use crate::cx::Cx;
use crate::state::State;
use crate::sync::Output;
use crate::time::Why;
use crate::timers::TimerKey;
use crate::twilsock::{HttpReply, Notice, RequestError};

/// Message type of typing notifications (spec 03 §1.2).
pub(crate) const TYPING_INDICATOR: &str = "twilio.ipmsg.typing_indicator";

/// What chat waits for in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Placeholder,
}

/// Timers of chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A call reaches its deadline.
    Call(CallId),
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Call(_) => Why::Call,
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Chat(timer)
    }
}

/// The Chat stage.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    state: State,
}

impl Chat {
    pub(crate) fn new(_cx: &mut Cx) -> Self {
        Self { state: State::default() }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn call(
        &mut self,
        _cx: &mut Cx,
        call: Call,
        _options: CallOptions,
    ) -> Result<CallId, (Call, RefusedReason)> {
        Err((call, RefusedReason::ShutDown))
    }

    pub(crate) fn cancel(&mut self, _cx: &mut Cx, _id: CallId) -> Cancel {
        Cancel::TooLate
    }

    pub(crate) fn sync(&mut self, _cx: &mut Cx, _output: Output<'_>) {}

    pub(crate) fn reply(&mut self, _cx: &mut Cx, _tag: Tag, _result: Result<HttpReply<'_>, RequestError>) {}

    pub(crate) fn typing_indicator(&mut self, _cx: &mut Cx, _payload: &[u8]) {}

    pub(crate) fn online(&mut self, _cx: &mut Cx) {}

    pub(crate) fn offline(&mut self, _cx: &mut Cx) {}

    pub(crate) fn notice(&mut self, _cx: &mut Cx, _notice: Notice) {}

    pub(crate) fn timer(&mut self, _cx: &mut Cx, _timer: Timer) {}
}
