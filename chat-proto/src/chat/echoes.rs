//! Messages that the app sends, shown until the service's copy takes their place (design §4 "Order").
//!
//! While a send is unanswered, a message of the own user's with the same text and attributes is taken for it, or one with
//! the media that were uploaded for it; the answer names the index, which confirms that or corrects it.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Chat;
use crate::call::{Call, CallId};
use crate::model::{ChannelSid, MediaSid, Message};
use crate::state::{PendingMedia, PendingMessage};

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
        let message = match self.calls.get(id).map(|pending| &pending.call) {
            Some(Call::SendMessage(send)) => PendingMessage {
                call: id,
                channel: send.channel.clone(),
                body: send.body.as_deref().map(Arc::from),
                attributes: send.attributes.clone(),
                media: None,
            },
            Some(Call::SendMedia(send)) => PendingMessage {
                call: id,
                channel: send.channel.clone(),
                body: None,
                attributes: send.attributes.clone(),
                media: Some(PendingMedia {
                    media: send.media,
                    content_type: Arc::from(&*send.content_type),
                    filename: send.filename.as_deref().map(Arc::from),
                    sid: None,
                }),
            },
            _ => return,
        };
        self.show_echo(Arc::new(message));
    }

    /// The media of a message are uploaded: their SID tells the message among all others.
    pub(super) fn echo_uploaded(&mut self, sid: &ChannelSid, id: CallId, media: &MediaSid) {
        let echo = self.state.pending.get_mut(sid).and_then(|waiting| waiting.get_mut(&id));
        if let Some(shown) = echo.and_then(|echo| Arc::make_mut(echo).media.as_mut()) {
            shown.sid = Some(media.clone());
        }
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

    /// A message was told: the echo that it is the copy of goes. The list is told in order, so whatever is awaited at or
    /// below its index was there.
    pub(super) fn echo_seen(&mut self, message: &Message) {
        let Some(waiting) = self.state.pending.get(&message.channel) else { return };
        let came = |id: &&CallId| self.echoes.awaited.get(*id).is_some_and(|at| *at <= message.index);
        let came: Vec<CallId> = waiting.keys().filter(came).copied().collect();
        self.echo_copied(message);
        for id in came {
            self.hide_echo(&message.channel, id);
        }
    }

    /// A page brought a message. One that was told before is nobody's copy.
    pub(super) fn echo_paged(&mut self, message: &Message) {
        let record = self.channels.records.get(&message.channel);
        if record.and_then(|record| record.untold).is_none_or(|untold| message.index >= untold) {
            self.echo_copied(message);
        }
    }

    /// A message stands there now that did not before.
    fn echo_copied(&mut self, message: &Message) {
        let Some(waiting) = self.state.pending.get(&message.channel) else { return };
        let at = |id: &CallId| self.echoes.awaited.get(id).copied();
        let exact = waiting.keys().find(|id| at(id) == Some(message.index)).copied();
        if let Some(id) = exact {
            self.hide_echo(&message.channel, id);
            return;
        }
        if self
            .echoes
            .taken
            .values()
            .any(|(echo, at)| echo.channel == message.channel && *at == message.index)
        {
            return;
        }
        let alike = waiting.iter().find(|(id, echo)| {
            let media = message.media.as_ref().map(|media| &media.sid);
            let uploaded = echo.media.as_ref().map(|media| media.sid.as_ref());
            // Of media nothing else is alike that another message could not have too.
            let same = match (media, uploaded) {
                (None, None) => echo.body == message.body && echo.attributes == message.attributes,
                (Some(media), Some(uploaded)) => uploaded == Some(media),
                _ => false,
            };
            at(id).is_none() && same
        });
        if let Some(id) = alike.map(|(id, _)| *id).filter(|_| self.is_mine(message))
            && let Some(echo) = self.hide_echo(&message.channel, id)
        {
            self.echoes.taken.insert(id, (echo, message.index));
        }
    }

    /// Whether the own user sent it: by membership, else by person.
    fn is_mine(&self, message: &Message) -> bool {
        let member = message.member_sid.as_ref().and_then(|member| self.member(&message.channel, member));
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
            let record = self.channels.records.get(&sid);
            let follows = record.is_some_and(|record| record.messages.is_open());
            // What is below was told, or was there before the own user was a member.
            let old = record.and_then(|record| record.untold).is_some_and(|untold| index < untold);
            let messages = self.state.channels.get(&sid).map(|entry| &entry.messages);
            let held = messages.and_then(|messages| messages.keys().next_back());
            let came = old || held.is_some_and(|last| *last >= index);
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

    /// What stands below this index is not told any more: nobody awaits it.
    pub(super) fn echoes_passed(&mut self, sid: &ChannelSid) {
        let untold = self.channels.records.get(sid).and_then(|record| record.untold);
        let (Some(untold), Some(waiting)) = (untold, self.state.pending.get(sid)) else { return };
        let passed = |id: &&CallId| self.echoes.awaited.get(*id).is_some_and(|at| *at < untold);
        let passed: Vec<CallId> = waiting.keys().filter(passed).copied().collect();
        for id in passed {
            self.hide_echo(sid, id);
        }
    }

    /// Messages of this channel come no more: nothing that is answered is awaited.
    pub(super) fn echoes_forgotten(&mut self, sid: &ChannelSid) {
        let answered = self.state.pending.get(sid).into_iter().flat_map(BTreeMap::keys);
        let answered: Vec<CallId> =
            answered.filter(|id| self.echoes.awaited.contains_key(id)).copied().collect();
        for id in answered {
            self.hide_echo(sid, id);
        }
    }
}
