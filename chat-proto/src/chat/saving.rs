//! Chat across a crash: what a save holds of it, and how the next life goes on (design §4 "Crashing").
//!
//! Held are the read model, how each object is followed, the calls with what became of them, the session. Not held, and
//! so begun anew: who types, the directory's answers, the versions of single items, reads that were under way (they are
//! asked again), and channels whose document was not there yet (the list of own channels is read again then).

mod calls;
mod changes;
mod model;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use self::calls::SavedCall;
pub(crate) use self::changes::ChatLists;
use self::model::{SavedChannel, SavedObject, SavedUser};
use super::Chat;
use super::calls::Calls;
use super::commands::CommandOwner;
use super::echoes::Echoes;
use super::read_horizon::SavedHorizon;
use super::session::{Earlier, SavedSession, Session};
use crate::call::CallId;
use crate::config::Limits;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Event, Reply};
use crate::model::{ChannelSid, Identity};
use crate::saved::ResumeError;
use crate::state::PendingMessage;
use crate::sync::Sync;
use crate::time::Time;

/// The chat stage of a save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedChat {
    session: SavedSession,
    /// The number of the newest call.
    last_call: u64,
    calls: Vec<SavedCall>,
    /// Calls that were to be answered and whose work ended with their life.
    ended: Vec<CallId>,
    /// Calls to shut down: that life has ended.
    shut_down: Vec<CallId>,
    horizon: SavedHorizon,
    own_channels: SavedObject,
    /// Whether the list of own channels was read to its end, and the document of each is there.
    complete: bool,
    channels: Vec<SavedChannel>,
    users: Vec<SavedUser>,
    /// Whom the app subscribed to, oldest first.
    subscribed: Vec<Identity>,
    pending: BTreeMap<ChannelSid, BTreeMap<CallId, PendingMessage>>,
    echoes: Echoes,
    next_order: u64,
}

impl SavedChat {
    /// Who the own user was; `None` if that was not known yet.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.session.context.as_ref().map(|context| &context.identity)
    }

    fn ids(&self) -> impl Iterator<Item = CallId> {
        let calls = self.calls.iter().map(|call| call.id);
        calls.chain(self.ended.iter().copied()).chain(self.shut_down.iter().copied())
    }

    /// Whether this can be what a client saved that had these limits.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), ResumeError> {
        let calls = self.calls.len().saturating_add(self.ended.len()).saturating_add(self.shut_down.len());
        let within = |what, size: usize, limit: usize| {
            if size <= limit { Ok(()) } else { Err(ResumeError::TooLarge { what, size, limit }) }
        };
        within("calls", calls, limits.pending_calls)?;
        // Each call has one at most, and reports are few.
        within("session commands", self.session.outbox.len(), limits.pending_calls.saturating_mul(2))?;
        within("channels", self.channels.len(), limits.channels)?;
        let members = self.channels.iter().map(SavedChannel::members).max().unwrap_or_default();
        within("members of a channel", members, limits.members_per_channel)?;
        let sound = |what, is: bool| if is { Ok(()) } else { Err(ResumeError::Inconsistent(what)) };
        sound("a session command is not JSON", self.session.outbox.is_sound())?;
        sound("a call is newer than the newest", self.ids().all(|id| id.0 <= self.last_call))?;
        let mut ids: Vec<CallId> = self.ids().collect();
        ids.sort_unstable();
        sound("two calls have one name", ids.is_sorted_by(|a, b| a < b))?;
        sound(
            "the number of calls has no next",
            self.last_call < u64::MAX / 2 && self.next_order < u64::MAX / 2,
        )?;
        sound("a channel holds what is another's", self.channels.iter().all(SavedChannel::is_sound))?;
        let echoes = self.pending.iter().all(|(sid, echoes)| {
            echoes.iter().all(|(id, echo)| echo.call == *id && echo.channel == *sid && id.0 <= self.last_call)
        });
        sound("a pending message is under another name", echoes)
    }
}

