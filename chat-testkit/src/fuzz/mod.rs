//! What the fuzz targets do: each takes any bytes and panics when something does not hold. The targets themselves are
//! one line each, so that their corpora run under plain `cargo test` too.
//!
//! | target | the bytes are | what must hold |
//! |---|---|---|
//! | [`frames`] | a frame | it survives decode-encode-decode, and a plain reading with `serde_json` finds the same in it |
//! | [`hostile_service`] | what a service does that means harm | no panic, bounded, deadline honest, calls answered once, no secret shown, nothing told that nobody said |
//! | [`journey`] | what apps do, what goes wrong, and when | laws 4, 5, 6 and 11 against all that the service holds |
//! | [`resume`] | the same, with crashes and saves of any moment | laws 5, 7 and 11; a forged save does no harm |
//! | [`session_files`] | a session file | reader, writer, reader; damage is told with its line, and nothing before it is lost |
//! | [`push`] | a push payload | a plain reading finds the same in it |

mod frames;
mod hostile;
mod journey;
mod plain;
mod push;
mod resume;
mod script;
mod session_files;
mod wishes;

use crate::session_file::SessionFile;

pub use frames::frames;
pub use hostile::hostile_service;
pub use journey::journey;
pub use push::push;
pub use resume::resume;
pub use session_files::session_files;

/// What happened in a story that failed can be kept: `FUZZ_SESSION=FILE`.
fn keep(session: impl FnOnce() -> SessionFile) {
    if let Some(file) = std::env::var_os("FUZZ_SESSION") {
        // It fails already; a file that cannot be written changes nothing.
        let _ = std::fs::write(file, session().to_text());
    }
}
