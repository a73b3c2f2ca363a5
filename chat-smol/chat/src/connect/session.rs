//! A session of the line client: events, lines and signals, one at a time.

use std::future::{Future, pending};
use std::pin::Pin;

use async_channel::Receiver;
use chat_smol::{Channel, Client, ConnectionState, Event, Events, StreamExt, StreamItem};
use futures_lite::FutureExt;
use futures_lite::future::poll_once;

use super::command::Command;
use super::execute::{Answer, Place, execute};
use super::input::{self, Line};
use super::output::{Gone, print};
use super::show;
use super::signals::Signals;
use super::token::TokenSource;
use crate::exit::{Failure, Kind, complain};

/// A command that is under way.
type Running = Pin<Box<dyn Future<Output = Result<Answer, String>>>>;

pub(super) struct Session {
    client: Client,
    events: Events,
    lines: Receiver<Line>,
    signals: Signals,
    source: TokenSource,
    token: String,
    /// Whether nobody sits at the keyboard: then a failed command counts.
    script: bool,
    failed: bool,
    current: Option<Channel>,
    running: Option<Running>,
}

/// What happens next.
enum Turn {
    Signal(Kind),
    Event(Option<StreamItem>),
    Line(Option<Line>),
    Done(Result<Answer, String>),
}

/// Why the session ends.
enum End {
    /// All is said.
    Quit,
    Output(Gone),
    Signal(Kind),
    Failed(Failure),
}

impl From<Gone> for End {
    fn from(gone: Gone) -> Self {
        Self::Output(gone)
    }
}

impl Session {
    pub(super) fn new(
        client: Client,
        source: TokenSource,
        token: String,
        script: bool,
        signals: Signals,
    ) -> Result<Self, Failure> {
        // From now on: what came before is shown as the state that it led to.
        let events = client.events_where(|_| true);
        let lines = input::lines()?;
        let (failed, current, running) = (false, None, None);
        Ok(Self { client, events, lines, signals, source, token, script, failed, current, running })
    }

    pub(super) async fn run(mut self) -> Result<(), Failure> {
        let end = self.talk().await;
        // A second signal does not wait for the service to answer the goodbye.
        let goodbye = async {
            self.client.shutdown().await;
            None
        };
        let again = async { Some(self.signals.next().await) };
        let again = goodbye.or(again).await;
        match (end, again) {
            (_, Some(kind)) | (End::Signal(kind), None) => Err(Failure::silent(kind)),
            (End::Failed(failure), None) => Err(failure),
            (End::Output(gone), None) => gone.into_result(),
            (End::Quit, None) if self.failed && self.script => Err(Failure::silent(Kind::Failed)),
            (End::Quit, None) => Ok(()),
        }
    }

    async fn talk(&mut self) -> End {
        match self.turns().await {
            Ok(()) => End::Quit,
            Err(end) => end,
        }
    }

    async fn turns(&mut self) -> Result<(), End> {
        self.greet()?;
        loop {
            match self.turn().await {
                Turn::Signal(kind) => return Err(End::Signal(kind)),
                Turn::Event(item) => self.event(item)?,
                Turn::Line(None) => return self.drain().await,
                Turn::Line(Some(line)) => self.line(line),
                Turn::Done(answer) => {
                    self.running = None;
                    // Events that came before the answer are shown before it.
                    self.drain().await?;
                    if self.answer(answer)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn greet(&self) -> Result<(), Gone> {
        let me = self.client.identity().map(|identity| identity.to_string()).unwrap_or_default();
        print([format!("connected as {me}; /help lists the commands")])
    }

    /// Waits for whatever comes first. No line is taken while a command is under way: they are done in order.
    async fn turn(&mut self) -> Turn {
        let Self { signals, events, lines, running, .. } = self;
        let signal = async { Turn::Signal(signals.next().await) };
        let event = async { Turn::Event(events.next().await) };
        let work = async {
            match running {
                Some(running) => Turn::Done(running.await),
                None => Turn::Line(lines.recv().await.ok()),
            }
        };
        signal.or(event).or(work).or(pending()).await
    }

    fn line(&mut self, line: Line) {
        match line.map(|line| Command::parse(&line)) {
            Ok(None) => {}
            Ok(Some(Ok(command))) => {
                let current = self.current.clone().and_then(|channel| channel.latest());
                self.running = Some(Box::pin(execute(self.client.clone(), current, command)));
            }
            Ok(Some(Err(problem))) | Err(problem) => self.complain(&problem),
        }
    }

    /// Shows what came of a command. Whether it was the last.
    fn answer(&mut self, answer: Result<Answer, String>) -> Result<bool, Gone> {
        match answer {
            Ok(answer) => {
                match answer.place {
                    Place::Same => {}
                    Place::Channel(channel) => self.current = Some(channel),
                    Place::Nowhere => self.current = None,
                }
                print(&answer.lines)?;
                Ok(answer.quit)
            }
            Err(problem) => {
                self.complain(&problem);
                Ok(false)
            }
        }
    }

    fn complain(&mut self, problem: &str) {
        self.failed = true;
        complain(&crate::text::one_line(problem));
    }

    /// Shows what has come already.
    async fn drain(&mut self) -> Result<(), End> {
        while let Some(item) = poll_once(self.events.next()).await {
            self.event(item)?;
        }
        Ok(())
    }

    fn event(&mut self, item: Option<StreamItem>) -> Result<(), End> {
        match item {
            None => return Err(End::Failed(Failure::failed("the client ended by itself"))),
            Some(StreamItem::Lagged(lost)) => print([format!("({lost} events were left out)")])?,
            Some(StreamItem::Event(event)) => {
                if let Some(line) = show::event(&self.client, &event) {
                    print([line])?;
                }
                match event {
                    Event::TokenWanted { .. } => drop(self.renew()),
                    Event::ConnectionStateChanged(ConnectionState::Denied) if !self.renew() => {
                        let line = "the service refuses the access token by now: a new one is needed";
                        return Err(End::Failed(Failure::new(Kind::Refused, line)));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Puts another token in use, if the file has one. Whether it has.
    fn renew(&mut self) -> bool {
        let Some(token) = self.source.newer(&self.token) else { return false };
        self.token.clone_from(&token);
        // Asked at once; if it is refused, the connection's state says so.
        drop(self.client.update_token(token));
        true
    }
}
