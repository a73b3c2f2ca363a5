//! Random walks: a service, a network and an app without manners. Whatever they do, there is one socket at a time,
//! every request and every token gets its one answer, and a service that behaves again heals everything.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::rig::{Rig, Sent, Up, owner, status};
use crate::command::Command;
use crate::config::{Config, Limits};
use crate::frame::{self, FrameLimits};
use crate::time::Time;

#[derive(Debug, Clone)]
enum Step {
    Open,
    Closed,
    /// Answers the oldest unanswered frame with this transport status and this HTTP status.
    Answer(u16, u16),
    Close(u16, Option<i64>),
    Ping,
    Notification,
    AboutToExpire,
    Garbage,
    Submit(u8),
    Forget(u8),
    Token(u8),
    Network(Network),
    ToDeadline,
    Advance(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let code = prop::sample::select(&[200_u16, 200, 200, 200, 401, 403, 429, 500, 503][..]);
    let http = prop::sample::select(&[200_u16, 201, 404, 429, 503][..]);
    let close = prop::sample::select(&[308_u16, 401, 406, 410, 417, 503][..]);
    let network = prop::sample::select(&[Network::Online, Network::Offline, Network::Changed][..]);
    prop_oneof![
        6 => Just(Step::Open),
        2 => Just(Step::Closed),
        10 => (code, http).prop_map(|(code, http)| Step::Answer(code, http)),
        1 => (close, prop::option::of(Just(51232))).prop_map(|(code, error)| Step::Close(code, error)),
        1 => Just(Step::Ping),
        1 => Just(Step::Notification),
        1 => Just(Step::AboutToExpire),
        1 => Just(Step::Garbage),
        4 => (0_u8..3).prop_map(Step::Submit),
        1 => any::<u8>().prop_map(Step::Forget),
        2 => (0_u8..4).prop_map(Step::Token),
        1 => network.prop_map(Step::Network),
        3 => Just(Step::ToDeadline),
        2 => any::<u16>().prop_map(Step::Advance),
    ]
}

/// The world of one walk, and what it saw.
struct World {
    rig: Rig,
    /// The socket, and whether it is open.
    socket: Option<(LinkId, bool)>,
    /// Frames that wait for an answer of the service.
    unanswered: Vec<(Time, Sent)>,
    submitted: BTreeMap<u64, RequestId>,
    forgotten: BTreeSet<u64>,
    answered: Vec<u64>,
    calls: u64,
    tokens: BTreeSet<CallId>,
    public: ConnectionState,
    online: bool,
    ended: Vec<CallId>,
}

impl World {
    fn new() -> Self {
        let limits = Limits { requests_in_flight: 3, ..Limits::default() };
        let config = Config { limits, ..Config::default() };
        let mut rig = Rig::with(config);
        let socket = Some((rig.link, false));
        rig.commands();
        Self {
            rig,
            socket,
            unanswered: Vec::new(),
            submitted: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            answered: Vec::new(),
            calls: 0,
            tokens: BTreeSet::new(),
            public: ConnectionState::Connecting,
            online: false,
            ended: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Open => {
                if let Some((link, open @ false)) = &mut self.socket {
                    *open = true;
                    self.rig.link = *link;
                    self.rig.open();
                }
            }
            Step::Closed => {
                if let Some((link, _)) = self.socket.take() {
                    self.unanswered.clear();
                    self.rig.closed(link, Cause::Failed("cut".into()));
                }
            }
            Step::Answer(code, http) => {
                if !self.unanswered.is_empty() {
                    let (_, sent) = self.unanswered.remove(0);
                    let up = if *code == 200 && sent.method() == "message" {
                        self.rig.http(&sent, *http, "{}")
                    } else {
                        self.rig.answer(
                            &sent,
                            status(*code),
                            "{\"backoff_policy\":{\"reconnect_min_ms\":1500}}",
                        )
                    };
                    self.up(up);
                }
            }
            Step::Close(code, error) => {
                self.serve(
                    json!({"method": "close", "id": "S", "status": {"code": code, "errorCode": error}}),
                );
            }
            Step::Ping => self.serve(json!({"method": "ping", "id": "S"})),
            Step::Notification => {
                self.serve(json!({"method": "notification", "id": "S", "message_type": "x"}));
            }
            Step::AboutToExpire => {
                let kind = "token_about_to_expire";
                self.serve(json!({"method": "client_update", "id": "S", "client_update_type": kind}));
            }
            Step::Garbage => {
                if let Some((_, true)) = self.socket {
                    self.rig.bytes(b"garbage");
                }
            }
            Step::Submit(retry) => {
                let retry = [Retry::Never, Retry::SyncRead, Retry::ChatRead][usize::from(*retry)];
                let id = self.rig.submit("/x", retry);
                self.submitted.insert(id.0, id);
            }
            Step::Forget(which) => {
                if let Some(id) = self.submitted.values().nth(usize::from(*which) % 16).copied() {
                    self.forgotten.insert(id.0);
                    self.rig.forget(id);
                }
            }
            Step::Token(number) => self.token(&format!("T{number}")),
            Step::Network(network) => self.rig.network(*network),
            Step::ToDeadline => {
                if self.rig.cx.timers.deadline().is_some() {
                    let before = (self.rig.cx.now, self.rig.cx.timers.deadline());
                    self.rig.to_deadline();
                    let after = (self.rig.cx.now, self.rig.cx.timers.deadline());
                    assert_ne!(before, after, "the deadline was no progress");
                }
            }
            Step::Advance(ms) => self.rig.advance(Duration::from_millis(u64::from(*ms))),
        }
        self.look();
    }

