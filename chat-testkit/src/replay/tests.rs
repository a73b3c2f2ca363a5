use chat_proto::{
    Call, CallId, Cancel, Client, CreateChannel, Event, Json, Record, RefusedReason, SendMessage, Time,
};

use super::exact;
use crate::service::ServiceConfig;
use crate::session_file::SessionFile;
use crate::session_file::{What, parse};
use crate::stage::Stage;
use crate::world::{Plan, World};
use crate::wrong::{Twist, Wrong};

/// Through the text of a file, as a replay from disk.
fn stored(session: &SessionFile) -> SessionFile {
    let opened = parse(session.to_text().as_bytes()).unwrap();
    assert!(opened.damage.is_none(), "{:?}", opened.damage);
    opened.session
}

fn story() -> SessionFile {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter("alice");
    stage.settle();
    let options = CreateChannel { unique_name: Some("general".into()), ..Default::default() };
    let Ok(chat_proto::Reply::Channel(channel)) = stage.ask(alice, Call::CreateChannel(options)) else {
        panic!()
    };
    stage.ask(alice, Call::Join(channel.sid.clone())).unwrap();
    let body = Some(r#"{"token":"not one"}"#.into());
    let message = SendMessage { channel: channel.sid.clone(), body, attributes: Json::default() };
    stage.ask(alice, Call::SendMessage(message)).unwrap();
    stage.settle();
    let token = chat_proto::Token::new(stage.token("alice", std::time::Duration::from_hours(2))).unwrap();
    stage.ask(alice, Call::UpdateToken(token)).unwrap();
    stage.cut(alice);
    stage.settle();
    stage.session("a test")
}

#[test]
fn a_session_of_the_stage_replays_from_its_file() {
    let session = story();
    let done = exact::<Client>(&stored(&session)).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    assert!(done.inputs > 20 && done.outputs > 40, "{done:?}");
}

#[test]
fn sessions_of_stormy_worlds_replay_from_their_files() {
    for seed in 0..4 {
        let run = World::<Client>::new(Plan::stormy(seed)).run().unwrap();
        let session = stored(&SessionFile::from(&run.session));
        exact::<Client>(&session).unwrap_or_else(|mismatch| panic!("world {seed}: {mismatch}"));
    }
}

#[test]
fn what_was_edited_is_found() {
    let whole = stored(&story());
    let place = whole
        .entries
        .iter()
        .position(|entry| matches!(&entry.what, What::Record(Record::Event(Event::MessageAdded(_)))));
    let place = place.unwrap();
    let line = whole.entries[place].line;

    let mut session = whole.clone();
    session.entries[place].what = What::Record(Event::Ready.into());
    let mismatch = exact::<Client>(&session).unwrap_err();
    assert_eq!(mismatch.line, line);
    assert_eq!(mismatch.recorded.as_deref(), Some(r#"{"Event":"Ready"}"#));
    assert!(
        mismatch.to_string().starts_with(&format!("line {line}: alice does something else")),
        "{mismatch}"
    );

    // Of two long texts the place is shown where they part, and what they are at all.
    let mut session = whole.clone();
    for entry in &mut session.entries {
        if let What::Record(Record::Call { call, .. }) = &mut entry.what
            && let Call::SendMessage(message) = &mut **call
        {
            message.body = Some("another text".into());
        }
    }
    let said = exact::<Client>(&session).unwrap_err().to_string();
    for part in ["  recorded: {\"Command\":{\"Send\"", "…", "payload_size"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(said.lines().all(|line| line.chars().count() < 320), "{said}");

    let mut session = whole.clone();
    session.entries.remove(place);
    assert!(exact::<Client>(&session).unwrap_err().line > line);

    let mut session = whole.clone();
    let last = session.entries.pop().unwrap();
    assert!(matches!(last.what, What::Record(Record::Event(_) | Record::Command(_))));
    let mismatch = exact::<Client>(&session).unwrap_err();
    assert_eq!((mismatch.line, mismatch.recorded.is_none()), (0, true));
    // A recording that does not tell its end may lack its last moments.
    session.ended = false;
    exact::<Client>(&session).unwrap();
}

/// One that says the contrary of what becomes of a call that is withdrawn.
#[derive(Debug, Clone, Default)]
struct Denies;

impl Twist for Denies {
    fn cancel(&mut self, client: &mut Client, now: Time, id: CallId) -> Cancel {
        match client.cancel(now, id) {
            Cancel::Cancelled => Cancel::TooLate,
            Cancel::TooLate => Cancel::Cancelled,
        }
    }
}

/// What `cancel` returned is not in a file, but the answer is.
#[test]
fn a_client_that_says_something_else_of_a_withdrawn_call_is_found() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter("alice");
    stage.settle();
    // One whose request has left, and one that waits for a connection.
    let late = stage.start(alice, Call::CreateChannel(CreateChannel::default())).unwrap();
    assert_eq!(stage.cancel(alice, late), Cancel::TooLate);
    stage.settle();
    let session = stored(&stage.session("too late"));
    exact::<Client>(&session).unwrap();
    let mismatch = exact::<Wrong<Denies>>(&session).unwrap_err();
    assert_eq!(mismatch.replayed.as_deref(), Some("cancelled"), "{mismatch}");

    stage.reachable(false);
    stage.cut(alice);
    stage.settle();
    let early = stage.start(alice, Call::GetPublicChannelDescriptors).unwrap();
    assert_eq!(stage.cancel(alice, early), Cancel::Cancelled);
    stage.settle();
    let whole = stored(&stage.session("in time"));
    exact::<Client>(&whole).unwrap();
    let mut session = whole;
    // The first one would be found first.
    session.entries.retain(|entry| entry.what != What::Record(Record::Cancel(late)));
    exact::<Client>(&session).unwrap();
    let mismatch = exact::<Wrong<Denies>>(&session).unwrap_err();
    assert_eq!(mismatch.replayed.as_deref(), Some("too late to cancel"), "{mismatch}");
}

#[test]
fn why_a_call_was_refused_is_recorded_and_compared() {
    let mut stage = Stage::new(ServiceConfig::default());
    let alice = stage.enter("alice");
    stage.settle();
    stage.ask(alice, Call::Shutdown { drain_until: None }).unwrap();
    assert!(stage.start(alice, Call::GetPublicChannelDescriptors).is_err());
    let mut session = stored(&stage.session("refused"));
    assert!(session.to_text().contains(r#""refused":"ShutDown""#));
    exact::<Client>(&session).unwrap();
    let reason = session.entries.iter_mut().find_map(|entry| match &mut entry.what {
        What::Record(Record::Call { refused, .. }) => refused.as_mut(),
        _ => None,
    });
    *reason.unwrap() = RefusedReason::TooManyCalls;
    let mismatch = exact::<Client>(&session).unwrap_err();
    let said = (mismatch.recorded.as_deref(), mismatch.replayed.as_deref());
    assert_eq!(said, (Some("refused: too many calls are pending"), Some("refused: the client is shut down")));
    // An old file does not say.
    let old = session.to_text().replace(r#","refused":"TooManyCalls""#, "");
    exact::<Client>(&parse(old.as_bytes()).unwrap().session).unwrap();
}

#[test]
fn no_secret_reaches_the_file() {
    let text = story().to_text();
    // What the stage's tokens say of themselves: `jti` begins with the identity, so it stands in no other text.
    use base64::Engine;
    let secret = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(r#"{"jti":"alice-"#);
    assert!(!text.contains(secret.trim_end_matches('=').get(..16).unwrap()));
    assert!(!text.contains("not one"));
    assert!(text.contains(r#"\"token\":\"****"#), "frames keep their shape");
}
