//! What the actions of the table do.

use super::table::{Do, On, State, find};
use super::token::Taken;
use super::{Link, Notice, Timer, Twilsock, outgoing};
use crate::call::CallId;
use crate::command::{Command, FrameBytes};
use crate::cx::Cx;
use crate::error::{CallError, ConnectionError};
use crate::event::Event;
use crate::input::LinkId;
use crate::secret::Token;

impl Twilsock {
    /// Lets something happen to the connection. What the table does not list changes nothing.
    pub(super) fn fire(&mut self, cx: &mut Cx, on: On) {
        self.fire_for(cx, on, None);
    }

    /// The same, with the reasons that the app hears once it knows the new state (spec 01 §3.5).
    pub(super) fn fire_for(&mut self, cx: &mut Cx, on: On, reasons: impl IntoIterator<Item = Event>) {
        let reasons = reasons.into_iter().map(|event| Notice::Tell(event.into()));
        let Some(row) = find(self.state, on) else { return self.notices.extend(reasons) };
        self.state = row.to;
        for timer in Timer::OF_A_STATE {
            if !timer.lives_in(self.state) {
                cx.timers.cancel(timer);
            }
        }
        for action in row.actions {
            self.act(cx, *action);
        }
        self.announce();
        self.notices.extend(reasons);
        self.go_on(cx);
    }

    /// What follows from the new state without anything else happening.
    fn go_on(&mut self, cx: &mut Cx) {
        if self.state.waits_for_close() && self.link == Link::None {
            self.fire(cx, On::SocketClosed);
        } else if let Some(calls) = &mut self.ending {
            if self.state == State::Disconnected {
                self.notices.extend(calls.drain(..).map(|call| Notice::ShutDown { call }));
            }
        } else {
            // A token that came while it could not be used (spec 01 §4.2).
            let unused = match self.state {
                State::Disconnected | State::Rejected => self.tokens.is_hopeful(),
                State::Connected => self.tokens.is_unsent(),
                _ => false,
            };
            if unused {
                self.fire(cx, On::UpdateToken);
            }
        }
    }

    fn act(&mut self, cx: &mut Cx, action: Do) {
        match action {
            Do::Open => self.open(cx),
            Do::SendInit => {
                let id = cx.ids.frame_id();
                let init = outgoing::Init {
                    token: self.tokens.send(),
                    continuation_token: self.continuation_token.as_ref().map(crate::Secret::expose_secret),
                    metadata: &cx.config.metadata,
                    registrations: None,
                };
                let bytes = outgoing::init(&id, &init);
                self.send_awaited(cx, id, bytes);
            }
            Do::SendUpdate => {
                let id = cx.ids.frame_id();
                let bytes = outgoing::update(&id, self.tokens.send());
                self.send_awaited(cx, id, bytes);
            }
            Do::SendClose => {
                if let Link::Open(_) = self.link {
                    let id = cx.ids.frame_id();
                    self.send(cx, outgoing::close(&id));
                }
            }
            Do::CloseSocket => {
                self.close(cx);
                self.link = Link::None;
            }
            Do::CloseAndWait => {
                if let Some(link) = self.close(cx) {
                    self.link = Link::Closing(link);
                    cx.timers.arm(Timer::Close, cx.now + cx.config.close_timeout);
                }
            }
            Do::Backoff => {
                let wait = self.backoff.next(&mut cx.jitter);
                cx.timers.arm(Timer::Retry, cx.now + wait);
            }
            Do::ResetBackoff => self.backoff.reset(),
            Do::PutContext => self.put_context(cx),
            Do::Watch => self.heard(cx),
            Do::Flush => self.flush(cx),
        }
    }

    fn open(&mut self, cx: &mut Cx) {
        self.links += 1;
        let link = LinkId(self.links);
        self.link = Link::Opening(link);
        cx.stats.connects += 1;
        cx.commands.push_back(Command::Open { link, url: cx.config.twilsock_url() });
        cx.timers.arm(Timer::Connect, cx.now + cx.config.connect_timeout);
    }

