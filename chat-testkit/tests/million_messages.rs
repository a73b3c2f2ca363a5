//! A million messages through one channel leave memory flat, by an allocator that counts. A program of its own, with one
//! test, so that nothing else allocates meanwhile.
//!
//! The frames are made here and go straight into the core, as the offline service, which keeps them all, would take the
//! most of the time and of the memory. A debug build runs a fiftieth of them; for all of them:
//!
//! ```text
//! cargo test --release -p chat-testkit --test million_messages
//! ```

use std::time::Duration;

use chat_proto::{Call, CreateChannel, Event, Frame, Input, LinkId, Reply, frame};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::Stage;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MESSAGES: u64 = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };

#[test]
fn a_million_messages_leave_memory_flat() {
    let mut stage = Stage::new(ServiceConfig::default());
    let mut config = chat_proto::Config::default();
    config.limits.messages_per_channel = 200;
    let alice = stage.enter_with("alice", config);
    let Ok(Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(CreateChannel::default())) else {
        panic!()
    };
    stage.ask(alice, Call::Join(channel.sid.clone())).unwrap();
    stage.settle();
    let saved: Value = serde_json::from_str(&stage.save(alice).to_json()).unwrap();
    let list = &saved["chat"]["channels"][0]["list"]["Open"];
    let (list_sid, first) = (list["sid"].as_str().unwrap(), list["cursor"].as_i64().unwrap() + 1);
    // The first socket of this client.
    let link: LinkId = serde_json::from_value(json!(1)).unwrap();
    let mut client = stage.client(alice).clone();
    let (mut now, mut told, mut early) = (stage.now(), 0, 0);
    for number in 0..MESSAGES {
        let frame = message(list_sid, first, number);
        now = now + Duration::from_millis(1);
        client.handle(now, Input::Frame(link, Frame::Binary(&frame)));
        while client.poll_command().is_some() {}
        while let Some(event) = client.poll_event() {
            if let Event::MessageAdded(message) = event {
                assert_eq!(message.index, number);
                told += 1;
            }
        }
        drop(frame);
        // By then every table was full once.
        if number == MESSAGES / 4 {
            early = MEMORY.current_usage();
        }
    }
    let late = MEMORY.current_usage();
    assert_eq!((told, client.state().messages(&channel.sid).count()), (MESSAGES, 200));
    println!("{MESSAGES} messages; {early} bytes in use after a quarter, {late} at the end");
    assert!(late < early + (256 << 10), "grew from {early} to {late}");
}

/// The frame that tells of a message.
fn message(list: &str, first: i64, number: u64) -> Vec<u8> {
    let id = first + i64::try_from(number).unwrap();
    let payload = json!({
        "event_type": "list_item_added", "event_protocol_version": 3, "strictly_ordered": false,
        "event": { "id": id, "list_sid": list, "item_index": number, "item_data": {
            "sid": format!("IM{number:032x}"), "author": "bob", "text": format!("message {number}"),
            "timestamp": "2023-11-14T22:13:22.374Z", "attributes": "{}", "type": "text", "memberSid": "MB1" } }
    })
    .to_string();
    let header = json!({
        "method": "notification", "id": format!("TM{number:032x}"), "payload_size": payload.len(),
        "payload_type": "application/json", "message_type": "com.twilio.rtd.cds.list"
    });
    frame::encode(&header.to_string(), payload.as_bytes())
}
