//! A whole service, as small as it can be, with every fate that a push can have; the laws are checked after each run.

use alloc::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::seed::Jitter;

/// When the weather turns fine: from then on nothing fails any more.
const CALM: Time = Time::from_millis(240_000);
/// By when everything must be answered.
const END: Time = Time::from_millis(1_200_000);

/// What the session hears later.
#[derive(Debug, Clone)]
enum Net {
    Opened(EntityId),
    OpenFailed(EntityId),
    Context(EntityId),
    Pushed(WriteId, u64),
    PushFailed(WriteId, Fate, CallError),
    /// The service executes the item, and tells of it in this time.
    Execute(EntityId, String, Option<Duration>),
    /// The service writes the answer into the item.
    Respond(EntityId, u64),
    /// An event arrives, of the item as it was when it was sent.
    Event(EntityId, u64, String),
    Page(QueryId, Vec<(u64, String)>, Option<String>),
    QueryFailed(QueryId),
    Offline,
    Online,
    Subscribed(EntityId),
    Vanish,
    Submit,
    Withdraw,
    Abandon,
}

/// What the app knows of one of its commands.
#[derive(Debug, Default)]
struct Told {
    answers: Vec<Result<Response, CallError>>,
    withdrawn: bool,
    abandoned: Option<bool>,
    executed: u32,
    lane: Option<u64>,
}

