//! A session of the line client: events, lines and signals, one at a time.

use std::future::{Future, pending};
use std::pin::Pin;

use async_channel::Receiver;
use chat_smol::{
    CallFuture, Channel, Client, ConnectionState, Error, Event, Events, StreamExt, StreamItem, TokenWanted,
};
use futures_lite::FutureExt;
use futures_lite::future::poll_once;

use super::command::Command;
use super::execute::{Answer, Place, execute};
use super::input::{self, Line};
use super::output::{Gone, print};
use super::show;
use super::signals::Signals;
use super::token::TokenSource;
use crate::exit::{Failure, Kind, chain, complain};

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
    /// Another token on its way into use.
    renewal: Option<CallFuture<()>>,
}

/// What happens next.
enum Turn {
    Signal(Kind),
    Event(Option<StreamItem>),
    Line(Option<Line>),
    Done(Result<Answer, String>),
    Renewed(Result<(), Error>),
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
        Ok(Self {
            client,
            events,
            lines,
            signals,
            source,
            token,
            script,
            failed: false,
            current: None,
            running: None,
            renewal: None,
        })
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
                Turn::Renewed(result) => {
                    // What waits was said of the old token.
                    self.drain().await?;
                    self.renewal = None;
                    result.map_err(|error| refused(&chain(&error)))?;
                }
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
        let Self { signals, events, lines, running, renewal, .. } = self;
        let signal = async { Turn::Signal(signals.next().await) };
        let event = async { Turn::Event(events.next().await) };
        let work = async {
            match running {
                Some(running) => Turn::Done(running.await),
                None => Turn::Line(lines.recv().await.ok()),
            }
        };
        let renewed = async {
            match renewal {
                Some(renewal) => Turn::Renewed(renewal.await),
                None => pending().await,
            }
        };
        signal.or(event).or(renewed).or(work).await
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
                self.token_event(&event)?;
            }
        }
        Ok(())
    }

    /// A token that is running out, or has: another one is looked for. Without one, the end of the old one is the end.
    fn token_event(&mut self, event: &Event) -> Result<(), End> {
        let over = match event {
            Event::TokenWanted { reason } => *reason != TokenWanted::Expiring,
            Event::TokenExpired | Event::ConnectionStateChanged(ConnectionState::Denied) => true,
            _ => return Ok(()),
        };
        if self.renewal.is_none()
            && let Some(token) = self.source.newer(&self.token)
        {
            self.token.clone_from(&token);
            self.renewal = Some(self.client.update_token(token));
        }
        if over && self.renewal.is_none() { Err(refused("a new one is needed")) } else { Ok(()) }
    }
}

fn refused(why: &str) -> End {
    let line = format!("the access token is not accepted any more: {why}");
    End::Failed(Failure::new(Kind::Refused, line))
}
