//! The four words as values to keep: what session files, fuzzers, bindings and bug reports store.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes;
use crate::call::{Call, CallId, CallOptions, Refused, RefusedReason};
use crate::command::Command;
use crate::event::Event;
use crate::http::{HttpFailure, HttpId, HttpReply};
use crate::input::{Cause, Frame, Input, LinkId, Network};

/// One thing that went into a client or came out of it. A session is a list of records with their times.
///
/// It serializes as it is: whoever stores sessions takes the secrets out first (law 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Record {
    /// The world told the client something.
    Input(InputRecord),
    /// The app asked for something.
    Call {
        /// The name that the call was given; `None` when it was refused. A refused call is told too, because every
        /// entry fires the timers that are due.
        id: Option<CallId>,
        /// What was asked for.
        call: Box<Call>,
        /// What went with it.
        options: CallOptions,
        /// Why it was refused. A record without a reason is an old one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<RefusedReason>,
    },
    /// The app withdrew a call. What [`Client::cancel`](crate::Client::cancel) returned is not kept, because it shows: after
    /// [`Cancel::Cancelled`](crate::Cancel::Cancelled) the answer is
    /// [`CallError::Cancelled`](crate::CallError::Cancelled), and after `TooLate` it never is.
    Cancel(CallId),
    /// The client asked the host for something.
    Command(Command),
    /// The client told the app something.
    Event(Event),
}

impl Record {
    /// A call, and what [`Client::call`](crate::Client::call) said of it.
    pub fn call(call: impl Into<Box<Call>>, options: CallOptions, result: &Result<CallId, Refused>) -> Self {
        let (id, refused) = (result.as_ref().ok().copied(), result.as_ref().err().map(|of| of.reason));
        Self::Call { id, call: call.into(), options, refused }
    }

    /// The input to give to [`Client::handle`](crate::Client::handle) to have it happen again; `None` for everything
    /// that is not an input.
    pub fn as_input(&self) -> Option<Input<'_>> {
        match self {
            Self::Input(input) => Some(input.as_input()),
            _ => None,
        }
    }
}

impl From<&Input<'_>> for Record {
    fn from(input: &Input<'_>) -> Self {
        Self::Input(InputRecord::from(input))
    }
}

impl From<Command> for Record {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

impl From<Event> for Record {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// An [`Input`] that owns its bytes: what a socket's thread or task sends to the one that drives the client, which hands it
/// in with `client.handle(now, input.as_input())`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InputRecord {
    /// See [`Input::Tick`].
    Tick,
    /// See [`Input::Network`].
    Network(Network),
    /// See [`Input::Opened`].
    Opened(LinkId),
    /// See [`Input::Frame`].
    Frame(LinkId, FrameRecord),
    /// See [`Input::Closed`].
    Closed(LinkId, Cause),
    /// See [`Input::Stored`].
    Stored {
        /// The revision of the save.
        revision: u64,
    },
    /// See [`Input::HttpProgress`].
    HttpProgress(HttpId, u64),
    /// See [`Input::HttpDone`].
    HttpDone(HttpId, Result<HttpReply, HttpFailure>),
}

impl InputRecord {
    /// A binary message came.
    pub fn binary(link: LinkId, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Frame(link, FrameRecord::Binary(bytes.into()))
    }

    /// A text message came.
    pub fn text(link: LinkId, text: impl Into<Box<str>>) -> Self {
        Self::Frame(link, FrameRecord::Text(text.into()))
    }

    /// The same as an input that borrows from this.
    pub fn as_input(&self) -> Input<'_> {
        match self {
            Self::Tick => Input::Tick,
            Self::Network(network) => Input::Network(*network),
            Self::Opened(link) => Input::Opened(*link),
            Self::Frame(link, frame) => Input::Frame(*link, frame.as_frame()),
            Self::Closed(link, cause) => Input::Closed(*link, cause.clone()),
            Self::Stored { revision } => Input::Stored { revision: *revision },
            Self::HttpProgress(http, bytes) => Input::HttpProgress(*http, *bytes),
            Self::HttpDone(http, result) => Input::HttpDone(*http, result.clone()),
        }
    }
}

