//! A line of a timeline.

use chat_proto::Time;

/// Which part of the protocol a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Calls and events.
    App,
    /// Session commands, REST, typing.
    Chat,
    /// Documents, lists, maps and their subscriptions.
    Sync,
    /// Frames that are about the connection.
    Twilsock,
    /// The socket, the network and the clock.
    Socket,
}

impl Layer {
    /// All, from the app down.
    pub const ALL: [Self; 5] = [Self::App, Self::Chat, Self::Sync, Self::Twilsock, Self::Socket];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Chat => "chat",
            Self::Sync => "sync",
            Self::Twilsock => "twilsock",
            Self::Socket => "socket",
        }
    }
}

/// Which way a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client to the service, or to its host.
    Out,
    /// From the service, or the host.
    In,
    /// From the app to the client.
    Asked,
    /// From the client to the app.
    Told,
    /// A remark.
    Note,
}

impl Way {
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Out => "->",
            Self::In => "<-",
            Self::Asked => "=>",
            Self::Told => "<=",
            Self::Note => "--",
        }
    }
}

/// What a reader should not miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// A trouble.
    Error,
    /// A socket is opened, not for the first time.
    Reconnect,
}

/// How the text of an acknowledgement begins.
const ACK: &str = "ack of ";

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When, on the client's own clock.
    pub at: Time,
    /// Who.
    pub who: String,
    /// On which layer.
    pub layer: Layer,
    /// Which way.
    pub way: Way,
    /// What a reader should not miss.
    pub mark: Mark,
    /// What, on one line.
    pub text: String,
    /// All of it, where `text` is shortened: the frame, or the value as JSON.
    pub full: Option<String>,
    /// The first channel that it names.
    pub channel: Option<String>,
}

impl Moment {
    /// Whether this is an acknowledgement by the client.
    pub(crate) fn is_ack(&self) -> bool {
        self.way == Way::Out && self.text.starts_with(ACK)
    }

    /// Whether this acknowledges the frame before it, at once.
    pub(super) fn acknowledges(&self, frame: &Self) -> bool {
        let name = self.text.strip_prefix(ACK);
        frame.way == Way::In
            && self.way == Way::Out
            && (self.at, &self.who) == (frame.at, &frame.who)
            && name.is_some_and(|name| frame.text == name || frame.text.starts_with(&format!("{name} ")))
    }
}
