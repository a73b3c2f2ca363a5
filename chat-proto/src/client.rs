//! The client: two doors, two queues, and the walk of an input through the stages.

use alloc::boxed::Box;

use crate::call::{Call, CallId, CallOptions, Cancel, Refused};
use crate::chat::Chat;
use crate::command::Command;
use crate::config::Config;
use crate::cx::Cx;
use crate::event::Event;
use crate::input::Input;
use crate::model::Identity;
use crate::saved::{Content, ResumeError, Saved, VERSION, kept, outlives};
use crate::secret::Token;
use crate::seed::Seed;
use crate::state::State;
use crate::stats::Stats;
use crate::sync::Sync;
use crate::time::{Deadline, Time, Why};
use crate::timers::TimerKey;
use crate::twilsock::{Incoming, Notice, Owner, Twilsock};

/// A chat client without any I/O: plain data that turns inputs and calls into commands and events.
///
/// `Clone` gives an independent copy, so a test may ask "what if" at any step.
#[derive(Debug, Clone)]
pub struct Client {
    cx: Cx,
    /// Whom the first access token names.
    owner: Option<Identity>,
    twilsock: Twilsock,
    sync: Sync,
    chat: Chat,
}

impl Client {
    /// A client that begins to connect at once: its first command waits. `now` is the first moment on the host's clock;
    /// every later entry brings the same clock's time.
    pub fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self {
        let (ids, jitter) = seed.split();
        let mut cx = Cx::new(config, ids, jitter, now);
        let owner = owner_of(&token);
        let twilsock = Twilsock::new(&mut cx, token);
        let sync = Sync::new();
        let chat = Chat::new(&mut cx);
        let mut client = Self { cx, owner, twilsock, sync, chat };
        client.settle();
        client
    }

    /// Everything that the client knows and has to do, to be kept somewhere: what is left of it after a crash. Take it
    /// whenever you like. An older one is as good, but then more is replayed, and calls that it has not are forgotten:
    /// see [`Config::write_ahead`].
    ///
    /// It shares the read model instead of copying it, so it is fast and small: of 1000 channels with 100 messages each
    /// it took 14 ms on a busy machine. The text is what costs: 37 MB there, in 0.2 s. So a host that stores often stores
    /// [what changed](Saved::changes_since) since a save that is stored: with one message that was sent 2.8 kB there,
    /// found and written out in 0.3 ms.
    ///
    /// [`Saved`] can be sent to another thread to be written, and only the newest is worth writing: one that was asked for
    /// while another was being written stands for all that were asked for in between.
    #[must_use]
    pub fn save(&self, now: Time) -> Saved {
        let now = now.max(self.cx.now);
        let told = self.cx.events.iter().filter_map(kept).collect();
        let chat = self.chat.save(&self.cx, &self.sync, now);
        let identity = chat.identity().or(self.owner.as_ref()).cloned();
        let saved_at = self.cx.config.unix_at_origin.map(|_| self.cx.config.unix_millis(now));
        Saved::new(Content {
            version: VERSION,
            revision: self.cx.revision,
            epoch: self.cx.epoch,
            saved_at,
            identity,
            write_ahead: self.cx.config.write_ahead,
            told,
            chat,
        })
    }

