//! Who types (spec 03 §12).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::own_channels::unreadable;
use super::{Chat, Tag, Timer};
use crate::call::{Call, CallId};
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::event::{Event, Reply};
use crate::model::{ChannelSid, ChannelStatus, Identity, Member, MemberSid};
use crate::plain::{self, once};
use crate::time::Time;
use crate::twilsock::{HttpReply, Method, Owner, Request, RequestError, Retry, Url};

/// How often typing is told, while the service has not said otherwise (spec 03 §1.2).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time that a notification may keep somebody typing: a wild number must not do so for ever.
const LONGEST: u64 = 3600;

/// Who types, and when the own user was last told to.
#[derive(Debug, Clone, Default)]
pub(super) struct Typing {
    /// How often typing is told, as the service said last.
    timeout: Option<Duration>,
    sent: BTreeMap<ChannelSid, Time>,
    /// By channel.
    now: BTreeMap<ChannelSid, BTreeMap<MemberSid, Typer>>,
    /// Whose timers these are.
    names: BTreeMap<u64, (ChannelSid, MemberSid)>,
}

/// A member that types.
#[derive(Debug, Clone, Copy)]
struct Typer {
    /// Of the timer.
    name: u64,
    until: Time,
    /// When the timer fires: it is not moved with each notification, but looks when it fires whether it is time.
    wakes: Time,
}

impl Typing {
    /// A member types, for so long.
    fn begin(&mut self, cx: &mut Cx, member: &Member, until: Time) {
        let typers = self.now.get_mut(&member.channel);
        if let Some(typer) = typers.and_then(|typers| typers.get_mut(&member.sid)) {
            typer.until = until;
            if until < typer.wakes {
                typer.wakes = until;
                cx.timers.arm(Timer::Typing(typer.name), until);
            }
            return;
        }
        let typer = Typer { name: cx.next_id(), until, wakes: until };
        cx.timers.arm(Timer::Typing(typer.name), until);
        self.names.insert(typer.name, (member.channel.clone(), member.sid.clone()));
        self.now.entry(member.channel.clone()).or_default().insert(member.sid.clone(), typer);
    }

    /// A timer fired: gives who types no more.
    fn woke(&mut self, cx: &mut Cx, name: u64) -> Option<(ChannelSid, MemberSid)> {
        let (sid, member) = self.names.get(&name)?;
        let typer = self.now.get_mut(sid)?.get_mut(member)?;
        if typer.until > cx.now {
            typer.wakes = typer.until;
            cx.timers.arm(Timer::Typing(name), typer.until);
            return None;
        }
        Some((sid.clone(), member.clone()))
    }

    /// The members of a channel that type.
    fn members(&self, sid: &ChannelSid) -> impl Iterator<Item = &MemberSid> {
        self.now.get(sid).into_iter().flat_map(BTreeMap::keys)
    }

    /// A member types no more.
    fn end(&mut self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid) {
        let Some(typers) = self.now.get_mut(sid) else { return };
        let Some(typer) = typers.remove(member) else { return };
        if typers.is_empty() {
            self.now.remove(sid);
        }
        self.names.remove(&typer.name);
        cx.timers.cancel(Timer::Typing(typer.name));
    }
}

#[derive(Deserialize)]
struct Indicator<'a> {
    #[serde(borrow)]
    channel_sid: Cow<'a, str>,
    #[serde(borrow)]
    identity: Cow<'a, str>,
    #[serde(default)]
    typing_timeout: f64,
}

impl<'a> Indicator<'a> {
    fn plain(payload: &'a [u8]) -> Option<Self> {
        let (mut channel_sid, mut identity, mut typing_timeout) = (None, None, None);
        plain::object(core::str::from_utf8(payload).ok()?, |value, name| match name {
            "channel_sid" => once(&mut channel_sid, value.text()?),
            "identity" => once(&mut identity, value.text()?),
            "typing_timeout" => once(&mut typing_timeout, i32::try_from(value.integer()?).ok()?),
            _ => value.skip(),
        })?;
        Some(Self {
            channel_sid: channel_sid?.into(),
            identity: identity?.into(),
            typing_timeout: typing_timeout.unwrap_or_default().into(),
        })
    }

    fn read(payload: &'a [u8]) -> Result<Self, serde_json::Error> {
        Self::plain(payload).map_or_else(|| serde_json::from_slice(payload), Ok)
    }
}

#[derive(Deserialize)]
struct Answer {
    typing_timeout: Option<f64>,
}

/// Seconds of the service's; what is no sensible number counts as none.
fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().filter(|time| !time.is_zero() && time.as_secs() <= LONGEST)
}

/// Whether this is the person's name. Names tend to be equally long and to begin alike, and a whole roster is asked: the
/// last byte tells most of them apart.
fn is_name(identity: &Identity, name: &str) -> bool {
    let identity = identity.as_str();
    identity.as_bytes().last() == name.as_bytes().last() && identity == name
}

impl Chat {
    /// Tells the others that the own user types. Nothing is sent while offline, for it would come too late, or when it
    /// was told a moment ago.
    pub(super) fn tell_typing(&mut self, cx: &mut Cx, id: CallId, sid: &ChannelSid) {
        let timeout = cx.config.typing_timeout.or(self.typing.timeout).unwrap_or(DEFAULT_TIMEOUT);
        let recent = self.typing.sent.get(sid).is_some_and(|sent| cx.now - *sent < timeout);
        if recent || !self.online {
            return self.calls.answer(cx, id, Ok(Reply::Done));
        }
        let Some(url) = Url::parse(&alloc::format!("{}/v1/typing", cx.config.chat_base())) else {
            let error = CallError::InvalidArgument {
                argument: "endpoints.chat".into(),
                problem: "not an absolute address".into(),
            };
            return self.calls.answer(cx, id, Err(error));
        };
        self.typing.sent.retain(|_, sent| cx.now - *sent < timeout);
        self.typing.sent.insert(sid.clone(), cx.now);
        let form = "application/x-www-form-urlencoded";
        let request = Request {
            method: Method::Post,
            url,
            headers: vec![("Content-Type", form.into())],
            content_type: Some(form),
            body: Some(alloc::format!("ChannelSid={sid}")),
            retry: Retry::Never,
        };
        cx.request(Owner::Chat(Tag::Typing(id)), request);
        self.calls.wait(id, super::calls::Wait::Typing);
    }

