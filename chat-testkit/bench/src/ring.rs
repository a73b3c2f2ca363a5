//! A ring of frames of one kind, and a client that knows the rooms they are about.

use std::time::Duration;

use chat_proto::{Call, CallOptions, ChannelSid, Client, Command, Event, Frame, Input, LinkId, Time};
use serde_json::{Value, json};

use crate::frames::{Composed, Composer, Kind};
use crate::rig::{Rig, config, take_all};
use crate::{rooms, yardstick};

/// How many frames a slice has.
pub const SLICE: usize = 256;
/// How many frames come in one millisecond of the client's clock.
const FRAMES_PER_MS: usize = 16;

/// What is done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// (a): [`yardstick::scan`].
    Scan,
    /// [`yardstick::split`].
    Split,
    /// (b): [`yardstick::borrow`].
    Borrow,
    /// (b) once more, which must take as long.
    BorrowAgain,
    /// (d): [`yardstick::value`].
    Value,
    /// Everything: bytes to `handle`, all commands taken (the acknowledgement is one), all events taken.
    Core,
}

impl Work {
    /// All, in the order of the report.
    pub const ALL: [Self; 6] =
        [Self::Scan, Self::Split, Self::Borrow, Self::BorrowAgain, Self::Value, Self::Core];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scan => "(a) look at every byte",
            Self::Split => "split",
            Self::Borrow => "(b) typed, borrowed",
            Self::BorrowAgain => "(b) a second time",
            Self::Value => "(d) serde_json::Value",
            Self::Core => "core, frame to event",
        }
    }
}

/// A client that is in so many channels with so many people, and has read their messages.
#[derive(Debug, Clone)]
pub struct Place {
    client: Client,
    link: LinkId,
    now: Time,
    composer: Composer,
    rooms: Vec<ChannelSid>,
}

impl Place {
    /// Makes it. A hundred messages of each channel are kept; typing may be told as often as one likes.
    pub fn new(channels: usize, people: usize, messages: usize) -> Self {
        let mut config = config();
        config.limits.messages_per_channel = 100;
        config.limits.requests_in_flight = 2 * SLICE;
        config.typing_timeout = Some(Duration::ZERO);
        let also: Vec<Value> = (1..people).map(|n| format!("person-{n:03}").into()).collect();
        let seed = json!({ "channels": channels, "identity": "alice", "also": also });
        let mut rig = Rig::with("alice", &[seed], config, Duration::from_millis(1));
        rig.settle();
        let rooms = rooms::of(&mut rig);
        let sids = rooms.iter().map(|room| ChannelSid::from(room.sid.as_str())).collect();
        let mut place = Self {
            link: rig.link.expect("the client is connected"),
            now: rig.now,
            composer: Composer::new(1, rooms),
            rooms: sids,
            client: rig.client,
        };
        place.post(channels * messages);
        place
    }

    /// So many messages come.
    pub fn post(&mut self, messages: usize) {
        for _ in 0..messages {
            let frame = self.composer.next(Kind::Message, &mut String::new);
            self.handle(&frame.bytes);
        }
    }

    /// The client.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Now, on the client's clock.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The channels.
    pub fn rooms(&self) -> &[ChannelSid] {
        &self.rooms
    }

    /// Hands one frame in, and takes what comes out.
    pub fn handle(&mut self, bytes: &[u8]) -> u64 {
        self.client.handle(self.now, Input::Frame(self.link, Frame::Binary(bytes)));
        let (commands, events) = take_all(&mut self.client);
        commands + events
    }

    /// Tells that the own user types, and gives the id of the request that left.
    fn ask(&mut self, n: usize) -> String {
        let sid = self.rooms[n % self.rooms.len()].clone();
        self.client.call(self.now, Call::Typing(sid), CallOptions::default()).expect("there is room");
        let command = self.client.poll_command();
        let Some(Command::Send { bytes, .. }) = command else { panic!("no request left: {command:?}") };
        let (header, _) = yardstick::split(bytes.as_bytes());
        let header: Value = serde_json::from_slice(header).expect("a header");
        header["id"].as_str().expect("an id").to_owned()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Ring {
    /// What the frames are about.
    pub kind: Kind,
    /// The client.
    pub place: Place,
    composer: Composer,
    frames: Vec<Composed>,
    /// The client has seen these frames.
    handled: bool,
    asked: usize,
}

impl Ring {
    /// A ring for this client, filled once.
    pub fn new(kind: Kind, place: &Place) -> Self {
        let mut ring = Self {
            kind,
            place: place.clone(),
            composer: place.composer.clone(),
            frames: Vec::new(),
            handled: true,
            asked: 0,
        };
        if kind == Kind::Stale {
            // So that what is told again has been told.
            for _ in 0..64 {
                ring.fill(1);
                ring.core();
            }
        }
        ring.fill(SLICE);
        ring
    }

    /// Makes the next frames. Nothing of this is measured.
    pub fn fill(&mut self, count: usize) {
        if !self.handled {
            // What the client asked for is answered, whatever was measured.
            self.core();
        }
        self.handled = false;
        self.frames.clear();
        for _ in 0..count {
            let Self { place, asked, .. } = self;
            let frame = self.composer.next(self.kind, &mut || {
                *asked += 1;
                place.ask(*asked)
            });
            self.frames.push(frame);
        }
    }

    /// How long the frames are, on average.
    pub fn mean_size(&self) -> usize {
        self.frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() / self.frames.len().max(1)
    }

    /// The frames.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|frame| &*frame.bytes)
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Does the work once with every frame. The core must see each frame once only: fill in between.
    pub fn run(&mut self, work: Work) -> usize {
        let frames = self.frames.iter();
        match work {
            Work::Scan => frames.map(|frame| yardstick::scan(&frame.bytes)).sum(),
            Work::Split => frames.map(|frame| yardstick::split(&frame.bytes).0.len()).sum(),
            Work::Borrow | Work::BorrowAgain => {
                frames.map(|frame| yardstick::borrow(frame.kind, &frame.bytes)).sum()
            }
            Work::Value => frames.map(|frame| yardstick::value(&frame.bytes)).sum(),
            Work::Core => self.core(),
        }
    }

    /// Hands the frames to the client, and the events that come out to `tell`.
    pub fn run_with(&mut self, tell: &mut dyn FnMut(Event)) {
        self.handled = true;
        for frame in &self.frames {
            let Place { client, link, now, .. } = &mut self.place;
            client.handle(*now, Input::Frame(*link, Frame::Binary(&frame.bytes)));
            while let Some(event) = client.poll_event() {
                tell(event);
            }
            while client.poll_command().is_some() {}
        }
    }

    fn core(&mut self) -> usize {
        self.handled = true;
        let mut came_out = 0;
        for (n, frame) in self.frames.iter().enumerate() {
            if n % FRAMES_PER_MS == 0 {
                self.place.now = self.place.now + Duration::from_millis(1);
            }
            came_out += self.place.handle(&frame.bytes);
        }
        usize::try_from(came_out).unwrap_or(0)
    }
}
