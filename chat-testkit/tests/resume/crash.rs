//! Saved at one step, lost at a later one, resumed: stories drawn by chance (laws 5, 7 and 11).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat_proto::{
    Call, CallError, CallId, CallOptions, ChannelSid, Config, Event, Identity, Json, Network, Reply, Saved,
};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::{Stage, Who, read_in_parts};
use chat_testkit::world::Rng;
use proptest::prelude::*;

use crate::story::{added, answers, channel, config, drawn, pending, send, texts, write_ahead};

/// A channel with three clients: the one that crashes, another of the same person that lives on, and somebody else.
struct Story {
    stage: Stage,
    rng: Rng,
    victim: Who,
    twin: Who,
    bob: Who,
    room: ChannelSid,
    /// Texts of the victim's, each once, by call; in the order of sending.
    sent: Vec<(CallId, String)>,
    offline: bool,
    said: u64,
}

impl Story {
    fn new(seed: u64, config: Config) -> Self {
        let mut stage = Stage::new(ServiceConfig::default());
        let victim = stage.enter_with("alice", config);
        let (twin, bob) = (stage.enter("alice"), stage.enter("bob"));
        stage.settle();
        let room = channel(&mut stage, victim);
        stage.ask(bob, Call::GetChannelBySid(room.clone())).unwrap();
        stage.ask(bob, Call::Join(room.clone())).unwrap();
        stage.settle();
        stage.take_all_events();
        let (sent, offline, said) = (Vec::new(), false, 0);
        Self { stage, rng: Rng::new(seed), victim, twin, bob, room, sent, offline, said }
    }

    fn say(&mut self) -> String {
        self.said += 1;
        self.said.to_string()
    }

