//! Frames of the service: acknowledged first, then acted on.

use alloc::borrow::Cow;

use super::header::{Header, Status, backoff_policy, parse, short};
use super::table::{On, State};
use super::{HttpReply, Incoming, Link, Twilsock, outgoing};
use crate::config::message_types;
use crate::cx::Cx;
use crate::error::{CallError, ConnectionError, Fault, FrameError};
use crate::event::{Event, TokenWanted};
use crate::frame::{self, FrameLimits};
use crate::input::{Frame, LinkId};
use crate::secret::Secret;

/// The token has expired (spec 01 §2.10).
const TOKEN_EXPIRED: i64 = 20104;
/// The token is not acceptable any more (spec 01 §2.10).
const UPDATE_IS_FORBIDDEN: i64 = 51232;

impl Twilsock {
    pub(super) fn inbound<'a>(
        &mut self,
        cx: &mut Cx,
        link: LinkId,
        frame: Frame<'a>,
    ) -> Option<Incoming<'a>> {
        cx.stats.frames_in += 1;
        if self.link != Link::Open(link) {
            cx.stats.stale += 1;
            return None;
        }
        self.heard(cx);
        let bytes = match frame {
            Frame::Binary(bytes) => bytes,
            Frame::Text(text) => {
                fault(cx, Fault::TextMessage(text.len()));
                return None;
            }
        };
        let limits = FrameLimits {
            frame_bytes: cx.config.limits.frame_bytes,
            header_bytes: cx.config.limits.header_bytes,
        };
        let raw = match frame::split(bytes, limits) {
            Ok(raw) => raw,
            Err(error) => return self.malformed(cx, error),
        };
        let header = match parse(raw.header) {
            Ok(header) => header,
            Err(unreadable) => {
                if let Some(id) = unreadable.owed {
                    self.acknowledge(cx, &id);
                }
                return self.malformed(cx, unreadable.error);
            }
        };
        let is_reply = header.method == "reply";
        if !is_reply {
            self.acknowledge(cx, &header.id);
        }
        let payload = match raw.payload(header.payload_size, limits) {
            Ok(payload) => {
                self.malformed = 0;
                payload
            }
            Err(error) => {
                self.malformed::<()>(cx, error);
                if header.method == "notification" {
                    return None;
                }
                // The header says enough; who waits for the payload finds that it is cut.
                raw.rest
            }
        };
        if is_reply { self.reply(cx, &header, payload) } else { self.dispatch(cx, header, payload) }
    }

    fn acknowledge(&mut self, cx: &mut Cx, id: &str) {
        cx.stats.acks_out += 1;
        self.send(cx, outgoing::ack(id));
    }

    /// Counts an undecodable frame; a few in a row cost the socket (spec 01 §8 #6).
    fn malformed<T>(&mut self, cx: &mut Cx, error: FrameError) -> Option<T> {
        cx.stats.frames_malformed += 1;
        fault(cx, Fault::MalformedFrame(error));
        self.malformed = self.malformed.saturating_add(1);
        if self.malformed >= cx.config.limits.malformed_frames.max(1) {
            self.trouble(cx, "the service sends frames that cannot be decoded");
            self.fire(cx, On::Gibberish);
        }
        None
    }

    fn dispatch<'a>(&mut self, cx: &mut Cx, header: Header<'a>, payload: &'a [u8]) -> Option<Incoming<'a>> {
        match &*header.method {
            "notification" => {
                cx.stats.notifications += 1;
                let message_type = match header.message_type? {
                    Cow::Borrowed(text) => text,
                    // Escaped, so it cannot be borrowed; only types that were subscribed matter.
                    Cow::Owned(text) => message_types().into_iter().find(|known| *known == text)?,
                };
                return Some(Incoming::Notification { message_type, payload });
            }
            "client_update" => {
                if header.client_update_type.as_deref() == Some("token_about_to_expire") {
                    tell(cx, Event::TokenAboutToExpire);
                    let wanted = self.tokens.ask(cx, TokenWanted::Expiring);
                    cx.events.extend(wanted);
                }
            }
            "close" => self.closed_by_service(cx, header.status(), payload),
            // The acknowledgement is the whole answer.
            "ping" => {}
            other => fault(cx, Fault::UnknownMethod(short(other))),
        }
        None
    }

    fn reply<'a>(&mut self, cx: &mut Cx, header: &Header<'_>, payload: &'a [u8]) -> Option<Incoming<'a>> {
        let status = header.status();
        if self.awaited.as_deref() == Some(&*header.id) {
            self.awaited = None;
            cx.timers.cancel(super::Timer::Reply);
            match self.state {
                State::Initialising => self.initialised(cx, header, status, payload),
                State::Updating => self.updated(cx, status, payload),
                _ => {}
            }
            None
        } else if self.context.awaits(&header.id) {
            self.context.answered(cx, status.is_success());
            self.announce();
            None
        } else {
            let reply = HttpReply { status: header.http_status(), body: payload };
            let incoming = self.upstream.reply(cx, &header.id, &status, reply);
            self.flush(cx);
            incoming
        }
    }

    /// The answer to `init` (spec 01 §4.4).
    fn initialised(&mut self, cx: &mut Cx, header: &Header<'_>, status: Status, payload: &[u8]) {
        if !status.is_success() {
            let on = if status.code == 500 { On::InitBroken } else { On::InitError };
            return self.refused(cx, status, payload, on);
        }
        // A reply without one keeps the one that is known (spec 01 §4.5).
        if let Some(token) = header.continuation_token.as_deref().filter(|token| !token.is_empty())
            && self.continuation_token.as_ref().map(Secret::expose_secret) != Some(token)
        {
            let token = Secret::new(token);
            self.continuation_token = Some(token.clone());
            cx.events.push_newest(Event::ContinuationToken(token), |event| {
                matches!(event, Event::ContinuationToken(_))
            });
        }
        self.notices.extend(self.tokens.accepted());
        self.fire(cx, On::InitSuccess);
    }

    /// The answer to `update` (spec 01 §4.3).
    fn updated(&mut self, cx: &mut Cx, status: Status, payload: &[u8]) {
        if !status.is_success() {
            return self.refused(cx, status, payload, On::UpdateError);
        }
        self.notices.extend(self.tokens.accepted());
        self.fire(cx, On::UpdateSuccess);
    }

    /// `init` or `update` was refused: for the token's sake, or else `on`.
    fn refused(&mut self, cx: &mut Cx, status: Status, payload: &[u8], on: On) {
        if matches!(status.code, 401 | 403) {
            self.notices.extend(self.tokens.rejected(status.clone()));
            self.token_refused(cx, status, On::TokenRejected);
            return;
        }
        if status.code == 429
            && let Some(ms) = backoff_policy(payload)
        {
            self.backoff.impose(ms);
        }
        let error = CallError::Transport {
            status: status.code,
            code: status.error_code.unwrap_or(0),
            message: status.message.clone(),
        };
        self.notices.extend(self.tokens.failed(error));
        self.fire_for(cx, on, heard(cx, Event::ConnectionError(connection_error(false, status))));
    }

    /// The token in use is worth nothing any more; its refusal is noted already.
    fn token_refused(&mut self, cx: &mut Cx, status: Status, on: On) {
        let expired = status.error_code == Some(TOKEN_EXPIRED);
        let error = connection_error(!self.tokens.is_hopeful(), status);
        let reasons = [
            expired.then_some(Event::TokenExpired).and_then(|event| heard(cx, event)),
            heard(cx, Event::ConnectionError(error)),
            self.tokens.ask(cx, if expired { TokenWanted::Expired } else { TokenWanted::Rejected }),
        ];
        self.fire_for(cx, on, reasons.into_iter().flatten());
    }

    /// `close` of the service (spec 01 §2.9).
    fn closed_by_service(&mut self, cx: &mut Cx, status: Status, payload: &[u8]) {
        let updating = self.state == State::Updating;
        match status.code {
            308 if status.error_code == Some(UPDATE_IS_FORBIDDEN) => {
                // It is the answer to an `update` where one is under way.
                self.notices.extend(self.tokens.rejected(status.clone()));
                self.token_refused(cx, status, On::ReceiveRejection);
            }
            401 => {
                self.notices.extend(self.tokens.spent(updating, status.clone()));
                self.token_refused(cx, status, On::ReceiveClose);
            }
            410 => {
                self.notices.extend(self.tokens.spent(updating, status));
                let wanted = self.tokens.ask(cx, TokenWanted::Expired);
                let reasons = [heard(cx, Event::TokenExpired), wanted];
                self.fire_for(cx, On::ReceiveClose, reasons.into_iter().flatten());
            }
            406 | 417 => {
                let error = CallError::Transport {
                    status: status.code,
                    code: status.error_code.unwrap_or(0),
                    message: status.message.clone(),
                };
                self.notices.extend(self.tokens.abandon(error));
                self.connection_error(cx, connection_error(true, status));
                self.fire(cx, On::ReceiveFatalClose);
            }
            code => {
                if code == 308
                    && let Some(ms) = backoff_policy(payload)
                {
                    self.backoff.impose(ms);
                }
                self.fire(cx, On::ReceiveOffload);
            }
        }
    }
}

fn connection_error(terminal: bool, status: Status) -> ConnectionError {
    ConnectionError {
        terminal,
        message: status.message,
        http_status: Some(status.code).filter(|code| *code != 0),
        error_code: status.error_code,
    }
}

fn fault(cx: &mut Cx, fault: Fault) {
    tell(cx, Event::Fault(fault));
}

/// Tells the app, unless it does not listen.
fn tell(cx: &mut Cx, event: Event) {
    let event = heard(cx, event);
    cx.events.extend(event);
}

/// The event, unless the app does not listen: the service could fill the memory with these (law 8).
fn heard(cx: &Cx, event: Event) -> Option<Event> {
    Some(event).filter(|_| !cx.events.is_full())
}
