//! A host with the offline service on the other side, on a virtual clock, in steps; good, or with one flaw.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_proto::{
    Call, CallDeadline, CallOptions, Cause, Command, Config, CreateChannel, Frame, HttpFailure, HttpId,
    Input, LinkId, MediaId, Network, Seed, Time, Token,
};
use chat_testkit::referee::{Bounds, HostCheck, Wire};
use chat_testkit::service::{ConnId, Service, ServiceConfig, ServiceInput, ServiceOutput};
use serde_json::json;

/// What is wrong about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    KeepsCommands,
    NeverTicks,
    TicksLate,
    ClockGoesBack,
    IgnoresOpen,
    IgnoresClose,
    MakesUpLinks,
    OpensTwice,
    OpensClosed,
    ClosesTwice,
    ReadsTooEarly,
    ReadsTooLate,
    SwapsSends,
    SendsToNewSocket,
    SendsTwice,
    LosesSends,
    MakesUpSends,
    ReadsTwice,
    WritesBeforeReading,
    SendsNothing,
    ReadsNothing,
    /// Neither writes nor reads.
    DoesNothing,
    /// The same, and its sockets end without a closing handshake.
    DoesNothingAndHangsUp,
    IgnoresHttp,
    MakesUpHttp,
    AnswersHttpTwice,
    IgnoresSave,
    StoresNothing,
    StoresAnOlderOne,
}

impl Flaw {
    /// It never writes a message.
    fn is_mute(self) -> bool {
        matches!(self, Self::SendsNothing | Self::DoesNothing | Self::DoesNothingAndHangsUp)
    }

    /// It never reads one.
    fn is_deaf(self) -> bool {
        matches!(self, Self::ReadsNothing | Self::DoesNothing | Self::DoesNothingAndHangsUp)
    }
}

const STEP: Duration = Duration::from_millis(10);
const START: Time = Time::from_millis(10_000);
/// When what is wrong about a host begins to show: after its first connection stands.
const TROUBLE: Duration = Duration::from_secs(2);

/// The steps in which the service writes without reading.
const DEAF: Range<u32> = 800..1200;

struct Socket {
    link: LinkId,
    conn: ConnId,
    opened: bool,
    to_service: VecDeque<Vec<u8>>,
    to_host: VecDeque<Vec<u8>>,
    wire: Wire,
}

struct Rig {
    now: Time,
    flaw: Option<Flaw>,
    check: HostCheck,
    service: Service,
    socket: Option<Socket>,
    /// What was read last, to be read again by those who do.
    last: Option<Vec<u8>>,
    /// What a socket that is gone did not take.
    leftover: Option<Vec<u8>>,
    done: u32,
    wires: Vec<Wire>,
}

/// Forty seconds of a conversation: calls, a service that does not read for a while, a cut, another network, the end.
pub(crate) fn play(flaw: Option<Flaw>) -> HostCheck {
    let service = ServiceConfig { ping_interval_ms: 500, ..ServiceConfig::default() };
    let mut config = Config::default();
    config.connect_timeout = Duration::from_secs(5);
    config.reply_timeout = Duration::from_secs(10);
    config.write_ahead = true;
    config.endpoints.twilsock = Some("ws://service.test/v3/wsconnect".into());
    // All of it is to fit into forty seconds.
    let close = Duration::from_secs(7);
    let bounds = Bounds { open: config.connect_timeout + close, close, ..Bounds::of(&config) };
    let check: HostCheck = HostCheck::new(config, token(), &Seed::from_number(1), START);
    let mut rig = Rig {
        now: START,
        flaw,
        check: check.with_bounds(bounds),
        service: Service::new(service, 1, START),
        socket: None,
        last: None,
        leftover: None,
        done: 0,
        wires: Vec::new(),
    };
    for step in 0..4000 {
        rig.step(step);
    }
    let mut wires = std::mem::take(&mut rig.wires);
    wires.extend(rig.socket.take().map(|socket| socket.wire));
    rig.check.look(rig.now);
    rig.check.compare(&wires);
    rig.check
}

fn token() -> Token {
    let grants = json!({ "identity": "alice", "ip_messaging": { "service_sid": format!("IS{:032x}", 1) } });
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(json!({ "exp": 4_000_000_000_u64, "grants": grants }));
    Token::new(format!("{}.{claims}.", part(json!({ "alg": "none", "typ": "JWT" })))).unwrap()
}

