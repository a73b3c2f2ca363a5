//! The laws on every recorded session, on worlds that went through a file, and on files that show a broken law.

use std::fs;
use std::path::{Path, PathBuf};

use chat_proto::session::What;
use chat_proto::{Call, Client, Command, Event, FrameBytes, Record, Secret};
use chat_testkit::laws::{Breach, Judged, Judgement, judge};
use chat_testkit::session_file::{SessionFile, open, parse};
use chat_testkit::world::{Core, Plan, World};
use chat_testkit::wrong::{self, Wrong};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn session(name: &str) -> SessionFile {
    open(&tests().join("sessions").join(name).with_extension("jsonl")).unwrap().session
}

fn recording(name: &str) -> SessionFile {
    open(&tests().join("recordings").join(name).join("frames.jsonl")).unwrap().session
}

fn broken(judgements: &[Judgement]) -> Vec<(u8, &Breach)> {
    let breaches = judgements.iter().map(|judgement| match &judgement.verdict {
        Judged::Broken(breach) => Some((judgement.law, breach)),
        _ => None,
    });
    breaches.flatten().collect()
}

/// What is said of a law.
fn of(judgements: &[Judgement], law: u8) -> &Judged {
    &judgements.iter().find(|judgement| judgement.law == law).unwrap().verdict
}

/// No law is broken, and what cannot be judged is of these laws alone.
fn lawful(name: &str, file: &SessionFile, in_part: &[u8]) {
    let judgements = judge::<Client>(file, 1);
    assert!(judgements.iter().map(|judgement| judgement.law).eq(1..=11), "{judgements:?}");
    assert_eq!(broken(&judgements), [], "{name}");
    let partly = judgements.iter().filter(|judgement| judgement.verdict != Judged::Held);
    let partly: Vec<&Judgement> = partly.collect();
    assert_eq!(
        partly.iter().map(|judgement| judgement.law).collect::<Vec<_>>(),
        in_part,
        "{name}: {partly:?}"
    );
}

/// Every session of ours, in four parts because they take a while.
fn part(part: usize) {
    let files = fs::read_dir(tests().join("sessions")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|of| of == "jsonl")).collect();
    files.sort();
    for path in files.iter().skip(part).step_by(4) {
        let opened = open(path).unwrap();
        assert!(opened.damage.is_none(), "{}", path.display());
        // An app that is slower than the queue of its client is long hears less than one that is not (law 1).
        let slow = path.file_stem().is_some_and(|name| name == "slow_app");
        lawful(&path.display().to_string(), &opened.session, if slow { &[1, 11] } else { &[11] });
    }
}

#[test]
fn every_recorded_session_keeps_the_laws_first_part() {
    part(0);
}

#[test]
fn every_recorded_session_keeps_the_laws_second_part() {
    part(1);
}

#[test]
fn every_recorded_session_keeps_the_laws_third_part() {
    part(2);
}

#[test]
fn every_recorded_session_keeps_the_laws_fourth_part() {
    part(3);
}

/// The JavaScript SDK's frames: our client in its place keeps the laws. The tokens in them are unsigned, and in the clear.
#[test]
fn our_client_keeps_the_laws_in_the_place_of_the_recorded_ones() {
    for name in ["s01", "s02", "s03", "s05", "s06", "s11"] {
        let file = recording(name);
        let judgements = judge::<Client>(&file, 1);
        assert_eq!(broken(&judgements), [], "{name}");
        let Judged::HeldInPart(why) = of(&judgements, 10) else { panic!("{name}: {judgements:?}") };
        assert!(why.contains("line 2: connection 1: a secret was not starred out"), "{why}");
    }
}

/// Worlds with crashes, old saves and clocks that go back: what their sessions lose on the way through a file is not
/// needed to judge them.
#[test]
fn worlds_that_went_through_a_file_keep_the_laws() {
    let mut lives = 0;
    for seed in 0..5 {
        let run = World::<Client>::new(Plan { steps: 30, ..Plan::stormy(seed) }).run().unwrap();
        lives += run.session.crashed.len();
        let text = SessionFile::from(&run.session).to_text();
        let file = parse(text.as_bytes()).unwrap().session;
        let judgements = judge::<Client>(&file, seed);
        assert_eq!(broken(&judgements), [], "seed {seed}");
    }
    assert!(lives > 2, "{lives} crashes");
}

