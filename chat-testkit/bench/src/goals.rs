//! The goals of the project, each a line: met or missed, the figure, the target.

/// A goal, or a part of one.
#[derive(Debug)]
pub(crate) struct Goal {
    number: u8,
    what: String,
    figure: f64,
    target: f64,
    /// Whether the figure must be at least the target; else at most.
    at_least: bool,
    unit: &'static str,
}

impl Goal {
    /// The figure must not be above the target. `NaN` is a figure that was not taken.
    pub(crate) fn at_most(
        number: u8,
        what: impl Into<String>,
        figure: f64,
        target: f64,
        unit: &'static str,
    ) -> Self {
        Self { number, what: what.into(), figure, target, at_least: false, unit }
    }

    /// The figure must not be below the target.
    pub(crate) fn at_least(
        number: u8,
        what: impl Into<String>,
        figure: f64,
        target: f64,
        unit: &'static str,
    ) -> Self {
        Self { number, what: what.into(), figure, target, at_least: true, unit }
    }

    /// Its number.
    pub(crate) fn number(&self) -> u8 {
        self.number
    }

    fn verdict(&self) -> &'static str {
        let met = if self.at_least { self.figure >= self.target } else { self.figure <= self.target };
        match (self.figure.is_nan(), met) {
            (true, _) => "not measured",
            (_, true) => "met",
            (_, false) => "missed",
        }
    }

    /// The line of the report.
    pub(crate) fn line(&self) -> String {
        let Self { number, what, figure, target, unit, .. } = self;
        let sign = if self.at_least { "at least" } else { "at most" };
        format!(
            "goal {number}  {:12}  {what}: {} {unit}, {sign} {}",
            self.verdict(),
            show(*figure),
            show(*target)
        )
    }
}

fn show(figure: f64) -> String {
    if figure.is_nan() {
        "?".into()
    } else if figure >= 1000.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}
