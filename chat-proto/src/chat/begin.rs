//! The beginning of a call: its arguments are checked, then the first step is taken.
//!
//! A call that must wait for something (readiness, a document, streams) begins again when that is there.

#![expect(
    clippy::result_large_err,
    reason = "an `Err` is a step like any other: it leaves early, it is no failure"
)]

use alloc::string::ToString;

use super::calls::{Progress, Wait};
use super::check::{check, invalid};
use super::commands::{CommandOwner, SessionCommand};
use super::read_horizon::Move;
use super::rest::RestId;
use super::sorting::sorted;
use super::{Chat, Reader, directory};
use crate::call::{Call, CallId, GetMessages, SendMessage, SortingOrder};
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Event, Reply};
use crate::model::{ChannelStatus, ChannelType, Identity};
use crate::push::parse_push_notification;
use crate::sync::Select;
use crate::twilsock::{Control, Url};

/// What the first step of a call leads to.
pub(super) enum Step {
    /// It is answered.
    Answer(Result<Reply, CallError>),
    /// It waits.
    Wait(Wait),
    /// A session command is submitted for it.
    Command(SessionCommand),
    /// The directory is asked.
    Read(Result<Url, CallError>),
    /// The transport or another part has taken it.
    Taken,
}

impl From<Reply> for Step {
    fn from(reply: Reply) -> Self {
        Self::Answer(Ok(reply))
    }
}

impl From<CallError> for Step {
    fn from(error: CallError) -> Self {
        Self::Answer(Err(error))
    }
}

impl Chat {
    /// Takes a call's first step, or takes it again.
    pub(super) fn begin(&mut self, cx: &mut Cx, id: CallId) {
        let Some(pending) = self.calls.get(id) else { return };
        let step = match (&pending.progress, check(&pending.call)) {
            (Progress::Created(sid), _) => self.channel_when_loaded(sid),
            (_, Ok(())) => {
                let call = pending.call.clone();
                self.client_step(cx, id, call).unwrap_or_else(|step| step)
            }
            (_, Err(error)) => error.into(),
        };
        self.take(cx, id, step);
    }

    pub(super) fn take(&mut self, cx: &mut Cx, id: CallId, step: Step) {
        match step {
            Step::Answer(result) => self.calls.answer(cx, id, result),
            Step::Wait(wait) => {
                if let Wait::Effect(_) = wait {
                    // It is done, but what it did may be undone already, and then nothing shows it.
                    self.calls.bound(cx, id, cx.config.reply_timeout, self.online);
                }
                self.calls.wait(id, wait);
            }
            Step::Command(command) => {
                let (name, earlier) = self.calls.submitted(id);
                let name = name.unwrap_or_else(|| cx.ids.uuid().into());
                self.session.submit_as(cx, CommandOwner::Call(id), command, name, earlier);
            }
            Step::Read(Ok(url)) => {
                let read: RestId = self.rest.get(cx, url);
                self.reads.insert(read, Reader::Call(id));
                self.calls.wait(id, Wait::Rest(read));
            }
            Step::Read(Err(error)) => self.calls.answer(cx, id, Err(error)),
            Step::Taken => {}
        }
    }

