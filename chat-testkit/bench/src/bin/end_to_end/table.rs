//! Figures of both clients beside each other.

use std::time::Duration;

/// What was measured in several runs, in whatever unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs(Vec<f64>);

impl Runs {
    pub(crate) fn median(&self) -> f64 {
        self.at(self.0.len() / 2)
    }

    /// The smallest: what was disturbed least.
    pub(crate) fn best(&self) -> f64 {
        self.at(0)
    }

    fn worst(&self) -> f64 {
        self.at(self.0.len().saturating_sub(1))
    }

    fn at(&self, place: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(place).copied().unwrap_or(f64::NAN)
    }
}

impl FromIterator<f64> for Runs {
    fn from_iter<I: IntoIterator<Item = f64>>(runs: I) -> Self {
        Self(runs.into_iter().collect())
    }
}

/// One figure of ours beside the SDK's.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: Runs,
    pub(crate) sdk: Runs,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, ours: Runs, sdk: Runs) -> Self {
        Self { name: name.into(), ours, sdk }
    }

    /// How many times as much the SDK takes: median by median, and best by best.
    pub(crate) fn ratios(&self) -> (f64, f64) {
        (self.sdk.median() / self.ours.median(), self.sdk.best() / self.ours.best())
    }
}

pub(crate) fn print(title: &str, rows: &[Row]) {
    println!("\n{title}");
    println!(
        "  {:<34} {:>28} {:>30} {:>9} {:>9}",
        "", "ours: median [range]", "SDK: median [range]", "ratio", "of best"
    );
    for row in rows {
        let show = |runs: &Runs| {
            format!("{} [{} - {}]", figure(runs.median()), figure(runs.best()), figure(runs.worst()))
        };
        let (median, best) = row.ratios();
        let (ours, sdk) = (show(&row.ours), show(&row.sdk));
        println!("  {:<34} {ours:>28} {sdk:>30} {:>9} {:>9}", row.name, figure(median), figure(best));
    }
}

/// Three digits that count.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "figures are far below 2^52")]
pub(crate) fn number(value: u64) -> f64 {
    value as f64
}

/// A goal of the project, met or not.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    pub(crate) number: u8,
    pub(crate) what: String,
    pub(crate) figure: f64,
    /// What it is to be at least; at most, where `at_most` says so.
    pub(crate) target: f64,
    pub(crate) at_most: bool,
}

impl Goal {
    pub(crate) fn at_least(number: u8, what: impl Into<String>, figure: f64, target: f64) -> Self {
        Self { number, what: what.into(), figure, target, at_most: false }
    }

    pub(crate) fn at_most(number: u8, what: impl Into<String>, figure: f64, target: f64) -> Self {
        Self { at_most: true, ..Self::at_least(number, what, figure, target) }
    }

    pub(crate) fn is_met(&self) -> bool {
        if self.at_most { self.figure <= self.target } else { self.figure >= self.target }
    }

    pub(crate) fn print(&self) {
        let verdict = if self.is_met() { "met   " } else { "missed" };
        let relation = if self.at_most { "at most" } else { "at least" };
        let (shown, target) = (figure(self.figure), figure(self.target));
        println!("goal {}  {verdict}  {}: {shown} ({relation} {target})", self.number, self.what);
    }
}
