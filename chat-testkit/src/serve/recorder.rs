//! Records every frame in the plain form: one `{t_ms, conn, dir, text}` a line.
//!
//! `dir` is `c2s`, `s2c` or `meta` (`open`, `close`, `identity NAME`). A message that is not UTF-8 has `base64` in
//! place of `text`. Secrets are starred out before they reach the file, keeping their length.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat_proto::Time;
use chat_proto::session::star_out;
use serde_json::{Value, json};

use crate::service::ConnId;
use crate::session_file::identity;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    FromClient,
    ToClient,
}

/// A file that is being recorded into.
pub(super) struct Recorder {
    file: BufWriter<File>,
    frames: u64,
    /// Why writing stopped; told when the recording is.
    failed: Option<io::Error>,
}

impl Recorder {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file =
            File::create(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
        Ok(Self { file: BufWriter::new(file), frames: 0, failed: None })
    }

    pub(super) fn meta(&mut self, now: Time, conn: ConnId, text: &str) {
        self.write(&json!({ "t_ms": now.as_millis(), "conn": conn.0, "dir": "meta", "text": text }));
    }

    pub(super) fn message(&mut self, now: Time, conn: ConnId, direction: Direction, bytes: &[u8]) {
        let dir = match direction {
            Direction::FromClient => "c2s",
            Direction::ToClient => "s2c",
        };
        let (t_ms, conn_number) = (now.as_millis(), conn.0);
        if direction == Direction::FromClient
            && let Some(identity) = identity(bytes)
        {
            // The token is starred out, and a replay has to know whose connection it is.
            self.meta(now, conn, &format!("identity {identity}"));
        }
        let mut bytes = bytes.to_vec();
        star_out(&mut bytes);
        let record = match String::from_utf8(bytes) {
            Ok(text) => json!({ "t_ms": t_ms, "conn": conn_number, "dir": dir, "text": text }),
            Err(error) => {
                let base64 = STANDARD.encode(error.as_bytes());
                json!({ "t_ms": t_ms, "conn": conn_number, "dir": dir, "base64": base64 })
            }
        };
        self.frames += 1;
        self.write(&record);
    }

    fn write(&mut self, record: &Value) {
        if self.failed.is_none() {
            self.failed = writeln!(self.file, "{record}").err();
        }
    }

    /// Called after each round of the service, so that little is lost if the process is killed.
    pub(super) fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.file.flush().err();
        }
    }

    /// Ends the recording: how many frames it has.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.flush();
        self.failed.map_or(Ok(self.frames), Err)
    }
}
