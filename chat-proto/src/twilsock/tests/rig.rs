//! Plays the service for a transport stage, on a virtual clock.

use core::time::Duration;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::{Value, json};

use super::super::*;
use crate::command::Command;
use crate::config::Config;
use crate::event::Event;
use crate::frame::{self, FrameLimits};
use crate::seed::Seed;
use crate::sync::{EntityId, Tag};
use crate::time::Time;
use crate::timers::TimerKey;

/// A frame of the client: its header and its payload.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) header: Value,
    pub(super) payload: Vec<u8>,
}

impl Sent {
    pub(super) fn method(&self) -> &str {
        self.header["method"].as_str().unwrap()
    }

    pub(super) fn id(&self) -> &str {
        self.header["id"].as_str().unwrap()
    }

    pub(super) fn path(&self) -> &str {
        self.header["http_request"]["path"].as_str().unwrap()
    }
}

/// What a frame gave to the stages above.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Up {
    Notification { message_type: String, payload: Vec<u8> },
    Reply { owner: Owner, status: u16, body: Vec<u8> },
    Refused { owner: Owner, error: RequestError },
}

pub(super) struct Rig {
    pub(super) cx: Cx,
    pub(super) stage: Twilsock,
    /// The newest socket that was asked for.
    pub(super) link: LinkId,
    pub(super) notices: Vec<Notice>,
    pub(super) accepted: Vec<String>,
    pub(super) next_request: u64,
}

pub(super) fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

pub(super) fn owner(number: u64) -> Owner {
    Owner::Sync(Tag::Open(EntityId(number)))
}

pub(super) fn call(number: u64) -> CallId {
    CallId(number)
}

pub(super) fn failed(number: u64, error: RequestError) -> Notice {
    Notice::Failed { owner: owner(number), error }
}

pub(super) fn ok() -> Value {
    json!({"code": 200, "status": "OK"})
}