    fn serve(&mut self, header: serde_json::Value) {
        if let Some((_, true)) = self.socket {
            let up = self.rig.serve(header, "");
            self.up(up);
        }
    }

    fn token(&mut self, text: &str) {
        self.calls += 1;
        let number = 1000 + self.calls;
        self.tokens.insert(CallId(number));
        self.rig.update_token(number, text);
    }

    fn up(&mut self, up: Option<Up>) {
        match up {
            Some(Up::Reply { owner, .. } | Up::Refused { owner, .. }) => self.answer(owner),
            Some(Up::Notification { .. }) | None => {}
        }
    }

    fn answer(&mut self, of: Owner) {
        let number = self.submitted.keys().copied().find(|number| owner(*number) == of).expect("known");
        assert!(!self.answered.contains(&number), "answered twice");
        assert!(!self.forgotten.contains(&number), "nobody waits for it");
        self.answered.push(number);
    }

    /// Looks at everything that the client did.
    fn look(&mut self) {
        for command in self.rig.cx.commands.drain(..).collect::<Vec<_>>() {
            match command {
                Command::Open { link, .. } => {
                    assert_eq!(self.socket, None, "a second socket");
                    self.socket = Some((link, false));
                    self.rig.link = link;
                    self.unanswered.clear();
                }
                Command::Close { link } => {
                    assert_eq!(self.socket.map(|(known, _)| known), Some(link));
                    // The host closes it at once; whether the client waits for that is its own affair.
                    self.socket = None;
                    self.unanswered.clear();
                    self.rig.stage.closed(&mut self.rig.cx, link, &Cause::Local);
                    self.rig.settle();
                }
                Command::Save { .. } => panic!("no stage of the transport asks for a save"),
                Command::Send { link, bytes } => {
                    assert_eq!(self.socket, Some((link, true)), "sent on a socket that is not open");
                    let (header, payload) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
                    let sent =
                        Sent { header: serde_json::from_str(header).unwrap(), payload: payload.to_vec() };
                    if !matches!(sent.method(), "reply" | "close") {
                        self.unanswered.push((self.rig.cx.now, sent));
                    }
                    // One that timed out is unanswered for the service, but not under way for the client.
                    let timeout = self.rig.cx.config.reply_timeout;
                    let flies = |(at, sent): &&(Time, Sent)| {
                        sent.method() == "message" && self.rig.cx.now.since(*at) < timeout
                    };
                    assert!(self.unanswered.iter().filter(flies).count() <= 3, "the limit holds");
                }
                Command::Http { .. } | Command::CancelHttp { .. } => {
                    panic!("not the transport's: {command:?}")
                }
            }
        }
        for notice in self.rig.notices() {
            match notice {
                Notice::Online => assert!(!core::mem::replace(&mut self.online, true), "online twice"),
                Notice::Offline => assert!(core::mem::replace(&mut self.online, false), "offline twice"),
                Notice::Failed { owner, .. } => self.answer(owner),
                Notice::TokenUpdated { call, .. } => {
                    assert!(self.tokens.remove(&call), "answered twice");
                }
                Notice::StateChanged(state) => {
                    assert_ne!(state, self.public, "no change");
                    self.public = state;
                }
                Notice::TokenAccepted(_) => {}
                Notice::ShutDown { call } => self.ended.push(call),
                Notice::Tell(_) => panic!("the rig tells it"),
            }
        }
        assert_eq!(self.online, self.public == ConnectionState::Connected);
        // What the commands led to may have led to more.
        if !self.rig.cx.commands.is_empty() {
            self.look();
        }
    }

    fn waits(&self) -> Vec<u64> {
        let all = self.submitted.keys().copied();
        all.filter(|number| !self.answered.contains(number) && !self.forgotten.contains(number)).collect()
    }

    /// The service and the network behave, and the app brings a good token.
    fn heal(&mut self) {
        self.token("good");
        self.look();
        for _ in 0..400 {
            if self.waits().is_empty() && self.tokens.is_empty() && self.online {
                return;
            }
            let step = match self.socket {
                Some((_, false)) => Step::Open,
                _ if !self.unanswered.is_empty() => Step::Answer(200, 200),
                _ => Step::ToDeadline,
            };
            self.take(&step);
        }
        panic!("not healed: {:?} {:?} {:?}", self.waits(), self.tokens, self.rig.stage);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn walks_heal(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.heal();
    }

    #[test]
    fn walks_end(steps in prop::collection::vec(step(), 0..120), late in prop::collection::vec(step(), 0..20)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.rig.shut_down(1);
        world.look();
        for step in &late {
            world.take(step);
        }
        while world.rig.cx.timers.deadline().is_some() {
            world.take(&Step::ToDeadline);
        }
        prop_assert_eq!(&world.ended, &[CallId(1)]);
        prop_assert_eq!(world.waits(), Vec::<u64>::new());
        prop_assert!(world.tokens.is_empty());
        prop_assert!(world.socket.is_none() && !world.online);
    }

    /// Law 6: the same walk gives the same bytes.
    #[test]
    fn walks_repeat(steps in prop::collection::vec(step(), 0..60)) {
        let run = || {
            let mut world = World::new();
            let mut seen = Vec::new();
            for step in &steps {
                world.take(step);
                seen.push((world.unanswered.clone(), world.rig.cx.timers.deadline()));
            }
            (seen, world.answered, world.rig.cx.stats)
        };
        prop_assert_eq!(run(), run());
    }
}