impl Chat {
    pub(crate) fn save(&self, cx: &Cx, sync: &Sync, now: Time) -> SavedChat {
        let following = |entity| sync.following(entity);
        let mut calls = Vec::new();
        let (mut ended, mut shut_down) = (Vec::new(), Vec::new());
        for (id, pending) in self.calls.iter() {
            match SavedCall::of(cx, now, id, pending) {
                Some(call) => calls.push(call),
                None if matches!(pending.call, crate::Call::Shutdown { .. }) => shut_down.push(id),
                None => ended.push(id),
            }
        }
        let object = |object| SavedObject::of(object, following);
        let known = |sid: &ChannelSid| self.state.channels.contains_key(sid);
        let pending = self.state.pending.iter().map(|(sid, echoes)| {
            let echoes = echoes.iter().map(|(id, echo)| (*id, PendingMessage::clone(echo)));
            (sid.clone(), echoes.collect())
        });
        SavedChat {
            session: self.session.save(following),
            last_call: self.calls.last(),
            calls,
            ended,
            shut_down,
            horizon: self.horizon.save(),
            own_channels: object(self.channels.own_map),
            complete: self.channels.is_complete() && self.channels.records.keys().all(known),
            channels: self.save_channels(object),
            users: self.save_users(object),
            subscribed: self.users.subscribed().cloned().collect(),
            pending: pending.collect(),
            echoes: self.echoes.clone(),
            next_order: self.state.next_order,
        }
    }

    /// Goes on where a save ended. `sure` says that a session command of which the save does not say that it could
    /// leave did not; `elapsed` is how much time passed since, as far as anybody knows.
    pub(crate) fn resume(
        cx: &mut Cx,
        mut saved: SavedChat,
        told: Vec<Event>,
        sure: bool,
        elapsed: core::time::Duration,
    ) -> Self {
        let numbers: BTreeMap<u64, u64> =
            saved.horizon.numbers().map(|number| (number, cx.next_id())).collect();
        saved.session.outbox.rename(|owner| match owner {
            CommandOwner::Report(number) => {
                CommandOwner::Report(numbers.get(&number).copied().unwrap_or_default())
            }
            CommandOwner::Call(_) => owner,
        });
        let context = saved.session.context.clone();
        let submitted = saved.session.outbox.clone();
        let (session, list) = Session::resume(cx, saved.session, sure);
        let mut chat = Self::with(session);
        chat.resume_calls(cx, saved.calls, &submitted, &saved.horizon, elapsed);
        chat.calls.resume(saved.last_call);
        chat.state.next_order = saved.next_order;
        chat.echoes = saved.echoes;
        let shown = saved
            .pending
            .into_iter()
            .map(|(sid, echoes)| (sid, echoes.into_iter().map(|(id, echo)| (id, echo.into())).collect()));
        chat.state.pending = shown.collect();
        chat.resume_own_channels(cx, saved.own_channels, saved.complete);
        chat.resume_channels(cx, saved.channels);
        chat.resume_users(cx, saved.users, saved.subscribed);
        for event in told {
            cx.events.push(event);
        }
        if let Some(context) = context {
            chat.state.identity = Some(context.identity.clone());
            chat.state.ready = true;
            chat.context_changed(cx, context);
            cx.events.push(Event::Ready);
        }
        chat.horizon.resume(cx, saved.horizon, &numbers);
        for id in saved.shut_down {
            Calls::answer_at_once(cx, id, Ok(Reply::Done));
        }
        for id in saved.ended {
            Calls::answer_at_once(cx, id, Err(CallError::ShutDown));
        }
        let over = cx.now + cx.config.late_execution;
        let earlier = list.map(|(list, bottom)| Earlier { list, bottom, over });
        chat.begin_again(cx, earlier, sure);
        chat.settle(cx);
        chat
    }
}