    /// Somebody does something, or the network does.
    fn step(&mut self) {
        let room = self.room.clone();
        let newest = self.stage.state(self.bob).messages(&room).next_back().map(|message| message.index);
        let index = self.rng.below(newest.unwrap_or(0) + 1);
        let attributes = Json::parse(&format!(r#"{{"n":{}}}"#, self.rng.below(9))).unwrap();
        match self.rng.below(20) {
            0..=7 => self.victim_says(),
            8 | 9 => {
                let text = self.say();
                let _ = self.stage.start(self.bob, send(&room, &text));
            }
            10 => {
                let text: Box<str> = self.say().into();
                let _ = self.stage.start(self.bob, Call::UpdateMessageBody(room, index, text));
            }
            11 => {
                let _ = self.stage.start(self.bob, Call::RemoveMessage(room, index));
            }
            12 => {
                let call = if self.rng.per_mille(500) { Call::Leave(room) } else { Call::Join(room) };
                let _ = self.stage.start(self.bob, call);
            }
            13 => {
                let _ = self.stage.start(self.victim, Call::UpdateChannelAttributes(room, attributes));
            }
            14 => {
                let _ = self.stage.start(self.victim, Call::UpdateLastConsumedMessageIndex(room, newest));
            }
            15 => {
                let _ = self.stage.start(self.victim, Call::GetMembers(room));
            }
            16 => self.stage.cut(self.victim),
            17 if !self.offline => {
                self.offline = true;
                self.stage.network(self.victim, Network::Offline);
            }
            _ => {
                self.offline = false;
                self.stage.network(self.victim, Network::Online);
            }
        }
        let pause = if self.rng.per_mille(200) { self.rng.below(3_000) } else { self.rng.below(30) };
        self.stage.advance(Duration::from_millis(pause));
    }

    fn victim_says(&mut self) {
        let text = self.say();
        if let Ok(id) = self.stage.start(self.victim, send(&self.room, &text)) {
            self.sent.push((id, text));
        }
    }

    fn heal(&mut self) {
        self.stage.network(self.victim, Network::Online);
        self.stage.advance(Duration::from_mins(5));
        self.stage.settle();
    }

    /// Law 7: what a client of the same person knows that never crashed.
    fn same_state(&self) {
        let (resumed, lived) = (self.stage.state(self.victim), self.stage.state(self.twin));
        let sids = |state: &chat_proto::State| -> BTreeSet<ChannelSid> {
            state.channels().iter().map(|channel| channel.sid.clone()).collect()
        };
        assert_eq!(sids(resumed), sids(lived));
        assert_eq!(resumed.connection(), lived.connection());
        assert_eq!(resumed.identity(), lived.identity());
        assert_eq!(resumed.reachability_enabled(), lived.reachability_enabled());
        assert_eq!(resumed.user(), lived.user());
        assert_eq!(resumed.channel(&self.room), lived.channel(&self.room));
        let members = |state: &chat_proto::State| -> BTreeMap<_, _> {
            state.members(&self.room).into_iter().map(|member| (member.sid.clone(), member.clone())).collect()
        };
        assert_eq!(members(resumed), members(lived));
        let messages = |state: &chat_proto::State| state.messages(&self.room).cloned().collect::<Vec<_>>();
        assert_eq!(messages(resumed), messages(lived));
        assert_eq!(pending(&self.stage, self.victim, &self.room), [""; 0]);
    }
}

/// What a save says of the story at the moment when it was made.
struct Point {
    saved: Saved,
    unanswered: BTreeSet<CallId>,
    last: Option<u64>,
}

impl Point {
    fn of(story: &Story, saved: Saved, open: &BTreeSet<CallId>) -> Self {
        let messages = story.stage.state(story.victim).messages(&story.room);
        Self { saved, unanswered: open.clone(), last: messages.last().map(|message| message.index) }
    }
}

/// Runs a story with one crash; `late` is how many steps lie between the save and the crash.
fn crash_once(seed: u64, before: u32, late: u32, after: u32) {
    let mut story = Story::new(seed, config());
    let mut open = BTreeSet::new();
    let watch = |story: &mut Story, open: &mut BTreeSet<CallId>| {
        let known: BTreeSet<CallId> = story.sent.iter().map(|(id, _)| *id).collect();
        let told = story.stage.take_events(story.victim);
        let done: BTreeSet<CallId> = answers(&told).into_iter().map(|(id, _)| id).collect();
        open.extend(known);
        open.retain(|id| !done.contains(id));
        done
    };
    let mut ever = BTreeSet::new();
    // The save is stored in one part, or in two that may lie far from each other.
    let mut base = None;
    for step in 0..before {
        if seed.is_multiple_of(2) && step == late {
            base = Some(story.stage.save(story.victim));
        }
        story.step();
        ever.extend(watch(&mut story, &mut open));
        open.retain(|id| !ever.contains(id));
    }
    let newest = story.stage.save(story.victim);
    let saved = match &base {
        Some(base) => read_in_parts(base, &newest).unwrap(),
        None => Saved::from_json(newest.to_json().as_bytes()).unwrap(),
    };
    assert_eq!(saved, newest);
    let point = Point::of(&story, saved, &open);
    for _ in 0..late {
        story.step();
    }
    let lost: Vec<(CallId, String)> =
        story.sent.extract_if(.., |(id, _)| !point.unanswered.contains(id) && !ever.contains(id)).collect();
    story.stage.take_events(story.victim);
    story.stage.crash(story.victim, point.saved).unwrap();
    let resumed_calls = story.sent.len();
    story.offline = false;
    for _ in 0..after {
        story.step();
    }
    story.heal();
    story.same_state();

    let told = story.stage.take_events(story.victim);
    let answers = answers(&told);
    for (id, text) in &story.sent {
        let mine: Vec<_> = answers.iter().filter(|(of, _)| of == id).map(|(_, result)| result).collect();
        let expected = usize::from(point.unanswered.contains(id) || !ever.contains(id));
        assert_eq!(mine.len(), expected, "law 5: {id} {text:?} {mine:?}");
        let room = story.room.clone();
        let stands = texts(&mut story.stage, &room).iter().filter(|of| *of == text).count();
        assert!(stands <= 1, "law 11: {text:?} stands there {stands} times");
        match mine.first() {
            Some(Err(CallError::Unknown(_)) | Ok(_)) | None => {}
            Some(Err(error)) => assert_eq!(stands, 0, "law 11: {text:?} {error}"),
        }
    }
    for (_, text) in &lost {
        let room = story.room.clone();
        let stands = texts(&mut story.stage, &room).iter().filter(|of| *of == text).count();
        assert!(stands <= 1, "{text:?}, which no save had, stands there {stands} times");
    }
    let told: Vec<u64> = added(&told).iter().map(|message| message.index).collect();
    assert!(told.is_sorted_by(|a, b| a < b), "told once and in order: {told:?}");
    assert!(told.first() > point.last.as_ref() || told.is_empty(), "{told:?} after {:?}", point.last);
    in_order(&mut story, resumed_calls);
}

/// What one life sent, or took along, stands there in the order of sending.
fn in_order(story: &mut Story, resumed: usize) {
    let room = story.room.clone();
    let place: BTreeMap<String, usize> =
        texts(&mut story.stage, &room).into_iter().enumerate().map(|(n, text)| (text, n)).collect();
    let (first, second) = story.sent.split_at(resumed);
    for life in [first, second] {
        let places: Vec<usize> = life.iter().filter_map(|(_, text)| place.get(text).copied()).collect();
        assert!(places.is_sorted(), "law 11: {places:?}");
    }
}

/// An app that has a sequence to say and knows only what its client knows, which crashes again and again.
fn say_all(seed: u64, lines: u64) {
    let mut story = Story::new(seed, write_ahead());
    // The app waits until it is on the disk that it is a member: it does not join anew each time.
    story.stage.ask(story.victim, send(&story.room, "0")).unwrap();
    story.stage.settle();
    let mut quiet = 0;
    let base = story.stage.save(story.victim);
    while quiet < 3 {
        // The next line is the one after the last that the read model has, be it there or on its way.
        let state = story.stage.state(story.victim);
        let there = state.messages(&story.room).map(|message| message.body.clone());
        let on_its_way = state.pending_messages(&story.room).map(|message| message.body.clone());
        let number = |text: Option<std::sync::Arc<str>>| text.and_then(|text| text.parse::<u64>().ok());
        let last = there.chain(on_its_way).filter_map(number).max().unwrap_or(0);
        let burst = story.rng.range(1, 4).min(lines - last);
        for line in last + 1..=last + burst {
            story.stage.start(story.victim, send(&story.room, &line.to_string())).unwrap();
        }
        quiet = if burst == 0 { quiet + 1 } else { 0 };
        let pause = if quiet > 0 { 60_000 } else { story.rng.below(60) };
        story.stage.advance(Duration::from_millis(pause));
        match story.rng.below(8) {
            0..=2 => {
                if let Some(newest) = story.stage.disk(story.victim).cloned() {
                    let saved = read_in_parts(&base, &newest).unwrap();
                    assert_eq!(saved, newest);
                    story.stage.crash(story.victim, saved).unwrap();
                }
                let pause = story.rng.below(4_000);
                story.stage.advance(Duration::from_millis(pause));
            }
            3 => story.stage.cut(story.victim),
            4 => story.stage.network(story.victim, Network::Changed),
            _ => {}
        }
    }
    story.heal();
    let room = story.room.clone();
    let expected: Vec<String> = (0..=lines).map(|line| line.to_string()).collect();
    assert_eq!(texts(&mut story.stage, &room), expected);
    story.same_state();
}

proptest! {
    #![proptest_config(drawn(60))]

    #[test]
    fn a_resumed_client_ends_as_if_it_had_lived_on(
        seed in any::<u64>(), before in 0_u32..25, late in 0_u32..12, after in 0_u32..12,
    ) {
        crash_once(seed, before, late, after);
    }

    #[test]
    fn with_write_ahead_a_sequence_survives_any_crash(seed in any::<u64>(), lines in 1_u64..30) {
        say_all(seed, lines);
    }
}

/// Events of a message list wait in the client while messages before them are read. A save that was made then had them
/// neither in its read model nor after its cursor, and the next life never heard of them.
#[test]
fn events_that_wait_while_missed_messages_are_read_survive() {
    say_all(1_443_535_835_115_392_397, 9);
}

/// The judge can fail us: a client that is resumed and takes what it finds in its save for not sent doubles here, since
/// the service does not look at command ids. What this checks is that the crashes of these stories are of that kind.
#[test]
fn crashes_hit_messages_that_had_left() {
    let mut found = 0;
    for seed in 0..40 {
        let mut story = Story::new(seed, config());
        story.victim_says();
        let saved = story.stage.save(story.victim);
        let pause = story.rng.below(40);
        story.stage.advance(Duration::from_millis(pause));
        let room = story.room.clone();
        let left = !texts(&mut story.stage, &room).is_empty();
        story.stage.crash(story.victim, saved).unwrap();
        found += usize::from(left && !pending(&story.stage, story.victim, &room).is_empty());
        story.heal();
        assert_eq!(texts(&mut story.stage, &room).len(), 1);
    }
    assert!(found > 5, "{found}");
}

#[test]
fn a_seed_that_is_used_again_gives_other_command_ids() {
    let mut story = Story::new(1, write_ahead());
    let room = story.room.clone();
    for n in 0..6 {
        story.victim_says();
        story.stage.settle();
        let saved = story.stage.disk(story.victim).unwrap().clone();
        story.stage.crash(story.victim, saved).unwrap();
        story.heal();
        assert_eq!(texts(&mut story.stage, &room).len(), n + 1, "taken for one that was executed before");
    }
}

/// The deadline of a call goes on in the next life, counted by the calendar.
#[test]
fn a_deadline_is_kept() {
    let mut story = Story::new(1, config());
    story.stage.reachable(false);
    story.stage.cut(story.victim);
    let options = CallOptions { deadline: chat_proto::CallDeadline::After(Duration::from_secs(20)) };
    let call = send(&story.room, "in time or not at all");
    let id = story.stage.start_with(story.victim, call, options).unwrap();
    story.stage.advance(Duration::from_secs(12));
    let saved = story.stage.save(story.victim);
    story.stage.advance(Duration::from_secs(5));
    story.stage.crash(story.victim, saved).unwrap();
    story.stage.take_events(story.victim);
    story.stage.advance(Duration::from_millis(2_900));
    assert!(answers(&story.stage.take_events(story.victim)).is_empty());
    story.stage.advance(Duration::from_millis(200));
    let answered = answers(&story.stage.take_events(story.victim));
    assert!(matches!(&answered[..], [(of, Err(_))] if *of == id), "{answered:?}");
}

/// Events and answers that nobody took are not lost with the process.
#[test]
fn what_was_not_taken_is_told_after_the_resume() {
    use chat_proto::{Client, Seed, Time, Token};
    let token =
        Token::new(Stage::new(ServiceConfig::default()).token("alice", Duration::from_hours(1))).unwrap();
    let now = Time::from_millis(1_000);
    let mut client = Client::new(config(), token.clone(), &Seed::from_number(1), now);
    let id = client.call(now, Call::GetLocalChannels(None), CallOptions::default()).unwrap();
    let saved = client.save(now);
    assert_eq!(saved.identity(), Some(&Identity::new("alice")));
    let mut client = Client::resume(config(), token, &Seed::from_number(1), now, saved).unwrap();
    let events: Vec<Event> = std::iter::from_fn(|| client.poll_event()).collect();
    assert!(matches!(&answers(&events)[..], [(of, Ok(Reply::Channels(_)))] if *of == id), "{events:?}");
}

/// A call that was made before the client knew who it is, saved at any moment of the start, and executed afterwards.
#[test]
fn a_call_from_the_first_moments_is_never_done_twice() {
    let (mut unknown, mut ok) = (0, 0);
    for moment in 0..60 {
        let mut stage = Stage::new(ServiceConfig::default());
        let owner = stage.enter("owner");
        let room = channel(&mut stage, owner);
        stage.ask(owner, Call::Add(room.clone(), "alice".into())).unwrap();
        stage.settle();
        let alice = stage.enter_with("alice", config());
        let id = stage.start(alice, send(&room, "once")).unwrap();
        stage.advance(Duration::from_millis(2 * moment));
        let saved = stage.save(alice);
        stage.settle();
        assert_eq!(texts(&mut stage, &room), ["once"]);
        let answered = answers(&stage.take_events(alice)).len();
        stage.crash(alice, saved).unwrap();
        stage.advance(Duration::from_mins(2));
        assert_eq!(texts(&mut stage, &room), ["once"], "saved after {moment}");
        assert_eq!(pending(&stage, alice, &room), [""; 0]);
        match &answers(&stage.take_events(alice))[..] {
            [(of, Err(CallError::Unknown(_)))] if *of == id => unknown += 1,
            [(of, Ok(_))] if *of == id => ok += 1,
            [] => assert_eq!(answered, 1),
            other => panic!("{other:?}"),
        }
    }
    assert!(unknown > 0 && ok > 0, "{unknown} {ok}");
}
