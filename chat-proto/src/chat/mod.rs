//! Chat: what the objects of Sync mean to people (spec 03).
//!
//! A call goes `begin` → a session command, a query, a read or nothing → `proceed` → its answer. An output of Sync goes
//! to the part whose object it is: `own_channels`, `objects` (documents and the opening of streams), `messages`,
//! `roster`, `users`; what came becomes state first, then an event.

mod begin;
mod calls;
mod channels;
mod check;
mod commands;
mod dialect;
mod directory;
mod document;
mod echoes;
mod edits;
mod giving_up;
mod lenient;
mod media;
mod message_item;
mod messages;
mod objects;
mod own_channels;
mod proceed;
mod read_horizon;
mod registrar;
mod rest;
#[cfg(test)]
mod rig;
mod roster;
mod roster_item;
mod saving;
mod session;
mod shutdown;
mod sorting;
mod steps;
mod text;
mod typing;
mod untold;
mod users;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;

use self::calls::{Calls, Kind, Wait};
use self::channels::{Channels, Part};
use self::commands::CommandOwner;
use self::echoes::Echoes;
use self::media::Transfers;
use self::proceed::Got;
use self::read_horizon::ReadHorizon;
use self::registrar::Registrar;
use self::rest::{Rest, RestId};
pub(crate) use self::saving::{ChatLists, SavedChat};
use self::session::{Session, SessionContext, SessionEvent};
use self::shutdown::Ending;
use self::text::Unescape;
use self::typing::Typing;
use self::users::Users;
use crate::call::{Call, CallId, CallOptions, RefusedReason};
use crate::cx::Cx;
use crate::error::{CallError, Fault};
use crate::event::{Event, Reply};
use crate::model::{ChannelSid, Identity};
use crate::push::PushChannel;
use crate::secret::Token;
use crate::small_map::SmallMap;
use crate::state::State;
use crate::sync::{EntityId, Order, Output, QueryId, Select};
use crate::time::Why;
use crate::timers::TimerKey;
use crate::twilsock::{HttpReply, Notice, RequestError};

/// Message type of typing notifications (spec 03 §1.2).
pub(crate) const TYPING_INDICATOR: &str = "twilio.ipmsg.typing_indicator";

/// The first wait before what could not be read is read again, in milliseconds; up to half as much more is added.
const FIRST_RELOAD: u64 = 10_000;
/// The longest.
const LAST_RELOAD: u64 = 320_000;

/// What chat waits for in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A read of Chat REST.
    Rest(RestId),
    /// The typing request of a call.
    Typing(CallId),
    /// The request to the push registrar about this channel.
    Push(PushChannel),
}

/// Timers of chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A call reaches its deadline.
    Call(CallId),
    /// Belongs to the session.
    Session(session::Timer),
    /// A member types no more.
    Typing(u64),
    /// The next report of the read horizon may leave.
    Report,
    /// What could not be read at the start is read again.
    Reload,
    /// Nothing moved in the transfer of a call.
    HttpIdle(CallId),
    /// The transfer of a call goes again.
    HttpAgain(CallId),
    /// The push registrar may be asked again about this channel.
    Push(PushChannel),
    /// The registration of this channel is to be renewed.
    PushRenewal(PushChannel),
    /// The time that pending calls were given at shutdown is over.
    Drain,
}

impl Timer {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Call(_) | Self::Drain => Why::Call,
            Self::Session(timer) => timer.why(),
            Self::Typing(_) => Why::Typing,
            Self::Report => Why::ReadHorizon,
            Self::Reload | Self::HttpIdle(_) | Self::HttpAgain(_) | Self::Push(_) | Self::PushRenewal(_) => {
                Why::Request
            }
        }
    }
}

impl From<Timer> for TimerKey {
    fn from(timer: Timer) -> Self {
        Self::Chat(timer)
    }
}

/// Whose object an entity is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    OwnChannels,
    Channel(ChannelSid, Part),
    User(Identity),
}

/// Who asked for a page of items.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asker {
    Call(CallId),
    /// A roster that is being read.
    Roster(ChannelSid),
    /// Messages that no event told of.
    Untold(ChannelSid),
}

/// Who asked the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Call(CallId),
    /// The list of own channels, read at the start.
    OwnChannels,
}

