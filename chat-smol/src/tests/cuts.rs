//! Connections that are cut inside of a message: the half of it is nothing, on either way.

use chat_proto::frame::encode;
use chat_proto::{Event, Frame};
use futures_lite::AsyncWriteExt;
use serde_json::json;

use super::{Way, run, service, start};

/// A message of the service's as it stands on the wire: final, binary, not masked, shorter than 126 bytes (RFC 6455 §5.2).
fn on_the_wire(frame: &[u8]) -> Vec<u8> {
    assert!(frame.len() < 126);
    [&[0x82, u8::try_from(frame.len()).unwrap()], frame].concat()
}

#[test]
fn a_message_that_is_cut_at_any_byte_is_none() {
    run(async {
        let (service, options) = service(Way::default());
        let client = start(options);
        let mut events = client.events();
        let ping = encode(&json!({ "method": "ping", "id": "HALF", "payload_size": 0 }).to_string(), &[]);
        let bytes = on_the_wire(&ping);
        let mut wires = Vec::new();
        for cut in 0..bytes.len() {
            let (mut peer, _) = service.accept().await;
            let init = peer.welcome().await;
            assert_eq!(cut > 0, init.header.get("continuation_token").is_some_and(|token| !token.is_null()));
            peer.expect("put_notification_ctx").await;
            let (mut stream, wire) = peer.into_parts();
            stream.write_all(bytes.get(..cut).unwrap()).await.unwrap();
            drop(stream);
            wires.push(wire);
        }
        let (mut peer, _) = service.accept().await;
        peer.welcome().await;
        peer.expect("put_notification_ctx").await;
        // Whole, it is one.
        peer.wire.sent(Frame::Binary(&ping));
        peer.send_raw(&bytes).await;
        assert_eq!(peer.expect("reply").await.id(), "HALF");
        wires.push(peer.wire.clone());

        // Nobody was told of a half: neither the core nor the app.
        let stats = client.stats();
        assert_eq!(stats.frames_in, u64::try_from(wires.len()).unwrap() + 1);
        assert_eq!((stats.frames_malformed, stats.connects), (0, stats.frames_in - 1));
        while let Some(item) =
            futures_lite::future::poll_once(futures_lite::StreamExt::next(&mut events)).await
        {
            assert!(!matches!(item, Some(crate::StreamItem::Event(Event::Fault(_)))), "{item:?}");
        }
        client.shared().with_referee(|door| door.compare(&wires));
        drop(client);
    });
}

/// The service hangs up when it has read a part of `init`, in its midst: the next connection begins with a whole one.
#[test]
fn what_was_written_by_half_is_written_anew() {
    run(async {
        // As much as that is on its way at any time.
        let (service, options) = service(Way { capacity: 64, ..Way::default() });
        let client = start(options);
        for part in [0, 1, 2, 7, 8, 40, 64, 100, 200] {
            let (peer, _) = service.accept().await;
            let (mut stream, _) = peer.into_parts();
            let mut bytes = vec![0; part];
            futures_lite::AsyncReadExt::read_exact(&mut stream, &mut bytes).await.unwrap();
            drop(stream);
        }
        let (mut peer, _) = service.accept().await;
        let init = peer.welcome().await;
        assert_eq!(init.header["token"], "TOKEN-1");
        peer.expect("put_notification_ctx").await;
        drop(client);
    });
}
