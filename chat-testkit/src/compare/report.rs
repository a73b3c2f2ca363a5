//! Comparing the logs of a whole scenario, folder by folder.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::log::{Difference, Log, LogError, Side, StepsDiffer, compare};
use super::{Differences, KnownDifference};

/// What the comparison of a scenario found. [`Display`](fmt::Display) shows it to a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Differences that are not listed, with whose log has them.
    pub unexplained: Vec<(String, Difference)>,
    /// Clients whose logs have other steps than expected.
    pub other_steps: Vec<(String, StepsDiffer)>,
    /// Entries of the list that matched nothing.
    pub unused: Vec<KnownDifference>,
    /// Clients that have only one of the two logs.
    pub unpaired: Vec<(String, Side)>,
}

impl Report {
    /// Whether everything is as expected or listed.
    pub fn passed(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (client, side) in &self.unpaired {
            writeln!(f, "{client}: there is only the {side:?} log")?;
        }
        for (client, steps) in &self.other_steps {
            writeln!(f, "{client}: {steps}")?;
        }
        let mut place = None;
        for (client, difference) in &self.unexplained {
            let here = (client, &difference.step);
            if place != Some(here) {
                writeln!(f, "{client}: step {:?}", difference.step)?;
                place = Some(here);
            }
            let sign = if difference.side == Side::Expected { '-' } else { '+' };
            writeln!(f, "  {sign} {}", difference.line)?;
        }
        for entry in &self.unused {
            writeln!(
                f,
                "{}: listed as a difference in step {:?}, but it is none:",
                entry.client, entry.step
            )?;
            writeln!(f, "  {} ({})", entry.line, entry.reason)?;
        }
        Ok(())
    }
}

/// Logs that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A folder or file cannot be read.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// A log is damaged.
    #[error("{0}: {1}")]
    Log(PathBuf, LogError),
}

/// Compares the files `log.<client>.jsonl` of two folders.
///
/// # Errors
/// A folder or a log cannot be read.
pub fn compare_folders(
    scenario: &str,
    expected: &Path,
    actual: &Path,
    known: &Differences,
) -> Result<Report, CompareError> {
    let (left, right) = (clients(expected)?, clients(actual)?);
    let mut report = Report::default();
    for client in left.union(&right) {
        let found = match (left.contains(client), right.contains(client)) {
            (true, false) => Err(Side::Expected),
            (false, true) => Err(Side::Actual),
            _ => Ok(compare(&read(expected, client)?, &read(actual, client)?)),
        };
        let differences = match found {
            Ok(Ok(differences)) => differences,
            Ok(Err(steps)) => {
                report.other_steps.push((client.clone(), steps));
                continue;
            }
            Err(side) => {
                report.unpaired.push((client.clone(), side));
                continue;
            }
        };
        let (unexplained, unused) = known.settle(scenario, client, differences);
        report.unexplained.extend(unexplained.into_iter().map(|difference| (client.clone(), difference)));
        report.unused.extend(unused);
    }
    let nobody = |entry: &&KnownDifference| {
        entry.scenario == scenario && !left.contains(&entry.client) && !right.contains(&entry.client)
    };
    report.unused.extend(known.entries().iter().filter(nobody).cloned());
    Ok(report)
}

/// Who has a log in a folder. `log.jsonl` is everyone's and `log.timed.jsonl` has times: neither counts.
fn clients(folder: &Path) -> Result<BTreeSet<String>, CompareError> {
    let error = |e| CompareError::Io(folder.into(), e);
    let mut clients = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let name = entry.map_err(error)?.file_name();
        let client = name.to_str().and_then(|name| name.strip_prefix("log.")?.strip_suffix(".jsonl"));
        clients.extend(client.filter(|client| *client != "timed").map(String::from));
    }
    Ok(clients)
}

fn read(folder: &Path, client: &str) -> Result<Log, CompareError> {
    let path = folder.join(format!("log.{client}.jsonl"));
    let text = fs::read_to_string(&path).map_err(|e| CompareError::Io(path.clone(), e))?;
    Log::parse(&text).map_err(|e| CompareError::Log(path, e))
}
