//! Goal 9: twilight, a chat client in Rust that many use. It parses a new message of the same size, and puts it in its
//! cache of 20 channels with a hundred messages each.

use std::fmt::Write;

use chat_bench::ring::SLICE;
use chat_testkit::world::Rng;
use serde::de::DeserializeSeed;
use twilight_cache_inmemory::InMemoryCache;
use twilight_model::gateway::event::{Event, GatewayEvent, GatewayEventDeserializer};

use crate::counted::Counter;

/// The names of the benchmarks.
pub(crate) const PARSE: &str = "twilight: parse";
/// See [`PARSE`].
pub(crate) const CACHE: &str = "twilight: parse and cache";

/// Messages, and a cache for them.
pub(crate) struct Peer {
    cache: InMemoryCache,
    messages: Vec<String>,
    rng: Rng,
    made: u64,
}

impl Peer {
    /// Warm: its cache holds as much as it keeps.
    pub(crate) fn new() -> Self {
        let cache = InMemoryCache::builder().message_cache_size(100).build();
        let mut peer = Self { cache, messages: Vec::new(), rng: Rng::new(1), made: 0 };
        for _ in 0..10 {
            peer.fill();
            peer.run(true);
        }
        peer.fill();
        peer
    }

    /// Makes the next messages. Not measured.
    pub(crate) fn fill(&mut self) {
        self.messages = (0..SLICE).map(|_| self.message()).collect();
    }

    /// Reads them, and keeps them if so wanted.
    pub(crate) fn run(&mut self, cache: bool) {
        for message in &self.messages {
            let event = parse(message);
            if cache {
                self.cache.update(&Event::from(event));
            } else {
                std::hint::black_box(&event);
            }
        }
    }

    /// How long a message is, on average.
    pub(crate) fn mean_size(&self) -> usize {
        self.messages.iter().map(String::len).sum::<usize>() / self.messages.len()
    }

    fn message(&mut self) -> String {
        self.made += 1;
        let (channel, person) = (self.rng.below(20), self.rng.below(1000));
        let id = 1_100_000_000_000_000_000 + self.made;
        let (channel, author) = (1_000_000_000_000_000_000 + channel, 1_050_000_000_000_000_000 + person);
        let mut text = String::new();
        let length = usize::try_from(self.rng.range(80, 200)).unwrap_or(0);
        while text.len() < length {
            let _ = write!(text, "word{} ", self.rng.below(100));
        }
        if self.rng.below(4) == 0 {
            text.push_str("\\n\u{1f389}");
        }
        let sequence = self.made;
        format!(
            r#"{{"t":"MESSAGE_CREATE","s":{sequence},"op":0,"d":{{"type":0,"tts":false,"timestamp":"2023-11-14T22:13:20.123000+00:00","pinned":false,"nonce":"{id}","mentions":[],"mention_roles":[],"mention_everyone":false,"member":{{"roles":["1060000000000000001","1060000000000000002"],"premium_since":null,"pending":false,"nick":null,"mute":false,"joined_at":"2023-01-14T22:13:20.123000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"avatar":null}},"id":"{id}","flags":0,"embeds":[],"edited_timestamp":null,"content":"{text}","components":[],"channel_id":"{channel}","author":{{"username":"person{person:04}","public_flags":0,"id":"{author}","global_name":"Person {person}","discriminator":"0","avatar":"a5d7ee1a4a6f1e0d1c2b3a4958677685"}},"attachments":[],"guild_id":"1000000000000000000"}}}}"#
        )
    }
}

/// As `twilight_gateway::parse` does it.
fn parse(message: &str) -> GatewayEvent {
    let head = GatewayEventDeserializer::from_json(message).expect("an event");
    let mut json = serde_json::Deserializer::from_str(message);
    head.deserialize(&mut json).expect("the messages are good")
}

/// Counts.
pub(crate) fn count(counter: &mut Counter<'_>) {
    for (name, cache) in [(PARSE, false), (CACHE, true)] {
        if counter.wants(name) {
            let mut peer = Peer::new();
            counter.count(name, SLICE, 8, &mut peer, Peer::fill, |peer| peer.run(cache));
        }
    }
}
