//! `chat-testkit replay` with files that are damaged: each is named with the line and what is wrong, the others are
//! replayed, and the exit code says whether all passed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chat_proto::session::star_out;
use chat_testkit::scratch::Scratch;
use chat_testkit::session_file::open;
use chat_testkit::timeline::Timeline;

fn sessions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions")
}

fn recorded() -> String {
    fs::read_to_string(sessions().join("cut.jsonl")).unwrap()
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
    let folder = folder("many");
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
        let path = folder.join(name).with_extension("jsonl");
        fs::write(&path, text).unwrap();
        files.push(path);
    }
    files.push(folder.join("missing.jsonl"));
    let whole = folder.join("whole.jsonl");
    fs::write(&whole, &good).unwrap();
    files.push(whole.clone());

    let (said, code) = replay(&files);
    for (name, _, problem) in &cases {
        let path = folder.join(name).with_extension("jsonl");
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
}

fn folder(name: &str) -> Scratch {
    Scratch::new(&format!("chat-testkit-damaged-{name}")).unwrap()
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name).with_extension("jsonl");
    fs::write(&path, text).unwrap();
    path
}

/// Nothing contradicts the rest of a file that lacks its last lines, but that is said.
#[test]
fn a_file_without_its_end_passes_with_a_note() {
    let folder = folder("open");
    let own = recorded();
    let wire = fs::read_to_string(sessions().join("on_the_wire.jsonl")).unwrap();
    for (name, text) in [("own", own), ("wire", wire)] {
        let lines: Vec<&str> = text.lines().take(40).collect();
        let path = written(&folder, name, &(lines.join("\n") + "\n"));
        let (said, code) = replay(&[path]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("after line 40: the recording does not tell its end"), "{said}");
        let path = written(&folder, name, &text);
        let (said, code) = replay(&[path]);
        assert!(code == 0 && !said.contains("its end"), "{said}");
    }
}