    /// A client that goes on where a save ended, of this process or an earlier one. It knows at once what the save
    /// knows; then it connects, and everything missed is told, once each and in order. Every call of the save is
    /// answered under its [`CallId`].
    ///
    /// What the earlier life may have sent is looked up, and sent again only when it surely did not arrive; that takes
    /// [`Config::late_execution`] from now. The seed may be that of the earlier life. But no two lives may begin with
    /// the same seed and the same save, unless with [`Config::write_ahead`]: they would give different things the same
    /// names.
    ///
    /// # Errors
    /// The save is another person's, or cannot be what a client with these limits saved.
    pub fn resume(
        config: Config,
        token: Token,
        seed: &Seed,
        now: Time,
        saved: Saved,
    ) -> Result<Self, ResumeError> {
        let content = saved.into_content();
        let owner = owner_of(&token);
        match (content.identity, &owner) {
            (Some(saved), Some(token)) if saved == *token => {}
            (Some(saved), Some(token)) => {
                return Err(ResumeError::OtherIdentity { saved, token: token.clone() });
            }
            _ => return Err(ResumeError::NoIdentity),
        }
        if content.chat.identity().is_some_and(|identity| Some(identity) != owner.as_ref()) {
            return Err(ResumeError::Inconsistent("its session is another person's"));
        }
        content.chat.check(&config.limits)?;
        if content.told.len()
            > config.limits.events.saturating_mul(2).saturating_add(config.limits.pending_calls)
        {
            let (size, limit) = (content.told.len(), config.limits.events);
            return Err(ResumeError::TooLarge { what: "events", size, limit });
        }
        if content.epoch == u64::MAX || content.revision > u64::MAX / 2 {
            return Err(ResumeError::Inconsistent("a counter has no next"));
        }
        let epoch = content.epoch.saturating_add(1);
        let (ids, jitter) = seed.split_for(epoch);
        let mut cx = Cx::new(config, ids, jitter, now);
        cx.epoch = epoch;
        (cx.revision, cx.stored) = (content.revision, content.revision);
        let date = cx.config.unix_at_origin.map(|_| cx.config.unix_millis(now));
        let elapsed = content.saved_at.zip(date).map_or(0, |(saved, date)| date.saturating_sub(saved));
        let elapsed = core::time::Duration::from_millis(elapsed);
        let twilsock = Twilsock::new(&mut cx, token);
        let told = content.told.into_iter().filter(outlives).collect();
        let chat = Chat::resume(&mut cx, content.chat, told, content.write_ahead, elapsed);
        let mut client = Self { cx, owner, twilsock, sync: Sync::new(), chat };
        client.settle();
        Ok(client)
    }

    /// Tells what happened in the world. It cannot fail: bad input becomes [`Event::Fault`], stale input is counted in
    /// [`Stats::stale`]. Timers that are due at `now` fire first; a `now` before the last one counts as the last one.
    pub fn handle(&mut self, now: Time, input: Input<'_>) {
        self.enter(now);
        match input {
            Input::Tick => {}
            Input::Network(network) => self.twilsock.network(&mut self.cx, network),
            Input::Opened(link) => self.twilsock.opened(&mut self.cx, link),
            Input::Closed(link, cause) => self.twilsock.closed(&mut self.cx, link, &cause),
            Input::Stored { revision } => {
                self.cx.save_stored(revision);
                self.chat.stored(&mut self.cx);
            }
            Input::HttpProgress(http, bytes) => self.chat.http_progress(&mut self.cx, http, bytes),
            Input::HttpDone(http, result) => self.chat.http_done(&mut self.cx, http, result),
            Input::Frame(link, frame) => {
                if let Some(incoming) = self.twilsock.frame(&mut self.cx, link, frame) {
                    self.incoming(incoming);
                }
            }
        }
        self.settle();
    }

