use std::fmt;

use chat_proto::{Deadline, HttpId, LinkId, Time};

/// Something that a host did wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// When it was noticed, on the clock of the host.
    pub at: Time,
    /// What.
    pub kind: Kind,
}

/// What a host can do wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It did not empty the queue of commands.
    CommandsLeft {
        /// Since when the queue has not been empty.
        since: Time,
    },
    /// It came too late, or not at all.
    Overslept(Deadline),
    /// Its clock went back to the time of the breach.
    ClockBackwards {
        /// The time that it told before.
        from: Time,
    },
    /// It did not answer `Open`.
    OpenUnanswered(LinkId),
    /// It did not answer `Close`.
    CloseUnanswered(LinkId),
    /// It spoke of a socket that it was not asked to open.
    NotAskedFor(LinkId),
    /// It told twice that a socket is open.
    OpenedTwice(LinkId),
    /// It told that a socket is open that it had told closed.
    OpenedAfterClosed(LinkId),
    /// It told twice that a socket is closed.
    ClosedTwice(LinkId),
    /// It told of a message before it told that the socket is open.
    FrameBeforeOpened(LinkId),
    /// It told of a message after it told that the socket is closed.
    FrameAfterClosed(LinkId),
    /// It told nothing of an HTTP request until the client gave it up.
    HttpUnanswered(HttpId),
    /// It told of an HTTP request that it was not asked to make.
    HttpNotAskedFor(HttpId),
    /// It told more of an HTTP request after it told that it is done.
    HttpAfterDone(HttpId),
    /// It did not store a save that it was asked for.
    SaveUnanswered {
        /// Which.
        revision: u64,
    },
    /// It told of a stored save that it never made.
    StoredNotSaved {
        /// The revision that it told.
        revision: u64,
    },
    /// It stored an older save over a newer one.
    StoredOutOfOrder {
        /// The revision of the older one.
        revision: u64,
    },
    /// It wrote a message before another that it should have written before.
    SendOutOfOrder(LinkId),
    /// It wrote a message to a socket that belongs to another link.
    SendOnWrongLink {
        /// Where the message should have gone.
        link: LinkId,
    },
    /// It wrote a message twice.
    SendTwice(LinkId),
    /// It closed the socket without writing all that came before, or left a message out.
    SendLost {
        /// Which socket.
        link: LinkId,
        /// How many messages.
        messages: usize,
    },
    /// It wrote what it was not asked to write.
    SendNotAskedFor,
    /// It told of another message than the peer sent: changed, left out, doubled or out of order.
    FrameMangled(LinkId),
    /// It did not tell of what the peer sent.
    StoppedReading {
        /// On which socket.
        link: LinkId,
        /// How many messages wait.
        messages: usize,
    },
}

/// Whoever adds a kind has to name it here, since `name` knows all: so the list is complete.
macro_rules! names {
    ($($name:ident),+ $(,)?) => {
        impl Kind {
            /// The names of all kinds, in the order of the enum.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];

            /// Its name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)+
                }
            }
        }
    };
}

names! {
    CommandsLeft, Overslept, ClockBackwards, OpenUnanswered, CloseUnanswered, NotAskedFor, OpenedTwice,
    OpenedAfterClosed, ClosedTwice, FrameBeforeOpened, FrameAfterClosed, HttpUnanswered, HttpNotAskedFor, HttpAfterDone,
    SaveUnanswered, StoredNotSaved, StoredOutOfOrder, SendOutOfOrder, SendOnWrongLink, SendTwice, SendLost,
    SendNotAskedFor, FrameMangled, StoppedReading,
}

