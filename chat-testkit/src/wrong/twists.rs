//! What can be wrong about a client: each breaks one law, in a way that a real one might.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_proto::{
    Client, Command, Config, Deadline, Event, Frame, FrameBytes, HttpId, Input, LinkId, ResumeError, Saved,
    Secret, Seed, Time, Token,
};

use super::Twist;

/// Law 1: folds equal events that wait side by side, so an app that takes them late sees fewer.
#[derive(Debug, Clone, Default)]
pub struct Folds {
    next: Option<Event>,
}

impl Twist for Folds {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        let event = self.next.take().or_else(|| client.poll_event())?;
        loop {
            self.next = client.poll_event();
            let alike = |a: &Event, b: &Event| std::mem::discriminant(a) == std::mem::discriminant(b);
            if !self.next.as_ref().is_some_and(|next| alike(next, &event)) {
                return Some(event);
            }
        }
    }
}

/// Law 2: lives through every moment that its host slept through.
#[derive(Debug, Clone, Default)]
pub struct CatchesUp;

impl Twist for CatchesUp {
    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        for _ in 0..10_000 {
            // Commands wait in the copy, so its deadline is the timers' only once they are gone.
            let mut idle = client.clone();
            while idle.poll_command().is_some() {}
            let Some(deadline) = idle.deadline().filter(|deadline| deadline.at < now) else { break };
            client.handle(deadline.at, Input::Tick);
        }
        client.handle(now, input);
    }
}

/// Law 2: takes each tick for the passing of a second.
#[derive(Debug, Clone, Default)]
pub struct CountsTicks {
    ticks: u64,
}

impl Twist for CountsTicks {
    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        if input == Input::Tick {
            self.ticks += 1;
        }
        client.handle(now + Duration::from_secs(self.ticks), input);
    }

    fn deadline(&self, client: &Client) -> Option<Deadline> {
        let deadline = client.deadline()?;
        Some(Deadline {
            at: Time::ZERO + (deadline.at - Time::ZERO).saturating_sub(Duration::from_secs(self.ticks)),
            ..deadline
        })
    }
}

/// Law 3: does not look at which socket something comes from.
#[derive(Debug, Clone, Default)]
pub struct Gullible {
    newest: Option<LinkId>,
}

impl Twist for Gullible {
    fn poll_command(&mut self, client: &mut Client) -> Option<Command> {
        let command = client.poll_command();
        if let Some(Command::Open { link, .. }) = &command {
            self.newest = Some(*link);
        }
        command
    }

    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        let newest = |link| self.newest.unwrap_or(link);
        let input = match input {
            Input::Opened(link) => Input::Opened(newest(link)),
            Input::Frame(link, frame) => Input::Frame(newest(link), frame),
            Input::Closed(link, cause) => Input::Closed(newest(link), cause),
            other => other,
        };
        client.handle(now, input);
    }
}

/// Law 4: asks to be woken a second too late.
#[derive(Debug, Clone, Default)]
pub struct Oversleeps;

impl Twist for Oversleeps {
    fn deadline(&self, client: &Client) -> Option<Deadline> {
        client.deadline().map(|deadline| Deadline { at: deadline.at + Duration::from_secs(1), ..deadline })
    }
}

/// Law 4: asks to be woken a moment too early, for ever.
#[derive(Debug, Clone, Default)]
pub struct Restless;

impl Twist for Restless {
    fn deadline(&self, client: &Client) -> Option<Deadline> {
        let moment = Duration::from_millis(1);
        client.deadline().map(|deadline| Deadline {
            at: Time::ZERO + (deadline.at - Time::ZERO).saturating_sub(moment),
            ..deadline
        })
    }
}

/// Law 5: forgets to answer, now and then.
#[derive(Debug, Clone, Default)]
pub struct Mute {
    answers: u32,
}

impl Twist for Mute {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        loop {
            let event = client.poll_event()?;
            if matches!(event, Event::Answer { .. }) {
                self.answers += 1;
                if self.answers.is_multiple_of(3) {
                    continue;
                }
            }
            return Some(event);
        }
    }
}

/// Law 5: answers twice, now and then.
#[derive(Debug, Clone, Default)]
pub struct Stutters {
    again: Option<Event>,
}

impl Twist for Stutters {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        if let Some(event) = self.again.take() {
            return Some(event);
        }
        let event = client.poll_event()?;
        if let Event::Answer { call, .. } = &event
            && call.number().is_multiple_of(3)
        {
            self.again = Some(event.clone());
        }
        Some(event)
    }
}

/// Law 6: takes its chance from somewhere else than its seed.
#[derive(Debug, Clone, Default)]
pub struct Gambles;

impl Twist for Gambles {
    fn seed(_: &Seed) -> Seed {
        static THROWN: AtomicU64 = AtomicU64::new(0);
        Seed::from_number(THROWN.fetch_add(1, Ordering::Relaxed))
    }
}

/// Law 8: keeps every frame.
#[derive(Debug, Clone, Default)]
pub struct Hoards {
    frames: Vec<Vec<u8>>,
}

