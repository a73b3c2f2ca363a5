//! `differences.json`: the lines that may differ, each with its reason.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log::{Difference, Side, canonical};

/// A line that may differ, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDifference {
    /// The scenario, such as `s02`.
    pub scenario: String,
    /// Whose log.
    pub client: String,
    /// The step it is in.
    pub step: String,
    /// Which log has it.
    pub side: Side,
    /// The line.
    pub line: Value,
    /// Why it may differ.
    pub reason: String,
    /// The place in the spec that says so.
    pub spec: String,
}

/// The whole list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences(Vec<KnownDifference>);

/// A list that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DifferencesError {
    /// It is not a JSON array of entries.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// An entry gives no reason, or no place in the spec.
    #[error("entry {0} gives no {1}")]
    Unfounded(usize, &'static str),
}

impl Differences {
    /// Reads the list.
    ///
    /// # Errors
    /// It is not a list of entries, or an entry has an empty `reason` or `spec`.
    pub fn parse(text: &str) -> Result<Self, DifferencesError> {
        let entries: Vec<KnownDifference> = serde_json::from_str(text)?;
        for (index, entry) in entries.iter().enumerate() {
            for (member, text) in [("reason", &entry.reason), ("spec", &entry.spec)] {
                if text.trim().is_empty() {
                    return Err(DifferencesError::Unfounded(index, member));
                }
            }
        }
        Ok(Self(entries))
    }

    /// Every entry.
    pub fn entries(&self) -> &[KnownDifference] {
        &self.0
    }

    /// Takes the known ones out of `found` in one client's log: what is left of it, and the entries that matched
    /// nothing. An entry stands for one line; two equal lines need two.
    pub fn settle(
        &self,
        scenario: &str,
        client: &str,
        mut found: Vec<Difference>,
    ) -> (Vec<Difference>, Vec<KnownDifference>) {
        let ours = self.0.iter().filter(|entry| entry.scenario == scenario && entry.client == client);
        let mut unused = Vec::new();
        for entry in ours {
            let line = canonical(&entry.line);
            let same = |d: &Difference| d.step == entry.step && d.side == entry.side && d.line == line;
            match found.iter().position(same) {
                Some(index) => drop(found.remove(index)),
                None => unused.push(entry.clone()),
            }
        }
        (found, unused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[{"scenario":"s02","client":"alice","step":"chat","side":"actual",
        "line":{"b":1,"a":2},"reason":"made up by the service","spec":"03 §5.2"}]"#;

    fn found(step: &str, side: Side) -> Difference {
        Difference { step: step.into(), side, line: r#"{"a":2,"b":1}"#.into() }
    }

    #[test]
    fn an_entry_explains_exactly_one_line() {
        let list = Differences::parse(LIST).unwrap();
        let twice = vec![found("chat", Side::Actual), found("chat", Side::Actual)];
        assert_eq!(list.settle("s02", "alice", twice), (vec![found("chat", Side::Actual)], vec![]));
    }

    #[test]
    fn an_entry_that_matches_nothing_is_told() {
        let list = Differences::parse(LIST).unwrap();
        for other in [found("talk", Side::Actual), found("chat", Side::Expected)] {
            let (left, unused) = list.settle("s02", "alice", vec![other.clone()]);
            assert_eq!((left, unused.len()), (vec![other], 1));
        }
        assert_eq!(list.settle("s02", "bob", vec![]).1, vec![]);
        assert_eq!(list.settle("s03", "alice", vec![]).1, vec![]);
    }

    #[test]
    fn an_entry_needs_a_reason() {
        let without = LIST.replace("made up by the service", " ");
        assert_eq!(Differences::parse(&without).unwrap_err().to_string(), "entry 0 gives no reason");
        assert!(Differences::parse(&LIST.replace("spec", "spek")).is_err());
    }
}