    /// Asks for something. An accepted call is answered exactly once, with [`Event::Answer`]; what is wrong with its
    /// arguments is told there too.
    ///
    /// # Errors
    /// The client is shut down, or [`Limits::pending_calls`](crate::Limits::pending_calls) calls wait for their answers.
    /// The call is handed back.
    pub fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        self.enter(now);
        let accepted = self.chat.call(&mut self.cx, call, options);
        self.settle();
        accepted.map_err(|(call, reason)| Refused { call: Box::new(call), reason })
    }

    /// Withdraws a call, if that is still possible. Its answer comes either way. A call that is not known, because it was
    /// answered long ago or never made, is [`Cancel::TooLate`].
    pub fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
        self.enter(now);
        let cancel = self.chat.cancel(&mut self.cx, id);
        self.settle();
        cancel
    }

    /// The next thing for the host to do. Poll as often as you like: nothing happens in between.
    #[must_use]
    pub fn poll_command(&mut self) -> Option<Command> {
        self.cx.commands.pop_front()
    }

    /// The next thing for the app to know. Poll as often as you like.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.cx.events.pop();
        if event.is_some() && self.sync.is_behind() && self.cx.events.has_room() {
            self.cx.timers.arm(crate::sync::Timer::Behind, self.cx.now);
        }
        event
    }

    /// When to call again at the latest, with [`Input::Tick`] if nothing else happened: now, while commands wait.
    /// `None` when there is nothing to wait for. Waiting events do not count: they go at the app's pace.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        if self.cx.commands.is_empty() {
            self.cx.timers.deadline()
        } else {
            Some(Deadline { at: self.cx.now, why: Why::Commands })
        }
    }

    /// Whether the client is at its end: it was [shut down](Call::Shutdown), and nothing waits in the queues any more. A
    /// host may let go of it then.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.chat.is_over() && self.cx.commands.is_empty() && self.cx.events.is_empty()
    }

    /// Everything that the client knows.
    pub fn state(&self) -> &State {
        self.chat.state()
    }

    /// What happened so far, in numbers.
    pub fn stats(&self) -> &Stats {
        &self.cx.stats
    }

    /// Sets the clock and fires what is due, in due order, each once: a timer that is armed meanwhile waits for the
    /// next entry (law 2).
    fn enter(&mut self, now: Time) {
        if now < self.cx.now {
            self.cx.stats.clock_backwards += 1;
        } else {
            self.cx.now = now;
        }
        let mark = self.cx.timers.mark();
        while let Some(key) = self.cx.timers.take_due(self.cx.now, mark) {
            match key {
                TimerKey::Twilsock(timer) => self.twilsock.timer(&mut self.cx, timer),
                TimerKey::Sync(timer) => self.sync.timer(&mut self.cx, timer),
                TimerKey::Chat(timer) => self.chat.timer(&mut self.cx, timer),
            }
            self.settle();
        }
    }

    /// A frame's content on its way up: twilsock has acknowledged it and kept what is its own.
    fn incoming(&mut self, incoming: Incoming<'_>) {
        match incoming {
            Incoming::Notification { message_type: crate::chat::TYPING_INDICATOR, payload } => {
                self.chat.typing_indicator(&mut self.cx, payload);
            }
            Incoming::Notification { message_type, payload } => {
                for event in self.sync.notification(&mut self.cx, message_type, payload) {
                    if let Some(output) = self.sync.apply(&mut self.cx, event) {
                        self.chat.sync(&mut self.cx, output);
                    }
                    self.settle();
                }
            }
            Incoming::Reply { owner: Owner::Sync(tag), result } => {
                if let Some(output) = self.sync.reply(&mut self.cx, tag, result) {
                    self.chat.sync(&mut self.cx, output);
                }
            }
            Incoming::Reply { owner: Owner::Chat(tag), result } => self.chat.reply(&mut self.cx, tag, result),
        }
    }

    /// Empties the queues between the stages.
    fn settle(&mut self) {
        loop {
            if let Some(notice) = self.twilsock.poll() {
                self.notice(notice);
            } else if let Some(output) = self.sync.poll() {
                self.chat.sync(&mut self.cx, output);
            } else if let Some(order) = self.cx.orders.pop_front() {
                self.sync.order(&mut self.cx, order);
            } else if let Some(submit) = self.cx.submits.pop_front() {
                self.twilsock.submit(&mut self.cx, submit);
            } else if let Some(control) = self.cx.controls.pop_front() {
                self.twilsock.control(&mut self.cx, control);
            } else {
                return self.cx.give_back();
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Online => {
                self.sync.online(&mut self.cx);
                self.chat.online(&mut self.cx);
            }
            Notice::Offline => {
                self.sync.offline(&mut self.cx);
                self.chat.offline(&mut self.cx);
            }
            Notice::Failed { owner, error } => self.incoming(Incoming::Reply { owner, result: Err(error) }),
            other => self.chat.notice(&mut self.cx, other),
        }
    }
}

