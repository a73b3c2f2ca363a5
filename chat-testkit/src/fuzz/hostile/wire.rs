//! Frames as values: what the service said, and the same with something else in it.

use chat_proto::frame::{FrameLimits, decode, encode};
use serde_json::{Value, json};

use super::super::script::Script;
use super::SECRET;

/// A request of the client.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) id: String,
    /// Method and path, without what is different each time.
    pub(super) what: String,
}

/// A frame of the service.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) header: Value,
    /// `null` where there is none.
    pub(super) payload: Value,
    /// What it answers.
    pub(super) answers: String,
}

impl Frame {
    pub(super) fn id(&self) -> Option<&str> {
        self.header.get("id")?.as_str()
    }

    pub(super) fn method(&self) -> &str {
        self.header.get("method").and_then(Value::as_str).unwrap_or_default()
    }

    /// With the sizes that belong to it, but for `off`.
    pub(super) fn bytes(mut self, off: i64) -> Vec<u8> {
        let payload = if self.payload.is_null() { String::new() } else { self.payload.to_string() };
        if let Value::Object(members) = &mut self.header
            && (off != 0 || !payload.is_empty())
        {
            let size = i64::try_from(payload.len()).unwrap_or(0).saturating_add(off);
            members.insert("payload_size".into(), size.into());
        }
        encode(&self.header.to_string(), payload.as_bytes())
    }
}

/// A frame of JSON.
pub(super) fn read(bytes: &[u8]) -> Option<Frame> {
    let (header, payload) = decode(bytes, FrameLimits::default()).ok()?;
    let payload = serde_json::from_slice(payload).unwrap_or(Value::Null);
    Some(Frame { header: serde_json::from_str(header).ok()?, payload, answers: String::new() })
}

/// The request in a frame of the client, if it is one.
///
/// # Panics
///
/// When it is no frame: that would be a fault of the client.
pub(super) fn asks(bytes: &[u8]) -> Option<Asked> {
    let frame = read(bytes).expect("the client sends frames");
    let method = frame.method();
    if method == "reply" {
        return None;
    }
    let request = frame.header.pointer("/http_request");
    let text = |name: &str| request.and_then(|of| of.get(name)).and_then(Value::as_str).unwrap_or_default();
    let path: String = text("path").chars().filter(|c| !c.is_ascii_digit()).collect();
    // SIDs and pages are cut out: an answer to the same question about something else will do.
    let path: Vec<&str> = path.split(['/', '?']).filter(|part| part.len() < 24).collect();
    let what = format!("{method} {} {}", text("method"), path.join("/"));
    Some(Asked { id: frame.id()?.to_owned(), what })
}

/// What a hostile service puts in the place of something else.
fn evil(script: &mut Script<'_>) -> Value {
    match script.byte() % 12 {
        0 => Value::Null,
        1 => json!({}),
        2 => json!([]),
        3 => "".into(),
        4 => u64::MAX.into(),
        5 => i64::MIN.into(),
        6 => (-1).into(),
        7 => script.number().into(),
        8 => script.text(16).into(),
        9 => json!(1e300),
        10 => "x".repeat(usize::from(script.byte()) * 16).into(),
        _ => script.value(2),
    }
}

/// Changes something somewhere in a value.
pub(in crate::fuzz) fn change(value: &mut Value, script: &mut Script<'_>) {
    let place = script.below(places(value));
    let how = script.byte() % 8;
    let other = match how {
        // Something that stands elsewhere in it: a SID for a SID, a number for a number.
        0..=2 => {
            let from = script.below(places(value));
            let other = at(value, from).cloned().unwrap_or(Value::Null);
            if other.to_string().contains(SECRET) { Value::Null } else { other }
        }
        _ => evil(script),
    };
    let Some(target) = at(value, place) else { return };
    match (how, &mut *target) {
        (3, Value::Object(members)) => {
            let nth = script.below(members.len().max(1));
            let name = members.keys().nth(nth).cloned().unwrap_or_default();
            members.shift_remove(&name);
        }
        (4, Value::Object(members)) => {
            members.insert(script.name().to_owned(), other);
        }
        (3 | 4, Value::Array(items)) => {
            let again = items.clone();
            items.extend(again);
            items.truncate(200);
        }
        (5 | 6, Value::Number(number)) => {
            let by = i64::from(script.byte()) - 4;
            *target = number.as_i64().unwrap_or(0).saturating_add(by).into();
        }
        _ => *target = other,
    }
}

/// How many values there are in it, itself included.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(members) => members.values().map(places).sum(),
        _ => 0,
    }
}

/// The n-th of them.
fn at(value: &mut Value, place: usize) -> Option<&mut Value> {
    let Some(mut place) = place.checked_sub(1) else { return Some(value) };
    let children: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(members) => Box::new(members.values_mut()),
        _ => return None,
    };
    for child in children {
        let here = places(child);
        if place < here {
            return at(child, place);
        }
        place -= here;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_reached_once() {
        let mut value = json!({"a":[1,{"b":2}],"c":"d"});
        assert_eq!(places(&value), 6);
        let found: Vec<String> =
            (0..6).map(|place| at(&mut value, place).map(|of| of.to_string()).unwrap_or_default()).collect();
        assert_eq!(
            found,
            [r#"{"a":[1,{"b":2}],"c":"d"}"#, r#"[1,{"b":2}]"#, "1", r#"{"b":2}"#, "2", r#""d""#]
        );
        assert_eq!(at(&mut value, 6), None);
    }

    #[test]
    fn sizes_belong_to_the_payload() {
        let frame = Frame { header: json!({"id":"TM1"}), payload: json!({"a":1}), answers: String::new() };
        let bytes = frame.clone().bytes(0);
        assert_eq!(bytes, b"TWILSOCK V3.0 29\r\n{\"id\":\"TM1\",\"payload_size\":7}\r\n{\"a\":1}");
        assert!(String::from_utf8(frame.bytes(3)).unwrap().contains("\"payload_size\":10"));
    }
}
