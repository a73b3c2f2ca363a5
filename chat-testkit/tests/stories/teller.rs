//! Shorter words for stories.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use chat_proto::{Call, ChannelSid, Config, CreateChannel, Json, Reply, SendMessage};
use chat_testkit::session_file::SessionFile;
use chat_testkit::stage::{Stage, Who};
use serde_json::{Value, json};

pub(crate) struct Teller {
    stage: Stage,
    pub(crate) alice: Who,
}

impl Deref for Teller {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl DerefMut for Teller {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

impl Teller {
    /// Alice is there, and the service as `config` says; it pings every 30 s as the real one does (spec 01 §2.2).
    pub(crate) fn new(config: Value) -> Self {
        let mut stage = Self::empty(config);
        let alice = stage.enter("alice");
        stage.settle();
        Self { stage, alice }
    }

    /// Nobody is there yet.
    pub(crate) fn empty(mut config: Value) -> Stage {
        config["pingIntervalMs"] = 30_000.into();
        Stage::new(serde_json::from_value(config).unwrap())
    }

    /// Alice comes in to a service that makes trouble from the beginning.
    pub(crate) fn starting(trouble: impl FnOnce(&mut Stage)) -> Self {
        let mut stage = Self::empty(json!({}));
        trouble(&mut stage);
        let alice = stage.enter("alice");
        Self { stage, alice }
    }

    /// The same with a channel that she joined.
    pub(crate) fn with_channel(config: Value) -> (Self, ChannelSid) {
        Self::new(config).joined()
    }

    /// The same with a client of hers that is set otherwise.
    pub(crate) fn with_channel_and(config: Config) -> (Self, ChannelSid) {
        let mut stage = Self::empty(json!({}));
        let alice = stage.enter_with("alice", config);
        stage.settle();
        Self { stage, alice }.joined()
    }

    fn joined(self) -> (Self, ChannelSid) {
        let mut it = self;
        let channel = it.create("general");
        it.good(it.alice, Call::Join(channel.clone()));
        it.settle();
        (it, channel)
    }

    pub(crate) fn create(&mut self, name: &str) -> ChannelSid {
        let options = CreateChannel { unique_name: Some(name.into()), ..CreateChannel::default() };
        match self.stage.ask(self.alice, Call::CreateChannel(options)) {
            Ok(Reply::Channel(channel)) => channel.sid.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn good(&mut self, who: Who, call: Call) -> Reply {
        let shown = format!("{call:?}");
        self.stage.ask(who, call).unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    pub(crate) fn bad(&mut self, who: Who, call: Call) {
        let shown = format!("{call:?}");
        let answer = self.stage.ask(who, call);
        assert!(answer.is_err(), "{shown}: {answer:?}");
    }

    pub(crate) fn say(&mut self, command: &str, arguments: &Value) -> Value {
        let shown =
            if arguments == &json!({}) { command.to_owned() } else { format!("{command} {arguments}") };
        self.stage.note(self.alice, &format!("the service is told: {shown}"));
        self.stage.admin(command, arguments).unwrap()
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.stage.advance(Duration::from_millis(ms));
    }

    pub(crate) fn end(&mut self) -> SessionFile {
        self.stage.settle();
        self.stage.session("a stage")
    }
}

pub(crate) fn message(channel: &ChannelSid, body: &str) -> Call {
    Call::SendMessage(SendMessage {
        channel: channel.clone(),
        body: Some(body.into()),
        attributes: Json::default(),
    })
}