impl Rig {
    fn step(&mut self, step: u32) {
        self.now = self.now + STEP;
        match step {
            // The last one's message is on its way when the socket breaks.
            310 => self.download(),
            300 | 600 | 810 | 1499 | 3000 => self.create(),
            1500 => self.cut(Cause::Failed("cut".into())),
            2500 => self.check.handle(self.now, Input::Network(Network::Changed)),
            3900 => {
                let _ =
                    self.check.call(self.now, Call::Shutdown { drain_until: None }, CallOptions::default());
            }
            _ => {}
        }
        self.serve(!DEAF.contains(&step));
        self.open();
        self.read();
        self.tick(step);
        self.perform();
        while self.check.poll_event().is_some() {}
        if step + 1 == DEAF.end {
            self.check.compare(self.wires.iter().chain(self.socket.as_ref().map(|socket| &socket.wire)));
        }
    }

    /// Whether it is time for what is wrong about this host.
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw) && self.now.since(START) > TROUBLE
    }

    /// The same, once.
    fn once(&mut self, flaw: Flaw) -> bool {
        let now = self.is(flaw) && self.done == 0;
        self.done += u32::from(now);
        now
    }

    fn create(&mut self) {
        let call = Call::CreateChannel(CreateChannel::default());
        let _ = self.check.call(self.now, call, CallOptions::default());
    }

    fn download(&mut self) {
        let call = Call::DownloadMedia { media: "ME0".into(), to: MediaId(1) };
        let _ = self.check.call(self.now, call, CallOptions { deadline: CallDeadline::Never });
    }

    // ---- the peer

    fn serve(&mut self, reads: bool) {
        if let Some(socket) = self.socket.as_mut().filter(|socket| socket.opened && reads) {
            let mut messages: Vec<_> = socket.to_service.drain(..).collect();
            if self.flaw == Some(Flaw::SwapsSends) && messages.len() > 1 {
                messages.swap(0, 1);
            }
            for bytes in messages {
                socket.wire.received(Frame::Binary(&bytes));
                self.service.handle(self.now, ServiceInput::Frame(socket.conn, &bytes));
            }
        }
        if self.service.deadline().is_some_and(|due| due <= self.now) {
            self.service.handle(self.now, ServiceInput::Tick);
        }
        while let Some(output) = self.service.poll_output() {
            match (output, &mut self.socket) {
                (ServiceOutput::Send { conn, bytes }, Some(socket)) if socket.conn == conn => {
                    socket.wire.sent(Frame::Binary(&bytes));
                    socket.to_host.push_back(bytes);
                }
                (ServiceOutput::Close { conn, code }, Some(socket)) if socket.conn == conn => {
                    self.cut(Cause::Remote(code));
                }
                _ => {}
            }
        }
    }

    // ---- the host

    fn open(&mut self) {
        let Some(socket) = self.socket.as_mut().filter(|socket| !socket.opened) else { return };
        socket.opened = true;
        let (link, conn) = (socket.link, socket.conn);
        self.service.handle(self.now, ServiceInput::Opened(conn));
        if self.is(Flaw::ReadsTooEarly) {
            self.check.handle(self.now, Input::Frame(link, Frame::Text("early")));
        }
        self.check.handle(self.now, Input::Opened(link));
        if self.is(Flaw::OpensTwice) {
            self.check.handle(self.now, Input::Opened(link));
        }
        if self.is(Flaw::SendsToNewSocket)
            && let (Some(bytes), Some(socket)) = (self.leftover.take(), &mut self.socket)
        {
            socket.to_service.push_back(bytes);
        }
    }

    fn read(&mut self) {
        if self.flaw.is_some_and(Flaw::is_deaf) {
            return;
        }
        while let Some(socket) = self.socket.as_mut().filter(|socket| socket.opened) {
            // A message that is not written yet keeps this one from reading.
            if self.flaw == Some(Flaw::WritesBeforeReading) && !socket.to_service.is_empty() {
                return;
            }
            let link = socket.link;
            let Some(bytes) = socket.to_host.pop_front() else { return };
            self.check.handle(self.now, Input::Frame(link, Frame::Binary(&bytes)));
            if self.once(Flaw::ReadsTwice) {
                self.check.handle(self.now, Input::Frame(link, Frame::Binary(&bytes)));
            }
            if self.once(Flaw::MakesUpLinks) {
                let link = serde_json::from_str("99").unwrap();
                self.check.handle(self.now, Input::Opened(link));
            }
            self.last = Some(bytes);
        }
    }

    fn tick(&mut self, step: u32) {
        let due = self.check.deadline().is_some_and(|due| due.at <= self.now);
        let late = self.is(Flaw::TicksLate) && !step.is_multiple_of(500);
        if due && !late && !self.is(Flaw::NeverTicks) {
            let back = if self.once(Flaw::ClockGoesBack) { Duration::from_secs(1) } else { Duration::ZERO };
            self.check.handle(Time::ZERO + self.now.since(Time::ZERO).saturating_sub(back), Input::Tick);
        }
    }

    fn perform(&mut self) {
        if self.is(Flaw::KeepsCommands) {
            return;
        }
        while let Some(command) = self.check.poll_command() {
            match command {
                Command::Open { .. } if self.is(Flaw::IgnoresOpen) => {}
                Command::Open { link, .. } => {
                    let conn = ConnId(link.number());
                    let (to_service, to_host) = (VecDeque::new(), VecDeque::new());
                    let wire = Wire::new();
                    self.socket = Some(Socket { link, conn, opened: false, to_service, to_host, wire });
                }
                Command::Send { link, bytes } => self.send(link, bytes.as_bytes()),
                Command::Close { link } => self.close(link),
                Command::Http { http, .. } => self.http(http),
                Command::CancelHttp { .. } => {}
                Command::Save { revision } => self.save(revision),
                other => panic!("{other:?}"),
            }
        }
    }

    fn send(&mut self, link: LinkId, bytes: &[u8]) {
        let times = match () {
            () if self.flaw.is_some_and(Flaw::is_mute) || self.once(Flaw::LosesSends) => 0,
            () if self.once(Flaw::SendsTwice) => 2,
            () => 1,
        };
        let made_up = self.once(Flaw::MakesUpSends);
        if let Some(socket) = self.socket.as_mut().filter(|socket| socket.link == link) {
            for _ in 0..times {
                socket.to_service.push_back(bytes.to_vec());
            }
            if made_up {
                socket.to_service.push_back(b"hello".to_vec());
            }
        }
    }

    /// A disk that is quick.
    fn save(&mut self, asked: u64) {
        if self.is(Flaw::IgnoresSave) {
            return;
        }
        let saved = |check: &HostCheck| check.save(self.now).revision();
        let revision = if self.is(Flaw::StoresNothing) { asked } else { saved(&self.check) };
        self.check.handle(self.now, Input::Stored { revision });
        if self.once(Flaw::StoresAnOlderOne) {
            self.check.handle(self.now, Input::Stored { revision: revision - 1 });
        }
    }

    /// There is no way to the media service.
    fn http(&mut self, http: HttpId) {
        let done = |check: &mut HostCheck, http| {
            check.handle(self.now, Input::HttpDone(http, Err(HttpFailure::Failed("no way".into()))));
        };
        match self.flaw {
            Some(Flaw::IgnoresHttp) => return,
            Some(Flaw::AnswersHttpTwice) => done(&mut self.check, http),
            Some(Flaw::MakesUpHttp) => done(&mut self.check, serde_json::from_str("99").unwrap()),
            _ => {}
        }
        done(&mut self.check, http);
    }

    fn close(&mut self, link: LinkId) {
        let Some(mut socket) = self.socket.take_if(|socket| socket.link == link) else { return };
        for bytes in socket.to_service.drain(..) {
            socket.wire.received(Frame::Binary(&bytes));
            self.service.handle(self.now, ServiceInput::Frame(socket.conn, &bytes));
        }
        if self.flaw != Some(Flaw::DoesNothingAndHangsUp) {
            socket.wire.closed();
        }
        self.wires.push(socket.wire);
        self.service.handle(self.now, ServiceInput::Closed(socket.conn));
        if !self.is(Flaw::IgnoresClose) {
            self.closed(link, Cause::Local);
        }
    }

    /// The socket breaks.
    fn cut(&mut self, cause: Cause) {
        let Some(mut socket) = self.socket.take() else { return };
        // What the socket did not take any more.
        self.leftover = socket.to_service.pop_front();
        self.wires.push(socket.wire);
        self.service.handle(self.now, ServiceInput::Closed(socket.conn));
        self.closed(socket.link, cause);
    }

    fn closed(&mut self, link: LinkId, cause: Cause) {
        self.check.handle(self.now, Input::Closed(link, cause.clone()));
        if self.is(Flaw::ClosesTwice) {
            self.check.handle(self.now, Input::Closed(link, cause));
        }
        if self.is(Flaw::OpensClosed) {
            self.check.handle(self.now, Input::Opened(link));
        }
        if self.is(Flaw::ReadsTooLate) {
            let bytes = self.last.take().unwrap_or_default();
            self.check.handle(self.now, Input::Frame(link, Frame::Binary(&bytes)));
        }
    }
}
