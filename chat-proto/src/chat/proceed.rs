//! How a call goes on when something that was asked for it is there.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::begin::Step;
use super::calls::{Progress, Wait};
use super::channels::{Object, Record, Source};
use super::commands::Response;
use super::document::ChannelData;
use super::read_horizon::Move;
use super::{Chat, directory};
use crate::call::{Call, CallId, Direction};
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Reply, UnreadCount};
use crate::model::{ChannelSid, ChannelStatus, ChannelType, Identity, Page, PageRef, PageSource};
use crate::sync::{Item, Key};

/// What came for a call.
pub(super) enum Got<'a> {
    /// The answer to its session command.
    Response(Result<Response, CallError>),
    /// A page of items.
    Items { items: Vec<Item<'a>>, next: Option<Box<str>>, previous: Option<Box<str>> },
    /// An answer of the directory.
    Body(&'a [u8]),
}

impl Chat {
    pub(super) fn proceed(&mut self, cx: &mut Cx, id: CallId, got: Got<'_>) {
        let Some(call) = self.calls.get(id).map(|pending| pending.call.clone()) else { return };
        let step = match got {
            Got::Response(Ok(response)) => self.executed(cx, id, call, response),
            Got::Response(Err(error)) => error.into(),
            Got::Items { items, next, previous } => self.items(cx, id, call, items, next, previous),
            Got::Body(body) => self.body(cx, call, body),
        };
        self.take(cx, id, step);
    }

    // ---- a session command was executed

    fn executed(&mut self, cx: &mut Cx, id: CallId, call: Call, response: Response) -> Step {
        match call {
            Call::CreateChannel(options) => {
                let kind = if options.is_private { ChannelType::Private } else { ChannelType::Public };
                self.created(cx, id, kind, response)
            }
            Call::SendMessage(_) | Call::SendMedia(_) => Reply::MessageIndex(response.message_id).into(),
            Call::Join(sid) | Call::Leave(sid) | Call::Decline(sid) => self.effect_step(id, sid),
            Call::UpdateChannelAttributes(sid, _)
            | Call::UpdateFriendlyName(sid, _)
            | Call::UpdateUniqueName(sid, _) => match self.state.channel(&sid) {
                Some(channel) => Reply::Channel(channel.clone()).into(),
                None => self.channel_before(id, None),
            },
            Call::DeleteChannel(_) => self.channel_before(id, None),
            Call::UpdateMemberAttributes(sid, member, _) => match self.member(&sid, &member) {
                Some(member) => Reply::Member(member.clone()).into(),
                // Gone meanwhile.
                None => match self.calls.get(id).map(|pending| pending.progress.clone()) {
                    Some(Progress::Member(member)) => Reply::Member(member).into(),
                    _ => CallError::UnknownMember(member.to_string().into()).into(),
                },
            },
            Call::UpdateMessageBody(sid, index, text) => self.edited_answer(id, &sid, index, |message| {
                message.body = Some(Arc::from(text));
            }),
            Call::UpdateMessageAttributes(sid, index, attributes) => {
                self.edited_answer(id, &sid, index, |message| message.attributes = attributes)
            }
            Call::RemoveMessage(..) => self.deleted_answer(id),
            Call::UpdateUserAttributes(identity, _) | Call::UpdateUserFriendlyName(identity, _) => {
                match self.state.users.get(&identity) {
                    Some(user) => Reply::User(user.clone()).into(),
                    None => CallError::NotSubscribed(identity.as_str().into()).into(),
                }
            }
            _ => Reply::Done.into(),
        }
    }

    /// A channel was created: it is answered once its document is loaded.
    fn created(&mut self, cx: &mut Cx, id: CallId, channel_type: ChannelType, response: Response) -> Step {
        let Some(sid) = response.channel_sid else {
            return CallError::BadAnswer("the answer names no channel".into()).into();
        };
        if let Some(channel) = self.state.channel(&sid) {
            return Reply::Channel(channel.clone()).into();
        }
        if !self.channels.records.contains_key(&sid) {
            let name = response.channel.unwrap_or_else(|| directory::document_name(&sid));
            let data = ChannelData { channel_type: Some(channel_type), ..ChannelData::default() };
            self.channels.records.insert(sid.clone(), Record::new(name, Some((Source::None, data))));
            self.open_document(cx, &sid);
        }
        self.calls.progress(id, Progress::Created(sid.clone()));
        Step::Wait(Wait::Document(sid))
    }

    /// The answer to a session command may overtake the event that tells its effect: the app shall see both together.
    fn effect_step(&self, id: CallId, sid: ChannelSid) -> Step {
        let Some(pending) = self.calls.get(id) else { return Step::Taken };
        let status = self.state.channel(&sid).map(|channel| channel.status);
        let seen = match pending.call {
            Call::Join(_) => status == Some(ChannelStatus::Joined),
            _ => !matches!(status, Some(ChannelStatus::Joined | ChannelStatus::Invited)),
        };
        if seen { self.effect_answer(id, &sid) } else { Step::Wait(Wait::Effect(sid)) }
    }

    /// Answers a call whose session command was executed, whether its effect was seen or not.
    pub(super) fn effect_answer(&self, id: CallId, sid: &ChannelSid) -> Step {
        match self.state.channel(sid) {
            Some(channel) => Reply::Channel(channel.clone()).into(),
            None => self.channel_before(id, Some(ChannelStatus::Known)),
        }
    }

    /// How the own user stands to a channel changed.
    pub(super) fn effect_seen(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        for id in self.calls.waiting(|wait| matches!(wait, Wait::Effect(of) if of == sid)) {
            let step = self.effect_step(id, sid.clone());
            self.take(cx, id, step);
        }
    }

    /// The channel as it was when the call began: it is gone now. `status` is how the own user stands to it since.
    fn channel_before(&self, id: CallId, status: Option<ChannelStatus>) -> Step {
        match self.calls.get(id).map(|pending| pending.progress.clone()) {
            Some(Progress::Channel(mut channel)) => {
                if let Some(status) = status {
                    Arc::make_mut(&mut channel).status = status;
                }
                Reply::Channel(channel).into()
            }
            _ => CallError::BadAnswer("the channel was not known".into()).into(),
        }
    }

    // ---- items were read

    fn items(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        call: Call,
        items: Vec<Item<'_>>,
        next: Option<Box<str>>,
        previous: Option<Box<str>>,
    ) -> Step {
        match call {
            Call::GetMessages(query) => {
                let descending = query.direction == Direction::Backwards;
                self.messages_answer(cx, &query.channel, descending, items, next, previous)
            }
            Call::NextPage(PageRef { source: PageSource::Messages { channel, descending }, .. }) => {
                self.messages_answer(cx, &channel, descending, items, next, previous)
            }
            Call::SetAllMessagesConsumed(channel) => {
                let page = self.message_page(cx, &channel, items);
                match page.last() {
                    Some(newest) => {
                        self.move_horizon(cx, id, &channel, Move::Forward(newest.index));
                        Step::Taken
                    }
                    None => Reply::UnreadCount(UnreadCount::Known(0)).into(),
                }
            }
            Call::UpdateMessageBody(..) | Call::UpdateMessageAttributes(..) | Call::RemoveMessage(..) => {
                self.message_read(cx, id, call, items)
            }
            Call::GetChannelBySid(sid) => {
                let found =
                    items.iter().any(|item| matches!(&item.key, Key::Name(key) if *key == sid.as_str()));
                if found {
                    for item in &items {
                        self.own_channel_item(cx, item);
                    }
                    self.channel_when_loaded(&sid)
                } else {
                    match &self.context {
                        Some(context) => {
                            Step::Read(directory::channel_url(&cx.config, &context.links, sid.as_str()))
                        }
                        None => Step::Wait(Wait::Ready),
                    }
                }
            }
            Call::GetSubscribedChannels(_) | Call::NextPage(_) => {
                let sids = items.iter().filter_map(|item| self.own_channel_item(cx, item)).collect();
                let page = |token: Option<Box<str>>| {
                    token.map(|token| PageRef { source: PageSource::SubscribedChannels, token: token.into() })
                };
                self.calls.progress(id, Progress::Page { next: page(next), prev: page(previous) });
                self.calls.wait(id, Wait::Documents(sids));
                self.documents_moved(cx, id);
                Step::Taken
            }
            _ => CallError::BadAnswer("items came that were not asked for".into()).into(),
        }
    }

    /// Pages of messages: "next" is newer, whatever the direction of reading (spec 03 §9.2).
    fn messages_answer(
        &mut self,
        cx: &mut Cx,
        channel: &ChannelSid,
        descending: bool,
        items: Vec<Item<'_>>,
        next: Option<Box<str>>,
        previous: Option<Box<str>>,
    ) -> Step {
        let (newer, older) = if descending { (previous, next) } else { (next, previous) };
        let page = |token: Option<Box<str>>| {
            let source = PageSource::Messages { channel: channel.clone(), descending };
            token.map(|token| PageRef { source, token: token.into() })
        };
        let (next, prev) = (page(newer), page(older));
        Reply::MessagePage(Page { items: self.message_page(cx, channel, items), next, prev }).into()
    }

    /// A page of own channels is answered when the document of each is there, or is known to be missing.
    pub(super) fn documents_moved(&mut self, cx: &mut Cx, id: CallId) {
        let Some(pending) = self.calls.get(id) else { return };
        let (Wait::Documents(sids), Progress::Page { next, prev }) =
            (&pending.wait, pending.progress.clone())
        else {
            return;
        };
        let loading = |sid: &ChannelSid| {
            let record = self.channels.records.get(sid).filter(|record| record.document != Object::Closed);
            record.is_some() && !self.state.channels.contains_key(sid)
        };
        if sids.iter().any(loading) {
            return;
        }
        let items = sids.iter().filter_map(|sid| self.state.channel(sid)).cloned().collect();
        self.calls.answer(cx, id, Ok(Reply::ChannelPage(Page { items, next, prev })));
    }

    pub(super) fn channel_when_loaded(&self, sid: &ChannelSid) -> Step {
        match self.state.channel(sid) {
            Some(channel) => Reply::Channel(channel.clone()).into(),
            None if self.channels.records.contains_key(sid) => Step::Wait(Wait::Document(sid.clone())),
            None => CallError::UnknownChannel(sid.clone()).into(),
        }
    }

    // ---- the directory answered

    fn body(&mut self, cx: &mut Cx, call: Call, body: &[u8]) -> Step {
        let answered = match call {
            Call::GetChannelBySid(_) | Call::GetChannelByUniqueName(_) => {
                return match directory::channel(body) {
                    Ok(descriptor) => {
                        self.upsert(
                            cx,
                            &descriptor.sid,
                            ChannelData::from_descriptor(&descriptor),
                            Source::Chat,
                        );
                        self.channel_when_loaded(&descriptor.sid)
                    }
                    Err(error) => error.into(),
                };
            }
            Call::GetUser(identity) => return self.follow_found(cx, &identity, body),
            Call::GetMemberUser(channel, member) => {
                let identity = self.member(&channel, &member).and_then(|member| member.identity.clone());
                return match identity {
                    Some(identity) => self.follow_found(cx, &identity, body),
                    None => CallError::UnknownMember(member.to_string().into()).into(),
                };
            }
            Call::GetUserDescriptor(_) | Call::GetMemberUserDescriptor(..) => {
                directory::user(body).map(|user| Reply::UserDescriptor(Box::new(user)))
            }
            Call::GetPublicChannelDescriptors
            | Call::NextPage(PageRef { source: PageSource::PublicChannels, .. }) => {
                directory::public_channels(body).map(Reply::ChannelDescriptors)
            }
            Call::GetUserChannelDescriptors
            | Call::NextPage(PageRef { source: PageSource::UserChannels, .. }) => {
                directory::user_channels(body).map(Reply::ChannelDescriptors)
            }
            Call::GetUserDescriptors(channel)
            | Call::NextPage(PageRef { source: PageSource::ChannelUsers { channel }, .. }) => {
                directory::channel_users(body, &channel).map(Reply::UserDescriptors)
            }
            Call::GetMembersCount(_) => {
                directory::channel(body).map(|channel| Reply::Count(channel.members_count))
            }
            Call::GetMessagesCount(_) => {
                directory::channel(body).map(|channel| Reply::Count(channel.messages_count))
            }
            Call::GetUnconsumedMessagesCount(channel) => {
                directory::unread_count(body, &channel).map(Reply::UnreadCount)
            }
            _ => Err(CallError::BadAnswer("an answer came that was not asked for".into())),
        };
        Step::Answer(answered)
    }

    /// The directory told the name of a person's map.
    fn follow_found(&mut self, cx: &mut Cx, identity: &Identity, body: &[u8]) -> Step {
        match directory::user(body).map(|user| user.sync_unique_name) {
            Ok(Some(name)) => {
                self.open_user(cx, identity, Box::from(&*name));
                match self.state.users.get(identity).filter(|user| user.is_subscribed) {
                    Some(user) => Reply::User(Arc::clone(user)).into(),
                    None => Step::Wait(Wait::User(identity.clone())),
                }
            }
            Ok(None) => CallError::BadAnswer("the directory does not name the user's map".into()).into(),
            Err(error) => error.into(),
        }
    }
}
