//! The session alone: what it orders, and what it makes of what sync tells.

mod commands;
mod life;
mod world;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::Value;

use super::*;
use crate::call::CallId;
use crate::config::Config;
use crate::json::Json;
use crate::seed::Seed;
use crate::sync::{Change, Fate, Freshness, Item, Key, Raw, Select, WriteId};
use crate::time::Time;
use crate::timers::TimerKey;

const FULL: &str = r#"{"identity":"alice","userInfo":"US1.info","myChannels":"alice.channels","channels":"x",
    "links":{"publicChannelsUrl":"/C","myChannelsUrl":"/M","syncListUrl":"/S","usersUrl":"/U"}}"#;

fn raw(text: &str) -> Raw<'static> {
    Raw::new(text).into_owned()
}

fn call(number: u64) -> CommandOwner {
    CommandOwner::Call(CallId(number))
}

fn send(channel: &str, text: &str) -> SessionCommand {
    SessionCommand::SendMessage {
        channel: channel.into(),
        text: Some(text.into()),
        attributes: Json::default(),
    }
}

fn join(channel: &str) -> SessionCommand {
    SessionCommand::Join { channel: channel.into() }
}

fn sync_error(status: u16, code: i64) -> CallError {
    CallError::Sync { status, code, message: "no".into() }
}

fn item(index: u64, data: &str) -> Item<'static> {
    Item { key: Key::Index(index), data: raw(data), freshness: Freshness::New, event: None }
}

/// An item as the session pushed it, with the service's answer.
fn answered(pushed: &str, response: &str) -> String {
    format!(r#"{},"response":{response}}}"#, pushed.strip_suffix('}').unwrap())
}

fn command_id(pushed: &str) -> String {
    let item: Value = serde_json::from_str(pushed).unwrap();
    item["commandId"].as_str().unwrap().into()
}

/// A session and everything it is given.
struct Rig {
    cx: Cx,
    session: Session,
}

/// What was ordered to be pushed.
#[derive(Debug, Clone)]
struct Pushed {
    write: WriteId,
    entity: EntityId,
    data: String,
}

impl Rig {
    fn new() -> Self {
        let (ids, jitter) = Seed::from_number(1).split();
        let mut cx = Cx::new(Config::default(), ids, jitter, Time::ZERO);
        let session = Session::new(&mut cx);
        Self { cx, session }
    }

    /// A session whose list stands and whose client is connected.
    fn ready() -> (Self, EntityId) {
        let mut rig = Self::new();
        rig.session.online(&mut rig.cx);
        let list = rig.created();
        rig.open(list);
        rig.tell(Output::Context { entity: list, data: raw(FULL) });
        rig.cx.orders.clear();
        rig.session.events.clear();
        (rig, list)
    }

    fn orders(&mut self) -> Vec<Order> {
        self.cx.orders.drain(..).collect()
    }

    /// The list that was ordered to be created; nothing else was.
    fn created(&mut self) -> EntityId {
        match &self.orders()[..] {
            [Order::CreateList { entity, .. }] => *entity,
            other => panic!("{other:?}"),
        }
    }

    fn open(&mut self, list: EntityId) {
        self.tell(Output::Opened { entity: list, data: None, items: Vec::new() });
    }

    /// Everything that was ordered to be pushed; other orders are dropped.
    fn pushes(&mut self) -> Vec<Pushed> {
        let orders = self.orders().into_iter();
        let pushes = orders.filter_map(|order| match order {
            Order::Push { write, entity, data } => Some(Pushed { write, entity, data }),
            _ => None,
        });
        pushes.collect()
    }

    fn push(&mut self) -> Pushed {
        let mut pushes = self.pushes();
        assert_eq!(pushes.len(), 1, "{pushes:?}");
        pushes.remove(0)
    }

    /// The query that was ordered; nothing else was.
    fn query(&mut self) -> (QueryId, Select) {
        match &self.orders()[..] {
            [Order::Query { query, select, .. }] => (*query, select.clone()),
            other => panic!("{other:?}"),
        }
    }

    fn page(&mut self, query: QueryId, items: Vec<Item<'static>>, next: Option<&str>) {
        self.tell(Output::Page { query, items, next: next.map(Box::from), previous: None });
    }

    fn tell(&mut self, output: Output<'static>) {
        assert!(self.session.sync(&mut self.cx, output).is_none(), "the output is the session's own");
    }

    fn fail(&mut self, push: &Pushed, fate: Fate, error: CallError) {
        self.tell(Output::PushFailed { write: push.write, fate, error });
    }

    fn item(&mut self, entity: EntityId, index: u64, data: &str) {
        self.tell(Output::Item { entity, change: Change::Updated, item: item(index, data) });
    }

    fn events(&mut self) -> Vec<SessionEvent> {
        core::iter::from_fn(|| self.session.poll()).collect()
    }

    /// The one answer that waits.
    fn answer(&mut self) -> (CommandOwner, Result<Response, CallError>) {
        match &self.events()[..] {
            [SessionEvent::Answered { owner, result }] => (*owner, result.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Jumps to the next deadline and fires what is due; gives how far that was.
    fn jump(&mut self) -> Duration {
        let at = self.cx.timers.deadline().expect("something is to be waited for").at;
        let passed = at.since(self.cx.now);
        self.pass(passed);
        passed
    }

    fn pass(&mut self, time: Duration) {
        self.cx.now = self.cx.now + time;
        let mark = self.cx.timers.mark();
        while let Some(key) = self.cx.timers.take_due(self.cx.now, mark) {
            let TimerKey::Chat(ChatTimer::Session(timer)) = key else { panic!("{key:?}") };
            self.session.timer(&mut self.cx, timer);
        }
    }

    fn go_offline(&mut self) {
        self.session.offline(&mut self.cx);
    }

    fn go_online(&mut self) {
        self.session.online(&mut self.cx);
    }
}
