//! Messages that the app sends, shown until the service's copy takes their place (design §4 "Order").
//!
//! While a send is unanswered, a message of the own user's with the same text and attributes is taken for it; the
//! answer names the index, which confirms that or corrects it.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Chat;
use crate::call::{Call, CallId};
use crate::model::{ChannelSid, Message};
use crate::state::PendingMessage;

/// What is known of messages on their way besides what the app sees of them. Bounded by the pending calls and, for those
/// that are answered, by what comes next in their channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Echoes {
    /// Those that a message took the place of, with its index, until the answer confirms it.
    taken: BTreeMap<CallId, (Arc<PendingMessage>, u64)>,
    /// Those that are answered, and whose copy is awaited at this index.
    awaited: BTreeMap<CallId, u64>,
}

impl Chat {
    /// The app sends a message: it shows at once.
    pub(super) fn echo(&mut self, id: CallId) {
        let Some(Call::SendMessage(send)) = self.calls.get(id).map(|pending| &pending.call) else { return };
        let message = Arc::new(PendingMessage {
            call: id,
            channel: send.channel.clone(),
            body: send.body.as_deref().map(Arc::from),
            attributes: send.attributes.clone(),
        });
        self.show_echo(message);
    }

    fn show_echo(&mut self, message: Arc<PendingMessage>) {
        let channel = self.state.pending.entry(message.channel.clone()).or_default();
        channel.insert(message.call, message);
    }

    fn hide_echo(&mut self, sid: &ChannelSid, id: CallId) -> Option<Arc<PendingMessage>> {
        self.echoes.awaited.remove(&id);
        let channel = self.state.pending.get_mut(sid)?;
        let hidden = channel.remove(&id);
        if channel.is_empty() {
            self.state.pending.remove(sid);
        }
        hidden
    }

    /// A message came: the echo that it is the copy of goes.
    pub(super) fn echo_seen(&mut self, sid: &ChannelSid, message: &Message) {
        let Some(waiting) = self.state.pending.get(sid) else { return };
        // The list is told in order, so whatever is awaited at or below this index was there.
        let index = |id: &CallId| self.echoes.awaited.get(id).copied();
        let came = waiting.keys().copied().filter(|id| index(id).is_some_and(|at| at <= message.index));
        let came: alloc::vec::Vec<CallId> = came.collect();
        let exact = came.iter().any(|id| index(id) == Some(message.index));
        let alike = waiting.iter().find(|(id, echo)| {
            index(id).is_none() && echo.body == message.body && echo.attributes == message.attributes
        });
        let alike = alike.map(|(id, _)| *id).filter(|_| !exact && self.is_mine(sid, message));
        for id in came {
            self.hide_echo(sid, id);
        }
        if let Some(id) = alike
            && let Some(echo) = self.hide_echo(sid, id)
        {
            self.echoes.taken.insert(id, (echo, message.index));
        }
    }

    /// Whether the own user sent it: by membership, else by person.
    fn is_mine(&self, sid: &ChannelSid, message: &Message) -> bool {
        let member = message.member_sid.as_ref().and_then(|member| self.member(sid, member));
        let author = member.and_then(|member| member.identity.as_ref()).or(message.author.as_ref());
        author.is_some() && author == self.state.identity.as_ref()
    }

    /// Sends were answered: what the answers say of the echoes.
    pub(super) fn settle_echoes(&mut self) {
        while let Some((id, sid, index)) = self.calls.take_sent() {
            let taken = self.echoes.taken.remove(&id);
            let Some(index) = index else {
                self.hide_echo(&sid, id);
                continue;
            };
            // What stands there is this one: another that it was taken for is still on its way.
            let wrong = self.echoes.taken.iter().find(|(_, (echo, at))| echo.channel == sid && *at == index);
            if let Some(wrong) = wrong.map(|(id, _)| *id)
                && let Some((echo, _)) = self.echoes.taken.remove(&wrong)
            {
                self.show_echo(echo);
            }
            let follows = self.channels.records.get(&sid).is_some_and(|record| record.messages.is_open());
            let messages = self.state.channels.get(&sid).map(|entry| &entry.messages);
            let came =
                messages.and_then(|messages| messages.keys().next_back()).is_some_and(|last| *last >= index);
            match taken {
                Some((_, at)) if at == index => {}
                _ if came || !follows => {
                    self.hide_echo(&sid, id);
                }
                Some((echo, _)) => {
                    self.show_echo(echo);
                    self.echoes.awaited.insert(id, index);
                }
                None => {
                    self.echoes.awaited.insert(id, index);
                }
            }
        }
    }

    /// Messages of this channel come no more: nothing that is answered is awaited.
    pub(super) fn echoes_forgotten(&mut self, sid: &ChannelSid) {
        let answered = self.state.pending.get(sid).into_iter().flat_map(BTreeMap::keys);
        let answered: alloc::vec::Vec<CallId> =
            answered.filter(|id| self.echoes.awaited.contains_key(id)).copied().collect();
        for id in answered {
            self.hide_echo(sid, id);
        }
    }
}