pub(super) fn status(code: u16) -> Value {
    json!({"code": code, "status": "NO", "description": "says no"})
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        let (ids, jitter) = Seed::from_number(1).split();
        let mut cx = Cx::new(config, ids, jitter, Time::ZERO);
        let stage = Twilsock::new(&mut cx, token("T0"));
        let mut rig =
            Self { cx, stage, link: LinkId(0), notices: Vec::new(), accepted: Vec::new(), next_request: 0 };
        rig.settle();
        assert_eq!(rig.notices, [], "the initial state is not announced");
        rig.expect_open();
        rig
    }

    /// A rig that is connected and registered; nothing waits in its queues.
    pub(super) fn connected() -> Self {
        Self::connected_with(Config::default())
    }

    pub(super) fn connected_with(config: Config) -> Self {
        let mut rig = Self::with(config);
        rig.go_online();
        rig.notices.clear();
        while rig.cx.events.pop().is_some() {}
        rig
    }

    /// Opens the socket that was asked for, and plays the service until the client is registered.
    pub(super) fn go_online(&mut self) {
        self.open();
        let init = self.one("init");
        self.accept(&init);
        let put = self.sent().into_iter().find(|sent| sent.method() == "put_notification_ctx").unwrap();
        self.accept(&put);
    }

    // ---- the world

    pub(super) fn open(&mut self) {
        self.stage.opened(&mut self.cx, self.link);
        self.settle();
    }

    pub(super) fn drop_link(&mut self, cause: Cause) {
        let link = self.link;
        self.closed(link, cause);
    }

    pub(super) fn closed(&mut self, link: LinkId, cause: Cause) {
        self.stage.closed(&mut self.cx, link, &cause);
        self.settle();
    }

    pub(super) fn network(&mut self, network: Network) {
        self.stage.network(&mut self.cx, network);
        self.settle();
    }

    /// Delivers raw bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Option<Up> {
        let link = self.link;
        let up = self.stage.frame(&mut self.cx, link, Frame::Binary(bytes));
        let up = up.map(|incoming| match incoming {
            Incoming::Notification { message_type, payload } => {
                Up::Notification { message_type: message_type.to_string(), payload: payload.to_vec() }
            }
            Incoming::Reply { owner, result: Ok(reply) } => {
                Up::Reply { owner, status: reply.status, body: reply.body.to_vec() }
            }
            Incoming::Reply { owner, result: Err(error) } => Up::Refused { owner, error },
        });
        self.settle();
        up
    }

    pub(super) fn text(&mut self, text: &str) {
        let link = self.link;
        assert_eq!(self.stage.frame(&mut self.cx, link, Frame::Text(text)), None);
        self.settle();
    }

    /// Delivers a frame of the service, with its `payload_size` and its final line end.
    pub(super) fn serve(&mut self, mut header: Value, payload: &str) -> Option<Up> {
        header["payload_size"] = payload.len().into();
        let mut bytes = frame::encode(&header.to_string(), payload.as_bytes());
        if !payload.is_empty() {
            bytes.extend_from_slice(b"\r\n");
        }
        self.bytes(&bytes)
    }

    /// Answers a frame of the client with a transport status.
    pub(super) fn answer(&mut self, sent: &Sent, status: Value, payload: &str) -> Option<Up> {
        self.serve(json!({"method": "reply", "id": sent.id(), "status": status}), payload)
    }

    pub(super) fn accept(&mut self, sent: &Sent) {
        assert_eq!(self.answer(sent, ok(), ""), None);
    }

    /// Answers a tunnelled request.
    pub(super) fn http(&mut self, sent: &Sent, code: u16, body: &str) -> Option<Up> {
        self.serve(
            json!({"method": "reply", "id": sent.id(), "status": ok(), "http_status": {"code": code, "status": "?"}}),
            body,
        )
    }

    /// A `close` of the service.
    pub(super) fn serve_close(&mut self, status: Value, payload: &str) {
        assert_eq!(self.serve(json!({"method": "close", "id": "TMclose", "status": status}), payload), None);
    }

    // ---- the stages above

    pub(super) fn submit(&mut self, path: &str, retry: Retry) -> RequestId {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let request = Request {
            method: Method::Get,
            url: Url::parse(&std::format!("https://cds{path}")).unwrap(),
            headers: [("Twilio-Request-Id", std::format!("RQ{}", self.next_request))].into(),
            content_type: None,
            body: None,
            retry,
        };
        let owner = owner(self.next_request);
        self.stage.submit(&mut self.cx, Submit::Request { id, owner, request });
        self.settle();
        id
    }

    pub(super) fn forget(&mut self, id: RequestId) {
        self.stage.submit(&mut self.cx, Submit::Forget(id));
        self.settle();
    }

    pub(super) fn update_token(&mut self, number: u64, text: &str) {
        self.stage.control(&mut self.cx, Control::UpdateToken { call: call(number), token: token(text) });
        self.settle();
    }

    pub(super) fn shut_down(&mut self, number: u64) {
        self.stage.control(&mut self.cx, Control::Shutdown { call: call(number) });
        self.settle();
    }

    /// Hands on what was told, as the client does.
    pub(super) fn settle(&mut self) {
        while let Some(notice) = self.stage.poll() {
            match notice {
                Notice::Tell(event) => self.cx.events.push(*event),
                notice => self.notices.push(notice),
            }
        }
    }

    // ---- time

    /// Goes to the next deadline and fires what is due, as the client does.
    pub(super) fn to_deadline(&mut self) -> Duration {
        assert!(self.cx.commands.is_empty(), "commands first: {:?}", self.cx.commands);
        let at = self.cx.timers.deadline().expect("a deadline").at;
        let waited = at.since(self.cx.now);
        self.advance(waited);
        waited
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.cx.now = self.cx.now + by;
        let mark = self.cx.timers.mark();
        while let Some(key) = self.cx.timers.take_due(self.cx.now, mark) {
            let TimerKey::Twilsock(timer) = key else { panic!("not a timer of this stage: {key:?}") };
            self.stage.timer(&mut self.cx, timer);
            self.settle();
        }
    }

    // ---- what the client did

    pub(super) fn commands(&mut self) -> Vec<Command> {
        let commands: Vec<Command> = self.cx.commands.drain(..).collect();
        for command in &commands {
            if let Command::Open { link, .. } = command {
                self.link = *link;
            }
        }
        commands
    }

    /// The next command asks for a socket, and nothing follows.
    pub(super) fn expect_open(&mut self) {
        let commands = self.commands();
        assert!(matches!(commands[..], [Command::Open { .. }]), "{commands:?}");
    }

    /// The next command closes the socket, and nothing follows.
    pub(super) fn expect_close(&mut self) {
        let link = self.link;
        assert_eq!(self.commands(), [Command::Close { link }]);
    }

    /// Takes frames off the queue, until something else comes.
    pub(super) fn sent(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while let Some(Command::Send { link, bytes }) = self.cx.commands.front() {
            assert_eq!(*link, self.link, "sent on another socket");
            let (header, payload) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
            let header = serde_json::from_str(header).unwrap();
            sent.push(Sent { header, payload: payload.to_vec() });
            self.cx.commands.pop_front();
        }
        sent
    }

    /// Takes the only frame off the queue; it has this method.
    pub(super) fn one(&mut self, method: &str) -> Sent {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0].method(), method);
        sent.into_iter().next().unwrap()
    }

    pub(super) fn quiet(&mut self) {
        let commands = self.commands();
        assert_eq!(commands, []);
    }

    /// What chat was told, without the tokens: those are in [`Rig::accepted`].
    pub(super) fn notices(&mut self) -> Vec<Notice> {
        let (tokens, others) = core::mem::take(&mut self.notices)
            .into_iter()
            .partition::<Vec<_>, _>(|notice| matches!(notice, Notice::TokenAccepted(_)));
        self.accepted.extend(tokens.into_iter().filter_map(|notice| match notice {
            Notice::TokenAccepted(token) => Some(token.expose_secret().into()),
            _ => None,
        }));
        others
    }

    /// The tokens that were told to be in use, up to the last look at the notices.
    pub(super) fn accepted(&mut self) -> Vec<String> {
        core::mem::take(&mut self.accepted)
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.cx.events.pop()).collect()
    }
}
