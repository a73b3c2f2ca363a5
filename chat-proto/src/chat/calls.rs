//! Calls of the app: each is accepted once, waits for one thing at a time, and is answered once (law 5).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timer;
use super::rest::RestId;
use super::session::Earlier;
use crate::call::{Call, CallDeadline, CallId, CallOptions};
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::event::{Event, Reply};
use crate::model::{Channel, ChannelSid, Identity, Member, Message, PageRef};
use crate::push::PushChannel;
use crate::sync::QueryId;
use crate::time::Time;

/// What a call waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nothing yet: it begins.
    Begin,
    /// The client to know who it is.
    Ready,
    /// The list of own channels.
    OwnChannels,
    /// A channel's document.
    Document(ChannelSid),
    /// The documents of these channels, loaded or failed.
    Documents(Vec<ChannelSid>),
    /// A channel's message list and roster.
    Streams(ChannelSid),
    /// The answer to its session command.
    Command,
    /// The change that its executed session command makes to how the own user stands to a channel.
    Effect(ChannelSid),
    /// A page of items.
    Query(QueryId),
    /// An answer of the directory.
    Rest(RestId),
    /// A person's map.
    User(Identity),
    /// The report of the read horizon that it is part of.
    Report,
    /// The answer to its typing request.
    Typing,
    /// A transfer of media.
    Transfer,
    /// The push registration of this channel to be as it is wanted.
    Push(PushChannel),
    /// The transport: a token update or a shutdown.
    Transport,
}

/// What a call has reached and must not do, or lose, again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Progress {
    #[default]
    Nothing,
    /// Its channel is created: only the document is missing.
    Created(ChannelSid),
    /// Where the pages beside its page are.
    Page { next: Option<PageRef>, prev: Option<PageRef> },
    /// The channel before it is changed or gone.
    Channel(Arc<Channel>),
    /// The message before it is changed or gone.
    Message(Arc<Message>),
    /// The member before it is changed.
    Member(Arc<Member>),
    /// Its media are described: so many bytes, which are being fetched. `renewed` if the address had ended once.
    Content { size: u64, renewed: bool },
    /// The address of its media had ended: it is asked for again.
    Renewing,
}

/// A call that is not answered yet.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) call: Call,
    pub(super) wait: Wait,
    pub(super) progress: Progress,
    /// The name of its session command, drawn at acceptance (design §4 "Sending").
    pub(super) command_id: Option<Box<str>>,
    /// What an earlier life may have done with that command.
    pub(super) earlier: Option<Earlier>,
    pub(super) clock: Clock,
}

/// What becomes of a call when its client does not live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A session command: it is done by the next life, once.
    Command,
    /// It changes nothing, or nothing more when it is done twice: it begins again.
    Again,
    /// It belongs to this life, or holds a secret.
    ThisLife,
}

impl Kind {
    /// Names each call, so that a new one is not forgotten.
    pub(super) fn of(call: &Call) -> Self {
        match call {
            Call::CreateChannel(_)
            | Call::Join(_)
            | Call::Leave(_)
            | Call::Decline(_)
            | Call::DeleteChannel(_)
            | Call::Invite(..)
            | Call::Add(..)
            | Call::RemoveMember(..)
            | Call::SendMessage(_)
            | Call::SendMedia(_)
            | Call::UpdateChannelAttributes(..)
            | Call::UpdateFriendlyName(..)
            | Call::UpdateUniqueName(..)
            | Call::SetUserNotificationLevel(..)
            | Call::UpdateMemberAttributes(..)
            | Call::UpdateMessageBody(..)
            | Call::UpdateMessageAttributes(..)
            | Call::RemoveMessage(..)
            | Call::UpdateUserAttributes(..)
            | Call::UpdateUserFriendlyName(..) => Self::Command,
            Call::GetChannelBySid(_)
            | Call::GetChannelByUniqueName(_)
            | Call::GetLocalChannels(_)
            | Call::GetSubscribedChannels(_)
            | Call::GetPublicChannelDescriptors
            | Call::GetUserChannelDescriptors
            | Call::GetUser(_)
            | Call::GetSubscribedUsers
            | Call::GetUserDescriptor(_)
            | Call::NextPage(_)
            | Call::GetMessages(_)
            | Call::GetMembers(_)
            | Call::GetMember(..)
            | Call::GetMembersCount(_)
            | Call::GetMessagesCount(_)
            | Call::GetUnconsumedMessagesCount(_)
            | Call::GetUserDescriptors(_)
            | Call::GetAttributes(_)
            | Call::UpdateLastConsumedMessageIndex(..)
            | Call::AdvanceLastConsumedMessageIndex(..)
            | Call::SetAllMessagesConsumed(_)
            | Call::SetNoMessagesConsumed(_)
            | Call::GetMemberUser(..)
            | Call::GetMemberUserDescriptor(..)
            | Call::GetMessageMember(..)
            | Call::GetMediaUrl(_)
            | Call::UnsubscribeUser(_) => Self::Again,
            Call::UpdateToken(_)
            | Call::Shutdown { .. }
            | Call::Typing(_)
            | Call::DownloadMedia { .. }
            | Call::SetPushRegistrationId(..)
            | Call::UnsetPushRegistrationId(_)
            | Call::HandlePushNotification(_) => Self::ThisLife,
        }
    }
}

