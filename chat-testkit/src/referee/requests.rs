use std::collections::BTreeMap;

use chat_proto::{Command, HttpId, Input, Time};

use super::{Bounds, Kind};

/// How many HTTP requests are remembered: what comes for older ones is not judged.
const MOST_REQUESTS: usize = 1000;

/// A request that the host was asked to make.
#[derive(Debug, Clone, Copy)]
struct Request {
    /// When something was heard of it last, or when it was asked for.
    heard: Time,
    done: bool,
}

/// All HTTP requests that the client asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests {
    known: BTreeMap<HttpId, Request>,
    forgotten: Option<HttpId>,
}

impl Requests {
    /// The host took a command. What shows wrong by it: the client gives up only what it heard nothing of.
    pub(super) fn asked(&mut self, now: Time, command: &Command, bounds: &Bounds) -> Option<Kind> {
        match command {
            Command::Http { http, .. } => {
                self.known.insert(*http, Request { heard: now, done: false });
                if self.known.len() > MOST_REQUESTS {
                    self.forgotten = self.known.pop_first().map(|(http, _)| http);
                }
                None
            }
            Command::CancelHttp { http } => {
                let request = self.known.get_mut(http).filter(|request| !request.done)?;
                (now.since(request.heard) >= bounds.http).then_some(Kind::HttpUnanswered(*http))
            }
            _ => None,
        }
    }

    /// The host told something. What is wrong about it, if anything is. A cancelled request may still be answered.
    pub(super) fn told(&mut self, now: Time, input: &Input<'_>) -> Option<Kind> {
        let (Input::HttpProgress(http, _) | Input::HttpDone(http, _)) = input else { return None };
        let Some(request) = self.known.get_mut(http) else {
            let old = self.forgotten.is_some_and(|forgotten| *http <= forgotten);
            return (!old).then_some(Kind::HttpNotAskedFor(*http));
        };
        if request.done {
            return Some(Kind::HttpAfterDone(*http));
        }
        *request = Request { heard: now, done: matches!(input, Input::HttpDone(..)) };
        None
    }
}
