//! What nobody took from the event queue: what a save keeps of it.

use crate::error::CallError;
use crate::event::{Event, Reply};

/// What a save keeps of an event that nobody took. A call whose answer may not be written down is owed one all the
/// same (law 5): its next life says that this one ended.
pub(crate) fn kept(event: &Event) -> Option<Event> {
    match event {
        Event::Answer { call, .. } if !outlives(event) => {
            Some(Event::Answer { call: *call, result: Err(CallError::ShutDown) })
        }
        _ => outlives(event).then(|| event.clone()),
    }
}

/// Whether an event that nobody took is still worth telling in the next life, and may be written down (law 10). Names
/// each event, so that a new one is not forgotten.
pub(crate) fn outlives(event: &Event) -> bool {
    match event {
        Event::Answer { result, .. } => result.as_ref().is_ok_and(is_plain) || result.is_err(),
        Event::ChannelAdded(_)
        | Event::ChannelInvited(_)
        | Event::ChannelJoined(_)
        | Event::ChannelLeft(_)
        | Event::ChannelRemoved(_)
        | Event::ChannelUpdated { .. }
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::MemberUpdated { .. }
        | Event::MessageAdded(_)
        | Event::MessageRemoved(_)
        | Event::MessageUpdated { .. }
        | Event::UserSubscribed(_)
        | Event::UserUnsubscribed(_)
        | Event::UserUpdated { .. }
        | Event::PushNotification(_)
        | Event::Fault(_) => true,
        // A secret; what belongs to a connection that is gone; and who types.
        Event::ContinuationToken(_)
        | Event::Ready
        | Event::ConnectionStateChanged(_)
        | Event::ConnectionError(_)
        | Event::TokenAboutToExpire
        | Event::TokenExpired
        | Event::TokenWanted { .. }
        | Event::UploadProgress { .. }
        | Event::DownloadProgress { .. }
        | Event::TypingStarted(_)
        | Event::TypingEnded(_) => false,
    }
}

/// Whether an answer holds no secret. Names each, so that a new one is not forgotten.
fn is_plain(reply: &Reply) -> bool {
    match reply {
        Reply::Done
        | Reply::Channel(_)
        | Reply::Channels(_)
        | Reply::ChannelPage(_)
        | Reply::ChannelDescriptors(_)
        | Reply::Member(_)
        | Reply::Members(_)
        | Reply::Message(_)
        | Reply::MessagePage(_)
        | Reply::MessageIndex(_)
        | Reply::User(_)
        | Reply::Users(_)
        | Reply::UserDescriptor(_)
        | Reply::UserDescriptors(_)
        | Reply::Count(_)
        | Reply::UnreadCount(_)
        | Reply::Attributes(_) => true,
        Reply::MediaUrl(_) => false,
    }
}
