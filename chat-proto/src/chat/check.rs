//! What types do not forbid, checked before anything is sent (spec 03 §19).

use alloc::borrow::Cow;

use crate::call::{Call, GetMessages, GetSubscribedChannels, MemberRef, SendMedia, SendMessage};
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

/// It becomes a header, so nothing may stand in it that ends one.
fn check_media(media: &SendMedia) -> Result<(), CallError> {
    check_text("content_type", &media.content_type)?;
    if !media.content_type.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(invalid("content_type", "must be printable ASCII"));
    }
    if let Some(filename) = &media.filename {
        check_text("filename", filename)?;
    }
    check_object(&media.attributes)
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
        Call::SendMedia(media) => check_media(media),
        Call::GetMediaUrl(media) | Call::DownloadMedia { media, .. } => check_text("media", media.as_str()),
        Call::SetPushRegistrationId(_, id) => check_text("registration_id", id.expose_secret()),
        Call::GetChannelBySid(sid) => check_text("sid", sid.as_str()),
        Call::GetChannelByUniqueName(name) => check_text("unique_name", name),
        Call::GetUser(identity)
        | Call::GetUserDescriptor(identity)
        | Call::Invite(_, identity)
        | Call::Add(_, identity)
        | Call::RemoveMember(_, MemberRef::Identity(identity))
        | Call::GetMember(_, MemberRef::Identity(identity)) => check_text("identity", identity.as_str()),
        Call::RemoveMember(_, MemberRef::Sid(sid)) | Call::GetMember(_, MemberRef::Sid(sid)) => {
            check_text("member_sid", &sid.text())
        }
        Call::GetMessages(GetMessages { page_size: 0, .. })
        | Call::GetSubscribedChannels(GetSubscribedChannels { page_size: 0, .. }) => {
            Err(invalid("page_size", "must be at least 1"))
        }
        _ => Ok(()),
    }
}
