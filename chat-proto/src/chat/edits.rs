//! Calls that change or delete a message.
//!
//! Their answer is the message, and a session command answers nothing but that it was executed (spec 03 §4.1). So a
//! message that this client does not hold is read before the command leaves: an error then says that nothing was done,
//! and what was done is never answered with an error because reading it back failed.

#![expect(
    clippy::result_large_err,
    reason = "an `Err` is a step like any other: it leaves early, it is no failure"
)]

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::begin::Step;
use super::calls::{Progress, Wait};
use super::commands::SessionCommand;
use super::{Asker, Chat};
use crate::call::{Call, CallId};
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::event::Reply;
use crate::model::{ChannelSid, Message};
use crate::sync::{Item, Key, Select};

impl Chat {
    /// Has the message of a call at hand, which it needs for its answer; `Err` reads it.
    pub(super) fn need_message(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        channel: &ChannelSid,
        index: u64,
    ) -> Result<(), Step> {
        self.need(channel)?;
        let held = self.state.channels.get(channel).and_then(|entry| entry.messages.get(&index)).cloned();
        if let Some(message) = held {
            self.calls.progress(id, Progress::Message(message));
            return Ok(());
        }
        if matches!(self.calls.get(id).map(|pending| &pending.progress), Some(Progress::Message(_))) {
            return Ok(());
        }
        self.need_streams(cx, channel)?;
        let entity = self.channels.records.get(channel).and_then(|record| record.messages.entity());
        let Some(entity) = entity else { return Err(CallError::UnknownChannel(channel.clone()).into()) };
        let select = Select { from: Some(alloc::format!("{index}")), page_size: 1, ..Select::all() };
        Err(Step::Wait(Wait::Query(self.query(cx, entity, Asker::Call(id), select))))
    }

    /// The message of a call was read. One that is not there is for the service to refuse.
    pub(super) fn message_read(&mut self, cx: &mut Cx, id: CallId, call: Call, items: Vec<Item<'_>>) -> Step {
        let (channel, index) = match &call {
            Call::UpdateMessageBody(channel, index, _)
            | Call::UpdateMessageAttributes(channel, index, _)
            | Call::RemoveMessage(channel, index) => (channel.clone(), *index),
            _ => return CallError::BadAnswer("a message came that was not asked for".into()).into(),
        };
        // Instead of one that is not there the service shows the next: nobody asked for that.
        let asked_for = |item: &Item<'_>| matches!(item.key, Key::Index(of) if of == index);
        let items = items.into_iter().filter(asked_for).collect();
        if let Some(message) = self.message_page(cx, &channel, items).pop() {
            self.calls.progress(id, Progress::Message(message));
        }
        Step::Command(match call {
            Call::UpdateMessageBody(channel, index, text) => {
                SessionCommand::EditMessage { channel, index, text }
            }
            Call::UpdateMessageAttributes(channel, index, attributes) => {
                SessionCommand::EditMessageAttributes { channel, index, attributes }
            }
            _ => SessionCommand::DeleteMessage { channel, index },
        })
    }

    /// The message after its change: as it is held, or else as it was read before, with the change.
    pub(super) fn edited_answer(
        &self,
        id: CallId,
        channel: &ChannelSid,
        index: u64,
        change: impl FnOnce(&mut Message),
    ) -> Step {
        let held = self.state.channels.get(channel).and_then(|entry| entry.messages.get(&index));
        if let Some(message) = held {
            return Reply::Message(message.clone()).into();
        }
        let Some(mut message) = self.message_before(id) else {
            // The service has changed a message that it did not show.
            return CallError::Unknown(Phase::Sent).into();
        };
        let edited = Arc::make_mut(&mut message);
        change(edited);
        edited.last_updated_by.clone_from(&self.state.identity);
        Reply::Message(message).into()
    }

    /// The message as it was before its deletion.
    pub(super) fn deleted_answer(&self, id: CallId) -> Step {
        match self.message_before(id) {
            Some(message) => Reply::Message(message).into(),
            None => CallError::Unknown(Phase::Sent).into(),
        }
    }

    fn message_before(&self, id: CallId) -> Option<Arc<Message>> {
        match self.calls.get(id).map(|pending| &pending.progress) {
            Some(Progress::Message(message)) => Some(message.clone()),
            _ => None,
        }
    }
}
