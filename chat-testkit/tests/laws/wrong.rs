//! Clients that are deliberately wrong: each breaks one law, in a way that a real one might.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_proto::{
    Call, CallId, CallOptions, Cancel, Client, Command, Config, Deadline, Event, Frame, Input, LinkId,
    Refused, Seed, State, Stats, Time, Token,
};
use chat_testkit::world::Core;

/// What is wrong about a client: everything that it does not change is right.
pub(crate) trait Twist: Clone + Debug + Default {
    fn seed(seed: &Seed) -> Seed {
        seed.clone()
    }

    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        client.handle(now, input);
    }

    fn poll_command(&mut self, client: &mut Client) -> Option<Command> {
        client.poll_command()
    }

    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        client.poll_event()
    }

    fn deadline(&self, client: &Client) -> Option<Deadline> {
        client.deadline()
    }
}

/// A client with a twist.
#[derive(Debug, Clone)]
pub(crate) struct Wrong<T> {
    client: Client,
    twist: T,
}

impl<T: Twist> Core for Wrong<T> {
    fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self {
        Self { client: Client::new(config, token, &T::seed(seed), now), twist: T::default() }
    }

    fn handle(&mut self, now: Time, input: Input<'_>) {
        self.twist.handle(&mut self.client, now, input);
    }

    fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        self.client.call(now, call, options)
    }

    fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
        self.client.cancel(now, id)
    }

    fn poll_command(&mut self) -> Option<Command> {
        self.twist.poll_command(&mut self.client)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.twist.poll_event(&mut self.client)
    }

    fn deadline(&self) -> Option<Deadline> {
        self.twist.deadline(&self.client)
    }

    fn state(&self) -> &State {
        self.client.state()
    }

    fn stats(&self) -> &Stats {
        self.client.stats()
    }
}

/// Law 1: folds equal events that wait side by side, so an app that takes them late sees fewer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folds {
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
pub(crate) struct CatchesUp;

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
pub(crate) struct CountsTicks {
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
pub(crate) struct Gullible {
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
pub(crate) struct Oversleeps;

impl Twist for Oversleeps {
    fn deadline(&self, client: &Client) -> Option<Deadline> {
        client.deadline().map(|deadline| Deadline { at: deadline.at + Duration::from_secs(1), ..deadline })
    }
}

/// Law 4: asks to be woken a moment too early, for ever.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restless;

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
pub(crate) struct Mute {
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
pub(crate) struct Stutters {
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
pub(crate) struct Gambles;

impl Twist for Gambles {
    fn seed(_: &Seed) -> Seed {
        static THROWN: AtomicU64 = AtomicU64::new(0);
        Seed::from_number(THROWN.fetch_add(1, Ordering::Relaxed))
    }
}

/// Law 8: keeps every frame.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hoards {
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
pub(crate) struct Loses {
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
pub(crate) struct Repeats {
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
pub(crate) struct Reorders {
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
