//! Secrets that stand in a file.

use chat_proto::FrameRecord;
use chat_proto::session::{What, Wire, redacted_record, star_out};

use super::Breach;
use crate::session_file::SessionFile;

/// The first line with a secret that was not starred out.
pub(super) fn find(file: &SessionFile) -> Option<Breach> {
    let entry = file.entries.iter().find(|entry| match &entry.what {
        What::Record(record) => serde_json::to_string(record).ok() != Some(redacted_record(record.clone())),
        What::Wire(Wire::FromClient(frame) | Wire::FromService(frame)) => {
            let bytes = match frame {
                FrameRecord::Binary(bytes) => bytes.as_slice(),
                FrameRecord::Text(text) => text.as_bytes(),
            };
            let mut starred = bytes.to_vec();
            star_out(&mut starred);
            starred != bytes
        }
        _ => false,
    })?;
    let client = if file.is_wire() { format!("connection {}", entry.who) } else { file.name(entry.who) };
    let what = "a secret was not starred out".to_owned();
    Some(Breach { line: Some(entry.line), at: Some(entry.at), client, what })
}
