//! Steps that several calls take on their way.

#![expect(
    clippy::result_large_err,
    reason = "an `Err` is a step like any other: it leaves early, it is no failure"
)]

use alloc::string::ToString;
use alloc::sync::Arc;
use core::fmt;

use super::begin::Step;
use super::calls::{Progress, Wait};
use super::channels::{Reading, Record};
use super::{Asker, Chat, directory};
use crate::call::{CallId, Direction, GetMessages, MemberRef};
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::Reply;
use crate::model::{ChannelSid, Identity, MemberSid, MemberType, PageRef, PageSource};
use crate::sync::Select;
use crate::twilsock::Url;

impl Chat {
    // ---- what must be there first: `Err` says what to wait for, or why it will never be

    /// The channel of a call: the error, or what to wait for, if it is not known.
    pub(super) fn need(&self, sid: &ChannelSid) -> Result<(), Step> {
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

    pub(super) fn need_ready(&self) -> Result<(), Step> {
        if self.state.ready { Ok(()) } else { Err(Step::Wait(Wait::Ready)) }
    }

    pub(super) fn need_streams(&mut self, cx: &mut Cx, sid: &ChannelSid) -> Result<(), Step> {
        self.need(sid)?;
        if self.channels.records.get(sid).is_some_and(Record::streams_ready) {
            return Ok(());
        }
        let missing = self
            .channels
            .records
            .get(sid)
            .is_none_or(|r| r.messages_name.is_none() || r.roster_name.is_none());
        if missing {
            return Err(CallError::BadAnswer(
                "the channel's document names no message list or roster".into(),
            )
            .into());
        }
        self.open_streams(cx, sid);
        Err(Step::Wait(Wait::Streams(sid.clone())))
    }

    // ---- steps that several calls take

    /// A read of the directory. Its addresses are known once the client is ready.
    pub(super) fn read_step(
        &self,
        url: impl FnOnce(&super::session::Links, &crate::Config) -> Result<Url, CallError>,
        cx: &Cx,
    ) -> Step {
        match &self.context {
            Some(context) => Step::Read(url(&context.links, &cx.config)),
            None => Step::Wait(Wait::Ready),
        }
    }

    pub(super) fn need_own_channels(&mut self, cx: &mut Cx) -> Result<(), Step> {
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
    pub(super) fn find_channel(&mut self, cx: &mut Cx, id: CallId, sid: &ChannelSid) -> Result<Step, Step> {
        if let Some(channel) = self.state.channel(sid) {
            return Ok(Reply::Channel(channel.clone()).into());
        }
        if self.channels.records.contains_key(sid) {
            return Ok(Step::Wait(Wait::Document(sid.clone())));
        }
        self.need_own_channels(cx)?;
        Ok(self.own_map_step(cx, id, Select { key: Some(sid.as_str().into()), ..Select::all() }))
    }

    /// Asks the own map for one item or for the first page.
    pub(super) fn own_map_step(&mut self, cx: &mut Cx, id: CallId, select: Select) -> Step {
        let Some(entity) = self.channels.own_map.entity() else { return Step::Wait(Wait::OwnChannels) };
        Step::Wait(Wait::Query(self.query(cx, entity, Asker::Call(id), select)))
    }

    pub(super) fn messages_step(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        query: &GetMessages,
    ) -> Result<Step, Step> {
        self.need_streams(cx, &query.channel)?;
        let entity = self.channels.records.get(&query.channel).and_then(|record| record.messages.entity());
        let Some(entity) = entity else {
            return Err(CallError::UnknownChannel(query.channel.clone()).into());
        };
        let select = Select {
            from: query.anchor.map(|anchor| alloc::format!("{anchor}")),
            page_size: query.page_size,
            key: None,
            descending: query.direction == Direction::Backwards,
        };
        Ok(Step::Wait(Wait::Query(self.query(cx, entity, Asker::Call(id), select))))
    }

    pub(super) fn page_step(&mut self, cx: &mut Cx, id: CallId, page: &PageRef) -> Result<Step, Step> {
        let token = page.token.as_str();
        Ok(match &page.source {
            PageSource::Messages { channel, .. } => {
                self.need_streams(cx, channel)?;
                let entity = self.channels.records.get(channel).and_then(|record| record.messages.entity());
                let Some(entity) = entity else {
                    return Err(CallError::UnknownChannel(channel.clone()).into());
                };
                Step::Wait(Wait::Query(self.query_page(cx, entity, Asker::Call(id), token)))
            }
            PageSource::SubscribedChannels => {
                self.need_own_channels(cx)?;
                let Some(entity) = self.channels.own_map.entity() else {
                    return Ok(Step::Wait(Wait::OwnChannels));
                };
                Step::Wait(Wait::Query(self.query_page(cx, entity, Asker::Call(id), token)))
            }
            PageSource::PublicChannels => {
                self.read_step(|links, config| directory::public_channels_url(config, links, Some(token)), cx)
            }
            PageSource::UserChannels => {
                self.read_step(|links, config| directory::user_channels_url(config, links, Some(token)), cx)
            }
            PageSource::ChannelUsers { channel } => self.read_step(
                |links, config| directory::channel_users_url(config, links, channel, Some(token)),
                cx,
            ),
        })
    }

    /// Keeps a channel as it is: the answer tells of it when it is gone.
    pub(super) fn keep_channel(&mut self, id: CallId, sid: &ChannelSid) {
        if let Some(channel) = self.state.channel(sid).cloned() {
            self.calls.progress(id, Progress::Channel(channel));
        }
    }

    pub(super) fn user_descriptor_step(&mut self, cx: &mut Cx, identity: &Identity) -> Result<Step, Step> {
        self.need_ready()?;
        Ok(self.read_step(|links, config| directory::user_url(config, links, identity), cx))
    }

    /// Follows a person; the name of the map is looked up where it is not known.
    pub(super) fn user_step(
        &mut self,
        cx: &mut Cx,
        identity: &Identity,
        entity: Option<&str>,
    ) -> Result<Step, Step> {
        self.need_ready()?;
        if let Some(user) = self.state.users.get(identity).filter(|user| user.is_subscribed) {
            return Ok(Reply::User(user.clone()).into());
        }
        let own = self
            .context
            .as_ref()
            .filter(|context| context.identity == *identity)
            .map(|context| context.user_info.clone());
        match own.or_else(|| entity.map(Into::into)) {
            Some(name) => {
                self.open_user(cx, identity, name);
                Ok(Step::Wait(Wait::User(identity.clone())))
            }
            None => self.user_descriptor_step(cx, identity),
        }
    }

    pub(super) fn need_user(&self, identity: &Identity) -> Result<(), Step> {
        self.need_ready()?;
        if self.follows(identity) {
            Ok(())
        } else {
            Err(CallError::NotSubscribed(identity.as_str().into()).into())
        }
    }

    /// The person behind a member, with the name of the map that describes that person.
    pub(super) fn need_member_user(
        &mut self,
        cx: &mut Cx,
        sid: &ChannelSid,
        member: &MemberSid,
    ) -> Result<(Identity, Option<Arc<str>>), Step> {
        self.need_streams(cx, sid)?;
        let Some(member) = self.member(sid, member) else {
            return Err(CallError::UnknownMember(member.to_string().into()).into());
        };
        match (&member.identity, member.member_type) {
            (Some(identity), MemberType::Chat) => {
                Ok((identity.clone(), member.user_info.as_ref().map(|name| (&*name.text()).into())))
            }
            (_, kind) => Err(CallError::NotAUser(kind).into()),
        }
    }

    pub(super) fn member_answer(&self, sid: &ChannelSid, member: &MemberRef) -> Step {
        let (found, name): (_, &dyn fmt::Display) = match member {
            MemberRef::Sid(member) => (self.member(sid, member), member),
            MemberRef::Identity(identity) => (self.member_of(sid, identity), identity),
        };
        match found {
            Some(member) => Reply::Member(member.clone()).into(),
            None => CallError::UnknownMember(name.to_string().into()).into(),
        }
    }

    /// The member who sent a message: by membership, else by person (spec 03 §9.3).
    pub(super) fn author_answer(&self, sid: &ChannelSid, index: u64) -> Step {
        let Some(message) = self.state.channels.get(sid).and_then(|entry| entry.messages.get(&index)) else {
            return CallError::UnknownMessage(index).into();
        };
        let by_sid = message.member_sid.as_ref().and_then(|member| self.member(sid, member));
        let found = by_sid.or_else(|| message.author.as_ref().and_then(|author| self.member_of(sid, author)));
        if let Some(member) = found {
            Reply::Member(member.clone()).into()
        } else {
            let name = message.member_sid.as_ref().map(MemberSid::to_string);
            let name = name.or_else(|| message.author.as_ref().map(Identity::to_string));
            CallError::UnknownMember(name.unwrap_or_else(|| "(nobody)".into()).into()).into()
        }
    }
}
