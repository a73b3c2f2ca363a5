//! A story with something of everything, told once: where a hostile service finds its clients, and what it says to them.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use chat_proto::session::What;
use chat_proto::{
    Call, Client, Command, Config, CreateChannel, Event, GetMessages, Input, InputRecord, Json, LinkId,
    MediaSid, PageRef, PushChannel, Record, Reply, Secret, SendMedia, SendMessage, Time, Token,
};
use serde_json::{Value, json};

use super::super::wishes::Known;
use super::SECRET;
use super::judge::collect;
use super::wire::{Asked, Frame, asks, read};
use crate::service::ServiceConfig;
use crate::stage::{Stage, Who};

/// A client at some moment of the story, and what its host knows.
#[derive(Debug, Clone)]
pub(in crate::fuzz) struct Scene {
    pub(in crate::fuzz) client: Client,
    pub(super) link: Option<LinkId>,
    /// Whether the socket is open; else it is asked for.
    pub(super) is_open: bool,
    /// Requests without answers.
    pub(super) asked: Vec<Asked>,
    /// HTTP requests without answers.
    pub(super) http: Vec<chat_proto::HttpId>,
}

#[derive(Debug)]
pub(in crate::fuzz) struct Rehearsal {
    pub(in crate::fuzz) now: Time,
    pub(in crate::fuzz) scenes: Vec<Scene>,
    /// What the service said: each kind of frame once or a few times.
    pub(super) frames: Vec<Frame>,
    /// The texts of all messages that anybody knew of.
    pub(super) texts: BTreeSet<String>,
    pub(in crate::fuzz) known: Known,
}

/// Small, so that a hostile service gets there.
pub(in crate::fuzz) fn config() -> Config {
    let mut config = Config::default();
    config.late_execution = Duration::from_secs(2);
    let limits = &mut config.limits;
    limits.frame_bytes = 64 << 10;
    limits.header_bytes = 16 << 10;
    limits.pending_calls = 24;
    limits.requests_in_flight = 12;
    limits.events = 64;
    limits.messages_per_channel = 8;
    limits.channels = 6;
    limits.cached_answers = 6;
    limits.http_in_flight = 2;
    limits.http_body_bytes = 4 << 10;
    config
}

impl Rehearsal {
    pub(in crate::fuzz) fn get() -> &'static Self {
        static ONCE: OnceLock<Rehearsal> = OnceLock::new();
        ONCE.get_or_init(Self::tell)
    }

    fn tell() -> Self {
        let mut stage = Stage::new(ServiceConfig::default());
        let token = format!("{}{SECRET}", stage.token("alice", Duration::from_hours(24)));
        let alice = stage.enter_as(&token, config());
        let bob = stage.enter("bob");
        let mut scenes = vec![scene(&stage, alice)];
        stage.settle();
        scenes.push(scene(&stage, alice));
        let known = told(&mut stage, alice, bob, &token);
        scenes.push(scene(&stage, alice));
        scenes.push(busy(&mut stage, alice));
        let saved = stage.save(alice);
        stage.reachable(false);
        stage.cut(alice);
        scenes.push(scene(&stage, alice));
        let resumed = stage.crash(alice, saved);
        debug_assert!(resumed.is_ok(), "its own save");
        scenes.push(scene(&stage, alice));
        stage.reachable(true);
        stage.settle();
        scenes.push(scene(&stage, alice));
        let frames = frames(&stage);
        let mut texts = BTreeSet::new();
        for frame in &frames {
            collect(&frame.payload, &mut texts);
        }
        for state in scenes.iter().map(|scene| scene.client.state()) {
            let channels = state.channels();
            let held = channels.iter().flat_map(|channel| state.messages(&channel.sid));
            texts.extend(held.filter_map(|message| message.body.as_deref().map(str::to_owned)));
        }
        Self { now: stage.now(), scenes, frames, texts, known }
    }
}