    pub(super) fn typing_answered(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        result: Result<HttpReply<'_>, RequestError>,
    ) {
        let result = match result {
            Ok(reply) if reply.is_success() => {
                let answer: Option<Answer> = serde_json::from_slice(reply.body).ok();
                if let Some(timeout) = answer.and_then(|answer| answer.typing_timeout).and_then(seconds) {
                    self.typing.timeout = Some(timeout);
                }
                Ok(Reply::Done)
            }
            Ok(reply) => Err(CallError::rest(reply.status, reply.body)),
            Err(RequestError::Refused { status, code, message }) => {
                Err(CallError::Transport { status, code, message })
            }
            Err(RequestError::Lost | RequestError::TimedOut) => Err(CallError::Unknown(Phase::Sent)),
            Err(RequestError::ShutDown) => Err(CallError::ShutDown),
        };
        if result.is_err()
            && let Some(Call::Typing(sid)) = self.calls.get(id).map(|pending| &pending.call)
        {
            // Nobody was told: the next keystroke is not one too many.
            self.typing.sent.remove(sid);
        }
        self.calls.answer(cx, id, result);
    }

    /// A typing notification. Channels and people that are not known here mean nothing (spec 03 §22 Q18), nor does a channel
    /// that the own user left: who is known there are those of then.
    pub(super) fn somebody_types(&mut self, cx: &mut Cx, payload: &[u8]) {
        let indicator = match Indicator::read(payload) {
            Ok(indicator) => indicator,
            Err(error) => return unreadable(cx, "typing notification", &error),
        };
        let own = cx.config.typing_timeout.map(|timeout| timeout + Duration::from_secs(1));
        let lasts = own
            .or_else(|| seconds(indicator.typing_timeout))
            .unwrap_or(DEFAULT_TIMEOUT + Duration::from_secs(1));
        let Some(entry) = self.state.channels.get_mut(&*indicator.channel_sid) else { return };
        if entry.channel.status != ChannelStatus::Joined || cx.events.is_full() {
            return;
        }
        for (_, member) in entry.members.values_mut() {
            if !member.identity.as_ref().is_some_and(|identity| is_name(identity, &indicator.identity)) {
                continue;
            }
            if !member.is_typing {
                Arc::make_mut(member).is_typing = true;
            }
            self.typing.begin(cx, member, cx.now + lasts);
            cx.events.push(Event::TypingStarted(member.clone()));
        }
    }

    pub(super) fn typing_ran_out(&mut self, cx: &mut Cx, name: u64) {
        if let Some((sid, member)) = self.typing.woke(cx, name) {
            self.typing_ended(cx, &sid, &member);
        }
    }

    /// The author of a message types no more; the first such member counts, as with the reference client.
    pub(super) fn typing_ended_by(&mut self, cx: &mut Cx, sid: &ChannelSid, author: Option<&Identity>) {
        let ended: Vec<_> = self
            .typing
            .members(sid)
            .filter(|member| {
                self.member(sid, member).is_some_and(|member| member.identity.as_ref() == author)
            })
            .cloned()
            .collect();
        for member in ended {
            self.typing_ended(cx, sid, &member);
        }
    }

    fn typing_ended(&mut self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid) {
        self.typing.end(cx, sid, member);
        let entry = self.state.channels.get_mut(sid);
        if let Some((_, member)) = entry.and_then(|entry| entry.members.get_mut(member)) {
            Arc::make_mut(member).is_typing = false;
            cx.events.push(Event::TypingEnded(member.clone()));
        }
    }

    /// A member leaves: nobody is told that the typing ended.
    pub(super) fn member_typing_forgotten(&mut self, cx: &mut Cx, sid: &ChannelSid, member: &MemberSid) {
        self.typing.end(cx, sid, member);
        let entry = self.state.channels.get_mut(sid);
        if let Some((_, member)) =
            entry.and_then(|entry| entry.members.get_mut(member)).filter(|(_, m)| m.is_typing)
        {
            Arc::make_mut(member).is_typing = false;
        }
    }

    /// The same for a whole channel.
    pub(super) fn typing_forgotten(&mut self, cx: &mut Cx, sid: &ChannelSid) {
        let members: Vec<_> = self.typing.members(sid).cloned().collect();
        for member in members {
            self.member_typing_forgotten(cx, sid, &member);
        }
    }
}

impl CallError {
    /// A refusal of Chat REST. The body normally tells code and message.
    pub(crate) fn rest(status: u16, body: &[u8]) -> Self {
        let (code, message) = refusal(body);
        Self::Rest { status, code, message: message.into() }
    }
}

/// Code and message of an error body; without a readable one 0 and a text of ours.
fn refusal(body: &[u8]) -> (i64, String) {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        code: i64,
        #[serde(default)]
        message: String,
    }
    match serde_json::from_slice::<Body>(body) {
        Ok(body) if !body.message.is_empty() => (body.code, body.message),
        Ok(body) => (body.code, String::from("refused by the service")),
        Err(_) => (0, String::from("refused by the service")),
    }
}
