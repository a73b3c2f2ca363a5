use chat_proto::Client;
use chat_proto::session::{What, redacted_record};

use crate::inspect;
use crate::replay;
use crate::session_file::{Damage, Entry, Opened, SessionFile, parse};

/// How much of a hostile file is replayed: one of its records may ask for a million things.
const REPLAYED: usize = 400;

/// Session files: reader → writer → reader gives the same, secrets aside; damage is told with its line, and nothing that
/// stands before it is lost. What can be read can be replayed and shown, whatever it says.
///
/// # Panics
///
/// When that does not hold.
pub fn session_files(data: &[u8]) {
    let opened = match parse(data) {
        Ok(opened) => opened,
        Err(damage) => return told_with_its_line(&damage, 1),
    };
    let Opened { session, damage } = opened;
    if let Some(damage) = &damage {
        let lines = session.entries.last().map_or(1, |entry| entry.line) + u64::from(session.ended);
        let next = if session.is_plain() { line_of(damage).unwrap_or(0) } else { lines + 1 };
        told_with_its_line(damage, next);
        before_the_damage(data, &session, next);
    }
    written_and_read(&session);
    if session.entries.len() <= REPLAYED {
        let _ = replay::exact::<Client>(&session);
        assert!(inspect::page("a session", &session).ends_with("</html>\n"));
    }
}

fn line_of(damage: &Damage) -> Option<u64> {
    match damage {
        Damage::Io { .. } => None,
        Damage::NoHeader(_) | Damage::OtherVersion { .. } => Some(1),
        Damage::BadLine { line, .. }
        | Damage::WrongOrder { line, .. }
        | Damage::Earlier { line, .. }
        | Damage::CutOff { line, .. }
        | Damage::AfterEnd { line } => Some(*line),
    }
}

fn told_with_its_line(damage: &Damage, line: u64) {
    assert_eq!(line_of(damage), Some(line), "{damage}");
    assert!(damage.to_string().starts_with(&format!("line {line}")), "{damage}");
}

/// The lines before the damage, alone, are the same session without damage.
fn before_the_damage(data: &[u8], session: &SessionFile, line: u64) {
    let ends = data.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(place, _)| place + 1);
    let whole = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let Some(end) = ends.take(whole).last() else { return };
    let sound = parse(&data[..end]).expect("what could be read can be read again");
    assert!(sound.damage.is_none(), "{:?}", sound.damage);
    assert_eq!(sound.session.entries, session.entries, "something before the damage was lost");
}

fn written_and_read(session: &SessionFile) {
    let text = session.to_text();
    let again = parse(text.as_bytes()).expect("what was written can be read");
    assert!(again.damage.is_none(), "what was written is damaged: {:?}", again.damage);
    let again = again.session;
    assert_eq!(again.to_text(), text, "the second copy is another than the first");
    assert_eq!(again.ended, session.ended);
    assert_eq!(again.entries.len(), session.entries.len(), "entries were lost");
    for (old, new) in session.entries.iter().zip(&again.entries) {
        assert_eq!((old.at, old.who), (new.at, new.who));
        assert_eq!(shown(old), shown(new), "line {} is another one now", old.line);
    }
}

/// An entry without its secrets.
fn shown(entry: &Entry) -> String {
    match &entry.what {
        What::Record(record) => redacted_record(record.clone()),
        What::Note(note) => note.to_string(),
        What::Wire(wire) => format!("{wire:?}"),
        _ => String::new(),
    }
}
