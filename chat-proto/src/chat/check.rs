//! What types do not forbid, checked before anything is sent (spec 03 §19).

use alloc::borrow::Cow;

use crate::call::{Call, GetMessages, GetSubscribedChannels, MemberRef, SendMessage};
use crate::error::CallError;
use crate::json::Json;

/// An argument cannot be right.
pub(super) fn invalid(argument: &'static str, problem: &'static str) -> CallError {
    CallError::InvalidArgument { argument: Cow::Borrowed(argument), problem: Cow::Borrowed(problem) }
}

fn check_object(attributes: &Json) -> Result<(), CallError> {
    if attributes.is_object() { Ok(()) } else { Err(invalid("attributes", "must be a JSON object")) }
}

fn check_text(argument: &'static str, text: &str) -> Result<(), CallError> {
    if text.is_empty() { Err(invalid(argument, "must not be empty")) } else { Ok(()) }
}

/// Checks the arguments of a call.
pub(super) fn check(call: &Call) -> Result<(), CallError> {
    match call {
        Call::CreateChannel(options) => check_object(&options.attributes),
        Call::SendMessage(SendMessage { attributes, .. })
        | Call::UpdateChannelAttributes(_, attributes)
        | Call::UpdateMemberAttributes(_, _, attributes)
        | Call::UpdateMessageAttributes(_, _, attributes)
        | Call::UpdateUserAttributes(_, attributes) => check_object(attributes),
        Call::GetChannelBySid(sid) => check_text("sid", sid.as_str()),
        Call::GetChannelByUniqueName(name) => check_text("unique_name", name),
        Call::GetUser(identity)
        | Call::GetUserDescriptor(identity)
        | Call::Invite(_, identity)
        | Call::Add(_, identity)
        | Call::RemoveMember(_, MemberRef::Identity(identity))
        | Call::GetMember(_, MemberRef::Identity(identity)) => check_text("identity", identity.as_str()),
        Call::RemoveMember(_, MemberRef::Sid(sid)) | Call::GetMember(_, MemberRef::Sid(sid)) => {
            check_text("member_sid", sid.as_str())
        }
        Call::GetMessages(GetMessages { page_size: 0, .. })
        | Call::GetSubscribedChannels(GetSubscribedChannels { page_size: 0, .. }) => {
            Err(invalid("page_size", "must be at least 1"))
        }
        _ => Ok(()),
    }
}
