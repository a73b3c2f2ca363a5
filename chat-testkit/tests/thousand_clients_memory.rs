//! Thread 26: what a client costs, by an allocator that counts. A program of its own, with one test, so that nothing else
//! allocates meanwhile.

use chat_proto::{Call, Event};
use chat_testkit::service::ServiceConfig;
use chat_testkit::stage::Stage;
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A thousand clients, each in a channel with messages: what each keeps is small, and is given back.
#[test]
fn thousand_clients_memory() {
    const CLIENTS: usize = 1000;
    /// What a client may keep that is in one channel with twenty messages, all told, its timers and subscriptions
    /// included: a few times what it takes today, so that only a leak or a new habit shows.
    const EACH: usize = 96 << 10;

    let mut stage = Stage::new(ServiceConfig::default());
    stage.admin("seed", &json!({ "channels": 1, "identity": "alice", "messages": 20 })).unwrap();
    let alice = stage.enter("alice");
    stage.settle();
    let ready = stage.take_all_events();
    assert!(ready.iter().any(|(_, event)| *event == Event::Ready));
    let channel = stage.state(alice).channels()[0].sid.clone();
    stage.ask(alice, Call::GetMessages(chat_proto::GetMessages::newest(channel.clone()))).unwrap();
    stage.settle();
    let clients: Vec<_> = {
        let before = MEMORY.current_usage();
        let clients: Vec<_> = (0..CLIENTS).map(|_| stage.client(alice).clone()).collect();
        let each = (MEMORY.current_usage() - before) / CLIENTS;
        println!("{each} bytes each");
        assert!(each < EACH, "{each} bytes each");
        clients
    };
    let held = MEMORY.current_usage();
    drop(clients);
    let given_back = (held - MEMORY.current_usage()) / CLIENTS;
    assert!(given_back > 1024, "a client gives back what it took");

    // A client that works for long keeps no more than one that came later: what it did is not kept.
    let before = MEMORY.current_usage();
    drop(stage.client(alice).clone());
    assert_eq!(MEMORY.current_usage(), before, "nothing is shared that outlives a client");
    let measure = |stage: &Stage| {
        let before = MEMORY.current_usage();
        let copy = stage.client(alice).clone();
        let taken = MEMORY.current_usage() - before;
        drop(copy);
        taken
    };
    let early = measure(&stage);
    for n in 0..300 {
        let page = Call::GetMessages(chat_proto::GetMessages::newest(channel.clone()));
        stage.ask(alice, page).unwrap();
        if n % 10 == 0 {
            stage.cut(alice);
        }
    }
    stage.settle();
    stage.take_all_events();
    let late = measure(&stage);
    assert!(late < early + early / 4, "grew from {early} to {late}");
}