impl From<&Input<'_>> for InputRecord {
    fn from(input: &Input<'_>) -> Self {
        match input {
            Input::Tick => Self::Tick,
            Input::Network(network) => Self::Network(*network),
            Input::Opened(link) => Self::Opened(*link),
            Input::Frame(link, frame) => Self::Frame(*link, FrameRecord::from(frame)),
            Input::Closed(link, cause) => Self::Closed(*link, cause.clone()),
            Input::Stored { revision } => Self::Stored { revision: *revision },
            Input::HttpProgress(http, bytes) => Self::HttpProgress(*http, *bytes),
            Input::HttpDone(http, result) => Self::HttpDone(*http, result.clone()),
        }
    }
}

/// A WebSocket message that owns its bytes. Its tag is the WebSocket opcode.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameRecord {
    /// See [`Frame::Binary`]. Readable formats show it as text where it is UTF-8, else as `{"base64": "…"}`.
    Binary(#[serde(with = "bytes")] Vec<u8>),
    /// See [`Frame::Text`].
    Text(Box<str>),
}

impl FrameRecord {
    /// The same as a frame that borrows from this.
    pub fn as_frame(&self) -> Frame<'_> {
        match self {
            Self::Binary(bytes) => Frame::Binary(bytes),
            Self::Text(text) => Frame::Text(text),
        }
    }
}

impl From<&Frame<'_>> for FrameRecord {
    fn from(frame: &Frame<'_>) -> Self {
        match *frame {
            Frame::Binary(bytes) => Self::Binary(bytes.into()),
            Frame::Text(text) => Self::Text(text.into()),
        }
    }
}