/// How a call's deadline is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// Not at all, or by a timer that runs in any case.
    Fixed,
    /// Only while connected: this much is left, of which the part since `since` runs.
    Connected { left: Duration, since: Option<Time>, extended: bool },
}

/// All calls that are not answered yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    pending: BTreeMap<CallId, Pending>,
    last: u64,
    /// Messages whose sending was answered: with the index, or as far as nobody knows one.
    sent: Vec<(CallId, ChannelSid, Option<u64>)>,
}

impl Calls {
    /// Takes a call in.
    pub(super) fn accept(&mut self, cx: &mut Cx, call: Call, options: CallOptions, online: bool) -> CallId {
        self.last += 1;
        let id = CallId(self.last);
        let clock = match options.deadline {
            CallDeadline::Never => Clock::Fixed,
            CallDeadline::After(after) => {
                cx.timers.arm(Timer::Call(id), cx.now + after);
                Clock::Fixed
            }
            CallDeadline::WhileConnected => {
                let mut left = cx.config.call_timeout;
                if let Call::UpdateToken(_) = call {
                    // An `update` without an answer makes the connection anew, and that decides (spec 01 §4.3).
                    left = left.saturating_add(cx.config.reply_timeout);
                }
                if online {
                    cx.timers.arm(Timer::Call(id), cx.now + left);
                }
                Clock::Connected { left, since: online.then_some(cx.now), extended: false }
            }
        };
        cx.stats.calls += 1;
        let command_id = (Kind::of(&call) == Kind::Command).then(|| cx.ids.uuid().into());
        let (wait, progress) = (Wait::Begin, Progress::Nothing);
        self.pending.insert(id, Pending { call, wait, progress, command_id, earlier: None, clock });
        id
    }

    /// The number of the newest call.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Goes on with the calls of an earlier life, the newest of which was `last`.
    pub(super) fn resume(&mut self, last: u64) {
        self.last = last;
    }

    /// Takes a call of an earlier life in.
    pub(super) fn insert(&mut self, id: CallId, pending: Pending) {
        self.last = self.last.max(id.0);
        self.pending.insert(id, pending);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Pending)> {
        self.pending.iter().map(|(id, pending)| (*id, pending))
    }