    /// Asks the host to close the socket, if there is one that is not being closed.
    fn close(&mut self, cx: &mut Cx) -> Option<LinkId> {
        let (Link::Opening(link) | Link::Open(link)) = self.link else { return None };
        cx.commands.push_back(Command::Close { link });
        self.link_lost(cx);
        Some(link)
    }

    /// Nothing more can be sent, and nothing that was sent is answered any more.
    pub(super) fn link_lost(&mut self, cx: &mut Cx) {
        self.awaited = None;
        self.malformed = 0;
        self.context.lost(cx);
        let notices = &mut self.notices;
        self.upstream.lost(cx, |notice| notices.push_back(notice));
    }

    pub(super) fn put_context(&mut self, cx: &mut Cx) {
        let bytes = self.context.put(cx);
        self.send(cx, bytes);
    }

    /// Sends what is queued, as far as the limits allow.
    pub(super) fn flush(&mut self, cx: &mut Cx) {
        while self.state.is_up() {
            let Some(bytes) = self.upstream.next(cx) else { return };
            self.send(cx, bytes);
        }
    }

    pub(super) fn send(&mut self, cx: &mut Cx, bytes: FrameBytes) {
        if let Link::Open(link) = self.link {
            cx.stats.frames_out += 1;
            cx.commands.push_back(Command::Send { link, bytes });
        }
    }

    fn send_awaited(&mut self, cx: &mut Cx, id: alloc::string::String, bytes: FrameBytes) {
        self.awaited = Some(id);
        cx.timers.arm(Timer::Reply, cx.now + cx.config.reply_timeout);
        self.send(cx, bytes);
    }

    /// The service gave a sign of life.
    pub(super) fn heard(&mut self, cx: &mut Cx) {
        if self.state.is_up()
            && let Some(watchdog) = cx.config.watchdog
        {
            cx.timers.arm(Timer::Watchdog, cx.now + watchdog);
        }
    }

    /// Tells the stages above what changed for them.
    pub(super) fn announce(&mut self) {
        let registered = self.context.is_registered();
        let public = self.state.public(registered);
        if public != self.public {
            self.public = public;
            self.notices.push_back(Notice::StateChanged(public));
        }
        let online = self.state.is_up() && registered;
        if online != self.online {
            self.online = online;
            self.notices.push_back(if online { Notice::Online } else { Notice::Offline });
        }
    }

    pub(super) fn update_token(&mut self, cx: &mut Cx, call: CallId, token: Token) {
        if self.ending.is_some() {
            self.notices.push_back(Notice::TokenUpdated { call, result: Err(CallError::ShutDown) });
            return;
        }
        let result = match self.tokens.take(cx, token) {
            Taken::Refused => Err(self.tokens.refusal()),
            Taken::Same if self.state != State::Unsupported => Ok(()),
            Taken::Same | Taken::New => {
                self.tokens.wait(call);
                return self.fire(cx, On::UpdateToken);
            }
        };
        self.notices.push_back(Notice::TokenUpdated { call, result });
    }

    pub(super) fn shut_down(&mut self, cx: &mut Cx, call: CallId) {
        if let Some(calls) = &mut self.ending {
            calls.push(call);
            return self.go_on(cx);
        }
        self.ending = Some([call].into());
        let notices = &mut self.notices;
        self.upstream.shut_down(cx, |notice| notices.push_back(notice));
        notices.extend(self.tokens.abandon(CallError::ShutDown));
        cx.timers.cancel(Timer::Token);
        cx.timers.cancel(Timer::TokenAsk);
        self.fire(cx, On::Shutdown);
    }

    /// A trouble of the connection that is not a refusal by the service.
    pub(super) fn trouble(&self, cx: &mut Cx, message: impl Into<alloc::boxed::Box<str>>) {
        self.connection_error(
            cx,
            ConnectionError { terminal: false, message: message.into(), http_status: None, error_code: None },
        );
    }

    /// Tells the app, unless it does not listen: then one more of these is no loss (law 8).
    #[expect(clippy::unused_self, reason = "reads as what it is at the callers")]
    pub(super) fn connection_error(&self, cx: &mut Cx, error: ConnectionError) {
        if !cx.events.is_full() {
            cx.events.push(Event::ConnectionError(error));
        }
    }
}
