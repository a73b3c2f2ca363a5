//! What happens to events.

use chat_testkit::session_file::SessionFile;
use serde_json::json;

use crate::teller::Teller;

pub(crate) fn lost_doubled_swapped() -> SessionFile {
    let (mut it, _) = Teller::with_channel(json!({}));
    let alice = it.alice;
    for (n, op) in ["drop", "dup", "swap"].into_iter().enumerate() {
        let fault = json!({ "on": "event", "match": { "eventType": "list_item_added", "identity": "alice" }, "op": op });
        it.say("fault", &fault);
        it.note(alice, &format!("three messages of bob, round {}", n + 1));
        for _ in 0..3 {
            it.admin("burst", &json!({ "channel": "general", "author": "bob", "count": 1 })).unwrap();
            it.wait(50);
        }
        it.wait(3000);
    }
    it.end()
}

pub(crate) fn interrupted_replay() -> SessionFile {
    let (mut it, _) = Teller::with_channel(json!({ "replayLimit": 2 }));
    let alice = it.alice;
    it.cut(alice);
    it.note(alice, "bob writes five messages meanwhile: more than the service replays");
    it.admin("burst", &json!({ "channel": "general", "author": "bob", "count": 5 })).unwrap();
    it.wait(5000);
    it.end()
}