/// Shows the length alone: a frame may hold a continuation token (law 10).
impl fmt::Debug for FrameRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::FrameBytes;
    use crate::event::ConnectionState;
    use crate::http::{HttpBody, HttpMethod, HttpRequest, MediaId};
    use crate::model::ChannelSid;
    use crate::secret::Secret;
    use alloc::string::ToString;
    use alloc::{format, vec};

    fn survives(record: &Record, json: &str) {
        assert_eq!(serde_json::to_string(record).unwrap(), json);
        assert_eq!(&serde_json::from_str::<Record>(json).unwrap(), record);
    }

    #[test]
    fn records_are_readable_json() {
        let link = LinkId(3);
        survives(&(&Input::Tick).into(), r#"{"Input":"Tick"}"#);
        survives(&(&Input::Network(Network::Changed)).into(), r#"{"Input":{"Network":"Changed"}}"#);
        survives(&(&Input::Opened(link)).into(), r#"{"Input":{"Opened":3}}"#);
        survives(
            &(&Input::Frame(link, Frame::Binary(b"TWILSOCK \"\r\n"))).into(),
            r#"{"Input":{"Frame":[3,{"Binary":"TWILSOCK \"\r\n"}]}}"#,
        );
        survives(
            &(&Input::Frame(link, Frame::Binary(&[0xff, 0, 0x80]))).into(),
            r#"{"Input":{"Frame":[3,{"Binary":{"base64":"/wCA"}}]}}"#,
        );
        survives(
            &(&Input::Frame(link, Frame::Text("hé"))).into(),
            r#"{"Input":{"Frame":[3,{"Text":"hé"}]}}"#,
        );
        survives(
            &(&Input::Closed(link, Cause::Remote(Some(1001)))).into(),
            r#"{"Input":{"Closed":[3,{"Remote":1001}]}}"#,
        );
        survives(
            &Record::Call {
                id: Some(CallId(7)),
                call: Call::Join(ChannelSid::new("CH1")).into(),
                options: CallOptions::default(),
                refused: None,
            },
            r#"{"Call":{"id":7,"call":{"Join":"CH1"},"options":{"deadline":"WhileConnected"}}}"#,
        );
        let join = Call::Join(ChannelSid::new("CH1"));
        let refused = Refused { call: join.clone().into(), reason: RefusedReason::ShutDown };
        survives(
            &Record::call(join, CallOptions::default(), &Err(refused)),
            r#"{"Call":{"id":null,"call":{"Join":"CH1"},"options":{"deadline":"WhileConnected"},"refused":"ShutDown"}}"#,
        );
        survives(&Record::Cancel(CallId(7)), r#"{"Cancel":7}"#);
        survives(
            &Command::Send { link, bytes: FrameBytes::new(b"TWILSOCK".to_vec()) }.into(),
            r#"{"Command":{"Send":{"link":3,"bytes":"TWILSOCK"}}}"#,
        );
        survives(
            &Command::Send { link, bytes: FrameBytes::new(vec![0xfe]) }.into(),
            r#"{"Command":{"Send":{"link":3,"bytes":{"base64":"/g=="}}}}"#,
        );
        survives(&(&Input::Stored { revision: 4 }).into(), r#"{"Input":{"Stored":{"revision":4}}}"#);
        survives(&Command::Save { revision: 4 }.into(), r#"{"Command":{"Save":{"revision":4}}}"#);
        survives(&(&Input::HttpProgress(HttpId(2), 5)).into(), r#"{"Input":{"HttpProgress":[2,5]}}"#);
        survives(
            &(&Input::HttpDone(HttpId(2), Ok(HttpReply::new(201, *b"x")))).into(),
            r#"{"Input":{"HttpDone":[2,{"Ok":{"status":201,"retry_after":null,"body":"x"}}]}}"#,
        );
        survives(
            &Command::Http {
                http: HttpId(2),
                request: HttpRequest {
                    method: HttpMethod::Post,
                    url: Secret::new("https://mcs/x"),
                    headers: vec![("A".into(), Secret::new("b"))],
                    body: HttpBody::Media(MediaId(9)),
                    to: None,
                    max_body: 5,
                },
            }
            .into(),
            r#"{"Command":{"Http":{"http":2,"request":{"method":"POST","url":"https://mcs/x","headers":[["A","b"]],"body":{"Media":9},"to":null,"max_body":5}}}}"#,
        );
        survives(&Command::CancelHttp { http: HttpId(2) }.into(), r#"{"Command":{"CancelHttp":{"http":2}}}"#);
        survives(
            &Event::ConnectionStateChanged(ConnectionState::Connected).into(),
            r#"{"Event":{"ConnectionStateChanged":"connected"}}"#,
        );
    }

    #[test]
    fn inputs_survive_being_recorded() {
        let inputs = [
            Input::Tick,
            Input::Network(Network::Offline),
            Input::Opened(LinkId(1)),
            Input::Frame(LinkId(1), Frame::Binary(&[1, 2, 255])),
            Input::Frame(LinkId(1), Frame::Text("x")),
            Input::Closed(LinkId(1), Cause::Failed("no route".into())),
            Input::Stored { revision: 9 },
            Input::HttpProgress(HttpId(2), 65_536),
            Input::HttpDone(HttpId(2), Ok(HttpReply::new(200, *b"{}"))),
            Input::HttpDone(HttpId(2), Err(HttpFailure::TooLarge)),
        ];
        for input in &inputs {
            assert_eq!(Record::from(input).as_input().as_ref(), Some(input));
        }
        assert_eq!(Record::Cancel(CallId(1)).as_input(), None);
    }

    #[test]
    fn messages_are_handed_in_from_elsewhere() {
        let (bytes, text) = (InputRecord::binary(LinkId(1), *b"ab"), InputRecord::text(LinkId(1), "ab"));
        assert_eq!(bytes.as_input(), Input::Frame(LinkId(1), Frame::Binary(b"ab")));
        assert_eq!(text.as_input(), Input::Frame(LinkId(1), Frame::Text("ab")));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [r#"{"base64":"/w"}"#, r#"{"base64":"%%%%"}"#, r#"{"base65":""}"#, "{}", "7", "[1,256]"]
        {
            let json = format!(r#"{{"Command":{{"Send":{{"link":3,"bytes":{bytes}}}}}}}"#);
            let error = serde_json::from_str::<Record>(&json).expect_err(bytes).to_string();
            assert!(error.contains("column"), "{bytes}: {error}");
        }
    }

    #[test]
    fn frames_do_not_show() {
        let frame = FrameRecord::from(&Frame::Binary(b"hunter2"));
        assert_eq!(format!("{frame:?}"), "Binary(7 bytes)");
        assert_eq!(format!("{:?}", FrameRecord::Text("hunter2".into())), "Text(7 bytes)");
    }
}
