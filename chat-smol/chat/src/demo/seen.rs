//! What one side saw: a book kept from events alone, so that it can be held against the client's own state.

use std::collections::BTreeMap;
use std::sync::Arc;

use chat_smol::proto::{Channel, Message};
use chat_smol::{ConnectionState, Event};

use super::verdict::Line;

/// The book.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How many events came.
    pub(super) events: u64,
    /// Events that were thrown away because nobody read them. There must be none.
    pub(super) lagged: u64,
    /// Indexes of added messages, in the order in which they were told.
    pub(super) added: Vec<u64>,
    /// The messages, as the events leave them.
    pub(super) messages: BTreeMap<u64, Arc<Message>>,
    pub(super) invited: Option<Arc<Channel>>,
    pub(super) joined: bool,
    /// The people who are in the channel.
    pub(super) members: Vec<String>,
    /// Who types.
    pub(super) typing: Vec<String>,
    /// How often a message was changed.
    pub(super) edits: u64,
    pub(super) connected: bool,
    /// How often the connection was lost.
    pub(super) cuts: u64,
}

impl Seen {
    /// Books an event, and says in words what it is; `None` when that is nothing to show.
    pub(super) fn book(&mut self, me: &str, event: &Event) -> Option<String> {
        self.events += 1;
        match event {
            Event::ConnectionStateChanged(state) => self.connection(*state),
            Event::ChannelInvited(channel) => {
                self.invited = Some(channel.clone());
                Some(format!("invited to {}", title(channel)))
            }
            Event::ChannelJoined(channel) => {
                self.joined = true;
                Some(format!("now in {}", title(channel)))
            }
            Event::ChannelLeft(channel) => {
                self.joined = false;
                Some(format!("no longer in {}", title(channel)))
            }
            Event::MemberJoined(member) => {
                let who = person(member.identity.as_ref());
                let shown = (who != me).then(|| format!("{who} came in"));
                self.members.push(who);
                shown
            }
            Event::MemberLeft(member) => {
                let who = person(member.identity.as_ref());
                self.members.retain(|other| *other != who);
                (who != me).then(|| format!("{who} left"))
            }
            Event::TypingStarted(member) => {
                let who = person(member.identity.as_ref());
                let shown = format!("{who} is typing …");
                self.typing.push(who);
                Some(shown)
            }
            Event::TypingEnded(member) => {
                let who = person(member.identity.as_ref());
                self.typing.retain(|other| *other != who);
                None
            }
            Event::MessageAdded(message) => {
                self.added.push(message.index);
                self.messages.insert(message.index, message.clone());
                Self::said(me, message, "")
            }
            Event::MessageUpdated { message, .. } => {
                self.edits += 1;
                self.messages.insert(message.index, message.clone());
                Self::said(me, message, " (edited)")
            }
            Event::MessageRemoved(message) => {
                self.messages.remove(&message.index);
                None
            }
            Event::Fault(fault) => Some(format!("fault: {fault}")),
            _ => None,
        }
    }

    /// A message of somebody else: one's own was shown when it was sent.
    fn said(me: &str, message: &Message, edited: &str) -> Option<String> {
        let author = person(message.author.as_ref());
        let body = message.body.as_deref().unwrap_or_default();
        (author != me).then(|| format!("{author}: {body}   [{}]{edited}", message.index))
    }

    fn connection(&mut self, state: ConnectionState) -> Option<String> {
        let before = std::mem::replace(&mut self.connected, state == ConnectionState::Connected);
        match state {
            ConnectionState::Connected if self.cuts > 0 => Some("connected again".into()),
            ConnectionState::Connected => Some("connected".into()),
            ConnectionState::Connecting if before => {
                self.cuts += 1;
                Some("connection lost, connecting again".into())
            }
            _ => None,
        }
    }

    /// The messages as the events leave them, for comparison.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.messages.values().map(|message| Line::of(message)).collect()
    }
}

fn person(identity: Option<&chat_smol::Identity>) -> String {
    identity.map_or_else(|| "somebody".into(), ToString::to_string)
}

fn title(channel: &Channel) -> String {
    let name = channel.friendly_name.as_deref().or(channel.unique_name.as_deref());
    format!("\"{}\"", name.unwrap_or(channel.sid.as_str()))
}
