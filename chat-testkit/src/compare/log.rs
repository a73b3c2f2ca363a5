//! One client's log, and what makes two of them different.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::matching::Names;

/// The name of the step before the first entry of the kind `step`.
const START: &str = "(start)";

/// A client's log, cut into steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The steps in order; the first is what came before any step was named.
    pub steps: Vec<Step>,
}

/// One step of a [`Log`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name; not necessarily the only one of that name.
    pub name: String,
    /// Its entries in the order of the log, as JSON with sorted members.
    pub lines: Vec<String>,
}

/// A line of a log that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct LogError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Log {
    /// Reads JSON lines.
    ///
    /// # Errors
    /// The first line that is not a JSON object, or a step without a name.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let error = |reason: String| LogError { line: index + 1, reason };
            let entry: Value = serde_json::from_str(line).map_err(|e| error(e.to_string()))?;
            if !entry.is_object() {
                return Err(error("not a JSON object".into()));
            }
            if is_kind(&entry, "step") && step_name(&entry).is_none() {
                return Err(error("a step without a name".into()));
            }
            entries.push(entry);
        }
        Ok(Self::from_entries(&entries))
    }

    /// A log of entries that are at hand.
    pub fn from_entries(entries: &[Value]) -> Self {
        let mut steps = vec![Step { name: START.into(), lines: Vec::new() }];
        for entry in entries {
            if is_kind(entry, "step") {
                steps.push(Step { name: step_name(entry).unwrap_or_default().into(), lines: Vec::new() });
            } else if !is_kind(entry, "note")
                && let Some(step) = steps.last_mut()
            {
                step.lines.push(canonical(entry));
            }
        }
        Self { steps }
    }
}

fn is_kind(entry: &Value, kind: &str) -> bool {
    entry.get("kind").and_then(Value::as_str) == Some(kind)
}

fn step_name(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

/// JSON with the members of every object sorted by name.
pub(super) fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                Value::Object(
                    members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect(),
                )
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            // An integer that someone writes with a fraction is the same number (`1.0`).
            Value::Number(number) => match number.as_f64() {
                #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                    (float as i64).into()
                }
                _ => value.clone(),
            },
            _ => value.clone(),
        }
    }
    sorted(value).to_string()
}

/// Which of two logs has a line that the other has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Only the expected log.
    Expected,
    /// Only the actual one.
    Actual,
}

/// A line that only one of two logs has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The step.
    pub step: String,
    /// Who has it.
    pub side: Side,
    /// The line, JSON with sorted members. The names that stand for SIDs are the expected log's; one that it does not have is
    /// `CH#?`.
    pub line: String,
}

/// Two logs that do not go through the same steps: their lines are not comparable from there on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {index}: expected {expected:?}, got {actual:?}")]
pub struct StepsDiffer {
    /// Counted from 0, which is what comes before the first named step.
    pub index: usize,
    /// The expected log's step, if it has one there.
    pub expected: Option<String>,
    /// The actual log's.
    pub actual: Option<String>,
}

/// The lines that only one of the logs has, step by step.
///
/// # Errors
/// The logs have different steps.
pub fn compare(expected: &Log, actual: &Log) -> Result<Vec<Difference>, StepsDiffer> {
    let mut differences = Vec::new();
    let mut names = Names::new();
    for index in 0..expected.steps.len().max(actual.steps.len()) {
        let (left, right) = (expected.steps.get(index), actual.steps.get(index));
        let (Some(left), Some(right)) = (left, right) else { return Err(steps_differ(index, left, right)) };
        if left.name != right.name {
            return Err(steps_differ(index, Some(left), Some(right)));
        }
        let (missing, surplus) = names.pair(&left.lines, &right.lines);
        let sided = missing.into_iter().map(|line| (Side::Expected, line));
        for (side, line) in sided.chain(surplus.into_iter().map(|line| (Side::Actual, line))) {
            differences.push(Difference { step: left.name.clone(), side, line });
        }
    }
    Ok(differences)
}

fn steps_differ(index: usize, expected: Option<&Step>, actual: Option<&Step>) -> StepsDiffer {
    let name = |step: Option<&Step>| step.map(|step| step.name.clone());
    StepsDiffer { index, expected: name(expected), actual: name(actual) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Log {
        Log::parse(text).unwrap()
    }

    const STEP: &str = r#"{"client":null,"kind":"step","name":"chat"}"#;

    #[test]
    fn order_inside_a_step_and_of_members_and_notes_do_not_matter() {
        let expected =
            log(&format!("{{\"a\":1,\"b\":{{\"y\":2.0,\"x\":1}}}}\n{STEP}\n{{\"n\":1}}\n{{\"n\":2}}"));
        let actual = log(&format!(
            "{{\"kind\":\"note\"}}\n{{\"b\":{{\"x\":1,\"y\":2}},\"a\":1}}\n\n{STEP}\n{{\"n\":2}}\n{{\"n\":1}}\n"
        ));
        assert_eq!(compare(&expected, &actual), Ok(vec![]));
    }

    #[test]
    fn a_line_counts_as_often_as_it_stands() {
        let expected = log(&format!("{STEP}\n{{\"n\":1}}\n{{\"n\":1}}\n{{\"n\":3}}"));
        let actual = log(&format!("{STEP}\n{{\"n\":1}}\n{{\"n\":\"1\"}}\n{{\"n\":3}}"));
        let difference = |side, line: &str| Difference { step: "chat".into(), side, line: line.into() };
        assert_eq!(
            compare(&expected, &actual),
            Ok(vec![difference(Side::Expected, r#"{"n":1}"#), difference(Side::Actual, r#"{"n":"1"}"#)])
        );
    }

    #[test]
    fn a_line_in_another_step_is_a_difference() {
        let differences =
            compare(&log(&format!("{{\"n\":1}}\n{STEP}")), &log(&format!("{STEP}\n{{\"n\":1}}"))).unwrap();
        let found: Vec<_> = differences.iter().map(|d| (d.step.as_str(), d.side)).collect();
        assert_eq!(found, [("(start)", Side::Expected), ("chat", Side::Actual)]);
    }

    #[test]
    fn other_steps_cannot_be_compared() {
        let error = compare(&log(STEP), &log("")).unwrap_err();
        assert_eq!(error.to_string(), r#"step 1: expected Some("chat"), got None"#);
        assert!(compare(&log(STEP), &log(&STEP.replace("chat", "talk"))).is_err());
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(Log::parse("{}\n\n[1]").unwrap_err().to_string(), "line 3: not a JSON object");
        assert_eq!(Log::parse("{\"kind\":\"step\"}").unwrap_err().line, 1);
        assert_eq!(Log::parse("{}\n{").unwrap_err().line, 2);
    }
}