struct World {
    rig: Rig,
    rng: Jitter,
    net: BTreeMap<(Time, u64), Net>,
    next: u64,
    online: bool,
    lists: BTreeMap<EntityId, Vec<String>>,
    /// The list that exists now.
    alive: Option<EntityId>,
    /// Pushes without an answer: a cut makes their fate unknown.
    flying: BTreeMap<WriteId, (Time, u64)>,
    /// Queries without an answer.
    asked: BTreeSet<QueryId>,
    told: Vec<Told>,
    owners: BTreeMap<String, usize>,
    executions: Vec<(u64, usize)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let (ids, _) = Seed::from_number(seed).split();
        let (_, rng) = Seed::from_number(seed ^ 0xabcd).split();
        let (_, jitter) = Seed::from_number(seed ^ 0x1234).split();
        let mut cx = Cx::new(Config::default(), ids, jitter, Time::ZERO);
        let session = Session::new(&mut cx);
        let mut world = Self {
            rig: Rig { cx, session },
            rng,
            net: BTreeMap::new(),
            next: 0,
            online: false,
            lists: BTreeMap::new(),
            alive: None,
            flying: BTreeMap::new(),
            asked: BTreeSet::new(),
            told: Vec::new(),
            owners: BTreeMap::new(),
            executions: Vec::new(),
        };
        world.later(0, Net::Online);
        for _ in 0..40 {
            let at = world.rng.below(200_000);
            world.later(at, Net::Submit);
        }
        for (times, what) in [(6, Net::Offline), (1, Net::Vanish), (4, Net::Withdraw), (4, Net::Abandon)] {
            for _ in 0..world.rng.below(times + 1) {
                let at = world.rng.below(220_000);
                world.later(at, what.clone());
            }
        }
        world
    }

    /// True with a chance of `percent`, while the weather is bad.
    fn bad(&mut self, percent: u64) -> bool {
        self.rng.below(100) < percent && self.rig.cx.now < CALM
    }

    fn later(&mut self, millis: u64, what: Net) -> (Time, u64) {
        let key = (self.rig.cx.now + Duration::from_millis(millis), self.next);
        self.next += 1;
        self.net.insert(key, what);
        key
    }

    fn soon(&mut self, what: Net) -> (Time, u64) {
        let millis = 10 + self.rng.below(500);
        self.later(millis, what)
    }

    fn run(mut self) {
        let mut steps = 0;
        loop {
            self.orders();
            self.events();
            steps += 1;
            assert!(steps < 20_000, "it goes in circles");
            let timer = self.rig.cx.timers.deadline().map(|deadline| deadline.at);
            let net = self.net.keys().next().map(|(at, _)| *at);
            let Some(at) = timer.into_iter().chain(net).min() else { break };
            if at > END {
                break;
            }
            self.rig.pass(at.since(self.rig.cx.now));
            self.orders();
            while let Some(entry) = self.net.first_entry().filter(|entry| entry.key().0 <= self.rig.cx.now) {
                let what = entry.remove();
                self.happens(what);
                self.orders();
                self.events();
            }
        }
        self.judge();
    }

    fn orders(&mut self) {
        for order in self.rig.orders() {
            match order {
                Order::CreateList { entity, .. } => {
                    let refused = self.bad(20);
                    self.soon(if refused { Net::OpenFailed(entity) } else { Net::Opened(entity) });
                }
                Order::Context { entity, .. } => {
                    self.soon(Net::Context(entity));
                }
                Order::Push { write, entity, data } => self.push(write, entity, data),
                Order::Query { query, entity, select } => {
                    let from = select.from.map_or(u64::MAX, |from| from.parse().unwrap());
                    assert!(select.descending);
                    // Between a cut's first failure and its last, one may set out; it is called back with the cut.
                    if self.online {
                        self.asked.insert(query);
                        self.read(query, entity, from, select.page_size);
                    }
                }
                Order::Page { query, entity, token } => {
                    let (from, size) = token.split_once('/').unwrap();
                    assert!(self.online);
                    self.asked.insert(query);
                    self.read(query, entity, from.parse().unwrap(), size.parse().unwrap());
                }
                Order::Forget { query } => {
                    self.asked.remove(&query);
                }
                Order::Close { .. } => {}
                other @ (Order::Open { .. } | Order::Follow { .. }) => panic!("{other:?}"),
            }
        }
    }

    /// Draws the fate of a push.
    fn push(&mut self, write: WriteId, entity: EntityId, data: String) {
        assert!(self.online, "nothing is pushed while offline");
        if self.alive != Some(entity) {
            let failed = Net::PushFailed(write, Fate::NotExecuted, sync_error(404, 54150));
            let key = self.soon(failed);
            self.flying.insert(write, key);
            return;
        }
        let late = u64::try_from(self.rig.cx.config.late_execution.as_millis()).unwrap();
        let delay = Some(Duration::from_millis(1 + self.rng.below(3000)));
        let fate = if self.rig.cx.now < CALM { self.rng.below(100) } else { 99 };
        let end = match fate {
            0..5 => Net::PushFailed(write, Fate::NotExecuted, sync_error(400, 54010)),
            5..15 => Net::PushFailed(write, Fate::NotExecuted, sync_error(429, 54009)),
            15..25 => Net::PushFailed(write, Fate::Unknown, CallError::Unknown(Phase::Sent)),
            25..45 => {
                // Executed, perhaps as late as can be, but nobody tells.
                let at = self.rng.below(late);
                self.later(at, Net::Execute(entity, data, delay));
                Net::PushFailed(write, Fate::Unknown, CallError::Unknown(Phase::Sent))
            }
            _ => {
                let index = self.execute(entity, data, delay);
                Net::Pushed(write, index)
            }
        };
        let key = self.soon(end);
        self.flying.insert(write, key);
    }

    /// The service executes an item.
    fn execute(&mut self, entity: EntityId, data: String, respond: Option<Duration>) -> u64 {
        let owner = self.owners.get(&command_id(&data)).copied();
        let owner = owner.unwrap_or_else(|| self.owner_of(&data));
        self.told[owner].executed += 1;
        if let Some(lane) = self.told[owner].lane {
            self.executions.push((lane, owner));
        }
        let items = self.lists.get_mut(&entity).unwrap();
        items.push(data);
        let index = items.len() as u64 - 1;
        if let Some(after) = respond {
            self.later(u64::try_from(after.as_millis()).unwrap(), Net::Respond(entity, index));
        }
        index
    }

    /// Commands carry their owner's number in their text, so the world can tell whose they are.
    fn owner_of(&mut self, data: &str) -> usize {
        let item: Value = serde_json::from_str(data).unwrap();
        let request = &item["request"];
        let text = request["text"].as_str().or(request["username"].as_str()).unwrap();
        let owner = text.parse().unwrap();
        self.owners.insert(command_id(data), owner);
        owner
    }

    fn read(&mut self, query: QueryId, entity: EntityId, from: u64, size: u32) {
        if self.alive != Some(entity) || self.bad(15) {
            self.soon(Net::QueryFailed(query));
            return;
        }
        let items = &self.lists[&entity];
        // Small pages, so that searches have to turn them.
        let size = u64::from(size).min(3);
        let top = from.min((items.len() as u64).wrapping_sub(1));
        let page: Vec<(u64, String)> = (0..items.len() as u64)
            .rev()
            .filter(|index| *index <= top)
            .take(usize::try_from(size).unwrap())
            .map(|index| (index, items[usize::try_from(index).unwrap()].clone()))
            .collect();
        let next =
            page.last().filter(|(index, _)| *index > 0).map(|(index, _)| format!("{}/{size}", index - 1));
        self.soon(Net::Page(query, page, next));
    }

    fn happens(&mut self, what: Net) {
        match what {
            Net::Opened(entity) => {
                if self.alive.is_none() {
                    self.lists.insert(entity, Vec::new());
                    self.alive = Some(entity);
                }
                self.rig.open(entity);
                self.soon(Net::Subscribed(entity));
            }
            Net::OpenFailed(entity) => {
                self.tell(Output::OpenFailed { entity, error: sync_error(403, 54007) });
            }
            Net::Context(entity) => self.tell(Output::Context { entity, data: raw(FULL) }),
            Net::Pushed(write, index) => {
                self.flying.remove(&write);
                self.tell(Output::Pushed { write, index });
            }
            Net::PushFailed(write, fate, error) => {
                self.flying.remove(&write);
                self.tell(Output::PushFailed { write, fate, error });
            }
            Net::Execute(entity, data, respond) => {
                if self.alive == Some(entity) {
                    let index = self.execute(entity, data.clone(), respond);
                    self.event(entity, index);
                }
            }
            Net::Respond(entity, index) => {
                if self.alive == Some(entity) {
                    let items = self.lists.get_mut(&entity).unwrap();
                    let item = &mut items[usize::try_from(index).unwrap()];
                    *item = answered(item, r#"{"status":200,"statusText":"OK"}"#);
                    self.event(entity, index);
                }
            }
            Net::Event(entity, index, data) => {
                if self.online && self.alive == Some(entity) {
                    self.rig_item(entity, index, &data);
                }
            }
            Net::Page(query, items, next) => {
                if self.asked.remove(&query) {
                    let items = items.iter().map(|(index, data)| item(*index, data)).collect();
                    self.tell(Output::Page { query, items, next: next.map(Into::into), previous: None });
                }
            }
            Net::QueryFailed(query) => {
                if self.asked.remove(&query) {
                    self.tell(Output::QueryFailed { query, error: sync_error(503, 0) });
                }
            }
            Net::Offline => self.cut(),
            Net::Online => {
                if !self.online {
                    self.online = true;
                    self.rig.go_online();
                    if let Some(entity) = self.alive {
                        self.soon(Net::Subscribed(entity));
                    }
                }
            }
            Net::Subscribed(entity) => {
                if self.online && self.alive == Some(entity) {
                    self.replay(entity);
                    self.tell(Output::Subscribed { entity });
                }
            }
            Net::Vanish => {
                if let Some(entity) = self.alive.take() {
                    self.tell(Output::Removed { entity });
                }
            }
            Net::Submit => self.submit(),
            Net::Withdraw => self.withdraw(),
            Net::Abandon => self.abandon(),
        }
    }

    fn tell(&mut self, output: Output<'static>) {
        // What is of a list long gone may be handed back.
        let _ = self.rig.session.sync(&mut self.rig.cx, output);
    }

    fn rig_item(&mut self, entity: EntityId, index: u64, data: &str) {
        self.tell(Output::Item { entity, change: Change::Updated, item: item(index, data) });
    }

    /// Some events are lost, and never come.
    fn event(&mut self, entity: EntityId, index: u64) {
        if self.online && !self.bad(15) {
            let data = self.lists[&entity][usize::try_from(index).unwrap()].clone();
            self.soon(Net::Event(entity, index, data));
        }
    }

    fn replay(&mut self, entity: EntityId) {
        for (index, data) in self.lists[&entity].clone().iter().enumerate() {
            if !self.bad(30) {
                self.rig_item(entity, index as u64, data);
            }
        }
    }

    /// Of whatever was on its way, nobody knows how far it came.
    fn cut(&mut self) {
        if !self.online {
            return;
        }
        self.online = false;
        let before = self.rng.below(2) == 0;
        if before {
            self.rig.go_offline();
        }
        for (write, key) in core::mem::take(&mut self.flying) {
            self.net.remove(&key);
            self.tell(Output::PushFailed {
                write,
                fate: Fate::Unknown,
                error: CallError::Unknown(Phase::Sent),
            });
        }
        if !before {
            self.rig.go_offline();
        }
        let millis = 100 + self.rng.below(60_000);
        self.later(millis, Net::Online);
    }

    fn submit(&mut self) {
        let number = self.told.len();
        let text = format!("{number}");
        let channel = self.rng.below(4);
        let (command, lane) = match channel {
            0 => (SessionCommand::Invite { channel: "CH0".into(), identity: (&*text).into() }, None),
            channel => (send(&format!("CH{channel}"), &text), Some(channel)),
        };
        self.told.push(Told { lane, ..Told::default() });
        self.rig.session.submit(&mut self.rig.cx, call(number as u64), command);
    }

    /// Some command that waits.
    fn some(&mut self) -> Option<usize> {
        let open = |told: &Told| told.answers.is_empty() && !told.withdrawn && told.abandoned.is_none();
        let open: Vec<usize> = (0..self.told.len()).filter(|n| open(&self.told[*n])).collect();
        let at = self.rng.below(open.len() as u64);
        open.get(usize::try_from(at).unwrap()).copied()
    }

    fn withdraw(&mut self) {
        if let Some(number) = self.some()
            && self.rig.session.withdraw(&mut self.rig.cx, call(number as u64)) == Withdrawn::Forgotten
        {
            self.told[number].withdrawn = true;
        }
    }

    fn abandon(&mut self) {
        if let Some(number) = self.some() {
            let unknown = self.rig.session.abandon(&mut self.rig.cx, call(number as u64));
            self.told[number].abandoned = Some(unknown);
        }
    }

    fn events(&mut self) {
        for event in self.rig.events() {
            if let SessionEvent::Answered { owner: CommandOwner::Call(id), result } = event {
                self.told[usize::try_from(id.number()).unwrap()].answers.push(result);
            }
        }
    }

    fn judge(&self) {
        for (number, told) in self.told.iter().enumerate() {
            let taken_back = told.withdrawn || told.abandoned.is_some();
            assert_eq!(told.answers.len(), usize::from(!taken_back), "{number}: {told:?}");
            assert!(told.executed <= 1, "{number} was executed twice: {told:?}");
            match told.answers.first() {
                Some(Ok(_)) => assert_eq!(told.executed, 1, "{number}: {told:?}"),
                Some(Err(CallError::Sync { .. })) => assert_eq!(told.executed, 0, "{number}: {told:?}"),
                Some(Err(error)) => assert_eq!(*error, CallError::Unknown(Phase::Sent), "{number}"),
                None if told.withdrawn || told.abandoned == Some(false) => {
                    assert_eq!(told.executed, 0, "{number}");
                }
                None => {}
            }
        }
        for lane in 1..4 {
            let known = |number: &usize| matches!(self.told[*number].answers.first(), Some(Ok(_)));
            let order = self.executions.iter().filter(|(of, _)| *of == lane).map(|(_, number)| *number);
            let order: Vec<usize> = order.filter(known).collect();
            assert!(order.is_sorted(), "channel {lane}: {order:?}");
        }
        assert!(self.rig.cx.timers.deadline().is_none(), "nothing is left to wait for");
    }
}

#[test]
fn whatever_happens_each_command_is_executed_at_most_once_and_answered_exactly_once() {
    for seed in 0..500 {
        let world = World::new(seed);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run()));
        assert!(result.is_ok(), "in the world of seed {seed}");
    }
}
