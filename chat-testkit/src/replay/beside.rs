//! What stands beside recorded frames: the logs of the people in them, and the list of known differences.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chat_proto::Event;

use super::against_log;
use crate::compare::{Differences, Log};

/// The files beside a recording. All of them have to be about it: what is never looked at proves nothing.
pub(super) struct Beside {
    folder: PathBuf,
    /// The folder's name.
    scenario: String,
    known: Differences,
    /// The folder of the list, if there is one.
    list: Option<PathBuf>,
}

impl Beside {
    /// What stands beside a file, and what is wrong with it.
    pub(super) fn of(path: &Path) -> (Self, Vec<String>) {
        // A path may have no folder in it, and the folder's name counts.
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let scenario = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let list = [Some(folder.as_path()), folder.parent()].into_iter().flatten();
        let list = list.map(|at| at.join("differences.json")).find(|list| list.exists());
        let (known, problem) = match list.as_deref().map(differences) {
            None => (Differences::default(), None),
            Some(Ok(known)) => (known, None),
            Some(Err(problem)) => (Differences::default(), Some(problem)),
        };
        let list = list.and_then(|list| list.parent().map(Path::to_owned));
        (Self { folder, scenario, known, list }, problem.into_iter().collect())
    }

    /// How a person's events differ from the log, if there is one.
    pub(super) fn differs(&self, who: &str, events: &[&Event]) -> Vec<String> {
        let Ok(log) = fs::read_to_string(self.folder.join(format!("log.{who}.jsonl"))) else {
            let entries = self.known.entries().iter();
            let entries = entries.filter(|entry| entry.scenario == self.scenario && entry.client == who);
            return entries
                .map(|entry| format!("{who}: listed, but without a log: {}", entry.line))
                .collect();
        };
        let log = match Log::parse(&log) {
            Ok(log) => log,
            Err(error) => return vec![format!("log.{who}.jsonl: {error}")],
        };
        let (unexplained, unused) = self.known.settle(&self.scenario, who, against_log(who, &log, events));
        let unexplained = unexplained
            .into_iter()
            .map(|line| format!("{who}: step {:?}, only {:?}: {}", line.step, line.side, line.line));
        let unused = unused
            .into_iter()
            .map(|entry| format!("{who}: step {:?}: listed, but no difference: {}", entry.step, entry.line));
        unexplained.chain(unused).collect()
    }

    /// What is about people who are not in the recording, or about recordings that are not there.
    pub(super) fn left_over(&self, people: &[&str]) -> Vec<String> {
        let is_here = |name: &str| people.contains(&name);
        let mut problems = Vec::new();
        for name in self.logs().iter().filter(|name| !is_here(name)) {
            problems.push(format!("log.{name}.jsonl: nobody in the recording is {name}"));
        }
        for entry in self.known.entries() {
            let (scenario, client, line) = (&entry.scenario, &entry.client, &entry.line);
            let is_known = self.list.as_ref().is_some_and(|list| list.join(scenario).is_dir());
            if *scenario == self.scenario && !is_here(client) {
                problems.push(format!("{client}: listed, but not in the recording: {line}"));
            } else if *scenario != self.scenario && !is_known {
                problems.push(format!("differences.json: there is no folder {scenario}: {line}"));
            }
        }
        problems
    }

    /// Whose logs there are. `log.timed.jsonl` has times, and is nobody's.
    fn logs(&self) -> BTreeSet<String> {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let people =
            names.filter_map(|name| Some(name.strip_prefix("log.")?.strip_suffix(".jsonl")?.to_owned()));
        people.filter(|name| name != "timed").collect()
    }
}

fn differences(path: &Path) -> Result<Differences, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Differences::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}
