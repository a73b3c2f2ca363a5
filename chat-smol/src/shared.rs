//! What the driver and the handles share: the core behind a lock, and the ways to wake each other.
//!
//! Handles put calls straight into the core, so a call has its id at once and `state` is never out of date. All I/O, and
//! all that the core says, is the driver's alone. The lock is held for one entry of the core at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use chat_proto::{
    Call, CallError, CallId, CallOptions, Cancel, Cause, Client as Proto, Command, Deadline, Event, Input,
    LinkId, MediaId, Record, Refused, Reply, Saved, State, Stats, Time,
};
use futures_channel::oneshot;

use crate::clock::Clock;
use crate::error::Error;
use crate::events::Hub;
use crate::media::{Held, MediaStore};
use crate::record::Tape;

/// What an answer arrives through.
pub(crate) type Answer = oneshot::Receiver<Result<Reply, CallError>>;

/// An answer and who waits for it.
pub(crate) struct Delivery {
    to: oneshot::Sender<Result<Reply, CallError>>,
    result: Result<Reply, CallError>,
}

impl Delivery {
    pub(crate) fn deliver(self) {
        // Whoever dropped the future does not care.
        let _ = self.to.send(self.result);
    }
}

/// What the core said in one drain.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) commands: Vec<Command>,
    pub(crate) answers: Vec<Delivery>,
    pub(crate) events: Vec<Event>,
    /// Media that nobody needs any more.
    pub(crate) media: Vec<MediaId>,
    /// The shutdown was answered: nothing is left to do.
    pub(crate) ended: bool,
}

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) hub: Hub,
    /// What the app gave for calls that are not answered yet.
    pub(crate) media: MediaStore,
    core: Mutex<Core>,
}

/// The client itself; in this crate's own tests the referee stands before it and watches the driver.
#[cfg(not(test))]
type Door = Proto;
#[cfg(test)]
type Door = crate::tests::referee::Door;

struct Core {
    client: Door,
    /// Where all that goes in and comes out is written down.
    tape: Option<Tape>,
    /// The media of calls that are not answered yet.
    media: HashMap<CallId, MediaId>,
    pending: HashMap<CallId, oneshot::Sender<Result<Reply, CallError>>>,
    /// Calls whose answer nobody waits for.
    quiet: HashSet<CallId>,
    shutdown: Option<CallId>,
    /// When the driver ends whatever the core says.
    give_up: Option<Time>,
    released: bool,
    ended: bool,
    /// Why the service could not be verified, if that is how the last socket ended.
    untrusted: Option<Box<str>>,
    driver: Option<Waker>,
}

impl Core {
    fn write(&mut self, now: Time, record: impl FnOnce() -> Record) {
        if let Some(tape) = &mut self.tape {
            tape.add(now, record());
        }
    }

    fn handle(&mut self, now: Time, input: Input<'_>) {
        self.write(now, || Record::from(&input));
        self.client.handle(now, input);
    }

    fn call(&mut self, now: Time, call: Call, options: CallOptions) -> Result<CallId, Refused> {
        let asked = self.tape.as_ref().map(|_| Box::new(call.clone()));
        let result = self.client.call(now, call, options);
        if let Some(call) = asked {
            self.write(now, || Record::call(call, options, &result));
        }
        result
    }

    fn cancel(&mut self, now: Time, id: CallId) -> Cancel {
        self.write(now, || Record::Cancel(id));
        self.client.cancel(now, id)
    }

    fn poll_event(&mut self, now: Time) -> Option<Event> {
        let event = self.client.poll_event()?;
        self.write(now, || event.clone().into());
        Some(event)
    }

    fn poll_command(&mut self, now: Time) -> Option<Command> {
        let command = self.client.poll_command()?;
        self.write(now, || command.clone().into());
        Some(command)
    }
}

impl Shared {
    pub(crate) fn new(clock: Clock, client: Proto, tape: Option<Tape>, event_buffer: usize) -> Self {
        #[cfg(test)]
        let client = crate::tests::referee::watch(client, clock.now());
        let core = Core {
            client,
            tape,
            media: HashMap::new(),
            pending: HashMap::new(),
            quiet: HashSet::new(),
            shutdown: None,
            give_up: None,
            released: false,
            ended: false,
            untrusted: None,
            driver: None,
        };
        Self { clock, hub: Hub::new(event_buffer), media: MediaStore::default(), core: Mutex::new(core) }
    }

    /// A panic elsewhere does not make the core worse: each of its entries leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- for the handles

    pub(crate) fn call(&self, call: Call, options: CallOptions) -> Result<(CallId, Answer), Error> {
        let (to, answer) = oneshot::channel();
        let mut core = self.lock();
        if core.ended {
            return Err(Error::Ended);
        }
        let id = core.call(self.clock.now(), call, options)?;
        core.pending.insert(id, to);
        wake(core);
        Ok((id, answer))
    }

