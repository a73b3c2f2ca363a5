use chat_proto::frame::{FrameLimits, decode, encode};
use chat_proto::{Command, Frame, Input, Record};

use super::Violation;
use crate::session_file::{SessionFile, parse};
use crate::world::Session;

/// Law 9: frames, records and session files survive decode-encode-decode, and each frame that a client sends is one.
///
/// # Errors
///
/// The first that comes back as something else, or not at all.
pub fn survives_storage(session: &Session) -> Result<(), Violation> {
    for (step, entry) in session.entries.iter().enumerate() {
        let broken = |what: String| Violation::new(9, entry.client, step, what);
        record(&entry.record).map_err(broken)?;
        match (&entry.record, entry.record.as_input()) {
            (Record::Command(Command::Send { bytes, .. }), _) => {
                frame(bytes.as_bytes(), true).map_err(broken)?;
            }
            // What comes may be anything.
            (_, Some(Input::Frame(_, Frame::Binary(bytes)))) => frame(bytes, false).map_err(broken)?,
            _ => {}
        }
    }
    file(session).map_err(|what| Violation::new(9, 0, session.entries.len(), what))
}

fn record(record: &Record) -> Result<(), String> {
    let text = serde_json::to_string(record).map_err(|error| format!("it cannot be written: {error}"))?;
    let read: Record =
        serde_json::from_str(&text).map_err(|error| format!("{record:?} cannot be read again: {error}"))?;
    if read == *record { Ok(()) } else { Err(format!("{record:?} comes back as {read:?}")) }
}

fn frame(bytes: &[u8], ours: bool) -> Result<(), String> {
    // What comes may have an odd magic line, longer than ours.
    let roomy =
        FrameLimits { frame_bytes: FrameLimits::default().frame_bytes + 100, ..FrameLimits::default() };
    match decode(bytes, FrameLimits::default()) {
        Ok((header, payload)) => match decode(&encode(header, payload), roomy) {
            Ok(again) if again == (header, payload) => Ok(()),
            other => Err(format!("a frame of {} bytes comes back as {:?}", bytes.len(), other.err())),
        },
        Err(error) if ours => Err(format!("what it sends is no frame: {error}")),
        Err(_) => Ok(()),
    }
}

fn file(session: &Session) -> Result<(), String> {
    let text = SessionFile::from(session).to_text();
    let opened = parse(text.as_bytes()).map_err(|damage| format!("its file cannot be read: {damage}"))?;
    match opened.damage {
        Some(damage) => Err(format!("its file cannot be read: {damage}")),
        None if opened.session.to_text() == text => Ok(()),
        None => Err("its file comes back as another one".into()),
    }
}