/// The Chat stage.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    state: State,
    session: Session,
    context: Option<SessionContext>,
    rest: Rest,
    calls: Calls,
    channels: Channels,
    users: Users,
    typing: Typing,
    horizon: ReadHorizon,
    echoes: Echoes,
    transfers: Transfers,
    registrar: Registrar,
    /// The newest access token that the service took.
    token: Option<Token>,
    ending: Ending,
    online: bool,
    unescape: Unescape,
    entities: BTreeMap<EntityId, Role>,
    queries: SmallMap<QueryId, (EntityId, Asker)>,
    reads: SmallMap<RestId, Reader>,
    /// What could not be read on this connection, and how often.
    missing: BTreeMap<Cow<'static, str>, u32>,
}

impl Chat {
    pub(crate) fn new(cx: &mut Cx) -> Self {
        let session = Session::new(cx);
        Self::with(session)
    }

    fn with(session: Session) -> Self {
        Self {
            state: State::default(),
            session,
            context: None,
            rest: Rest::new(),
            calls: Calls::default(),
            channels: Channels::default(),
            users: Users::default(),
            typing: Typing::default(),
            horizon: ReadHorizon::default(),
            echoes: Echoes::default(),
            transfers: Transfers::default(),
            registrar: Registrar::default(),
            token: None,
            ending: Ending::default(),
            online: false,
            unescape: Unescape::default(),
            entities: BTreeMap::new(),
            queries: SmallMap::default(),
            reads: SmallMap::default(),
            missing: BTreeMap::new(),
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    // ---- from the app

    pub(crate) fn call(
        &mut self,
        cx: &mut Cx,
        call: Call,
        options: CallOptions,
    ) -> Result<CallId, (Call, RefusedReason)> {
        if self.ending.has_begun() {
            return Err((call, RefusedReason::ShutDown));
        }
        // The end is always accepted: it is what empties the table.
        let full = self.calls.len() >= cx.config.limits.pending_calls;
        if full && !matches!(call, Call::Shutdown { .. }) {
            return Err((call, RefusedReason::TooManyCalls));
        }
        if cx.config.write_ahead && Kind::of(&call) == Kind::Command {
            cx.ask_save();
        }
        let id = self.calls.accept(cx, call, options, self.online);
        self.echo(id);
        self.begin(cx, id);
        self.settle(cx);
        Ok(id)
    }

    /// A save was stored: what it contains may leave.
    pub(crate) fn stored(&mut self, cx: &mut Cx) {
        self.session.stored(cx);
        self.settle(cx);
    }

    // ---- from below

    pub(crate) fn sync(&mut self, cx: &mut Cx, output: Output<'_>) {
        if let Some(output) = self.session.sync(cx, output) {
            self.object(cx, output);
        }
        self.settle(cx);
    }

    pub(crate) fn reply(&mut self, cx: &mut Cx, tag: Tag, result: Result<HttpReply<'_>, RequestError>) {
        match tag {
            Tag::Rest(id) => self.rest.reply(cx, id, result),
            Tag::Typing(call) => self.typing_answered(cx, call, result),
            Tag::Push(channel) => self.push_replied(cx, channel, result),
        }
        self.settle(cx);
    }

    pub(crate) fn typing_indicator(&mut self, cx: &mut Cx, payload: &[u8]) {
        self.somebody_types(cx, payload);
    }

    pub(crate) fn online(&mut self, cx: &mut Cx) {
        self.online = true;
        self.missing.clear();
        self.calls.online(cx);
        self.session.online(cx);
        self.reload(cx);
        self.transfers.flush(cx, true);
        self.drive_pushes(cx);
        self.settle(cx);
    }

    pub(crate) fn offline(&mut self, cx: &mut Cx) {
        self.online = false;
        self.calls.offline(cx);
        self.session.offline(cx);
        self.settle(cx);
    }

    pub(crate) fn notice(&mut self, cx: &mut Cx, notice: Notice) {
        match notice {
            Notice::StateChanged(state) => {
                self.state.connection = state;
                cx.events.push_newest(Event::ConnectionStateChanged(state), |event| {
                    matches!(event, Event::ConnectionStateChanged(_))
                });
            }
            Notice::Tell(event) => cx.events.push(*event),
            Notice::TokenAccepted(token) => self.token_accepted(cx, token),
            Notice::TokenUpdated { call, result } => {
                self.calls.answer(cx, call, result.map(|()| Reply::Done));
            }
            Notice::ShutDown { call } => {
                self.calls.answer(cx, call, Ok(Reply::Done));
                self.ended(cx);
            }
            // The client sends these where they belong.
            Notice::Online | Notice::Offline | Notice::Failed { .. } => {}
        }
        self.settle(cx);
    }

    pub(crate) fn timer(&mut self, cx: &mut Cx, timer: Timer) {
        match timer {
            Timer::Call(id) => self.deadline_passed(cx, id),
            Timer::Session(timer) => self.session.timer(cx, timer),
            Timer::Typing(id) => self.typing_ran_out(cx, id),
            Timer::Report => self.report_due(cx),
            Timer::Reload => self.reload(cx),
            Timer::HttpIdle(call) => {
                let ended = self.transfers.idle(cx, call, self.online);
                self.transfer_ended(cx, ended);
            }
            Timer::HttpAgain(call) => self.transfers.again(cx, call, self.online),
            Timer::Push(channel) => self.push_rested(cx, channel),
            Timer::PushRenewal(channel) => self.push_is_old(cx, channel),
            Timer::Drain => self.end(cx),
        }
        self.settle(cx);
    }

    // ---- inside

    /// Empties the queues of the parts.
    fn settle(&mut self, cx: &mut Cx) {
        loop {
            if let Some(event) = self.session.poll() {
                self.session_event(cx, event);
            } else if let Some(event) = self.rest.poll() {
                self.read_ended(cx, event);
            } else {
                break;
            }
        }
        self.settle_echoes();
        self.end_if_drained(cx);
    }

    fn session_event(&mut self, cx: &mut Cx, event: SessionEvent) {
        match event {
            SessionEvent::Ready(context) => self.ready(cx, context),
            SessionEvent::ContextChanged(context) => self.context_changed(cx, context),
            SessionEvent::Answered { owner: CommandOwner::Call(id), result } => {
                self.proceed(cx, id, Got::Response(result));
            }
            SessionEvent::Answered { owner: CommandOwner::Report(number), result } => {
                self.report_answered(cx, number, &result);
            }
            SessionEvent::Fault(fault) => cx.events.push(Event::Fault(fault)),
        }
    }

    fn ready(&mut self, cx: &mut Cx, context: SessionContext) {
        self.state.identity = Some(context.identity.clone());
        self.state.ready = true;
        self.context_changed(cx, context);
        cx.events.push(Event::Ready);
        self.reload(cx);
        for id in self.calls.waiting(|wait| *wait == Wait::Ready) {
            self.begin(cx, id);
        }
    }

    fn context_changed(&mut self, cx: &mut Cx, context: SessionContext) {
        self.state.reachability_enabled = context.reachability_enabled;
        let cache = cx.config.http_cache_interval.or(context.http_cache_interval);
        self.rest.set_lifetime(cache.unwrap_or(core::time::Duration::from_secs(5)));
        self.users.set_limit(cx.config.user_infos_to_subscribe.or(context.user_infos_to_subscribe));
        self.horizon
            .set_interval(cx.config.consumption_report_interval.or(context.consumption_report_interval));
        if let Some(known) = &mut self.context {
            // Where things are does not change in the midst of a client's life (spec 03 §3.3).
            known.reachability_enabled = context.reachability_enabled;
        } else {
            self.context = Some(context);
        }
    }

    /// Reads, or reads again, whatever the client should have and has not: at the start, after a failure, after a
    /// reconnect.
    fn reload(&mut self, cx: &mut Cx) {
        cx.timers.cancel(Timer::Reload);
        if self.context.is_none() || !self.online || self.ending.has_begun() {
            return;
        }
        self.load_own_user(cx);
        self.load_own_channels(cx);
        self.reopen_documents(cx);
        self.reopen_streams(cx);
        self.read_untold_again(cx);
    }

    /// Has [`Chat::reload`] come later: something that is needed could not be read. The wait doubles for what stays away.
    fn reload_later(&mut self, cx: &mut Cx, what: Cow<'static, str>, error: CallError) {
        let failures = self.missing.entry(what.clone()).or_default();
        let wait = FIRST_RELOAD.checked_shl(*failures).unwrap_or(LAST_RELOAD).min(LAST_RELOAD);
        *failures = failures.saturating_add(1).min(16);
        cx.events.push(Event::Fault(Fault::NotLoaded { what, error: error.into() }));
        let at = cx.now + core::time::Duration::from_millis(wait + cx.jitter.below(wait / 2));
        if cx.timers.armed(Timer::Reload).is_none_or(|armed| at < armed) {
            cx.timers.arm(Timer::Reload, at);
        }
    }

    /// It is there now.
    fn loaded(&mut self, what: impl FnOnce() -> Cow<'static, str>) {
        if !self.missing.is_empty() {
            self.missing.remove(&what());
        }
    }

    /// Hands an output of Sync to the part whose object it is about.
    fn object(&mut self, cx: &mut Cx, output: Output<'_>) {
        let entity = match &output {
            Output::Opened { entity, .. }
            | Output::OpenFailed { entity, .. }
            | Output::Subscribed { entity }
            | Output::SubscriptionRefused { entity, .. }
            | Output::Removed { entity }
            | Output::Document { entity, .. }
            | Output::Context { entity, .. }
            | Output::Skipped { entity }
            | Output::Item { entity, .. } => *entity,
            Output::Page { query, .. } | Output::QueryFailed { query, .. } => {
                let query = *query;
                if let Some((_, asker)) = self.queries.remove(&query) {
                    self.page(cx, asker, output);
                }
                return;
            }
            // Only the session pushes items.
            Output::Pushed { .. } | Output::PushFailed { .. } => return,
        };
        if let Output::SubscriptionRefused { name, error, .. } = output {
            return refused(cx, name, error);
        }
        match self.entities.get(&entity).cloned() {
            None => {}
            Some(Role::OwnChannels) => self.own_channels(cx, output),
            Some(Role::User(identity)) => self.user_map(cx, &identity, output),
            Some(Role::Channel(sid, Part::Document)) => self.document(cx, &sid, output),
            Some(Role::Channel(sid, Part::Messages)) => self.message_list(cx, &sid, output),
            Some(Role::Channel(sid, Part::Roster)) => self.roster(cx, &sid, output),
        }
    }

    fn page(&mut self, cx: &mut Cx, asker: Asker, output: Output<'_>) {
        match (asker, output) {
            (Asker::Call(id), Output::Page { items, next, previous, .. }) => {
                self.proceed(cx, id, Got::Items { items, next, previous });
            }
            (Asker::Call(id), Output::QueryFailed { error, .. }) => self.calls.answer(cx, id, Err(error)),
            (Asker::Roster(sid), Output::Page { items, next, .. }) => self.roster_page(cx, &sid, items, next),
            (Asker::Untold(sid), Output::Page { items, next, .. }) => self.untold_page(cx, &sid, items, next),
            (Asker::Untold(sid), Output::QueryFailed { error, .. }) => self.untold_failed(cx, &sid, error),
            (Asker::Roster(sid), Output::QueryFailed { error, .. }) => self.streams_failed(cx, &sid, error),
            _ => {}
        }
    }

    /// Stops following an object; what is asked of it is not waited for any more.
    fn close(&mut self, cx: &mut Cx, entity: EntityId) {
        self.entities.remove(&entity);
        self.queries.retain(|_, (of, _)| *of != entity);
        cx.orders.push_back(Order::Close { entity });
    }

    fn query(&mut self, cx: &mut Cx, entity: EntityId, asker: Asker, select: Select) -> QueryId {
        let query = cx.query_id();
        self.queries.insert(query, (entity, asker));
        cx.orders.push_back(Order::Query { query, entity, select });
        query
    }

    fn query_page(&mut self, cx: &mut Cx, entity: EntityId, asker: Asker, token: &str) -> QueryId {
        let query = cx.query_id();
        self.queries.insert(query, (entity, asker));
        cx.orders.push_back(Order::Page { query, entity, token: token.into() });
        query
    }
}

/// The service refuses to tell of an object: the app should know, for nothing else will show it.
fn refused(cx: &mut Cx, object: alloc::boxed::Box<str>, error: CallError) {
    let (status, code, message) = match error {
        CallError::Sync { status, code, message } => (status, code, message),
        other => (0, 0, alloc::string::ToString::to_string(&other).into()),
    };
    cx.events.push(Event::Fault(Fault::SubscriptionRefused { object, status, code, message }));
}
