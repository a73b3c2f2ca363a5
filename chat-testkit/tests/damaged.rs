//! `chat-testkit replay` with files that are damaged: each is named with the line and what is wrong, the others are
//! replayed, and the exit code says whether all passed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // CI keeps what tests write, and searches it for secrets.
        if std::env::var_os("CHAT_KEEP_FILES").is_none() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn recorded() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions/cut.jsonl");
    fs::read_to_string(path).unwrap()
}

/// What the program says, and its exit code.
fn replay(files: &[PathBuf]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_chat-testkit"))
        .arg("replay")
        .arg("-q")
        .args(files)
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// The lines with the `n`th changed.
fn with_line(text: &str, n: usize, change: impl Fn(&str) -> String) -> String {
    let lines =
        text.lines().zip(1..).map(|(line, number)| if number == n { change(line) } else { line.into() });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn damaged_files_are_named_and_the_others_are_replayed() {
    let folder = Folder(std::env::temp_dir().join(format!("chat-testkit-damaged-{}", std::process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    let good = recorded();
    let lines: Vec<&str> = good.lines().collect();
    let swapped = with_line(&good, 60, |_| lines[60].to_owned());
    let swapped = with_line(&swapped, 61, |_| lines[59].to_owned());
    // A message that came is another one than was told.
    let came =
        lines.iter().position(|line| line.contains("\"Input\"") && line.contains("burst 0")).unwrap() + 1;
    let cases = [
        (
            "truncated",
            good.get(..30_000).unwrap().to_owned(),
            "line 45: the file is cut off after 1516 bytes of this line",
        ),
        (
            "no_json",
            with_line(&good, 50, |_| "{what?".into()),
            "line 50: this is no JSON: key must be a string at column 2",
        ),
        (
            "no_record",
            with_line(&good, 50, |line| line.replace("\"record\"", "\"recrod\"")),
            "line 50: unknown field `recrod`",
        ),
        (
            "version",
            good.replacen("\"version\":1", "\"version\":2", 1),
            "line 1: \"chat-session\" version 2 cannot be read, only \"chat-session\" version 1",
        ),
        ("swapped", swapped, "line 60 says that it is line 61: lines were lost, doubled or swapped"),
        (
            "after_its_end",
            format!("{good}{{\"n\":140,\"end\":true}}\n"),
            "line 140: the recording ended on the line before",
        ),
        ("empty", String::new(), "line 1: this is no session file: it is empty"),
        (
            "edited",
            with_line(&good, came, |line| line.replacen("burst 0", "burst 9", 1)),
            "alice does something else than recorded",
        ),
    ];
    let mut files = Vec::new();
    for (name, text, _) in &cases {
        let path = folder.0.join(name).with_extension("jsonl");
        fs::write(&path, text).unwrap();
        files.push(path);
    }
    files.push(folder.0.join("missing.jsonl"));
    let whole = folder.0.join("whole.jsonl");
    fs::write(&whole, &good).unwrap();
    files.push(whole.clone());

    let (said, code) = replay(&files);
    for (name, _, problem) in &cases {
        let path = folder.0.join(name).with_extension("jsonl");
        let begin = format!("{}: FAILED: ", path.display());
        let found = said.lines().any(|line| line.starts_with(&begin) && line.contains(problem));
        assert!(found, "{name}: {problem}\n{said}");
    }
    assert!(said.contains("missing.jsonl: FAILED: "), "{said}");
    assert!(said.contains(&format!("{}: passed", whole.display())), "what comes last is replayed: {said}");
    assert_eq!(code, 1);
    // What stands before the damage was replayed.
    assert!(said.contains("truncated.jsonl: 20 inputs, 23 outputs as recorded"), "{said}");

    let (said, code) = replay(&[whole]);
    assert_eq!(code, 0, "{said}");

    // Without its last lines nothing contradicts the rest, but that is said.
    let open = folder.0.join("open.jsonl");
    fs::write(&open, lines[..40].join("\n") + "\n").unwrap();
    let (said, code) = replay(&[open]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the recording does not tell its end"), "{said}");
}
