//! One readable text for a session: who said what on which layer, when, and what came out.
//!
//! ```text
//!    0.000  alice  socket    ->  open ws://service.test/v3/wsconnect as link 1
//!    0.005  alice  socket    <-  link 1 is open
//!    0.005  alice  twilsock  ->  init
//!    0.015  alice  twilsock  <-  200 to init
//!    0.015  alice  app       <=  ConnectionStateChanged "connected"
//! ```
//!
//! Times are seconds since the first line. `->` goes to the service and `<-` comes from it, `=>` is a call of the app and
//! `<=` what it is told. `!` marks troubles, `~` a socket that is opened anew. SIDs are `CH#1`, `IM#1`, … in the order
//! in which they appear; requests have numbers, and the answer names the one that it belongs to. `(ack)` at the end of a
//! frame: the client acknowledged it at once, before anything else; an acknowledgement at another time has its own line.

mod frames;
mod moment;
mod sync;
#[cfg(test)]
mod tests;
mod values;

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use chat_proto::session::{What, Wire};
use chat_proto::{
    Cause, Command, Event, FrameRecord, HttpBody, HttpId, HttpRequest, InputRecord, Record, Time,
};

use self::frames::Frames;
pub use self::moment::{Layer, Mark, Moment, Way};
use crate::session_file::SessionFile;

/// A session as lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The lines in the order of happening.
    pub moments: Vec<Moment>,
}

impl Timeline {
    /// Of a session, recorded from inside or on the wire.
    pub fn new(session: &SessionFile) -> Self {
        let mut teller = Teller {
            names_of_things: values::Names::default(),
            frames: HashMap::new(),
            names: HashMap::new(),
            opened: HashMap::new(),
            calls: HashMap::new(),
            lives: lives(session),
        };
        let mut moments = Vec::new();
        for entry in &session.entries {
            let who = if session.is_wire() { teller.wire_name(entry.who) } else { session.name(entry.who) };
            let Some(said) = teller.tell(entry.who, &entry.what) else { continue };
            let channel =
                said.full.as_deref().and_then(values::channel).or_else(|| values::channel(&said.text));
            moments.push(Moment {
                at: entry.at,
                who,
                layer: said.layer,
                way: said.way,
                mark: said.mark,
                text: values::finish(&teller.names_of_things.shorten(&said.text)),
                full: said.full.map(|text| teller.names_of_things.shorten(&text)),
                channel: channel.map(|sid| teller.names_of_things.shorten(&sid)),
            });
        }
        if !session.ended {
            let (at, who) = session.entries.last().map_or((Time::ZERO, 0), |last| (last.at, last.who));
            let text = "the recording does not tell its end".to_owned();
            let who = if session.is_wire() { teller.wire_name(who) } else { session.name(who) };
            let (layer, way, mark) = (Layer::Socket, Way::Note, Mark::Error);
            moments.push(Moment { at, who, layer, way, mark, text, full: None, channel: None });
        }
        Self { moments }
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.moments.first() else { return Ok(()) };
        let width = self.moments.iter().map(|moment| moment.who.chars().count()).max().unwrap_or(0);
        let mut moments = self.moments.iter().peekable();
        while let Some(moment) = moments.next() {
            let (sign, by) = match moment.at.as_millis().checked_sub(first.at.as_millis()) {
                Some(by) => ("", by),
                // A host's clock may go back.
                None => ("-", first.at.as_millis() - moment.at.as_millis()),
            };
            let time = format!("{sign}{}.{:03}", by / 1000, by % 1000);
            let mark = match moment.mark {
                Mark::Plain => ' ',
                Mark::Error => '!',
                Mark::Reconnect => '~',
            };
            let Moment { who, layer, way, text, .. } = moment;
            let ack = moments.next_if(|next| next.acknowledges(moment)).map_or("", |_| "  (ack)");
            writeln!(f, "{time:>9} {mark} {who:width$}  {:8}  {}  {text}{ack}", layer.name(), way.sign())?;
        }
        Ok(())
    }
}

