//! Stores the client when the core asks for it, and a while after something changed: one save at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chat_proto::Input;
use futures_channel::oneshot;
use smol::Timer;
use smol::lock::Mutex;

use crate::error::BoxError;
use crate::keeper::Keeper;
use crate::log::Log;
use crate::shared::Shared;
use crate::spawn::Spawn;

/// How old a save may grow when the core does not ask for one: what is missing in it is replayed by the service.
const AGE: Duration = Duration::from_secs(5);
/// How long to wait after a failure.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Saver {
    /// Only ever held by one task.
    keeper: Arc<Mutex<Keeper>>,
    spawn: Spawn,
    log: Log,
    step: Step,
    wanted: bool,
    /// Since something changed.
    aging: Option<Timer>,
}

enum Step {
    Idle,
    /// A save of this revision, in a task of its own.
    Storing(oneshot::Receiver<Result<(), BoxError>>, u64),
    Waiting(Timer),
}

impl Saver {
    pub(crate) fn new(keeper: Keeper, spawn: Spawn, log: Log) -> Self {
        let keeper = Arc::new(Mutex::new(keeper));
        Self { keeper, spawn, log, step: Step::Idle, wanted: false, aging: None }
    }

    /// A save is wanted now.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// Something changed.
    pub(crate) fn note(&mut self) {
        self.aging.get_or_insert_with(|| Timer::after(AGE));
    }

    /// Whether all that was wanted is stored.
    pub(crate) fn is_idle(&self) -> bool {
        !self.wanted && matches!(self.step, Step::Idle)
    }

    /// Does what can be done; whether the core was told of something.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared) -> bool {
        let mut told = false;
        if self.aging.as_mut().is_some_and(|timer| Pin::new(timer).poll(cx).is_ready()) {
            self.aging = None;
            self.wanted = true;
        }
        loop {
            match &mut self.step {
                Step::Idle if self.wanted => self.store(shared),
                Step::Idle => return told,
                Step::Waiting(timer) => {
                    if Pin::new(timer).poll(cx).is_pending() {
                        return told;
                    }
                    self.step = Step::Idle;
                }
                Step::Storing(done, revision) => {
                    let revision = *revision;
                    let Poll::Ready(done) = Pin::new(done).poll(cx) else { return told };
                    match done.unwrap_or_else(|oneshot::Canceled| Err("it was dropped".into())) {
                        Ok(()) => {
                            self.step = Step::Idle;
                            shared.input(Input::Stored { revision });
                            told = true;
                        }
                        Err(error) => {
                            self.log.error(format_args!("the client cannot be stored: {error}"));
                            self.wanted = true;
                            self.step = Step::Waiting(Timer::after(AGAIN));
                        }
                    }
                }
            }
        }
    }

    fn store(&mut self, shared: &Shared) {
        self.wanted = false;
        self.aging = None;
        let saved = shared.save();
        let revision = saved.revision();
        let (sender, done) = oneshot::channel();
        let keeper = self.keeper.clone();
        (self.spawn)(Box::pin(async move {
            let _ = sender.send(keeper.lock().await.store(saved).await);
        }));
        self.step = Step::Storing(done, revision);
    }
}
