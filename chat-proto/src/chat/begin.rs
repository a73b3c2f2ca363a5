//! The beginning of a call: arguments are checked before anything is sent (spec 03 §19), then the first step is taken.
//!
//! A call that must wait for something (readiness, a document, streams) begins again when that is there.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use super::calls::{Progress, Wait};
use super::channels::Reading;
use super::commands::{CommandOwner, SessionCommand};
use super::read_horizon::Move;
use super::rest::RestId;
use super::sorting::sorted;
use super::{Asker, Chat, Reader, directory};
use crate::call::{Call, CallId, Direction, GetMessages, MemberRef, SendMessage};
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::Reply;
use crate::json::Json;
use crate::model::{ChannelSid, ChannelStatus, ChannelType, Identity, MemberSid, MemberType, PageRef, PageSource};
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

fn invalid(argument: &'static str, problem: &'static str) -> CallError {
    CallError::InvalidArgument { argument: Cow::Borrowed(argument), problem: Cow::Borrowed(problem) }
}

fn check_object(attributes: &Json) -> Result<(), CallError> {
    if attributes.is_object() { Ok(()) } else { Err(invalid("attributes", "must be a JSON object")) }
}

fn check_text(argument: &'static str, text: &str) -> Result<(), CallError> {
    if text.is_empty() { Err(invalid(argument, "must not be empty")) } else { Ok(()) }
}

