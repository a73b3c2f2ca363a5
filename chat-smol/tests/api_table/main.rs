//! The API table (`chat-proto/spec/04-api-table.md`, sections 1 to 6) is the checklist: each name in it is claimed in
//! `claims.rs` by an item of the core, an item of the adapter and a test that uses one of them; each claim is in the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod claims;
mod table;
mod words;

use claims::{Claim, NOT_OFFERED, claims};
use table::{Row, rows};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn each_row_is_claimed_and_each_claim_has_its_row() {
    let rows: BTreeSet<String> = rows().into_iter().map(|row| row.key).collect();
    assert!(rows.len() > 200, "the table is not read: {} names", rows.len());
    let mut claimed = BTreeSet::new();
    let claims = claims();
    let all = claims.iter().map(|claim| claim.row);
    for row in all.chain(NOT_OFFERED.iter().map(|row| row.0)) {
        assert!(claimed.insert(row.to_owned()), "claimed twice: {row}");
    }
    let missing: Vec<_> = rows.difference(&claimed).collect();
    let strange: Vec<_> = claimed.difference(&rows).collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "not claimed: {missing:#?}\nnot in the table: {strange:#?}"
    );
}

/// What the user wrote down is offered, all of it.
#[test]
fn only_what_no_documentation_has_is_left_out() {
    let rows: BTreeMap<String, Row> = rows().into_iter().map(|row| (row.key.clone(), row)).collect();
    for (name, reason) in NOT_OFFERED {
        assert!(!rows[*name].documented, "{name} is documented");
        assert!(reason.len() > 20, "{name} needs a reason");
    }
}

#[test]
fn each_claim_names_a_test_that_uses_the_item() {
    let tests = tests();
    let mut wrong = Vec::new();
    for Claim { row, core, adapter, tests: named } in claims() {
        let items = [last_word(core), last_word(adapter)];
        let mut used = false;
        for test in named {
            match tests.get(*test) {
                None => wrong.push(format!("{row}: there is no test {test}")),
                Some(bodies) => {
                    used |= bodies.iter().any(|body| items.iter().any(|item| contains_word(body, item)));
                }
            }
        }
        if !used {
            wrong.push(format!("{row}: none of {named:?} mentions any of {items:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each decision of spec 03 §22 has a test named after its number.
#[test]
fn each_quirk_has_its_test() {
    let tests = tests();
    let missing: Vec<u32> =
        (1..=23).filter(|n| !tests.keys().any(|name| name.starts_with(&format!("q{n:02}_")))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The name that an expression ends with: the variant, the field, or the method.
fn last_word(expression: &str) -> String {
    let text = expression.split("..").next().unwrap_or_default();
    let mut words: Vec<(bool, String)> = Vec::new();
    let mut after = false;
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            if !word.is_empty() {
                words.push((after, std::mem::take(&mut word)));
                after = false;
            }
            if c == '.'
                || c == ':'
                || (c == ',' && text.starts_with("field!"))
                || (c == '(' && text.starts_with("event!"))
            {
                after = true;
            } else if !c.is_whitespace() {
                after = false;
            }
        }
    }
    let last = if text.starts_with("event!") {
        words.iter().find(|(after, _)| *after)
    } else {
        words.iter().rev().find(|(after, _)| *after)
    };
    last.map(|(_, word)| word.clone()).unwrap_or_default()
}

fn contains_word(body: &str, word: &str) -> bool {
    body.match_indices(word).any(|(at, _)| {
        let boundary = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        boundary(body[..at].chars().next_back()) && boundary(body[at + word.len()..].chars().next())
    })
}

/// All tests of the workspace: by name, their text.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut files = Vec::new();
    for folder in [
        "chat-proto/src",
        "chat-proto/tests",
        "chat-smol/src",
        "chat-smol/tests",
        "chat-testkit/src",
        "chat-testkit/tests",
    ] {
        sources(&Path::new(WORKSPACE).join(folder), &mut files);
    }
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for (at, mark) in text.match_indices("#[test]\n") {
            let rest = &text[at + mark.len()..];
            let Some((indent, name)) = rest.lines().find_map(|line| {
                let code = line.trim_start();
                let name = code.strip_prefix("fn ")?.split('(').next()?;
                Some((&line[..line.len() - code.len()], name))
            }) else {
                continue;
            };
            let end = rest.find(&format!("\n{indent}}}\n")).unwrap_or(rest.len());
            tests.entry(name.to_owned()).or_default().push(rest[..end].to_owned());
        }
    }
    tests
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn words_are_found_in_expressions() {
    assert_eq!(last_word("Call::CreateChannel"), "CreateChannel");
    assert_eq!(last_word("|it: &Client, a| it.create_channel(a)"), "create_channel");
    assert_eq!(last_word("|it: &Client| it.get_channel_by_sid(\"CH1\")"), "get_channel_by_sid");
    assert_eq!(last_word("field!(proto::Channel, unique_name)"), "unique_name");
    assert_eq!(last_word("event!(ChannelUpdated { reasons: _, .. })"), "ChannelUpdated");
    assert_eq!(last_word("event!(MessageAdded(_))"), "MessageAdded");
    assert!(contains_word("a.join(b)", "join") && !contains_word("a.join_all(b)", "join"));
}