/// What goes where; addresses and the values of headers are secrets.
fn http_request(http: HttpId, request: &HttpRequest) -> String {
    let headers: Vec<&str> = request.headers.iter().map(|(name, _)| &**name).collect();
    let mut text = format!("HTTP {} {}", http.number(), request.method.as_str());
    if !headers.is_empty() {
        let _ = write!(text, " with {}", headers.join(", "));
    }
    if request.body != HttpBody::Empty {
        let _ =
            write!(text, ", body {}", values::shown(serde_json::to_value(&request.body).unwrap_or_default()));
    }
    if let Some(media) = request.to {
        let _ = write!(text, ", the answer goes to media {}", media.0);
    }
    text
}

/// A line before it knows when and who.
#[derive(Debug)]
struct Said {
    layer: Layer,
    way: Way,
    mark: Mark,
    text: String,
    full: Option<String>,
}

impl Said {
    fn plain(layer: Layer, way: Way, text: impl Into<String>) -> Self {
        Self { layer, way, mark: Mark::Plain, text: text.into(), full: None }
    }

    fn error(self) -> Self {
        Self { mark: Mark::Error, ..self }
    }
}

/// The first life of each client: one that resumes goes on with the calls of the last one of that name.
fn lives(session: &SessionFile) -> Vec<usize> {
    let mut firsts: Vec<usize> = Vec::new();
    for (who, client) in session.header.clients.iter().enumerate() {
        let former = || (0..who).rev().find(|before| session.name(*before) == session.name(who));
        let former = client.saved.as_ref().and_then(|_| former());
        firsts.push(former.and_then(|former| firsts.get(former).copied()).unwrap_or(who));
    }
    firsts
}

struct Teller {
    names_of_things: values::Names,
    /// By client or connection.
    frames: HashMap<usize, Frames>,
    /// Of connections on a recorded wire.
    names: HashMap<usize, String>,
    /// How many sockets each has opened, or each person on a recorded wire.
    opened: HashMap<String, u32>,
    /// The names of calls, by client and number.
    calls: HashMap<(usize, u64), String>,
    /// Which client each client is the resumed self of.
    lives: Vec<usize>,
}

impl Teller {
    fn wire_name(&self, conn: usize) -> String {
        self.names.get(&conn).cloned().unwrap_or_else(|| format!("conn {conn}"))
    }

    fn tell(&mut self, who: usize, what: &What) -> Option<Said> {
        match what {
            What::Record(record) => self.record(who, record),
            What::Note(note) => Some(Said::plain(Layer::Socket, Way::Note, &**note)),
            What::Wire(wire) => self.wire(who, wire),
            _ => None,
        }
    }

    fn record(&mut self, who: usize, record: &Record) -> Option<Said> {
        Some(match record {
            Record::Input(input) => self.input(who, input)?,
            Record::Call { id, call, options, refused } => {
                let (name, value, full) = values::variant(&**call);
                let options = match options.deadline {
                    chat_proto::CallDeadline::WhileConnected => String::new(),
                    other => format!(", deadline {other:?}"),
                };
                let said = if let Some(id) = id {
                    let first = self.lives.get(who).copied().unwrap_or(who);
                    self.calls.insert((first, id.number()), name.clone());
                    let text = format!("call {}: {name}{value}{options}", id.number());
                    Said::plain(Layer::App, Way::Asked, text)
                } else {
                    let why = refused.map(|reason| format!(" ({reason})")).unwrap_or_default();
                    let text = format!("refused{why}: {name}{value}{options}");
                    Said::plain(Layer::App, Way::Asked, text).error()
                };
                Said { full, ..said }
            }
            Record::Cancel(id) => Said::plain(Layer::App, Way::Asked, format!("cancel call {}", id.number())),
            Record::Command(command) => self.command(who, command)?,
            Record::Event(event) => self.event(who, event),
            _ => return None,
        })
    }

    fn input(&mut self, who: usize, input: &InputRecord) -> Option<Said> {
        let socket = |text: String| Said::plain(Layer::Socket, Way::In, text);
        Some(match input {
            InputRecord::Tick => socket("tick".into()),
            InputRecord::Network(network) => socket(format!("the network: {network:?}")),
            InputRecord::Opened(link) => socket(format!("{link} is open")),
            InputRecord::Frame(_, frame) => self.frames(who).came(frame),
            InputRecord::Closed(link, cause) => {
                let said = socket(format!("{link} is gone: {cause}"));
                if *cause == Cause::Local { said } else { said.error() }
            }
            InputRecord::Stored { revision } => socket(format!("save {revision} is stored")),
            InputRecord::HttpProgress(http, bytes) => {
                Said::plain(Layer::Chat, Way::In, format!("HTTP {}: {bytes} bytes so far", http.number()))
            }
            InputRecord::HttpDone(http, Ok(reply)) => {
                let text =
                    format!("HTTP {}: {} {}", http.number(), reply.status, values::shown_text(&reply.body));
                let said = Said::plain(Layer::Chat, Way::In, text);
                if (200..300).contains(&reply.status) { said } else { said.error() }
            }
            InputRecord::HttpDone(http, Err(failure)) => {
                Said::plain(Layer::Chat, Way::In, format!("HTTP {}: {failure}", http.number())).error()
            }
            _ => return None,
        })
    }