/// Checks what types do not forbid.
fn check(call: &Call) -> Result<(), CallError> {
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
        Call::GetMessages(GetMessages { page_size: 0, .. }) => Err(invalid("page_size", "must be at least 1")),
        _ => Ok(()),
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
            Step::Wait(wait) => self.calls.wait(id, wait),
            Step::Command(command) => {
                self.calls.wait(id, Wait::Command);
                self.session.submit(cx, CommandOwner::Call(id), command);
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

    /// The channel of a call: the error, or what to wait for, if it is not known.
    fn need(&self, sid: &ChannelSid) -> Result<(), Step> {
        if self.state.channels.contains_key(sid) {
            Ok(())
        } else if self.channels.records.contains_key(sid) {
            Err(Step::Wait(Wait::Document(sid.clone())))
        } else if !self.state.ready {
            Err(Step::Wait(Wait::Ready))
        } else if self.channels.reading != Reading::Done {
            Err(Step::Wait(Wait::OwnChannels))
        } else {
            Err(CallError::UnknownChannel(sid.clone()).into())
        }
    }

    fn need_ready(&self) -> Result<(), Step> {
        if self.state.ready { Ok(()) } else { Err(Step::Wait(Wait::Ready)) }
    }

    fn need_streams(&mut self, cx: &mut Cx, sid: &ChannelSid) -> Result<(), Step> {
        self.need(sid)?;
        if self.channels.records.get(sid).is_some_and(super::channels::Record::streams_ready) {
            return Ok(());
        }
        let missing = self.channels.records.get(sid).is_none_or(|r| r.messages_name.is_none() || r.roster_name.is_none());
        if missing {
            return Err(CallError::BadAnswer("the channel's document names no message list or roster".into()).into());
        }
        self.open_streams(cx, sid);
        Err(Step::Wait(Wait::Streams(sid.clone())))
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
            Call::GetSubscribedChannels => {
                self.need_own_channels(cx)?;
                self.own_map_step(cx, id, None)
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
                let claimed = token.claims().and_then(|claims| claims.identity).map(|text| Identity::new(&*text));
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
            Call::UnsubscribeUser(identity) => {
                self.need_ready()?;
                if !self.follows(&identity) {
                    return Err(CallError::NotSubscribed(identity.as_str().into()).into());
                }
                self.unfollow(cx, &identity);
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
                self.read_step(|links, config| directory::channel_users_url(config, links, &channel, None), cx)
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
                Step::Command(SessionCommand::EditAttributes { channel, attributes })
            }
            Call::UpdateFriendlyName(channel, friendly_name) => {
                self.need(&channel)?;
                match self.state.channel(&channel).cloned() {
                    Some(same) if same.friendly_name.as_deref() == friendly_name.as_deref() => Reply::Channel(same).into(),
                    _ => Step::Command(SessionCommand::EditFriendlyName { channel, friendly_name }),
                }
            }
            Call::UpdateUniqueName(channel, unique_name) => {
                self.need(&channel)?;
                match self.state.channel(&channel).cloned() {
                    Some(same) if same.unique_name.as_deref() == unique_name.as_deref() => Reply::Channel(same).into(),
                    _ => Step::Command(SessionCommand::EditUniqueName { channel, unique_name }),
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
                self.need(&channel)?;
                Step::Command(SessionCommand::EditMemberAttributes { channel, member, attributes })
            }
            Call::UpdateMessageBody(channel, index, text) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::EditMessage { channel, index, text })
            }
            Call::UpdateMessageAttributes(channel, index, attributes) => {
                self.need(&channel)?;
                Step::Command(SessionCommand::EditMessageAttributes { channel, index, attributes })
            }
            Call::RemoveMessage(channel, index) => {
                self.need(&channel)?;
                self.remove_message_step(cx, id, channel, index)
            }
            Call::GetMessageMember(channel, index) => {
                self.need_streams(cx, &channel)?;
                self.author_answer(&channel, index)
            }
            _ => invalid("call", "is of another kind than it should be").into(),
        })
    }

    // ---- steps that several calls take

    /// A read of the directory. Its addresses are known once the client is ready.
    fn read_step(
        &self,
        url: impl FnOnce(&super::session::Links, &crate::Config) -> Result<Url, CallError>,
        cx: &Cx,
    ) -> Step {
        match &self.context {
            Some(context) => Step::Read(url(&context.links, &cx.config)),
            None => Step::Wait(Wait::Ready),
        }
    }

    fn need_own_channels(&mut self, cx: &mut Cx) -> Result<(), Step> {
        self.need_ready()?;
        if self.channels.reading == Reading::Done {
            return Ok(());
        }
        if self.channels.reading == Reading::Failed {
            self.load_own_channels(cx);
        }
        Err(Step::Wait(Wait::OwnChannels))
    }

    /// A known channel is there; of another the own map is asked, and then the directory (spec 03 §7.7).
    fn find_channel(&mut self, cx: &mut Cx, id: CallId, sid: &ChannelSid) -> Result<Step, Step> {
        if let Some(channel) = self.state.channel(sid) {
            return Ok(Reply::Channel(channel.clone()).into());
        }
        if self.channels.records.contains_key(sid) {
            return Ok(Step::Wait(Wait::Document(sid.clone())));
        }
        self.need_own_channels(cx)?;
        Ok(self.own_map_step(cx, id, Some(sid)))
    }

    /// Asks the own map for one item or for the first page.
    fn own_map_step(&mut self, cx: &mut Cx, id: CallId, key: Option<&ChannelSid>) -> Step {
        let Some(entity) = self.channels.own_map.entity() else { return Step::Wait(Wait::OwnChannels) };
        let select = Select { key: key.map(|sid| sid.as_str().into()), ..Select::all() };
        Step::Wait(Wait::Query(self.query(cx, entity, Asker::Call(id), select)))
    }

    fn messages_step(&mut self, cx: &mut Cx, id: CallId, query: &GetMessages) -> Result<Step, Step> {
        self.need_streams(cx, &query.channel)?;
        let entity = self.channels.records.get(&query.channel).and_then(|record| record.messages.entity());
        let Some(entity) = entity else { return Err(CallError::UnknownChannel(query.channel.clone()).into()) };
        let select = Select {
            from: query.anchor.map(|anchor| alloc::format!("{anchor}")),
            page_size: query.page_size,
            key: None,
            descending: query.direction == Direction::Backwards,
        };
        Ok(Step::Wait(Wait::Query(self.query(cx, entity, Asker::Call(id), select))))
    }

    fn page_step(&mut self, cx: &mut Cx, id: CallId, page: &PageRef) -> Result<Step, Step> {
        let token = page.token.as_str();
        Ok(match &page.source {
            PageSource::Messages { channel, .. } => {
                self.need_streams(cx, channel)?;
                let entity = self.channels.records.get(channel).and_then(|record| record.messages.entity());
                let Some(entity) = entity else { return Err(CallError::UnknownChannel(channel.clone()).into()) };
                Step::Wait(Wait::Query(self.query_page(cx, entity, Asker::Call(id), token)))
            }
            PageSource::SubscribedChannels => {
                self.need_own_channels(cx)?;
                let Some(entity) = self.channels.own_map.entity() else { return Ok(Step::Wait(Wait::OwnChannels)) };
                Step::Wait(Wait::Query(self.query_page(cx, entity, Asker::Call(id), token)))
            }
            PageSource::PublicChannels => {
                self.read_step(|links, config| directory::public_channels_url(config, links, Some(token)), cx)
            }
            PageSource::UserChannels => {
                self.read_step(|links, config| directory::user_channels_url(config, links, Some(token)), cx)
            }
            PageSource::ChannelUsers { channel } => {
                self.read_step(|links, config| directory::channel_users_url(config, links, channel, Some(token)), cx)
            }
        })
    }

    /// The answer holds the message as it was, so one that is not held is read first.
    fn remove_message_step(&mut self, cx: &mut Cx, id: CallId, channel: ChannelSid, index: u64) -> Step {
        let known = self.state.channels.get(&channel).and_then(|entry| entry.messages.get(&index)).cloned();
        let list = self.channels.records.get(&channel).and_then(|record| record.messages.entity());
        match (known, list) {
            (Some(message), _) => self.calls.progress(id, Progress::Message(message)),
            (None, Some(entity)) => {
                let select = Select { from: Some(alloc::format!("{index}")), page_size: 1, ..Select::all() };
                return Step::Wait(Wait::Query(self.query(cx, entity, Asker::Call(id), select)));
            }
            (None, None) => {}
        }
        Step::Command(SessionCommand::DeleteMessage { channel, index })
    }

    /// Keeps a channel as it is: the answer tells of it when it is gone.
    fn keep_channel(&mut self, id: CallId, sid: &ChannelSid) {
        if let Some(channel) = self.state.channel(sid).cloned() {
            self.calls.progress(id, Progress::Channel(channel));
        }
    }

    fn user_descriptor_step(&mut self, cx: &mut Cx, identity: &Identity) -> Result<Step, Step> {
        self.need_ready()?;
        Ok(self.read_step(|links, config| directory::user_url(config, links, identity), cx))
    }

    /// Follows a person; the name of the map is looked up where it is not known.
    fn user_step(&mut self, cx: &mut Cx, identity: &Identity, entity: Option<&str>) -> Result<Step, Step> {
        self.need_ready()?;
        if let Some(user) = self.state.users.get(identity).filter(|user| user.is_subscribed) {
            return Ok(Reply::User(user.clone()).into());
        }
        let own = self.context.as_ref().filter(|context| context.identity == *identity).map(|context| context.user_info.clone());
        match own.or_else(|| entity.map(Into::into)) {
            Some(name) => {
                self.open_user(cx, identity, name);
                Ok(Step::Wait(Wait::User(identity.clone())))
            }
            None => self.user_descriptor_step(cx, identity),
        }
    }

    fn need_user(&self, identity: &Identity) -> Result<(), Step> {
        self.need_ready()?;
        if self.follows(identity) { Ok(()) } else { Err(CallError::NotSubscribed(identity.as_str().into()).into()) }
    }

    /// The person behind a member, with the name of the map that describes that person.
    fn need_member_user(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        member: &MemberSid,
    ) -> Result<(Identity, Option<Arc<str>>), Step> {
        self.need_streams(cx, sid)?;
        let Some(member) = self.member(sid, member) else {
            return Err(CallError::UnknownMember(member.as_str().into()).into());
        };
        match (&member.identity, member.member_type) {
            (Some(identity), MemberType::Chat) => Ok((identity.clone(), member.user_info.clone())),
            (_, kind) => Err(CallError::NotAUser(kind).into()),
        }
    }

    fn member_answer(&self, sid: &ChannelSid, member: &MemberRef) -> Step {
        let (found, name) = match member {
            MemberRef::Sid(member) => (self.member(sid, member), member.as_str()),
            MemberRef::Identity(identity) => (self.member_of(sid, identity), identity.as_str()),
        };
        match found {
            Some(member) => Reply::Member(member.clone()).into(),
            None => CallError::UnknownMember(name.into()).into(),
        }
    }

    /// The member who sent a message: by membership, else by person (spec 03 §9.3).
    fn author_answer(&self, sid: &ChannelSid, index: u64) -> Step {
        let Some(message) = self.state.channels.get(sid).and_then(|entry| entry.messages.get(&index)) else {
            return CallError::UnknownMessage(index).into();
        };
        let by_sid = message.member_sid.as_ref().and_then(|member| self.member(sid, member));
        let found = by_sid.or_else(|| message.author.as_ref().and_then(|author| self.member_of(sid, author)));
        match found {
            Some(member) => Reply::Member(member.clone()).into(),
            None => {
                let name = message.member_sid.as_ref().map(MemberSid::as_str);
                let name = name.or(message.author.as_ref().map(Identity::as_str)).unwrap_or("(nobody)");
                CallError::UnknownMember(name.into()).into()
            }
        }
    }
}