    /// The next message whose sending was answered since this was last asked.
    pub(super) fn take_sent(&mut self) -> Option<(CallId, ChannelSid, Option<u64>)> {
        self.sent.pop()
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    pub(super) fn wait(&mut self, id: CallId, wait: Wait) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.wait = wait;
        }
    }

    /// Its session command is submitted now: gives its name, and what an earlier life may have done with it.
    pub(super) fn submitted(&mut self, id: CallId) -> (Option<Box<str>>, Option<Earlier>) {
        let Some(pending) = self.pending.get_mut(&id) else { return (None, None) };
        pending.wait = Wait::Command;
        (pending.command_id.take(), pending.earlier.take())
    }

    pub(super) fn progress(&mut self, id: CallId, progress: Progress) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.progress = progress;
        }
    }

    /// Answers a call. One that was answered before is left alone.
    pub(super) fn answer(&mut self, cx: &mut Cx, call: CallId, result: Result<Reply, CallError>) {
        if let Some(pending) = self.pending.remove(&call) {
            // This life did nothing, and an earlier one may have.
            let in_doubt = pending.earlier.is_some();
            let result =
                result.map_err(|error| if in_doubt { CallError::Unknown(Phase::Sent) } else { error });
            if cx.config.write_ahead && Kind::of(&pending.call) == Kind::Command && result.is_err() {
                // What was given up must not be done by a life that knows only an older save.
                cx.ask_save();
            }
            let sent_to = match pending.call {
                Call::SendMessage(message) => Some(message.channel),
                Call::SendMedia(message) => Some(message.channel),
                _ => None,
            };
            if let Some(channel) = sent_to {
                let index = if let Ok(Reply::MessageIndex(index)) = &result { *index } else { None };
                self.sent.push((call, channel, index));
            }
            cx.timers.cancel(Timer::Call(call));
            cx.stats.answers += 1;
            cx.events.push(Event::Answer { call, result });
        }
    }

    /// Answers a call of an earlier life that is not taken in.
    pub(super) fn answer_at_once(cx: &mut Cx, call: CallId, result: Result<Reply, CallError>) {
        cx.stats.answers += 1;
        cx.events.push(Event::Answer { call, result });
    }

    /// What an earlier life may have done for a call.
    pub(super) fn in_doubt(&mut self, id: CallId, earlier: Earlier) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.earlier = Some(earlier);
        }
    }

    /// The calls that wait for what `waits` recognizes, in the order of their acceptance.
    pub(super) fn waiting(&self, waits: impl Fn(&Wait) -> bool) -> Vec<CallId> {
        self.pending.iter().filter(|(_, pending)| waits(&pending.wait)).map(|(id, _)| *id).collect()
    }

    pub(super) fn ids(&self) -> Vec<CallId> {
        self.pending.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Something of a call's transfer moved: a clock that counts only while connected begins anew.
    pub(super) fn moved(&mut self, cx: &mut Cx, id: CallId) {
        let Some(Clock::Connected { left, since, .. }) =
            self.pending.get_mut(&id).map(|pending| &mut pending.clock)
        else {
            return;
        };
        *left = cx.config.call_timeout;
        if since.is_some() {
            *since = Some(cx.now);
            cx.timers.arm(Timer::Call(id), cx.now + *left);
        }
    }

    /// A clock that counts only while connected has run out: gives it so much more, but once. Whether it did.
    pub(super) fn extend(&mut self, cx: &mut Cx, id: CallId, more: Duration) -> bool {
        let clock = self.pending.get_mut(&id).map(|pending| &mut pending.clock);
        let Some(Clock::Connected { left, since: since @ Some(_), extended: extended @ false }) = clock
        else {
            return false;
        };
        (*left, *since, *extended) = (more, Some(cx.now), true);
        cx.timers.arm(Timer::Call(id), cx.now + more);
        true
    }

    /// A call that has no deadline gets one, counted while connected.
    pub(super) fn bound(&mut self, cx: &mut Cx, id: CallId, left: Duration, online: bool) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        if let (Clock::Fixed, None) = (pending.clock, cx.timers.armed(Timer::Call(id))) {
            let since = online.then_some(cx.now);
            pending.clock = Clock::Connected { left, since, extended: true };
            if online {
                cx.timers.arm(Timer::Call(id), cx.now + left);
            }
        }
    }

    /// Connected: the clocks that count only then go on.
    pub(super) fn online(&mut self, cx: &mut Cx) {
        for (id, pending) in &mut self.pending {
            if let Clock::Connected { left, since: since @ None, .. } = &mut pending.clock {
                *since = Some(cx.now);
                cx.timers.arm(Timer::Call(*id), cx.now + *left);
            }
        }
    }

    /// Not connected: those clocks stop.
    pub(super) fn offline(&mut self, cx: &mut Cx) {
        for (id, pending) in &mut self.pending {
            if let Clock::Connected { left, since: since @ Some(_), .. } = &mut pending.clock {
                let ran = since.take().map_or(Duration::ZERO, |since| cx.now - since);
                *left = left.saturating_sub(ran);
                cx.timers.cancel(Timer::Call(*id));
            }
        }
    }
}
