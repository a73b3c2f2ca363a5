//! The guard: what each benchmark of the core may cost, in `budgets.json` beside this crate. Instructions may be five
//! percent more, for other code shifts the layout; allocations may not be one more.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

use crate::counted::Count;

/// How many instructions more than budgeted are borne: 5 %.
const MARGIN: f64 = 1.05;
/// Fewer than this, and the budget should be lowered.
const LOOSE: f64 = 0.95;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Budget {
    /// For one frame, call, …
    instructions: f64,
    /// For one frame, call, …
    allocations: f64,
}

type Budgets = BTreeMap<String, Budget>;

/// Where they stand. Relative to the sources, as the program is run by cargo.
fn path() -> PathBuf {
    let folder =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    folder.join("budgets.json")
}

/// What is budgeted: not the yardsticks and not the peer.
fn is_ours(count: &Count) -> bool {
    !["(b)", "(d)", "split", "twilight"].iter().any(|other| count.name.contains(other))
}

fn budget_of(count: &Count) -> Budget {
    let cents = |figure: f64| (figure * 100.0).round() / 100.0;
    Budget { instructions: cents(count.instructions_each()), allocations: cents(count.allocations_each()) }
}

/// Writes what was counted as the new budgets.
pub(crate) fn update(counts: &[Count]) -> io::Result<()> {
    let budgets: Budgets = counts
        .iter()
        .filter(|count| is_ours(count))
        .map(|count| (count.name.clone(), budget_of(count)))
        .collect();
    let mut text = serde_json::to_string_pretty(&budgets)?;
    text.push('\n');
    fs::write(path(), text)
}

/// Holds what was counted against the budgets; gives what is wrong.
pub(crate) fn check(counts: &[Count]) -> io::Result<Vec<String>> {
    let budgets: Budgets = serde_json::from_str(&fs::read_to_string(path())?)?;
    Ok(compare(&budgets, counts))
}

fn compare(budgets: &Budgets, counts: &[Count]) -> Vec<String> {
    let mut wrong = Vec::new();
    for count in counts.iter().filter(|count| is_ours(count)) {
        let (name, now) = (&count.name, budget_of(count));
        let Some(budget) = budgets.get(name) else {
            wrong.push(format!("{name}: has no budget"));
            continue;
        };
        if now.instructions > budget.instructions * MARGIN {
            let more = (now.instructions / budget.instructions - 1.0) * 100.0;
            let (now, budget) = (now.instructions, budget.instructions);
            wrong.push(format!("{name}: {now} instructions, {more:.1} % above {budget}"));
        }
        if now.allocations > budget.allocations {
            wrong.push(format!("{name}: {} allocations, not {}", now.allocations, budget.allocations));
        }
        if now.instructions < budget.instructions * LOOSE || now.allocations < budget.allocations {
            println!("{name}: cheaper than its budget ({now:?}, {budget:?}); `update` keeps the gain");
        }
    }
    let counted = |name: &str| counts.iter().any(|count| count.name == name);
    let lost = budgets.keys().filter(|name| !counted(name));
    wrong.extend(lost.map(|name| format!("{name}: has a budget but was not counted")));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(name: &str, instructions: u64, allocations: u64) -> Count {
        Count { name: name.into(), units: 100, allocations, instructions }
    }

    #[test]
    fn what_costs_more_fails() {
        let budget = Budget { instructions: 1000.0, allocations: 2.0 };
        let budgets = Budgets::from([("message: core".to_owned(), budget)]);
        let wrong = |instructions, allocations| {
            compare(&budgets, &[count("message: core", instructions, allocations)]).len()
        };
        assert_eq!(wrong(100_000, 200), 0);
        assert_eq!(wrong(105_000, 200), 0, "other layouts of the code are borne");
        assert_eq!(wrong(105_100, 200), 1);
        assert_eq!(wrong(90_000, 201), 1, "one allocation more in a hundred frames is one too many");
        assert_eq!(wrong(200_000, 300), 2);
    }

    #[test]
    fn nothing_slips_through() {
        let budget = Budget { instructions: 1.0, allocations: 0.0 };
        let budgets = Budgets::from([("deadline".to_owned(), budget)]);
        assert_eq!(compare(&budgets, &[]), ["deadline: has a budget but was not counted"]);
        let counts =
            [count("deadline", 1, 0), count("new", 1, 0), count("message: (b) typed, borrowed", 9, 9)];
        assert_eq!(compare(&budgets, &counts), ["new: has no budget"]);
    }
}