    /// Calls of the client itself; those of a channel go on to [`Chat::channel_step`].
    fn client_step(&mut self, cx: &mut Cx, id: CallId, call: Call) -> Result<Step, Step> {
        Ok(match call {
            Call::CreateChannel(options) => Step::Command(SessionCommand::CreateChannel {
                friendly_name: options.friendly_name,
                unique_name: options.unique_name,
                channel_type: if options.is_private { ChannelType::Private } else { ChannelType::Public },
                attributes: options.attributes,
            }),
            Call::GetChannelBySid(sid) => self.find_channel(cx, id, &sid)?,
            Call::GetChannelByUniqueName(name) => {
                self.need_own_channels(cx)?;
                self.read_step(|links, config| directory::channel_url(config, links, &name), cx)
            }
            Call::GetLocalChannels(sorting) => {
                let channels = self.state.channels().into_iter().cloned().collect();
                Reply::Channels(sorted(channels, sorting)).into()
            }
            Call::GetSubscribedChannels(query) => {
                self.need_own_channels(cx)?;
                let descending = query.order == SortingOrder::Descending;
                self.own_map_step(cx, id, Select { page_size: query.page_size, descending, ..Select::all() })
            }
            Call::GetPublicChannelDescriptors => {
                self.need_ready()?;
                self.read_step(|links, config| directory::public_channels_url(config, links, None), cx)
            }
            Call::GetUserChannelDescriptors => {
                self.need_ready()?;
                self.read_step(|links, config| directory::user_channels_url(config, links, None), cx)
            }
            Call::GetUserDescriptor(identity) => self.user_descriptor_step(cx, &identity)?,
            Call::GetUser(identity) => self.user_step(cx, &identity, None)?,
            Call::GetSubscribedUsers => {
                self.need_ready()?;
                match self.state.identity.clone().filter(|own| !self.follows(own)) {
                    Some(own) => {
                        self.load_own_user(cx);
                        Step::Wait(Wait::User(own))
                    }
                    None => Reply::Users(self.subscribed_users()).into(),
                }
            }
            Call::NextPage(page) => self.page_step(cx, id, &page)?,
            Call::UpdateToken(token) => {
                let claimed =
                    token.claims().and_then(|claims| claims.identity).map(|text| Identity::new(&*text));
                if claimed.is_some() && self.state.identity.is_some() && claimed != self.state.identity {
                    return Err(invalid("token", "is another person's").into());
                }
                self.calls.wait(id, Wait::Transport);
                cx.controls.push_back(Control::UpdateToken { call: id, token });
                Step::Taken
            }
            Call::Shutdown { drain_until } => {
                self.shut_down(cx, id, drain_until);
                Step::Taken
            }
            Call::GetMediaUrl(media) | Call::DownloadMedia { media, .. } => {
                self.media_step(cx, id, &media)?
            }
            Call::SetPushRegistrationId(channel, device) => {
                self.want_push(cx, id, channel, Some(device));
                Step::Taken
            }
            Call::UnsetPushRegistrationId(channel) => {
                self.want_push(cx, id, channel, None);
                Step::Taken
            }
            Call::HandlePushNotification(payload) => match parse_push_notification(&payload) {
                Ok(notification) => {
                    cx.events.push(Event::PushNotification(notification));
                    Reply::Done.into()
                }
                Err(error) => CallError::Push(error).into(),
            },
            Call::UnsubscribeUser(identity) => {
                self.need_ready()?;
                // One that is given up already is as good (spec 03 §11.2).
                if self.follows(&identity) {
                    self.unfollow(cx, &identity);
                }
                Reply::Done.into()
            }
            Call::UpdateUserAttributes(identity, attributes) => {
                self.need_user(&identity)?;
                Step::Command(SessionCommand::EditUserAttributes { identity, attributes })
            }
            Call::UpdateUserFriendlyName(identity, friendly_name) => {
                self.need_user(&identity)?;
                Step::Command(SessionCommand::EditUserFriendlyName { identity, friendly_name })
            }
            call => return self.channel_step(cx, id, call),
        })
    }

