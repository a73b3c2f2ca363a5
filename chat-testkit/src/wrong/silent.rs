//! Clients that know everything and tell something else: law 11, of what is told.

use chat_proto::{Client, Event};

use super::Twist;

macro_rules! hides {
    ($($(#[$doc:meta])* $name:ident: $what:pat,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name;

        impl Twist for $name {
            fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
                std::iter::from_fn(|| client.poll_event()).find(|event| !matches!(event, $what))
            }
        }
    )*};
}

hides! {
    /// Law 11: does not tell that a channel is there.
    HidesChannels: Event::ChannelAdded(_),
    /// Law 11: does not tell that a channel changed.
    HidesChannelUpdates: Event::ChannelUpdated { .. },
    /// Law 11: does not tell that a channel was left.
    HidesLeaving: Event::ChannelLeft(_),
    /// Law 11: does not tell that a channel is gone.
    HidesRemoval: Event::ChannelRemoved(_),
    /// Law 11: does not tell that somebody joined.
    HidesMembers: Event::MemberJoined(_),
    /// Law 11: does not tell that a member changed.
    HidesMemberUpdates: Event::MemberUpdated { .. },
    /// Law 11: does not tell that a member left.
    HidesMembersLeaving: Event::MemberLeft(_),
    /// Law 11: does not tell that a message was edited.
    HidesEdits: Event::MessageUpdated { .. },
    /// Law 11: does not tell that a message was deleted.
    HidesDeletions: Event::MessageRemoved(_),
    /// Law 11: does not tell that a person changed.
    HidesPeopleUpdates: Event::UserUpdated { .. },
    /// Law 11: does not tell that a person is followed no more.
    HidesUnsubscribing: Event::UserUnsubscribed(_),
}

macro_rules! doubles {
    ($($(#[$doc:meta])* $name:ident: $what:pat,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name {
            again: Option<Event>,
        }

        impl Twist for $name {
            fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
                if let Some(event) = self.again.take() {
                    return Some(event);
                }
                let event = client.poll_event()?;
                self.again = Some(&event).filter(|event| matches!(event, $what)).cloned();
                Some(event)
            }
        }
    )*};
}

doubles! {
    /// Law 11: tells twice that a channel was joined.
    JoinsTwice: Event::ChannelJoined(_),
    /// Law 11: tells twice that somebody joined.
    MembersJoinTwice: Event::MemberJoined(_),
    /// Law 11: tells twice that somebody left.
    MembersLeaveTwice: Event::MemberLeft(_),
    /// Law 11: tells twice that a message was deleted.
    DeletesTwice: Event::MessageRemoved(_),
    /// Law 11: tells twice that a person is followed.
    FollowsTwice: Event::UserSubscribed(_),
}

/// Law 11: tells that a channel was joined before it tells that it is there.
#[derive(Debug, Clone, Default)]
pub struct Hurries {
    held: Option<Event>,
}

impl Twist for Hurries {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        let event = client.poll_event();
        match event {
            Some(Event::ChannelAdded(_)) if self.held.is_none() => {
                self.held = event;
                client.poll_event().or_else(|| self.held.take())
            }
            None => self.held.take(),
            event => event,
        }
    }
}

/// Law 11: tells of a message that was edited as it was before.
#[derive(Debug, Clone, Default)]
pub struct TellsOldEdits {
    last: Option<Event>,
}

impl Twist for TellsOldEdits {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        let event = client.poll_event()?;
        if let (Event::MessageUpdated { message, .. }, Some(Event::MessageUpdated { message: old, .. })) =
            (&event, &self.last)
            && (&message.channel, message.index) == (&old.channel, old.index)
        {
            return self.last.replace(event);
        }
        if matches!(event, Event::MessageUpdated { .. }) {
            self.last = Some(event.clone());
        }
        Some(event)
    }
}