impl Kind {
    /// What a good host does instead.
    pub fn expected(&self) -> &'static str {
        match self {
            Self::CommandsLeft { .. } => "after each entry, poll_command is called until it gives nothing",
            Self::Overslept(_) => "the client is called at its deadline, with Tick if nothing else happened",
            Self::ClockBackwards { .. } => "times come from a clock that never goes back",
            Self::OpenUnanswered(_) => "Open is answered with Opened or Closed",
            Self::CloseUnanswered(_) => "Close is answered with Closed, whatever the other side does",
            Self::NotAskedFor(_) => "Opened, Frame and Closed name the link of an Open that was performed",
            Self::OpenedTwice(_) => "Opened is told once for each Open",
            Self::OpenedAfterClosed(_) => "nothing is told of a link after its Closed",
            Self::ClosedTwice(_) => "Closed is told once for each Open",
            Self::FrameBeforeOpened(_) => "Opened is told before the link's first frame",
            Self::FrameAfterClosed(_) => "Closed is told after the link's last frame",
            Self::HttpUnanswered(_) => {
                "Http is answered with HttpDone, and long transfers tell their progress"
            }
            Self::HttpNotAskedFor(_) => "HttpProgress and HttpDone name an Http that was performed",
            Self::HttpAfterDone(_) => "HttpDone is told once for each Http, after all progress",
            Self::SaveUnanswered { .. } => "Save is answered with Stored, once such a save is stored",
            Self::StoredNotSaved { .. } => "Stored names the revision of a save that was made and stored",
            Self::StoredOutOfOrder { .. } => "saves are stored in the order in which they were made",
            Self::SendOutOfOrder(_) => "messages are written in the order in which poll_command gave them",
            Self::SendOnWrongLink { .. } => "a Send for a link whose socket is gone is dropped",
            Self::SendTwice(_) => "each Send is written once",
            Self::SendLost { .. } => "all that was to be sent before a Close is written before it",
            Self::SendNotAskedFor => "only what Send brings is written, as one message each",
            Self::FrameMangled(_) => "each message is told once, whole, in the order of its coming",
            Self::StoppedReading { .. } => "reading goes on whatever becomes of writing",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandsLeft { since } => write!(f, "commands wait since {since}"),
            Self::Overslept(due) => write!(f, "the deadline of {} ({:?}) is past", due.at, due.why),
            Self::ClockBackwards { from } => write!(f, "the clock went back from {from}"),
            Self::OpenUnanswered(link) => write!(f, "the Open of {link} is not answered"),
            Self::CloseUnanswered(link) => write!(f, "the Close of {link} is not answered"),
            Self::NotAskedFor(link) => write!(f, "nobody asked for {link}"),
            Self::OpenedTwice(link) => write!(f, "{link} is opened twice"),
            Self::OpenedAfterClosed(link) => write!(f, "{link} is opened after it was closed"),
            Self::ClosedTwice(link) => write!(f, "{link} is closed twice"),
            Self::FrameBeforeOpened(link) => write!(f, "a frame on {link} before it is open"),
            Self::FrameAfterClosed(link) => write!(f, "a frame on {link} after it was closed"),
            Self::HttpUnanswered(http) => write!(f, "nothing is heard of HTTP request {}", http.number()),
            Self::HttpNotAskedFor(http) => write!(f, "nobody asked for HTTP request {}", http.number()),
            Self::HttpAfterDone(http) => write!(f, "HTTP request {} was done already", http.number()),
            Self::SaveUnanswered { revision } => write!(f, "revision {revision} is not stored"),
            Self::StoredNotSaved { revision } => write!(f, "there is no save of revision {revision}"),
            Self::StoredOutOfOrder { revision } => {
                write!(f, "revision {revision} was stored over a later one")
            }
            Self::SendOutOfOrder(link) => write!(f, "a message of {link} was written too early or too late"),
            Self::SendOnWrongLink { link } => write!(f, "a message of {link} was written to another socket"),
            Self::SendTwice(link) => write!(f, "a message of {link} was written twice"),
            Self::SendLost { link, messages } => write!(f, "{messages} messages of {link} were not written"),
            Self::SendNotAskedFor => f.write_str("a message was written that no Send brought"),
            Self::FrameMangled(link) => write!(f, "a frame on {link} is not the next that the peer sent"),
            Self::StoppedReading { link, messages } => {
                write!(f, "{messages} messages that the peer sent on {link} were not read")
            }
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}; expected: {}", self.at, self.kind, self.kind.expected())
    }
}
