//! Making logs of different runs comparable.

use std::collections::HashMap;

use regex::{Captures, Regex};
use serde_json::Value;

/// Replaces what differs from run to run: SIDs become `CH#1`, `IM#1`, ... in the order they appear, Twilsock ids
/// `TM*`, and the port of a loopback address `PORT`. The JavaScript drivers do the same to their logs.
///
/// One normaliser serves all clients of a scenario, so that they agree on the names.
#[derive(Debug)]
pub struct Normaliser {
    pattern: Regex,
    names: HashMap<String, String>,
    counts: HashMap<String, usize>,
}

impl Default for Normaliser {
    fn default() -> Self {
        Self::new()
    }
}

impl Normaliser {
    /// One that has seen nothing.
    ///
    /// # Panics
    /// Never: the pattern is fixed and tested.
    pub fn new() -> Self {
        let pattern = concat!(
            r"\b(?P<sid>(?P<kind>CH|IM|MB|US|RL|ES|ET|MP|IS|AC)[0-9a-f]{32})",
            r"|(?P<twilsock>TM[0-9a-f]{8}-[0-9a-f-]{27})",
            r"|127\.0\.0\.1:\d+"
        );
        let pattern = Regex::new(pattern).expect("a fixed pattern, used by the test below");
        Self { pattern, names: HashMap::new(), counts: HashMap::new() }
    }

    /// The text, normalised.
    pub fn text(&mut self, text: &str) -> String {
        let Self { pattern, names, counts } = self;
        let replace = |found: &Captures<'_>| {
            let Some((sid, kind)) = found.name("sid").zip(found.name("kind")) else {
                let twilsock = found.name("twilsock").is_some();
                return if twilsock { "TM*" } else { "127.0.0.1:PORT" }.to_owned();
            };
            let name = names.entry(sid.as_str().into()).or_insert_with(|| {
                let count = counts.entry(kind.as_str().into()).or_default();
                *count += 1;
                format!("{}#{count}", kind.as_str())
            });
            name.clone()
        };
        pattern.replace_all(text, replace).into_owned()
    }

    /// The value with every string in it normalised, in the order of its members. Names of members stay.
    #[must_use]
    pub fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.value(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sids_are_named_in_the_order_they_appear() {
        let (one, two) = (format!("CH{:032x}", 7), format!("CH{:032x}", 1));
        let message = format!("IM{:032x}", 7);
        let mut normaliser = Normaliser::new();
        let value = json!({ "z": one, "a": [two, message, "CH0", 1, null], "t": format!("{one}/{two}") });
        assert_eq!(
            normaliser.value(&value),
            json!({ "z": "CH#1", "a": ["CH#2", "IM#1", "CH0", 1, null], "t": "CH#1/CH#2" })
        );
        assert_eq!(normaliser.text(&two), "CH#2");
        let rest = "TM44a12e39-83cd-48d3-9e51-0123456789ab at 127.0.0.1:4711";
        assert_eq!(normaliser.text(rest), "TM* at 127.0.0.1:PORT");
    }
}
