//! `FAULTS.md` names tests: each of them exists.

use std::fs;
use std::path::{Path, PathBuf};

/// What is written as `file::name` in the tables of the page.
fn named(page: &str) -> Vec<(&str, &str)> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let words = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    words
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, _)| *file != "world" && !file.starts_with(char::is_uppercase))
        .collect()
}

/// All files with this name, in a folder and those in it.
fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, name, found);
        } else if path.file_name().is_some_and(|of| of == name) {
            found.push(path);
        }
    }
}

/// Whether a file has this function: a test, or a story, which is no test by itself.
fn has(file: &Path, name: &str) -> bool {
    let is_story = file.parent().is_some_and(|folder| folder.ends_with("tests/stories"));
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins = format!("fn {name}(");
    (0..lines.len()).filter(|n| lines[*n].contains(&begins)).any(|n| {
        let above = lines[..n].iter().rev().take_while(|line| line.starts_with("#["));
        is_story || above.into_iter().any(|line| *line == "#[test]")
    })
}

#[test]
fn every_test_that_the_page_names_exists() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(home.join("FAULTS.md")).unwrap();
    let named = named(&page);
    assert!(named.len() > 100, "{named:?}");
    for (file, name) in named {
        let mut files = Vec::new();
        if file.contains('/') {
            files.push(home.join("..").join(file).with_extension("rs"));
        } else {
            find(&home.join("tests"), &format!("{file}.rs"), &mut files);
        }
        assert!(files.iter().any(|file| has(file, name)), "there is no test {file}::{name}");
    }
    // And each defect has at least one that bears its number.
    for (defect, row) in (1..=30).zip(page.lines().skip_while(|line| !line.starts_with("| 1 |"))) {
        assert!(row.starts_with(&format!("| {defect} |")), "{row}");
        assert!(row.contains(&format!("::sdk_defect_{defect:02}_")), "{row}");
    }
}
