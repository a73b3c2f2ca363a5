//! The access token in the connection's hands: which one the service knows, who waits for its fate, when to ask for
//! another (spec 01 §4).

use alloc::vec::Vec;
use core::time::Duration;

use super::backoff::Backoff;
use super::header::Status;
use super::{Notice, Timer};
use crate::call::CallId;
use crate::cx::Cx;
use crate::error::CallError;
use crate::event::{Event, TokenWanted};
use crate::secret::Token;

/// How long before its end a new token is asked for, at most.
const WARNING_MS: u64 = 60_000;

/// A number for each token that the app gave, counted from 1; 0 is none.
type Version = u64;

#[derive(Debug, Clone)]
pub(super) struct Tokens {
    token: Token,
    version: Version,
    /// The one that stood in the last `init` or `update`.
    sent_token: Token,
    /// The newest that stood in an `init` or `update`.
    sent: Version,
    /// The newest that the service took.
    accepted: Version,
    /// The newest that the service refused or let expire.
    refused: Version,
    refusal: Option<Status>,
    /// Calls that wait for the fate of their token or a newer one.
    waiting: Vec<(CallId, Version)>,
    /// [`Event::TokenWanted`] is out and no other token came since.
    asked: bool,
    /// Why to ask when [`Timer::TokenAsk`] fires.
    asking: Option<TokenWanted>,
    /// Tokens refused in a row: an app that always gives bad ones is asked more and more slowly.
    refusals: u32,
    patience: Backoff,
}

/// What to do about a token from the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is another one: the connection must hear of it.
    New,
    /// It is the one that is stored.
    Same,
    /// It is the one that was refused.
    Refused,
}

impl Tokens {
    pub(super) fn new(cx: &mut Cx, token: Token) -> Self {
        let tokens = Self {
            sent_token: token.clone(),
            token,
            version: 1,
            sent: 0,
            accepted: 0,
            refused: 0,
            refusal: None,
            waiting: Vec::new(),
            asked: false,
            asking: None,
            refusals: 0,
            patience: Backoff::new(cx.config.retry),
        };
        tokens.watch_expiry(cx);
        tokens
    }

    /// Stores a token.
    pub(super) fn take(&mut self, cx: &mut Cx, token: Token) -> Taken {
        if token == self.token {
            return if self.version <= self.refused { Taken::Refused } else { Taken::Same };
        }
        self.token = token;
        self.version += 1;
        self.asked = false;
        self.asking = None;
        cx.timers.cancel(Timer::TokenAsk);
        self.watch_expiry(cx);
        Taken::New
    }

    /// Lets `call` wait for the fate of the stored token.
    pub(super) fn wait(&mut self, call: CallId) {
        self.waiting.push((call, self.version));
    }

    /// The token for an `init` or `update` that is being sent.
    pub(super) fn send(&mut self) -> &str {
        self.sent = self.version;
        self.sent_token = self.token.clone();
        self.token.expose_secret()
    }

    /// Whether a newer one is stored than the service was told.
    pub(super) fn is_unsent(&self) -> bool {
        self.version > self.sent
    }

    /// Whether the stored one was not refused yet.
    pub(super) fn is_hopeful(&self) -> bool {
        self.version > self.refused
    }

    /// The service took what was sent last. Others hear of a token once it is known to be good.
    pub(super) fn accepted(&mut self) -> impl Iterator<Item = Notice> + use<> {
        let is_new = self.accepted != self.sent;
        let accepted = is_new.then(|| Notice::TokenAccepted(self.sent_token.clone()));
        self.accepted = self.sent;
        self.refusals = 0;
        self.patience.reset();
        accepted.into_iter().chain(self.answer(self.sent, &Ok(())))
    }

    /// The service refused what was sent last.
    pub(super) fn rejected(&mut self, status: Status) -> impl Iterator<Item = Notice> + use<> {
        self.end_of(self.sent, status)
    }

    /// The service does not bear the token any more that it goes by. While an `update` is under way that is the older
    /// one: the newer may still be good.
    pub(super) fn spent(&mut self, updating: bool, status: Status) -> impl Iterator<Item = Notice> + use<> {
        let version = if updating { self.accepted } else { self.sent };
        self.end_of(version, status)
    }

    fn end_of(&mut self, version: Version, status: Status) -> impl Iterator<Item = Notice> + use<> {
        self.refused = self.refused.max(version);
        self.refusals = self.refusals.saturating_add(1);
        let error = Err(refusal(&status));
        self.refusal = Some(status);
        self.answer(version, &error)
    }

    /// What became of what was sent last is an error of another kind.
    pub(super) fn failed(&mut self, error: CallError) -> impl Iterator<Item = Notice> + use<> {
        self.answer(self.sent, &Err(error))
    }

    /// Nobody's token will have a fate any more.
    pub(super) fn abandon(&mut self, error: CallError) -> impl Iterator<Item = Notice> + use<> {
        self.answer(Version::MAX, &Err(error))
    }

    /// Answers everybody who waits for `version` or an older one.
    fn answer(
        &mut self,
        version: Version,
        result: &Result<(), CallError>,
    ) -> impl Iterator<Item = Notice> + use<> {
        let (done, rest): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|(_, of)| *of <= version);
        self.waiting = rest;
        let result = result.clone();
        done.into_iter().map(move |(call, _)| Notice::TokenUpdated { call, result: result.clone() })
    }

    /// The error for somebody who brings the refused token again.
    pub(super) fn refusal(&self) -> CallError {
        let none = Status { code: 401, message: "refused before".into(), error_code: None };
        refusal(self.refusal.as_ref().unwrap_or(&none))
    }

    /// Asks the app for another token, once until one comes: with the event that this gives.
    pub(super) fn ask(&mut self, cx: &mut Cx, reason: TokenWanted) -> Option<Event> {
        if self.asked
            || self.asking.is_some()
            || self.version > self.refused && reason != TokenWanted::Expiring
        {
            return None;
        }
        if reason != TokenWanted::Expiring && self.refusals > 1 {
            let wait = self.patience.next(&mut cx.jitter);
            self.asking = Some(reason);
            cx.timers.arm(Timer::TokenAsk, cx.now + wait);
            return None;
        }
        self.asked = true;
        Some(Event::TokenWanted { reason })
    }

    /// [`Timer::TokenAsk`] fired.
    pub(super) fn ask_now(&mut self) -> Option<Event> {
        let reason = self.asking.take()?;
        self.asked = true;
        Some(Event::TokenWanted { reason })
    }

    /// Arms the warning: a minute before the end, or a quarter of a short life. It needs a date and a readable `exp`.
    fn watch_expiry(&self, cx: &mut Cx) {
        cx.timers.cancel(Timer::Token);
        let expires_at = self.token.claims().and_then(|claims| claims.expires_at);
        let (Some(expires_at), Some(_)) = (expires_at, cx.config.unix_at_origin) else { return };
        let left = expires_at.saturating_mul(1000).saturating_sub(cx.config.unix_millis(cx.now));
        if left > 0 {
            let wait = left - WARNING_MS.min(left / 4);
            cx.timers.arm(Timer::Token, cx.now + Duration::from_millis(wait));
        }
    }
}

fn refusal(status: &Status) -> CallError {
    CallError::TokenRejected {
        status: status.code,
        code: status.error_code.unwrap_or(0),
        message: status.message.clone(),
    }
}
