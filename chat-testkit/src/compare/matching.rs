//! Pairing the lines of a step, whatever names their SIDs got.
//!
//! `CH#1`, `IM#1`, ... are names in the order of appearance. When two events swap, or two clients of one scenario run
//! at another pace, the same object gets another name. So lines are paired by what they say apart from such names,
//! and each pair fixes which name of the actual log is which of the expected one, from there on.

use std::collections::{HashMap, HashSet, VecDeque};

use regex::{Captures, Regex};

const NAME: &str = r"\b(CH|IM|MB|US|RL|ES|ET|MP|IS|AC)#\d+";

/// Which name of the actual log is which of the expected one.
#[derive(Debug)]
pub(super) struct Names {
    pattern: Regex,
    /// From the actual log's name to the expected log's; one to one.
    known: HashMap<String, String>,
    taken: HashSet<String>,
}

impl Names {
    pub(super) fn new() -> Self {
        let pattern = Regex::new(NAME).expect("a fixed pattern, used by the tests below");
        Self { pattern, known: HashMap::new(), taken: HashSet::new() }
    }

    /// Pairs the lines of a step: what is left of the expected ones, and of the actual ones with names translated as
    /// far as they are known.
    pub(super) fn pair(&mut self, expected: &[String], actual: &[String]) -> (Vec<String>, Vec<String>) {
        let mut left: Vec<&String> = expected.iter().collect();
        let mut right: Vec<&String> = actual.iter().collect();
        // First the pairs that leave no choice; only then, in the order of the logs, one that does.
        while self.pair_some(&mut left, &mut right, true) || self.pair_some(&mut left, &mut right, false) {}
        let left = left.into_iter().cloned().collect();
        (left, right.into_iter().map(|line| self.actual_shape(line)).collect())
    }

    /// Removes pairs of lines, and says whether there were any: all that leave no choice, or else the first one that
    /// does.
    fn pair_some(&mut self, left: &mut Vec<&String>, right: &mut Vec<&String>, only_sure: bool) -> bool {
        let mut shapes: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (index, line) in right.iter().enumerate() {
            shapes.entry(self.actual_shape(line)).or_default().push_back(index);
        }
        let mut wanted: HashMap<String, usize> = HashMap::new();
        let lefts: Vec<_> = left.iter().map(|line| self.expected_shape(line)).collect();
        for shape in &lefts {
            *wanted.entry(shape.clone()).or_default() += 1;
        }
        let (mut paired, mut gone) = (HashSet::new(), HashSet::new());
        for (index, shape) in lefts.iter().enumerate() {
            let Some(candidates) = shapes.get_mut(shape) else { continue };
            // Equal lines without new names are no choice either.
            let sure = !shape.contains("#?") || candidates.len() == 1 && wanted.get(shape) == Some(&1);
            if only_sure && !sure {
                continue;
            }
            let found = candidates.iter().position(|candidate| self.learn(left[index], right[*candidate]));
            let Some(candidate) = found.and_then(|found| candidates.remove(found)) else { continue };
            paired.insert(index);
            gone.insert(candidate);
            if !only_sure {
                break;
            }
        }
        let keep = |lines: &mut Vec<&String>, without: &HashSet<usize>| {
            let mut index = 0..;
            lines.retain(|_| index.next().is_some_and(|index| !without.contains(&index)));
        };
        keep(left, &paired);
        keep(right, &gone);
        !paired.is_empty()
    }

    /// Takes over the names of a pair; false, and nothing is taken over, if they contradict what is known.
    fn learn(&mut self, expected: &str, actual: &str) -> bool {
        let names =
            |line| self.pattern.find_iter(line).map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        let mut new: Vec<(String, String)> = Vec::new();
        for (theirs, ours) in names(expected).into_iter().zip(names(actual)) {
            let known =
                self.known.get(&ours).or(new.iter().find(|(_, name)| *name == ours).map(|(name, _)| name));
            let taken = self.taken.contains(&theirs) || new.iter().any(|(name, _)| *name == theirs);
            match known {
                Some(known) if *known == theirs => {}
                None if !taken => new.push((theirs, ours)),
                _ => return false,
            }
        }
        for (theirs, ours) in new {
            self.taken.insert(theirs.clone());
            self.known.insert(ours, theirs);
        }
        true
    }

    fn expected_shape(&self, line: &str) -> String {
        self.rename(line, |name| self.taken.contains(name).then(|| name.to_owned()))
    }

    fn actual_shape(&self, line: &str) -> String {
        self.rename(line, |name| self.known.get(name).cloned())
    }

    /// The line with names replaced; those without a replacement become `CH#?`.
    fn rename(&self, line: &str, name: impl Fn(&str) -> Option<String>) -> String {
        let replace = |found: &Captures<'_>| name(&found[0]).unwrap_or_else(|| format!("{}#?", &found[1]));
        self.pattern.replace_all(line, replace).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(names: &mut Names, expected: &[&str], actual: &[&str]) -> (Vec<String>, Vec<String>) {
        let owned = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        names.pair(&owned(expected), &owned(actual))
    }

    fn nothing() -> (Vec<String>, Vec<String>) {
        (vec![], vec![])
    }

    #[test]
    fn swapped_events_may_swap_names() {
        let mut names = Names::new();
        let step = pair(
            &mut names,
            &["joined MB#1 bob in CH#1", "joined MB#2 alice in CH#1"],
            &["joined MB#1 alice in CH#1", "joined MB#2 bob in CH#1"],
        );
        assert_eq!(step, nothing());
        assert_eq!(pair(&mut names, &["left MB#1", "left MB#1"], &["left MB#2", "left MB#2"]), nothing());
        let wrong = pair(&mut names, &["left MB#2"], &["left MB#2"]);
        assert_eq!(wrong, (vec!["left MB#2".into()], vec!["left MB#1".into()]));
    }

    #[test]
    fn what_leaves_no_choice_comes_first() {
        let mut names = Names::new();
        let expected = ["seen IM#1", "seen IM#2", "IM#1 hello", "IM#2 bye"];
        let actual = ["seen IM#1", "seen IM#2", "IM#1 bye", "IM#2 hello"];
        assert_eq!(pair(&mut names, &expected, &actual), nothing());
        assert_eq!(pair(&mut names, &["gone IM#1"], &["gone IM#2"]), nothing());
    }

    #[test]
    fn two_objects_are_not_one() {
        let mut names = Names::new();
        let pairs = pair(&mut names, &["IM#1 after IM#2"], &["IM#1 after IM#1"]);
        assert_eq!(pairs, (vec!["IM#1 after IM#2".into()], vec!["IM#? after IM#?".into()]));
        let pairs = pair(&mut names, &["IM#1 after IM#1"], &["IM#1 after IM#2"]);
        assert_eq!(pairs, (vec!["IM#1 after IM#1".into()], vec!["IM#? after IM#?".into()]));
        let mut names = Names::new();
        let pairs = pair(&mut names, &["new IM#1", "read IM#1"], &["new IM#1", "read IM#2"]);
        assert_eq!(pairs, (vec!["read IM#1".into()], vec!["read IM#?".into()]));
    }
}
