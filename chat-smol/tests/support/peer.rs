//! A scripted service: it does what the test says, frame by frame.

use std::future::poll_fn;
use std::pin::Pin;

use async_tungstenite::tungstenite::Message;
use async_tungstenite::{WebSocketStream, accept_async};
use chat_proto::Frame;
use chat_proto::frame::{FrameLimits, decode, encode};
use chat_testkit::referee::Wire;
use futures_lite::{AsyncWriteExt, StreamExt};
use futures_sink::Sink;
use serde_json::{Value, json};
use smol::io::{AsyncRead, AsyncWrite};

/// The service's side of one connection.
pub(crate) struct Peer<S> {
    socket: WebSocketStream<S>,
    /// What it saw, for the referee.
    #[allow(dead_code, reason = "not every test that has a peer compares")]
    pub(crate) wire: Wire,
}

/// A frame of the client's.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) header: Value,
}

impl Received {
    pub(crate) fn method(&self) -> &str {
        self.header["method"].as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.header["id"].as_str().unwrap_or_default()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) async fn accept(stream: S) -> Self {
        Self { socket: accept_async(stream).await.unwrap(), wire: Wire::new() }
    }

    /// The next frame; `None` once the client closed the connection, or cut it.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Binary(bytes) => {
                    self.wire.received(Frame::Binary(&bytes));
                    let (header, _) = decode(&bytes, FrameLimits::default()).unwrap();
                    return Some(Received { header: serde_json::from_str(header).unwrap() });
                }
                Message::Close(_) => {
                    self.wire.closed();
                    return None;
                }
                _ => {}
            }
        }
    }

    /// The bare connection, once all is flushed: what was read ahead is lost.
    #[allow(dead_code, reason = "not every test that has a peer cuts it")]
    pub(crate) fn into_parts(self) -> (S, Wire) {
        (self.socket.into_inner(), self.wire)
    }

    /// Sends bytes past the WebSocket.
    #[allow(dead_code, reason = "not every test that has a peer does")]
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        AsyncWriteExt::write_all(self.socket.get_mut(), bytes).await.unwrap();
    }

    /// The next frame of `method`; others are left unanswered.
    pub(crate) async fn expect(&mut self, method: &str) -> Received {
        loop {
            let frame = self.next().await.expect("the client went away");
            if frame.method() == method {
                return frame;
            }
        }
    }

    /// Sends frames, in one write.
    pub(crate) async fn send(&mut self, frames: impl IntoIterator<Item = (Value, Vec<u8>)>) {
        let mut socket = Pin::new(&mut self.socket);
        for (mut header, payload) in frames {
            header["payload_size"] = payload.len().into();
            poll_fn(|cx| socket.as_mut().poll_ready(cx)).await.unwrap();
            let frame = encode(&header.to_string(), &payload);
            self.wire.sent(Frame::Binary(&frame));
            socket.as_mut().start_send(Message::binary(frame)).unwrap();
        }
        // A client that went away is the test's business.
        let _ = poll_fn(|cx| socket.as_mut().poll_flush(cx)).await;
    }

    /// Answers `to` with a Twilsock status.
    pub(crate) async fn reply(&mut self, to: &Received, code: u16, more: Value) {
        let status = if code == 200 { "OK" } else { "REFUSED" };
        let mut header =
            json!({ "method": "reply", "id": to.id(), "status": { "code": code, "status": status } });
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            if name == "status" {
                header["status"].as_object_mut().unwrap().extend(value.as_object().cloned().unwrap());
            } else {
                header[name] = value;
            }
        }
        self.send([(header, Vec::new())]).await;
    }

    /// Waits for `init`, lets the client in, and gives the frame.
    pub(crate) async fn welcome(&mut self) -> Received {
        let init = self.expect("init").await;
        let more = json!({
            "capabilities": ["client_update", "offline_storage"],
            "continuation_token": "CT-1",
            "offline_storage": { "ip_messaging": { "storage_id": "STORE-1" } },
        });
        self.reply(&init, 200, more).await;
        init
    }

    /// Answers whatever comes with success and nothing more, until the client goes away.
    pub(crate) async fn agree(&mut self) {
        while let Some(frame) = self.next().await {
            if frame.method() != "reply" {
                self.reply(&frame, 200, Value::Null).await;
            }
        }
    }

    /// Waits for `init` and refuses its token.
    pub(crate) async fn refuse(&mut self) -> Received {
        let init = self.expect("init").await;
        let status = json!({ "status": { "description": "Invalid Access Token", "errorCode": 20101 } });
        self.reply(&init, 401, status).await;
        init
    }
}
