//! A session as somebody between client and service sees it: frames only.

use chat_proto::session::Wire;
use chat_proto::{Command, FrameRecord, InputRecord, Record};
use chat_testkit::session_file::{Header, SessionFile, What};

/// The plain one, told by its frames.
pub(crate) fn seen_from_outside() -> SessionFile {
    let inside = crate::links::cut();
    let name = inside.name(0).into_boxed_str();
    let mut conn = 0;
    let mut lines = Vec::new();
    for entry in inside.entries {
        let What::Record(record) = entry.what else { continue };
        let wire = match record {
            Record::Input(InputRecord::Opened(_)) => {
                conn += 1;
                Wire::Opened
            }
            Record::Input(InputRecord::Frame(_, frame)) => Wire::FromService(frame),
            Record::Input(InputRecord::Closed(..)) => Wire::Closed(None),
            Record::Command(Command::Send { bytes, .. }) => {
                Wire::FromClient(FrameRecord::Binary(bytes.into_vec()))
            }
            _ => continue,
        };
        let opened = wire == Wire::Opened;
        lines.push((entry.at, conn, What::Wire(wire)));
        if opened {
            lines.push((entry.at, conn, What::Wire(Wire::Identity(name.clone()))));
        }
    }
    SessionFile::new(Header::new("a wire, seen from outside", []), lines)
}