    fn channel_step(&mut self, cx: &mut Cx, id: CallId, call: Call) -> Result<Step, Step> {
        Ok(match call {
            Call::Join(channel) => {
                self.need(&channel)?;
                self.keep_channel(id, &channel);
                Step::Command(SessionCommand::Join { channel })
            }
            Call::Leave(channel) => {
                self.need(&channel)?;
                match self.state.channel(&channel).cloned() {
                    Some(left) if left.status != ChannelStatus::Joined => Reply::Channel(left).into(),
                    _ => {
                        self.keep_channel(id, &channel);
                        Step::Command(SessionCommand::Leave { channel })
                    }
                }
            }
            Call::Decline(channel) => {
                self.need(&channel)?;
                self.keep_channel(id, &channel);
                Step::Command(SessionCommand::Decline { channel })
            }
            Call::DeleteChannel(channel) => {
                self.need(&channel)?;
                self.keep_channel(id, &channel);
                Step::Command(SessionCommand::DestroyChannel { channel })
            }
            Call::Invite(channel, identity) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::Invite { channel, identity })
            }
            Call::Add(channel, identity) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::Add { channel, identity })
            }
            Call::RemoveMember(channel, member) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::RemoveMember { channel, member })
            }
            Call::SendMessage(SendMessage { channel, body, attributes }) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::SendMessage { channel, text: body, attributes })
            }
            Call::SendMedia(send) => {
                self.need(&send.channel)?;
                self.upload_step(cx, id, &send)?
            }
            Call::Typing(channel) => {
                self.need(&channel)?;
                self.tell_typing(cx, id, &channel);
                Step::Taken
            }
            Call::GetMessages(query) => self.messages_step(cx, id, &query)?,
            Call::GetMembers(channel) => {
                self.need_streams(cx, &channel)?;
                Reply::Members(self.state.members(&channel).into_iter().cloned().collect()).into()
            }
            Call::GetMember(channel, member) => {
                self.need_streams(cx, &channel)?;
                self.member_answer(&channel, &member)
            }
            Call::GetMembersCount(channel) | Call::GetMessagesCount(channel) => {
                self.need(&channel)?;
                self.read_step(|links, config| directory::channel_url(config, links, channel.as_str()), cx)
            }
            Call::GetUnconsumedMessagesCount(channel) => {
                self.need(&channel)?;
                self.read_step(|links, config| directory::unread_count_url(config, links, &channel), cx)
            }
            Call::GetUserDescriptors(channel) => {
                self.need(&channel)?;
                self.read_step(
                    |links, config| directory::channel_users_url(config, links, &channel, None),
                    cx,
                )
            }
            Call::GetAttributes(channel) => {
                self.need(&channel)?;
                match self.state.channel(&channel) {
                    Some(channel) => Reply::Attributes(channel.attributes.clone()).into(),
                    None => CallError::UnknownChannel(channel).into(),
                }
            }
            call => return self.edit_step(cx, id, call),
        })
    }

    /// Calls that change a channel, or something in it.
    fn edit_step(&mut self, cx: &mut Cx, id: CallId, call: Call) -> Result<Step, Step> {
        Ok(match call {
            Call::UpdateChannelAttributes(channel, attributes) => {
                self.need(&channel)?;
                self.keep_channel(id, &channel);
                Step::Command(SessionCommand::EditAttributes { channel, attributes })
            }
            Call::UpdateFriendlyName(channel, friendly_name) => {
                self.need(&channel)?;
                match self.state.channel(&channel).cloned() {
                    Some(same) if same.friendly_name.as_deref() == friendly_name.as_deref() => {
                        Reply::Channel(same).into()
                    }
                    _ => {
                        self.keep_channel(id, &channel);
                        Step::Command(SessionCommand::EditFriendlyName { channel, friendly_name })
                    }
                }
            }
            Call::UpdateUniqueName(channel, unique_name) => {
                self.need(&channel)?;
                match self.state.channel(&channel).cloned() {
                    Some(same) if same.unique_name.as_deref() == unique_name.as_deref() => {
                        Reply::Channel(same).into()
                    }
                    _ => {
                        self.keep_channel(id, &channel);
                        Step::Command(SessionCommand::EditUniqueName { channel, unique_name })
                    }
                }
            }
            Call::SetUserNotificationLevel(channel, level) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::EditNotificationLevel { channel, level })
            }
            Call::UpdateLastConsumedMessageIndex(channel, index) => {
                self.need_streams(cx, &channel)?;
                self.move_horizon(cx, id, &channel, Move::To(index));
                Step::Taken
            }
            Call::AdvanceLastConsumedMessageIndex(channel, index) => {
                self.need_streams(cx, &channel)?;
                self.move_horizon(cx, id, &channel, Move::Forward(index));
                Step::Taken
            }
            Call::SetNoMessagesConsumed(channel) => {
                self.need_streams(cx, &channel)?;
                self.move_horizon(cx, id, &channel, Move::To(None));
                Step::Taken
            }
            Call::SetAllMessagesConsumed(channel) => {
                self.messages_step(cx, id, &GetMessages { page_size: 1, ..GetMessages::newest(channel) })?
            }
            Call::GetMemberUser(channel, member) => {
                let (identity, entity) = self.need_member_user(cx, &channel, &member)?;
                self.user_step(cx, &identity, entity.as_deref())?
            }
            Call::GetMemberUserDescriptor(channel, member) => {
                let (identity, _) = self.need_member_user(cx, &channel, &member)?;
                self.user_descriptor_step(cx, &identity)?
            }
            Call::UpdateMemberAttributes(channel, member, attributes) => {
                self.need_streams(cx, &channel)?;
                let Some(known) = self.member(&channel, &member).cloned() else {
                    return Err(CallError::UnknownMember(member.to_string().into()).into());
                };
                self.calls.progress(id, Progress::Member(known));
                Step::Command(SessionCommand::EditMemberAttributes { channel, member, attributes })
            }
            Call::UpdateMessageBody(channel, index, text) => {
                self.need_message(cx, id, &channel, index)?;
                Step::Command(SessionCommand::EditMessage { channel, index, text })
            }
            Call::UpdateMessageAttributes(channel, index, attributes) => {
                self.need_message(cx, id, &channel, index)?;
                Step::Command(SessionCommand::EditMessageAttributes { channel, index, attributes })
            }
            Call::RemoveMessage(channel, index) => {
                self.need_message(cx, id, &channel, index)?;
                Step::Command(SessionCommand::DeleteMessage { channel, index })
            }
            Call::GetMessageMember(channel, index) => {
                self.need_streams(cx, &channel)?;
                self.author_answer(&channel, index)
            }
            _ => invalid("call", "is of another kind than it should be").into(),
        })
    }
}
