//! Scripted faults: at which stage, for what, how often, and what happens then.

mod check;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stage {
    Twilsock,
    Http,
    Command,
    Event,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Twilsock => "twilsock",
            Self::Http => "http",
            Self::Command => "command",
            Self::Event => "event",
        }
    }
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EventOp {
    Drop,
    Dup,
    Delay,
    Swap,
}

/// What a rule does. Which members count depends on the stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Effect {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) twilsock_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_code: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) op: Option<EventOp>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) no_reply: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) drop: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) process: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A rule as it is told and shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) id: u64,
    on: Stage,
    #[serde(rename = "match", default)]
    facts: Map<String, Value>,
    /// How often it acts; -1 is for ever.
    #[serde(default = "once")]
    count: i64,
    /// How many matches it lets pass first.
    #[serde(default)]
    skip: u64,
    #[serde(flatten)]
    effect: Effect,
    /// How often it acted.
    #[serde(default)]
    hits: u64,
    /// The patterns of the fact `path`: any of them.
    #[serde(skip)]
    paths: Vec<Regex>,
}

const fn once() -> i64 {
    1
}

/// All rules, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    made: u64,
}

/// What a rule may look at: names and values of one stage.
pub(crate) type Facts<'a> = [(&'static str, Option<&'a str>)];

impl Faults {
    pub(crate) fn add(&mut self, given: &Map<String, Value>) -> Result<Value, String> {
        let mut rule: Rule = serde_json::from_value(given.clone().into()).map_err(|e| e.to_string())?;
        check::check(rule.on, given)?;
        let patterns = match rule.facts.get("path") {
            Some(Value::Array(any)) => any.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let patterns = patterns.iter().filter_map(Value::as_str);
        rule.paths = patterns.map(Regex::new).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        self.made += 1;
        rule.id = self.made;
        rule.hits = 0;
        let shown = serde_json::to_value(&rule).map_err(|e| e.to_string())?;
        self.rules.push(rule);
        Ok(shown)
    }

    pub(crate) fn clear(&mut self, id: Option<u64>) {
        self.rules.retain(|rule| id.is_some_and(|id| rule.id != id));
    }

    pub(crate) fn list(&self) -> Value {
        self.rules.iter().filter_map(|rule| serde_json::to_value(rule).ok()).collect()
    }

    /// The effect of the first rule that matches and has let enough pass.
    pub(crate) fn hit(&mut self, stage: Stage, facts: &Facts<'_>) -> Option<Effect> {
        for rule in &mut self.rules {
            if rule.on != stage || rule.count == 0 || !rule.matches(facts) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.count > 0 {
                rule.count -= 1;
            }
            rule.hits += 1;
            return Some(rule.effect.clone());
        }
        None
    }
}

impl Rule {
    fn matches(&self, facts: &Facts<'_>) -> bool {
        self.facts.iter().all(|(name, wanted)| {
            let Some((_, Some(fact))) = facts.iter().find(|(known, _)| known == name) else { return false };
            match wanted {
                _ if name == "path" => self.paths.iter().any(|path| path.is_match(fact)),
                Value::Array(any) => any.iter().any(|wanted| wanted == fact),
                wanted => wanted == fact,
            }
        })
    }
}
