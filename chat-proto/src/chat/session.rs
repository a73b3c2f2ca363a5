//! The session: a list of the service through which session commands travel (spec 03 §3).
//!
//! Here is the life of the list, from its creation to its end and the next one, and what its context tells. The commands
//! are in [`outbox`].

mod backoff;
mod context;
mod outbox;
mod saving;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::VecDeque;

use self::backoff::backoff;
use self::context::Read;
use self::outbox::{Gone, Outbox, is_gone};
use super::Timer as ChatTimer;
use super::commands::{CommandOwner, Response, SessionCommand};
use super::dialect::list;
use crate::cx::Cx;
use crate::error::{CallError, Fault, Phase};
use crate::sync::{EntityId, Order, Output, QueryId};
use crate::time::Why;

pub(crate) use context::{Links, SessionContext};
pub(crate) use outbox::{Earlier, SavedOutbox};
pub(crate) use saving::SavedSession;

/// What chat hears of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionEvent {
    /// The service told who we are: once in a client's life.
    Ready(SessionContext),
    /// It told something else later, perhaps of another session.
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
    /// A throttled session command is pushed again.
    Again,
    /// A session command without an answer is looked up.
    Look,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Create | Self::Context | Self::Again | Self::Look => Why::SessionCommand,
        }
    }
}

/// How the session list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    /// There is none; another one is created when the time comes.
    Missing,
    Creating(EntityId),
    Open(EntityId),
    /// There will be none any more.
    ShutDown,
}

