//! The names in the API table.

use std::collections::BTreeSet;

const TABLE: &str = include_str!("../../../chat-proto/spec/04-api-table.md");

/// A name that the table has.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Section and name: `1.2 createChannel`, `6 User.online`.
    pub(crate) key: String,
    /// Whether the user's text or the reference documentation has it.
    pub(crate) documented: bool,
}

/// The cells of the lines of sections 1 to 6, headers left out, with the section's number.
fn lines() -> Vec<(String, Vec<String>)> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in TABLE.lines() {
        if let Some(title) = line.strip_prefix("##") {
            let number = title.trim_start_matches('#').split_whitespace().next().unwrap_or_default();
            number.trim_end_matches('.').clone_into(&mut section);
        }
        let in_scope = section
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .is_some_and(|n: u32| (1..=6).contains(&n));
        if !in_scope {
            continue;
        }
        if line.starts_with("|---") {
            // The line above was the header.
            lines.pop();
        } else if line.starts_with('|') {
            lines.push((section.clone(), cells(line)));
        } else if line.starts_with('`') || line.starts_with("Undocumented but reachable: ") {
            // Types in a line of text: `Type`: `chat, sms`. `UpdateReason`: ….
            for part in line.split(". ") {
                let part = part.trim_start_matches("Undocumented but reachable: ");
                if let Some((name, values)) = part.split_once("`: ").or_else(|| part.split_once("` (")) {
                    lines.push((section.clone(), vec![format!("{name}`"), values.to_owned()]));
                }
            }
        }
    }
    lines
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_matches('|').replace("\\|", "\u{1}").replace("\\<", "<");
    line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// What stands between backticks.
pub(crate) fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The names in a cell: the word that each part between commas begins with.
fn names(cell: &str) -> Vec<String> {
    let mut names = Vec::new();
    for code in code(cell) {
        let mut depth = 0;
        let parts = code.split(|c: char| {
            depth += i32::from("({[<".contains(c)) - i32::from(")}]>".contains(c));
            c == ',' && depth == 0
        });
        for part in parts {
            let name: String =
                part.trim().chars().take_while(|c| c.is_ascii_alphabetic() || *c == '.').collect();
            names.push(name.trim_end_matches('.').to_owned());
        }
    }
    // Message types of push notifications are values, not names.
    names.retain(|name| !name.is_empty() && !name.starts_with('.') && !name.starts_with("twilio.channel"));
    names
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (section, cells) in lines() {
        let classes = section == "6";
        let class = if classes {
            format!("{}.", cells[0].split('<').next().unwrap_or_default())
        } else {
            String::new()
        };
        let flags = cells.iter().rev().take(2);
        let documented = flags.clone().any(|flag| flag == "yes" || flag == "ref");
        for name in names(&cells[usize::from(classes)]) {
            let key = format!("{section} {class}{name}");
            if seen.insert(key.clone()) {
                rows.push(Row { key, documented });
            }
        }
    }
    rows
}

/// The values that the table gives a type: the words between backticks in the cell beside its name.
pub(crate) fn values(section: &str, name: &str) -> BTreeSet<String> {
    let named = |cells: &[String]| {
        names(&cells[usize::from(section == "6")]).first().is_some_and(|first| first == name)
    };
    let lines = lines();
    let (_, cells) = lines
        .iter()
        .find(|(of, cells)| {
            let class = section == "6" && cells[0] != "User";
            of == section && !class && named(cells)
        })
        .unwrap_or_else(|| panic!("{section} {name}"));
    let column = if section == "6" { 2 } else { 1 };
    let words = code(&cells[column]).into_iter().flat_map(|code| code.split([',', '|']));
    words.map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}
