//! The session: a list of the service through which session commands travel (spec 03 §3).

mod context;

use alloc::boxed::Box;
use core::time::Duration;

use super::commands::{CommandOwner, Response, SessionCommand};
use crate::cx::Cx;
use crate::error::{CallError, Fault, Phase};
use crate::sync::Output;
use crate::time::Why;

pub(crate) use context::{Links, SessionContext};

/// What chat hears of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionEvent {
    /// The service told who we are: once in a client's life.
    Ready(SessionContext),
    /// It told something else later, or another session began.
    ContextChanged(SessionContext),
    /// A session command ended: once for each that was submitted and neither withdrawn nor abandoned.
    Answered { owner: CommandOwner, result: Result<Response, CallError> },
    /// For the app to know.
    Fault(Fault),
}

/// What became of [`Session::withdraw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// The command is forgotten: nothing was or will be changed by it, and it is not answered.
    Forgotten,
    /// It may have been executed, or was answered: it goes on as if nobody had asked.
    TooLate,
}

/// Timers of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The session list is created again.
    Create,
    /// The context is asked for again.
    Context,
    /// A session command is pushed again, or looked up.
    Command,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Create | Self::Context | Self::Command => Why::SessionCommand,
        }
    }
}

/// The session of a client.
#[derive(Debug, Clone)]
pub(crate) struct Session {}

impl Session {
    /// Orders the session list.
    pub(crate) fn new(_cx: &mut Cx) -> Self {
        Self {}
    }

    /// Takes a command in. It leaves when the list stands and its turn comes; its answer is
    /// [`SessionEvent::Answered`].
    pub(crate) fn submit(&mut self, _cx: &mut Cx, _owner: CommandOwner, _command: SessionCommand) {}

    /// Takes a command back, if it surely was not executed.
    pub(crate) fn withdraw(&mut self, _cx: &mut Cx, _owner: CommandOwner) -> Withdrawn {
        Withdrawn::TooLate
    }

    /// How far a command has come.
    pub(crate) fn phase(&self, _owner: CommandOwner) -> Phase {
        Phase::Offline
    }

    /// Stops waiting for a command: it is not answered any more. True if it may have been executed.
    pub(crate) fn abandon(&mut self, _cx: &mut Cx, _owner: CommandOwner) -> bool {
        false
    }

    /// Takes what sync tells of the session list, and hands everything else back.
    pub(crate) fn sync<'a>(&mut self, _cx: &mut Cx, output: Output<'a>) -> Option<Output<'a>> {
        Some(output)
    }

    pub(crate) fn timer(&mut self, _cx: &mut Cx, _timer: Timer) {}

    pub(crate) fn online(&mut self, _cx: &mut Cx) {}

    pub(crate) fn offline(&mut self, _cx: &mut Cx) {}

    pub(crate) fn poll(&mut self) -> Option<SessionEvent> {
        None
    }
}
