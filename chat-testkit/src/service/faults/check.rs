//! Whether a rule can do anything: one with a misspelt word would be taken, never act, and let a test pass for nothing.

use serde_json::{Map, Value};

use super::Stage;

/// Members that every rule may have. `id` and `hits` are there when a rule comes back as it was shown; they are set anew.
const EVERYWHERE: [&str; 6] = ["id", "on", "match", "count", "skip", "hits"];

/// What a stage knows.
struct Words {
    /// What a rule may look at.
    facts: &'static [&'static str],
    /// What does something by itself.
    acts: &'static [&'static str],
    /// What says more about an effect, and of which: one of these must be there.
    more: &'static [(&'static str, &'static [&'static str])],
}

const fn words(stage: Stage) -> Words {
    match stage {
        Stage::Twilsock => Words {
            facts: &["method", "identity"],
            acts: &["status", "noReply", "delayMs", "drop"],
            more: &[("errorCode", &["status"]), ("description", &["status"]), ("body", &["status"])],
        },
        Stage::Http => Words {
            facts: &["method", "path", "host", "identity", "action"],
            acts: &["drop", "twilsockStatus", "status", "noReply", "delayMs"],
            more: &[
                ("errorCode", &["twilsockStatus"]),
                ("description", &["twilsockStatus"]),
                ("code", &["status"]),
                ("message", &["status"]),
                ("body", &["status", "twilsockStatus"]),
                ("headers", &["status"]),
                ("process", &["status", "noReply", "delayMs", "drop"]),
            ],
        },
        Stage::Command => Words {
            facts: &["action", "identity"],
            acts: &["status", "noReply", "delayMs"],
            more: &[("statusText", &["status"]), ("process", &["status", "noReply", "delayMs"])],
        },
        Stage::Event => Words {
            facts: &["identity", "eventType", "entity", "type", "messageType"],
            acts: &["op"],
            more: &[("delayMs", &["op"])],
        },
    }
}

impl Words {
    fn knows(&self, name: &str) -> bool {
        EVERYWHERE.contains(&name)
            || self.acts.contains(&name)
            || self.more.iter().any(|(known, _)| *known == name)
    }

    fn effects(&self) -> String {
        let more = self.more.iter().map(|(name, _)| *name);
        self.acts.iter().copied().chain(more).collect::<Vec<_>>().join(", ")
    }
}

/// What is wrong about a rule of this stage, in words that name the place.
pub(super) fn check(stage: Stage, rule: &Map<String, Value>) -> Result<(), String> {
    let (words, on) = (words(stage), stage.word());
    if let Some(name) = rule.keys().find(|name| !words.knows(name)) {
        return Err(format!("{name:?} is no effect of {on}; there are: {}", words.effects()));
    }
    let given =
        |name: &str| rule.get(name).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
    if !words.acts.iter().any(|name| given(name)) {
        return Err(format!("it does nothing; effects of {on}: {}", words.effects()));
    }
    for (name, of) in words.more {
        if given(name) && !of.iter().any(|name| given(name)) {
            return Err(format!("{name:?} does nothing without {}", of.join(" or ")));
        }
    }
    if rule.get("op").is_some_and(|op| op == "delay") && !given("delayMs") {
        return Err("\"op\": \"delay\" does nothing without delayMs".into());
    }
    if let Some(count) = rule.get("count").and_then(Value::as_i64).filter(|count| *count == 0 || *count < -1)
    {
        return Err(format!("\"count\": {count} never acts; -1 is for ever"));
    }
    let mut facts = rule.get("match").and_then(Value::as_object).into_iter().flatten();
    facts.try_for_each(|(name, wanted)| fact(on, &words, name, wanted))
}

fn fact(on: &str, words: &Words, name: &str, wanted: &Value) -> Result<(), String> {
    if !words.facts.contains(&name) {
        return Err(format!("{name:?} is no fact of {on}; there are: {}", words.facts.join(", ")));
    }
    let any = match wanted {
        Value::Array(any) => any.as_slice(),
        one => std::slice::from_ref(one),
    };
    if any.is_empty() || !any.iter().all(Value::is_string) {
        return Err(format!("{name:?} is to be a text, or a list of texts; {wanted} matches nothing"));
    }
    Ok(())
}