impl Twist for Hoards {
    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        if let Input::Frame(_, Frame::Binary(bytes)) = &input {
            self.frames.push(bytes.to_vec());
        }
        client.handle(now, input);
    }
}

/// Law 11: loses a message that was added, now and then.
#[derive(Debug, Clone, Default)]
pub struct Loses {
    messages: u32,
}

impl Twist for Loses {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        loop {
            let event = client.poll_event()?;
            if matches!(event, Event::MessageAdded(_)) {
                self.messages += 1;
                if self.messages.is_multiple_of(3) {
                    continue;
                }
            }
            return Some(event);
        }
    }
}

/// Law 11: tells a message again.
#[derive(Debug, Clone, Default)]
pub struct Repeats {
    told: Option<Event>,
}

impl Twist for Repeats {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        let event = client.poll_event();
        match event {
            Some(Event::MessageAdded(_)) => self.told.clone_from(&event),
            None => return self.told.take(),
            _ => {}
        }
        event
    }
}

/// Law 11: tells messages in the order of their arrival, and they arrive in the wrong one.
#[derive(Debug, Clone, Default)]
pub struct Reorders {
    held: Option<Event>,
}

impl Twist for Reorders {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        let Some(event) = client.poll_event() else { return self.held.take() };
        if matches!(event, Event::MessageAdded(_)) && self.held.is_none() {
            self.held = Some(event);
            return client.poll_event().or_else(|| self.held.take());
        }
        Some(event)
    }
}

/// Law 3: takes what comes for a finished HTTP request for news of the newest one.
#[derive(Debug, Clone, Default)]
pub struct Credulous {
    newest: Option<HttpId>,
}

impl Twist for Credulous {
    fn poll_command(&mut self, client: &mut Client) -> Option<Command> {
        let command = client.poll_command();
        if let Some(Command::Http { http, .. }) = &command {
            self.newest = Some(*http);
        }
        command
    }

    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        let newest = |http| self.newest.unwrap_or(http);
        let input = match input {
            Input::HttpProgress(http, bytes) => Input::HttpProgress(newest(http), bytes),
            Input::HttpDone(http, result) => Input::HttpDone(newest(http), result),
            other => other,
        };
        client.handle(now, input);
    }
}

/// Law 7: saves once and takes that for what it is ever after.
#[derive(Debug, Clone, Default)]
pub struct Nostalgic {
    first: std::cell::OnceCell<Saved>,
}

impl Twist for Nostalgic {
    fn save(&self, client: &Client, now: Time) -> Saved {
        self.first.get_or_init(|| client.save(now)).clone()
    }
}

/// Law 7: begins from nothing, whatever it saved.
#[derive(Debug, Clone, Default)]
pub struct Forgets;

impl Twist for Forgets {
    fn resume(config: Config, token: Token, seed: &Seed, now: Time, _: Saved) -> Result<Client, ResumeError> {
        Ok(Client::new(config, token, seed, now))
    }
}

/// Law 9: miscounts what it sends, now and then: the header tells of more than there is.
#[derive(Debug, Clone, Default)]
pub struct Miscounts {
    sent: u32,
}

impl Twist for Miscounts {
    fn poll_command(&mut self, client: &mut Client) -> Option<Command> {
        let command = client.poll_command()?;
        let Command::Send { link, bytes } = command else { return Some(command) };
        self.sent += 1;
        let mut bytes = bytes.into_vec();
        if self.sent.is_multiple_of(7) {
            bytes.pop();
        }
        let text = serde_json::Value::from(String::from_utf8_lossy(&bytes));
        let bytes: FrameBytes = serde_json::from_value(text).ok()?;
        Some(Command::Send { link, bytes })
    }
}

/// Law 10: keeps a token where `Debug` shows it.
#[derive(Debug, Clone, Default)]
pub struct Blabs {
    token: String,
}

impl Twist for Blabs {
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        let event = client.poll_event();
        if let Some(Event::ContinuationToken(token)) = &event {
            token.expose_secret().clone_into(&mut self.token);
        }
        event
    }
}

/// Law 10: tells the access token in the text of an error.
#[derive(Debug, Clone, Default)]
pub struct Leaks {
    token: Option<Secret>,
}

impl Twist for Leaks {
    fn poll_command(&mut self, client: &mut Client) -> Option<Command> {
        let command = client.poll_command();
        if let Some(Command::Send { bytes, .. }) = &command
            && let Ok((header, _)) =
                chat_proto::frame::decode(bytes.as_bytes(), chat_proto::frame::FrameLimits::default())
            && let Ok(header) = serde_json::from_str::<serde_json::Value>(header)
            && let Some(token) = header["token"].as_str()
        {
            self.token = Some(Secret::new(token));
        }
        command
    }

    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        match (client.poll_event()?, &self.token) {
            (Event::ConnectionError(mut error), Some(token)) => {
                error.message = format!("{} was refused", token.expose_secret()).into();
                Some(Event::ConnectionError(error))
            }
            (event, _) => Some(event),
        }
    }
}
