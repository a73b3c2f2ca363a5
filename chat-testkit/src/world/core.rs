use std::fmt;

use chat_proto::{
    Call, CallId, CallOptions, Cancel, Client, Command, Config, Deadline, Event, Input, Refused, ResumeError,
    Saved, Seed, State, Stats, Time, Token,
};

/// What a world and the laws need of a client: [`Client`] itself, or a wrapper that makes it wrong, because a law that
/// nothing can break checks nothing.
pub trait Core: Clone + fmt::Debug {
    /// See [`Client::new`].
    fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self;
    /// See [`Client::resume`].
    ///
    /// # Errors
    /// The save cannot be what a client of this person saved.
    fn resume(
        config: Config,
        token: Token,
        seed: &Seed,
        now: Time,
        saved: Saved,
    ) -> Result<Self, ResumeError>;
    /// See [`Client::save`].
    fn save(&self, now: Time) -> Saved;
    /// See [`Client::handle`].
    fn handle(&mut self, now: Time, input: Input<'_>);
    /// See [`Client::call`].
    ///
    /// # Errors
    /// The client refuses the call.
    fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused>;
    /// See [`Client::cancel`].
    fn cancel(&mut self, now: Time, id: CallId) -> Cancel;
    /// See [`Client::poll_command`].
    fn poll_command(&mut self) -> Option<Command>;
    /// See [`Client::poll_event`].
    fn poll_event(&mut self) -> Option<Event>;
    /// See [`Client::deadline`].
    fn deadline(&self) -> Option<Deadline>;
    /// See [`Client::state`].
    fn state(&self) -> &State;
    /// See [`Client::stats`].
    fn stats(&self) -> &Stats;
}

/// Implements [`Core`] for a type that has all of its methods itself.
macro_rules! core_by_own_methods {
    ($type:ty $(, $of:ident: $bound:path)?) => {
        impl$(<$of: $bound>)? $crate::world::Core for $type {
            fn new(config: Config, token: Token, seed: &Seed, now: Time) -> Self {
                Self::new(config, token, seed, now)
            }

            fn resume(
                config: Config,
                token: Token,
                seed: &Seed,
                now: Time,
                saved: Saved,
            ) -> Result<Self, ResumeError> {
                Self::resume(config, token, seed, now, saved)
            }

            fn save(&self, now: Time) -> Saved {
                self.save(now)
            }

            fn handle(&mut self, now: Time, input: Input<'_>) {
                self.handle(now, input);
            }

            fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
                self.call(now, call, options)
            }

            fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
                self.cancel(now, id)
            }

            fn poll_command(&mut self) -> Option<Command> {
                self.poll_command()
            }

            fn poll_event(&mut self) -> Option<Event> {
                self.poll_event()
            }

            fn deadline(&self) -> Option<Deadline> {
                self.deadline()
            }

            fn state(&self) -> &State {
                self.state()
            }

            fn stats(&self) -> &Stats {
                self.stats()
            }
        }
    };
}

pub(crate) use core_by_own_methods;

core_by_own_methods!(Client);