/// A client that breaks this law is found in the place of the one that a session was recorded of.
fn caught<C: Core>(law: u8, names: &[&str]) {
    let caught =
        names.iter().any(|name| matches!(of(&judge::<C>(&session(name), 1), law), Judged::Broken(_)));
    assert!(caught, "law {law} in {names:?}");
}

#[test]
fn clients_that_break_a_law_are_caught_in_recorded_sessions() {
    caught::<Wrong<wrong::Folds>>(1, &["people", "channels"]);
    caught::<Wrong<wrong::CatchesUp>>(2, &["cut", "restart"]);
    caught::<Wrong<wrong::CountsTicks>>(2, &["cut", "restart"]);
    caught::<Wrong<wrong::Gullible>>(3, &["cut", "restart"]);
    caught::<Wrong<wrong::Oversleeps>>(4, &["cut"]);
    caught::<Wrong<wrong::Restless>>(4, &["cut"]);
    caught::<Wrong<wrong::Gambles>>(6, &["cut"]);
    caught::<Wrong<wrong::Loses>>(6, &["channels"]);
    caught::<Wrong<wrong::Forgets>>(7, &["channels", "cut"]);
    caught::<Wrong<wrong::Hoards>>(8, &["channels"]);
    caught::<Wrong<wrong::Blabs>>(10, &["cut", "token_expires"]);
}

/// And where it stands in the place of a client that was seen on a wire.
#[test]
fn clients_that_break_a_law_are_caught_on_a_recorded_wire() {
    let judgements = judge::<Wrong<wrong::Oversleeps>>(&recording("s01"), 1);
    let Judged::Broken(breach) = of(&judgements, 4) else { panic!("{judgements:?}") };
    assert_eq!((breach.line, &*breach.client), (None, "alice"), "{breach}");
    assert!(breach.to_string().starts_with("at "), "{breach}");
}

/// A session with something else in it, and the law that shows.
fn edited(name: &str, edit: impl Fn(&mut SessionFile) -> u64) -> (Vec<Judgement>, u64) {
    let mut file = session(name);
    let line = edit(&mut file);
    (judge::<Client>(&file, 1), line)
}

fn place(file: &SessionFile, is: impl Fn(&Record) -> bool) -> usize {
    let entry =
        file.entries.iter().position(|entry| matches!(&entry.what, What::Record(record) if is(record)));
    entry.unwrap()
}

#[track_caller]
fn shows(judgements: &[Judgement], law: u8, line: u64, what: &str) {
    let Judged::Broken(breach) = of(judgements, law) else { panic!("law {law}: {judgements:?}") };
    assert_eq!(breach.line, Some(line), "{breach}");
    assert!(breach.what.contains(what), "{breach}");
}

#[test]
fn an_answer_that_comes_twice_or_never_breaks_law_5() {
    let is_answer = |record: &Record| matches!(record, Record::Event(Event::Answer { .. }));
    let (judgements, line) = edited("channels", |file| {
        let at = place(file, is_answer);
        file.entries.insert(at, file.entries[at].clone());
        file.entries[at].line
    });
    shows(&judgements, 5, line, "does not wait for an answer");
    let (judgements, line) = edited("channels", |file| {
        let answer = file.entries.remove(place(file, is_answer));
        let What::Record(Record::Event(Event::Answer { call, .. })) = answer.what else { unreachable!() };
        let asked = place(file, |record| matches!(record, Record::Call { id: Some(id), .. } if *id == call));
        file.entries[asked].line
    });
    shows(&judgements, 5, line, "was never answered");
}

#[test]
fn what_waits_when_nobody_shut_the_client_down_is_not_held_against_it() {
    let (judgements, _) = edited("channels", |file| {
        let call = place(file, |record| matches!(record, Record::Call { id: Some(_), .. }));
        file.entries.truncate(call + 1);
        file.ended = false;
        0
    });
    assert_eq!(broken(&judgements), []);
    let Judged::HeldInPart(why) = of(&judgements, 5) else { panic!("{judgements:?}") };
    assert!(why.contains("1 of alice"), "{why}");
}

#[test]
fn another_output_breaks_law_6() {
    let (judgements, line) = edited("channels", |file| {
        let ready = place(file, |record| matches!(record, Record::Event(Event::Ready)));
        file.entries[ready].what = What::Record(Event::TokenExpired.into());
        file.entries[ready].line
    });
    shows(&judgements, 6, line, "Event(TokenExpired) came out, and now Some(Event(Ready))");
}

