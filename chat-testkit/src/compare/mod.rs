//! Comparing normalised session logs: the JavaScript SDK's, and our own client's with it.
//!
//! A log is a file of JSON lines per client. Entries of the kind `step` cut it into steps, entries of the kind `note`
//! are remarks that do not count. Within a step two logs are compared as multisets: events without a causal order may
//! swap, and the names that stand for SIDs may be others, if they are so throughout one client's log. What may differ is listed in a file with a reason ([`Differences`]); an entry of it that matches nothing is
//! as wrong as a difference that is not listed.

mod differences;
mod log;
mod matching;
mod normalise;
mod report;

pub use differences::{Differences, DifferencesError, KnownDifference};
pub use log::{Difference, Log, LogError, Side, Step, StepsDiffer, compare};
pub use normalise::Normaliser;
pub use report::{CompareError, Report, compare_folders};
