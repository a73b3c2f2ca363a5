//! Clients that are deliberately wrong: a law that nothing can break checks nothing.
//!
//! Each [`Twist`] breaks one law of [`laws`](crate::laws); `chat-testkit simulate --break LAW` runs one. Write your own to
//! see whether a test of yours can fail.

mod misreads;
mod silent;
mod twists;

use std::fmt::Debug;

use chat_proto::{
    Call, CallId, CallOptions, Cancel, Client, Command, Config, Deadline, Event, Input, Refused, ResumeError,
    Saved, Seed, State, Stats, Time, Token,
};

pub use misreads::*;
pub use silent::*;
pub use twists::*;

use crate::world::Core;

/// What is wrong about a client: everything that it does not change is right.
pub trait Twist: Clone + Debug + Default {
    /// The seed that it is made with.
    fn seed(seed: &Seed) -> Seed {
        seed.clone()
    }

    /// See [`Client::resume`].
    ///
    /// # Errors
    /// As there.
    fn resume(
        config: Config,
        token: Token,
        seed: &Seed,
        now: Time,
        saved: Saved,
    ) -> Result<Client, ResumeError> {
        Client::resume(config, token, &Self::seed(seed), now, saved)
    }

    /// See [`Client::save`].
    fn save(&self, client: &Client, now: Time) -> Saved {
        client.save(now)
    }

    /// See [`Client::handle`].
    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        client.handle(now, input);
    }

    /// See [`Client::cancel`].
    fn cancel(&mut self, client: &mut Client, now: Time, id: CallId) -> Cancel {
        client.cancel(now, id)
    }

    /// See [`Client::poll_command`].
    fn poll_command(&mut self, client: &mut Client) -> Option<Command> {
        client.poll_command()
    }

    /// See [`Client::poll_event`].
    fn poll_event(&mut self, client: &mut Client) -> Option<Event> {
        client.poll_event()
    }

    /// See [`Client::deadline`].
    fn deadline(&self, client: &Client) -> Option<Deadline> {
        client.deadline()
    }
}

/// A client with a twist.
#[derive(Debug, Clone)]
pub struct Wrong<T> {
    client: Client,
    twist: T,
}

impl<T: Twist> Core for Wrong<T> {
    fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self {
        Self { client: Client::new(config, token, &T::seed(seed), now), twist: T::default() }
    }

    fn resume(
        config: Config,
        token: Token,
        seed: &Seed,
        now: Time,
        saved: Saved,
    ) -> Result<Self, ResumeError> {
        Ok(Self { client: T::resume(config, token, seed, now, saved)?, twist: T::default() })
    }

    fn save(&self, now: Time) -> Saved {
        self.twist.save(&self.client, now)
    }

    fn handle(&mut self, now: Time, input: Input<'_>) {
        self.twist.handle(&mut self.client, now, input);
    }

    fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        self.client.call(now, call, options)
    }

    fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
        self.twist.cancel(&mut self.client, now, id)
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
