//! The calls of a save: each is answered by the next life, under the same name (law 5).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::{Call, CallId};
use crate::chat::calls::{Clock, Kind, Pending, Progress, Wait};
use crate::chat::channels::{Record, Source};
use crate::chat::commands::CommandOwner;
use crate::chat::document::ChannelData;
use crate::chat::read_horizon::SavedHorizon;
use crate::chat::session::{Earlier, SavedOutbox};
use crate::chat::{Chat, Timer, directory};
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::model::{ChannelSid, ChannelType};
use crate::time::Time;

/// A call that was not answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedCall {
    pub(super) id: CallId,
    call: Call,
    command_id: Option<Box<str>>,
    stage: Stage,
    progress: Progress,
    deadline: Deadline,
}

/// How far a call had come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Stage {
    /// Nothing was asked on its behalf that must not be asked again.
    Begin,
    /// Its session command is in the outbox.
    Command,
    /// Its session command was executed; this channel does not show it yet.
    Effect(ChannelSid),
    /// It is part of a report.
    Report,
}

/// How much time it had.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Deadline {
    Never,
    After(Duration),
    WhileConnected(Duration),
}

impl SavedCall {
    /// `None` for a call that belongs to its life.
    pub(super) fn of(cx: &Cx, now: Time, id: CallId, pending: &Pending) -> Option<Self> {
        if Kind::of(&pending.call) == Kind::ThisLife {
            return None;
        }
        let stage = match &pending.wait {
            Wait::Command => Stage::Command,
            Wait::Effect(sid) => Stage::Effect(sid.clone()),
            Wait::Report => Stage::Report,
            _ => Stage::Begin,
        };
        let deadline = match pending.clock {
            Clock::Fixed => match cx.timers.armed(Timer::Call(id)) {
                Some(at) => Deadline::After(at - now),
                None => Deadline::Never,
            },
            Clock::Connected { left, since, .. } => Deadline::WhileConnected(
                left.saturating_sub(since.map_or(Duration::ZERO, |since| now - since)),
            ),
        };
        Some(Self {
            id,
            call: pending.call.clone(),
            command_id: pending.command_id.clone(),
            stage,
            progress: pending.progress.clone(),
            deadline,
        })
    }
}

impl Chat {
    /// Takes the calls of a save in. Nothing is done for them yet.
    pub(super) fn resume_calls(
        &mut self,
        cx: &mut Cx,
        calls: Vec<SavedCall>,
        outbox: &SavedOutbox,
        horizon: &SavedHorizon,
        elapsed: Duration,
    ) {
        for SavedCall { id, call, command_id, stage, progress, deadline } in calls {
            if Kind::of(&call) == Kind::ThisLife {
                continue;
            }
            let wait = match stage {
                // Of these nothing is asked by `begin_again`, so whoever holds them must know of them.
                Stage::Command if outbox.holds(CommandOwner::Call(id)) => Wait::Command,
                Stage::Report if horizon.holds(id) => Wait::Report,
                Stage::Effect(sid) => Wait::Effect(sid),
                Stage::Command => Wait::Transport,
                Stage::Report | Stage::Begin => Wait::Begin,
            };
            let clock = match deadline {
                Deadline::Never => Clock::Fixed,
                Deadline::After(left) => {
                    cx.timers.arm(Timer::Call(id), cx.now + left.saturating_sub(elapsed));
                    Clock::Fixed
                }
                Deadline::WhileConnected(left) => Clock::Connected { left, since: None, extended: false },
            };
            self.calls.insert(id, Pending { call, wait, progress, command_id, earlier: None, clock });
        }
    }

    /// Has the calls of a save go on that wait for nothing. `sure` says that their session commands did not leave;
    /// otherwise `earlier` says where those can stand.
    pub(super) fn begin_again(&mut self, cx: &mut Cx, earlier: Option<Earlier>, sure: bool) {
        for id in self.calls.waiting(|wait| matches!(wait, Wait::Effect(_))) {
            if let Some(Wait::Effect(sid)) = self.calls.get(id).map(|pending| pending.wait.clone()) {
                self.effect_seen(cx, &sid);
            }
        }
        for id in self.calls.waiting(|wait| *wait == Wait::Transport) {
            self.calls.answer(cx, id, Err(CallError::Unknown(Phase::Sent)));
        }
        for id in self.calls.waiting(|wait| *wait == Wait::Begin) {
            let Some(pending) = self.calls.get(id) else { continue };
            if matches!(pending.call, Call::SendMedia(_)) {
                // The host kept the bytes for the life that is over.
                let unknown = CallError::Unknown(Phase::Offline);
                self.calls.answer(cx, id, Err(if sure { CallError::ShutDown } else { unknown }));
                continue;
            }
            let created = if let (Progress::Created(sid), Call::CreateChannel(options)) =
                (&pending.progress, &pending.call)
            {
                let kind = if options.is_private { ChannelType::Private } else { ChannelType::Public };
                Some((sid.clone(), kind))
            } else {
                None
            };
            let in_doubt = Kind::of(&pending.call) == Kind::Command && created.is_none() && !sure;
            match (created, earlier) {
                (Some((sid, kind)), _) => self.load_created(cx, &sid, kind),
                (None, None) if in_doubt => {
                    // It may have left through a list of which the save knows nothing.
                    self.calls.answer(cx, id, Err(CallError::Unknown(Phase::Offline)));
                }
                (None, Some(earlier)) if in_doubt => self.calls.in_doubt(id, earlier),
                _ => {}
            }
            self.begin(cx, id);
        }
    }

    /// A channel that was created and whose document was not there yet.
    fn load_created(&mut self, cx: &mut Cx, sid: &ChannelSid, channel_type: ChannelType) {
        if !self.channels.records.contains_key(sid) {
            let data = ChannelData { channel_type: Some(channel_type), ..ChannelData::default() };
            let record = Record::new(directory::document_name(sid), Some((Source::None, data)));
            self.channels.records.insert(sid.clone(), record);
            self.open_document(cx, sid);
        }
    }
}