fn send(channel: &chat_proto::ChannelSid, body: &str) -> Call {
    let attributes = Json::parse(r#"{"n":1}"#).unwrap_or_default();
    Call::SendMessage(SendMessage { channel: channel.clone(), body: Some(body.into()), attributes })
}

/// Alice and bob do everything once.
fn told(stage: &mut Stage, alice: Who, bob: Who, token: &str) -> Known {
    let mut pages: Vec<PageRef> = Vec::new();
    let general = CreateChannel { unique_name: Some("general".into()), ..CreateChannel::default() };
    let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(general)) else {
        unreachable!("nothing goes wrong on a stage")
    };
    let room = channel.sid.clone();
    let seeds = json!({ "channels": 3, "identity": "alice", "also": ["bob"], "messages": 3 });
    let seeded = stage.admin("seed", &seeds);
    debug_assert!(seeded.is_ok(), "{seeded:?}");
    let media = stage.give_media(alice, *b"picture");
    let picture = SendMedia {
        channel: room.clone(),
        media,
        content_type: "image/png".into(),
        filename: Some("a.png".into()),
        attributes: Json::default(),
    };
    let of_alice = [
        Call::Join(room.clone()),
        Call::Add(room.clone(), "bob".into()),
        send(&room, "hello"),
        send(&room, "again"),
        Call::UpdateMessageBody(room.clone(), 0, "edited".into()),
        Call::SendMedia(picture),
        Call::GetUser("bob".into()),
        Call::GetUserDescriptor("bob".into()),
        Call::GetMessages(GetMessages { page_size: 1, ..GetMessages::newest(room.clone()) }),
        Call::GetPublicChannelDescriptors,
        Call::GetUserChannelDescriptors,
        Call::GetMembersCount(room.clone()),
        Call::GetUserDescriptors(room.clone()),
        Call::GetUnconsumedMessagesCount(room.clone()),
        Call::GetChannelByUniqueName("seed-00000".into()),
        Call::SetAllMessagesConsumed(room.clone()),
        Call::UpdateChannelAttributes(room.clone(), Json::parse(r#"{"topic":"tea"}"#).unwrap_or_default()),
        Call::UpdateFriendlyName(room.clone(), Some("General".into())),
        Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new(SECRET)),
        Call::RemoveMessage(room.clone(), 1),
    ];
    stage.settle();
    for call in of_alice {
        if let Ok(Reply::MessagePage(page)) = stage.ask(alice, call) {
            pages.extend([page.next, page.prev].into_iter().flatten());
        }
        stage.settle();
    }
    let sids: Vec<MediaSid> = stage
        .state(alice)
        .messages(&room)
        .filter_map(|message| Some(message.media.as_ref()?.sid.clone()))
        .collect();
    for sid in &sids {
        stage.ask(alice, Call::GetMediaUrl(sid.clone())).ok();
        stage.ask(alice, Call::DownloadMedia { media: sid.clone(), to: chat_proto::MediaId(9) }).ok();
    }
    for call in
        [send(&room, "of bob"), Call::Typing(room.clone()), Call::Leave(room.clone()), Call::Join(room)]
    {
        stage.ask(bob, call).ok();
        stage.settle();
    }
    stage.admin("user", &json!({ "identity": "bob", "friendlyName": "Bob" })).ok();
    stage.admin("ping", &json!({})).ok();
    stage.admin("tokenAboutToExpire", &json!({ "identity": "alice" })).ok();
    stage.ask(alice, Call::UpdateToken(Token::new(token).expect("it is not empty"))).ok();
    stage.settle();
    stage.admin("close", &json!({ "identity": "alice", "code": 308, "backoffMs": 50 })).ok();
    stage.settle();
    stage.advance(Duration::from_secs(5));
    stage.take_all_events();
    Known { media: sids, pages, token: Token::new(token).ok(), registration: SECRET }
}

/// With calls at all stages.
fn busy(stage: &mut Stage, alice: Who) -> Scene {
    stage.freeze(alice, true);
    let rooms: Vec<_> = stage.state(alice).channels().iter().map(|channel| channel.sid.clone()).collect();
    for room in rooms.iter().take(3) {
        for call in [
            send(room, "on its way"),
            send(room, "waits"),
            Call::GetMessages(GetMessages::newest(room.clone())),
            Call::UpdateMessageBody(room.clone(), 0, "edited again".into()),
            Call::GetMembersCount(room.clone()),
        ] {
            stage.start(alice, call).ok();
        }
    }
    stage.start(alice, Call::GetUserDescriptor("carol".into())).ok();
    stage.advance(Duration::from_secs(1));
    let scene = scene(stage, alice);
    stage.freeze(alice, false);
    stage.cut(alice);
    stage.settle();
    stage.advance(Duration::from_secs(10));
    scene
}

/// What the host of the person's newest client knows, as its tape tells.
fn scene(stage: &Stage, who: Who) -> Scene {
    let client = stage.client(who).clone();
    let mut scene = Scene { client, link: None, is_open: false, asked: Vec::new(), http: Vec::new() };
    let session = stage.session("rehearsal");
    let seats = session.header.clients.iter().enumerate();
    let mut mine =
        seats.rev().filter(|(_, of)| of.identity.as_ref().is_some_and(|name| name.as_str() == "alice"));
    let Some((seat, _)) = mine.next() else { return scene };
    for entry in session.entries.iter().filter(|entry| entry.who == seat) {
        match &entry.what {
            What::Record(Record::Command(command)) => scene.sent(command),
            What::Record(Record::Input(InputRecord::Opened(_))) => scene.is_open = true,
            What::Record(Record::Input(InputRecord::Closed(..))) => {
                (scene.link, scene.is_open) = (None, false);
            }
            What::Record(Record::Input(InputRecord::HttpDone(http, _))) => scene.http.retain(|of| of != http),
            What::Record(record) => {
                if let Some(Input::Frame(_, chat_proto::Frame::Binary(bytes))) = record.as_input()
                    && let Some(frame) = read(bytes)
                {
                    scene.asked.retain(|asked| Some(asked.id.as_str()) != frame.id());
                }
            }
            _ => {}
        }
    }
    scene
}

impl Scene {
    /// What a command means to whoever keeps book.
    pub(super) fn sent(&mut self, command: &Command) {
        match command {
            Command::Open { link, .. } => {
                (self.link, self.is_open) = (Some(*link), false);
                self.asked.clear();
            }
            Command::Close { .. } => self.is_open = false,
            Command::Send { bytes, .. } => self.asked.extend(asks(bytes.as_bytes())),
            Command::Http { http, .. } => self.http.push(*http),
            Command::CancelHttp { http } => self.http.retain(|of| of != http),
            _ => {}
        }
    }
}

/// What the service said, each kind a few times, with the request that it answers.
fn frames(stage: &Stage) -> Vec<Frame> {
    const OF_A_KIND: usize = 3;
    let session = stage.session("rehearsal");
    let mut asked: Vec<Asked> = Vec::new();
    let mut kinds: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in &session.entries {
        let What::Record(record) = &entry.what else { continue };
        if let Record::Command(Command::Send { bytes, .. }) = record {
            asked.extend(asks(bytes.as_bytes()));
        }
        let Some(Input::Frame(_, chat_proto::Frame::Binary(bytes))) = record.as_input() else { continue };
        let Some(mut frame) = read(bytes) else { continue };
        let answered = frame.id().and_then(|id| asked.iter().position(|asked| asked.id == id));
        frame.answers = answered.map(|place| asked.swap_remove(place).what).unwrap_or_default();
        hide(&mut frame.header);
        let event = frame.payload.pointer("/event_type").and_then(Value::as_str).unwrap_or_default();
        let kind = format!("{} {} {event}", frame.method(), frame.answers);
        let of_a_kind = kinds.iter().filter(|known| **known == kind).count();
        if of_a_kind < OF_A_KIND && seen.insert(frame.payload.to_string() + &kind) {
            kinds.push(kind);
            found.push(frame);
        }
    }
    found
}

/// Secrets of the service say so, to be found where they should not be.
fn hide(header: &mut Value) {
    if let Some(token) = header.get_mut("continuation_token") {
        *token = format!("continuation-{SECRET}").into();
    }
}

/// What an app heard that it may ask with.
pub(super) fn heard(known: &mut Known, event: &Event) {
    if let Event::Answer { result: Ok(Reply::MessagePage(page)), .. } = event {
        known.pages.extend([&page.next, &page.prev].into_iter().flatten().cloned());
        let too_many = known.pages.len().saturating_sub(4);
        known.pages.drain(..too_many);
    }
}