    /// As [`Shared::call`], for a call with media: they are kept until it is answered.
    pub(crate) fn call_with_media(
        &self,
        held: Held,
        call: impl FnOnce(MediaId) -> Call,
        options: CallOptions,
    ) -> Result<(CallId, Answer), Error> {
        let media = self.media.add(held);
        let (to, answer) = oneshot::channel();
        let mut core = self.lock();
        let accepted = if core.ended {
            Err(Error::Ended)
        } else {
            core.call(self.clock.now(), call(media), options).map_err(Error::from)
        };
        match accepted {
            Ok(id) => {
                core.pending.insert(id, to);
                core.media.insert(id, media);
                wake(core);
                Ok((id, answer))
            }
            Err(error) => {
                drop(core);
                self.media.remove(media);
                Err(error)
            }
        }
    }

    pub(crate) fn cancel(&self, id: CallId) -> Cancel {
        let mut core = self.lock();
        let cancel = core.cancel(self.clock.now(), id);
        wake(core);
        cancel
    }

    /// Ends the client; pending calls may go on for `drain`. The driver ends `grace` after that at the latest.
    pub(crate) fn shutdown(&self, drain: Duration, grace: Duration) {
        let mut core = self.lock();
        let now = self.clock.now();
        if core.ended || core.give_up.is_some() {
            return;
        }
        let drain_until = (!drain.is_zero()).then_some(now + drain);
        // Refused only when it has ended already, and then `give_up` ends the driver.
        core.shutdown = core.call(now, Call::Shutdown { drain_until }, CallOptions::default()).ok();
        core.give_up = Some(now + drain + grace);
        wake(core);
    }

    /// The last handle is gone: nobody can ask for anything any more.
    pub(crate) fn release(&self) {
        let mut core = self.lock();
        core.released = true;
        wake(core);
    }

    pub(crate) fn handle(&self, input: Input<'_>) {
        let mut core = self.lock();
        core.handle(self.clock.now(), input);
        wake(core);
    }

    pub(crate) fn with_state<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(self.lock().client.state())
    }

    pub(crate) fn untrusted(&self) -> Option<Box<str>> {
        self.lock().untrusted.clone()
    }

    pub(crate) fn stats(&self) -> Stats {
        *self.lock().client.stats()
    }

    /// What the referee says: what is overdue counts as long as the driver lives.
    #[cfg(test)]
    pub(crate) fn with_referee<R>(&self, ask: impl FnOnce(&mut Door) -> R) -> R {
        let mut core = self.lock();
        if !core.ended {
            core.client.look(self.clock.now());
        }
        ask(&mut core.client)
    }

    // ---- for the driver

    /// Remembers how to wake the driver, and tells whether the last handle is gone.
    pub(crate) fn attach(&self, waker: &Waker) -> bool {
        let mut core = self.lock();
        if !core.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            core.driver = Some(waker.clone());
        }
        core.released
    }

    /// As [`Shared::handle`], without waking the driver, which asks this itself.
    pub(crate) fn input(&self, input: Input<'_>) {
        self.lock().handle(self.clock.now(), input);
    }

    /// The socket is gone.
    pub(crate) fn closed(&self, link: LinkId, cause: Cause) {
        let mut core = self.lock();
        core.untrusted = match &cause {
            Cause::Untrusted(text) => Some(text.clone()),
            _ => None,
        };
        core.handle(self.clock.now(), Input::Closed(link, cause));
    }

    /// As [`Shared::call`], for calls whose answer nobody waits for.
    pub(crate) fn call_quietly(&self, call: Call) {
        let mut core = self.lock();
        if let Ok(id) = core.call(self.clock.now(), call, CallOptions::default()) {
            core.quiet.insert(id);
        }
    }

    /// All of the client, to be kept.
    pub(crate) fn save(&self) -> Saved {
        self.lock().client.save(self.clock.now())
    }

    /// Takes all that the core has to say.
    pub(crate) fn drain(&self) -> Said {
        let mut said = Said::default();
        let now = self.clock.now();
        let mut core = self.lock();
        while let Some(event) = core.poll_event(now) {
            if let Event::Answer { call, result } = event {
                let ended = core.shutdown == Some(call);
                said.ended |= ended;
                said.media.extend(core.media.remove(&call));
                if let Some(to) = core.pending.remove(&call) {
                    said.answers.push(Delivery { to, result });
                } else if !core.quiet.remove(&call) && !ended {
                    // Of an earlier process.
                    said.events.push(Event::Answer { call, result });
                }
            } else {
                said.events.push(event);
            }
        }
        while let Some(command) = core.poll_command(now) {
            said.commands.push(command);
        }
        said
    }

    /// When the core wants to be called, and when the driver ends at the latest.
    pub(crate) fn deadlines(&self) -> (Option<Deadline>, Option<Time>) {
        let core = self.lock();
        (core.client.deadline(), core.give_up)
    }

    /// The driver ends: whoever still waits hears of it.
    pub(crate) fn end(&self) {
        let pending = {
            let mut core = self.lock();
            core.ended = true;
            core.driver = None;
            std::mem::take(&mut core.pending)
        };
        drop(pending);
        self.media.clear();
        self.hub.close();
    }
}

/// Wakes the driver after the lock is released, so that it does not run into it.
fn wake(mut core: MutexGuard<'_, Core>) {
    let driver = core.driver.take();
    drop(core);
    if let Some(driver) = driver {
        driver.wake();
    }
}
