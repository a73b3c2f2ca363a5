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
    let mut wrong = Vec::new();
    for count in counts.iter().filter(|count| is_ours(count)) {
        let now = budget_of(count);
        let Some(budget) = budgets.get(&count.name) else {
            wrong.push(format!("{}: has no budget", count.name));
            continue;
        };
        if now.instructions > budget.instructions * MARGIN {
            let more = (now.instructions / budget.instructions - 1.0) * 100.0;
            wrong.push(format!(
                "{}: {} instructions, {more:.1} % above {}",
                count.name, now.instructions, budget.instructions
            ));
        }
        if now.allocations > budget.allocations {
            wrong
                .push(format!("{}: {} allocations, not {}", count.name, now.allocations, budget.allocations));
        }
        if now.instructions < budget.instructions * LOOSE || now.allocations < budget.allocations {
            println!(
                "{}: cheaper than its budget ({now:?}, {budget:?}); `update` keeps the gain",
                count.name
            );
        }
    }
    let counted = |name: &String| counts.iter().any(|count| count.name == *name);
    wrong.extend(
        budgets
            .keys()
            .filter(|name| !counted(name))
            .map(|name| format!("{name}: has a budget but was not counted")),
    );
    Ok(wrong)
}
