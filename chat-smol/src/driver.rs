//! The loop that turns the core: one task for each client.
//!
//! One turn: read all that the socket has, let the timers fire, hand out what the core says, and only then write, with
//! one flush for all of it. Reading never waits for writing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chat_proto::{Call, Command, ConnectionState, Event, Frame, Input, Time, TokenWanted};
use smol::Timer;

use crate::log::Log;
use crate::net::{Dialer, Link, LinkEvent};
use crate::saver::Saver;
use crate::shared::{Delivery, Shared};
use crate::token::Refresh;
use crate::transfers::Transfers;

/// How many messages are read in one turn before what they caused is written and others may run.
const MESSAGES_PER_TURN: usize = 256;

/// How many turns the task takes before it lets others run.
const TURNS: usize = 16;

pub(crate) struct Driver {
    shared: Arc<Shared>,
    dialer: Dialer,
    transfers: Transfers,
    refresh: Option<Refresh>,
    saver: Option<Saver>,
    log: Log,
    /// How long a socket may take to close, and a client beyond what it was given to shut down.
    close_timeout: Duration,
    link: Option<Link>,
    timer: Timer,
    /// What the timer was set for.
    armed: Option<Time>,
    /// The shutdown was answered.
    over: bool,
    /// The core has ended: only the last save is waited for.
    ended: bool,
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        dialer: Dialer,
        transfers: Transfers,
        refresh: Option<Refresh>,
        saver: Option<Saver>,
        log: Log,
        close_timeout: Duration,
    ) -> Self {
        Self {
            shared,
            dialer,
            transfers,
            refresh,
            saver,
            log,
            close_timeout,
            link: None,
            timer: Timer::never(),
            armed: None,
            over: false,
            ended: false,
        }
    }

    /// Reads until nothing waits. Whether more may wait.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let id = link.id();
        for _ in 0..MESSAGES_PER_TURN {
            let Poll::Ready(event) = link.poll_read(cx) else {
                return false;
            };
            match event {
                LinkEvent::Binary(bytes) => self.shared.input(Input::Frame(id, Frame::Binary(&bytes))),
                LinkEvent::Text(text) => self.shared.input(Input::Frame(id, Frame::Text(&text))),
                LinkEvent::Opened => {
                    self.log.debug(format_args!("{id} is open"));
                    self.shared.input(Input::Opened(id));
                }
                LinkEvent::Closed(cause) => {
                    self.log.debug(format_args!("{id}: {cause}"));
                    self.link = None;
                    self.shared.closed(id, cause);
                    return false;
                }
            }
        }
        true
    }

    /// Asks the token provider for what it has.
    fn token(&mut self, cx: &mut Context<'_>) -> bool {
        let token = self.refresh.as_mut().map(|refresh| refresh.poll(cx));
        let Some(Poll::Ready(token)) = token else {
            return false;
        };
        self.shared.call_quietly(Call::UpdateToken(token));
        true
    }

    /// Hands out what the core says. Whether that began something that this turn has polled already: a socket that opens
    /// or closes, a token that is fetched.
    fn hand_out(&mut self) -> bool {
        // Not kept from turn to turn: a process may hold thousands of clients, and most of them are idle.
        let said = self.shared.drain();
        let any = !(said.commands.is_empty() && said.answers.is_empty() && said.events.is_empty());
        // Answers first: whoever waits for one may not be reading events at all.
        said.answers.into_iter().for_each(Delivery::deliver);
        said.media.into_iter().for_each(|media| self.shared.media.remove(media));
        let mut begun = false;
        for event in &said.events {
            begun |= self.note(event);
        }
        self.shared.hub.publish(&said.events);
        if let Some(saver) = self.saver.as_mut().filter(|_| any) {
            saver.note();
        }
        for command in said.commands {
            begun |= matches!(command, Command::Open { .. } | Command::Close { .. });
            self.perform(command);
        }
        self.over |= said.ended;
        begun
    }

    /// What the adapter itself makes of an event. Whether a token is to be fetched.
    fn note(&mut self, event: &Event) -> bool {
        match event {
            Event::ConnectionStateChanged(state) => {
                self.log.info(format_args!("{state:?}"));
                if let (ConnectionState::Connected, Some(refresh)) = (state, &mut self.refresh) {
                    refresh.accepted();
                }
            }
            Event::ConnectionError(error) if error.terminal => self.log.error(format_args!("{error}")),
            Event::ConnectionError(error) => self.log.warn(format_args!("{error}")),
            Event::Fault(fault) => self.log.warn(format_args!("{fault}")),
            Event::TokenWanted { reason } => match &mut self.refresh {
                Some(refresh) => {
                    refresh.want(matches!(reason, TokenWanted::Rejected));
                    return true;
                }
                None => self.log.warn(format_args!("a new access token is wanted: {reason:?}")),
            },
            _ => {}
        }
        false
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { link, url } => {
                self.log.debug(format_args!("{link} opens"));
                // The core waits for `Closed` before it opens again; if ever it did not, the old socket goes.
                self.link = Some(Link::open(link, self.dialer.clone(), url));
            }
            Command::Send { link, bytes } => {
                if let Some(open) = self.link.as_mut().filter(|open| open.id() == link) {
                    open.send(bytes.into_vec());
                }
            }
            Command::Save { .. } => {
                if let Some(saver) = &mut self.saver {
                    saver.want();
                }
            }
            Command::Close { link } => {
                if let Some(open) = self.link.as_mut().filter(|open| open.id() == link) {
                    open.close(self.close_timeout);
                }
            }
            Command::Http { http, request } => {
                self.log.debug(format_args!("{http}: {request:?}"));
                self.transfers.start(&self.shared, http, request);
            }
            Command::CancelHttp { http } => {
                self.log.debug(format_args!("{http} is given up"));
                self.transfers.cancel(http);
            }
            other => self.log.error(format_args!("a command that this version does not know: {other:?}")),
        }
    }

    /// Writes and flushes. Whether that ended the socket, which reading then tells.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.link {
            Some(link) => {
                let _ = link.poll_write(cx);
                link.has_ended()
            }
            None => false,
        }
    }

    /// Fires what is due, or sets the timer. Whether anything was due; `None` when the time to shut down is over.
    fn tick(&mut self, cx: &mut Context<'_>) -> Option<bool> {
        let (deadline, give_up) = self.shared.deadlines();
        let now = self.shared.clock.now();
        if give_up.is_some_and(|at| at <= now) {
            self.log.warn(format_args!("the shutdown took too long"));
            return None;
        }
        if let Some(deadline) = deadline.filter(|deadline| deadline.at <= now) {
            self.log.trace(format_args!("due: {:?}", deadline.why));
            self.shared.input(Input::Tick);
            return Some(true);
        }
        // A timer that fires early costs one turn; setting it for each frame would cost more.
        let next = deadline.map(|deadline| deadline.at).into_iter().chain(give_up).min();
        if let Some(at) = next.filter(|at| self.armed.is_none_or(|armed| *at < armed)) {
            self.timer.set_after(self.shared.clock.sleep(at));
            self.armed = Some(at);
        }
        let fired = Pin::new(&mut self.timer).poll(cx).is_ready();
        if fired {
            self.armed = None;
        }
        Some(fired)
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        if driver.shared.attach(cx.waker()) {
            driver.shared.shutdown(Duration::ZERO, driver.close_timeout);
        }
        for _ in 0..TURNS {
            let more = driver.read(cx);
            let token = driver.token(cx);
            let begun = driver.hand_out();
            let ended = driver.write(cx);
            if driver.over && !driver.ended {
                driver.ended = true;
                if let Some(saver) = &mut driver.saver {
                    saver.want();
                }
            }
            let stored = driver.saver.as_mut().is_some_and(|saver| saver.poll(cx, &driver.shared));
            // What was given up at the end must not be done by the next process.
            if driver.ended && driver.saver.as_ref().is_none_or(Saver::is_idle) {
                return Poll::Ready(());
            }
            let Some(due) = driver.tick(cx) else {
                return Poll::Ready(());
            };
            // What was read, and what it caused, is dealt with; the socket has said that nothing more waits.
            if !(more || token || begun || ended || due || stored) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.end();
    }
}
