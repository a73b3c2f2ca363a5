//! A folder of session files as snapshot tests.
//!
//! One line in a crate's tests, with `insta` underneath:
//!
//! ```ignore
//! chat_testkit::snapshot_sessions!("tests/sessions");
//! ```
//!
//! makes a test `sessions` that replays each `*.jsonl` of the folder with the real client and compares its
//! [`Timeline`] with `snapshots/NAME.snap` beside it. A session that was recorded from inside must repeat itself; one
//! that was recorded on a wire is replayed with our client in the place of each recorded one
//! ([`foreign()`](crate::replay::foreign())), and what that did stands in the snapshot too. It fails as well for a damaged
//! file, for a replay that goes another way, and for a snapshot that no session has any more. Accept changes with
//! `cargo insta review`, or with `INSTA_UPDATE=always cargo test`, after reading them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::replay::replay_file;
use crate::session_file;
use crate::timeline::Timeline;

#[doc(hidden)]
pub use insta;

/// Turns a folder of session files, named from the crate's own, into a snapshot test. The test is called `sessions`, or as
/// the second argument says: two folders in one module need two names.
///
/// ```ignore
/// chat_testkit::snapshot_sessions!("tests/sessions");
/// chat_testkit::snapshot_sessions!("tests/from_phones", from_phones);
/// ```
#[macro_export]
macro_rules! snapshot_sessions {
    ($folder:literal) => {
        $crate::snapshot_sessions!($folder, sessions);
    };
    ($folder:literal, $name:ident) => {
        #[test]
        fn $name() {
            let folder = ::std::path::Path::new(::core::env!("CARGO_MANIFEST_DIR")).join($folder);
            $crate::snapshots::check(&folder, |name, timeline| {
                let mut settings = $crate::snapshots::insta::Settings::clone_current();
                settings.set_snapshot_path(folder.join("snapshots"));
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                settings.bind(|| $crate::snapshots::insta::assert_snapshot!(name, timeline));
            });
        }
    };
}

/// What [`snapshot_sessions!`] does: `assert` is told the name and the timeline of each session, and panics if it is not
/// as it was. All sessions are gone through before this fails.
///
/// # Panics
/// Something is not as it should be; the text says what.
pub fn check(folder: &Path, assert: impl Fn(&str, &str)) {
    let mut problems = Vec::new();
    let sessions = names(folder, "jsonl").unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(!sessions.is_empty(), "{}: there is no session file", folder.display());
    for name in &sessions {
        match timeline(&folder.join(format!("{name}.jsonl"))) {
            // The panic of a changed snapshot has been printed by then.
            Ok(text) => {
                if catch_unwind(AssertUnwindSafe(|| assert(name, &text))).is_err() {
                    problems.push(format!("{name}: the snapshot is another"));
                }
            }
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    // Without snapshots yet there is nothing unused.
    for unused in names(&folder.join("snapshots"), "snap").unwrap_or_default().difference(&sessions) {
        problems.push(format!("{unused}: there is a snapshot, but no session: remove it"));
    }
    assert!(
        problems.is_empty(),
        "{} of {} sessions:\n{}",
        problems.len(),
        sessions.len(),
        problems.join("\n")
    );
}

/// The timeline of a session that replays. One that was seen on a wire is followed by what our client did in the place
/// of each recorded one, and by what the recording could not answer it.
fn timeline(path: &Path) -> Result<String, String> {
    let verdict = replay_file(path).map_err(|damage| damage.to_string())?;
    if !verdict.passed() {
        return Err(verdict.problems.join("; "));
    }
    let session = session_file::open(path).map_err(|damage| damage.to_string())?.session;
    let mut text = Timeline::new(&session).to_string();
    if session.is_wire() {
        for (name, timeline) in &verdict.timelines {
            let _ = write!(text, "\n---- our client in the place of {name}\n\n{timeline}");
        }
        let _ = write!(text, "\n---- {}\n", verdict.notes.join("\n---- "));
    }
    Ok(text)
}

fn names(folder: &Path, extension: &str) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension)
            && let Some(name) = path.file_stem()
        {
            names.insert(name.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    use crate::scratch::Scratch;

    fn folder() -> Scratch {
        let folder = Scratch::new("chat-testkit-snapshots").unwrap();
        fs::create_dir_all(folder.join("snapshots")).unwrap();
        folder
    }

    fn message(check: impl FnOnce()) -> String {
        *catch_unwind(AssertUnwindSafe(check)).unwrap_err().downcast::<String>().unwrap()
    }

    #[test]
    fn each_session_is_told_and_every_problem_named() {
        let folder = folder();
        let mut stage = crate::stage::Stage::new(crate::service::ServiceConfig::default());
        stage.enter("alice");
        stage.settle();
        let text = stage.session("a test").to_text();
        fs::write(folder.join("good.jsonl"), &text).unwrap();
        fs::write(folder.join("snapshots/good.snap"), "").unwrap();
        let seen = RefCell::new(Vec::new());
        check(&folder, |name, timeline| seen.borrow_mut().push((name.to_owned(), timeline.to_owned())));
        let seen = seen.into_inner();
        assert_eq!((seen.len(), seen[0].0.as_str()), (1, "good"));
        assert!(seen[0].1.contains("alice  app       <=  Ready"), "{}", seen[0].1);

        fs::write(folder.join("bad.jsonl"), text.replace("\"n\":5,", "\"n\":6,")).unwrap();
        fs::write(
            folder.join("other.jsonl"),
            text.replace("\"Event\":\"Ready\"", "\"Event\":\"TokenExpired\""),
        )
        .unwrap();
        fs::write(folder.join("snapshots/gone.snap"), "").unwrap();
        let said = message(|| check(&folder, |_, _| panic!("another")));
        for part in [
            "bad: line 5 says that it is line 6",
            "good: the snapshot is another",
            "alice does something else than recorded",
            "gone: there is a snapshot, but no session: remove it",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