/// The session of a client.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    online: bool,
    list: List,
    /// Lists that failed in a row, be it that they could not be created or that they vanished before they told who we
    /// are.
    failures: u32,
    /// Whether the app was told of that.
    complained: bool,
    /// Whether the context of this list is known to be complete.
    informed: bool,
    /// The newest read of the context, and how many there were of this list.
    asked: Option<QueryId>,
    asks: u32,
    /// The last complete context, of whichever list.
    context: Option<SessionContext>,
    outbox: Outbox,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// Orders the session list.
    pub(crate) fn new(cx: &mut Cx) -> Self {
        let mut session = Self::idle();
        session.create(cx);
        session
    }

    fn idle() -> Self {
        Self {
            online: false,
            list: List::Missing,
            failures: 0,
            complained: false,
            informed: false,
            asked: None,
            asks: 0,
            context: None,
            outbox: Outbox::default(),
            events: VecDeque::new(),
        }
    }

    /// Takes a command in. It leaves when the list stands and its turn comes; its answer is
    /// [`SessionEvent::Answered`].
    pub(crate) fn submit(&mut self, cx: &mut Cx, owner: CommandOwner, command: SessionCommand) {
        let command_id = cx.ids.uuid().into();
        self.submit_as(cx, owner, command, command_id, None);
    }

    /// The same under a name that was drawn before. Of a call of an earlier life that life may have done it already.
    #[expect(clippy::needless_pass_by_value, reason = "another dialect may have to keep it")]
    pub(crate) fn submit_as(
        &mut self,
        cx: &mut Cx,
        owner: CommandOwner,
        command: SessionCommand,
        command_id: Box<str>,
        earlier: Option<Earlier>,
    ) {
        self.outbox.submit(cx, owner, &command, command_id, earlier);
    }

    /// A save was stored: what it contains may leave.
    pub(crate) fn stored(&mut self, cx: &mut Cx) {
        self.outbox.stored(cx);
    }

    /// Takes a command back, if it surely was not executed.
    pub(crate) fn withdraw(&mut self, cx: &mut Cx, owner: CommandOwner) -> Withdrawn {
        if self.outbox.withdraw(cx, owner) { Withdrawn::Forgotten } else { Withdrawn::TooLate }
    }

    /// How far a command has come.
    pub(crate) fn phase(&self, owner: CommandOwner) -> Phase {
        self.outbox.phase(owner)
    }

    /// Whether nobody knows what became of a command, and it is looked up.
    pub(crate) fn is_in_doubt(&self, owner: CommandOwner) -> bool {
        self.outbox.is_in_doubt(owner)
    }

    /// Stops waiting for a command: it is not answered any more. True if it may have been executed.
    pub(crate) fn abandon(&mut self, cx: &mut Cx, owner: CommandOwner) -> bool {
        self.outbox.abandon(cx, owner)
    }

    pub(crate) fn online(&mut self, cx: &mut Cx) {
        self.online = true;
        match self.list {
            List::Missing => self.create(cx),
            List::Open(_) if !self.informed => self.ask_later(cx),
            _ => {}
        }
        self.outbox.online(cx);
    }

    pub(crate) fn offline(&mut self, cx: &mut Cx) {
        self.online = false;
        cx.timers.cancel(ChatTimer::Session(Timer::Create));
        cx.timers.cancel(ChatTimer::Session(Timer::Context));
        self.outbox.offline(cx);
    }

    pub(crate) fn timer(&mut self, cx: &mut Cx, timer: Timer) {
        match (timer, self.list) {
            (Timer::Create, List::Missing) => self.create(cx),
            (Timer::Context, List::Open(list)) => self.ask(cx, list),
            (Timer::Again | Timer::Look, _) => self.outbox.timer(cx),
            _ => {}
        }
    }

    pub(crate) fn poll(&mut self) -> Option<SessionEvent> {
        self.events.pop_front().or_else(|| {
            let (owner, result) = self.outbox.poll()?;
            Some(SessionEvent::Answered { owner, result })
        })
    }

    /// Takes what sync tells of the session list, and hands everything else back.
    pub(crate) fn sync<'a>(&mut self, cx: &mut Cx, output: Output<'a>) -> Option<Output<'a>> {
        match output {
            Output::Opened { entity, .. } if self.list == List::Creating(entity) => self.opened(cx, entity),
            Output::OpenFailed { entity, error } if self.list == List::Creating(entity) => {
                self.failed(cx, error);
            }
            Output::Subscribed { entity } if self.is_mine(entity) => {
                if self.list == List::Open(entity) {
                    self.outbox.subscribed(cx);
                }
            }
            Output::SubscriptionRefused { entity, name, error } if self.is_mine(entity) => {
                if self.list == List::Open(entity) {
                    self.refused(name, &error);
                }
            }
            Output::Removed { entity } if self.is_mine(entity) => self.vanished(cx, entity, false),
            Output::Context { entity, ref data } if self.is_mine(entity) => {
                if self.list == List::Open(entity) {
                    self.context(cx, data.get());
                }
            }
            Output::Item { entity, ref item, .. } if self.is_mine(entity) => {
                self.outbox.item(cx, entity, item);
            }
            Output::Pushed { write, index } => self.outbox.pushed(cx, write, index),
            Output::PushFailed { write, fate, error } => {
                if let (Some(Gone), List::Open(list)) =
                    (self.outbox.push_failed(cx, write, fate, error), self.list)
                {
                    self.vanished(cx, list, true);
                }
            }
            Output::Page { query, ref items, ref next, .. } => {
                if !self.outbox.page(cx, query, items, next.as_deref()) {
                    return Some(output);
                }
            }
            Output::QueryFailed { query, ref error } => {
                if !self.query_failed(cx, query, error) {
                    return Some(output);
                }
            }
            other => return Some(other),
        }
        None
    }

    /// Whether `entity` is a session list that commands go to, or went to.
    fn is_mine(&self, entity: EntityId) -> bool {
        matches!(self.list, List::Creating(list) | List::Open(list) if list == entity)
            || self.outbox.is_retired(entity)
    }

    // ---- the list

    fn create(&mut self, cx: &mut Cx) {
        let entity = cx.entity_id();
        let context = list::context(&cx.config.metadata);
        cx.orders.push_back(Order::CreateList { entity, purpose: list::PURPOSE, context });
        cx.timers.cancel(ChatTimer::Session(Timer::Create));
        self.list = List::Creating(entity);
        self.informed = false;
        self.asks = 0;
    }

    fn opened(&mut self, cx: &mut Cx, entity: EntityId) {
        self.list = List::Open(entity);
        // Readiness comes from this answer or from the event, whichever is first (spec 03 §3.3, §22 Q5).
        self.ask(cx, entity);
        self.outbox.opened(cx, entity);
    }

    fn failed(&mut self, cx: &mut Cx, error: CallError) {
        if error == CallError::ShutDown {
            self.list = List::ShutDown;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        // A lost link is no news: it heals, and the app sees the connection's state.
        if !self.complained && !matches!(error, CallError::Unknown(_) | CallError::DeadlineExceeded(_)) {
            self.complained = true;
            let fault = Fault::NotLoaded { what: Cow::Borrowed("session"), error: Box::new(error) };
            self.events.push_back(SessionEvent::Fault(fault));
        }
        self.create_later(cx);
    }

    /// The list does not exist any more, or not for us: another one is needed. `followed` says whether sync still
    /// knows it.
    fn vanished(&mut self, cx: &mut Cx, entity: EntityId, followed: bool) {
        self.outbox.vanished(cx, entity, followed);
        if !matches!(self.list, List::Creating(list) | List::Open(list) if list == entity) {
            return;
        }
        cx.timers.cancel(ChatTimer::Session(Timer::Context));
        self.list = List::Missing;
        if self.failures == 0 && self.online {
            self.failures = 1;
            self.create(cx);
        } else {
            self.failures = self.failures.saturating_add(1);
            self.create_later(cx);
        }
    }

    /// After a while, or when the client is connected again.
    fn create_later(&mut self, cx: &mut Cx) {
        self.list = List::Missing;
        if self.online {
            let at = cx.now + backoff(cx, self.failures);
            cx.timers.arm(ChatTimer::Session(Timer::Create), at);
        }
    }

    /// Answers are found by looking them up then, which is slower.
    fn refused(&mut self, object: Box<str>, error: &CallError) {
        let (status, code, message) = match error {
            CallError::Sync { status, code, message } => (*status, *code, message.clone()),
            other => (0, 0, alloc::format!("{other}").into()),
        };
        self.events.push_back(SessionEvent::Fault(Fault::SubscriptionRefused {
            object,
            status,
            code,
            message,
        }));
    }

    // ---- the context

    fn ask(&mut self, cx: &mut Cx, entity: EntityId) {
        let query = cx.query_id();
        cx.orders.push_back(Order::Context { query, entity });
        self.asked = Some(query);
        self.asks = self.asks.saturating_add(1);
    }

    /// Asks again after a while: the event that would tell may have been lost.
    fn ask_later(&mut self, cx: &mut Cx) {
        let timer = ChatTimer::Session(Timer::Context);
        if self.online && !self.informed && cx.timers.armed(timer).is_none() {
            let at = cx.now + backoff(cx, self.asks.saturating_add(2));
            cx.timers.arm(timer, at);
        }
    }

    fn context(&mut self, cx: &mut Cx, data: &str) {
        match context::read(data) {
            Read::Complete(context) => self.complete(cx, *context),
            Read::Incomplete => self.ask_later(cx),
            Read::Malformed(member) => {
                let problem = alloc::format!("{member} is not what it must be").into();
                let fault = Fault::Unreadable { what: Cow::Borrowed("session context"), problem };
                self.events.push_back(SessionEvent::Fault(fault));
                self.ask_later(cx);
            }
        }
    }

    fn complete(&mut self, cx: &mut Cx, context: SessionContext) {
        cx.timers.cancel(ChatTimer::Session(Timer::Context));
        self.informed = true;
        self.failures = 0;
        self.complained = false;
        if self.context.as_ref() == Some(&context) {
            return;
        }
        let event = match self.context.replace(context.clone()) {
            None => SessionEvent::Ready(context),
            Some(_) => SessionEvent::ContextChanged(context),
        };
        self.events.push_back(event);
    }

    /// False if nobody here asked.
    fn query_failed(&mut self, cx: &mut Cx, query: QueryId, error: &CallError) -> bool {
        let gone = if self.asked == Some(query) {
            if self.asks == 1 && !self.informed && !is_gone(error) && *error != CallError::ShutDown {
                let fault = Fault::NotLoaded {
                    what: Cow::Borrowed("session context"),
                    error: Box::new(error.clone()),
                };
                self.events.push_back(SessionEvent::Fault(fault));
            }
            self.ask_later(cx);
            is_gone(error)
        } else {
            match self.outbox.query_failed(cx, query, error) {
                Some(searched) => searched == Err(Gone),
                None => return false,
            }
        };
        if let (true, List::Open(list)) = (gone, self.list) {
            self.vanished(cx, list, true);
        }
        true
    }
}

#[cfg(test)]
mod tests;
