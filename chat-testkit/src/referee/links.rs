use std::collections::BTreeMap;

use chat_proto::{Command, Frame, Input, LinkId, Time};

use super::wire::Print;
use super::{Bounds, Kind};

/// How many sockets are remembered: what comes for older ones counts as not asked for.
const MOST_LINKS: usize = 1000;
/// How many messages of a socket are remembered, each way: beyond that the wire is not compared.
pub(super) const MOST_PRINTS: usize = 1 << 16;

/// How many of the newest sockets may owe an answer. One is opened after the other, so this is enough, and quick.
const OWING_LINKS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
    Closed,
}

/// What a socket was asked and what it told.
#[derive(Debug, Clone)]
pub(super) struct Life {
    phase: Phase,
    /// When its last `Open` or `Close` was taken, until that is answered or reported.
    owes: Option<Time>,
    /// The client was told that it is open, at any time.
    opened: bool,
    /// `Close` was taken: what is to be sent comes before it.
    pub(super) closing: bool,
    /// What was to be sent.
    pub(super) asked: Vec<Print>,
    /// What the client was told.
    pub(super) told: Vec<Print>,
}

impl Life {
    /// Whether it was ever told open.
    pub(super) fn opened(&self) -> bool {
        self.opened
    }

    /// Whether the peer's messages should still arrive.
    pub(super) fn reads(&self) -> bool {
        self.phase == Phase::Open && !self.closing
    }
}

/// All sockets that the client asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    lives: BTreeMap<LinkId, Life>,
}

impl Links {
    pub(super) fn iter(&self) -> impl Iterator<Item = (LinkId, &Life)> {
        self.lives.iter().map(|(link, life)| (*link, life))
    }

    pub(super) fn get(&self, link: LinkId) -> Option<&Life> {
        self.lives.get(&link)
    }

    /// The host took a command.
    pub(super) fn asked(&mut self, now: Time, command: &Command) {
        match command {
            Command::Open { link, .. } => {
                let life = Life {
                    phase: Phase::Opening,
                    owes: Some(now),
                    opened: false,
                    closing: false,
                    asked: Vec::new(),
                    told: Vec::new(),
                };
                self.lives.insert(*link, life);
                if self.lives.len() > MOST_LINKS {
                    self.lives.pop_first();
                }
            }
            Command::Send { link, bytes } => {
                // What comes after `Closed` was on its way: the host drops it.
                if let Some(life) = self.lives.get_mut(link).filter(|life| life.phase != Phase::Closed) {
                    keep(&mut life.asked, &Frame::Binary(bytes.as_bytes()));
                }
            }
            Command::Close { link } => {
                if let Some(life) = self.lives.get_mut(link).filter(|life| life.phase != Phase::Closed) {
                    life.closing = true;
                    life.owes = Some(now);
                }
            }
            _ => {}
        }
    }

    /// The host told something. What is wrong about it, if anything is.
    pub(super) fn told(&mut self, input: &Input<'_>) -> Option<Kind> {
        let (Input::Opened(link) | Input::Frame(link, _) | Input::Closed(link, _)) = *input else {
            return None;
        };
        let Some(life) = self.lives.get_mut(&link) else { return Some(Kind::NotAskedFor(link)) };
        match (input, life.phase) {
            (Input::Opened(_), Phase::Opening) => {
                life.phase = Phase::Open;
                life.opened = true;
                // One that was to be closed meanwhile still owes its `Closed`.
                if !life.closing {
                    life.owes = None;
                }
                None
            }
            (Input::Opened(_), Phase::Open) => Some(Kind::OpenedTwice(link)),
            (Input::Opened(_), Phase::Closed) => Some(Kind::OpenedAfterClosed(link)),
            (Input::Frame(_, frame), Phase::Open) => {
                keep(&mut life.told, frame);
                None
            }
            (Input::Frame(..), Phase::Opening) => Some(Kind::FrameBeforeOpened(link)),
            (Input::Frame(..), Phase::Closed) => Some(Kind::FrameAfterClosed(link)),
            (_, Phase::Closed) => Some(Kind::ClosedTwice(link)),
            (_, Phase::Opening | Phase::Open) => {
                life.phase = Phase::Closed;
                life.owes = None;
                None
            }
        }
    }

    /// Answers that should have come by now; each is named once.
    pub(super) fn overdue(&mut self, now: Time, bounds: &Bounds) -> Vec<Kind> {
        let late = |(link, life): (&LinkId, &mut Life)| {
            let bound = if life.closing { bounds.close } else { bounds.open };
            life.owes.filter(|since| now.since(*since) > bound)?;
            life.owes = None;
            // One that is taken back before it was answered is still not answered.
            let opening = life.phase == Phase::Opening;
            Some(if opening { Kind::OpenUnanswered(*link) } else { Kind::CloseUnanswered(*link) })
        };
        let mut kinds: Vec<Kind> = self.lives.iter_mut().rev().take(OWING_LINKS).filter_map(late).collect();
        kinds.reverse();
        kinds
    }
}

fn keep(prints: &mut Vec<Print>, frame: &Frame<'_>) {
    if prints.len() < MOST_PRINTS {
        prints.push(Print::of(frame));
    }
}