fn owner_of(token: &Token) -> Option<Identity> {
    token.claims()?.identity.map(|identity| Identity::new(&*identity))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::event::{ConnectionState, Reply, TokenWanted};
    use crate::frame::{self, FrameLimits};
    use crate::input::Frame;

    /// What the app is told of a service that answers `init` well or with this status, and then says this.
    fn told(status: &str, then: Option<&str>) -> Vec<Event> {
        let token = Token::new("a.b.c").unwrap();
        let mut client = Client::new(Config::default(), token, &Seed::from_number(1), Time::ZERO);
        let Some(Command::Open { link, .. }) = client.poll_command() else { panic!("it connects") };
        client.handle(Time::ZERO, Input::Opened(link));
        let Some(Command::Send { bytes, .. }) = client.poll_command() else { panic!("it introduces itself") };
        let (init, _) = frame::decode(bytes.as_bytes(), FrameLimits::default()).unwrap();
        let init: serde_json::Value = serde_json::from_str(init).unwrap();
        let answer = format!(r#"{{"method":"reply","id":{},"status":{status}}}"#, init["id"]);
        for header in [Some(&*answer), then].into_iter().flatten() {
            client.handle(Time::ZERO, Input::Frame(link, Frame::Binary(&frame::encode(header, b""))));
        }
        core::iter::from_fn(|| client.poll_event()).collect()
    }

    fn names(events: &[Event]) -> Vec<String> {
        let name =
            |event| format!("{event:?}").split(['(', ' ']).next().map(String::from).unwrap_or_default();
        events.iter().map(name).collect()
    }

    /// The order of spec 01 §3.5.
    #[test]
    fn the_new_state_is_told_before_its_reason() {
        let refused = told(r#"{"code":401,"status":"NO","errorCode":20104}"#, None);
        assert_eq!(refused[0], Event::ConnectionStateChanged(ConnectionState::Denied));
        assert_eq!(names(&refused[1..]), ["TokenExpired", "ConnectionError", "TokenWanted"]);
        assert_eq!(refused[3], Event::TokenWanted { reason: TokenWanted::Expired });

        let close =
            |code| format!(r#"{{"method":"close","id":"1","status":{{"code":{code},"status":"BYE"}}}}"#);
        let spent = told(r#"{"code":200,"status":"OK"}"#, Some(&close(410)));
        assert_eq!(spent[0], Event::ConnectionStateChanged(ConnectionState::Disconnecting));
        assert_eq!(names(&spent[1..]), ["TokenExpired", "TokenWanted"]);

        // The other way round, says the spec.
        let fatal = told(r#"{"code":200,"status":"OK"}"#, Some(&close(406)));
        assert_eq!(names(&fatal), ["ConnectionError", "ConnectionStateChanged"]);
        assert_eq!(fatal[1], Event::ConnectionStateChanged(ConnectionState::Disconnected));
    }

    #[test]
    fn it_has_ended_once_it_is_shut_down_and_all_is_told() {
        let token = Token::new("a.b.c").unwrap();
        let mut client = Client::new(Config::default(), token, &Seed::from_number(1), Time::ZERO);
        let shutdown = Call::Shutdown { drain_until: None };
        let id = client.call(Time::ZERO, shutdown, CallOptions::default()).unwrap();
        let mut last = None;
        while let Some(event) = client.poll_event() {
            assert!(!client.has_ended(), "commands wait");
            last = Some(event);
        }
        assert_eq!(last, Some(Event::Answer { call: id, result: Ok(Reply::Done) }));
        while client.poll_command().is_some() {}
        assert!(client.has_ended());
        assert_eq!(client.deadline(), None);
    }
}
