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
mod passed_over;
mod proceed;
mod read_horizon;
mod registrar;
mod reload;
mod rest;
#[cfg(test)]
mod rig;
mod roster;
mod roster_item;
mod routes;
mod saving;
mod session;
mod shutdown;
mod sorting;
mod steps;
mod tags;
mod text;
mod typing;
mod untold;
mod users;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;

use self::calls::{Calls, Kind, Wait};
use self::channels::Channels;
use self::commands::CommandOwner;
use self::echoes::Echoes;
use self::media::Transfers;
use self::proceed::Got;
use self::read_horizon::ReadHorizon;
use self::registrar::Registrar;
use self::rest::{Rest, RestId};
use self::routes::{Asker, Role};
pub(crate) use self::saving::{ChatLists, SavedChat};
use self::session::{Session, SessionContext, SessionEvent};
use self::shutdown::Ending;
pub(crate) use self::tags::{Tag, Timer};
use self::text::Unescape;
use self::typing::Typing;
use self::users::Users;
use crate::call::{Call, CallId, CallOptions, RefusedReason};
use crate::cx::Cx;
use crate::event::{Event, Reply};
use crate::secret::Token;
use crate::small_map::SmallMap;
use crate::state::State;
use crate::sync::{EntityId, Output, QueryId};
use crate::twilsock::{HttpReply, Notice, RequestError};

/// Message type of typing notifications (spec 03 §1.2).
pub(crate) const TYPING_INDICATOR: &str = "twilio.ipmsg.typing_indicator";

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
}
