//! Events of a foreign replay against the log beside the recording.
//!
//! What passes: our events, in the order in which they were told, can be cut into as many steps as the log has, so that
//! each step holds the same events as the log's step, as a multiset, apart from what is listed. Of all cuts the one with
//! the fewest differences is taken.
//!
//! That is `step by step, as a multiset` as far as it can be told. A log has no times, and no frame tells where a step
//! ends: steps are places in the program that made the recording. What the cuts let pass is an event that is told earlier
//! or later than it should be, but not past an event of another step; what they find is one that is missing, doubled,
//! different, or told on the wrong side of another step's events.

use std::collections::HashMap;

use chat_proto::Event;
use regex::Regex;
use serde_json::Value;

use crate::compare::{Difference, Log, Normaliser, Step, compare, view};

/// The events that only one side has, step by step. Lines of the log that are not events do not count.
pub fn against_log(client: &str, log: &Log, events: &[&Event]) -> Vec<Difference> {
    let mut normaliser = Normaliser::new();
    let ours: Vec<Value> = events
        .iter()
        .filter_map(|event| view::event(client, event))
        .filter(|line| line["kind"] == "event")
        .map(|line| normaliser.value(&line))
        .collect();
    let ours =
        Log::from_entries(&ours).steps.into_iter().flat_map(|step| step.lines).collect::<Vec<String>>();
    let is_event = |line: &String| line.contains(r#""kind":"event""#);
    let steps = log.steps.iter().map(|step| Step {
        name: step.name.clone(),
        lines: step.lines.iter().filter(|line| is_event(line)).cloned().collect(),
    });
    let theirs = Log { steps: steps.collect() };
    let cuts = cut(&theirs, &ours);
    let steps = theirs.steps.iter().zip(cuts.windows(2));
    let steps = steps.map(|(step, cut)| Step {
        name: step.name.clone(),
        lines: ours.get(cut[0]..cut[1]).unwrap_or_default().to_vec(),
    });
    // The steps are the log's own, so they are the same.
    compare(&theirs, &Log { steps: steps.collect() }).unwrap_or_default()
}

/// Where to cut our lines so that the steps differ least: the best of all ways, found step by step.
fn cut(theirs: &Log, ours: &[String]) -> Vec<usize> {
    let shapes: Vec<String> = ours.iter().map(|line| shape(line)).collect();
    // For each place: the least differences when the steps so far end there, and where the last one began.
    let mut best: Vec<Option<usize>> = vec![None; ours.len() + 1];
    best[0] = Some(0);
    let mut begins: Vec<Vec<usize>> = Vec::new();
    for step in &theirs.steps {
        let mut wanted: HashMap<String, i64> = HashMap::new();
        for line in &step.lines {
            *wanted.entry(shape(line)).or_default() += 1;
        }
        let mut next: Vec<Option<usize>> = vec![None; ours.len() + 1];
        let mut began = vec![0; ours.len() + 1];
        for (from, so_far) in best.iter().enumerate() {
            let Some(so_far) = *so_far else { continue };
            let (mut left, mut differences) = (wanted.clone(), step.lines.len());
            for to in from..=ours.len() {
                if to > from {
                    let count = left.entry(shapes[to - 1].clone()).or_default();
                    differences = if *count > 0 { differences - 1 } else { differences + 1 };
                    *count -= 1;
                }
                if next[to].is_none_or(|known| so_far + differences < known) {
                    next[to] = Some(so_far + differences);
                    began[to] = from;
                }
            }
        }
        best = next;
        begins.push(began);
    }
    let mut cuts = vec![ours.len()];
    for began in begins.iter().rev() {
        let end = cuts.last().copied().unwrap_or_default();
        cuts.push(began.get(end).copied().unwrap_or_default());
    }
    cuts.reverse();
    cuts
}

/// A line without the numbers of its names, which may differ.
fn shape(line: &str) -> String {
    use std::sync::LazyLock;
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"#\d+").ok());
    NAME.as_ref().map_or_else(|| line.to_owned(), |name| name.replace_all(line, "#?").into_owned())
}
