//! Whether all agree: each side's messages, in every way in which it has them, against the service's.

use std::fmt;

use chat_smol::proto::Message;
use chat_smol::{Channel, Direction, Json, StreamExt};
use chat_testkit::serve::Server;
use serde_json::{Value, json};

use super::person::Person;
use super::story::failed;
use crate::exit::Failure;

/// A message, as far as all must agree on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    index: u64,
    sid: String,
    author: String,
    body: String,
    attributes: Json,
    edited_by: Option<String>,
}

impl Line {
    pub(super) fn of(message: &Message) -> Self {
        Self {
            index: message.index,
            sid: message.sid.to_string(),
            author: message.author.as_ref().map(ToString::to_string).unwrap_or_default(),
            body: message.body.as_deref().unwrap_or_default().to_owned(),
            attributes: message.attributes.clone(),
            edited_by: message.last_updated_by.as_ref().map(ToString::to_string),
        }
    }

    /// An item as the service stores it; `None` when something is missing.
    fn stored(item: &Value) -> Option<Self> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            index: item.get("index")?.as_u64()?,
            sid: text("sid")?,
            author: text("author")?,
            body: text("text")?,
            attributes: Json::parse(&text("attributes")?).ok()?,
            edited_by: text("lastUpdatedBy"),
        })
    }
}

/// The messages of a channel as the service stores them.
pub(super) async fn service_lines(server: &Server, channel: &str) -> Result<Vec<Line>, Failure> {
    let stored = server.admin("messages", json!({ "channel": channel })).await.map_err(Failure::failed)?;
    let lines: Option<Vec<_>> =
        stored.as_array().map_or(Some(Vec::new()), |items| items.iter().map(Line::stored).collect());
    lines.ok_or_else(|| Failure::failed("the service stores a message that cannot be read"))
}

/// What one person has of the channel.
#[derive(Debug, Clone)]
pub(super) struct Side {
    name: &'static str,
    /// Indexes of added messages, as told.
    added: Vec<u64>,
    /// What the events amount to.
    events: Vec<Line>,
    /// What the client holds.
    held: Vec<Line>,
    /// What the service gives this person when asked.
    fetched: Vec<Line>,
    /// Events that were lost on the way.
    lagged: u64,
}

impl Side {
    pub(super) async fn of(person: &Person, channel: &Channel) -> Result<Self, Failure> {
        let page = channel.get_messages(100, 0, Direction::Forward).await;
        let mut pages = page.map_err(|error| failed("reading the messages", &error))?.into_stream();
        let mut fetched = Vec::new();
        while let Some(message) = pages.next().await {
            let message = message.map_err(|error| failed("reading the messages", &error))?;
            fetched.push(Line::of(&message));
        }
        let held = channel.messages().iter().map(|message| Line::of(message)).collect();
        let seen = person.seen();
        Ok(Self {
            name: person.name(),
            added: seen.added.clone(),
            events: seen.lines(),
            held,
            fetched,
            lagged: seen.lagged,
        })
    }

    /// What is wrong with this side, in words.
    fn objection(&self, service: &[Line]) -> Option<String> {
        let indexes: Vec<u64> = service.iter().map(|line| line.index).collect();
        let name = self.name;
        let (told, stored) = (self.added.len(), service.len());
        if self.lagged > 0 {
            Some(format!("{name} lost {} events", self.lagged))
        } else if self.added != indexes {
            Some(format!(
                "{name} was told of {told} messages {:?}, the service stores {stored} {indexes:?}",
                self.added
            ))
        } else if self.events != service {
            Some(format!("the events told {name} other messages than the service stores"))
        } else if self.held != service {
            Some(format!("{name}'s client holds other messages than the service stores"))
        } else if self.fetched != service {
            Some(format!("{name} reads other messages than the service stores"))
        } else {
            None
        }
    }
}

/// What came out.
#[derive(Debug)]
pub(super) struct Verdict {
    /// How many events both sides saw together.
    pub(super) events: u64,
    pub(super) service: Vec<Line>,
    pub(super) sides: Vec<Side>,
}

impl Verdict {
    /// Whether every side has exactly what the service has. A channel without messages proves nothing.
    pub(super) fn agrees(&self) -> bool {
        self.objections().is_empty()
    }

    fn objections(&self) -> Vec<String> {
        let mut objections: Vec<_> =
            self.sides.iter().filter_map(|side| side.objection(&self.service)).collect();
        if self.service.is_empty() || self.sides.len() < 2 {
            objections.push("there is nothing to compare".into());
        }
        objections
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, messages) = (self.events, self.service.len());
        write!(f, "{events} events and {messages} messages were seen: ")?;
        let objections = self.objections();
        if objections.is_empty() {
            write!(f, "the two sides and the service agree on every message.")
        } else {
            write!(f, "the two sides do not agree: {}", objections.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(index: u64, body: &str) -> Line {
        Line {
            index,
            sid: format!("IM{index}"),
            author: "alice".into(),
            body: body.into(),
            attributes: Json::default(),
            edited_by: None,
        }
    }

    fn side(name: &'static str) -> Side {
        let lines = vec![line(0, "a"), line(1, "b")];
        Side {
            name,
            added: vec![0, 1],
            events: lines.clone(),
            held: lines.clone(),
            fetched: lines,
            lagged: 0,
        }
    }

    fn verdict(change: impl FnOnce(&mut Verdict)) -> Verdict {
        let service = vec![line(0, "a"), line(1, "b")];
        let mut verdict = Verdict { events: 9, service, sides: vec![side("alice"), side("bob")] };
        change(&mut verdict);
        verdict
    }

    #[test]
    fn equal_sides_agree() {
        let verdict = verdict(|_| ());
        assert!(verdict.agrees());
        assert!(verdict.to_string().starts_with("9 events and 2 messages"));
    }

    #[test]
    fn every_difference_is_found() {
        let changes: [fn(&mut Verdict); 9] = [
            |v| v.sides[1].added = vec![0, 1, 1],
            |v| v.sides[1].added = vec![1, 0],
            |v| v.sides[1].added.truncate(1),
            |v| v.sides[0].events[0].body.push('x'),
            |v| v.sides[0].held.truncate(1),
            |v| v.sides[1].fetched[1].edited_by = Some("bob".into()),
            |v| v.sides[1].lagged = 1,
            |v| v.service.truncate(1),
            |v| v.sides.truncate(1),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let verdict = verdict(change);
            assert!(!verdict.agrees(), "change {number}");
            assert!(verdict.to_string().contains("do not agree"), "{verdict}");
        }
    }
}
