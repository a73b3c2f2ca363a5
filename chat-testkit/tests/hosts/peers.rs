//! Services that do not listen.

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use chat_testkit::proto::Frame;
use chat_testkit::proto::frame::{FrameLimits, decode, encode};
use chat_testkit::referee::Wire;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, accept};

use crate::watched::IMPATIENT;

/// How many pings the deaf service sends, and how long the id of each is, which comes back in the acknowledgement: together
/// far more than the system keeps of what nobody reads.
pub(crate) const PINGS: usize = 2000;
const ID: usize = 4096;

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}{IMPATIENT}", listener.local_addr().unwrap());
    (listener, url)
}

/// Takes connections, and no more than that.
pub(crate) struct Silent {
    pub(crate) url: String,
    _listener: TcpListener,
}

/// The system takes connections as long as there is someone who could ask for them.
pub(crate) fn silent() -> Silent {
    let (listener, url) = listen();
    Silent { url, _listener: listener }
}

/// Lets a client in, and then writes without reading.
pub(crate) struct Deaf {
    pub(crate) url: String,
    thread: JoinHandle<Wire>,
    written: Receiver<()>,
    release: Sender<()>,
}

impl Deaf {
    /// Whether all is written. What is not, nobody reads.
    pub(crate) fn has_written(&self) -> bool {
        assert!(!self.thread.is_finished(), "the service could not write");
        self.written.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// What it saw.
    pub(crate) fn end(self) -> Wire {
        drop(self.release);
        self.thread.join().unwrap()
    }
}

pub(crate) fn deaf() -> Deaf {
    let (listener, url) = listen();
    let ((writing, written), (release, released)) = (channel(), channel());
    let thread = spawn(move || {
        let mut wire = Wire::new();
        // A client that is late on a busy machine gives the connection up, and makes another.
        let (mut socket, init) = loop {
            let (stream, _) = listener.accept().unwrap();
            // A host that does not read makes this fail.
            stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
            let Ok(mut socket) = accept(stream) else { continue };
            if let Ok(Message::Binary(init)) = socket.read() {
                wire.received(Frame::Binary(&init));
                break (socket, header(&init));
            }
        };
        assert_eq!(init["method"], "init");
        let welcome =
            json!({ "method": "reply", "id": init["id"], "status": { "code": 200, "status": "OK" } });
        send(&mut socket, &mut wire, &welcome);
        for number in 0..PINGS {
            send(&mut socket, &mut wire, &json!({ "method": "ping", "id": format!("{number:0ID$}") }));
        }
        drop(writing);
        let _: Result<(), _> = released.recv();
        wire
    });
    Deaf { url, thread, written, release }
}

fn header(frame: &[u8]) -> Value {
    let (header, _) = decode(frame, FrameLimits::default()).unwrap();
    serde_json::from_str(header).unwrap()
}

fn send(socket: &mut WebSocket<TcpStream>, wire: &mut Wire, header: &Value) {
    let frame = encode(&header.to_string(), &[]);
    wire.sent(Frame::Binary(&frame));
    socket.send(Message::binary(frame)).unwrap();
}