#[test]
fn what_is_sent_and_is_no_frame_breaks_law_9() {
    let (judgements, line) = edited("channels", |file| {
        let at = place(file, |record| matches!(record, Record::Command(Command::Send { .. })));
        let What::Record(Record::Command(Command::Send { bytes, .. })) = &mut file.entries[at].what else {
            unreachable!()
        };
        *bytes = serde_json::from_str::<FrameBytes>(r#""TWILSOCK V3.0 9999{}""#).unwrap();
        file.entries[at].line
    });
    shows(&judgements, 9, line, "no frame");
}

#[test]
fn a_secret_in_the_file_breaks_law_10() {
    let (judgements, line) = edited("channels", |file| {
        let at = place(file, |record| matches!(record, Record::Event(Event::ContinuationToken(_))));
        let told = Secret::new("what-nobody-may-see");
        file.entries[at].what = What::Record(Event::ContinuationToken(told).into());
        file.entries[at].line
    });
    shows(&judgements, 10, line, "not starred out");
    let mut wire = session("on_the_wire");
    assert_eq!(broken(&judge::<Client>(&wire, 1)), []);
    let text = wire.to_text().replacen("****", "abcd", 1);
    wire = parse(text.as_bytes()).unwrap().session;
    let judgements = judge::<Client>(&wire, 1);
    assert!(matches!(of(&judgements, 10), Judged::Broken(_)), "{judgements:?}");
}

#[test]
fn messages_twice_or_out_of_order_break_law_11() {
    let is_added = |record: &Record| matches!(record, Record::Event(Event::MessageAdded(_)));
    let (judgements, line) = edited("channels", |file| {
        let at = place(file, is_added);
        file.entries.insert(at, file.entries[at].clone());
        file.entries[at].line
    });
    shows(&judgements, 11, line, "is told after");
    // And a member that was not added to what it belongs to.
    let (judgements, line) = edited("channels", |file| {
        let at = place(file, |record| matches!(record, Record::Event(Event::ChannelAdded(_))));
        let told = file.entries.remove(at).what;
        let What::Record(Record::Event(Event::ChannelAdded(added))) = told else { unreachable!() };
        let next = file.entries.iter().skip(at).find(|entry| {
            matches!(&entry.what, What::Record(Record::Event(
                Event::ChannelJoined(of) | Event::ChannelInvited(of) | Event::ChannelUpdated { channel: of, .. }
            )) if of.sid == added.sid)
        });
        next.unwrap().line
    });
    shows(&judgements, 11, line, "was not added");
}

#[test]
fn a_save_that_no_client_can_have_made_breaks_law_7() {
    let (judgements, _) = edited("crash", |file| {
        let resumed = file.header.clients.iter_mut().find_map(|client| client.saved.as_mut()).unwrap();
        let text = resumed.to_json().replacen("\"epoch\":0", "\"epoch\":18446744073709551615", 1);
        *resumed = chat_proto::Saved::from_json(text.as_bytes()).unwrap();
        0
    });
    assert!(matches!(of(&judgements, 7), Judged::Broken(_)), "{judgements:?}");
}

/// A client that went on from a save of which the file knows nothing answers calls that the file does not have.
#[test]
fn a_session_that_begins_with_a_save_is_judged_too() {
    let mut file = session("crash");
    let resumed = file.header.clients.iter().position(|client| client.saved.is_some()).unwrap();
    file.header.clients = vec![file.header.clients[resumed].clone()];
    file.entries.retain(|entry| entry.who == resumed);
    file.entries.iter_mut().for_each(|entry| entry.who = 0);
    assert!(
        !file.entries.iter().any(|entry| matches!(&entry.what, What::Record(Record::Call { call, .. })
            if matches!(**call, Call::SendMessage(_)))),
        "it says what was asked before"
    );
    assert_eq!(broken(&judge::<Client>(&file, 1)), []);
    // An answer that comes twice is one too many all the same.
    let at = place(&file, |record| matches!(record, Record::Event(Event::Answer { .. })));
    file.entries.insert(at, file.entries[at].clone());
    assert!(matches!(of(&judge::<Client>(&file, 1), 5), Judged::Broken(_)));
}