#[test]
fn a_file_in_which_nothing_happens_does_not_pass() {
    let folder = folder("nothing");
    let header = recorded().lines().next().unwrap().to_owned();
    let wire =
        r#"{"n":1,"format":"chat-session","version":1,"dialect":"list","origin":"a proxy","clients":[]}"#;
    let opened = r#"{"n":2,"at":5,"conn":1,"wire":"Opened"}"#;
    let frame = r#"{"n":3,"at":6,"conn":1,"wire":{"FromClient":{"Binary":"x"}}}"#;
    for (name, lines, problem) in [
        ("own", vec![&*header], "nothing was replayed: nothing happens in it"),
        ("wire", vec![wire, r#"{"n":2,"end":true}"#], "nothing was replayed: nothing happens in it"),
        ("killed", vec![wire], "nothing was replayed: nothing happens in it"),
        (
            "nobody",
            vec![wire, opened, r#"{"n":3,"end":true}"#],
            "nothing was replayed: no connection says whose it is",
        ),
        (
            "unclaimed",
            vec![wire, opened, frame, r#"{"n":4,"end":true}"#],
            "connection 1: not replayed: nothing says whose it is",
        ),
    ] {
        let path = written(&folder, name, &(lines.join("\n") + "\n"));
        let (said, code) = replay(&[path]);
        assert_eq!(code, 1, "{name}: {said}");
        assert!(said.contains(&format!("FAILED: {problem}")), "{name}: {said}");
        assert!(!said.contains("passed"), "{name}: {said}");
    }
}

/// One connection that nothing tells of, among others: what was on it is missed, unless nothing was.
#[test]
fn a_connection_of_nobody_is_told() {
    let folder = folder("unclaimed");
    let text = fs::read_to_string(sessions().join("on_the_wire.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (end, lines) = lines.split_last().unwrap();
    assert!(end.contains("\"end\":true"));
    for (frame, code, sign) in [("\"Opened\"", 0, ""), ("{\"FromClient\":{\"Binary\":\"x\"}}", 1, "FAILED: ")]
    {
        let n = lines.len() + 1;
        let line = format!("{{\"n\":{n},\"at\":99000000,\"conn\":77,\"wire\":{frame}}}");
        let end = format!("{{\"n\":{},\"end\":true}}", n + 1);
        let path = written(&folder, "one_more", &format!("{}\n{line}\n{end}\n", lines.join("\n")));
        let (said, got) = replay(&[path]);
        assert_eq!(got, code, "{said}");
        assert!(said.contains(&format!("{sign}connection 77: not replayed")), "{said}");
    }
}

#[test]
fn frames_in_the_plain_form_are_in_the_order_of_time() {
    let folder = folder("plain");
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/s01/frames.jsonl");
    // The token in it is unsigned, but what tests write is searched for tokens.
    let mut good = fs::read(recording).unwrap();
    star_out(&mut good);
    let good = String::from_utf8(good).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    // Where there is more than nothing between two lines.
    let time =
        |line: &str| line.split_once("\"t_ms\":").unwrap().1.split(',').next().unwrap().trim().to_owned();
    let first = (20..lines.len()).find(|n| time(lines[*n]) != time(lines[n - 1])).unwrap();
    let swapped = with_line(&good, first, |_| lines[first].to_owned());
    let swapped = with_line(&swapped, first + 1, |_| lines[first - 1].to_owned());
    let (said, code) = replay(&[written(&folder, "swapped", &swapped)]);
    assert_eq!(code, 1, "{said}");
    let problem = format!("FAILED: line {}: its time is {} ms", first + 1, time(lines[first - 1]));
    assert!(said.contains(&problem), "{problem}: {said}");
}

/// What `inspect` makes of a file that is damaged in the middle: a page of what stands before, and an exit code.
#[test]
fn the_page_of_a_damaged_file_shows_what_stands_before_the_damage() {
    let folder = folder("inspect");
    let path = written(&folder, "cut_off", recorded().get(..30_000).unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_chat-testkit")).arg("inspect").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cut_off.jsonl: line 45: the file is cut off after 1516 bytes"), "{said}");
    let page = fs::read_to_string(path.with_extension("html")).unwrap();
    assert!(page.ends_with("</html>\n"));
    let opened = open(&path).unwrap();
    assert_eq!(opened.session.entries.last().map(|entry| entry.line), Some(44));
    // One is the header of the lanes.
    let rows = page.matches("<div class=\"row ").count();
    assert_eq!(rows, 1 + Timeline::new(&opened.session).moments.len());
    assert!(rows > 40, "{rows}");
}

#[test]
fn laws_are_told_one_by_one() {
    let folder = folder("laws");
    let whole = recorded();
    let said = |name: &str, text: &str| {
        let path = written(&folder, name, text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-testkit"));
        let output = command.args(["replay", "-q", "--laws"]).arg(path).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    };
    let (text, code) = said("whole", &whole);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("laws that hold: 1 2 3 4 5 6 7 8 9 10\n"), "{text}");
    let part = "law 11 holds, as far as this file shows; not judged: whether the lists end as the service's";
    assert!(text.contains(part), "{text}");
    // The answer to the first call gets another name.
    let answer = whole.lines().position(|line| line.contains("\"Answer\":{\"call\":1,")).unwrap() + 1;
    let edited = with_line(&whole, answer, |line| line.replace("\"call\":1,", "\"call\":99,"));
    let (text, code) = said("edited", &edited);
    assert_eq!(code, 1, "{text}");
    let broken =
        format!("FAILED: law 5 is broken: line {answer}: alice: call 99 does not wait for an answer");
    assert!(text.contains(&broken), "{text}");
    assert!(text.contains(&format!("FAILED: law 6 is broken: line {answer}: ")), "{text}");
    // Frames of any client.
    let wire = fs::read_to_string(sessions().join("on_the_wire.jsonl")).unwrap();
    let (text, code) = said("wire", &wire);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("laws that hold: 1 2 3 4 5 6 7 8 9 10\n"), "{text}");
}
