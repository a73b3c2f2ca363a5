//! A chat stage on its own, ready, with nothing around it: what media and push are tested with.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::session::{Links, SessionContext};
use super::{Chat, Tag};
use crate::call::{Call, CallId, CallOptions};
use crate::command::Command;
use crate::config::Config;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Event, Reply};
use crate::http::{HttpFailure, HttpId, HttpReply, HttpRequest};
use crate::model::{Channel, ChannelSid, ChannelType};
use crate::push::PushChannel;
use crate::secret::Token;
use crate::seed::Seed;
use crate::state::ChannelEntry;
use crate::time::Time;
use crate::timers::TimerKey;
use crate::twilsock::{self, Notice, Request, RequestError, Submit};

pub(super) struct Rig {
    pub(super) cx: Cx,
    pub(super) chat: Chat,
}

impl Rig {
    /// Ready and connected, with the token `hunter2-1`; it knows the channel `CH1`.
    pub(super) fn new(config: Config) -> Self {
        let (ids, jitter) = Seed::from_number(1).split();
        let mut cx = Cx::new(config, ids, jitter, Time::from_millis(1_000));
        let mut chat = Chat::new(&mut cx);
        chat.context = Some(SessionContext {
            identity: "alice".into(),
            user_info: "US1.info".into(),
            my_channels: "alice.channels".into(),
            reachability_enabled: None,
            consumption_report_interval: None,
            http_cache_interval: None,
            user_infos_to_subscribe: None,
            links: Links {
                public_channels: "/v1/C".into(),
                my_channels: "/v1/M".into(),
                sync_list: "/v1/S".into(),
                users: "/v1/U".into(),
                typing: None,
                media_service: Some("/v1/Services/IS1/Media".into()),
            },
        });
        chat.state.ready = true;
        let sid = ChannelSid::from("CH1");
        let channel = Arc::new(Channel::unknown(sid.clone(), ChannelType::Public));
        let entry = ChannelEntry {
            order: 0,
            channel,
            members: crate::small_map::SmallMap::default(),
            messages: crate::small_map::SmallMap::default(),
        };
        chat.state.channels.insert(sid, entry);
        chat.online = true;
        let mut rig = Self { cx, chat };
        rig.token("hunter2-1");
        rig.cx.orders.clear();
        rig
    }

    pub(super) fn token(&mut self, text: &str) {
        self.chat.notice(&mut self.cx, Notice::TokenAccepted(Token::new(text).unwrap()));
    }

    pub(super) fn call(&mut self, call: Call) -> CallId {
        self.chat.call(&mut self.cx, call, CallOptions::default()).unwrap()
    }

    pub(super) fn offline(&mut self) {
        self.chat.offline(&mut self.cx);
    }

    pub(super) fn online(&mut self) {
        self.chat.online = true;
        self.chat.calls.online(&mut self.cx);
        self.chat.transfers.flush(&mut self.cx, true);
        self.chat.drive_pushes(&mut self.cx);
    }

    /// Lets time pass; timers of other stages do nothing here.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.cx.now + time;
        while let Some(due) = self.cx.timers.deadline().filter(|due| due.at <= until) {
            self.cx.now = due.at;
            let mark = self.cx.timers.mark();
            if let Some(TimerKey::Chat(timer)) = self.cx.timers.take_due(due.at, mark) {
                self.chat.timer(&mut self.cx, timer);
            }
        }
        self.cx.now = until;
    }

    // ---- HTTP

    /// The requests made since the last look, and those that were given up.
    pub(super) fn http(&mut self) -> (Vec<(HttpId, HttpRequest)>, Vec<HttpId>) {
        let (mut made, mut cancelled) = (Vec::new(), Vec::new());
        for command in self.cx.commands.drain(..) {
            match command {
                Command::Http { http, request } => made.push((http, request)),
                Command::CancelHttp { http } => cancelled.push(http),
                other => panic!("{other:?}"),
            }
        }
        (made, cancelled)
    }

    /// The one request that was made since the last look.
    pub(super) fn one_http(&mut self) -> (HttpId, HttpRequest) {
        let (mut made, cancelled) = self.http();
        assert_eq!((made.len(), cancelled.len()), (1, 0), "{made:?} {cancelled:?}");
        made.remove(0)
    }

    pub(super) fn replied(&mut self, http: HttpId, status: u16, body: &str) {
        self.done(http, Ok(HttpReply::new(status, body.as_bytes())));
    }

    pub(super) fn done(&mut self, http: HttpId, result: Result<HttpReply, HttpFailure>) {
        self.chat.http_done(&mut self.cx, http, result);
    }

    pub(super) fn progress(&mut self, http: HttpId, bytes: u64) {
        self.chat.http_progress(&mut self.cx, http, bytes);
    }

    // ---- the registrar

    /// The requests submitted to the transport since the last look.
    pub(super) fn requests(&mut self) -> Vec<Request> {
        let submits = self.cx.submits.drain(..);
        submits
            .filter_map(|submit| match submit {
                Submit::Request { request, .. } => Some(request),
                Submit::Forget(_) => None,
            })
            .collect()
    }

    pub(super) fn one_request(&mut self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub(super) fn push_replied(&mut self, channel: PushChannel, result: Result<(u16, &str), RequestError>) {
        let result = result.map(|(status, body)| twilsock::HttpReply { status, body: body.as_bytes() });
        self.chat.reply(&mut self.cx, Tag::Push(channel), result);
    }

    // ---- the app

    pub(super) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.cx.events.pop()).collect()
    }

    /// The answer to the one call that was answered since the last look.
    pub(super) fn answer(&mut self, id: CallId) -> Option<Result<Reply, CallError>> {
        let answers: Vec<_> = self
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Answer { call, result } if call == id => Some(result),
                _ => None,
            })
            .collect();
        assert!(answers.len() <= 1, "{answers:?}");
        answers.into_iter().next()
    }

    /// A session command that was pushed, as its item; there must be a list for that.
    pub(super) fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        let found = request.headers.iter().find(|(known, _)| **known == *Box::<str>::from(name));
        found.map(|(_, value)| value.expose_secret())
    }
}
