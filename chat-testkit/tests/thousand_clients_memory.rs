//! Thread 26: what a client costs, by an allocator that counts. A program of its own, with one test, so that nothing else
//! allocates meanwhile.

use chat_proto::session::What;
use chat_proto::{Call, Client, Event, Record};
use chat_testkit::service::ServiceConfig;
use chat_testkit::session_file::SessionFile;
use chat_testkit::stage::Stage;
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A client that is told and asked what the only one of `session` was.
fn lives_through(session: &SessionFile) -> Client {
    let of = &session.header.clients[0];
    let mut client = Client::new(of.config.clone(), of.stand_in.clone(), &of.seed, of.start);
    for entry in &session.entries {
        let What::Record(record) = &entry.what else { continue };
        match record {
            Record::Input(input) => client.handle(entry.at, input.as_input()),
            Record::Call { call, options, .. } => {
                client.call(entry.at, (**call).clone(), *options).unwrap();
            }
            _ => {}
        }
        while client.poll_command().is_some() {}
        while client.poll_event().is_some() {}
    }
    client
}

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
    // Each lives through the same session on its own, so nothing is shared between them.
    let session = stage.session("a stage");
    let before = MEMORY.current_usage();
    let clients: Vec<Client> = (0..CLIENTS).map(|_| lives_through(&session)).collect();
    assert!(
        clients.iter().all(|client| client.state() == stage.state(alice)),
        "they know what the first one knows"
    );
    let held = MEMORY.current_usage() - before;
    println!("{} bytes each", held / CLIENTS);
    assert!((4 << 10..EACH).contains(&(held / CLIENTS)), "{} bytes each", held / CLIENTS);
    drop(clients);
    let kept = MEMORY.current_usage().saturating_sub(before);
    // A few hundred bytes in all are left to those who print.
    assert!(kept < CLIENTS, "of {held} bytes {kept} were not given back");

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