    fn command(&mut self, who: usize, command: &Command) -> Option<Said> {
        Some(match command {
            Command::Open { link, url } => {
                let said = Said::plain(Layer::Socket, Way::Out, format!("open {url} as {link}"));
                Said { mark: self.opening(&format!("client {who}")), ..said }
            }
            Command::Send { bytes, .. } => self.frames(who).sent(bytes.as_bytes()),
            Command::Save { revision } => {
                Said::plain(Layer::Socket, Way::Out, format!("save, revision {revision}"))
            }
            Command::Http { http, request } => {
                let (_, _, full) = values::variant(command);
                Said { full, ..Said::plain(Layer::Chat, Way::Out, http_request(*http, request)) }
            }
            Command::CancelHttp { http } => {
                Said::plain(Layer::Chat, Way::Out, format!("HTTP {}: cancel", http.number()))
            }
            Command::Close { link } => Said::plain(Layer::Socket, Way::Out, format!("close {link}")),
            _ => return None,
        })
    }

    fn event(&mut self, who: usize, event: &Event) -> Said {
        let told = |text: String| Said::plain(Layer::App, Way::Told, text);
        if let Event::Answer { call, result } = event {
            // A client that resumes answers what its former self was asked.
            let first = self.lives.get(who).copied().unwrap_or(who);
            let name = self.calls.remove(&(first, call.number())).unwrap_or_else(|| "?".into());
            let begin = format!("answer to call {} ({name}):", call.number());
            return match result {
                Ok(reply) => {
                    let (name, value, full) = values::variant(reply);
                    Said { full, ..told(format!("{begin} {name}{value}")) }
                }
                Err(error) => {
                    let (name, value, full) = values::variant(error);
                    Said { full, ..told(format!("{begin} error {name}{value}")).error() }
                }
            };
        }
        let (name, value, full) = values::variant(event);
        let said = Said { full, ..told(format!("{name}{value}")) };
        match event {
            Event::ConnectionError(_) | Event::Fault(_) | Event::TokenExpired => said.error(),
            _ => said,
        }
    }

    fn wire(&mut self, conn: usize, wire: &Wire) -> Option<Said> {
        Some(match wire {
            Wire::Opened => {
                self.frames.remove(&conn);
                Said::plain(Layer::Socket, Way::Out, format!("connection {conn} is open"))
            }
            Wire::Identity(name) => {
                if self.names.insert(conn, name.to_string()).is_some() {
                    return None;
                }
                let mark = self.opening(name);
                Said {
                    mark,
                    ..Said::plain(Layer::Socket, Way::Note, format!("connection {conn} is of {name}"))
                }
            }
            Wire::FromClient(frame) => match frame {
                FrameRecord::Binary(bytes) => self.frames(conn).sent(bytes),
                FrameRecord::Text(text) => self.frames(conn).sent(text.as_bytes()),
            },
            Wire::FromService(frame) => self.frames(conn).came(frame),
            Wire::Closed(code) => {
                let code = code.map_or_else(String::new, |code| format!(" ({code})"));
                Said::plain(Layer::Socket, Way::In, format!("connection {conn} is closed{code}"))
            }
            Wire::Unreachable(why) => {
                let said = format!("connection {conn} does not reach the service: {why}");
                Said { mark: Mark::Error, ..Said::plain(Layer::Socket, Way::In, said) }
            }
            _ => return None,
        })
    }

    fn frames(&mut self, who: usize) -> &mut Frames {
        self.frames.entry(who).or_default()
    }

    fn opening(&mut self, who: &str) -> Mark {
        let count = self.opened.entry(who.to_owned()).or_default();
        *count += 1;
        if *count > 1 { Mark::Reconnect } else { Mark::Plain }
    }
}
